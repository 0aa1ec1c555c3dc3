/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world: building it up, letting it run, crashing it, and handing alerts in. What trunks and
 * telephones do is in hands.c, what can be seen in eyes.c.
 */
#include "scenario/private.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/alloc.h>
#include <tocsin/trigger.h>

#include "alert/alert.h"
#include "alert/self_alarm.h"
#include "call/page.h"
#include "call/trunk.h"
#include "host/rfc3339.h"
#include "oncall/oncall.h"
#include "scenario/watch.h"
#include "speech/speech.h"
#include "store/journal.h"
#include "store/store.h"

#define SETTLE_MS 10000 /* real time after which something hangs */

static void die(const char *what)
{
	fprintf(stderr, "scenario: %s\n", what);
	abort();
}

struct world *world_new(void)
{
	struct world *w = tc_alloc(sizeof(*w));
	const char *tmp = getenv("TMPDIR");

	snprintf(w->dir, sizeof(w->dir), "%.40s/scenario.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(w->dir))
		die("no temporary directory");
	w->config = json_pack("{s:s, s:s}", "node", "test", "state_dir", w->dir);
	w->trunks = json_array();
	return w;
}

static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *file;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		file = tc_asprintf("%s/%s", path, e->d_name);
		if (unlink(file))
			remove_tree(file);
		free(file);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

void world_config(struct world *w, const char *path, const char *value)
{
	json_t *at = w->config;
	char *copy = tc_strdup(path), *rest = copy, *part = strsep(&rest, ".");

	while (rest) {
		if (!json_object_get(at, part))
			json_object_set_new(at, part, json_object());
		at = json_object_get(at, part);
		part = strsep(&rest, ".");
	}
	json_object_set_new(at, part, json_string(value));
	free(copy);
}

void world_trunk(struct world *w, const char *name, const char *max_calls, const char *rate)
{
	json_array_append_new(w->trunks,
			      json_pack("{s:s, s:s, s:s, s:s}", "name", name, "plugin", "script",
					"max_calls", max_calls, "calls_per_second", rate));
}

/* ---- building up ---- */

static int trigger_open(struct tc_instance *self, const void *cfg, void **state)
{
	(void)cfg;
	*state = self;
	return 0;
}

static void trigger_close(void *state)
{
	(void)state;
	watch_close();
}

static const struct tc_option no_options[] = {TC_OPTION_END};
static const struct tc_plugin script_trigger = {TC_PLUGIN_GUARD(TC_KIND_TRIGGER),
						.name = "script",
						.version = "1",
						.summary = "hands in what the script says",
						.options = no_options,
						.config_size = 8,
						.open = trigger_open,
						.close = trigger_close,
						.status = watch_status,
						.ops = &watch_ops};

static struct tc_instance *instance(struct world *w, enum tc_kind kind, json_t *settings)
{
	struct tc_errors *errs = tc_errors_new();
	struct tc_instance *self;

