/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/tokens, and the table of tokens by which the server knows who calls. The store and the
 * table hold hashes only: a token is shown once, in the answer that makes it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "api/private.h"
#include "host/id.h"
#include "http/server.h"
#include "store/store.h"
#include "store/token_repo.h"

enum { SECRET_BYTES = 32, TOKEN_SIZE = 48, RETRY_US = 1000000 };

static const struct {
	const char *name;
	enum tc_scope scope;
} scopes[] = {
	{"read", TC_SCOPE_READ},
	{"alert", TC_SCOPE_ALERT},
	{"admin", TC_SCOPE_ADMIN},
};

static const char *const scope_names[] = {"read", "alert", "admin", NULL};

struct token {
	TAILQ_ENTRY(token) link;
	char id[TC_ID_SIZE];
	char *name;        /* owned */
	const char *scope; /* constant; NULL: none that this program knows */
	enum tc_scope value;
	unsigned char hash[32];
	int64_t created_us, expires_us;
};

/* ---- the table ---- */

static void token_add(struct api *api, const struct token_row *row)
{
	struct token *t = tc_alloc(sizeof(*t));

	tc_strcopy(t->id, sizeof(t->id), row->id);
	t->name = tc_strdup(row->name);
	memcpy(t->hash, row->hash, sizeof(t->hash));
	t->created_us = row->created_us;
	t->expires_us = row->expires_us;
	t->value = TC_SCOPE_PUBLIC;
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		if (strcmp(row->scope, scopes[i].name))
			continue;
		t->scope = scopes[i].name;
		t->value = scopes[i].scope;
	}
	TAILQ_INSERT_TAIL(&api->tokens, t, link);
}

static void token_drop(struct api *api, struct token *t)
{
	TAILQ_REMOVE(&api->tokens, t, link);
	free(t->name);
	free(t);
}

static void drop_all(struct api *api)
{
	while (!TAILQ_EMPTY(&api->tokens))
		token_drop(api, TAILQ_FIRST(&api->tokens));
}

/*
 * http_auth_fn. All are compared, each in constant time: how long it takes tells nothing of any
 * of them.
 */
static enum tc_scope look_up(void *arg, const char *text, const char **name)
{
	struct api *api = arg;
	enum tc_scope scope = TC_SCOPE_PUBLIC;
	unsigned char hash[32];
	struct token *t;

	if (!api->tokens_loaded)
		return HTTP_AUTH_LATER;
	SHA256((const unsigned char *)text, strlen(text), hash);
	TAILQ_FOREACH (t, &api->tokens, link) {
		if (CRYPTO_memcmp(t->hash, hash, sizeof(hash)))
			continue;
		if (t->expires_us && t->expires_us <= loop_wall_us(api->deps.loop))
			continue;
		scope = t->value;
		*name = t->name;
	}
	return scope;
}

/* ---- loading ---- */

struct loading {
	struct api *api;
	struct token_row *rows; /* owned, with their strings */
	size_t n;
};

static void rows_clear(struct loading *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free((char *)l->rows[i].name);
		free((char *)l->rows[i].scope);
	}
	free(l->rows);
	l->rows = NULL;
	l->n = 0;
}

static int load_row(const struct token_row *row, void *arg)
{
	struct loading *l = arg;
	struct token_row *copy;

	l->rows = tc_realloc(l->rows, (l->n + 1) * sizeof(*l->rows));
	copy = &l->rows[l->n++];
	*copy = *row;
	copy->name = tc_strdup(row->name);
	copy->scope = tc_strdup(row->scope);
	return 0;
}

static int load_run(struct db *db, void *arg)
{
	rows_clear(arg);
	return token_list(db, load_row, arg);
}

