/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * People with several numbers, calls that tell several alerts, and storms of alerts.
 */
#include "scenario/persons.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/trigger.h>

#include "host/id.h"
#include "oncall/directory.h"
#include "oncall/oncall.h"
#include "oncall/pin.h"
#include "scenario/private.h"
#include "store/call_repo.h"
#include "store/contact_repo.h"
#include "store/store.h"

static const char *word(const struct persons_line *l, int i)
{
	return i < l->n ? l->w[i] : "";
}

/* ---- people ---- */

static int insert(struct db *db, void *arg)
{
	return contact_insert(db, arg);
}

static int update(struct db *db, void *arg)
{
	return contact_update(db, arg, 0);
}

/* "+491,+492" */
static char *numbers_of(const char *list)
{
	json_t *numbers = json_array();
	char *copy = tc_strdup(list), *rest = copy, *one, *text;

	while ((one = strsep(&rest, ",")))
		json_array_append_new(numbers,
				      json_pack("{s:s, s:[s]}", "number", one, "use", "call"));
	text = json_dumps(numbers, JSON_COMPACT);
	json_decref(numbers);
	free(copy);
	return text;
}

/* PERSON NAME NUMBER,NUMBER... [PIN]: one that there is is changed */
static void do_person(struct world *w, const struct persons_line *l)
{
	const struct contact *before = directory_find_name(oncall_directory(w->oncall), word(l, 1));
	struct contact_row row = {.name = word(l, 1), .enabled = true, .version = 1};
	char *numbers = numbers_of(word(l, 2)), kept[PIN_KEPT_SIZE];

	row.numbers = numbers;
	if (l->n > 3 && !pin_keep(word(l, 3), kept))
		row.pin = kept;
	if (before) {
		tc_strcopy(row.id, sizeof(row.id), before->id);
		row.version = before->version + 1;
		row.note = "";
	} else {
		id_new(row.id, loop_wall_us(w->loop));
	}
	store_write(w->store, before ? update : insert, NULL, &row);
	world_settle(w);
	directory_put(oncall_directory(w->oncall), &row);
	free(numbers);
}

/* STORM N TARGET "message": N alerts, in batches of 100 */
#define BATCH 100

static void on_taken(void *arg, int err, const struct tc_intake_result *results, size_t n)
{
	(void)results;
	(void)n;
	if (err)
		*(int *)arg = err;
}

static void do_storm(struct world *w, const struct persons_line *l, char *fault, size_t size)
{
	long n = strtol(word(l, 1), NULL, 10);
	struct tc_errors *errs = tc_errors_new();
	struct tc_intake in[BATCH];
	int err = 0;

	for (long i = 0; i < n; i += BATCH) {
		size_t k = n - i < BATCH ? (size_t)(n - i) : BATCH;

		for (size_t j = 0; j < k; j++)
			in[j] = (struct tc_intake){.message = word(l, 3),
						   .target = word(l, 2),
						   .severity = w->severity,
						   .source = "script"};
		if (tc_intake_submit(w->trigger, in, k, errs, on_taken, &err))
			snprintf(fault, size, "refused: %s", tc_errors_text(errs, 0));
		world_settle(w);
	}
	if (err)
		snprintf(fault, size, "not taken: %d", err);
	tc_errors_free(errs);
}

/* ---- what the store says ---- */

struct look {
	const char *id;
	char out[512], keys[64];
	size_t n;
};

static int add_past(const struct call_past *past, void *arg)
{
	struct look *l = arg;
	size_t len = strlen(l->out);

	snprintf(l->out + len, sizeof(l->out) - len, "%s%s", len ? "," : "",
		 past->over && past->result ? past->result : "-");
	return 0;
}

static int look_told(struct db *db, void *arg)
{
	struct look *l = arg;

	l->out[0] = '\0';
	return call_list_past(db, l->id, add_past, l);
}

static int add_keys(const struct call_row *row, void *arg)
{
	struct look *l = arg;

	snprintf(l->keys, sizeof(l->keys), "%s", row->keys);
	l->n++;
	return 0;
}

static int look_keys(struct db *db, void *arg)
{
	struct look *l = arg;

	l->n = 0;
	return call_list_alert(db, l->id, add_keys, l);
}

static int look_calls(struct db *db, void *arg)
{
	struct call_filter filter = {.limit = 500};

	((struct look *)arg)->n = 0;
	return call_list(db, &filter, add_keys, arg);
}

static int count_told(const struct call_told *told, void *arg)
{
	(void)told;
	((struct look *)arg)->n++;
	return 0;
}

static int add_id(const struct call_row *row, void *arg)
{
	struct look *l = arg;

	snprintf(l->out, sizeof(l->out), "%s", row->id);
	return 0;
}

/* The alerts in the newest call. */
static int look_riders(struct db *db, void *arg)
{
	struct look *l = arg;
	struct call_filter filter = {.limit = 1};
	int err = call_list(db, &filter, add_id, l);

	l->n = 0;
	return err < 0 ? err : call_told_list(db, l->out, count_told, l);
}

static void look(struct world *w, struct look *l, int (*run)(struct db *db, void *arg))
{
	store_read(w->store, run, NULL, l);
	world_settle(w);
}

static void differ(const char *what, const char *got, const char *want, char *fault, size_t size)
{
	if (strcmp(got, want) != 0)
		snprintf(fault, size, "%s: wanted %s, got %s", what, want, got);
}

/* EXPECT went NAME busy,heard: its calls, as they went for it; "-": not over */
static void expect_went(struct world *w, const struct persons_line *l, char *fault, size_t size)
{
	struct look look_at = {.id = l->id_of(l->arg, word(l, 2))};

	look(w, &look_at, look_told);
	differ("went", look_at.out, word(l, 3), fault, size);
}

