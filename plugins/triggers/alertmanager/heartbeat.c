/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heartbeats; see heartbeat.h. Whether an alert is there is the core's knowledge: here is only what
 * it was last told, and nothing of that outlives the process. When the last one came does, for the
 * message.
 */
#include "heartbeat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tocsin/keep.h>
#include <tocsin/log.h>

#define KEEP_US  (60 * 1000000) /* the time of the last one is kept so often at most */
#define RETRY_MS 5000

/* What the core was told, or is to be told. */
enum said { SAID_NOTHING, SAID_MISSING, SAID_BACK };

struct beat {
	struct heartbeats *all;
	const struct am_route *route;
	struct tc_timer *due, *retry;
	char *key;                    /* owned; of keep.h, and of its alert */
	int64_t last_us, kept_us;     /* wall time of the last one, 0 = never */
	enum said want, said, saying; /* saying: SAID_NOTHING when nothing is under way */
};

struct heartbeats {
	struct tc_instance *self;
	const struct am_config *cfg;
	const char *source;
	int64_t started_us; /* wall time */
	struct beat *beats;
	size_t n;
	unsigned waiting; /* answers of the core that are to come */
	bool freed;       /* the last of them frees */
};

static void release(struct heartbeats *all)
{
	if (!all->freed || all->waiting)
		return;
	for (size_t i = 0; i < all->n; i++)
		free(all->beats[i].key);
	free(all->beats);
	free(all);
}

/* ---- what is said ---- */

