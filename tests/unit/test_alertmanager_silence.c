/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Silences: what Alertmanager is asked, in which order, and what comes of its answers. It is a peer
 * of this test; the real one is in tests/e2e.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>
#include <tocsin/trigger.h>

#include "unit/api_rig.h"
#include "unit/tcp_peer.h"

#define ALERT "0192f000-0000-7000-8000-000000000001"

struct fixture {
	struct api_rig *rig;
	struct tc_instance *self;
	struct tcp_peer *peer;
	pthread_mutex_t lock; /* guards what follows */
	char log[512];        /* "GET POST " */
	char body[2000];      /* of the last POST */
	char path[200];       /* of the last request */
	char list[2000];      /* the silences that there are, JSON */
	const char *status;   /* of the answer to a POST, NULL = 200 */
	bool hold;            /* GETs are not answered until they are let go */
	/* the operation, on the loop */
	bool told;
	int err;
	char text[300];
};

/* ---- Alertmanager ---- */

static void answer(int fd, const char *status, const char *body)
{
	char *text = tc_asprintf("HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status,
				 strlen(body), body);

	tcp_peer_write(fd, text, strlen(text));
	free(text);
}

static void reply_to(struct fixture *f, int fd, const char *method)
{
	char list[2000];
	bool hold;

	pthread_mutex_lock(&f->lock);
	tc_strcopy(list, sizeof(list), f->list);
	hold = f->hold;
	pthread_mutex_unlock(&f->lock);
	if (!strcmp(method, "POST")) {
		answer(fd, f->status ? f->status : "200 OK",
		       f->status ? "\"bad matcher\"" : "{\"silenceID\":\"s-1\"}");
	} else if (!strcmp(method, "GET")) {
		if (hold)
			tcp_peer_hold(f->peer);
		answer(fd, "200 OK", list);
	} else {
		answer(fd, "200 OK", "");
	}
}

static void serve(struct tcp_peer *peer, int fd, unsigned n, void *arg)
{
	struct fixture *f = arg;
	char head[2000], method[16], path[200], body[2000];

	(void)peer;
	(void)n;
	while (tcp_peer_head(fd, head, sizeof(head)) &&
	       sscanf(head, "%15s %199s", method, path) == 2) {
		const char *length = strstr(head, "Content-Length: ");
		size_t len = length ? strtoul(length + 16, NULL, 10) : 0;

		memset(body, 0, sizeof(body));
		if (len >= sizeof(body) || !tcp_peer_read(fd, body, len))
			return;
		pthread_mutex_lock(&f->lock);
		strncat(f->log, method, sizeof(f->log) - strlen(f->log) - 1);
		strncat(f->log, " ", sizeof(f->log) - strlen(f->log) - 1);
		tc_strcopy(f->path, sizeof(f->path), path);
		if (len)
			tc_strcopy(f->body, sizeof(f->body), body);
		pthread_mutex_unlock(&f->lock);
		reply_to(f, fd, method);
	}
}

static void has_silence(struct fixture *f, const char *state, const char *alert)
{
	pthread_mutex_lock(&f->lock);
	snprintf(f->list, sizeof(f->list),
		 "[{\"id\":\"other\",\"comment\":\"mine\",\"status\":{\"state\":\"active\"}},"
		 "{\"id\":\"s-1\",\"comment\":\"Tocsin alert %s: acknowledged by x\","
		 "\"status\":{\"state\":\"%s\"}}]",
		 alert, state);
	pthread_mutex_unlock(&f->lock);
}

static void asked(struct fixture *f, const char *want)
{
	pthread_mutex_lock(&f->lock);
	assert_string_equal(f->log, want);
	f->log[0] = '\0';
	pthread_mutex_unlock(&f->lock);
}

/* ---- the trigger ---- */

