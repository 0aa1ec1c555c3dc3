/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chan_websocket: its control messages are JSON in newer versions and plain text before; the first
 * one, MEDIA_START, shows which.
 */
#include "media_wschan.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media_bridge.h"

#define SEND_MAX 16000 /* samples of a message */

struct wschan {
	struct ari *ari;
	char *channel; /* owned */
	const struct wschan_events *events;
	void *arg;
	struct rest_want *want;
	struct socket *socket;
	bool plain; /* the older form of control messages */
	bool both;  /* Asterisk does not know that we do not listen */
};

static void fail(struct wschan *w, const char *what, const char *why)
{
	char text[240];

	snprintf(text, sizeof(text), "%s: %s", what, why);
	w->events->failed(w->arg, text);
}

/* ---- control messages ---- */

static void command(struct wschan *w, const char *name, const char *id)
{
	struct tc_buf text = {0};

	if (!w->socket)
		return;
	if (w->plain)
		tc_buf_printf(&text, "%s%s%s", name, id ? " " : "", id ? id : "");
	else if (id)
		tc_buf_printf(&text, "{\"command\":\"%s\",\"correlation_id\":\"%s\"}", name, id);
	else
		tc_buf_printf(&text, "{\"command\":\"%s\"}", name);
	socket_text(w->socket, text.data);
	tc_buf_fini(&text);
}

static void on_event(struct wschan *w, const char *name, const char *id)
{
	if (!strcmp(name, "MEDIA_START"))
		w->events->open(w->arg);
	else if (!strcmp(name, "MEDIA_MARK_PROCESSED"))
		w->events->mark(w->arg, (uint32_t)strtoul(id, NULL, 10));
	else if (!strcmp(name, "MEDIA_XOFF") || !strcmp(name, "MEDIA_XON"))
		w->events->flow(w->arg, name[7] == 'N');
}

static void on_text(void *arg, const char *data, size_t len)
{
	struct wschan *w = arg;
	json_t *json = data[0] == '{' ? json_loadb(data, len, 0, NULL) : NULL;
	const char *name = json_string_value(json_object_get(json, "event"));
	const char *id = json_string_value(json_object_get(json, "correlation_id"));
	char word[40];

	if (data[0] != '{') {
		w->plain = true;
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(data, " "), data);
		name = word;
		id = strchr(data, ' ');
	}
	if (name)
		on_event(w, name, id ? id : "");
	json_decref(json); /* the events may have freed w */
}

static void on_binary(void *arg, const void *data, size_t len)
{
	struct wschan *w = arg;
	const uint8_t *bytes = data;
	int16_t pcm[SEND_MAX];

	if (!w->events->sound)
		return;
	for (size_t i = 0; i < len / 2 && i < SEND_MAX; i++)
		pcm[i] = (int16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
	w->events->sound(w->arg, pcm, len / 2 < SEND_MAX ? len / 2 : SEND_MAX);
}

/* ---- the connection ---- */

static void on_opened(void *arg)
{
	(void)arg; /* MEDIA_START follows */
}

static void on_closed(void *arg, int status, const char *text)
{
	struct wschan *w = arg;

	(void)status;
	w->socket = NULL;
	fail(w, "the connection for speech", text);
}

char *wschan_url(const char *url, const char *id)
{
	size_t n = strlen(url);

	if (n > 4 && !strcmp(url + n - 4, "/ari"))
		n -= 4;
	return tc_asprintf("ws%.*s/media/%s", (int)(n - 4), url + 4, id); /* http -> ws */
}

static void connect_to(struct wschan *w, const char *id)
{
	static const struct socket_events events = {
		.opened = on_opened, .text = on_text, .binary = on_binary, .closed = on_closed};
	const struct ari_config *cfg = w->ari->cfg;
	char *url = wschan_url(cfg->url, id);
	struct socket_target target = {.url = url,
				       .protocol = "media",
				       .user = cfg->user,
				       .password = cfg->password,
				       /* no pings: that for events shows whether Asterisk is there,
					  and one that stands still for a while plays on later */
				       .timeout_ms = cfg->timeout_ms};

	w->socket = socket_open(w->ari->sockets, &target, &events, w);
	free(url);
}

/* ---- the channel ---- */

static void make(struct wschan *w);

static void on_made(void *arg, const struct rest_reply *reply)
{
	struct wschan *w = arg;
	const json_t *variables = json_object_get(reply->json, "channelvars");
	const char *id =
		json_string_value(json_object_get(variables, "MEDIA_WEBSOCKET_CONNECTION_ID"));

	w->want = NULL;
	if (reply->status == 200 && id) {
		connect_to(w, id);
	} else if (reply->status == 400 && !w->both) {
		w->both = true;
		make(w);
	} else {
		fail(w, "no channel for speech", reply->text);
	}
}

static void make(struct wschan *w)
{
	const struct ari_config *cfg = w->ari->cfg;
	json_t *body =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "channelId", w->channel,
			  "app", cfg->app, "external_host", "INCOMING", "transport", "websocket",
			  "encapsulation", "none", "connection_type", "server", "format", "slin",
			  "direction", w->both ? "both" : "out");

	w->want = rest_send(w->ari->rest, REST_NORMAL, "POST", "/channels/externalMedia", body,
			    cfg->timeout_ms, on_made, w);
}

struct wschan *wschan_new(struct ari *ari, const char *channel, const struct wschan_events *events,
			  void *arg)
{
	struct wschan *w = tc_alloc(sizeof(*w));

	w->ari = ari;
	w->channel = tc_strdup(channel);
	w->both = events->sound != NULL;
	w->events = events;
	w->arg = arg;
	make(w);
	return w;
}

void wschan_free(struct wschan *w)
{
	if (!w)
		return;
	if (w->want)
		rest_cancel(w->want);
	if (w->socket)
		socket_close(w->socket);
	bridge_delete(w->ari, "channels", w->channel);
	free(w->channel);
	free(w);
}

/* ---- speaking ---- */

bool wschan_plain(const struct wschan *w)
{
	return w->plain;
}

void wschan_send(struct wschan *w, const int16_t *pcm, size_t n)
{
	int16_t data[SEND_MAX];

	if (!w->socket)
		return;
	for (size_t i = 0; i < n; i++)
		data[i] = pcm ? (int16_t)htole16((uint16_t)pcm[i]) : 0;
	socket_binary(w->socket, data, n * sizeof(*data));
}

void wschan_mark(struct wschan *w, uint32_t number)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", number);
	command(w, "MARK_MEDIA", id);
}

void wschan_flush(struct wschan *w)
{
	command(w, "FLUSH_MEDIA", NULL);
}
