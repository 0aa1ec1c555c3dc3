/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Setting up the log; writing to it is include/tocsin/log.h.
 */
#ifndef CORE_HOST_LOGGING_H
#define CORE_HOST_LOGGING_H

#include <tocsin/log.h>

enum logging_format { LOGGING_TEXT, LOGGING_JSON };

/* What is written from now on, to stderr. Thread: any; at the start, and later on a reload. */
void logging_setup(enum tc_log_level level, enum logging_format format);

#endif
