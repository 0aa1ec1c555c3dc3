/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client of http_client.h: sockets that do not block, and the loop turned in between.
 */
#include "unit/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include <event2/event.h>

#include <tocsin/alloc.h>
#include <tocsin/plugin.h>

#include "host/loop.h"

enum { PATIENCE_US = 10000000 };

int client_connect(unsigned port, const char *path)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (path) {
		assert_true(tc_strcopy(un.sun_path, sizeof(un.sun_path), path));
		assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	} else {
		assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	}
	return fd;
}

void client_send_bytes(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

void client_send(int fd, const char *text)
{
	client_send_bytes(fd, text, strlen(text));
}

void client_turn(struct loop *loop)
{
	event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
}

static void nap(struct loop *loop)
{
	static const struct timeval ms = {.tv_usec = 1000};

	event_base_loopexit(loop_base(loop), &ms);
	event_base_loop(loop_base(loop), EVLOOP_ONCE);
}

void client_push(struct loop *loop, int fd, const void *data, size_t len)
{
	int64_t end_us = tc_now_us() + PATIENCE_US;
	size_t sent = 0;

	while (sent < len) {
		ssize_t n = send(fd, (const char *)data + sent, len - sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (tc_now_us() > end_us)
			fail_msg("the server takes no more: %zu of %zu bytes", sent, len);
		if (n > 0)
			sent += (size_t)n;
		else if (errno == EAGAIN || errno == EINTR)
			nap(loop);
		else
			return; /* it has closed: its answer tells why */
	}
}

void client_wait(struct loop *loop, bool (*cond)(void *arg), void *arg)
{
	int64_t end_us = tc_now_us() + PATIENCE_US;

	while (!cond(arg)) {
		if (tc_now_us() > end_us)
			fail_msg("what was waited for did not happen in 10 s");
		nap(loop);
	}
}

/* Length of the whole answer in text, 0 = not yet known. */
static size_t whole(const struct tc_buf *in, size_t *head_len, bool no_body)
{
	const char *end = in->data ? strstr(in->data, "\r\n\r\n") : NULL;
	const char *length;

	if (!end)
		return 0;
	*head_len = (size_t)(end - in->data) + 4;
	if (no_body || !strncmp(in->data, "HTTP/1.1 204", 12))
		return *head_len;
	length = strstr(in->data, "Content-Length: ");
	if (!length || length > end)
		return SIZE_MAX;
	return *head_len + strtoul(length + 16, NULL, 10);
}

static void receive(struct loop *loop, int fd, struct http_answer *answer, bool no_body)
{
	int64_t end_us = tc_now_us() + PATIENCE_US;
	struct tc_buf in = {0};
	size_t head_len = 0;

	memset(answer, 0, sizeof(*answer));
	for (;;) {
		size_t want = whole(&in, &head_len, no_body);
		char buf[65536];
		ssize_t n;

		if (want && in.len >= want)
			break;
		if (tc_now_us() > end_us)
			fail_msg("no answer in 10 s; so far: %s", in.data ? in.data : "");
		/* Never a byte beyond this answer: the next one stays in the socket. */
		n = recv(fd, buf,
			 want && want < SIZE_MAX && want - in.len < sizeof(buf)
				 ? want - in.len
				 : (want ? sizeof(buf) : 1),
			 MSG_DONTWAIT);
		if (n > 0) {
			tc_buf_add(&in, buf, (size_t)n);
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			answer->closed = true;
			break;
		} else {
			nap(loop);
		}
	}
	if (!head_len || !in.data) {
		fail_msg("the connection was closed without an answer");
		return;
	}
	answer->status = (int)strtol(in.data + 9, NULL, 10);
	answer->head = tc_strndup(in.data, head_len);
	answer->len = in.len - head_len;
	answer->body = tc_alloc(answer->len + 1);
	memcpy(answer->body, in.data + head_len, answer->len);
	tc_buf_fini(&in);
}

void client_answer(struct loop *loop, int fd, struct http_answer *answer)
{
	receive(loop, fd, answer, false);
}

void client_answer_head(struct loop *loop, int fd, struct http_answer *answer)
{
	receive(loop, fd, answer, true);
}

void answer_free(struct http_answer *answer)
{
	free(answer->head);
	free(answer->body);
}

bool answer_has(const struct http_answer *answer, const char *line)
{
	const char *at = answer->head ? strstr(answer->head, line) : NULL;

	return at && at > answer->head && at[-1] == '\n' && at[strlen(line)] == '\r';
}

json_t *answer_json(const struct http_answer *answer)
{
	json_t *json = json_loadb(answer->body, answer->len, JSON_REJECT_DUPLICATES, NULL);

	if (!json)
		fail_msg("not JSON: %s", answer->body);
	return json;
}

void client_ask(struct loop *loop, unsigned port, const char *method, const char *path,
		const char *head, const char *body, struct http_answer *answer)
{
	int fd = client_connect(port, NULL);
	struct tc_buf text = {0};

	tc_buf_printf(&text, "%s %s HTTP/1.1\r\nHost: test\r\n%s", method, path, head);
	if (body)
		tc_buf_printf(&text, "Content-Length: %zu\r\n", strlen(body));
	tc_buf_printf(&text, "\r\n%s", body ? body : "");
	client_push(loop, fd, text.data, text.len);
	tc_buf_fini(&text);
	client_answer(loop, fd, answer);
	close(fd);
}

void client_problem(struct loop *loop, unsigned port, const char *request_head, const char *body,
		    int status, const char *field)
{
	int fd = client_connect(port, NULL);
	struct http_answer a;
	json_t *problem;

	client_send(fd, request_head);
	if (body)
		client_send(fd, body);
	client_answer(loop, fd, &a);
	if (a.status != status)
		fail_msg("%s: status %d, not %d: %s", request_head, a.status, status, a.body);
	assert_true(answer_has(&a, "Content-Type: application/problem+json"));
	problem = answer_json(&a);
	assert_int_equal(json_integer_value(json_object_get(problem, "status")), status);
	assert_non_null(json_string_value(json_object_get(problem, "type")));
	assert_non_null(json_string_value(json_object_get(problem, "title")));
	assert_non_null(json_string_value(json_object_get(problem, "detail")));
	if (field)
		assert_string_equal(json_string_value(json_object_get(problem, "field")), field);
	else
		assert_null(json_object_get(problem, "field"));
	json_decref(problem);
	answer_free(&a);
	close(fd);
}
