/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Silences in Alertmanager; see silence.h. That one is wanted is kept before it is asked for, and
 * Alertmanager is asked what it has before anything is changed in it: so each step may be repeated
 * after a crash, and makes no second silence.
 *
 * source  https://github.com/prometheus/alertmanager/blob/v0.25.0/api/v2/openapi.yaml
 */
#include "silence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include <tocsin/alloc.h>
#include <tocsin/keep.h>
#include <tocsin/log.h>

#include "rest/rest.h"

#define CONNECTIONS 4
#define TIMEOUT_MS  8000
#define FOUND_MAX   8 /* silences of one alert; there is one, unless somebody copied it */
#define ID_SIZE     64

enum goal { GOAL_MAKE, GOAL_REMOVE };

/* One decision on its way to Alertmanager. */
struct work {
	TAILQ_ENTRY(work) link;
	struct silences *silences; /* NULL: they are gone, only the store's answer is awaited */
	struct tc_op *op;
	enum goal goal;
	char alert_id[TC_ID_SIZE];
	char *by;         /* owned; may be NULL */
	json_t *labels;   /* one reference */
	int64_t until_us; /* GOAL_MAKE: wall time */
	bool kept;        /* a silence was wanted for this alert before */
	bool keeping;     /* the store has a question of ours */
	struct rest_want *want;
	char found[FOUND_MAX][ID_SIZE]; /* its silences in Alertmanager */
	unsigned n_found, removed;
};

struct silences {
	struct tc_instance *self;
	const struct am_config *cfg;
	struct rest *rest;
	TAILQ_HEAD(, work) works;
	uint64_t made, ended, failed;
	char trouble[160]; /* why the last one failed; "" = it did not */
};

/* ---- ends ---- */

static void work_free(struct work *w)
{
	json_decref(w->labels);
	free(w->by);
	free(w);
}

static void finish(struct work *w, int err, const char *text)
{
	struct silences *s = w->silences;

	tc_op_done(w->op, err, NULL, text);
	TAILQ_REMOVE(&s->works, w, link);
	work_free(w);
}

/* The store is away: told again, and nothing to tell people about. */
static void no_store(struct work *w)
{
	finish(w, -EAGAIN, NULL);
}

/* What is our fault would be refused again; all else may be mended. */
static void failed(struct work *w, const struct rest_reply *reply)
{
	struct silences *s = w->silences;
	char text[160];
	int err = reply->status == 400 || reply->status == 422 ? -EPERM : -EAGAIN;

	snprintf(text, sizeof(text), "the silence in Alertmanager could not be %s: %.90s",
		 w->goal == GOAL_MAKE ? "made" : "removed", reply->text);
	tc_strcopy(s->trouble, sizeof(s->trouble), text);
	s->failed++;
	finish(w, err, text);
}

static bool is_good(const struct rest_reply *reply)
{
	return !reply->err && reply->status >= 200 && reply->status < 300;
}

/* ---- what is kept ---- */

static void key_of(const struct work *w, char key[64])
{
	snprintf(key, 64, "silence/%s", w->alert_id);
}

/* The store has answered. False when nobody waits for it any more. */
static bool kept_back(struct work *w)
{
	w->keeping = false;
	if (w->silences)
		return true;
	work_free(w);
	return false;
}

static void keep(struct work *w, const char *text, tc_keep_done_fn done)
{
	char key[64];

	key_of(w, key);
	w->keeping = true;
	if (tc_keep_put(w->silences->self, key, text, done, w)) {
		w->keeping = false;
		no_store(w);
	}
}

/* {"id", "until_us"}; without an id: it is wanted, and perhaps made. */
static void keep_silence(struct work *w, const char *id, tc_keep_done_fn done)
{
	json_t *json = json_pack("{s:s?, s:I}", "id", id, "until_us", (json_int_t)w->until_us);
	char *text = json_dumps(json, JSON_COMPACT);

	keep(w, text, done);
	free(text);
	json_decref(json);
}

/* ---- making one ---- */

