/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of struct schedule_fields.
 */
#ifndef CORE_ONCALL_SCHEDULE_TABLE_H
#define CORE_ONCALL_SCHEDULE_TABLE_H

#include <tocsin/option.h>

extern const struct tc_option schedule_table[];

#endif
