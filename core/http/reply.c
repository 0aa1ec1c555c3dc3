/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers: bytes, JSON, and problems (RFC 9457). Streams of events are in stream.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "http/private.h"

const char *http_status_title(int status)
{
	static const struct {
		int status;
		const char *title;
	} titles[] = {
		/* RFC 9110, 15 */
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{409, "Conflict"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{417, "Expectation Failed"},
		{422, "Unprocessable Content"},
		{428, "Precondition Required"}, /* RFC 6585 */
		{500, "Internal Server Error"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
	};

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Status";
}

void tc_http_reply_header(struct tc_http_req *req, const char *name, const char *value)
{
	struct evkeyvalq *headers;

	if (!req->ev)
		return;
	headers = evhttp_request_get_output_headers(req->ev);
	evhttp_remove_header(headers, name);
	evhttp_add_header(headers, name, value);
}

/* The answer has been written whole, and evhttp reads the next request. */
static void answered(struct evhttp_request *ev, void *arg)
{
	struct http_conn *conn = arg;

	(void)ev;
	conn->answering = false;
}

void reply_begin(struct tc_http_req *req, int status)
{
	int class = status / 100;

	if (req->route && class >= 1 && class <= 5)
		req->route->answers[class]++;
	if (tc_log_enabled(TC_LOG_DEBUG)) {
		const char *uri = req->ev ? evhttp_request_get_uri(req->ev) : "(gone)";

		/* Not the query: the signature of a prompt is a key. */
		tc_log(NULL, TC_LOG_DEBUG, "http %.*s by=%s status=%d", (int)strcspn(uri, "?"), uri,
		       req->who, status);
	}
	if (req->conn) {
		req->conn->answering = true;
		req->conn->since_us = loop_now_us(req->server->loop);
		if (req->server->closing)
			tc_http_reply_header(req, "Connection", "close");
	}
}

/* Send what stands in the request's output buffer, which has len bytes. */
static void finish(struct tc_http_req *req, int status, const char *type, size_t len)
{
	struct evhttp_request *ev = req->ev;
	struct evbuffer *out = evhttp_request_get_output_buffer(ev);
	char length[24];

	reply_begin(req, status);
	if (type)
		tc_http_reply_header(req, "Content-Type", type);
	if (status != 204) {
		snprintf(length, sizeof(length), "%zu", len);
		tc_http_reply_header(req, "Content-Length", length);
	}
	if (req->head || status == 204)
		evbuffer_drain(out, evbuffer_get_length(out));
	if (req->conn)
		evhttp_request_set_on_complete_cb(ev, answered, req->conn);
	req->ev = NULL; /* from here on evhttp frees it, sent or not */
	request_free(req);
	evhttp_send_reply(ev, status, http_status_title(status), NULL);
}

void tc_http_reply(struct tc_http_req *req, int status, const char *content_type, const void *body,
		   size_t len)
{
	if (!req->ev) {
		request_free(req);
		return;
	}
	if (len)
		evbuffer_add(evhttp_request_get_output_buffer(req->ev), body, len);
	finish(req, status, len ? content_type : NULL, len);
}

static void free_text(const void *data, size_t len, void *arg)
{
	(void)len;
	(void)arg;
	free((void *)data);
}

/* text: owned, taken. */
static void reply_text(struct tc_http_req *req, int status, const char *type, char *text)
{
	size_t len = strlen(text);

	if (!req->ev) {
		free(text);
		request_free(req);
		return;
	}
	evbuffer_add_reference(evhttp_request_get_output_buffer(req->ev), text, len, free_text,
			       NULL);
	finish(req, status, type, len);
}

void tc_http_reply_json(struct tc_http_req *req, int status, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (text)
		reply_text(req, status, "application/json", text);
	else
		tc_http_problem(req, 500, NULL, "the answer could not be written");
}

/* ---- problems ---- */

char *problem_text(int status, const char *field, const char *detail, const json_t *errors)
{
	json_t *problem = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
				    http_status_title(status), "status", status, "detail", detail);
	char *text;

	if (!problem) /* the detail is not UTF-8: it repeats what a client sent */
		problem = json_pack("{s:s, s:s, s:i}", "type", "about:blank", "title",
				    http_status_title(status), "status", status);
	if (field)
		json_object_set_new(problem, "field", json_string(field));
	if (errors)
		json_object_set(problem, "errors", (json_t *)errors);
	text = json_dumps(problem, JSON_COMPACT);
	json_decref(problem);
	return text ? text : tc_strdup("{}");
}

void tc_http_problem(struct tc_http_req *req, int status, const char *field, const char *fmt, ...)
{
	struct tc_buf detail = {0};
	va_list ap;
	char *text;

	va_start(ap, fmt);
	tc_buf_vprintf(&detail, fmt, ap);
	va_end(ap);
	text = problem_text(status, field, detail.data ? detail.data : "", NULL);
	tc_buf_fini(&detail);
	reply_text(req, status, "application/problem+json", text);
}

void tc_http_faults(struct tc_http_req *req, int status, const struct tc_errors *errs)
{
	json_t *all = json_array();
	char *text;

	for (size_t i = 0; i < tc_errors_count(errs); i++) {
		const char *field = tc_errors_field(errs, i);

		json_array_append_new(all, json_pack("{s:s?, s:s}", "field", field, "detail",
						     tc_errors_text(errs, i)));
	}
	text = problem_text(status, tc_errors_field(errs, 0), tc_errors_text(errs, 0), all);
	json_decref(all);
	reply_text(req, status, "application/problem+json", text);
}

void reply_method_not_allowed(struct tc_http_req *req, unsigned methods)
{
	struct tc_buf allow = {0};

	for (unsigned m = TC_GET; m <= TC_DELETE; m++)
		if (methods & 1u << m)
			tc_buf_printf(&allow, "%s%s%s", allow.len ? ", " : "", http_method_name(m),
				      m == TC_GET ? ", HEAD" : "");
	tc_http_reply_header(req, "Allow", allow.data);
	tc_http_problem(req, 405, NULL, "this path takes %s", allow.data);
	tc_buf_fini(&allow);
}

void reply_busy(struct tc_http_req *req, const char *detail)
{
	req->server->refused++;
	tc_http_reply_header(req, "Retry-After", "1");
	tc_http_problem(req, 503, NULL, "%s", detail);
}
