/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the calls to somebody went, in words: "Alice did not answer (480) twice".
 */
#ifndef CORE_ALERT_TALLY_H
#define CORE_ALERT_TALLY_H

#include <tocsin/defs.h>

struct db;

/*
 * The calls of one page, as they are in the store.
 *
 * text    receives it, owned by the caller; NULL: there was none
 * result  0 | -EINPROGRESS the end of one is not recorded yet | negative, of the database
 * thread  store
 */
int tally_read(struct db *db, const char *alert_id, int serial, const char *who, char **text);

#endif
