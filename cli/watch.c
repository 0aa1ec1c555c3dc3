/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin watch: what happens, as it happens.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "client.h"
#include "find.h"
#include "format.h"
#include "sse.h"
#include "story.h"

enum { RETRY_MAX_S = 10 };

struct watch {
	struct cli *cli;
	struct sse sse;
	bool connected; /* at least once */
	bool lost;      /* and lost since */
	bool shut;      /* nobody reads what is written */
	unsigned retry_s;
};

static void print_event(const struct cli *cli, const char *name, const json_t *event)
{
	int64_t at_us = format_parse_time(json_string_value(json_object_get(event, "at")));
	const char *alert = json_string_value(json_object_get(event, "alert_id"));
	char clock[FORMAT_TIME_SIZE], *id = format_clean(alert);
	char *shown = format_text("%-18.18s", id);

	printf("%-12s  ", format_clock(clock, at_us));
	format_put(cli, TONE_FAINT, shown);
	fputs("  ", stdout);
	story_print_sentence(cli, name, event);
	free(shown);
	free(id);
}

static void on_event(void *arg, const struct sse_event *e)
{
	struct watch *w = arg;
	json_t *event = json_loads(e->data, 0, NULL);

	if (!event)
		return;
	if (w->cli->json) {
		json_dumpf(event, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		print_event(w->cli, e->name, event);
	}
	json_decref(event);
	if (fflush(stdout))
		w->shut = true;
}

static void on_connected(void *arg)
{
	struct watch *w = arg;

	if (!w->connected)
		fprintf(stderr, "watching %s, Ctrl-C ends it\n", client_url(w->cli->client));
	else
		fputs("tocsin: connected again\n", stderr);
	w->connected = true;
	w->lost = false;
	w->retry_s = 1;
	client_set_quiet(w->cli->client, true);
}

static bool on_bytes(void *arg, const char *data, size_t len)
{
	struct watch *w = arg;

	return sse_feed(&w->sse, data, len) && !w->shut;
}

/* The connection is gone: say so once, and wait a little longer each time. */
static void wait_to_retry(struct watch *w)
{
	if (!w->lost)
		fputs("tocsin: the connection is lost, trying again\n", stderr);
	w->lost = true;
	sleep(w->retry_s);
	w->retry_s = w->retry_s * 2 > RETRY_MAX_S ? RETRY_MAX_S : w->retry_s * 2;
}

static int run(struct cli *cli, const struct args *args)
{
	struct watch w = {.cli = cli, .retry_s = 1};
	const struct client_param params[] = {{"after", args_get(args, "after")}, {NULL, NULL}};
	char *path = client_path(cli->client, "/v1/events", params);
	int code;

	sse_init(&w.sse, on_event, &w);
	for (;;) {
		struct client_stream stream = {.last_id = w.sse.last_id.data,
					       .connected = on_connected,
					       .bytes = on_bytes,
					       .arg = &w};

		code = client_follow(cli->client, path, &stream);
		if (w.shut || code == EXIT_REFUSED || (code == EXIT_AWAY && !w.connected))
			break;
		sse_cut(&w.sse);
		wait_to_retry(&w);
	}
	free(path);
	sse_fini(&w.sse);
	return w.shut ? EXIT_OK : code;
}

static const struct cli_option options[] = {
	{"after", .value = "EVENT",
	 .help = "begin behind this event's number; 0: with the first that is kept"},
	CLI_OPTION_END,
};

const struct cli_command cli_watch = {
	.name = "watch",
	.summary = "Show what happens, as it happens",
	.more = "One line an event, until Ctrl-C. A connection that is lost is made again, and "
		"goes\n"
		"on behind the last event that was seen. With --json one JSON object a line.\n",
	.options = options,
	.run = run,
};
