/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instances of a configuration, and the checks that need the plugins or the rooms. What can be
 * checked of the file alone is in host/config.c.
 */
#include "setup.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/trigger.h>

#include "host/config.h"
#include "host/host.h"
#include "oncall/people.h"

#define TRUNKS_MAX 64 /* a call notes in 64 bits which of them it has tried */

static const struct {
	size_t offset;
	enum tc_kind kind;
} sections[] = {
	{offsetof(struct config, trunks), TC_KIND_PBX},
	{offsetof(struct config, voices), TC_KIND_TTS},
	{offsetof(struct config, carriers), TC_KIND_SMS},
	{offsetof(struct config, triggers), TC_KIND_TRIGGER},
};
#define SECTIONS (sizeof(sections) / sizeof(*sections))

static const struct tc_list *section(const struct config *config, size_t i)
{
	return (const struct tc_list *)((const char *)config + sections[i].offset);
}

/* The store's section, or what stands for it when there is none. */
static json_t *store_settings(const struct config *config)
{
	return config->store ? json_incref((json_t *)config->store)
			     : json_pack("{s:s, s:s}", "name", "store", "plugin", "sqlite");
}

/* ---- checks ---- */

/* A template that is broken would be spoken as it stands, at the worst moment. */
static void check_template(const char *field, const char *text, struct tc_errors *errs)
{
	json_t *nothing = json_object();
	const char *fault = NULL;

	free(tc_template_render(text, nothing, &fault));
	if (fault)
		tc_errors_add(errs, field, "%s", fault);
	json_decref(nothing);
}

/* All texts of a table, and of those in it. */
static void check_templates(const struct tc_option *table, const void *values, const char *path,
			    struct tc_errors *errs)
{
	for (const struct tc_option *o = table; o->name; o++) {
		const char *at = (const char *)values + o->offset, *text = NULL;
		char *field = tc_asprintf("%s.%s", path, o->name);

		if (o->type == TC_OBJECT)
			check_templates(o->sub, at, field, errs);
		if (o->type == TC_STRING)
			memcpy(&text, at, sizeof(text));
		if (text) /* NULL: the binder has found that it is no text */
			check_template(field, text, errs);
		free(field);
	}
}

static void check_prompts(const struct config *config, struct tc_errors *errs)
{
	const struct tc_option *o = config_table;

	while (strcmp(o->name, "prompts") != 0)
		o++;
	check_templates(o->sub, &config->prompts, o->name, errs);
}

static void check_self_alarms(const struct config *config, struct tc_errors *errs)
{
	struct target target;
	char fault[160];

	if (config->self_alarms.target &&
	    target_parse(config->self_alarms.target, &target, fault, sizeof(fault)))
		tc_errors_add(errs, "self_alarms.target", "%s", fault);
}

static void check_whole(const struct config *config, struct tc_errors *errs)
{
	errors_set_object(errs, NULL);
	if (config->trunks.n > TRUNKS_MAX)
		tc_errors_add(errs, "trunks", "must have at most %d entries, not %zu", TRUNKS_MAX,
			      config->trunks.n);
	check_prompts(config, errs);
	check_self_alarms(config, errs);
}

/* ---- instances ---- */

void setup_instances(struct host *host, const struct config *config, struct tc_errors *errs)
{
	json_t *store = store_settings(config);

	instance_new(host, TC_KIND_STORE, store, errs);
	json_decref(store);
	for (size_t i = 0; i < SECTIONS; i++) {
		const struct tc_list *list = section(config, i);
		const struct config_instance *c = list->v;

		for (size_t k = 0; k < list->n; k++)
			instance_new(host, sections[i].kind, c[k].settings, errs);
	}
	check_whole(config, errs);
	errors_set_doc(errs, NULL);
}

void setup_free_instances(struct host *host)
{
	struct tc_instance *self;

	while ((self = instance_next(host, NULL)))
		instance_free(self);
}

struct config *setup_read(const char *path, const char *plugin_path, struct tc_errors *errs)
{
	struct config *config = config_read(path, errs);
	struct host *host;

	if (!config)
		return NULL;
	host = host_new(NULL, plugin_path, "/"); /* nothing is opened: no loop, no folder */
	setup_instances(host, config, errs);
	setup_free_instances(host);
	host_free(host);
	if (!tc_errors_count(errs))
		return config;
	config_free(config);
	return NULL;
}

/* ---- comparing ---- */

static bool same_instances(const struct config *a, const struct config *b)
{
	json_t *sa = store_settings(a), *sb = store_settings(b);
	bool same = json_equal(sa, sb);

	json_decref(sa);
	json_decref(sb);
	for (size_t i = 0; i < SECTIONS && same; i++) {
		const struct tc_list *la = section(a, i), *lb = section(b, i);
		const struct config_instance *ca = la->v, *cb = lb->v;

		same = la->n == lb->n;
		for (size_t k = 0; k < la->n && same; k++)
			same = json_equal(ca[k].settings, cb[k].settings);
	}
	return same;
}

static bool same_http(const struct config_http *a, const struct config_http *b)
{
	bool same = a->listen.n == b->listen.n && a->max_body == b->max_body;

	for (size_t i = 0; i < a->listen.n && same; i++)
		same = !strcmp(a->listen.v[i], b->listen.v[i]);
	return same;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_test_calls(const struct config *a, const struct config *b)
{
	const struct config_loop_test *va = a->test_calls.v, *vb = b->test_calls.v;
	bool same = a->test_calls.n == b->test_calls.n;

	for (size_t i = 0; i < a->test_calls.n && same; i++)
		same = same_text(va[i].name, vb[i].name) && same_text(va[i].trunk, vb[i].trunk) &&
		       same_text(va[i].number, vb[i].number) &&
		       same_text(va[i].called, vb[i].called) && same_text(va[i].at, vb[i].at) &&
		       va[i].every == vb[i].every && va[i].retry == vb[i].retry &&
		       va[i].alarm_after == vb[i].alarm_after;
	return same;
}

bool setup_same(const struct config *a, const struct config *b)
{
	return !strcmp(a->node, b->node) && !strcmp(a->state_dir, b->state_dir) &&
	       a->prompt_cache_size == b->prompt_cache_size && same_http(&a->http, &b->http) &&
	       same_instances(a, b) && same_test_calls(a, b);
}
