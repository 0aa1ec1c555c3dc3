/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The room of people: contacts, schedules, policies and maintenance windows, together. All
 * functions: loop thread.
 */
#ifndef CORE_ONCALL_ONCALL_H
#define CORE_ONCALL_ONCALL_H

#include <tocsin/defs.h>

struct config_escalation;
struct directory;
struct documents;
struct loop;
struct oncall;
struct store;

struct oncall *oncall_new(struct loop *loop, struct store *store);
void oncall_free(struct oncall *oncall);
/* At the start, and after a reload; borrowed. */
void oncall_configure(struct oncall *oncall, const struct config_escalation *config);
/* Whether all have been read. */
bool oncall_ready(const struct oncall *oncall);

struct directory *oncall_directory(const struct oncall *oncall);
struct documents *oncall_schedules(const struct oncall *oncall);
struct documents *oncall_policies(const struct oncall *oncall);
struct documents *oncall_maintenance(const struct oncall *oncall);
/* The name of the schedule that "oncall" means. */
const char *oncall_default_schedule(const struct oncall *oncall);

#endif
