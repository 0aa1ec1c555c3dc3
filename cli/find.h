/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ids as people give them: whole, their beginning, "last"; and ids as people see them.
 */
#ifndef CLI_FIND_H
#define CLI_FIND_H

#include "cli.h"

#define FIND_ID_SIZE 64

/*
 * The alert that is meant.
 *
 * given   its id, an unambiguous beginning of it, or "last": the newest one
 * id      receives the id; also what cannot be one, for the daemon to judge
 * result  EXIT_OK, or an exit code after stderr was told why
 */
int find_alert(struct cli *cli, const char *given, char id[FIND_ID_SIZE]);

/* An id for a column: whole, or on a terminal what it is found by. Owned by the caller. */
char *find_shown(const struct cli *cli, const char *id);

#endif
