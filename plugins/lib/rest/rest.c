/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests by libcurl's multi interface on libevent: queue, connections, outcome. What is asked,
 * and what the answers mean, is not known here.
 */
#include "rest.h"

#include <assert.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <tocsin/log.h>

#define BODY_MAX    (4u << 20)
#define KEEP_MAX    (64u << 10) /* of a line's memory between requests */
#define REASON_SIZE 64
#define TEXT_SIZE   300
/* Asterisk closes what was idle for 15 s (session_keep_alive of http.conf): be first. */
#define IDLE_S 10L

enum want_state {
	WANT_QUEUED,
	WANT_SENT, /* given to libcurl; dropped if done is NULL */
	WANT_DONE, /* its done is being called */
};

struct rest_want {
	TAILQ_ENTRY(rest_want) link; /* in a queue */
	struct rest *rest;
	enum want_state state;
	enum rest_class class;
	char *method, *url, *body; /* owned; body NULL = none */
	int64_t timeout_ms;
	rest_done_fn done;
	void *arg;
	struct line *line; /* while WANT_SENT */
};

TAILQ_HEAD(want_list, rest_want);

/* One request at a time goes over a line; libcurl keeps the connections behind them. */
struct line {
	SLIST_ENTRY(line) link; /* idle ones */
	CURL *easy;             /* owned */
	struct rest_want *want; /* owned while it is under way */
	int64_t sent_us;
	unsigned tries; /* libcurl goes to another connection when one turns out to be dead */
	struct tc_buf answer;
	char reason[REASON_SIZE];
	char fault[CURL_ERROR_SIZE];
};

struct rest {
	struct tc_instance *self;
	char *url; /* owned */
	CURLM *multi;
	struct event *timer;
	struct curl_slist *with_body, *without_body; /* headers; owned */
	struct want_list queue[2];                   /* by class */
	SLIST_HEAD(, line) idle;
	struct line *lines; /* owned */
	unsigned n_lines, busy_normal;
	struct rest_figures figures;
	unsigned telling;
	bool freed; /* inside a done: the end of it frees */
};

/* ---- one line ---- */

static void want_free(struct rest_want *want)
{
	free(want->method);
	free(want->url);
	free(want->body);
	free(want);
}

static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
	struct line *line = arg;

	(void)one; /* always 1 */
	if (line->answer.len + len > BODY_MAX)
		return 0; /* makes it CURLE_WRITE_ERROR */
	tc_buf_add(&line->answer, data, len);
	return len;
}

/* Keep the words behind the status: "HTTP/1.1 404 Not Found". */
static size_t on_header(char *data, size_t one, size_t len, void *arg)
{
	struct line *line = arg;
	size_t n = 0;

	(void)one;
	if (len < 13 || memcmp(data, "HTTP/", 5) != 0)
		return len;
	for (size_t i = 13; i < len && n + 1 < REASON_SIZE; i++)
		if (data[i] >= ' ' && data[i] < 0x7f)
			line->reason[n++] = data[i];
	line->reason[n] = '\0';
	return len;
}

