/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/events: from the store and live, without a gap and without anything twice.
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

#include "store/event_repo.h"
#include "unit/api_rig.h"

struct reader {
	struct api_rig *rig;
	int fd;
	struct tc_buf in;
	size_t seen, count, want;
};

static void drain(struct reader *r)
{
	char buf[65536];
	ssize_t n;

	while ((n = recv(r->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		tc_buf_add(&r->in, buf, (size_t)n);
}

/* How many have come; what was looked at is not looked at again. */
static size_t count_events(struct reader *r)
{
	static const char mark[] = "\nevent: ";
	const char *at;

	while (r->in.data && (at = strstr(r->in.data + r->seen, mark))) {
		r->count++;
		r->seen = (size_t)(at - r->in.data) + sizeof(mark) - 1;
	}
	if (r->in.len > r->seen + sizeof(mark))
		r->seen = r->in.len - sizeof(mark);
	return r->count;
}

static bool has_events(void *arg)
{
	struct reader *r = arg;

	drain(r);
	return count_events(r) >= r->want;
}

static bool has_head(void *arg)
{
	struct reader *r = arg;

	drain(r);
	return r->in.data && strstr(r->in.data, "\r\n\r\n");
}

static void open_reader(struct reader *r, struct api_rig *rig, const char *path,
			const char *last_id)
{
	struct tc_buf text = {0};

	*r = (struct reader){.rig = rig, .fd = client_connect(0, rig->socket)};
	tc_buf_printf(&text, "GET %s HTTP/1.1\r\n", path);
	if (last_id)
		tc_buf_printf(&text, "Last-Event-ID: %s\r\n", last_id);
	tc_buf_puts(&text, "\r\n");
	client_send_bytes(r->fd, text.data, text.len);
	tc_buf_fini(&text);
	client_wait(rig->loop, has_head, r);
}

static void expect_events(struct reader *r, size_t n)
{
	r->want = n;
	client_wait(r->rig->loop, has_events, r);
	assert_int_equal(count_events(r), n);
}

static void close_reader(struct reader *r)
{
	close(r->fd);
	tc_buf_fini(&r->in);
}

/* The ids in the stream are first, first + 1, ... */
static void expect_ids(const struct reader *r, long long first)
{
	for (const char *at = r->in.data; (at = strstr(at, "id: ")); at++) {
		if (at[-1] != '\n')
			continue;
		assert_int_equal(strtoll(at + 4, NULL, 10), first);
		first++;
	}
}

/* How many events there are now: their ids are 1, 2, 3 ... */
struct last {
	struct api_rig *rig;
	int64_t id;
	bool done;
};

static bool store_is_idle(void *arg)
{
	return store_pending(((struct last *)arg)->rig->store) == 0;
}

static bool is_done(void *arg)
{
	return ((struct last *)arg)->done;
}

static int last_run(struct db *db, void *arg)
{
	return event_last_id(db, &((struct last *)arg)->id);
}

static void last_done(void *arg, int err)
{
	assert_int_equal(err, 0);
	((struct last *)arg)->done = true;
}

static size_t events_now(struct api_rig *rig)
{
	struct last last = {.rig = rig};

	client_wait(rig->loop, store_is_idle, &last);
	assert_int_equal(store_read(rig->store, last_run, last_done, &last), 0);
	client_wait(rig->loop, is_done, &last);
	return (size_t)last.id;
}

static void streams_from_the_store_and_live(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct reader all, live, middle;
	char id[TC_ID_SIZE], path[96];
	size_t before;

	api_rig_raise(rig, "One", "+49301", NULL, id);
	snprintf(path, sizeof(path), "/v1/alerts/%s/cancel", id);
	json_decref(api_rig_json(rig, "POST", path, NULL, 200));
	before = events_now(rig);
	assert_true(before >= 2);
	open_reader(&live, rig, "/v1/events", NULL);
	open_reader(&all, rig, "/v1/events?after=0", NULL);
	open_reader(&middle, rig, "/v1/events?after=0", "1"); /* the header is newer */
	expect_events(&all, before);
	expect_events(&middle, before - 1);
	assert_int_equal(count_events(&live), 0);
	api_rig_raise(rig, "Two", "+49301", NULL, id);
	expect_events(&live, events_now(rig) - before);
	expect_events(&all, events_now(rig));
	expect_events(&middle, events_now(rig) - 1);
	expect_ids(&all, 1);
	expect_ids(&middle, 2);
	expect_ids(&live, (long long)before + 1);
	close_reader(&live);
	close_reader(&all);
	close_reader(&middle);
}

/* Alerts come in while a stream is still catching up: none is missed, none comes twice. */
static void loses_nothing_while_catching_up(void **state)
{
	enum { ROUNDS = 30, EACH = 20 };
	struct api_rig *rig = api_rig_of(state);
	struct reader readers[ROUNDS];
	char ids[ROUNDS][EACH][TC_ID_SIZE] = {{""}};
	size_t total;

	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < EACH; k++) {
			struct tc_intake intake = {
				.message = "x", .target = "+49301", .source = "test"};
			struct tc_errors *errs = tc_errors_new();

			assert_int_equal(tc_intake_submit(rig->store_instance, &intake, 1, errs,
							  api_rig_stored, ids[i][k]),
					 0);
			tc_errors_free(errs);
		}
		open_reader(&readers[i], rig, "/v1/events?after=0", NULL);
	}
	for (int i = 0; i < ROUNDS; i++)
		for (int k = 0; k < EACH; k++)
			client_wait(rig->loop, api_rig_got, ids[i][k]);
	total = events_now(rig);
	assert_true(total >= ROUNDS * EACH);
	for (int i = 0; i < ROUNDS; i++) {
		expect_events(&readers[i], total);
		expect_ids(&readers[i], 1);
		close_reader(&readers[i]);
	}
}

static bool no_connections(void *arg)
{
	return http_server_connections(((struct api_rig *)arg)->http) == 0;
}

static void survives_readers_that_go_while_catching_up(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	char id[TC_ID_SIZE];

	api_rig_raise(rig, "One", "+49301", NULL, id);
	for (int i = 0; i < 50; i++) {
		struct reader r;

		open_reader(&r, rig, "/v1/events?after=0", NULL);
		close_reader(&r);
	}
	client_wait(rig->loop, no_connections, rig);
	api_rig_raise(rig, "Two", "+49301", NULL, id);
}

static void refuses_an_id_that_is_none(void **state)
{
	struct api_rig *rig = api_rig_of(state);
	struct reader r;

	open_reader(&r, rig, "/v1/events", "seven");
	assert_memory_equal(r.in.data, "HTTP/1.1 400", 12);
	close_reader(&r);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, api_rig_setup, api_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(streams_from_the_store_and_live),
		TEST(loses_nothing_while_catching_up),
		TEST(survives_readers_that_go_while_catching_up),
		TEST(refuses_an_id_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
