/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/events: every event as a server-sent event, resumable.
 *
 * A stream reads the store from where the client left off until it has caught up, and is then fed
 * by the journal. An event is in the store before the journal tells of it, and both are seen on
 * the loop: nothing falls between them, and what the store has given already is known by its id.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "http/server.h"
#include "store/event_repo.h"
#include "store/journal.h"
#include "store/store.h"

enum {
	PING_US = 15000000,
	BATCH = 200,
	BEHIND_BYTES =
		256 << 10, /* a client that is further behind gets no more from the store for now */
	WAIT_US = 50000,
};

struct event_stream {
	LIST_ENTRY(event_stream) link;
	struct api *api;
	struct http_stream *http; /* NULL: the client has gone */
	int64_t last, newest;     /* ids: given to the client, told by the journal */
	bool live, reading;
	struct loop_timer again;
};

/* What one turn reads from the store. */
struct replayed {
	int64_t id;
	char *what, *text; /* owned */
};

struct replay {
	struct event_stream *stream;
	int64_t after;
	size_t n;
	struct replayed events[BATCH];
};

static void stream_free(struct event_stream *s)
{
	loop_timer_stop(&s->again);
	free(s);
}

static void detach(struct event_stream *s)
{
	LIST_REMOVE(s, link);
	s->http = NULL;
	if (!s->reading)
		stream_free(s);
}

static void on_closed(void *arg)
{
	detach(arg);
}

/* ---- from the store ---- */

static void replay_clear(struct replay *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->events[i].what);
		free(r->events[i].text);
	}
	r->n = 0;
}

static int replay_add(const struct event_row *row, void *arg)
{
	struct replay *r = arg;
	struct replayed *e = &r->events[r->n++];

	e->id = row->id;
	e->what = tc_strdup(row->what);
	e->text = shape_event(row);
	return r->n == BATCH;
}

static int replay_run(struct db *db, void *arg)
{
	struct replay *r = arg;

	replay_clear(r);
	return event_list_after(db, r->after, BATCH, replay_add, r);
}

static void catch_up(void *arg);

/* What has come; false when the client has gone meanwhile. */
static bool pass_on(struct event_stream *s, const struct replay *r)
{
	for (size_t i = 0; i < r->n && s->http; i++) {
		s->last = r->events[i].id;
		http_stream_send(s->http, s->last, r->events[i].what, r->events[i].text);
	}
	return s->http != NULL;
}

static void replay_done(void *arg, int err)
{
	struct replay *r = arg;
	struct event_stream *s = r->stream;

	if (err)
		replay_clear(r); /* it was rolled back */
	if (pass_on(s, r)) {
		s->reading = false;
		if (err)
			loop_timer_start_us(&s->again, 20 * WAIT_US);
		else if (r->n == BATCH || s->newest > s->last)
			catch_up(s);
		else
			s->live = true;
	} else {
		stream_free(s);
	}
	replay_clear(r);
	free(r);
}

static void catch_up(void *arg)
{
	struct event_stream *s = arg;
	struct replay *r;

	if (http_stream_pending(s->http) > BEHIND_BYTES) {
		loop_timer_start_us(&s->again, WAIT_US);
		return;
	}
	r = tc_alloc(sizeof(*r));
	r->stream = s;
	r->after = s->last;
	s->reading = true;
	if (!store_read(s->api->deps.store, replay_run, replay_done, r))
		return;
	s->reading = false;
	free(r);
	loop_timer_start_us(&s->again, WAIT_US);
}

/* ---- from the journal ---- */

static void on_event(void *arg, const struct event_row *row)
{
	struct api *api = arg;
	struct event_stream *s, *next;
	char *text = NULL;

	for (s = LIST_FIRST(&api->streams); s; s = next) {
		next = LIST_NEXT(s, link);
		s->newest = row->id;
		if (!s->live || row->id <= s->last)
			continue;
		if (!text)
			text = shape_event(row);
		s->last = row->id;
		http_stream_send(s->http, row->id, row->what, text);
	}
	free(text);
}

static void on_ping(void *arg)
{
	struct api *api = arg;
	struct event_stream *s, *next;

	for (s = LIST_FIRST(&api->streams); s; s = next) {
		next = LIST_NEXT(s, link);
		http_stream_ping(s->http);
	}
	loop_timer_start_us(&api->ping, PING_US);
}

/* ---- the route ---- */

struct events_query {
	int64_t after;
};

static const struct tc_option events_query[] = {
	{"after", TC_INT, offsetof(struct events_query, after), .min = 0, .max = INT64_MAX,
	 .help = "begin behind the event with this id; 0 = with the first; default: with the next"},
	TC_OPTION_END,
};

/*
 * Where to begin; false after the 400 has been answered. The header is newer than the address of
 * the stream.
 */
static bool begin_at(struct tc_http_req *req, int64_t *after, bool *given)
{
	const char *header = tc_http_header(req, "Last-Event-ID");
	struct events_query query = {0};
	char *end;

	if (tc_http_query_fields(req, &query))
		return false;
	*after = query.after;
	*given = tc_http_query(req, "after") != NULL;
	if (!header || !*header)
		return true;
	*given = true;
	errno = 0;
	*after = strtoll(header, &end, 10);
	if (!*end && !errno && *after >= 0)
		return true;
	tc_http_problem(req, 400, "Last-Event-ID",
			"the header Last-Event-ID is not the id of an event");
	return false;
}

static void on_get(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	struct event_stream *s;
	int64_t after;
	bool given;

	if (!begin_at(req, &after, &given))
		return;
	s = tc_alloc(sizeof(*s));
	s->api = api;
	s->last = after;
	s->live = !given;
	loop_timer_init(&s->again, api->deps.loop, catch_up, s);
	s->http = http_stream_open(req, on_closed, s);
	if (!s->http) {
		free(s);
		return;
	}
	LIST_INSERT_HEAD(&api->streams, s, link);
	if (given)
		catch_up(s);
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/events",
	 .scope = TC_SCOPE_READ,
	 .fn = on_get,
	 .summary = "All that happens, as server-sent events; resumable by Last-Event-ID",
	 .query = events_query,
	 .success = 200,
	 .reply = "event"},
	{.path = NULL},
};

void api_events_init(struct api *api)
{
	LIST_INIT(&api->streams);
	api->listener = journal_listen(api->deps.journal, on_event, api);
	loop_timer_init(&api->ping, api->deps.loop, on_ping, api);
	loop_timer_start_us(&api->ping, PING_US);
	api_routes(api, routes);
}

void api_events_fini(struct api *api)
{
	struct event_stream *s;

	journal_unlisten(api->deps.journal, api->listener);
	loop_timer_stop(&api->ping);
	while ((s = LIST_FIRST(&api->streams))) {
		http_stream_close(s->http);
		detach(s);
	}
}
