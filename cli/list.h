/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists that several commands print.
 */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include <jansson.h>

#include "cli.h"

/*
 * Ask for a page of a list and print it: a command's whole run.
 *
 * path     owned by this function from now on
 * print    prints its items, unless JSON is wanted
 * further  what comes behind it, for people: "older ones"
 * result   an exit code, after stderr was told why
 */
int list_page(struct cli *cli, char *path,
	      void (*print)(const struct cli *cli, const json_t *items), const char *further);

/*
 * Hand over a whole list, page by page, until fn() says false.
 *
 * base    "/v1/contacts"
 * q       part of what is looked for, or NULL
 * result  EXIT_OK, or an exit code after stderr was told why
 */
int list_each(struct cli *cli, const char *base, const char *q,
	      bool (*fn)(void *arg, const json_t *page), void *arg);

/*
 * The same, all of it as one page: {"items", "next": null}.
 *
 * page    receives a new reference, also after an error
 */
int list_whole(struct cli *cli, const char *base, json_t **page);

/* A table of calls as the API gives them. */
void list_calls(const struct cli *cli, const json_t *items);

#endif
