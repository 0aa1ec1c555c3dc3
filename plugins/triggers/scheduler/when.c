/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times as people write them: an instant, or a local time in a zone, which on two days a year may
 * not exist or exist twice. The rules of zones are the core's (tocsin/calendar.h).
 */
#include "when.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tocsin/alloc.h>
#include <tocsin/calendar.h>

#define SECOND_US INT64_C(1000000)
#define LOCAL_LEN 16          /* "2026-03-29T02:30" */
#define STEP_US (60 * SECOND_US)
#define STEPS (24 * 60)       /* no zone was ever put back by more than a day */

const char *when_format(char buf[WHEN_SIZE], int64_t at_us)
{
	time_t s = (time_t)(at_us / SECOND_US);
	int us = (int)(at_us % SECOND_US);
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(buf, WHEN_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, WHEN_SIZE - n, us ? ".%06dZ" : "Z", us);
	return buf;
}

int when_format_in(char buf[40], int64_t at_us, const char *zone)
{
	return tc_local_format(at_us, zone, buf);
}

const char *when_span(char buf[WHEN_SIZE], int64_t span_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!span_ms || span_ms % units[i].ms)
			continue;
		snprintf(buf, WHEN_SIZE, "%lld%s", (long long)(span_ms / units[i].ms),
			 units[i].unit);
		return buf;
	}
	snprintf(buf, WHEN_SIZE, span_ms ? "%lldms" : "%llds", (long long)span_ms);
	return buf;
}

/* ---- RFC 3339 ---- */

static int two_digits(const char *s)
{
	if (!isdigit((unsigned char)s[0]) || !isdigit((unsigned char)s[1]))
		return -1;
	return (s[0] - '0') * 10 + (s[1] - '0');
}

/* "Z" or "+02:00", and nothing behind it: seconds east of UTC. */
static bool parse_offset(const char *s, int64_t *seconds)
{
	int hours, minutes;

	*seconds = 0;
	if ((*s == 'Z' || *s == 'z') && !s[1])
		return true;
	if ((*s != '+' && *s != '-') || strlen(s) != 6 || s[3] != ':')
		return false;
	hours = two_digits(s + 1);
	minutes = two_digits(s + 4);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*seconds = (hours * 60 + minutes) * (*s == '-' ? -60 : 60);
	return true;
}

/* An instant? Then the local part of it in UTC is moved by its offset; parts of seconds go. */
static bool parse_instant(const char *at, int64_t *at_us)
{
	const char *rest = at + strcspn(at, ".Zz+");
	const char *minus = strlen(at) > LOCAL_LEN + 3 ? strchr(at + LOCAL_LEN + 3, '-') : NULL;
	char local[24];
	int64_t offset;

	if (minus && minus < rest)
		rest = minus;
	if ((size_t)(rest - at) != LOCAL_LEN + 3) /* RFC 3339 wants the seconds */
		return false;
	snprintf(local, sizeof(local), "%.*s", (int)(rest - at), at);
	if (local[10] == 't' || local[10] == ' ')
		local[10] = 'T';
	if (*rest == '.') {
		rest++;
		if (!isdigit((unsigned char)*rest))
			return false;
		rest += strspn(rest, "0123456789");
	}
	if (!parse_offset(rest, &offset) || tc_local_parse(local, "UTC", at_us, NULL))
		return false;
	*at_us -= offset * SECOND_US;
	return true;
}

/* ---- local times ---- */

/* What the clocks of the zone show at this instant, counted as if it were UTC. */
static bool shown(int64_t at_us, const char *zone, int64_t *local_us)
{
	char text[40];

	if (tc_local_format(at_us, zone, text))
		return false;
	text[LOCAL_LEN + 3] = '\0';
	return !tc_local_parse(text, "UTC", local_us, NULL);
}

/* It was moved over the gap: as long as that is, before and behind it are what can be meant. */
static void explain_gap(const char *at, const char *zone, int64_t moved_us,
			struct tc_errors *errs)
{
	char before[40] = "", after[40] = "";
	int64_t asked_us, got_us;

	if (!tc_local_parse(at, "UTC", &asked_us, NULL) && shown(moved_us, zone, &got_us))
		tc_local_format(moved_us - (got_us - asked_us), zone, before);
	tc_local_format(moved_us, zone, after);
	tc_errors_add(errs, "at",
		      "%s does not exist in %s: the clocks are put forward over it; give %s or %s",
		      at, zone, before, after);
}

static void explain_twice(const char *at, const char *zone, int64_t first_us,
			  struct tc_errors *errs)
{
	char first[40] = "", second[40] = "";
	int64_t asked_us, got_us;

	tc_local_format(first_us, zone, first);
	for (int i = 1; i < STEPS && !tc_local_parse(at, "UTC", &asked_us, NULL); i++) {
		if (!shown(first_us + i * STEP_US, zone, &got_us) || got_us != asked_us)
			continue;
		tc_local_format(first_us + i * STEP_US, zone, second);
		break;
	}
	tc_errors_add(errs, "at",
		      "%s exists twice in %s: the clocks are put back over it; give %s or %s", at,
		      zone, first, second);
}

static int parse_local(const char *at, const char *zone, int64_t *at_us,
		       struct tc_errors *errs)
{
	enum tc_local kind = TC_LOCAL_ONCE;
	int err = tc_local_parse(at, zone, at_us, &kind);

	if (err) {
		tc_errors_add(errs, "at",
			      "is neither RFC 3339, as 2026-11-30T07:00:00+01:00, nor a local "
			      "time, as 2026-11-30T07:00 with a timezone");
		return -EINVAL;
	}
	if (kind == TC_LOCAL_ONCE)
		return 0;
	if (kind == TC_LOCAL_GAP)
		explain_gap(at, zone, *at_us, errs);
	else
		explain_twice(at, zone, *at_us, errs);
	return -EINVAL;
}

int when_parse(const char *at, const char *zone, int64_t *at_us, struct tc_errors *errs)
{
	int64_t any_us;

	if (zone && !tc_zone_known(zone)) {
		tc_errors_add(errs, "timezone",
			      "is not the name of a time zone, as Europe/Rome: %.64s", zone);
		return -EINVAL;
	}
	if (parse_instant(at, at_us))
		return 0;
	if (zone || tc_local_parse(at, "UTC", &any_us, NULL))
		return parse_local(at, zone ? zone : "UTC", at_us, errs);
	tc_errors_add(errs, "timezone", "is missing: %.32s is a local time, of which zone?", at);
	return -EINVAL;
}
