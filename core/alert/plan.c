/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alerts that are to be raised later: handed to the trigger that keeps them, and found again by
 * the id that it has chosen. Taking them in is intake.c's.
 */
#include <stdlib.h>

#include "alert/book.h"
#include "host/host.h"
#include "store/store.h"

/* The first trigger of the configuration that can do it; NULL = none. */
static struct tc_instance *planner_find(struct host *host)
{
	struct tc_instance *self = NULL;

	while ((self = instance_next(host, self))) {
		const struct tc_trigger_ops *ops = self->plugin->ops;

		if (self->plugin->kind == TC_KIND_TRIGGER && self->open && ops && ops->plan)
			return self;
	}
	return NULL;
}

int tc_intake_plan(struct tc_instance *self, const struct tc_intake *alert, const char *at,
		   const char *timezone, struct tc_errors *errs, tc_plan_done_fn done, void *arg)
{
	struct tc_instance *planner = planner_find(self->host);
	const struct tc_trigger_ops *ops = planner ? planner->plugin->ops : NULL;

	return ops ? ops->plan(planner->state, alert, at, timezone, errs, done, arg) : -ENOTSUP;
}

/* ---- finding ---- */

struct finding {
	char id[TC_ID_SIZE];
	bool found;
	tc_intake_found_fn done;
	void *arg;
};

static int run(struct db *db, void *arg)
{
	struct finding *f = arg;
	struct alert_row row;
	int found = alert_get(db, f->id, &row);

	f->found = found > 0;
	if (f->found)
		alert_row_fini(&row);
	return found < 0 ? found : 0;
}

static void done(void *arg, int err)
{
	struct finding *f = arg;

	f->done(f->arg, err ? -EAGAIN : 0, f->found);
	free(f);
}

int tc_intake_find(struct tc_instance *self, const char *id, tc_intake_found_fn fn, void *arg)
{
	const struct host_services *services = host_services(self->host);
	struct finding *f;
	int err;

	if (!services->store)
		return -EAGAIN;
	f = tc_alloc(sizeof(*f));
	tc_strcopy(f->id, sizeof(f->id), id);
	f->done = fn;
	f->arg = arg;
	err = store_read(services->store, run, done, f);
	if (err)
		free(f);
	return err;
}