/* Some of the request was sent. Before the first try libcurl still has the count of the last. */
static bool has_left(const struct line *line)
{
	long sent_bytes = 0;

	curl_easy_getinfo(line->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
	return line->tries > 0 && sent_bytes > 0;
}

/*
 * A connection is there, the request goes next. libcurl comes here again when a kept connection
 * ended without an answer: what was taken there may have been done, and must not be sent twice.
 */
static int on_ready(void *arg, char *remote, char *local, int remote_port, int local_port)
{
	struct line *line = arg;

	(void)remote;
	(void)local;
	(void)remote_port;
	(void)local_port;
	return line->tries++ && has_left(line) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* Not for programs that we may start. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	(void)arg;
	(void)purpose;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

#define SET(easy, option, value)                                                                   \
	do {                                                                                       \
		CURLcode code_ = curl_easy_setopt(easy, option, value);                            \
		assert(code_ == CURLE_OK);                                                         \
		(void)code_;                                                                       \
	} while (0)

static void line_init(struct line *line, const struct rest_settings *s)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		abort(); /* no memory */
	line->easy = easy;
	SET(easy, CURLOPT_PRIVATE, line);
	SET(easy, CURLOPT_ERRORBUFFER, line->fault);
	SET(easy, CURLOPT_NOSIGNAL, 1L);
	SET(easy, CURLOPT_QUICK_EXIT, 1L);
	SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
	SET(easy, CURLOPT_PROXY, ""); /* none, whatever the environment says */
	SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (s->token) {
		SET(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		SET(easy, CURLOPT_XOAUTH2_BEARER, s->token);
	} else if (s->user) {
		SET(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(easy, CURLOPT_USERNAME, s->user);
		SET(easy, CURLOPT_PASSWORD, s->password ? s->password : "");
	}
	SET(easy, CURLOPT_USERAGENT, "tocsin/" TC_VERSION);
	SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(easy, CURLOPT_TCP_NODELAY, 1L);
	SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	SET(easy, CURLOPT_MAXAGE_CONN, IDLE_S);
	SET(easy, CURLOPT_WRITEFUNCTION, on_body);
	SET(easy, CURLOPT_WRITEDATA, line);
	SET(easy, CURLOPT_HEADERFUNCTION, on_header);
	SET(easy, CURLOPT_HEADERDATA, line);
	SET(easy, CURLOPT_PREREQFUNCTION, on_ready);
	SET(easy, CURLOPT_PREREQDATA, line);
	if (s->tls_ca)
		SET(easy, CURLOPT_CAINFO, s->tls_ca);
}

static void line_fini(struct line *line)
{
	curl_easy_cleanup(line->easy);
	tc_buf_fini(&line->answer);
	if (line->want)
		want_free(line->want);
}

static void line_prepare(struct line *line, struct rest_want *want)
{
	CURL *easy = line->easy;
	struct rest *rest = want->rest;

	line->want = want;
	line->tries = 0;
	line->reason[0] = line->fault[0] = '\0';
	SET(easy, CURLOPT_URL, want->url);
	SET(easy, CURLOPT_TIMEOUT_MS, (long)want->timeout_ms);
	SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)want->timeout_ms);
	SET(easy, CURLOPT_HTTPHEADER, want->body ? rest->with_body : rest->without_body);
	if (!want->body && strcmp(want->method, "POST") != 0) {
		SET(easy, CURLOPT_HTTPGET, 1L);
	} else {
		SET(easy, CURLOPT_POSTFIELDS, want->body ? want->body : "");
		SET(easy, CURLOPT_POSTFIELDSIZE, want->body ? (long)strlen(want->body) : 0L);
	}
	SET(easy, CURLOPT_CUSTOMREQUEST, want->method);
}

/* ---- the queue ---- */

/* One line is kept for what is urgent. */
static bool may_start(const struct rest *rest, enum rest_class class)
{
	if (SLIST_EMPTY(&rest->idle))
		return false;
	return class == REST_URGENT || rest->n_lines == 1 || rest->busy_normal < rest->n_lines - 1;
}

static void start(struct rest *rest, struct rest_want *want)
{
	struct line *line = SLIST_FIRST(&rest->idle);
	CURLMcode code;

	SLIST_REMOVE_HEAD(&rest->idle, link);
	rest->figures.busy++;
	rest->busy_normal += want->class == REST_NORMAL;
	want->state = WANT_SENT;
	want->line = line;
	line_prepare(line, want);
	line->sent_us = tc_now_us();
	code = curl_multi_add_handle(rest->multi, line->easy);
	assert(code == CURLM_OK);
	(void)code;
}

static void start_all(struct rest *rest)
{
	static const enum rest_class order[] = {REST_URGENT, REST_NORMAL};

	for (size_t i = 0; i < 2; i++) {
		struct want_list *queue = &rest->queue[order[i]];
		struct rest_want *want;

		while ((want = TAILQ_FIRST(queue)) && may_start(rest, want->class)) {
			TAILQ_REMOVE(queue, want, link);
			rest->figures.queued--;
			start(rest, want);
		}
	}
}

static struct rest_want *line_release(struct rest *rest, struct line *line)
{
	struct rest_want *want = line->want;

	curl_multi_remove_handle(rest->multi, line->easy);
	line->want = NULL;
	want->line = NULL;
	line->answer.len = 0;
	if (line->answer.cap > KEEP_MAX)
		tc_buf_fini(&line->answer);
	rest->figures.busy--;
	rest->busy_normal -= want->class == REST_NORMAL;
	SLIST_INSERT_HEAD(&rest->idle, line, link);
	return want;
}

/* ---- outcomes ---- */

/* Nothing of the request was sent. */
static int fault_before(CURL *easy, CURLcode code)
{
	long os = 0;

	switch (code) {
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os);
		return os == ECONNREFUSED ? -ECONNREFUSED : -EHOSTUNREACH;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_OPERATION_TIMEDOUT:
		return -EHOSTUNREACH;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return -EPROTO;
	default:
		return -EIO;
	}
}

static void say_before(const struct line *line, CURLcode code, int err, char text[TEXT_SIZE])
{
	const char *fault = line->fault[0] ? line->fault : curl_easy_strerror(code);

	if (err == -ECONNREFUSED)
		fault = "connection refused";
	else if (code == CURLE_OPERATION_TIMEDOUT)
		fault = "no connection in time";
	tc_strcopy(text, TEXT_SIZE, fault);
}

