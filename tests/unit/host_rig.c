/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host for tests; see host_rig.h. No test stands here.
 */
#include "unit/host_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define TURNS_MAX 100000
#define WAIT_US 30000000

void host_rig_init(struct host_rig *rig, enum loop_clock clock)
{
	rig->loop = loop_new(clock);
	rig->host = host_new(rig->loop, "/nonexistent", "/nonexistent");
	host_plugin_add(rig->host, &host_rig_plugin);
}

void host_rig_fini(struct host_rig *rig)
{
	struct tc_instance *self;

	while ((self = instance_next(rig->host, NULL)))
		instance_free(self);
	loop_free(rig->loop);
	host_free(rig->host);
}

struct nothing {
	int unused;
};

static const struct tc_option no_options[] = {TC_OPTION_END};

static int open_nothing(struct tc_instance *self, const void *cfg, void **state)
{
	(void)cfg;
	*state = self;
	return 0;
}

static void close_nothing(void *state)
{
	(void)state;
}

const struct tc_plugin host_rig_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_TRIGGER),
	.name = "nothing",
	.version = "1",
	.summary = "Does nothing",
	.options = no_options,
	.config_size = sizeof(struct nothing),
	.open = open_nothing,
	.close = close_nothing,
};

struct tc_instance *host_rig_instance(struct host_rig *rig, const struct tc_plugin *plugin,
				      const char *name, const char *settings)
{
	json_t *json = settings ? json_loads(settings, 0, NULL) : json_object();
	struct tc_errors *errs = tc_errors_new();
	struct tc_instance *self;

	assert_non_null(json);
	json_object_set_new(json, "name", json_string(name));
	json_object_set_new(json, "plugin", json_string(plugin->name));
	self = instance_new(rig->host, (enum tc_kind)plugin->kind, json, errs);
	if (!self)
		fail_msg("%s", tc_errors_text(errs, 0));
	assert_int_equal(tc_errors_count(errs), 0);
	tc_errors_free(errs);
	json_decref(json);
	return self;
}

void host_rig_turn(struct host_rig *rig)
{
	for (int i = 0; loop_turn(rig->loop); i++)
		assert_in_range(i, 0, TURNS_MAX);
}

struct waiting {
	struct loop_timer timer;
	struct loop *loop;
	const bool *flag;
	int64_t until_us;
};

static void look(void *arg)
{
	struct waiting *w = arg;

	if (*w->flag || tc_now_us() > w->until_us)
		loop_stop(w->loop);
	else
		loop_timer_start_us(&w->timer, 1000);
}

void host_rig_wait(struct host_rig *rig, const bool *flag)
{
	struct waiting w = {.loop = rig->loop, .flag = flag, .until_us = tc_now_us() + WAIT_US};

	loop_timer_init(&w.timer, rig->loop, look, &w);
	loop_timer_start_us(&w.timer, 0);
	loop_run(rig->loop);
	assert_true(*flag);
}
