/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the schedules are covered: metrics of the gaps of the next 14 days and of the people on
 * call now, kept up to date.
 */
#ifndef CORE_ONCALL_COVERAGE_H
#define CORE_ONCALL_COVERAGE_H

#include <tocsin/defs.h>

struct coverage;
struct loop;
struct oncall;

#define COVERAGE_DAYS 14

/* Begins at once; it listens to the schedules and to the directory. Thread: loop. */
struct coverage *coverage_new(struct loop *loop, struct oncall *oncall);
/* Before oncall_free(). Its metrics go. */
void coverage_free(struct coverage *coverage);

#endif
