/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recurrences beyond what plugins need: their occurrences one by one, in local time.
 */
#ifndef CORE_ONCALL_RECUR_H
#define CORE_ONCALL_RECUR_H

#include <tocsin/calendar.h>

/*
 * Seconds, in local time, after which all occurrences come again, for ever; 0 = there is no such
 * time, or it is not known.
 */
int64_t recur_period_s(const struct tc_recur *recur);
/* The most occurrences that one day can have. */
int recur_most_a_day(const struct tc_recur *recur);

/*
 * The occurrences in the order of local time: begin at the first one, or at the first that is not
 * before a local time (not for rules with COUNT).
 *
 * result  next: false = there is none any more
 * thread  any, one at a time; tc_recur_next() disturbs it
 */
void recur_rewind(struct tc_recur *recur);
void recur_seek(struct tc_recur *recur, int64_t local_s);
bool recur_next_local(struct tc_recur *recur, int64_t *local_s);

#endif
