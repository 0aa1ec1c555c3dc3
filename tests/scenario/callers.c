/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Those who call us: their calls, and what is said to them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/trigger.h>

#include "host/id.h"
#include "oncall/oncall.h"
#include "scenario/private.h"
#include "store/call_repo.h"
#include "store/store.h"

void world_severity(struct world *w, const char *severity)
{
	free((char *)w->severity);
	w->severity = tc_strdup(severity);
}

static int insert_call(struct db *db, void *arg)
{
	struct call_row *row = arg;
	struct call_told told = {.serial = 1, .attempt = 1, .result = row->result, .pressed = ""};
	int err = call_insert(db, row);

	tc_strcopy(told.call_id, sizeof(told.call_id), row->id);
	tc_strcopy(told.alert_id, sizeof(told.alert_id), row->alert_id);
	return err ? err : call_told_insert(db, &told);
}

void world_called(struct world *w, const char *alert_id, const char *number)
{
	struct call_row row = {.number = number, .state = "ended", .result = "busy", .keys = ""};

	id_new(row.id, loop_wall_us(w->loop));
	tc_strcopy(row.alert_id, sizeof(row.alert_id), alert_id);
	store_write(w->store, insert_call, NULL, &row);
	world_settle(w);
}

/* ---- their calls ---- */

void world_incoming(struct world *w, const char *number, bool again)
{
	struct tc_pbx_event e = {.type = TC_PBX_INCOMING};
	char name[40], id[TC_ID_SIZE];
	struct fake_call *c;

	snprintf(name, sizeof(name), "from:%s", number);
	tc_pbx_call_id(id);
	c = again ? fake_call_find(name) : fake_call_new(id, name);
	tc_strcopy(e.call_id, sizeof(e.call_id), c->id);
	if (strcmp(number, "-") != 0)
		tc_strcopy(e.number, sizeof(e.number), number);
	tc_pbx_event(fakes.trunk[0], &e);
	world_settle(w);
}

/* ---- what they hear ---- */

static const char *fixed(struct world *w, const char *key)
{
	const struct config_inbound_prompts *p = &w->cfg.prompts.inbound;
	const struct {
		const char *name, *text;
	} all[] = {
		{"welcome", p->welcome},     {"pin", p->pin},
		{"wrong_pin", p->wrong_pin}, {"unknown", p->unknown},
		{"one", p->one},             {"none", p->none},
		{"keys", p->menu},           {"exhausted_keys", p->exhausted_menu},
		{"over", p->over},           {"acknowledged_keys", p->acknowledged_menu},
		{"end", p->end},             {"failed", p->failed},
		{"more", p->more},
	};
	char known[65];

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		eyes_key(w, all[i].text, known);
		if (!strcmp(known, key))
			return all[i].name;
	}
	return NULL;
}

/* Is it this template, with these values? Takes values. */
static bool says(struct world *w, const char *template, json_t *values, const char *key)
{
	const char *fault;
	char *text = tc_template_render(template, values, &fault), known[65];

	eyes_key(w, text, known);
	free(text);
	json_decref(values);
	return !strcmp(known, key);
}

/* message: NULL = of no alert's own */
static bool says_alert(struct world *w, const char *template, const char *message,
		       const char *key)
{
	static const char *const severities[] = {"critical", "warning", "info"};

	for (size_t i = 0; i < sizeof(severities) / sizeof(*severities); i++)
		if (says(w, template,
			 json_pack("{s:s, s:s?}", "severity", severities[i], "message", message),
			 key))
			return true;
	return false;
}

/* "alert:1" is the first one that was handed in, "acknowledged:1" the same once it is. */
const char *callers_name_of(struct world *w, const char *key)
{
	static char name[32];
	const struct config_inbound_prompts *p = &w->cfg.prompts.inbound;
	const char *one = fixed(w, key);

	if (one)
		return one;
	/* before the alerts: who asks has them rendered, which a slow voice was to do */
	if (says_alert(w, w->cfg.prompts.greeting, NULL, key))
		return "greeting";
	for (int n = 2; n < 10; n++) {
		snprintf(name, sizeof(name), "count:%d", n);
		if (says(w, p->count, json_pack("{s:i}", "count", n), key))
			return name;
	}
	for (unsigned i = 0; i < w->messages_n; i++) {
		snprintf(name, sizeof(name), "alert:%u", i + 1);
		if (says_alert(w, p->alert, w->messages[i], key))
			return name;
		snprintf(name, sizeof(name), "acknowledged:%u", i + 1);
		if (says_alert(w, p->acknowledged_alert, w->messages[i], key))
			return name;
	}
	return NULL;
}
