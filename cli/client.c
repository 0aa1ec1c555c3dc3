/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's API over HTTP; see client.h. Where the daemon is and who asks is found out in
 * target.c.
 */
#include "client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "target.h"

#define CONNECT_MS 5000L
#define ANSWER_MS  60000L /* speech may take its time */
#define SILENCE_S  90L    /* a stream is pinged more often than that */
#define ANSWER_MAX (64 * 1024 * 1024)

#define NEAR_HINT "on the Unix socket root and the daemon's own user need no token"
#define FAR_HINT  "--token-file, TOCSIN_TOKEN_FILE or TOCSIN_TOKEN gives one"

struct client {
	struct target target;
	CURL *curl;
	struct curl_slist *head; /* of each request */
	bool quiet;
	const char *match; /* If-Match, or NULL */
	char etag[80];     /* of the last answer, "" = it had none */
	char why[CURL_ERROR_SIZE];
};

/* An answer as it comes in. */
struct answer {
	char *data; /* owned; NUL-terminated if not NULL */
	size_t len, room;
	const struct client_stream *stream; /* if it is to be passed on */
	CURL *curl;
	char *etag; /* receives it; sizeof(client->etag) bytes */
	bool connected;
};

/* ---- the handle ---- */

static void add_header(struct client *client, const char *line)
{
	struct curl_slist *head = curl_slist_append(client->head, line);

	if (!head)
		abort();
	client->head = head;
}

struct client *client_new(const char *url, const char *token_file)
{
	struct client *client = calloc(1, sizeof(*client));
	char *line;

	if (!client)
		abort();
	if (!target_find(&client->target, url, token_file)) {
		target_fini(&client->target);
		free(client);
		return NULL;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	client->curl = curl_easy_init();
	if (!client->curl)
		abort();
	add_header(client, "Expect:");
	if (client->target.token) {
		line = format_text("Authorization: Bearer %s", client->target.token);
		add_header(client, line);
		free(line);
	}
	return client;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	curl_slist_free_all(client->head);
	curl_global_cleanup();
	target_fini(&client->target);
	free(client);
}

const char *client_url(const struct client *client)
{
	return client->target.url;
}

void client_set_quiet(struct client *client, bool quiet)
{
	client->quiet = quiet;
}

void client_set_match(struct client *client, const char *match)
{
	client->match = match;
}

const char *client_etag(const struct client *client)
{
	return client->etag;
}

/* ---- paths ---- */

static char *escape(struct client *client, const char *text)
{
	char *escaped = curl_easy_escape(client->curl, text, 0);

	if (!escaped)
		abort();
	return escaped;
}

char *client_path(struct client *client, const char *path, const struct client_param *params)
{
	char *all = format_text("%s", path), *value, *more;
	char sign = '?';

	for (; params->name; params++) {
		if (!params->value)
			continue;
		value = escape(client, params->value);
		more = format_text("%s%c%s=%s", all, sign, params->name, value);
		curl_free(value);
		free(all);
		all = more;
		sign = '&';
	}
	return all;
}

char *client_path_of(struct client *client, const char *before, const char *id, const char *after)
{
	char *escaped = escape(client, id), *path = format_text("%s%s%s", before, escaped, after);

	curl_free(escaped);
	return path;
}

/* ---- one request ---- */

static size_t keep(struct answer *a, const char *data, size_t len)
{
	if (a->len + len > ANSWER_MAX)
		return 0;
	if (a->len + len + 1 > a->room) {
		a->room = 2 * (a->len + len + 1);
		a->data = realloc(a->data, a->room);
		if (!a->data)
			abort();
	}
	memcpy(a->data + a->len, data, len);
	a->len += len;
	a->data[a->len] = '\0';
	return len;
}

/* A stream that was refused is an answer like any other. */
static size_t on_bytes(char *data, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;
	long status = 0;

	curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
	if (!a->stream || status != 200)
		return keep(a, data, size * n);
	return a->stream->bytes(a->stream->arg, data, size * n) ? size * n : 0;
}

/* An answer's ETag, of its header lines. */
static void take_etag(struct answer *a, const char *line, size_t len)
{
	static const char name[] = "etag:";
	size_t room = sizeof(((struct client *)0)->etag);

	if (len < sizeof(name) || strncasecmp(line, name, sizeof(name) - 1) != 0)
		return;
	line += sizeof(name) - 1;
	len -= sizeof(name) - 1;
	while (len && strchr(" \t", *line))
		line++, len--;
	while (len && strchr(" \t\r\n", line[len - 1]))
		len--;
	snprintf(a->etag, room, "%.*s", len < room ? (int)len : 0, line);
}

/* The header lines, and the empty line behind the head. */
static size_t on_head(char *data, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;
	long status = 0;

	curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
	take_etag(a, data, size * n);
	if (a->stream && status == 200 && size * n <= 2 && *data != ' ' && !a->connected) {
		a->connected = true;
		a->stream->connected(a->stream->arg);
	}
	return size * n;
}

/* A body that is sent. */
struct sent {
	const char *type, *data;
	size_t len;
};

static void set_up(struct client *client, const char *method, const char *url,
		   const struct sent *body, struct answer *answer)
{
	const struct target *target = &client->target;
	CURL *curl = client->curl;

	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body->len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data);
	}
	if (target->socket)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, target->socket);
	if (target->near)
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "tocsin/" TC_VERSION);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->why);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
	answer->curl = curl;
	answer->etag = client->etag;
	client->etag[0] = '\0';
	client->why[0] = '\0';
}

