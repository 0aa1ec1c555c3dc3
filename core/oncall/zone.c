/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local time in a zone. The zone data are the machine's: those that libraries bring along are as
 * old as the library. Text is made of times in local.c, names are listed in zones.c.
 */
#include "oncall/zone.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "oncall/tzfile.h"

#define FOLDER         "/usr/share/zoneinfo"
#define NAME_MAX_BYTES 64
#define FILE_MAX_BYTES (64 * 1024)
#define NEAR_S         (26 * 3600) /* farther from UTC than any zone */

struct zone {
	SLIST_ENTRY(zone) link;
	char name[NAME_MAX_BYTES + 1];
	struct tzfile rules;
};

/* Zones that were asked for. Nothing is ever taken out: the pointers stay good. */
static SLIST_HEAD(, zone) known = SLIST_HEAD_INITIALIZER(known);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- finding ---- */

/* Other folders beside those of the IANA hold the same names again, or with leap seconds. */
static bool could_be(const char *name)
{
	size_t len = strlen(name);

	return len && len <= NAME_MAX_BYTES && name[0] >= 'A' && name[0] <= 'Z' &&
	       !strstr(name, "..") && !strstr(name, "//") && name[len - 1] != '/' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/") ==
		       len;
}

static int read_rules(struct tzfile *rules, const char *name)
{
	unsigned char *data;
	char path[128];
	size_t n = 0;
	ssize_t got;
	int fd, err;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -ENOENT;
	data = tc_alloc(FILE_MAX_BYTES);
	while ((got = read(fd, data + n, FILE_MAX_BYTES - n)) > 0)
		n += (size_t)got;
	close(fd);
	err = got < 0 ? -ENOENT : tzfile_read(rules, data, n); /* read() of a folder: EISDIR */
	free(data);
	return err;
}

static struct zone *zone_new(const char *name)
{
	struct zone *zone;
	struct tzfile rules = {0};

	if (!could_be(name))
		return NULL;
	if (read_rules(&rules, name)) {
		if (strcmp(name, "UTC") != 0)
			return NULL;
		rules.offset_s = tc_alloc(sizeof(*rules.offset_s)); /* it needs no file */
	}
	zone = tc_alloc(sizeof(*zone));
	tc_strcopy(zone->name, sizeof(zone->name), name);
	zone->rules = rules;
	return zone;
}

const struct zone *zone_find(const char *name)
{
	struct zone *zone;

	pthread_mutex_lock(&lock);
	SLIST_FOREACH (zone, &known, link)
		if (!strcmp(zone->name, name))
			break;
	if (!zone) {
		zone = zone_new(name);
		if (zone)
			SLIST_INSERT_HEAD(&known, zone, link);
	}
	pthread_mutex_unlock(&lock);
	return zone;
}

const char *zone_name(const struct zone *zone)
{
	return zone->name;
}

bool tc_zone_known(const char *zone)
{
	return zone_find(zone) != NULL;
}

/* ---- local time ---- */

/* How many changes of the offset there are up to an instant: the place of its offset. */
static size_t place(const struct tzfile *rules, int64_t at_s)
{
	size_t low = 0, high = rules->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rules->at[middle] <= at_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int64_t zone_local(const struct zone *zone, int64_t at_s)
{
	return at_s + zone->rules.offset_s[place(&zone->rules, at_s)];
}

int64_t zone_local_least(const struct zone *zone, int64_t at_s)
{
	const struct tzfile *rules = &zone->rules;
	size_t i = place(rules, at_s);
	int32_t least = rules->offset_s[i];

	for (; i > 0 && rules->at[i - 1] > at_s - NEAR_S; i--)
		if (rules->offset_s[i - 1] < least)
			least = rules->offset_s[i - 1];
	return at_s + least;
}

int64_t zone_instant(const struct zone *zone, int64_t local_s, enum tc_local *kind)
{
	const struct tzfile *rules = &zone->rules;
	size_t first = place(rules, local_s - NEAR_S);
	int64_t found = 0;
	size_t n = 0;

	for (size_t i = first;
	     i == first || (i <= rules->n && rules->at[i - 1] <= local_s + NEAR_S); i++) {
		int64_t at = local_s - rules->offset_s[i];

		if ((i > 0 && at < rules->at[i - 1]) || (i < rules->n && at >= rules->at[i]))
			continue;
		if (!n++)
			found = at;
	}
	if (!n) { /* the gap: the first change that puts clocks beyond it */
		size_t i = first;

		while (i < rules->n && local_s >= rules->at[i] + rules->offset_s[i + 1])
			i++;
		found = local_s - rules->offset_s[i];
	}
	if (kind)
		*kind = !n ? TC_LOCAL_GAP : n > 1 ? TC_LOCAL_TWICE : TC_LOCAL_ONCE;
	return found;
}