static void load_done(void *arg, int err)
{
	struct loading *l = arg;
	struct api *api = l->api;

	if (err) {
		tc_log(NULL, TC_LOG_ERROR, "the API tokens cannot be read: %s", tc_strerror(err));
		loop_timer_start_us(&api->tokens_again, RETRY_US);
	} else {
		drop_all(api);
		for (size_t i = 0; i < l->n; i++)
			token_add(api, &l->rows[i]);
		api->tokens_loaded = true;
	}
	rows_clear(l);
	free(l);
}

static void load(void *arg)
{
	struct api *api = arg;
	struct loading *l = tc_alloc(sizeof(*l));

	l->api = api;
	if (!store_read(api->deps.store, load_run, load_done, l))
		return;
	free(l);
	loop_timer_start_us(&api->tokens_again, RETRY_US);
}

/* ---- the list ---- */

static json_t *shape_token(const struct token *t)
{
	return json_pack("{s:s, s:s, s:s?, s:o, s:o}", "id", t->id, "name", t->name, "scope",
			 t->scope, "created_at", shape_time(t->created_us), "expires_at",
			 shape_time(t->expires_us));
}

static void on_list(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	json_t *items = json_array();
	struct token *t;

	TAILQ_FOREACH (t, &api->tokens, link)
		json_array_append_new(items, shape_token(t));
	tc_http_reply_json(req, 200, shape_list(items));
}

/* ---- a new one ---- */

struct fresh_token {
	const char *name, *expires_at;
	int scope;
};

static const struct tc_option fresh_body[] = {
	{"name", TC_STRING, offsetof(struct fresh_token, name), TC_REQUIRED, .max = 64,
	 .help = "for people, and in the timeline: who has it"},
	{"scope", TC_ENUM, offsetof(struct fresh_token, scope), TC_REQUIRED, .choices = scope_names,
	 .help = "what it may do; each contains those before it"},
	{"expires_at", TC_STRING, offsetof(struct fresh_token, expires_at), .max = 64,
	 .help = "when it ends (RFC 3339); default: never"},
	TC_OPTION_END,
};

struct adding {
	struct api *api;
	struct tc_http_req *req;
	struct token_row row;
	char *name; /* owned */
	char text[TOKEN_SIZE];
};

static void adding_free(struct adding *a)
{
	free(a->name);
	OPENSSL_cleanse(a->text, sizeof(a->text));
	free(a);
}

static int add_run(struct db *db, void *arg)
{
	return token_insert(db, &((struct adding *)arg)->row);
}

static void add_done(void *arg, int err)
{
	struct adding *a = arg;

	if (err == -EEXIST) {
		tc_http_problem(a->req, 409, "name", "there is a token with this name");
	} else if (err) {
		api_busy(a->req);
	} else {
		token_add(a->api, &a->row);
		tc_log(NULL, TC_LOG_INFO, "a token was made name=%s scope=%s by=%s", a->row.name,
		       a->row.scope, tc_http_who(a->req));
		tc_http_reply_header(a->req, "Cache-Control", "no-store");
		tc_http_reply_json(a->req, 201,
				   json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", a->row.id, "name",
					     a->row.name, "scope", a->row.scope, "token", a->text,
					     "expires_at", shape_time(a->row.expires_us)));
	}
	adding_free(a);
}

/*
 * "tc_" and 32 random bytes, base64url (RFC 4648) without padding. False when there is no
 * randomness.
 */
static bool make_secret(char text[TOKEN_SIZE])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char secret[SECRET_BYTES + 1] = {0};
	char *to = text;

	if (getrandom(secret, SECRET_BYTES, 0) != SECRET_BYTES)
		return false;
	to += 3;
	memcpy(text, "tc_", 3);
	for (size_t i = 0; i < SECRET_BYTES; i += 3) {
		uint32_t v = (uint32_t)secret[i] << 16 | (uint32_t)secret[i + 1] << 8 |
			     (i + 2 < SECRET_BYTES ? secret[i + 2] : 0);

		*to++ = letters[v >> 18];
		*to++ = letters[v >> 12 & 63];
		*to++ = letters[v >> 6 & 63];
		if (i + 2 < SECRET_BYTES)
			*to++ = letters[v & 63];
	}
	*to = '\0';
	OPENSSL_cleanse(secret, sizeof(secret));
	return true;
}

