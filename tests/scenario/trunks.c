/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What scripts do to trunks as a whole, and see of them.
 */
#include <string.h>

#include "call/trunk.h"
#include "host/host.h"
#include "scenario/fakes.h"
#include "scenario/world.h"

static struct tc_instance *find(const char *name)
{
	for (unsigned i = 0; i < fakes.trunks; i++)
		if (!strcmp(tc_instance_name(fakes.trunk[i]), name))
			return fakes.trunk[i];
	return NULL;
}

bool world_hold(struct world *w, const char *trunk, const char *why)
{
	struct tc_instance *self = find(trunk);

	if (self)
		tc_pbx_hold(self, why != NULL, why ? why : "");
	world_settle(w);
	return self != NULL;
}

const char *world_trunk_is(struct world *w, const char *name, const char **text)
{
	struct tc_instance *self = find(name);
	const struct trunk *trunk = self ? self->owner : NULL;

	(void)w;
	*text = "";
	if (!trunk)
		return "unknown";
	*text = trunk->held ? trunk->held_why : trunk->text;
	return trunk->held ? "held" : trunk->healthy ? "up" : trunk->up ? "failing" : "down";
}