static int setup_with(void **state, const char *more)
{
	struct fixture *f = tc_alloc(sizeof(*f));
	char *settings;

	f->rig = api_rig_new();
	*state = f;
	if (!f->rig)
		return 0;
	pthread_mutex_init(&f->lock, NULL);
	tc_strcopy(f->list, sizeof(f->list), "[]");
	f->peer = tcp_peer_new(serve, f);
	settings = tc_asprintf("{\"default_target\":\"+4930123\",\"silence_for\":\"1h\","
			       "\"api_url\":\"http://127.0.0.1:%u/am\"%s}",
			       tcp_peer_port(f->peer), more);
	f->self = api_rig_trigger(f->rig, "alertmanager", "am", settings);
	free(settings);
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, ",\"silence\":\"always\"");
}

static int setup_on_key(void **state)
{
	return setup_with(state, "");
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->rig) {
		tcp_peer_free(f->peer);
		if (f->self)
			api_rig_drop(f->rig, f->self);
		api_rig_free(f->rig);
		pthread_mutex_destroy(&f->lock);
	}
	free(f);
	return 0;
}

static void on_done(void *arg, int err, void *result, const char *text)
{
	struct fixture *f = arg;

	(void)result;
	f->told = true;
	f->err = err;
	tc_strcopy(f->text, sizeof(f->text), text ? text : "");
}

static bool is_told(void *arg)
{
	return ((struct fixture *)arg)->told;
}

static int begin(struct fixture *f, enum tc_decided what, const char *key, int64_t ago_us,
		 bool silence)
{
	const struct tc_trigger_ops *ops = f->self->plugin->ops;
	json_t *labels = json_pack("{s:s, s:s, s:s}", "alertname", "Disk \"full\"", "job", "a+b",
				   "empty", "");
	struct tc_decision d = {.what = what,
				.alert_id = ALERT,
				.dedup_key = key,
				.labels = labels,
				.message = "m",
				.by = "alice",
				.silence = silence,
				.at_us = tc_wall_us() - ago_us};
	struct tc_op *op;
	int err;

	f->told = false;
	op = op_new(f->self, "decided", 30000, on_done, NULL, f);
	err = ops->decided(f->self->state, op, &d);
	if (err)
		op_refused(op);
	json_decref(labels);
	return err;
}

static void decide(struct fixture *f, enum tc_decided what)
{
	assert_int_equal(begin(f, what, "k", 0, false), 0);
	client_wait(f->rig->loop, is_told, f);
}

/* ---- tests ---- */

static struct fixture *ready(void **state)
{
	struct fixture *f = *state;

	if (!f->rig)
		skip();
	return f;
}

static void makes_and_removes_one(void **state)
{
	struct fixture *f = ready(state);
	json_t *body, *matchers;

	decide(f, TC_DECIDED_ACKNOWLEDGED);
	assert_int_equal(f->err, 0);
	assert_non_null(strstr(f->text, "(silence s-1)"));
	asked(f, "GET POST ");
	body = json_loads(f->body, 0, NULL);
	matchers = json_object_get(body, "matchers");
	assert_int_equal(json_array_size(matchers), 2); /* not the empty one */
	assert_string_equal(json_string_value(json_object_get(body, "createdBy")),
			    "alice (Tocsin)");
	assert_non_null(strstr(json_string_value(json_object_get(body, "comment")), ALERT));
	json_decref(body);
	has_silence(f, "active", ALERT);
	decide(f, TC_DECIDED_REOPENED);
	assert_int_equal(f->err, 0);
	assert_string_equal(f->text, "the silence in Alertmanager was removed");
	asked(f, "GET DELETE ");
	assert_string_equal(f->path, "/am/api/v2/silence/s-1");
	has_silence(f, "expired", ALERT);
	decide(f, TC_DECIDED_RESOLVED);
	assert_int_equal(f->err, 0);
	asked(f, ""); /* nothing is known of one any more */
}

static void finds_the_one_that_is_there(void **state)
{
	struct fixture *f = ready(state);

	has_silence(f, "active", ALERT);
	decide(f, TC_DECIDED_ACKNOWLEDGED);
	assert_int_equal(f->err, 0);
	asked(f, "GET ");
	decide(f, TC_DECIDED_CANCELLED);
	asked(f, "GET DELETE ");
}

