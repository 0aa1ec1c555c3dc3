/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Durations and sizes as people write them: "500ms" "30s" "5m" "2h" "7d", "64k" "100M" "2G".
 */
#ifndef CORE_HOST_QUANTITY_H
#define CORE_HOST_QUANTITY_H

#include <tocsin/defs.h>

/* Enough for any of the texts made here. */
#define QUANTITY_SIZE 32

/*
 * A whole number and a unit: ms, s, m, h, d. Zero needs none.
 *
 * result  0, or -EINVAL (the form), or -ERANGE (more than 64 bits hold); *ms only written on 0
 */
int quantity_parse_duration(const char *text, int64_t *ms);
/* In the largest unit that keeps it whole; returns buf. ms >= 0. */
const char *quantity_format_duration(char buf[QUANTITY_SIZE], int64_t ms);

/*
 * A whole number of bytes, or with a unit k, M, G, T (powers of 1024, in either case). Results as
 * above.
 */
int quantity_parse_size(const char *text, int64_t *bytes);
const char *quantity_format_size(char buf[QUANTITY_SIZE], int64_t bytes);

#endif