static void say_unsure(const struct line *line, CURLcode code, char text[TEXT_SIZE])
{
	int64_t ms = (tc_now_us() - line->sent_us) / 1000;
	struct tc_buf b = {0};

	if (code == CURLE_OPERATION_TIMEDOUT)
		tc_buf_printf(&b, "no answer in %lld ms", (long long)ms);
	else if (code == CURLE_WRITE_ERROR)
		tc_buf_printf(&b, "the answer is longer than %u bytes", BODY_MAX);
	else
		tc_buf_puts(&b, "the connection was lost before the answer was there");
	tc_strcopy(text, TEXT_SIZE, b.data);
	tc_buf_fini(&b);
}

/* "500 Allocation failed": the peer's own words when there are some. */
static void say_status(const struct line *line, int status, const json_t *json,
		       char text[TEXT_SIZE])
{
	const char *words = json_string_value(json_object_get(json, "message"));
	struct tc_buf b = {0};

	if (!words)
		words = json_string_value(json_object_get(json, "error"));
	if (!words)
		words = json_string_value(json);
	if (!words || status < 400)
		words = line->reason;
	tc_buf_printf(&b, "%d%s%s", status, *words ? " " : "", words);
	tc_strcopy(text, TEXT_SIZE, b.data);
	tc_buf_fini(&b);
}

/* Fill in what came of it. result: the JSON, to be released */
static json_t *conclude(struct rest *rest, struct line *line, CURLcode code,
			struct rest_reply *reply, char text[TEXT_SIZE])
{
	json_t *json = NULL;
	long status = 0;

	reply->took_us = tc_now_us() - line->sent_us;
	if (code == CURLE_OK) {
		curl_easy_getinfo(line->easy, CURLINFO_RESPONSE_CODE, &status);
		if (line->want->done && line->answer.len)
			json = json_loadb(line->answer.data, line->answer.len, JSON_DECODE_ANY,
					  NULL);
		reply->status = (int)status;
		say_status(line, reply->status, json, text);
		rest->figures.last_us = reply->took_us;
	} else if (has_left(line)) {
		reply->err = TC_EUNSURE;
		say_unsure(line, code, text);
	} else {
		reply->err = fault_before(line->easy, code);
		say_before(line, code, reply->err, text);
	}
	rest->figures.failed += code != CURLE_OK;
	reply->json = json;
	reply->text = text;
	return json;
}

static void finish(struct rest *rest, struct line *line, CURLcode code)
{
	struct rest_reply reply = {0};
	char text[TEXT_SIZE];
	json_t *json = conclude(rest, line, code, &reply, text);
	struct rest_want *want = line_release(rest, line);

	tc_log(rest->self, TC_LOG_DEBUG, "%s %s: %s took_us=%lld", want->method,
	       want->url + strlen(rest->url), text, (long long)reply.took_us);
	start_all(rest);
	want->state = WANT_DONE;
	if (want->done)
		want->done(want->arg, &reply);
	json_decref(json);
	want_free(want);
}

static void destroy(struct rest *rest);

/* Tell of all that have ended. The client may be gone afterwards. */
static void finish_all(struct rest *rest)
{
	CURLMsg *message;
	struct line *line;
	int left;

	rest->telling++;
	while (!rest->freed && (message = curl_multi_info_read(rest->multi, &left))) {
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &line);
		finish(rest, line, code);
	}
	if (!--rest->telling && rest->freed)
		destroy(rest);
}

/* ---- libcurl on libevent ---- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct rest *rest = arg;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(rest->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_all(rest);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct rest *rest = arg;
	int running, action = (what & EV_READ ? CURL_CSELECT_IN : 0) |
			      (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	curl_multi_socket_action(rest->multi, fd, action, &running);
	finish_all(rest);
}

static int set_timer(CURLM *multi, long delay_ms, void *arg)
{
	struct rest *rest = arg;
	struct timeval tv = {delay_ms / 1000, delay_ms % 1000 * 1000};

	(void)multi;
	if (delay_ms > 0) {
		evtimer_add(rest->timer, &tv);
	} else {
		evtimer_del(rest->timer);
		if (!delay_ms) /* still in this turn of the loop */
			event_active(rest->timer, EV_TIMEOUT, 0);
	}
	return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct rest *rest = arg;
	struct event *event = socket_arg;
	short events = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
			       (what & CURL_POLL_OUT ? EV_WRITE : 0));

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (event)
			event_free(event);
		curl_multi_assign(rest->multi, fd, NULL);
		return 0;
	}
	if (event) {
		event_del(event);
		event_assign(event, tc_instance_loop(rest->self), fd, events, on_socket, rest);
	} else {
		event = event_new(tc_instance_loop(rest->self), fd, events, on_socket, rest);
		if (!event)
			abort(); /* no memory */
		curl_multi_assign(rest->multi, fd, event);
	}
	event_add(event, NULL);
	return 0;
}

