/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking what triggers hand over.
 */
#ifndef CORE_ALERT_INTAKE_CHECK_H
#define CORE_ALERT_INTAKE_CHECK_H

#include <tocsin/trigger.h>

struct alerts;

/*
 * Check all items of a batch.
 *
 * errs    receives faults, by the items' fields
 * result  0 | -EINVAL after faults | -EAGAIN the contacts and schedules are not read yet
 */
int intake_check(const struct alerts *alerts, const struct tc_intake *items, size_t n,
		 struct tc_errors *errs);

#endif
