/* SPDX-License-Identifier: BSD-2-Clause */
/* The reading of keys out of RTP events and INFO bodies. The tones are goertzel.c's affair. */
#include "dtmf.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* How long after one source another may still tell of the same press. */
#define SAME_PRESS_US 1500000

/* RFC 4733, table 3: events 0 to 15. */
static const char event_keys[] = "0123456789*#ABCD";

bool dtmf_take(struct dtmf *d, enum dtmf_source source, char key, int64_t now_us)
{
	if (source < d->best)
		return false;
	bool again = source > d->best && key == d->last && now_us - d->last_us < SAME_PRESS_US;
	d->best = source;
	d->last = key;
	d->last_us = now_us;
	return !again;
}

/* The next segment of an event begins where the last one ended. */
static bool goes_on(const struct dtmf *d, uint32_t stamp, bool marker, uint8_t event)
{
	return !d->ended && !marker && event == d->event && stamp == d->stamp + d->duration;
}

char dtmf_event(struct dtmf *d, uint32_t ssrc, uint32_t stamp, bool marker, const uint8_t *payload,
		size_t len)
{
	if (len < 4 || payload[0] >= sizeof(event_keys) - 1)
		return 0;
	uint8_t event = payload[0];
	bool end = payload[1] & 0x80;
	uint16_t duration = (uint16_t)(payload[2] << 8 | payload[3]);

	if (d->seen && ssrc == d->ssrc) {
		int32_t newer = (int32_t)(stamp - d->stamp);
		if (newer == 0) {
			d->ended |= end;
			if (duration > d->duration)
				d->duration = duration;
			return 0;
		}
		if (newer < 0)
			return 0;
	}
	bool more = d->seen && ssrc == d->ssrc && goes_on(d, stamp, marker, event);
	d->seen = true;
	d->ended = end;
	d->ssrc = ssrc;
	d->stamp = stamp;
	d->duration = duration;
	d->event = event;
	return more ? 0 : event_keys[event];
}

static char key_of(const char *p, size_t len)
{
	if (len == 2 && p[0] == '1' && (p[1] == '0' || p[1] == '1'))
		return p[1] == '0' ? '*' : '#';
	if (len != 1)
		return 0;
	char key = (char)toupper((unsigned char)p[0]);
	return memchr(event_keys, key, sizeof(event_keys) - 1) ? key : 0;
}

/* The length of the word at p. */
static size_t word(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && !isspace((unsigned char)p[n]))
		n++;
	return n;
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	return p;
}

char dtmf_info(bool relay, const char *body, size_t len)
{
	const char *end = body + len;
	const char *p = skip_space(body, end);

	if (relay) {
		for (; p + 6 < end && strncasecmp(p, "Signal", 6) != 0; p++)
			;
		if (p + 6 >= end)
			return 0;
		p = skip_space(p + 6, end);
		if (p == end || *p != '=')
			return 0;
		p = skip_space(p + 1, end);
	}
	return key_of(p, word(p, end));
}
