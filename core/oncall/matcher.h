/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Matchers of labels, as Alertmanager has them: label, operator, value.
 */
#ifndef CORE_ONCALL_MATCHER_H
#define CORE_ONCALL_MATCHER_H

#include <tocsin/defs.h>

enum matcher_op { MATCHER_EQUAL, MATCHER_UNEQUAL, MATCHER_LIKE, MATCHER_UNLIKE };

/* "=", "!=", "=~", "!~"; NULL at the end */
extern const char *const matcher_ops[];

#define MATCHER_VALUE_MAX 500 /* bytes */

struct matcher;

/*
 * op     =~ and !~ take a POSIX extended regular expression that has to match the whole value
 * value  copied
 * fault  receives why not, for people
 * result NULL: the expression is none, or would take too long or too much memory
 * thread any
 * source POSIX, Base Definitions, 9.4
 */
struct matcher *matcher_new(const char *label, enum matcher_op op, const char *value, char *fault,
			    size_t size_bytes);
void matcher_free(struct matcher *matcher);
const char *matcher_label(const struct matcher *matcher);
/* Of a label that is not there the value is "". */
bool matcher_matches(const struct matcher *matcher, const char *value);

#endif
