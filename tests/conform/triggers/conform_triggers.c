/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of triggers that take alerts by HTTP (tocsin/trigger.h, tocsin/http.h), tried on
 * any of them: conform-triggers NAME. Found below TOCSIN_PLUGIN_PATH. What a plugin takes is in
 * the table here, or in TOCSIN_CONFORM_SETTINGS, TOCSIN_CONFORM_PATH and TOCSIN_CONFORM_BODY.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/alloc.h>

#include "unit/api_rig.h"

/*
 * One plugin: settings of two instances that get on with each other, where the first listens, and
 * a good body.
 */
static struct subject {
	const char *name, *settings, *second, *path, *body;
	const char *taken; /* where one counts what was taken; NULL = alerts */
} subjects[] = {
	{"http_api", "{}", "{\"path\":\"/v1/other\"}", "/v1/alerts",
	 "{\"message\":\"Fire\",\"target\":\"+4930123\",\"labels\":{\"a\":\"b\"}}",
	 NULL},
	{"alertmanager", "{\"default_target\":\"+4930123\"}",
	 "{\"default_target\":\"+4930124\",\"path\":\"/v1/other\"}", "/v1/alertmanager",
	 "{\"version\":\"4\",\"alerts\":[{\"status\":\"firing\",\"labels\":{\"alertname\":\"Fire\"}"
	 ","
	 "\"annotations\":{\"summary\":\"s\"},\"startsAt\":\"2026-01-01T00:00:00Z\"}]}",
	 NULL},
	{"scheduler", "{}", "{\"path\":\"/v1/other\"}", "/v1/planned",
	 "{\"message\":\"Fire\",\"target\":\"+4930123\",\"at\":\"2999-12-31T23:59:00Z\"}",
	 "/v1/planned?limit=500"},
};

static struct subject subject;

struct fixture {
	struct api_rig *rig;
	struct tc_instance *self;
};

static int setup(void **state)
{
	struct fixture *f = tc_alloc(sizeof(*f));

	f->rig = api_rig_new();
	*state = f;
	if (!f->rig)
		return 0;
	f->self = api_rig_trigger(f->rig, subject.name, "first", subject.settings);
	api_rig_settle(f->rig); /* it has read what it keeps */
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->rig)
		api_rig_free(f->rig);
	free(f);
	return 0;
}

static struct fixture *fixture_of(void **state)
{
	struct fixture *f = *state;

	if (!f->rig)
		skip();
	return f;
}

/* How much was taken. The plugin itself may be the one to ask. */
static size_t count_taken(struct fixture *f)
{
	json_t *json;
	size_t n;

	if (!subject.taken)
		return api_rig_count(f->rig);
	if (!f->self)
		f->self = api_rig_trigger(f->rig, subject.name, "first", subject.settings);
	json = api_rig_json(f->rig, "GET", subject.taken, NULL, 200);
	n = json_array_size(json_object_get(json, "items"));
	json_decref(json);
	return n;
}

/* ---- posting ---- */

/* Send and do not wait. */
static int post_begin(struct fixture *f, const char *path, const char *body, size_t len)
{
	int fd = client_connect(0, f->rig->socket);
	struct tc_buf text = {0};

	tc_buf_printf(&text, "POST %s HTTP/1.1\r\nContent-Length: %zu\r\n\r\n", path, len);
	tc_buf_add(&text, body, len);
	client_send_bytes(fd, text.data, text.len);
	tc_buf_fini(&text);
	return fd;
}

static int post(struct fixture *f, const char *path, const char *body, size_t len)
{
	int fd = post_begin(f, path, body, len);
	struct http_answer a;

	client_answer(f->rig->loop, fd, &a);
	if (a.status >= 400)
		assert_true(answer_has(&a, "Content-Type: application/problem+json"));
	if (a.status == 503)
		assert_non_null(strstr(a.head, "\r\nRetry-After: "));
	answer_free(&a);
	close(fd);
	return a.status;
}

static int post_good(struct fixture *f)
{
	return post(f, subject.path, subject.body, strlen(subject.body));
}

static bool is_taken(int status)
{
	return status >= 200 && status < 300;
}

/* ---- life ---- */

static void opens_and_says_how_it_is(void **state)
{
	struct fixture *f = fixture_of(state);
	json_t *status = instance_status(f->self);

	assert_true(json_is_true(json_object_get(status, "healthy")));
	assert_true(strlen(json_string_value(json_object_get(status, "text"))) > 0);
	json_decref(status);
}

