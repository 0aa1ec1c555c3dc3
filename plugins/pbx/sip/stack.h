/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the user agent: what the files that use libre share. All of it belongs to the
 * signalling thread, unless said otherwise.
 */
#ifndef SIP_STACK_H
#define SIP_STACK_H

#include <pthread.h>

#include "agent.h"
#include "rtp/clips.h"

/* Not re.h: its JSON names are jansson's. The order is libre's. */
#include <re_types.h>
#include <re_fmt.h>
#include <re_mbuf.h>
#include <re_list.h>
#include <re_mem.h>
#include <re_hash.h>
#include <re_sa.h>
#include <re_tmr.h>
#include <re_main.h>
#include <re_sys.h>
#include <re_base64.h>
#include <re_msg.h>
#include <re_uri.h>
#include <re_udp.h>
#include <re_tcp.h>
#include <re_srtp.h>
#include <re_tls.h>
#include <re_rtp.h>
#include <re_sdp.h>
#include <re_sip.h>

struct leg;
struct rescue;
struct upkeep;

TAILQ_HEAD(leg_list, leg);
TAILQ_HEAD(rescue_list, rescue);

struct network {
	uint32_t ip, mask;
};

struct agent {
	struct tc_instance *self;
	const struct sip_config *cfg;
	pthread_t thread;

	/* Set before the thread starts. */
	struct target uri, proxy; /* proxy.host is "" when there is none */
	char domain[256], from_user[128], contact_user[128];
	uint32_t listen_ip; /* 0 = to be found out */
	uint16_t listen_port, rtp_min, rtp_max;
	uint32_t rtp_ip;          /* what the SDP says; 0 = local_ip */
	struct network *networks; /* owned; the setting peers */
	size_t n_networks;
	bool pcmu, pcma, pcmu_first;
	unsigned bound; /* the plugin's own limit of calls */

	/* Shared by both threads, under lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	STAILQ_HEAD(, command) commands;
	int wake_fd;
	enum { AGENT_STARTING, AGENT_WAITING, AGENT_UP, AGENT_FAILED } state;
	int err; /* of AGENT_FAILED, negative */
	unsigned calls;
	struct agent_figures figures;

	/* The signalling thread's. */
	struct sip *sip;
	struct tls *tls;
	struct sip_lsnr *requests, *responses;
	enum sip_transp tp;
	struct sa next, local; /* next hop; our address in Via and Contact */
	uint32_t peers[RESOLVED_MAX];
	unsigned n_peers;
	struct hash *legs_by_id;
	struct leg_list legs, queue;
	unsigned n_legs, n_queued;
	unsigned n_live;     /* legs whose end was not reported */
	unsigned n_incoming; /* of these, calls that came in */
	struct rescue_list rescues;
	struct upkeep *upkeep;
	struct pacer *pacer;
	struct clips *clips;
	int notify_fd; /* of the pacer */
	uint16_t rtp_next;
	double tokens; /* INVITEs that may leave now */
	uint64_t filled_ms;
	struct tmr tmr_queue, tmr_close;
	bool closing;
};

/* ---- agent.c ---- */

/* Whether requests from there are listened to. */
bool agent_is_peer(const struct agent *agent, const struct sa *src);
void agent_dropped(struct agent *agent);
/* A call has ended for the core: its place is free. */
void agent_release(struct agent *agent);
/* What status() shows; changes are told to the core. */
void agent_set_health(struct agent *agent, bool healthy, const char *why);
void agent_set_registered(struct agent *agent, bool registered);
/* The numbers of legs changed: for status(), and perhaps closing is done. */
void agent_count(struct agent *agent);
/* May an INVITE leave now? Takes a token. */
bool agent_take_token(struct agent *agent);
/* Make the queue go on. */
void agent_run_queue(struct agent *agent);
/* A bound UDP socket on the next free even port of the range. result: fd or negative errno */
int agent_rtp_socket(struct agent *agent, uint16_t *port);
struct sockaddr_in agent_sockaddr(const struct sa *sa);

/* ---- transport.c ---- */

/*
 * Open the transports of the configuration on agent->local. result: 0 or a negative errno
 * (logged)
 */
int transport_open(struct agent *agent);
const char *transport_name(const struct agent *agent);

/* ---- inbound.c ---- */

/*
 * Begin to listen to requests, and to responses that no transaction waits for. result: 0 or a
 * positive errno
 */
int inbound_listen(struct agent *agent);

#endif