/* EXPECT keys NAME KEYS: of its newest call */
static void expect_keys(struct world *w, const struct persons_line *l, char *fault, size_t size)
{
	struct look look_at = {.id = l->id_of(l->arg, word(l, 2))};

	look(w, &look_at, look_keys);
	differ("keys", look_at.keys, word(l, 3), fault, size);
}

static void expect_number(size_t got, const char *want, const char *what, char *fault, size_t size)
{
	if (got != strtoul(want, NULL, 10))
		snprintf(fault, size, "wanted %s %s, got %zu", want, what, got);
}

/* EXPECT calls N: that there are in all (up to 500) */
static void expect_calls(struct world *w, const struct persons_line *l, char *fault, size_t size)
{
	struct look look_at = {.n = 0};

	look(w, &look_at, look_calls);
	expect_number(look_at.n, word(l, 2), "calls", fault, size);
}

/* EXPECT riders N: alerts in the newest call */
static void expect_riders(struct world *w, const struct persons_line *l, char *fault, size_t size)
{
	struct look look_at = {.n = 0};

	look(w, &look_at, look_riders);
	expect_number(look_at.n, word(l, 2), "alerts in the call", fault, size);
}

static int look_deferral(struct db *db, void *arg)
{
	struct look *l = arg;
	int64_t until_us;
	char *reason = NULL;
	int found = call_deferral_get(db, l->id, &until_us, &reason);

	snprintf(l->out, sizeof(l->out), "%s", found == 1 ? reason : "none");
	free(reason);
	return found < 0 ? found : 0;
}

/* EXPECT deferred NAME "reason"|none */
static void expect_deferred(struct world *w, const struct persons_line *l, char *fault, size_t size)
{
	struct look look_at = {.id = l->id_of(l->arg, word(l, 2))};

	look(w, &look_at, look_deferral);
	if (!strstr(look_at.out, word(l, 3)))
		differ("deferred", look_at.out, word(l, 3), fault, size);
}

static bool expect(struct world *w, const struct persons_line *l, char *fault, size_t size)
{
	static const struct {
		const char *what;
		void (*fn)(struct world *w, const struct persons_line *l, char *fault, size_t size);
	} all[] = {{"went", expect_went},
		   {"keys", expect_keys},
		   {"calls", expect_calls},
		   {"riders", expect_riders},
		   {"deferred", expect_deferred}};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (strcmp(all[i].what, word(l, 1)) != 0)
			continue;
		all[i].fn(w, l, fault, size);
		return true;
	}
	return false;
}

bool persons_command(struct world *w, const struct persons_line *l, char *fault, size_t size_bytes)
{
	if (!strcmp(word(l, 0), "EXPECT"))
		return expect(w, l, fault, size_bytes);
	if (!strcmp(word(l, 0), "PERSON"))
		do_person(w, l);
	else if (!strcmp(word(l, 0), "STORM"))
		do_storm(w, l, fault, size_bytes);
	else
		return false;
	return true;
}

/* ---- what is said ---- */

static bool says(struct world *w, const char *template, json_t *values, const char *key)
{
	const char *fault;
	char *text = tc_template_render(template, values, &fault), known[65];

	eyes_key(w, text ? text : "", known);
	free(text);
	json_decref(values);
	return !strcmp(known, key);
}

static const char *fixed(struct world *w, const char *key)
{
	const struct config_bundle_prompts *b = &w->cfg.prompts.bundle;
	const struct {
		const char *name, *text;
	} all[] = {
		{"keys+", b->menu},       {"next", b->next},
		{"last", b->end},         {"pin", w->cfg.prompts.pin},
		{"wrong_pin", w->cfg.prompts.wrong_pin}, {"locked", w->cfg.prompts.locked},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (says(w, all[i].text, NULL, key))
			return all[i].name;
	return NULL;
}

#define COUNTS 6

/* "alerts:3:1": three, one of them critical; "all:3" are acknowledged. */
static const char *count_of(struct world *w, const char *key, char name[32])
{
	const struct config_bundle_prompts *b = &w->cfg.prompts.bundle;

	for (int n = 1; n <= COUNTS; n++) {
		snprintf(name, 32, "all:%d", n);
		if (says(w, b->acknowledged_all, json_pack("{s:i}", "count", n), key))
			return name;
		for (int k = 0; k <= n; k++) {
			snprintf(name, 32, "alerts:%d:%d", n, k);
			if (says(w, b->greeting, json_pack("{s:i, s:i}", "count", n, "critical", k),
				 key))
				return name;
		}
	}
	return NULL;
}

/* "2.1": the second alert that was handed in, told first. */
static const char *alert_of(struct world *w, const char *key, char name[32])
{
	static const char *const severities[] = {"critical", "warning", "info"};

	for (unsigned m = 0; m < w->messages_n; m++)
		for (int i = 1; i <= COUNTS; i++)
			for (size_t s = 0; s < 3; s++) {
				json_t *values = json_pack("{s:s, s:s, s:i}", "severity",
							   severities[s], "message",
							   w->messages[m], "index", i);

				snprintf(name, 32, "%u.%d", m + 1, i);
				if (says(w, w->cfg.prompts.bundle.alert, values, key))
					return name;
			}
	return NULL;
}

const char *persons_name_of(struct world *w, const char *key)
{
	static char name[32];
	const char *found = fixed(w, key);

	if (!found)
		found = count_of(w, key, name);
	return found ? found : alert_of(w, key, name);
}
