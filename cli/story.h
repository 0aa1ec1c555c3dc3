/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened to an alert, line by line.
 */
#ifndef CLI_STORY_H
#define CLI_STORY_H

#include <stdint.h>

#include <jansson.h>

#include "cli.h"

/*
 * Print entries of a timeline from the given one on: when, how long after the beginning, what, why.
 *
 * begin_us  of the alert
 */
void story_print(const struct cli *cli, const json_t *timeline, size_t from, int64_t begin_us);

/* The end of a line: the sentence, coloured by the kind of event, and the reason. */
void story_print_sentence(const struct cli *cli, const char *what, const json_t *entry);

#endif