static int away(const struct client *client, CURLcode err)
{
	char *why = format_clean(client->why[0] ? client->why : curl_easy_strerror(err));
	long sys = 0;

	/* curl speaks of a port where there is none */
	if (client->target.socket && err == CURLE_COULDNT_CONNECT &&
	    !curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &sys) && sys) {
		free(why);
		why = format_clean(strerror((int)sys));
	}
	if (!client->quiet)
		fprintf(stderr, "tocsin: no answer from the daemon at %s: %s\n", client->target.url,
			why);
	free(why);
	return EXIT_AWAY;
}

/* ---- what is wrong ---- */

static void print_fault(const json_t *fault)
{
	char *field = format_member(fault, "field"), *detail = format_member(fault, "detail");

	/* the daemon's sentences sometimes begin with the field, sometimes with what it must be */
	if (*field && strncmp(detail, field, strlen(field)) != 0)
		fprintf(stderr, "tocsin: %s: %s\n", field, detail);
	else
		fprintf(stderr, "tocsin: %s\n", detail);
	free(field);
	free(detail);
}

void client_faults(const json_t *faults)
{
	for (size_t i = 0; i < json_array_size(faults); i++) {
		const json_t *fault = json_array_get(faults, i), *line;
		char *field = format_member(fault, "field"), *text = format_member(fault, "text");

		line = json_object_get(fault, "line");
		fputs("tocsin: ", stderr);
		if (json_is_integer(line))
			fprintf(stderr, "line %lld: ", (long long)json_integer_value(line));
		fprintf(stderr, "%s%s%s\n", field, *field ? ": " : "", text);
		free(field);
		free(text);
	}
}

/* A problem (RFC 9457), or whatever else a proxy has to say. */
static int refused(const struct client *client, long status, const struct answer *answer)
{
	json_t *problem = answer->data ? json_loadb(answer->data, answer->len, 0, NULL) : NULL;
	json_t *errors = json_object_get(problem, "errors");
	char *title = format_member(problem, "title");

	if (json_array_size(json_object_get(problem, "faults"))) {
		client_faults(json_object_get(problem, "faults"));
	} else if (json_array_size(errors)) {
		for (size_t i = 0; i < json_array_size(errors); i++)
			print_fault(json_array_get(errors, i));
	} else if (json_is_string(json_object_get(problem, "detail"))) {
		print_fault(problem);
	} else {
		fprintf(stderr, "tocsin: %s answered %ld %s\n", client->target.url, status, title);
	}
	if (status == 401 && !client->target.token)
		fprintf(stderr, "tocsin: %s\n", client->target.socket ? NEAR_HINT : FAR_HINT);
	free(title);
	json_decref(problem);
	return EXIT_REFUSED;
}

