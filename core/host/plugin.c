/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding and loading plugins, and the guard that refuses what does not fit. Instances are in
 * instance.c.
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
		snprintf(fault, size_bytes, "not a Tocsin plugin: magic is %08x, wanted %08x",
			 p->magic, TC_PLUGIN_MAGIC);
	else if (p->abi != TC_PLUGIN_ABI)
		snprintf(fault, size_bytes,
			 "built for plugin interface %u, this daemon has %u: rebuild it", p->abi,
			 TC_PLUGIN_ABI);
	else if (p->size != sizeof(*p))
		snprintf(fault, size_bytes, "its descriptor has %u bytes, wanted %zu: rebuild it",
			 p->size, sizeof(*p));
	else if (p->kind != (uint32_t)kind)
		snprintf(fault, size_bytes, "is of kind %s, wanted %s", kind_name(p->kind),
			 kind_name(kind));
	else if (!p->name || strcmp(p->name, name) != 0)
		snprintf(fault, size_bytes, "calls itself '%s', wanted '%s'",
			 p->name ? p->name : "", name);
	else if (!p->version || !p->summary || !p->options || !p->config_size || !p->open ||
		 !p->close)
		snprintf(fault, size_bytes,
			 "its descriptor is incomplete: version, summary, options, config_size, "
			 "open and close are needed");
	else if (!p->ops && kind != TC_KIND_TRIGGER)
		snprintf(fault, size_bytes, "its descriptor has no operations");
	else
		return true;
	return false;
}

static const struct tc_plugin *load(const char *path, enum tc_kind kind, const char *name,
				    char *fault, size_t size_bytes)
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

const struct tc_plugin *host_plugin(struct host *host, enum tc_kind kind, const char *name,
				    char *fault, size_t size_bytes)
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

/* Names of the files of one kind, in all folders of the path. */
struct names {
	enum tc_kind kind;
	char **v; /* owned, and each of them */
	size_t n;
};

static int is_so(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > 3 && !strcmp(e->d_name + len - 3, ".so");
}

static bool collect_dir(void *arg, const char *dir)
{
	struct names *names = arg;
	char *folder = tc_asprintf("%s/%s", dir, kind_name(names->kind));
	struct dirent **list = NULL;
	int n = scandir(folder, &list, is_so, alphasort);

	if (n > 0)
		names->v = tc_realloc(names->v, (names->n + (size_t)n) * sizeof(*names->v));
	for (int i = 0; i < n; i++) {
		const char *file = list[i]->d_name;

		names->v[names->n++] = tc_strndup(file, strlen(file) - 3);
		free(list[i]);
	}
	free(list);
	free(folder);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void host_plugin_each(struct host *host,
		      void (*fn)(void *arg, enum tc_kind kind, const char *name,
				 const struct tc_plugin *plugin, const char *fault),
		      void *arg)
{
	for (unsigned kind = 0; kind < TC_KIND_COUNT; kind++) {
		struct names names = {.kind = (enum tc_kind)kind};

		each_dir(host, collect_dir, &names);
		if (names.n)
			qsort(names.v, names.n, sizeof(*names.v), by_name);
		for (size_t i = 0; i < names.n; i++) {
			const struct tc_plugin *plugin;
			char fault[512] = "";

			/* of those of one name the first in the path is the one */
			if (i && !strcmp(names.v[i], names.v[i - 1]))
				continue;
			plugin = host_plugin(host, names.kind, names.v[i], fault, sizeof(fault));
			fn(arg, names.kind, names.v[i], plugin, fault);
		}
		for (size_t i = 0; i < names.n; i++)
			free(names.v[i]);
		free(names.v);
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