static void on_add(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	int64_t now_us = loop_wall_us(api->deps.loop), expires_us;
	struct fresh_token fresh = {0};
	struct adding *a;

	if (tc_http_fields(req, &fresh))
		return;
	if (!api_time(req, "expires_at", fresh.expires_at, &expires_us))
		return;
	if (expires_us && expires_us <= now_us) {
		tc_http_problem(req, 422, "expires_at", "expires_at is over already");
		return;
	}
	a = tc_alloc(sizeof(*a));
	a->api = api;
	a->req = req;
	a->name = tc_strdup(fresh.name);
	a->row.name = a->name;
	a->row.scope = scope_names[fresh.scope];
	a->row.created_us = now_us;
	a->row.expires_us = expires_us;
	id_new(a->row.id, now_us);
	if (!make_secret(a->text)) {
		tc_http_problem(req, 500, NULL, "there is no randomness to make a token of");
		adding_free(a);
		return;
	}
	SHA256((const unsigned char *)a->text, strlen(a->text), a->row.hash);
	if (store_write(api->deps.store, add_run, add_done, a)) {
		api_busy(req);
		adding_free(a);
	}
}

/* ---- one less ---- */

struct deleting {
	struct api *api;
	struct tc_http_req *req;
	char id[TC_ID_SIZE];
};

static int delete_run(struct db *db, void *arg)
{
	return token_delete(db, ((struct deleting *)arg)->id);
}

static void delete_done(void *arg, int err)
{
	struct deleting *d = arg;
	struct token *t, *next;

	if (err == -ENOENT) {
		tc_http_problem(d->req, 404, NULL, "there is no such token");
	} else if (err) {
		api_busy(d->req);
	} else {
		for (t = TAILQ_FIRST(&d->api->tokens); t; t = next) {
			next = TAILQ_NEXT(t, link);
			if (strcmp(t->id, d->id))
				continue;
			tc_log(NULL, TC_LOG_INFO, "a token was taken away name=%s by=%s", t->name,
			       tc_http_who(d->req));
			token_drop(d->api, t);
		}
		tc_http_reply(d->req, 204, NULL, NULL, 0);
	}
	free(d);
}

static void on_delete(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	struct deleting *d;
	char id[TC_ID_SIZE];

	if (!api_id(req, "token", id))
		return;
	d = tc_alloc(sizeof(*d));
	d->api = api;
	d->req = req;
	tc_strcopy(d->id, sizeof(d->id), id);
	if (store_write(api->deps.store, delete_run, delete_done, d)) {
		api_busy(req);
		free(d);
	}
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/tokens",
	 .scope = TC_SCOPE_ADMIN,
	 .fn = on_list,
	 .summary = "API tokens, without the tokens themselves",
	 .success = 200,
	 .reply = "tokens"},
	{.method = TC_POST,
	 .path = "/v1/tokens",
	 .scope = TC_SCOPE_ADMIN,
	 .fn = on_add,
	 .summary = "Make a token; it is shown this once",
	 .body = fresh_body,
	 .success = 201,
	 .reply = "fresh_token"},
	{.method = TC_DELETE,
	 .path = "/v1/tokens/{id}",
	 .scope = TC_SCOPE_ADMIN,
	 .fn = on_delete,
	 .summary = "Take a token away",
	 .success = 204},
	{.path = NULL},
};

void api_tokens_init(struct api *api)
{
	TAILQ_INIT(&api->tokens);
	loop_timer_init(&api->tokens_again, api->deps.loop, load, api);
	http_server_set_auth(api->deps.http, look_up, api);
	api_routes(api, routes);
	load(api);
}

void api_tokens_fini(struct api *api)
{
	loop_timer_stop(&api->tokens_again);
	drop_all(api);
}