	errors_set_lenient(errs, true); /* the script's values are text */
	self = instance_new(w->host, kind, settings, errs);
	if (!self)
		die(tc_errors_text(errs, 0));
	tc_errors_free(errs);
	json_decref(settings);
	return self;
}

static void fill_config(struct world *w)
{
	struct tc_errors *errs = tc_errors_new();

	errors_set_lenient(errs, true);
	w->cfg = (struct config){0};
	if (tc_options_fill(config_table, w->config, &w->cfg, &w->memory, errs))
		die(tc_errors_text(errs, 0));
	tc_errors_free(errs);
}

static void on_resumed(void *arg, int err)
{
	struct world *w = arg;

	if (err)
		die("cannot resume");
	w->resumed = true;
}

static void open_trunks(struct world *w)
{
	size_t i;
	json_t *settings;

	fakes.trunks = 0;
	json_array_foreach(w->trunks, i, settings) {
		struct tc_instance *self = instance(w, TC_KIND_PBX, json_incref(settings));

		trunks_add(w->lines, self);
		instance_open(self);
	}
}

void world_start(struct world *w)
{
	struct caller_deps deps;
	struct tc_instance *self;
	char fault[256], *prompts = tc_asprintf("%s/prompts", w->dir);

	fill_config(w);
	w->loop = loop_new(LOOP_VIRTUAL);
	loop_advance_us(w->loop, w->passed_us);
	w->host = host_new(w->loop, getenv("TOCSIN_PLUGIN_PATH"), w->dir);
	host_plugin_add(w->host, &fake_pbx);
	host_plugin_add(w->host, &fake_tts);
	host_plugin_add(w->host, &script_trigger);
	self = instance(w, TC_KIND_STORE,
			json_pack("{s:s, s:s}", "plugin", "sqlite", "synchronous", "normal"));
	instance_open(self);
	fake_store(self);
	w->store = store_open(w->loop, self, fault, sizeof(fault));
	if (!w->store)
		die(fault);
	w->journal = journal_new();
	w->lines = trunks_new(w->loop, w->store, w->journal);
	w->speech = speech_new(w->loop, prompts, 1 << 30);
	w->oncall = oncall_new(w->loop, w->store);
	oncall_configure(w->oncall, &w->cfg.escalation);
	deps = (struct caller_deps){w->loop,   w->store,  w->journal,    w->lines,
				    w->speech, &w->cfg.call, &w->cfg.prompts,
				    oncall_directory(w->oncall)};
	w->caller = caller_new(&deps);
	w->alerts = alerts_new(&(struct alerts_deps){.loop = w->loop,
						     .store = w->store,
						     .journal = w->journal,
						     .caller = w->caller,
						     .oncall = w->oncall,
						     .config = &w->cfg.escalation});
	*host_services(w->host) = (struct host_services){.store = w->store,
							   .journal = w->journal,
							   .alerts = w->alerts,
							   .trunks = w->lines};
	open_trunks(w);
	self = instance(w, TC_KIND_TTS, json_pack("{s:s}", "plugin", "script"));
	instance_open(self);
	speech_voice_add(w->speech, self);
	w->trigger = instance(w, TC_KIND_TRIGGER, json_pack("{s:s}", "plugin", "script"));
	instance_open(w->trigger);
	w->running = true;
	w->resumed = false;
	alerts_tell(w->alerts, w->host);
	w->self_alarms = self_alarms_new(&(struct self_deps){.loop = w->loop,
							     .host = w->host,
							     .store = w->store,
							     .journal = w->journal,
							     .trunks = w->lines,
							     .oncall = w->oncall,
							     .caller = w->caller,
							     .alerts = w->alerts,
							     .config = &w->cfg.self_alarms});
	alerts_resume(w->alerts, on_resumed, w);
	world_settle(w);
	free(prompts);
}

void world_crash(struct world *w)
{
	struct tc_instance *self;

	if (!w->running)
		return;
	w->running = false;
	world_store(w, "works"); /* the next process finds it so */
	w->passed_us = loop_now_us(w->loop);
	self_alarms_free(w->self_alarms);
	alerts_free(w->alerts);
	caller_free(w->caller);
	oncall_free(w->oncall);
	trunks_free(w->lines);
	speech_free(w->speech);
	store_close(w->store);
	journal_free(w->journal);
	while ((self = instance_next(w->host, NULL)))
		instance_free(self);
	host_free(w->host);
	loop_free(w->loop);
	tc_options_release(w->memory);
	w->memory = NULL;
}

void world_stop(struct world *w)
{
	self_alarms_close(w->self_alarms);
	caller_close(w->caller);
	for (unsigned i = 0; i < fakes.trunks; i++)
		instance_close(fakes.trunk[i]);
	world_store(w, "works");
	world_pass(w, 1000000);
	world_crash(w);
}

void world_free(struct world *w)
{
	struct fake_call *c;

	if (w->running)
		world_voice(w, "works");
	world_crash(w);
	while (world_asked(w))
		;
	while ((c = TAILQ_FIRST(&fakes.calls))) {
		TAILQ_REMOVE(&fakes.calls, c, link);
		free(c);
	}
	watch_reset();
	fakes.refuse = NULL;
	fakes.found[0] = '\0';
	fakes.forgets = false;
	fakes.mute = false;
	fakes.slow = false;
	json_decref(w->config);
	json_decref(w->trunks);
	free((char *)w->severity);
	while (w->messages_n)
		free(w->messages[--w->messages_n]);
	remove_tree(w->dir);
	free(w);
}

/* ---- letting it run ---- */

void world_settle(struct world *w)
{
	int64_t until_us = tc_now_us() + SETTLE_MS * 1000;
	unsigned quiet = 0;

	/*
	 * Quiet turns: what the last one woke on another thread has been posted by then. With a
	 * slow voice it cannot be told what the speech room still waits for, so it takes more of
	 * them.
	 */
	while (quiet < (fakes.held_n ? 40 : 2)) {
		bool ran = loop_turn(w->loop);
		bool busy = store_pending(w->store) || (speech_pending(w->speech) && !fakes.held_n);

		quiet = ran || busy ? 0 : quiet + 1;
		if (!ran && (busy || fakes.held_n))
			nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
		if (tc_now_us() > until_us)
			die("it does not come to rest");
	}
}

void world_pass(struct world *w, int64_t us)
{
	int64_t until_us = loop_now_us(w->loop) + us;

	for (;;) {
		int64_t next_us;

		world_settle(w);
		next_us = loop_next_us(w->loop);
		if (next_us > until_us)
			break;
		if (next_us > loop_now_us(w->loop))
			loop_advance_us(w->loop, next_us - loop_now_us(w->loop));
	}
	loop_advance_us(w->loop, until_us - loop_now_us(w->loop));
	world_settle(w);
}

bool world_pass_until(struct world *w, const char *rfc3339)
{
	int64_t until_us, now_us = loop_wall_us(w->loop);

	if (rfc3339_parse(rfc3339, &until_us) || until_us < now_us)
		return false;
	world_pass(w, until_us - now_us);
	return true;
}

void world_jump(struct world *w, int64_t by_us)
{
	loop_set_wall_us(w->loop, by_us);
}

int64_t world_now_us(const struct world *w)
{
	return loop_now_us(w->loop);
}

/* ---- hands ---- */

struct answer {
	int err;
	bool there;
	struct tc_intake_result result;
};

static void on_taken(void *arg, int err, const struct tc_intake_result *results, size_t n)
{
	struct answer *a = arg;

	a->there = true;
	a->err = err;
	if (!err && n)
		a->result = results[0];
}

static bool submit(struct world *w, const struct tc_intake *in, struct answer *a, const char **what)
{
	struct tc_errors *errs = tc_errors_new();
	int err = tc_intake_submit(w->trigger, in, 1, errs, on_taken, a);

	*what = "overloaded";
	if (err == -EINVAL) {
		snprintf(w->text, sizeof(w->text), "fault %s", tc_errors_field(errs, 0));
		*what = w->text;
	}
	tc_errors_free(errs);
	if (err)
		return false;
	world_settle(w);
	return a->there && !a->err;
}

const char *world_alert(struct world *w, const char *to, const char *message, const char *key,
			bool once, const char **what)
{
	struct tc_intake in = {.message = message,
			       .target = to,
			       .severity = w->severity,
			       .dedup_key = key,
			       .dedup = once ? TC_DEDUP_ONCE : TC_DEDUP_ACTIVE,
			       .source = "script"};
	struct answer a = {0};

	if (!submit(w, &in, &a, what))
		return NULL;
	*what = a.result.deduplicated ? "known" : "new";
	tc_strcopy(w->message, sizeof(w->message), message);
	if (w->messages_n < sizeof(w->messages) / sizeof(*w->messages))
		w->messages[w->messages_n++] = tc_strdup(message);
	tc_strcopy(w->id, sizeof(w->id), a.result.id);
	return w->id;
}

bool world_resolve(struct world *w, const char *key, const char *family)
{
	struct tc_intake in = {.action = TC_INTAKE_RESOLVE,
			       .dedup_key = key,
			       .family = family,
			       .source = "script"};
	struct answer a = {0};
	const char *what;

	return submit(w, &in, &a, &what) && a.result.id[0];
}

static void on_acted(void *arg, int err, const char *now)
{
	struct world *w = arg;

	snprintf(w->text, sizeof(w->text), "%s", err == -ENOENT ? "unknown" : err ? now : "ok");
}

const char *world_act(struct world *w, const char *id, const char *verb, int64_t for_us)
{
	static const char *const verbs[] = {
#define X(sym, name, to, from) [sym] = name,
		ALERT_VERBS(X)
#undef X
	};

	snprintf(w->text, sizeof(w->text), "no such verb");
	for (unsigned i = 0; i < ALERT_VERB_COUNT; i++)
		if (!strcmp(verbs[i], verb))
			alerts_act(w->alerts, id,
				   &(struct alert_act){.verb = (enum alert_verb)i,
						       .by = "script",
						       .until_us = loop_wall_us(w->loop) + for_us},
				   on_acted, w);
	world_settle(w);
	return w->text;
}
