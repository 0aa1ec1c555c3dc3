/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text for people: times, colours, and text from outside made harmless for a terminal.
 */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "cli.h"

/* Room for any of the times below. */
#define FORMAT_TIME_SIZE 48

/* As asprintf(); ends the program when there is no memory. Owned by the caller. */
char *format_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * A text from the network, fit for a terminal: control characters (and those that turn the writing
 * direction) become "?", line breaks and tabs spaces, bytes that are not UTF-8 "?".
 *
 * text    NULL counts as ""
 * result  one line of UTF-8, owned by the caller
 */
char *format_clean(const char *text);

/* Columns that a clean text takes on a terminal. */
size_t format_width(const char *text);

/* The same text, cut to a width, with "..." at its end if it was cut. Owned by the caller. */
char *format_cut(const char *text, size_t width);

/* What a text means, to be shown by colour. */
enum format_tone { TONE_PLAIN, TONE_GOOD, TONE_BAD, TONE_BUSY, TONE_FAINT, TONE_TITLE };

/* The tone of a state or result of an alert or a call. */
enum format_tone format_tone_of(const char *state);

/* Print a clean text, in colour if the output takes it. */
void format_put(const struct cli *cli, enum format_tone tone, const char *text);

/* A text member of an object, cleaned; "" when it is not there. Owned by the caller. */
char *format_member(const json_t *object, const char *name);

/*
 * RFC 3339 to microseconds since 1970.
 *
 * text    may be NULL
 * result  0 when it is no time
 */
int64_t format_parse_time(const char *text);

/* Microseconds since 1970, now. */
int64_t format_now(void);

/* "2027-01-31 14:05:09", local time; "" for 0. Returns buf, as those below. */
char *format_date(char buf[FORMAT_TIME_SIZE], int64_t at_us);
/* "14:05:09.123", local time. */
char *format_clock(char buf[FORMAT_TIME_SIZE], int64_t at_us);
/* "3 min ago", "in 5 h", "now". */
char *format_ago(char buf[FORMAT_TIME_SIZE], int64_t at_us, int64_t now_us);
/* A length of time: "0.4 s", "12 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". */
char *format_span(char buf[FORMAT_TIME_SIZE], int64_t span_us);

/*
 * A duration as people write it: "90s", "15m", "2h", "30d", "4w", into microseconds.
 *
 * result  -1 when it is none
 */
int64_t format_parse_span(const char *text);

/* RFC 3339 in UTC, with microseconds, as the API takes times. */
char *format_rfc3339(char buf[FORMAT_TIME_SIZE], int64_t at_us);

/* The API's JSON, one document in several lines (for a person) or in one. */
void format_json(const struct cli *cli, const json_t *json);

#endif
