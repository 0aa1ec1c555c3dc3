/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The room of people: the beginning and end of its parts. What they do is theirs.
 */
#include "oncall/oncall.h"

#include <stdlib.h>

#include <tocsin/alloc.h>

#include "host/config.h"
#include "oncall/directory.h"
#include "oncall/maintenance.h"
#include "oncall/policy.h"
#include "oncall/schedule.h"

struct oncall {
	struct directory *directory;
	struct documents *schedules, *policies, *maintenance;
	const struct config_escalation *config; /* NULL: defaults */
};

struct oncall *oncall_new(struct loop *loop, struct store *store)
{
	struct oncall *oncall = tc_alloc(sizeof(*oncall));

	oncall->directory = directory_new(loop, store);
	oncall->schedules = documents_new(loop, store, &schedule_kind);
	oncall->policies = documents_new(loop, store, &policy_kind);
	oncall->maintenance = documents_new(loop, store, &maintenance_kind);
	return oncall;
}

/* The store must have been drained. */
void oncall_free(struct oncall *oncall)
{
	if (!oncall)
		return;
	documents_free(oncall->maintenance);
	documents_free(oncall->policies);
	documents_free(oncall->schedules);
	directory_free(oncall->directory);
	free(oncall);
}

void oncall_configure(struct oncall *oncall, const struct config_escalation *config)
{
	oncall->config = config;
}

bool oncall_ready(const struct oncall *oncall)
{
	return directory_ready(oncall->directory) && documents_ready(oncall->schedules) &&
	       documents_ready(oncall->policies) && documents_ready(oncall->maintenance);
}

struct directory *oncall_directory(const struct oncall *oncall)
{
	return oncall->directory;
}

struct documents *oncall_schedules(const struct oncall *oncall)
{
	return oncall->schedules;
}

struct documents *oncall_policies(const struct oncall *oncall)
{
	return oncall->policies;
}

struct documents *oncall_maintenance(const struct oncall *oncall)
{
	return oncall->maintenance;
}

const char *oncall_default_schedule(const struct oncall *oncall)
{
	return oncall->config ? oncall->config->default_schedule : "default";
}
