/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UUIDv7: 48 bits of milliseconds, 12 bits of a counter within the millisecond, 62 random bits.
 */
#include "host/id.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <tocsin/plugin.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last; /* milliseconds << 12 | counter, so that ids of this process only grow */

static void random_bytes(unsigned char b[16])
{
	ssize_t n;

	do
		n = getrandom(b, 16, 0);
	while (n < 0 && errno == EINTR); /* early at boot it waits for entropy */
	if (n != 16)
		abort();
}

/* stamp: milliseconds << 12 | 12 more bits; b: random. */
static void format(char id[TC_ID_SIZE], uint64_t stamp, unsigned char b[16])
{
	static const char hex[] = "0123456789abcdef";
	size_t out = 0;

	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(stamp >> (12 + 8 * (5 - i)));
	b[6] = (unsigned char)(0x70 | ((stamp >> 8) & 0x0f));
	b[7] = (unsigned char)stamp;
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			id[out++] = '-';
		id[out++] = hex[b[i] >> 4];
		id[out++] = hex[b[i] & 15];
	}
	id[out] = '\0';
}

static uint64_t stamp_of(int64_t wall_us)
{
	return wall_us > 0 ? (uint64_t)(wall_us / 1000) << 12 : 0;
}

void id_new(char id[TC_ID_SIZE], int64_t wall_us)
{
	uint64_t stamp = stamp_of(wall_us);
	unsigned char b[16];

	random_bytes(b);
	pthread_mutex_lock(&lock);
	stamp = stamp > last ? stamp : last + 1;
	last = stamp;
	pthread_mutex_unlock(&lock);
	format(id, stamp, b);
}

/* A time to come must not become the least time of all ids that follow: the rest is chance. */
void tc_id_new(char id[TC_ID_SIZE], int64_t wall_us)
{
	unsigned char b[16];

	random_bytes(b);
	format(id, stamp_of(wall_us) | (uint64_t)(b[6] & 0x0f) << 8 | b[7], b);
}

bool id_valid(const char *s)
{
	for (size_t i = 0; i < TC_ID_SIZE - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !(isdigit((unsigned char)s[i]) ||
					    (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	}
	return s[TC_ID_SIZE - 1] == '\0';
}