static void one_that_is_over_or_anothers_does_not_count(void **state)
{
	struct fixture *f = ready(state);

	has_silence(f, "expired", ALERT);
	decide(f, TC_DECIDED_ACKNOWLEDGED);
	asked(f, "GET POST ");
	has_silence(f, "active", "0192f000-0000-7000-8000-000000000002");
	decide(f, TC_DECIDED_ACKNOWLEDGED);
	asked(f, "GET POST ");
}

static void tells_what_can_be_mended_from_what_cannot(void **state)
{
	struct fixture *f = ready(state);

	f->status = "400 Bad Request";
	decide(f, TC_DECIDED_ACKNOWLEDGED);
	assert_int_equal(f->err, -EPERM);
	assert_non_null(strstr(f->text, "400 bad matcher"));
	f->status = "503 Service Unavailable";
	decide(f, TC_DECIDED_ACKNOWLEDGED);
	assert_int_equal(f->err, -EAGAIN);
	f->status = "401 Unauthorized";
	decide(f, TC_DECIDED_ACKNOWLEDGED);
	assert_int_equal(f->err, -EAGAIN);
	f->status = NULL;
	asked(f, "GET POST GET POST GET POST ");
	/* one was wanted, and may be there */
	decide(f, TC_DECIDED_RESOLVED);
	assert_int_equal(f->err, 0);
	asked(f, "GET ");
}

static void asks_nothing_when_there_is_nothing_to_do(void **state)
{
	struct fixture *f = ready(state);

	decide(f, TC_DECIDED_RESOLVED);
	assert_int_equal(f->err, 0);
	decide(f, TC_DECIDED_EXHAUSTED);
	assert_int_equal(f->err, 0);
	/* an alert of our own: Alertmanager does not know it */
	assert_int_equal(begin(f, TC_DECIDED_ACKNOWLEDGED, "heartbeat/am/dead", 0, false), 0);
	client_wait(f->rig->loop, is_told, f);
	assert_int_equal(f->err, 0);
	asked(f, "");
}

static void makes_none_whose_time_is_over(void **state)
{
	struct fixture *f = ready(state);

	assert_int_equal(begin(f, TC_DECIDED_ACKNOWLEDGED, "k", INT64_C(3601000000), false), 0);
	client_wait(f->rig->loop, is_told, f);
	assert_int_equal(f->err, 0);
	assert_non_null(strstr(f->text, "too late"));
	asked(f, "GET ");
}

static void by_key_only(void **state)
{
	struct fixture *f = ready(state);

	decide(f, TC_DECIDED_ACKNOWLEDGED);
	assert_int_equal(f->err, 0);
	asked(f, "");
	assert_int_equal(begin(f, TC_DECIDED_ACKNOWLEDGED, "k", 0, true), 0);
	client_wait(f->rig->loop, is_told, f);
	assert_int_equal(f->err, 0);
	asked(f, "GET POST ");
}

static bool is_held(void *arg)
{
	return tcp_peer_held(((struct fixture *)arg)->peer) > 0;
}

static void one_at_a_time_and_none_after_the_end(void **state)
{
	struct fixture *f = ready(state);

	pthread_mutex_lock(&f->lock);
	f->hold = true;
	pthread_mutex_unlock(&f->lock);
	assert_int_equal(begin(f, TC_DECIDED_ACKNOWLEDGED, "k", 0, false), 0);
	client_wait(f->rig->loop, is_held, f);
	assert_int_equal(begin(f, TC_DECIDED_ACKNOWLEDGED, "k", 0, false), -EAGAIN);
	api_rig_drop(f->rig, f->self);
	f->self = NULL;
	client_wait(f->rig->loop, is_told, f);
	assert_int_equal(f->err, -ECANCELED);
}

#define TEST(fn, how) cmocka_unit_test_setup_teardown(fn, how, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(makes_and_removes_one, setup),
		TEST(finds_the_one_that_is_there, setup),
		TEST(one_that_is_over_or_anothers_does_not_count, setup),
		TEST(tells_what_can_be_mended_from_what_cannot, setup),
		TEST(asks_nothing_when_there_is_nothing_to_do, setup),
		TEST(makes_none_whose_time_is_over, setup),
		TEST(by_key_only, setup_on_key),
		TEST(one_at_a_time_and_none_after_the_end, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
