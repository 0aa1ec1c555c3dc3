/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists that several commands print.
 */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include <jansson.h>

#include "cli.h"

/* A table of calls as the API gives them. */
void list_calls(const struct cli *cli, const json_t *items);

#endif