/* ---- requests ---- */

/* body: NULL = none. */
static int perform(struct client *client, const char *method, const char *path,
		   const struct sent *body, struct answer *answer)
{
	char *url = format_text("%s%s", client->target.base, path);
	struct curl_slist *head = NULL;
	bool stream = answer->stream != NULL;
	char *line = NULL, *match = NULL, *type = NULL;
	long status = 0;
	CURLcode err;

	set_up(client, method, url, body, answer);
	for (struct curl_slist *h = client->head; h; h = h->next)
		head = curl_slist_append(head, h->data);
	if (body) {
		type = format_text("Content-Type: %s", body->type);
		head = curl_slist_append(head, type);
	}
	if (client->match) {
		match = format_text("If-Match: %s", client->match);
		head = curl_slist_append(head, match);
	}
	if (stream) {
		line = format_text("Last-Event-ID: %s", answer->stream->last_id);
		if (*answer->stream->last_id)
			head = curl_slist_append(head, line);
		head = curl_slist_append(head, "Accept: text/event-stream");
		curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
	} else {
		curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, ANSWER_MS);
	}
	curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, head);
	err = curl_easy_perform(client->curl);
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(head);
	free(line);
	free(match);
	free(type);
	free(url);
	if (err == CURLE_WRITE_ERROR && stream && answer->connected)
		return EXIT_OK;
	if (err)
		return away(client, err);
	return status / 100 == 2 ? EXIT_OK : refused(client, status, answer);
}

static int fetch(struct client *client, const char *method, const char *path,
		 const struct sent *body, char **data, size_t *len)
{
	struct answer answer = {0};
	int code = perform(client, method, path, body, &answer);

	if (code) {
		free(answer.data);
		return code;
	}
	*data = answer.data;
	*len = answer.len;
	return EXIT_OK;
}

int client_fetch(struct client *client, const char *method, const char *path, json_t *body,
		 char **data, size_t *len)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	const struct sent sent = {"application/json", text, text ? strlen(text) : 0};
	int code = fetch(client, method, path, text ? &sent : NULL, data, len);

	free(text);
	json_decref(body);
	return code;
}

/* data: an answer, taken. */
static int take_json(const struct client *client, char *data, size_t len, json_t **reply)
{
	json_t *json = NULL;
	int code = EXIT_OK;

	if (len) {
		json = json_loadb(data, len, 0, NULL);
		if (!json) {
			fprintf(stderr,
				"tocsin: %s answered something that is not JSON: is this a "
				"tocsind?\n",
				client->target.url);
			code = EXIT_REFUSED;
		}
	}
	free(data);
	if (reply && !code)
		*reply = json;
	else
		json_decref(json);
	return code;
}

int client_ask(struct client *client, const char *method, const char *path, json_t *body,
	       json_t **reply)
{
	char *data = NULL;
	size_t len = 0;
	int code = client_fetch(client, method, path, body, &data, &len);

	return code ? code : take_json(client, data, len, reply);
}

int client_send(struct client *client, const char *path, const char *type, const char *data,
		size_t len, json_t **reply)
{
	const struct sent sent = {type, data, len};
	char *answer = NULL;
	size_t answer_len = 0;
	int code = fetch(client, "POST", path, &sent, &answer, &answer_len);

	return code ? code : take_json(client, answer, answer_len, reply);
}

int client_follow(struct client *client, const char *path, const struct client_stream *stream)
{
	struct answer answer = {.stream = stream};
	int code = perform(client, "GET", path, NULL, &answer);

	free(answer.data);
	return code;
}
