/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this folder share among themselves: the inside of the API. Nobody else
 * includes this.
 */
#ifndef CORE_API_PRIVATE_H
#define CORE_API_PRIVATE_H

#include <sys/queue.h>

#include <tocsin/http.h>

#include "api/api.h"
#include "host/loop.h"

struct alert_row;
struct api_documents;
struct call_row;
struct contact;
struct contact_import;
struct db;
struct directory;
struct event_row;
struct token;
struct event_stream;
struct fetching;
struct gap_search;
struct rendering;
struct checking;
struct looking;

struct api {
	struct api_deps deps;
	bool ready;
	/* tokens.c */
	TAILQ_HEAD(, token) tokens;
	bool tokens_loaded;
	struct loop_timer tokens_again;
	/* events.c */
	LIST_HEAD(, event_stream) streams;
	void *listener; /* of the journal */
	struct loop_timer ping;
	/* speech.c */
	LIST_HEAD(, rendering) renderings;
	/* prompts.c */
	LIST_HEAD(, fetching) fetchings;
	/* trunks.c */
	LIST_HEAD(, checking) checkings;
	/* readiness.c */
	LIST_HEAD(, looking) lookings;
	int64_t problems;   /* -1 = not yet known */
	int64_t counted_us; /* when it was begun to be found, 0 = never */
	bool counting;
	/* health.c: what the metrics know of the store's counters */
	uint64_t commits, jobs, commit_us;
	/* documents.c */
	struct api_documents *documents[3]; /* owned */
	/* contacts_csv.c */
	LIST_HEAD(, contact_import) imports;
	/* oncall.c */
	LIST_HEAD(, gap_search) gap_searches;
	/* openapi.c */
	char *openapi; /* owned; made when it is first asked for */
};

/* Each adds its routes; fini where there is something to end. */
void api_alerts_init(struct api *api);
void api_alert_act_init(struct api *api);
void api_calls_init(struct api *api);
void api_contacts_init(struct api *api);
void api_contacts_csv_init(struct api *api);
void api_contacts_csv_fini(struct api *api);
void api_documents_init(struct api *api);
void api_documents_fini(struct api *api);
void api_calendar_init(struct api *api);
void api_oncall_init(struct api *api);
void api_oncall_fini(struct api *api);
void api_events_init(struct api *api);
void api_events_fini(struct api *api);
void api_tokens_init(struct api *api);
void api_tokens_fini(struct api *api);
void api_plugins_init(struct api *api);
void api_trunks_init(struct api *api);
void api_trunks_fini(struct api *api);
void api_speech_init(struct api *api);
void api_speech_fini(struct api *api);
void api_prompts_init(struct api *api);
void api_prompts_fini(struct api *api);
void api_readiness_init(struct api *api);
void api_test_calls_init(struct api *api);
void api_health_init(struct api *api);
void api_openapi_init(struct api *api);

/* Add routes of a table that ends with a NULL path. */
void api_routes(struct api *api, const struct tc_http_route *routes);

/* 503 with Retry-After: the store is away or overloaded. */
void api_busy(struct tc_http_req *req);

/* ---- read.c ---- */

/* One answer that is read from the store; on the heap, embedded first in what a resource needs. */
struct api_read {
	struct tc_http_req *req;
	/*
	 * The reader's thread: make the answer's JSON. May be called again.
	 * result: 0 | -ENOENT: 404 | negative: 503
	 */
	int (*run)(struct db *db, struct api_read *read, json_t **answer);
	void (*fini)(struct api_read *read); /* frees what it owns, not itself; may be NULL */
	const char *noun;                    /* "alert", for the 404 */
	char id[TC_ID_SIZE];
	char *text; /* owned; the answer */
};

/* Takes read. Answers in any case. */
void api_read(struct api *api, struct api_read *read);

/* A page of a list, while it is read. */
struct api_page {
	json_t *items;
	int limit, n;
	char last_id[TC_ID_SIZE];
	bool more;
};