static void format_time(int64_t at_us, char text[40])
{
	time_t at = (time_t)(at_us / 1000000);
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(text, 40, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

/* Since when none has come, as far as is known. */
static int64_t since_us(const struct beat *b)
{
	return b->last_us ? b->last_us : b->all->started_us;
}

static char *message_of(const struct beat *b)
{
	const char *template = b->route->template
				       ? b->route->template
				       : "No heartbeat from Alertmanager by route {{route}} since "
					 "{{since}}";
	const char *fault;
	char since[40], *text;
	json_t *values;

	format_time(since_us(b), since);
	values = json_pack("{s:s, s:s, s:I, s:s}", "route", b->route->name, "since", since,
			   "seconds", (json_int_t)((tc_wall_us() - since_us(b)) / 1000000),
			   "instance", tc_instance_name(b->all->self));
	text = tc_template_render(template, values, &fault);
	json_decref(values);
	if (text && text[strspn(text, " \t\r\n")])
		return text;
	free(text);
	return tc_strdup("No heartbeat from Alertmanager");
}

/* ---- telling the core ---- */

static void say(struct beat *b);

static void on_said(void *arg, int err, const struct tc_intake_result *results, size_t n)
{
	struct beat *b = arg;
	struct heartbeats *all = b->all;

	(void)results;
	(void)n;
	all->waiting--;
	if (!err)
		b->said = b->saying;
	b->saying = SAID_NOTHING;
	if (all->freed)
		release(all);
	else if (err)
		tc_timer_start(b->retry, RETRY_MS);
	else
		say(b);
}

static int submit(struct beat *b, const struct tc_intake *in)
{
	struct tc_errors *errs = tc_errors_new();
	int err = tc_intake_submit(b->all->self, in, 1, errs, on_said, b);

	if (err == -EINVAL)
		tc_log(b->all->self, TC_LOG_ERROR,
		       "nobody can be told of a missing heartbeat: %s %s route=%s",
		       tc_errors_field(errs, 0), tc_errors_text(errs, 0), b->route->name);
	tc_errors_free(errs);
	return err;
}

static int submit_missing(struct beat *b)
{
	const struct am_config *cfg = b->all->cfg;
	const struct am_route *r = b->route;
	char *message = message_of(b);
	json_t *labels = json_pack("{s:s, s:s, s:s}", "alertname", "HeartbeatMissing", "route",
				   r->name, "instance", tc_instance_name(b->all->self));
	int err = submit(b, &(struct tc_intake){
				    .action = TC_INTAKE_RAISE,
				    .message = message,
				    .target = r->target ? r->target : cfg->default_target,
				    .strategy = r->strategy ? r->strategy : cfg->default_strategy,
				    .severity = r->severity,
				    .language = r->language,
				    .voice = r->voice,
				    .source = b->all->source,
				    .dedup_key = b->key,
				    .labels = labels,
			    });

	json_decref(labels);
	free(message);
	return err;
}

/* Until the core knows what is so. */
static void say(struct beat *b)
{
	int err;

	if (b->saying || b->want == b->said)
		return;
	tc_timer_stop(b->retry);
	if (b->want == SAID_MISSING)
		err = submit_missing(b);
	else
		err = submit(b, &(struct tc_intake){.action = TC_INTAKE_RESOLVE,
						    .source = b->all->source,
						    .dedup_key = b->key});
	if (err) {
		tc_timer_start(b->retry, RETRY_MS);
		return;
	}
	b->saying = b->want;
	b->all->waiting++;
}

static void on_retry(void *arg)
{
	say(arg);
}

static void on_due(void *arg)
{
	struct beat *b = arg;
	char since[40];

	format_time(since_us(b), since);
	tc_log(b->all->self, TC_LOG_ERROR, "no heartbeat came in time route=%s since=\"%s\"",
	       b->route->name, since);
	b->want = SAID_MISSING;
	say(b);
}

/* ---- when the last one came ---- */

static void keep(struct beat *b)
{
	char text[32];

	if (b->last_us - b->kept_us < KEEP_US && b->last_us >= b->kept_us)
		return;
	snprintf(text, sizeof(text), "%lld", (long long)b->last_us);
	if (!tc_keep_put(b->all->self, b->key, text, NULL, NULL))
		b->kept_us = b->last_us;
}

static void on_entry(void *arg, const char *key, const char *text)
{
	struct heartbeats *all = arg;

	for (size_t i = 0; i < all->n && !all->freed; i++) {
		struct beat *b = &all->beats[i];

		if (!strcmp(b->key, key) && !b->last_us)
			b->last_us = b->kept_us = strtoll(text, NULL, 10);
	}
}

static void on_read(void *arg, int err)
{
	struct heartbeats *all = arg;

	(void)err; /* then it says since when this process waits */
	all->waiting--;
	release(all);
}

void heartbeats_beat(struct heartbeats *all, const struct am_route *route)
{
	for (size_t i = 0; i < all->n; i++) {
		struct beat *b = &all->beats[i];

		if (b->route != route)
			continue;
		if (b->want == SAID_MISSING)
			tc_log(all->self, TC_LOG_INFO, "the heartbeat is back route=%s",
			       route->name);
		b->last_us = tc_wall_us();
		b->want = SAID_BACK; /* the first of a process also ends what an earlier one said */
		tc_timer_start(b->due, route->expect_every);
		keep(b);
		say(b);
	}
}

/* ---- the whole ---- */

struct heartbeats *heartbeats_new(struct tc_instance *self, const struct am_config *cfg,
				  const char *source)
{
	struct heartbeats *all = tc_alloc(sizeof(*all));
	const struct am_route *routes = cfg->routes.v;

	all->self = self;
	all->cfg = cfg;
	all->source = source;
	all->started_us = tc_wall_us();
	all->beats = tc_calloc(cfg->routes.n + 1, sizeof(*all->beats));
	for (size_t i = 0; i < cfg->routes.n; i++) {
		struct beat *b = &all->beats[all->n];

		if (!routes[i].expect_every)
			continue;
		all->n++;
		b->all = all;
		b->route = &routes[i];
		b->key = tc_asprintf(HEARTBEAT_KEY "%s/%s", tc_instance_name(self), routes[i].name);
		b->due = tc_timer_new(self, on_due, b);
		b->retry = tc_timer_new(self, on_retry, b);
		tc_timer_start(b->due, routes[i].expect_every);
	}
	if (all->n && !tc_keep_read(self, HEARTBEAT_KEY, on_entry, on_read, all))
		all->waiting++;
	return all;
}

void heartbeats_free(struct heartbeats *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->n; i++) {
		tc_timer_free(all->beats[i].due);
		tc_timer_free(all->beats[i].retry);
	}
	all->freed = true;
	release(all);
}

void heartbeats_status(const struct heartbeats *all, struct tc_status *out, struct tc_buf *text)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct beat *b = &all->beats[i];
		bool missing = b->want == SAID_MISSING;
		char name[120], since[40];

		snprintf(name, sizeof(name), "heartbeat_age_seconds_%s", b->route->name);
		tc_status_number(out, name, (double)(tc_wall_us() - since_us(b)) / 1e6);
		snprintf(name, sizeof(name), "heartbeat_missing_%s", b->route->name);
		tc_status_number(out, name, missing);
		format_time(since_us(b), since);
		if (missing)
			tc_buf_printf(text, "; no heartbeat by route %s since %s", b->route->name,
				      since);
	}
}
