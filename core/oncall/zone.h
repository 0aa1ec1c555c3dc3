/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of time zones that this machine knows.
 */
#ifndef CORE_ONCALL_ZONE_H
#define CORE_ONCALL_ZONE_H

#include <tocsin/defs.h>

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

#endif
