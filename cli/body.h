/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What options say about an alert, as the body of a request.
 */
#ifndef CLI_BODY_H
#define CLI_BODY_H

#include <jansson.h>

#include "args.h"

/* What is said: text, or all of the standard input for "-". result: EXIT_OK or EXIT_USAGE */
int body_message(const struct args *args, const char *text, json_t *body);

/* All other fields that were given; --label all of the labels. result: EXIT_OK or EXIT_USAGE */
int body_fields(const struct args *args, json_t *body);

#endif
