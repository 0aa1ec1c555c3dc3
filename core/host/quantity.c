/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Durations and sizes as people write them. Not ranges: those stand in the option tables.
 */
#include "host/quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tocsin/alloc.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* Largest first. */
static const struct unit durations[] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
static const struct unit sizes[] = {
	{"T", INT64_C(1) << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"k", 1 << 10}, {"", 1},
};

#define N_UNITS (sizeof(durations) / sizeof(durations[0]))
_Static_assert(sizeof(sizes) == sizeof(durations), "both tables have N_UNITS rows");

static int parse(const struct unit *units, bool any_case, const char *text, int64_t *out)
{
	bool fits = true;
	int64_t n = 0;
	size_t i;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++)
		fits = fits && !__builtin_mul_overflow(n, 10, &n) &&
		       !__builtin_add_overflow(n, *text - '0', &n);
	for (i = 0; i < N_UNITS; i++) {
		if (any_case ? !strcasecmp(text, units[i].name) : !strcmp(text, units[i].name))
			break;
	}
	if (i == N_UNITS && (*text != '\0' || n != 0))
		return -EINVAL;
	if (!fits || (i < N_UNITS && __builtin_mul_overflow(n, units[i].factor, &n)))
		return -ERANGE;
	*out = n;
	return 0;
}

static const char *format(const struct unit *units, char *buf, int64_t value)
{
	const struct unit *u = units;

	while (u->factor > 1 && (value == 0 || value % u->factor != 0))
		u++;
	snprintf(buf, QUANTITY_SIZE, "%" PRId64 "%s", value / u->factor, u->name);
	return buf;
}

int quantity_parse_duration(const char *text, int64_t *ms)
{
	return parse(durations, false, text, ms);
}

const char *quantity_format_duration(char buf[QUANTITY_SIZE], int64_t ms)
{
	if (ms != 0)
		return format(durations, buf, ms);
	tc_strcopy(buf, QUANTITY_SIZE, "0s");
	return buf;
}

int quantity_parse_size(const char *text, int64_t *bytes)
{
	return parse(sizes, true, text, bytes);
}

const char *quantity_format_size(char buf[QUANTITY_SIZE], int64_t bytes)
{
	return format(sizes, buf, bytes);
}