/* ---- the client ---- */

static void multi_init(struct rest *rest)
{
	rest->multi = curl_multi_init();
	rest->timer = evtimer_new(tc_instance_loop(rest->self), on_timer, rest);
	if (!rest->multi || !rest->timer)
		abort(); /* no memory */
	curl_multi_setopt(rest->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(rest->multi, CURLMOPT_SOCKETDATA, rest);
	curl_multi_setopt(rest->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(rest->multi, CURLMOPT_TIMERDATA, rest);
	curl_multi_setopt(rest->multi, CURLMOPT_MAXCONNECTS, (long)rest->n_lines);
}

struct rest *rest_new(struct tc_instance *self, const struct rest_settings *settings)
{
	struct rest *rest = tc_alloc(sizeof(*rest));

	assert(settings->connections >= 1 && settings->connections <= 64);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	rest->self = self;
	rest->url = tc_strdup(settings->url);
	rest->n_lines = settings->connections;
	TAILQ_INIT(&rest->queue[REST_URGENT]);
	TAILQ_INIT(&rest->queue[REST_NORMAL]);
	/* without "Expect:" libcurl would wait for a "100 Continue" before some bodies */
	rest->with_body = curl_slist_append(NULL, "Content-Type: application/json");
	rest->with_body = curl_slist_append(rest->with_body, "Expect:");
	rest->without_body = curl_slist_append(NULL, "Content-Type:");
	multi_init(rest);
	rest->lines = tc_calloc(rest->n_lines, sizeof(*rest->lines));
	for (unsigned i = rest->n_lines; i-- > 0;) {
		line_init(&rest->lines[i], settings);
		SLIST_INSERT_HEAD(&rest->idle, &rest->lines[i], link);
	}
	return rest;
}

static void destroy(struct rest *rest)
{
	for (unsigned i = 0; i < rest->n_lines; i++) {
		if (rest->lines[i].want)
			curl_multi_remove_handle(rest->multi, rest->lines[i].easy);
		line_fini(&rest->lines[i]);
	}
	for (size_t i = 0; i < 2; i++) {
		struct rest_want *want;

		while ((want = TAILQ_FIRST(&rest->queue[i]))) {
			TAILQ_REMOVE(&rest->queue[i], want, link);
			want_free(want);
		}
	}
	curl_multi_cleanup(rest->multi);
	event_free(rest->timer);
	curl_slist_free_all(rest->with_body);
	curl_slist_free_all(rest->without_body);
	curl_global_cleanup();
	free(rest->lines);
	free(rest->url);
	free(rest);
}

void rest_free(struct rest *rest)
{
	if (!rest)
		return;
	rest->freed = true;
	if (!rest->telling)
		destroy(rest);
}

struct rest_want *rest_send(struct rest *rest, enum rest_class class, const char *method,
			    const char *path, json_t *body, int64_t timeout_ms, rest_done_fn done,
			    void *arg)
{
	struct rest_want *want = tc_alloc(sizeof(*want));

	assert(timeout_ms > 0 && timeout_ms < INT32_MAX && path[0] == '/');
	want->rest = rest;
	want->class = class;
	want->method = tc_strdup(method);
	want->url = tc_asprintf("%s%s", rest->url, path);
	want->body = body ? json_dumps(body, JSON_COMPACT) : NULL;
	assert(!body == !want->body);
	json_decref(body);
	want->timeout_ms = timeout_ms;
	want->done = done;
	want->arg = arg;
	TAILQ_INSERT_TAIL(&rest->queue[class], want, link);
	rest->figures.sent++;
	rest->figures.queued++;
	start_all(rest);
	return want;
}

void rest_cancel(struct rest_want *want)
{
	struct rest *rest;

	if (!want || want->state == WANT_DONE)
		return;
	rest = want->rest;
	want->done = NULL;
	if (want->state == WANT_QUEUED) {
		TAILQ_REMOVE(&rest->queue[want->class], want, link);
		rest->figures.queued--;
	} else if (!has_left(want->line)) {
		line_release(rest, want->line);
		start_all(rest);
	} else {
		return; /* it goes on, for nobody */
	}
	want_free(want);
}

void rest_escape(struct tc_buf *path, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		char coded[3] = {'%', hex[c >> 4], hex[c & 15]};
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr("-._~", c);

		tc_buf_add(path, plain ? s : coded, plain ? 1 : 3);
	}
}

struct rest_figures rest_figures(const struct rest *rest)
{
	return rest->figures;
}
