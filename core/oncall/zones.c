/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of time zones, out of the text form of the zone data. Their rules: zone.c.
 */
#include "oncall/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#define ZI             "/usr/share/zoneinfo/tzdata.zi"
#define NAME_MAX_BYTES 64

struct zones {
	char **names; /* owned, sorted */
	size_t n, room;
};

static void add(struct zones *zones, const char *name)
{
	if (zones->n == zones->room) {
		zones->room = zones->room ? 2 * zones->room : 512;
		zones->names = tc_realloc(zones->names, zones->room * sizeof(*zones->names));
	}
	zones->names[zones->n++] = tc_strdup(name);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct zones *zones_load(const char *path)
{
	struct zones *zones = tc_alloc(sizeof(*zones));
	FILE *f = fopen(path ? path : ZI, "re");
	char line[512], first[128], second[128];

	add(zones, "UTC");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Z %127s", first) == 1)
			add(zones, first);
		else if (sscanf(line, "L %127s %127s", first, second) == 2)
			add(zones, second);
	}
	if (f)
		fclose(f);
	if (zones->n == 1)
		tc_log(NULL, TC_LOG_WARN,
		       "the names of time zones cannot be read from %s: they "
		       "are not checked (Debian: tzdata)",
		       path ? path : ZI);
	qsort(zones->names, zones->n, sizeof(*zones->names), compare);
	return zones;
}

void zones_free(struct zones *zones)
{
	if (!zones)
		return;
	for (size_t i = 0; i < zones->n; i++)
		free(zones->names[i]);
	free(zones->names);
	free(zones);
}

/* "Area/Place", "UTC", "Etc/GMT+1" */
static bool could_be(const char *name)
{
	size_t len = strlen(name);

	return len && len <= NAME_MAX_BYTES && name[0] != '/' && !strstr(name, "..") &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/") ==
		       len;
}

bool zones_know(const struct zones *zones, const char *name)
{
	if (zones->n == 1)
		return could_be(name);
	return bsearch(&name, zones->names, zones->n, sizeof(*zones->names), compare);
}
