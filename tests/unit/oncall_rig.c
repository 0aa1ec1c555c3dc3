/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The room of people for tests.
 */
#include "unit/oncall_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "host/rfc3339.h"
#include "oncall/directory.h"
#include "store/contact_repo.h"
#include "store/document_repo.h"

static bool is_ready(void *arg)
{
	return oncall_ready(arg);
}

int oncall_rig_setup(void **state)
{
	struct oncall_rig *rig = tc_alloc(sizeof(*rig));
	int err = rig_setup((void **)&rig->store_rig);

	*state = rig;
	if (err || !rig->store_rig->instance)
		return err;
	rig->store = rig_store(rig->store_rig);
	rig->oncall = oncall_new(rig->store_rig->loop, rig->store);
	rig_wait(rig->store_rig, is_ready, rig->oncall);
	return 0;
}

int oncall_rig_teardown(void **state)
{
	struct oncall_rig *rig = *state;
	int err;

	while (rig->store && store_pending(rig->store))
		loop_turn(rig->store_rig->loop);
	oncall_free(rig->oncall);
	store_close(rig->store);
	err = rig_teardown((void **)&rig->store_rig);
	free(rig);
	return err;
}

void oncall_rig_contact(struct oncall_rig *rig, const char *id, const char *name,
			const char *numbers, bool enabled)
{
	struct contact_row row = {.name = name, .enabled = enabled, .version = 1};
	struct tc_buf json = {0};
	char *copy, *at, *one;

	tc_strcopy(row.id, sizeof(row.id), id);
	tc_buf_puts(&json, "[");
	at = copy = tc_strdup(numbers);
	while (copy && (one = strsep(&at, ","))) {
		size_t len = strlen(one);
		bool sms = one[len - 1] == 's';

		tc_buf_printf(&json, "%s{\"number\":\"%.*s\",\"use\":[%s]}",
			      json.len > 1 ? "," : "", (int)(len - sms), one,
			      sms ? "\"sms\"" : "\"call\",\"sms\"");
	}
	tc_buf_puts(&json, "]");
	row.numbers = json.data;
	directory_put(oncall_directory(rig->oncall), &row);
	free(copy);
	tc_buf_fini(&json);
}

static char *json_of(const char *body)
{
	char *text = tc_strdup(body);

	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	return text;
}

void oncall_rig_schedule(struct oncall_rig *rig, const char *id, const char *name, const char *body)
{
	char *text = json_of(body);
	struct document_row row = {.kind = "schedule", .name = name, .body = text, .version = 1};

	tc_strcopy(row.id, sizeof(row.id), id);
	documents_put(oncall_schedules(rig->oncall), &row);
	free(text);
}

struct schedule *oncall_rig_compile(const char *body)
{
	char *text = json_of(body);
	json_t *json = json_loads(text, 0, NULL);
	struct schedule *schedule;

	if (!json)
		fail_msg("no JSON: %s", text);
	schedule = schedule_kind.compile(json);
	json_decref(json);
	free(text);
	return schedule;
}

int64_t oncall_rig_at(const char *text)
{
	int64_t us = 0;

	if (rfc3339_parse(text, &us))
		fail_msg("%s is no time", text);
	return us;
}
