/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The eyes of the script: what the trunks were asked, and what the store says.
 */
#include <stdio.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "scenario/persons.h"
#include "scenario/private.h"
#include "speech/speech.h"
#include "store/alert_repo.h"
#include "store/call_repo.h"
#include "store/escalation_repo.h"
#include "store/event_repo.h"
#include "store/store.h"

/* What a clip says, by its key: the runner has the known texts rendered as well. */
struct named {
	char key[65];
	bool told;
};

static void on_named(void *arg, int err, struct tc_clip *clip, const char *text)
{
	struct named *n = arg;

	(void)text;
	n->told = true;
	if (!err)
		tc_strcopy(n->key, sizeof(n->key), clip->key);
	tc_clip_unref(clip);
}

void eyes_key(struct world *w, const char *text, char key[65])
{
	struct speech_text wanted = {.text = text};
	struct named n = {.key = ""};
	struct speech_want *want;

	if (*text) {
		want = speech_render(w->speech, &wanted, on_named, &n);
		world_settle(w);
		if (!n.told)
			speech_cancel(want); /* a slow voice: then it is not what was played */
	}
	tc_strcopy(key, 65, n.key);
}

static const char *name_of(struct world *w, const char *key)
{
	const struct config_prompts *p = &w->cfg.prompts;
	const struct {
		const char *name, *text;
	} all[] = {
		{"message", w->message},           {"menu", p->menu},
		{"acknowledged", p->acknowledged}, {"escalated", p->escalated},
		{"resolved", p->resolved},         {"unknown_key", p->unknown_key},
		{"goodbye", p->goodbye},
	};
	const char *name = NULL;
	char known[65];

	if (!strcmp(key, "-") || !strcmp(key, "chime"))
		return key;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all) && !name; i++) {
		eyes_key(w, all[i].text, known);
		if (!strcmp(known, key))
			name = all[i].name;
	}
	if (!name)
		name = callers_name_of(w, key);
	if (!name)
		name = persons_name_of(w, key);
	return name ? name : "greeting"; /* the only one left with the alert's own words in it */
}

static const char *describe(struct world *w, const struct fake_asked *a)
{
	size_t len;

	snprintf(w->asked, sizeof(w->asked), "%s", a->what);
	for (unsigned i = 0; i < a->items && w->running; i++) {
		len = strlen(w->asked);
		snprintf(w->asked + len, sizeof(w->asked) - len, " %s", name_of(w, a->keys[i]));
	}
	return w->asked;
}

const char *world_asked(struct world *w)
{
	struct fake_asked *a = STAILQ_FIRST(&fakes.asked);

	if (!a)
		return NULL;
	STAILQ_REMOVE_HEAD(&fakes.asked, link);
	describe(w, a);
	fake_asked_free(a);
	return w->asked;
}

bool world_asked_among(struct world *w, const char *what)
{
	struct fake_asked *a;

	STAILQ_FOREACH(a, &fakes.asked, link) {
		if (strcmp(describe(w, a), what) != 0)
			continue;
		STAILQ_REMOVE(&fakes.asked, a, fake_asked, link);
		fake_asked_free(a);
		return true;
	}
	return false;
}

struct look {
	struct world *w;
	const char *id, *what, *text;
	bool found;
	int64_t ms;
	char out[512];
};

static int look_state(struct db *db, void *arg)
{
	struct look *l = arg;
	struct alert_row row;

	if (alert_get(db, l->id, &row) != 1)
		return -ENOENT;
	snprintf(l->out, sizeof(l->out), "%s", row.state);
	alert_row_fini(&row);
	return 0;
}

static int add_result(const struct call_row *row, void *arg)
{
	struct look *l = arg;
	size_t len = strlen(l->out);

	snprintf(l->out + len, sizeof(l->out) - len, "%s%s", len ? "," : "",
		 row->result ? row->result : row->state);
	l->ms = row->spoken_ms;
	return 0;
}

static int look_results(struct db *db, void *arg)
{
	struct look *l = arg;

	l->out[0] = '\0';
	return call_list_alert(db, l->id, add_result, l);
}

static int match_event(const struct event_row *row, void *arg)
{
	struct look *l = arg;
	bool reason = row->reason && l->text && strstr(row->reason, l->text);

	if (!strcmp(row->what, l->what) && (!l->text || strstr(row->text, l->text) || reason))
		l->found = true;
	return 0;
}

static int look_event(struct db *db, void *arg)
{
	struct look *l = arg;

	return l->id ? event_list_alert(db, l->id, match_event, l)
		     : event_list_after(db, 0, 10000, match_event, l);
}

static const char *look(struct world *w, struct look *l, int (*run)(struct db *db, void *arg))
{
	store_read(w->store, run, NULL, l);
	world_settle(w);
	snprintf(w->text, sizeof(w->text), "%s", l->out);
	return w->text;
}

const char *world_state(struct world *w, const char *id)
{
	struct look l = {.id = id};

	return look(w, &l, look_state);
}

const char *world_results(struct world *w, const char *id)
{
	struct look l = {.id = id};

	return look(w, &l, look_results);
}

int64_t world_spoken_ms(struct world *w, const char *id)
{
	struct look l = {.id = id};

	look(w, &l, look_results);
	return l.ms;
}

bool world_event(struct world *w, const char *id, const char *what, const char *text)
{
	struct look l = {.id = id, .what = what, .text = text};

	look(w, &l, look_event);
	return l.found;
}

/* ---- escalations ---- */

static void add_people(const json_t *all, char *out, size_t size_bytes)
{
	size_t i, k, len;
	json_t *chain, *one;
	const char *separator = ": ";

	json_array_foreach(json_object_get(all, "chains"), i, chain) {
		json_array_foreach(json_object_get(chain, "people"), k, one) {
			len = strlen(out);
			snprintf(out + len, size_bytes - len, "%s%s %s", separator,
				 json_string_value(json_object_get(one, "name")),
				 json_string_value(json_object_get(one, "state")));
			separator = ", ";
		}
	}
}

static int number_of(const json_t *all, const char *name)
{
	return (int)json_integer_value(json_object_get(all, name));
}

static int look_escalation(struct db *db, void *arg)
{
	struct look *l = arg;
	struct escalation_row row;
	const char *stage, *policy, *held;
	json_t *all;
	int found = escalation_get(db, l->id, &row);

	if (found <= 0)
		return found ? found : -ENOENT;
	all = json_loads(row.body, 0, NULL);
	stage = json_string_value(json_object_get(all, "stage"));
	policy = json_string_value(json_object_get(all, "policy"));
	held = json_string_value(json_object_get(json_object_get(all, "held"), "by"));
	if (held)
		snprintf(l->out, sizeof(l->out), "held by %s", held);
	else if (stage && !strcmp(stage, "step"))
		snprintf(l->out, sizeof(l->out), "%s %d/%d %d", policy ? policy : "-",
			 number_of(all, "step") + 1, number_of(all, "steps"),
			 number_of(all, "round") + 1);
	else
		snprintf(l->out, sizeof(l->out), "%s %s", policy ? policy : "-",
			 stage ? stage : "?");
	if (!held)
		add_people(all, l->out, sizeof(l->out));
	json_decref(all);
	escalation_row_fini(&row);
	return 0;
}

const char *world_escalation(struct world *w, const char *id)
{
	struct look l = {.id = id};

	return look(w, &l, look_escalation);
}