static void goes_and_comes_back(void **state)
{
	struct fixture *f = fixture_of(state);

	assert_true(is_taken(post_good(f)));
	api_rig_drop(f->rig, f->self);
	assert_true(post_good(f) == 404 || post_good(f) == 405);
	f->self = api_rig_trigger(f->rig, subject.name, "again", subject.settings);
	assert_true(is_taken(post_good(f)));
}

static void lives_beside_another_of_its_kind(void **state)
{
	struct fixture *f = fixture_of(state);
	struct tc_instance *second;

	second = api_rig_trigger(f->rig, subject.name, "second", subject.second);
	assert_true(is_taken(post_good(f)));
	assert_true(is_taken(post(f, "/v1/other", subject.body, strlen(subject.body))));
	api_rig_drop(f->rig, second);
	assert_int_equal(post(f, "/v1/other", subject.body, strlen(subject.body)), 404);
	assert_true(is_taken(post_good(f)));
}

/* Two that want the same path: the second is refused, and the first does not notice. */
static void refuses_a_path_that_is_taken(void **state)
{
	struct fixture *f = fixture_of(state);
	json_t *settings = json_loads(subject.settings, 0, NULL);
	struct tc_errors *errs = tc_errors_new();
	struct tc_instance *second;

	json_object_set_new(settings, "plugin", json_string(subject.name));
	json_object_set_new(settings, "name", json_string("second"));
	second = instance_new(f->rig->host, TC_KIND_TRIGGER, settings, errs);
	assert_non_null(second);
	assert_int_equal(instance_open(second), -EEXIST);
	http_server_forget(f->rig->http, second);
	instance_free(second);
	assert_true(is_taken(post_good(f)));
	tc_errors_free(errs);
	json_decref(settings);
}

/* ---- taking in ---- */

static void stores_what_it_says_it_took(void **state)
{
	struct fixture *f = fixture_of(state);

	assert_int_equal(count_taken(f), 0);
	assert_true(is_taken(post_good(f)));
	assert_int_equal(count_taken(f), 1);
}

static bool is_in_flight(void *arg)
{
	return http_server_in_flight(((struct fixture *)arg)->rig->http) == 1;
}

static void answers_only_after_the_commit(void **state)
{
	struct fixture *f = fixture_of(state);
	struct http_answer a;
	char byte;
	int fd;

	api_rig_hold(f->rig);
	fd = post_begin(f, subject.path, subject.body, strlen(subject.body));
	client_wait(f->rig->loop, is_in_flight, f);
	/* The writer is held: this is not a race that waiting could win. */
	for (int i = 0; i < 200; i++)
		client_turn(f->rig->loop);
	assert_int_equal(http_server_in_flight(f->rig->http), 1);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	api_rig_let_go(f->rig);
	client_answer(f->rig->loop, fd, &a);
	assert_true(is_taken(a.status));
	answer_free(&a);
	close(fd);
}

static void says_when_there_is_too_much(void **state)
{
	struct fixture *f = fixture_of(state);

	api_rig_hold(f->rig);
	api_rig_flood(f->rig);
	assert_int_equal(post_good(f), 503);
	api_rig_let_go(f->rig);
	api_rig_settle(f->rig);
	assert_int_equal(count_taken(f), 0);
	assert_true(is_taken(post_good(f)));
}

/* The sender goes before the answer: what it sent is stored all the same, or not at all. */
static void survives_senders_that_go(void **state)
{
	struct fixture *f = fixture_of(state);

	for (int i = 0; i < 20; i++) {
		int fd = post_begin(f, subject.path, subject.body, strlen(subject.body));

		for (int k = 0; k < i % 4; k++)
			client_turn(f->rig->loop);
		close(fd);
	}
	assert_true(is_taken(post_good(f)));
	assert_in_range(count_taken(f), 1, 21);
}

/* The instance goes while a request waits for its commit: it is still answered. */
static void goes_with_a_request_under_way(void **state)
{
	struct fixture *f = fixture_of(state);
	struct http_answer a;
	int fd;

	api_rig_hold(f->rig);
	fd = post_begin(f, subject.path, subject.body, strlen(subject.body));
	client_wait(f->rig->loop, is_in_flight, f);
	api_rig_drop(f->rig, f->self);
	f->self = NULL;
	api_rig_let_go(f->rig);
	client_answer(f->rig->loop, fd, &a);
	assert_true(is_taken(a.status));
	answer_free(&a);
	close(fd);
	assert_int_equal(count_taken(f), 1);
}

/* ---- refusing ---- */

