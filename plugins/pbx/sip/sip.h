/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings of a SIP trunk, and the commands by which the loop thread speaks to the
 * signalling thread.
 */
#ifndef SIP_SIP_H
#define SIP_SIP_H

#include <sys/queue.h>

#include <tocsin/pbx.h>

#include "amd/talk.h"
#include "target.h"

enum sip_transport { SIP_UDP, SIP_TCP, SIP_TLS };
enum sip_srtp { SIP_SRTP_OFF, SIP_SRTP_MANDATORY };

/* Filled by the option table; the names are those of the settings. */
struct sip_config {
	const char *uri, *listen;
	int transport;
	const char *proxy, *domain, *from_user, *user, *password, *caller_id;
	bool registers;
	int64_t expires_ms;
	const char *tls_ca, *tls_verify_name, *tls_cert, *tls_key;
	int srtp;
	struct tc_strings codecs;
	const char *rtp_ports, *rtp_address;
	int64_t answer_timeout_ms, keepalive_ms;
	int64_t max_calls, max_incoming;
	double calls_per_second;
	struct tc_strings peers;
	bool detect; /* detect_machine */
	struct talk_settings talk;
};

enum command_type {
	COMMAND_CALL,
	COMMAND_PLAY,
	COMMAND_HANGUP,
	COMMAND_ANSWER,
	COMMAND_PRESS,
	COMMAND_RECOVER,
	COMMAND_RESOLVED,
	COMMAND_CLOSE,
};

#define RESOLVED_MAX 16

/* What the names in the configuration stand for. */
struct resolved {
	uint32_t next_ip;  /* where requests go; host byte order, as all here */
	uint32_t local_ip; /* ours on the way to it */
	uint32_t peers[RESOLVED_MAX];
	unsigned n;
};

struct command {
	STAILQ_ENTRY(command) link;
	enum command_type type;
	char call_id[TC_ID_SIZE];
	char uri[TARGET_SIZE];     /* CALL, RECOVER */
	char name[128];            /* CALL: caller's name, or "" */
	char ref[512];             /* RECOVER */
	int64_t ring_timeout_ms;   /* CALL */
	uint32_t play_id;          /* PLAY */
	struct tc_pbx_item *items; /* PLAY: owned, with a reference to each clip */
	size_t n;
	char keys[33];             /* PRESS */
	struct resolved resolved;
};

#endif
