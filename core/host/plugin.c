/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding and loading plugins, and the guard that refuses what does not fit. Instances are in instance.c.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "host/runtime.h"

static const char *const kinds[] = {
#define X(sym, folder) [sym] = folder,
	TC_KINDS(X)
#undef X
};

struct loaded {
	SLIST_ENTRY(loaded) link;
	enum tc_kind kind;
	const struct tc_plugin *plugin;
};

const char *kind_name(enum tc_kind kind)
{
	return kind < TC_KIND_COUNT ? kinds[kind] : "?";
}

enum tc_kind kind_find(const char *name)
{
	unsigned kind;

	for (kind = 0; kind < TC_KIND_COUNT; kind++)
		if (!strcmp(kinds[kind], name))
			break;
	return (enum tc_kind)kind;
}

/* The first fields never move, so they may be read of any version of the structure. */
static bool guard(const struct tc_plugin *p, enum tc_kind kind, const char *name, char *fault,
		  size_t size_bytes)
{
	if (p->magic != TC_PLUGIN_MAGIC)
		snprintf(fault, size_bytes, "not a Tocsin plugin: magic is %08x, wanted %08x", p->magic,
			 TC_PLUGIN_MAGIC);
	else if (p->abi != TC_PLUGIN_ABI)
		snprintf(fault, size_bytes, "built for plugin interface %u, this daemon has %u: rebuild it",
			 p->abi, TC_PLUGIN_ABI);
	else if (p->size != sizeof(*p))
		snprintf(fault, size_bytes, "its descriptor has %u bytes, wanted %zu: rebuild it", p->size,
			 sizeof(*p));
	else if (p->kind != (uint32_t)kind)
		snprintf(fault, size_bytes, "is of kind %s, wanted %s", kind_name(p->kind),
			 kind_name(kind));
	else if (!p->name || strcmp(p->name, name) != 0)
		snprintf(fault, size_bytes, "calls itself '%s', wanted '%s'", p->name ? p->name : "",
			 name);
	else if (!p->version || !p->summary || !p->options || !p->config_size || !p->open || !p->close)
		snprintf(fault, size_bytes, "its descriptor is incomplete: version, summary, options, "
			 "config_size, open and close are needed");
	else if (!p->ops && kind != TC_KIND_TRIGGER)
		snprintf(fault, size_bytes, "its descriptor has no operations");
	else
		return true;
	return false;
}

static const struct tc_plugin *load(const char *path, enum tc_kind kind, const char *name, char *fault,
				    size_t size_bytes)
{
	const struct tc_plugin *plugin;
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!so) {
		snprintf(fault, size_bytes, "%s", dlerror());
		return NULL;
	}
	plugin = dlsym(so, TC_PLUGIN_SYMBOL);
	if (!plugin)
		snprintf(fault, size_bytes, "%s has no symbol '%s'", path, TC_PLUGIN_SYMBOL);
	else if (!guard(plugin, kind, name, fault, size_bytes))
		plugin = NULL;
	if (!plugin)
		dlclose(so); /* nothing of it has run; one that was accepted is never closed */
	return plugin;
}

static void remember(struct host *host, enum tc_kind kind, const struct tc_plugin *plugin)
{
	struct loaded *l = tc_alloc(sizeof(*l));

	l->kind = kind;
	l->plugin = plugin;
	SLIST_INSERT_HEAD(&host->loaded, l, link);
}

void host_plugin_add(struct host *host, const struct tc_plugin *plugin)
{
	remember(host, (enum tc_kind)plugin->kind, plugin);
}

/* A name becomes part of a path: letters, digits, "_" and "-" only. */
static bool name_ok(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n > 0 && n < 64 && name[n] == '\0';
}

/* Call fn with each folder of the path until it returns false. */
static void each_dir(const struct host *host, bool (*fn)(void *arg, const char *dir), void *arg)
{
	char *path = tc_strdup(host->plugin_path), *rest = path, *dir;

	while ((dir = strsep(&rest, ":")))
		if (*dir && !fn(arg, dir))
			break;
	free(path);
}

struct search {
	enum tc_kind kind;
	const char *name;
	char *file; /* owned */
};

static bool search_dir(void *arg, const char *dir)
{
	struct search *s = arg;
	struct stat st;

	s->file = tc_asprintf("%s/%s/%s.so", dir, kind_name(s->kind), s->name);
	if (!stat(s->file, &st))
		return false;
	free(s->file);
	s->file = NULL;
	return true;
}

const struct tc_plugin *host_plugin(struct host *host, enum tc_kind kind, const char *name, char *fault,
				    size_t size_bytes)
{
	struct search s = {.kind = kind, .name = name};
	const struct tc_plugin *plugin;
	struct loaded *l;

	SLIST_FOREACH(l, &host->loaded, link)
		if (l->kind == kind && !strcmp(l->plugin->name, name))
			return l->plugin;
	if (!name_ok(name)) {
		snprintf(fault, size_bytes, "'%s' is not a plugin's name", name);
		return NULL;
	}
	each_dir(host, search_dir, &s);
	if (!s.file) {
		snprintf(fault, size_bytes, "there is no plugin %s/%s in %s", kind_name(kind), name,
			 host->plugin_path);
		return NULL;
	}
	plugin = load(s.file, kind, name, fault, size_bytes);
	if (plugin)
		remember(host, kind, plugin);
	free(s.file);
	return plugin;
}

struct walk {
	struct host *host;
	enum tc_kind kind;
	void (*fn)(void *arg, enum tc_kind kind, const char *name, const struct tc_plugin *plugin,
		   const char *fault);
	void *arg;
};

static int is_so(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > 3 && !strcmp(e->d_name + len - 3, ".so");
}

static bool walk_dir(void *arg, const char *dir)
{
	struct walk *w = arg;
	char *folder = tc_asprintf("%s/%s", dir, kind_name(w->kind));
	struct dirent **list;
	int n = scandir(folder, &list, is_so, alphasort);

	for (int i = 0; i < n; i++) {
		char *name = tc_strndup(list[i]->d_name, strlen(list[i]->d_name) - 3);
		char fault[512] = "";
		const struct tc_plugin *p = host_plugin(w->host, w->kind, name, fault, sizeof(fault));

		w->fn(w->arg, w->kind, name, p, fault);
		free(name);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	free(folder);
	return true;
}

void host_plugin_each(struct host *host,
		      void (*fn)(void *arg, enum tc_kind kind, const char *name,
				 const struct tc_plugin *plugin, const char *fault),
		      void *arg)
{
	struct walk w = {.host = host, .fn = fn, .arg = arg};

	for (unsigned kind = 0; kind < TC_KIND_COUNT; kind++) {
		w.kind = (enum tc_kind)kind;
		each_dir(host, walk_dir, &w);
	}
}

struct host *host_new(struct loop *loop, const char *plugin_path, const char *state_dir)
{
	struct host *host = tc_alloc(sizeof(*host));

	host->loop = loop;
	host->plugin_path = tc_strdup(plugin_path);
	host->state_dir = tc_strdup(state_dir);
	SLIST_INIT(&host->loaded);
	TAILQ_INIT(&host->instances);
	return host;
}

void host_free(struct host *host)
{
	struct loaded *l;

	if (!host)
		return;
	while ((l = SLIST_FIRST(&host->loaded))) {
		SLIST_REMOVE_HEAD(&host->loaded, link);
		free(l);
	}
	free(host->plugin_path);
	free(host->state_dir);
	free(host);
}

struct loop *host_loop(const struct host *host)
{
	return host->loop;
}

struct host_services *host_services(struct host *host)
{
	return &host->services;
}
