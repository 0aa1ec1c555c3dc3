/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a plugin is, and what the host offers to each of its instances.
 *
 * A plugin is a shared object with one data symbol, "tc_plugin". The host checks magic, abi, size,
 * kind and name before anything of it runs. Several instances of one plugin always work: a plugin
 * has no mutable file-scope variables.
 */
#ifndef TOCSIN_PLUGIN_H
#define TOCSIN_PLUGIN_H

#include <tocsin/defs.h>
#include <tocsin/option.h>

#define TC_PLUGIN_MAGIC 0x54435031u /* "TCP1" */
#define TC_PLUGIN_ABI 3u
#define TC_PLUGIN_SYMBOL "tc_plugin"

/* Kinds: constant, folder below plugins/ and the plugin path. */
#define TC_KINDS(X) \
	X(TC_KIND_PBX, "pbx") \
	X(TC_KIND_TTS, "tts") \
	X(TC_KIND_SMS, "sms") \
	X(TC_KIND_TRIGGER, "triggers") \
	X(TC_KIND_STORE, "store")

enum tc_kind {
#define X(sym, folder) sym,
	TC_KINDS(X)
#undef X
	TC_KIND_COUNT
};

struct tc_instance; /* one configured instance; made by the host */
struct tc_status;   /* where status() writes */

struct tc_plugin {
	uint32_t magic, abi, size, kind; /* never move: they guard the rest */
	const char *name;                /* as in the file name NAME.so */
	const char *version;
	const char *summary;             /* one line */
	const struct tc_option *options;
	size_t config_size;              /* of the struct that options fill */

	/*
	 * What the table cannot express. Never touches the network or other state: --check calls
	 * it. May be NULL. result: 0, or -EINVAL after tc_errors_add().
	 */
	int (*check)(const void *cfg, struct tc_errors *errs);

	/*
	 * Once per configured instance, on the loop thread at start-up (may block briefly).
	 *
	 * cfg     lives until close() has returned
	 * state   receives the instance's state: handed to all that follows
	 * result  0 or a negative errno, after tc_log() has said why
	 */
	int (*open)(struct tc_instance *self, const void *cfg, void **state);

	/* The end of an instance, on the loop thread. Its threads have ended when it returns. */
	void (*close)(void *state);

	/*
	 * How it is: for /v1/plugins, /metrics and the UI. Loop thread, never blocks. May be NULL.
	 */
	void (*status)(void *state, struct tc_status *out);

	const void *ops; /* struct tc_pbx_ops, tc_tts_ops, tc_store_ops, tc_trigger_ops, by kind; a
			    trigger may have none: NULL */
};

#define TC_PLUGIN_GUARD(k) \
	.magic = TC_PLUGIN_MAGIC, .abi = TC_PLUGIN_ABI, .size = sizeof(struct tc_plugin), \
	.kind = (k)

/* ---- what the host offers. Thread: loop, unless a function says otherwise ---- */

/* The instance's name in the configuration ("direct"). Thread: any. */
TC_API const char *tc_instance_name(const struct tc_instance *self);

/* The daemon's state directory, an absolute path. Thread: any. */
TC_API const char *tc_instance_state_dir(const struct tc_instance *self);

/* The loop, for libraries that want it (libcurl, libwebsockets). */
struct event_base;
TC_API struct event_base *tc_instance_loop(const struct tc_instance *self);

/*
 * Run fn(arg) on the loop thread, in the order of the calls, never inside the caller's frame.
 *
 * result  0. After close() of the instance nothing of it runs any more: what is still queued is
 *         dropped through drop(arg) (may be NULL: nothing to free).
 * thread  any
 */
TC_API int tc_post(struct tc_instance *self, void (*fn)(void *arg), void (*drop)(void *arg),
		   void *arg);

/* A one-shot timer on the loop, on the monotonic clock. */
struct tc_timer;
TC_API struct tc_timer *tc_timer_new(struct tc_instance *self, void (*fn)(void *arg), void *arg);
/* Fires once, delay_ms from now; an armed timer is moved. */
TC_API void tc_timer_start(struct tc_timer *t, int64_t delay_ms);
TC_API void tc_timer_stop(struct tc_timer *t);
TC_API void tc_timer_free(struct tc_timer *t);

/* Microseconds: monotonic, and since 1970 UTC. Thread: any. */
TC_API int64_t tc_now_us(void);
TC_API int64_t tc_wall_us(void);

/*
 * A new id (UUIDv7) that sorts by a time: now, or when the thing is to be.
 *
 * wall_us  since 1970
 * thread   any
 * source   RFC 9562
 */
TC_API void tc_id_new(char id[TC_ID_SIZE], int64_t wall_us);

/* Status: whether it can be used now, a sentence why (not), and numbers. Numbers become metrics. */
TC_API void tc_status_health(struct tc_status *s, bool healthy, const char *fmt, ...)
	TC_PRINTF(3, 4);
TC_API void tc_status_number(struct tc_status *s, const char *name, double value);
TC_API void tc_status_text(struct tc_status *s, const char *name, const char *value);

#endif
