/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has a name beside its id: contacts, schedules, policies. Finding one by either, names in
 * place of ids, and files that they are put in.
 */
#ifndef CLI_NAMED_H
#define CLI_NAMED_H

#include <jansson.h>

#include "cli.h"

/*
 * The path of one that is given by name or id.
 *
 * base    "/v1/contacts"
 * result  owned by the caller; NULL: *code says why
 */
char *named_path(struct cli *cli, const char *base, const char *given, int *code);

/* The same; NULL with *code EXIT_OK: nobody has this name, and it may be an id. */
char *named_find(struct cli *cli, const char *base, const char *name, int *code);

/*
 * Add all of a list to names, by reference: "contact:ID" -> "Alice".
 *
 * kind    "contact"
 * result  EXIT_OK, or an exit code after stderr was told why
 */
int named_all(struct cli *cli, const char *base, const char *kind, json_t *names);

/* "contact:ID" as people know it: "Alice", "schedule ops"; else as it is. Owned by the caller. */
char *named_shown(const json_t *names, const char *reference);

/*
 * A whole file; "-": the standard input.
 *
 * result  owned by the caller, NUL-terminated; NULL after stderr was told why
 */
char *named_read_file(const char *path, size_t *len);

/* Take one away, whatever it is by now: a command's whole run. */
int named_delete(struct cli *cli, const char *base, const char *given);

/*
 * Make one of a JSON file, or change the one that has its name to it: a command's whole run.
 *
 * noun  "schedule"
 */
int named_put(struct cli *cli, const char *base, const char *noun, const char *file);

/* Get one; reply receives a new reference. result: an exit code */
int named_get(struct cli *cli, const char *base, const char *given, json_t **reply);

#endif