static void format_time(int64_t at_us, char text[40])
{
	time_t at = (time_t)(at_us / 1000000);
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(text, 40, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void on_made_kept(void *arg, int err)
{
	struct work *w = arg;
	char at[40], text[200];

	if (!kept_back(w))
		return;
	if (err) { /* it is found by its comment the next time */
		no_store(w);
		return;
	}
	format_time(w->until_us, at);
	snprintf(text, sizeof(text), "silenced in Alertmanager until %s (silence %s)", at,
		 w->found[0]);
	w->silences->trouble[0] = '\0';
	finish(w, 0, text);
}

static void on_made(void *arg, const struct rest_reply *reply)
{
	struct work *w = arg;
	const char *id = json_string_value(json_object_get(reply->json, "silenceID"));

	w->want = NULL;
	if (!is_good(reply) || !id) {
		failed(w, reply);
		return;
	}
	w->silences->made++;
	tc_strcopy(w->found[0], ID_SIZE, id);
	keep_silence(w, id, on_made_kept);
}

static json_t *matchers_of(const struct work *w)
{
	json_t *matchers = json_array(), *value;
	const char *name;

	json_object_foreach (w->labels, name, value)
		if (json_string_length(value)) /* without a value a label is not there */
			json_array_append_new(matchers, json_pack("{s:s, s:O, s:b, s:b}", "name",
								  name, "value", value, "isRegex",
								  0, "isEqual", 1));
	return matchers;
}

static char *author_of(const struct work *w)
{
	json_t *values = json_pack("{s:s, s:s, s:O}", "by", w->by ? w->by : "", "alert_id",
				   w->alert_id, "labels", w->labels);
	const char *fault;
	char *text = tc_template_render(w->silences->cfg->silence_author, values, &fault);

	json_decref(values);
	if (text && text[strspn(text, " ")])
		return text;
	free(text);
	return tc_strdup("Tocsin");
}

static void make(struct work *w)
{
	char starts[40], ends[40], *author = author_of(w), *comment;
	json_t *body;

	format_time(tc_wall_us(), starts);
	format_time(w->until_us, ends);
	comment = tc_asprintf("Tocsin alert %s: acknowledged by %s", w->alert_id,
			      w->by ? w->by : "somebody");
	body = json_pack("{s:o, s:s, s:s, s:s, s:s}", "matchers", matchers_of(w), "startsAt",
			 starts, "endsAt", ends, "createdBy", author, "comment", comment);
	free(author);
	free(comment);
	if (!body) { /* by holds no UTF-8 */
		finish(w, -EINVAL, "the silence in Alertmanager could not be made");
		return;
	}
	w->want = rest_send(w->silences->rest, REST_NORMAL, "POST", "/api/v2/silences", body,
			    TIMEOUT_MS, on_made, w);
}

static void on_wanted_kept(void *arg, int err)
{
	struct work *w = arg;

	if (!kept_back(w))
		return;
	if (err)
		no_store(w);
	else
		make(w);
}

/* ---- removing them ---- */

static void on_removed_kept(void *arg, int err)
{
	struct work *w = arg;

	if (!kept_back(w))
		return;
	if (err) {
		no_store(w);
		return;
	}
	w->silences->trouble[0] = '\0';
	finish(w, 0, w->removed ? "the silence in Alertmanager was removed" : NULL);
}

static void remove_next(struct work *w);

static void on_removed(void *arg, const struct rest_reply *reply)
{
	struct work *w = arg;

	w->want = NULL;
	if (!is_good(reply) && reply->status != 404) {
		failed(w, reply);
		return;
	}
	w->removed++;
	w->silences->ended++;
	remove_next(w);
}

static void remove_next(struct work *w)
{
	struct tc_buf path = {0};

	if (!w->n_found) {
		keep(w, NULL, on_removed_kept);
		return;
	}
	tc_buf_puts(&path, "/api/v2/silence/");
	rest_escape(&path, w->found[--w->n_found]);
	w->want = rest_send(w->silences->rest, REST_NORMAL, "DELETE", path.data, NULL, TIMEOUT_MS,
			    on_removed, w);
	tc_buf_fini(&path);
}

/* ---- what Alertmanager has ---- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* Those that hold now or will, and are ours by the id in their comment. */
static void find(struct work *w, const json_t *list)
{
	json_t *one;
	size_t i;

	w->n_found = 0;
	json_array_foreach (list, i, one) {
		const char *state = text_of(json_object_get(one, "status"), "state");
		const char *id = text_of(one, "id");

		if (w->n_found == FOUND_MAX || !*id || strlen(id) >= ID_SIZE ||
		    !strcmp(state, "expired") || !strstr(text_of(one, "comment"), w->alert_id))
			continue;
		tc_strcopy(w->found[w->n_found++], ID_SIZE, id);
	}
}

static void on_list(void *arg, const struct rest_reply *reply)
{
	struct work *w = arg;

	w->want = NULL;
	if (!is_good(reply) || !json_is_array(reply->json)) {
		failed(w, reply);
		return;
	}
	find(w, reply->json);
	if (w->goal == GOAL_REMOVE)
		remove_next(w);
	else if (w->n_found)
		keep_silence(w, w->found[0], on_made_kept);
	else if (w->until_us <= tc_wall_us())
		finish(w, 0, "it is too late for a silence in Alertmanager: its time is over");
	else
		keep_silence(w, NULL, on_wanted_kept);
}

/* Only those with this alertname, if it has one: there may be thousands of silences. */
static void ask(struct work *w)
{
	const char *name = json_string_value(json_object_get(w->labels, "alertname"));
	struct tc_buf path = {0}, filter = {0};

	tc_buf_puts(&path, "/api/v2/silences");
	if (name && *name && strlen(name) < 200 && !strpbrk(name, "\"\\\n")) {
		tc_buf_printf(&filter, "alertname=\"%s\"", name);
		tc_buf_puts(&path, "?filter=");
		rest_escape(&path, filter.data);
	}
	w->want = rest_send(w->silences->rest, REST_NORMAL, "GET", path.data, NULL, TIMEOUT_MS,
			    on_list, w);
	tc_buf_fini(&path);
	tc_buf_fini(&filter);
}

static void on_entry(void *arg, const char *key, const char *text)
{
	struct work *w = arg;

	(void)key;
	(void)text;
	w->kept = true;
}

static void on_read(void *arg, int err)
{
	struct work *w = arg;

	if (!kept_back(w))
		return;
	if (err)
		no_store(w);
	else if (w->goal == GOAL_REMOVE && !w->kept)
		finish(w, 0, NULL); /* none was ever wanted */
	else
		ask(w);
}

/* ---- the whole ---- */

static bool is_wanted(const struct silences *s, const struct tc_decision *d)
{
	return s->cfg->silence == AM_SILENCE_ALWAYS ||
	       (s->cfg->silence == AM_SILENCE_ON_KEY && d->silence);
}

/* An earlier operation for this alert has met its deadline and is still under way. */
static bool is_busy(const struct silences *s, const char *alert_id)
{
	const struct work *w;

	TAILQ_FOREACH (w, &s->works, link)
		if (!strcmp(w->alert_id, alert_id))
			return true;
	return false;
}

static struct work *work_new(struct silences *s, struct tc_op *op, const struct tc_decision *d)
{
	struct work *w = tc_alloc(sizeof(*w));

	w->silences = s;
	w->op = op;
	w->goal = d->what == TC_DECIDED_ACKNOWLEDGED ? GOAL_MAKE : GOAL_REMOVE;
	tc_strcopy(w->alert_id, sizeof(w->alert_id), d->alert_id);
	w->by = tc_strdup(d->by);
	w->labels = json_deep_copy(d->labels);
	w->until_us = d->at_us + s->cfg->silence_for * 1000;
	TAILQ_INSERT_TAIL(&s->works, w, link);
	return w;
}

int silences_decided(struct silences *s, struct tc_op *op, const struct tc_decision *d)
{
	struct work *w;
	char key[64];

	if (d->what == TC_DECIDED_EXHAUSTED || !json_object_size(d->labels) ||
	    (d->what == TC_DECIDED_ACKNOWLEDGED && !is_wanted(s, d))) {
		tc_op_done(op, 0, NULL, NULL);
		return 0;
	}
	if (is_busy(s, d->alert_id))
		return -EAGAIN;
	w = work_new(s, op, d);
	key_of(w, key);
	w->keeping = true;
	if (tc_keep_read(s->self, key, on_entry, on_read, w)) {
		TAILQ_REMOVE(&s->works, w, link);
		work_free(w);
		return -EAGAIN;
	}
	return 0;
}

/* ---- at the start ---- */

/* What is kept of silences that ended long ago, with an alert that nobody resolves. */
static void prune(void *arg, const char *key, const char *text)
{
	struct tc_instance *self = arg;
	json_t *json = json_loads(text, 0, NULL);
	int64_t until_us = json_integer_value(json_object_get(json, "until_us"));

	if (until_us < tc_wall_us() - (int64_t)7 * 24 * 3600 * 1000000)
		tc_keep_put(self, key, NULL, NULL, NULL);
	json_decref(json);
}

static void pruned(void *arg, int err)
{
	(void)arg;
	(void)err; /* the next start will do it */
}

struct silences *silences_new(struct tc_instance *self, const struct am_config *cfg)
{
	struct rest_settings settings = {.url = cfg->api_url,
					 .user = cfg->user,
					 .password = cfg->password,
					 .token = cfg->token,
					 .tls_ca = cfg->ca_file,
					 .connections = CONNECTIONS};
	struct silences *s;

	if (!cfg->api_url || cfg->silence == AM_SILENCE_NEVER)
		return NULL;
	s = tc_alloc(sizeof(*s));
	s->self = self;
	s->cfg = cfg;
	s->rest = rest_new(self, &settings);
	TAILQ_INIT(&s->works);
	tc_keep_read(self, "silence/", prune, pruned, self);
	return s;
}

void silences_free(struct silences *s)
{
	struct work *w;

	if (!s)
		return;
	while ((w = TAILQ_FIRST(&s->works))) {
		TAILQ_REMOVE(&s->works, w, link);
		rest_cancel(w->want);
		tc_op_done(w->op, -ECANCELED, NULL, NULL);
		w->silences = NULL;
		if (!w->keeping)
			work_free(w);
	}
	rest_free(s->rest);
	free(s);
}

void silences_status(const struct silences *s, struct tc_status *out)
{
	tc_status_number(out, "silences_made", (double)s->made);
	tc_status_number(out, "silences_removed", (double)s->ended);
	tc_status_number(out, "silences_failed", (double)s->failed);
	if (s->trouble[0])
		tc_status_text(out, "silences", s->trouble);
}
