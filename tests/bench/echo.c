/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference for the intake: a bare evhttp server that answers each POST with its body, and
 * does nothing else.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>

static void on_request(struct evhttp_request *req, void *arg)
{
	(void)arg;
	evhttp_send_reply(req, 200, "OK", evhttp_request_get_input_buffer(req));
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = evhttp_new(base);

	if (argc != 2) {
		fputs("usage: echo PORT\n", stderr);
		return 2;
	}
	evhttp_set_gencb(http, on_request, NULL);
	if (evhttp_bind_socket(http, "127.0.0.1", (ev_uint16_t)strtoul(argv[1], NULL, 10))) {
		perror("bind");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	return event_base_dispatch(base);
}
