/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plugin host: finds plugins, opens instances, makes operations.
 */
#ifndef CORE_HOST_HOST_H
#define CORE_HOST_HOST_H

#include <sys/queue.h>

#include <tocsin/op.h>
#include <tocsin/plugin.h>

struct host;
struct loop;

/* Folder of a kind ("triggers"), and back; TC_KIND_COUNT if there is none. */
const char *kind_name(enum tc_kind kind);
enum tc_kind kind_find(const char *name);

/* plugin_path: folders separated by ":"; copied. state_dir: absolute; copied. */
struct host *host_new(struct loop *loop, const char *plugin_path, const char *state_dir);
void host_free(struct host *host);
struct loop *host_loop(const struct host *host);

/* What plugins reach through their instance; the daemon fills it in before instances are opened. */
struct host_services {
	struct store *store;
	struct journal *journal;
	struct http_server *http;
	struct alerts *alerts;
	struct trunks *trunks;
	struct prompts *prompts;
};
struct host_services *host_services(struct host *host);

/*
 * Find a plugin, loading it when it is not yet loaded.
 *
 * fault   receives one line why not, found and wanted (size_bytes of it)
 * result  NULL on failure; lives as long as the process
 */
const struct tc_plugin *host_plugin(struct host *host, enum tc_kind kind, const char *name,
				    char *fault, size_t size_bytes);
/* Offer a plugin that is linked in (tests). */
void host_plugin_add(struct host *host, const struct tc_plugin *plugin);
/*
 * Call fn for each plugin file in the path, sorted by kind and name; plugin is NULL and fault set
 * when refused.
 */
void host_plugin_each(struct host *host,
		      void (*fn)(void *arg, enum tc_kind kind, const char *name,
				 const struct tc_plugin *plugin, const char *fault),
		      void *arg);

struct instance_post; /* work an instance has posted */
struct tc_timer;
struct tc_lane;

/* One configured instance. Others read plugin, name, cfg, state and open; owner is theirs. */
struct tc_instance {
	TAILQ_ENTRY(tc_instance) link;
	struct host *host;
	const struct tc_plugin *plugin;
	char *name;         /* owned */
	const void *cfg;    /* owned; filled by the plugin's table */
	void *memory;       /* owned; what cfg points into */
	json_t *settings;   /* one reference; the document's section */
	void *state;        /* the plugin's */
	bool open;
	void *owner;        /* the core's object around it: struct trunk, struct voice ... */
	TAILQ_HEAD(, instance_post) posts; /* not yet run; under the host's post lock */
	TAILQ_HEAD(, tc_timer) timers;
	TAILQ_HEAD(, tc_lane) lanes;
};

/*
 * Make an instance from its section of the configuration ("name", "plugin" and the plugin's own
 * settings).
 *
 * settings  a reference is kept
 * errs      receives faults
 * result    NULL when there was a fault
 */
struct tc_instance *instance_new(struct host *host, enum tc_kind kind, const json_t *settings,
				 struct tc_errors *errs);
int instance_open(struct tc_instance *self);
/* Lanes are drained, what was posted is dropped, timers are freed. */
void instance_close(struct tc_instance *self);
void instance_free(struct tc_instance *self);
/* Instances that exist, in the order in which they were made. */
struct tc_instance *instance_next(struct host *host, struct tc_instance *after);
/* {"healthy","text","numbers":{},...}; new reference. */
json_t *instance_status(struct tc_instance *self);

/* ---- operations ---- */

/*
 * Told once on the loop thread. result: as the operation's header says, NULL on error; text may be
 * NULL, borrowed.
 */
typedef void (*op_done_fn)(void *arg, int err, void *result, const char *text);

/*
 * A new operation. done is called once: by the plugin's completion, or with -ETIMEDOUT at the
 * deadline, or with -ECANCELED after op_cancel(). A later completion is swallowed: its result goes
 * to discard.
 *
 * timeout_ms  > 0
 */
struct tc_op *op_new(struct tc_instance *self, const char *what, int64_t timeout_ms,
		     op_done_fn done, void (*discard)(void *result), void *arg);
/* The plugin refused it: done is not called. */
void op_refused(struct tc_op *op);
/* Nobody waits any more: done comes at once with -ECANCELED, before this returns. */
void op_cancel(struct tc_op *op);

/* A lane of the core's own, not of an instance. */
struct tc_lane *lane_open(const char *name, unsigned threads, unsigned depth);

#endif
