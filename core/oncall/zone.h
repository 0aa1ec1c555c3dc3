/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time zones that this machine knows: their names, and local time in them. Times here are
 * seconds; a local time is counted as if it were UTC.
 */
#ifndef CORE_ONCALL_ZONE_H
#define CORE_ONCALL_ZONE_H

#include <tocsin/calendar.h>

struct zones;

/*
 * Read the names. Blocks: for the start.
 *
 * path    of a tzdata.zi; NULL = the machine's
 * source  tzfile(5), zic(8): lines "Z NAME ..." and "L TARGET NAME"
 */
struct zones *zones_load(const char *path);
void zones_free(struct zones *zones);

/* Is there a zone of this name? When the names could not be read: could it be one? */
bool zones_know(const struct zones *zones, const char *name);

/* The rules of one zone; they stay as long as the process, and never change. */
struct zone;

/*
 * A zone by its IANA name; its file (some kB) is read when it is first asked for.
 *
 * result  NULL: there is none
 * thread  any
 */
const struct zone *zone_find(const char *name);
const char *zone_name(const struct zone *zone);

/* An instant as local time. Thread: any. */
int64_t zone_local(const struct zone *zone, int64_t at_s);
/* The smallest local time that a clock showed within the 26 hours before an instant, and at it. */
int64_t zone_local_least(const struct zone *zone, int64_t at_s);

/* A local time as an instant, as tc_local_parse() has it. kind may be NULL. Thread: any. */
int64_t zone_instant(const struct zone *zone, int64_t local_s, enum tc_local *kind);

#endif