static void expect_refused(struct fixture *f, const char *body, size_t len)
{
	int status = post(f, subject.path, body, len);

	if (status < 400 || status >= 500)
		fail_msg("%d for: %.*s", status, (int)len, body);
}

static void refuses_what_is_broken(void **state)
{
	static const char *const bodies[] = {"",
					     "{",
					     "[]",
					     "null",
					     "{}",
					     "\"x\"",
					     "{\"a\":\"\xff\"}",
					     "{\"alerts\":1}",
					     "{\"message\":1}",
					     "nonsense"};
	struct fixture *f = fixture_of(state);
	size_t len = strlen(subject.body);
	struct tc_buf doubled = {0};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		expect_refused(f, bodies[i], strlen(bodies[i]));
	for (size_t cut = 1; cut < len; cut++)
		expect_refused(f, subject.body, cut);
	tc_buf_printf(&doubled, "%s%s", subject.body, subject.body);
	expect_refused(f, doubled.data, doubled.len);
	tc_buf_fini(&doubled);
	assert_int_equal(count_taken(f), 0);
	assert_true(is_taken(post_good(f)));
}

/*
 * Each byte of a good body in turn becomes another one: whatever comes of it, it is answered, and
 * in order.
 */
static void survives_every_wrong_byte(void **state)
{
	static const char bytes[] = {'\0', '"', '{', '\\', '\x80', ' '};
	struct fixture *f = fixture_of(state);
	size_t len = strlen(subject.body), taken = 0;
	char *body = tc_strdup(subject.body);

	for (size_t i = 0; i < len; i++) {
		int status;

		body[i] = bytes[i % sizeof(bytes)];
		status = post(f, subject.path, body, len);
		assert_in_range(status, 200, 499);
		taken += is_taken(status);
		body[i] = subject.body[i];
	}
	assert_in_range(count_taken(f), 0, taken);
	free(body);
}

static void wants_the_scope_to_raise_alerts(void **state)
{
	struct fixture *f = fixture_of(state);
	json_t *reader = api_rig_json(f->rig, "POST", "/v1/tokens",
				      "{\"name\":\"reader\",\"scope\":\"read\"}", 201);
	json_t *raiser = api_rig_json(f->rig, "POST", "/v1/tokens",
				      "{\"name\":\"raiser\",\"scope\":\"alert\"}", 201);
	const char *tokens[] = {json_string_value(json_object_get(reader, "token")),
				json_string_value(json_object_get(raiser, "token"))};
	const int want[] = {403, 0};
	struct http_answer a;

	for (size_t i = 0; i < 2; i++) {
		char head[128];

		snprintf(head, sizeof(head), "Authorization: Bearer %s\r\n", tokens[i]);
		client_ask(f->rig->loop, f->rig->port, "POST", subject.path, head, subject.body,
			   &a);
		assert_true(want[i] ? a.status == want[i] : is_taken(a.status));
		answer_free(&a);
	}
	client_ask(f->rig->loop, f->rig->port, "POST", subject.path, "", subject.body, &a);
	assert_int_equal(a.status, 401);
	answer_free(&a);
	json_decref(reader);
	json_decref(raiser);
}

/* ---- which plugin ---- */

static bool choose(const char *name)
{
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		if (!strcmp(subjects[i].name, name))
			subject = subjects[i];
	subject.name = name;
	if (getenv("TOCSIN_CONFORM_SETTINGS")) {
		subject.settings = getenv("TOCSIN_CONFORM_SETTINGS");
		subject.second = getenv("TOCSIN_CONFORM_SECOND");
		subject.path = getenv("TOCSIN_CONFORM_PATH");
		subject.body = getenv("TOCSIN_CONFORM_BODY");
	}
	return subject.settings && subject.second && subject.path && subject.body;
}

int main(int argc, char **argv)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(opens_and_says_how_it_is),         TEST(goes_and_comes_back),
		TEST(lives_beside_another_of_its_kind), TEST(refuses_a_path_that_is_taken),
		TEST(stores_what_it_says_it_took),      TEST(answers_only_after_the_commit),
		TEST(says_when_there_is_too_much),      TEST(survives_senders_that_go),
		TEST(goes_with_a_request_under_way),    TEST(refuses_what_is_broken),
		TEST(survives_every_wrong_byte),        TEST(wants_the_scope_to_raise_alerts),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: conform-triggers NAME\n");
		return 2;
	}
	if (!choose(argv[1])) {
		printf("1..0 # SKIP what %s takes by HTTP is not known here\n", argv[1]);
		return 0;
	}
	return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