/* Begin; ask the repository for api_page_ask() rows. */
void api_page_init(struct api_page *page, int limit);
int api_page_ask(const struct api_page *page);
/* Add a row (item is taken); what the repository's callback returns. */
int api_page_add(struct api_page *page, const char *id, json_t *item);
/* {"items","next"} */
json_t *api_page_done(struct api_page *page, int err);

/* Names of what is listed by name: no longer than this. */
#define API_NAME_MAX 100
#define API_NAME_CURSOR_SIZE (2 * API_NAME_MAX + 1)
/* A cursor: the last name of a page in hexadecimal; who had it may be gone by then. */
void api_name_cursor(char cursor[API_NAME_CURSOR_SIZE], const char *name);
/* The name out of a cursor; false after the 400 has been answered. text may be NULL: "". */
bool api_cursor_name(struct tc_http_req *req, const char *text, char name[API_NAME_MAX + 1]);

/* A cursor or a time out of a query; false after the 400 has been answered. text may be NULL. */
bool api_cursor(struct tc_http_req *req, const char *text, char id[TC_ID_SIZE]);
bool api_time(struct tc_http_req *req, const char *field, const char *text, int64_t *wall_us);
/* An id in the path; false after the 404 has been answered. */
bool api_id(struct tc_http_req *req, const char *noun, char id[TC_ID_SIZE]);

/* ---- precondition.c: RFC 9110, 13.1.1; RFC 6585, 3 ---- */

void api_put_etag(struct tc_http_req *req, int64_t version);
/*
 * Whether what is to be changed is what the client has seen.
 *
 * noun     "contact"
 * now      the version that it has
 * version  receives the one it must still have when it is changed; 0 = any
 * result   false after the 412 or 428 has been answered
 */
bool api_precondition(struct tc_http_req *req, const char *noun, int64_t now, int64_t *version);
/* The 412: it was changed meanwhile. */
void api_version_gone(struct tc_http_req *req, const char *noun);

/* ---- shape.c: rows as JSON (design, "Shapes"); new references ---- */

json_t *shape_time(int64_t wall_us); /* 0 = null */
json_t *shape_alert(const struct alert_row *row);
/* Add to an alert, or to each of a list, how far it has come. Thread: store. */
int api_escalation(struct db *db, json_t *alert);
int api_escalations(struct db *db, json_t *alerts);
json_t *shape_call(const struct call_row *row);
json_t *shape_timeline(const struct event_row *row);
/* An event of the stream: one line of text, malloc'ed. */
char *shape_event(const struct event_row *row);
/* {"items": items, "next": null}; takes items. */
json_t *shape_list(json_t *items);

/* ---- schema.c ---- */

/* JSON Schemas of all answers, by name: what a route's reply names; new reference. */
json_t *schema_all(void);
/* The media type of an answer of this name. */
const char *schema_media_type(const char *reply);
/* The media type of what a route takes; NULL: it takes nothing. */
const char *schema_body_type(const struct tc_http_route *route);

/* ---- readiness.c ---- */

/* The number of problems, for /metrics. */
void api_readiness_metrics(struct api *api);

/* ---- openapi.c ---- */

/* The description of all routes of the server; new reference. */
json_t *openapi_make(const struct http_server *server);

/* ---- contacts.c ---- */

struct directory *api_directory(const struct api *api);
json_t *contact_shape(const struct contact *contact); /* new reference */
/* The contact in the path; NULL after the 404, or the 503, has been answered. */
const struct contact *contact_of(struct tc_http_req *req, const struct api *api);

/* ---- contact_change.c: handlers; arg: struct api ---- */

void contact_on_add(struct tc_http_req *req, void *arg);
void contact_on_put(struct tc_http_req *req, void *arg);
void contact_on_delete(struct tc_http_req *req, void *arg);

/* ---- refer.c ---- */

/*
 * Whether no document names this one or this contact.
 *
 * kind    "contact", "schedule"
 * result  false after the 409, or the 503, has been answered
 */
bool api_unreferred(struct tc_http_req *req, const struct api *api, const char *kind,
		    const char *id);

/* ---- alerts.c ---- */

/* An alert with its timeline: the answer of several resources. Takes req. */
void api_alert_answer(struct api *api, struct tc_http_req *req, const char *id);

#endif
