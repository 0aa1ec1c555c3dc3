/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an event says, picked out of its JSON. What follows from it is leg.c's and media.c's affair.
 */
#include "message.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	enum message_type type;
	const char *name;
} types[] = {
#define X(sym, text) {sym, text},
	MESSAGES(X)
#undef X
};

static enum message_type type_of(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i].name, name))
			return types[i].type;
	return MESSAGE_OTHER;
}

static const char *text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* Some versions give numbers as text. */
static int number(const json_t *object, const char *key)
{
	const json_t *j = json_object_get(object, key);

	if (json_is_integer(j))
		return (int)json_integer_value(j);
	return json_is_string(j) ? (int)strtol(json_string_value(j), NULL, 10) : 0;
}

static void take_channel(struct message *m, const json_t *channel)
{
	m->channel = text(channel, "id");
	m->state = text(channel, "state");
	m->caller = text(json_object_get(channel, "caller"), "number");
	m->called = text(json_object_get(channel, "dialplan"), "exten");
}

static void take_playback(struct message *m, const json_t *playback)
{
	const char *target = text(playback, "target_uri");
	const char *next = text(playback, "next_media_uri");

	m->playback = text(playback, "id");
	m->playback_state = text(playback, "state");
	m->media = next[0] ? next : text(playback, "media_uri");
	if (!strncmp(target, "channel:", 8))
		m->channel = target + 8;
}

int message_parse(const json_t *json, struct message *m)
{
	const json_t *channel = json_object_get(json, "channel");
	const json_t *playback = json_object_get(json, "playback");

	*m = (struct message){.name = text(json, "type"), .json = json};
	if (!m->name[0])
		return -EINVAL;
	m->type = type_of(m->name);
	m->channel = m->state = m->caller = m->called = m->playback = m->playback_state =
		m->media = "";
	if (m->type == MESSAGE_DIAL)
		channel = json_object_get(json, "peer");
	if (channel)
		take_channel(m, channel);
	if (playback)
		take_playback(m, playback);
	m->dialstatus = text(json, "dialstatus");
	m->digit = text(json, "digit");
	m->cause = number(json, "cause");
	m->tech_cause = number(json, "tech_cause");
	m->cause_text = text(json, "cause_txt");
	return 0;
}
