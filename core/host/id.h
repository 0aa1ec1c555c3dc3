/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ids: UUIDv7 (RFC 9562), growing with time within one process.
 */
#ifndef CORE_HOST_ID_H
#define CORE_HOST_ID_H

#include <tocsin/defs.h>

/* A new id. wall_us: microseconds since 1970. Thread: any. */
void id_new(char id[TC_ID_SIZE], int64_t wall_us);
/* True for the text form of a UUID in lower case. */
bool id_valid(const char *s);

#endif
