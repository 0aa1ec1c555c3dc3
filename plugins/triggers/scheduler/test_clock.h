/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of the scheduler: an instance of it in the daemon's rooms, over a wall clock that
 * stands still until a test sets it. No test stands here.
 */
#ifndef SCHEDULER_TEST_CLOCK_H
#define SCHEDULER_TEST_CLOCK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/alloc.h>

#include "planner.h"
#include "unit/api_rig.h"
#include "when.h"

#define START_US (INT64_C(1893456000) * SECOND_US) /* 2030-01-01T00:00:00Z */
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)

extern const struct tc_plugin tc_plugin;

/* This plugin is linked in and the store's is loaded: each has its tc_plugin, as it must. */
TC_API const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_odr_violation=0";
}

static int64_t test_now_us;

static int64_t test_wall_us(void)
{
	return test_now_us;
}

struct fixture {
	struct api_rig *rig;
	struct tc_instance *self;
	struct planner *planner;
	const char *settings;
};

static bool test_is_loaded(void *arg)
{
	return ((struct planner *)arg)->loaded;
}

/* Open the instance; as after a start of the daemon. */
static void test_open(struct fixture *f)
{
	f->self = api_rig_trigger(f->rig, "scheduler", "clock", f->settings);
	f->planner = f->self->state;
	f->planner->wall_us = test_wall_us;
	client_wait(f->rig->loop, test_is_loaded, f->planner);
}

static void test_close(struct fixture *f)
{
	api_rig_drop(f->rig, f->self);
	f->planner = NULL;
}

static bool test_is_quiet(void *arg)
{
	struct fixture *f = arg;
	const struct entry *e;

	TAILQ_FOREACH(e, &f->planner->entries, link) {
		if (e->busy || (e->plan.state == PLAN_PLANNED && !e->retry_us &&
				e->plan.next_us <= test_now_us))
			return false;
	}
	return store_pending(f->rig->store) == 0;
}

/* Set the clock, and wait until all that is due was acted upon. */
static void test_set_clock(struct fixture *f, int64_t at_us)
{
	test_now_us = at_us;
	planner_pass(f->planner);
	client_wait(f->rig->loop, test_is_quiet, f);
}

static int test_setup(void **state)
{
	struct fixture *f = tc_alloc(sizeof(*f));

	*state = f;
	test_now_us = START_US;
	f->settings = "{\"min_interval\":\"1s\"}";
	f->rig = api_rig_new();
	if (!f->rig)
		return 0;
	host_plugin_add(f->rig->host, &tc_plugin);
	test_open(f);
	return 0;
}

static int test_teardown(void **state)
{
	struct fixture *f = *state;

	if (f->rig)
		api_rig_free(f->rig);
	free(f);
	return 0;
}

static struct fixture *test_fixture(void **state)
{
	struct fixture *f = *state;

	if (!f->rig)
		skip();
	return f;
}

/* ---- asking ---- */

static inline const char *text_of(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text ? text : "";
}

static inline int64_t number_of(const json_t *json, const char *name)
{
	return json_integer_value(json_object_get(json, name));
}

static inline void expect_text(const json_t *json, const char *name, const char *want)
{
	if (strcmp(text_of(json, name), want) != 0)
		fail_msg("%s is \"%s\", not \"%s\"", name, text_of(json, name), want);
}

/* Plan what rest says beside message and target; id: receives it. */
static inline json_t *test_plan(struct fixture *f, const char *rest, char id[TC_ID_SIZE])
{
	char *body = tc_asprintf("{\"message\":\"Fire\",\"target\":\"+4930123\",%s}", rest);
	json_t *json = api_rig_json(f->rig, "POST", "/v1/planned", body, 201);

	tc_strcopy(id, TC_ID_SIZE, text_of(json, "id"));
	free(body);
	return json;
}

static inline json_t *test_get(struct fixture *f, const char *id)
{
	char path[96];

	snprintf(path, sizeof(path), "/v1/planned/%s", id);
	return api_rig_json(f->rig, "GET", path, NULL, 200);
}

static inline void expect_state(struct fixture *f, const char *id, const char *state)
{
	json_t *json = test_get(f, id);

	expect_text(json, "state", state);
	json_decref(json);
}

/* Change or cancel one. match: NULL = no If-Match. Returns the status. */
static inline int test_change(struct fixture *f, const char *method, const char *id,
			      const char *match, const char *body)
{
	int fd = client_connect(0, f->rig->socket);
	struct tc_buf text = {0};
	struct http_answer a;
	int status;

	tc_buf_printf(&text, "%s /v1/planned/%s HTTP/1.1\r\n", method, id);
	if (match)
		tc_buf_printf(&text, "If-Match: %s\r\n", match);
	tc_buf_printf(&text, "Content-Length: %zu\r\n\r\n%s", body ? strlen(body) : 0,
		      body ? body : "");
	client_push(f->rig->loop, fd, text.data, text.len);
	tc_buf_fini(&text);
	client_answer(f->rig->loop, fd, &a);
	status = a.status;
	answer_free(&a);
	close(fd);
	return status;
}

#endif
