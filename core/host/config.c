/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads tocsin.yaml into struct config, and checks what its table cannot express. Plugins' own
 * settings are checked by instance_new().
 */
#include "host/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "host/arena.h"
#include "host/errors.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
#define NAME_MAX_BYTES 64

/* ---- instances ---- */

static bool name_good(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= NAME_MAX_BYTES && strspn(name, NAME_CHARS) == len &&
	       name[0] != '.' && name[0] != '-';
}

/* The name under key in an instance's settings; NULL after a fault. */
static const char *instance_word(const char *path, const json_t *settings, const char *key,
				 struct tc_errors *errs)
{
	const json_t *value = json_object_get(settings, key);
	const char *word = json_string_value(value);
	char *full = tc_asprintf("%s.%s", path, key);

	if (!value || json_is_null(value)) {
		errors_add_path(errs, ERRORS_AT_VALUE, full, "is required");
	} else if (!word || !name_good(word)) {
		errors_add_path(errs, ERRORS_AT_VALUE, full,
				"must be a name: 1 to %d letters, digits, '_', '-' or '.'",
				NAME_MAX_BYTES);
		word = NULL;
	}
	free(full);
	return word;
}

/* Check one of the lists, and drop from it what has no name or plugin. */
static void check_instances(const char *kind, struct tc_list *list, struct tc_errors *errs)
{
	struct config_instance *v = list->v;
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++) {
		char *path = tc_asprintf("%s[%zu]", kind, i);
		/* NULL: the binder has found that it is no object. */
		const json_t *settings = v[i].settings;
		const char *name = settings ? instance_word(path, settings, "name", errs) : NULL;
		bool plugin = settings && instance_word(path, settings, "plugin", errs);

		for (size_t j = 0; name && j < kept; j++) {
			if (strcmp(name, json_string_value(json_object_get(v[j].settings, "name"))))
				continue;
			free(path);
			path = tc_asprintf("%s[%zu].name", kind, i);
			errors_add_path(errs, ERRORS_AT_VALUE, path,
					"another one of the %s is called '%s' too", kind, name);
			break;
		}
		if (name && plugin)
			v[kept++] = v[i];
		free(path);
	}
	list->n = kept;
}

static void check_store(struct config *cfg, struct tc_errors *errs)
{
	size_t before = tc_errors_count(errs);

	if (cfg->store && !json_is_object(cfg->store))
		errors_add_path(errs, ERRORS_AT_VALUE, "store", "must be a mapping (name: value)");
	else if (cfg->store) {
		instance_word("store", cfg->store, "plugin", errs);
		if (json_object_get(cfg->store, "name"))
			instance_word("store", cfg->store, "name", errs);
	}
	if (tc_errors_count(errs) > before)
		cfg->store = NULL;
}

/* ---- single values ---- */

static bool is_time_of_day(const char *s)
{
	return s[0] >= '0' && s[0] <= '2' && s[1] >= '0' && s[1] <= '9' && s[2] == ':' &&
	       s[3] >= '0' && s[3] <= '5' && s[4] >= '0' && s[4] <= '9' && !s[5] &&
	       (s[0] < '2' || s[1] < '4');
}

static bool has_trunk(const struct config *cfg, const char *name)
{
	const struct config_instance *v = cfg->trunks.v;

	for (size_t i = 0; i < cfg->trunks.n; i++)
		if (!strcmp(name, json_string_value(json_object_get(v[i].settings, "name"))))
			return true;
	return false;
}

static void check_test_calls(const struct config *cfg, struct tc_errors *errs)
{
	const struct config_loop_test *v = cfg->test_calls.v;

	for (size_t i = 0; i < cfg->test_calls.n; i++) {
		char path[64];

		snprintf(path, sizeof(path), "test_calls[%zu].trunk", i);
		if (v[i].trunk && !has_trunk(cfg, v[i].trunk))
			errors_add_path(errs, ERRORS_AT_VALUE, path, "there is no trunk '%.60s'",
					v[i].trunk);
		snprintf(path, sizeof(path), "test_calls[%zu].at", i);
		if (v[i].at && !is_time_of_day(v[i].at))
			errors_add_path(errs, ERRORS_AT_VALUE, path,
					"must be a time of the day, as 03:30");
		snprintf(path, sizeof(path), "test_calls[%zu].name", i);
		for (size_t j = 0; j < i; j++)
			if (v[i].name && v[j].name && !strcmp(v[i].name, v[j].name))
				errors_add_path(errs, ERRORS_AT_VALUE, path,
						"another test call has this name");
	}
}

static void check_keys(const struct tc_map *keys, struct tc_errors *errs)
{
	static const char *const actions[] = {"acknowledge", "escalate", "resolve", "repeat",
					      "silence"};
	bool acknowledge = false;

	for (size_t i = 0; i < keys->n; i++) {
		const char *key = keys->v[i].key, *action = keys->v[i].value;
		struct tc_buf path = {0};
		bool known = false;

		if (!key || !action) {
			acknowledge = true; /* the binder has found it: perhaps it was meant */
			continue;
		}
		tc_buf_puts(&path, "call.keys");
		errors_path_key(&path, key);
		for (size_t j = 0; j < sizeof(actions) / sizeof(actions[0]); j++)
			known = known || !strcmp(action, actions[j]);
		if (strlen(key) != 1 || !strchr("0123456789*#ABCD", key[0]))
			errors_add_path(errs, ERRORS_AT_KEY, path.data,
					"a key must be one of 0 to 9, *, #, A to D");
		if (!known)
			errors_add_path(errs, ERRORS_AT_VALUE, path.data,
					"must be one of acknowledge, escalate, resolve, repeat, "
					"silence, not '%.40s'",
					action);
		acknowledge = acknowledge || !strcmp(action, actions[0]) ||
			      !strcmp(action, actions[4]);
		tc_buf_fini(&path);
	}
	if (keys->n && !acknowledge)
		errors_add_path(errs, ERRORS_AT_VALUE, "call.keys",
				"no key means acknowledge: nobody could stop an alert");
}

/* Whether text ends with ":" and a port from 1 to 65535, and something stands before that. */
static bool has_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
	long port;

	if (!colon || colon == text || digits == 0 || digits > 5 || colon[1 + digits])
		return false;
	port = strtol(colon + 1, NULL, 10);
	return port >= 1 && port <= 65535;
}

static bool listen_good(const char *where)
{
	const char *close = strchr(where, ']');

	if (!strncmp(where, "unix:", 5))
		return where[5] == '/' && where[6];
	if (where[0] == '[')
		return close && close > where + 1 && close[1] == ':' && has_port(close - 1);
	return has_port(where) && strchr(where, ':') == strrchr(where, ':');
}

static void check_http(const struct config_http *http, struct tc_errors *errs)
{
	const char *url = http->public_url;

	for (size_t i = 0; i < http->listen.n; i++) {
		char *path = tc_asprintf("http.listen[%zu]", i);

		if (http->listen.v[i] && !listen_good(http->listen.v[i]))
			errors_add_path(errs, ERRORS_AT_VALUE, path,
					"must be ADDRESS:PORT, [IPV6]:PORT or unix:/PATH");
		free(path);
	}
	if (url && strncasecmp(url, "http://", 7) && strncasecmp(url, "https://", 8))
		errors_add_path(errs, ERRORS_AT_VALUE, "http.public_url",
				"must begin with http:// or https://");
}

/* "+49", "030", "*21" */
static bool is_beginning(const char *number)
{
	size_t plus = *number == '+', n = strspn(number + plus, "0123456789*#");

	return n && !number[plus + n];
}

static void check_inbound(const struct config_inbound *in, struct tc_errors *errs)
{
	const char *code = in->country_code;

	if (code && (!*code || *code == '0' || code[strspn(code, "0123456789")]))
		errors_add_path(errs, ERRORS_AT_VALUE, "call.inbound.country_code",
				"must be digits, as 49 (without + or 00)");
	for (size_t i = 0; i < in->allow.n; i++) {
		char *path = tc_asprintf("call.inbound.allow[%zu]", i);

		if (in->allow.v[i] && !is_beginning(in->allow.v[i]))
			errors_add_path(errs, ERRORS_AT_VALUE, path,
					"must be the beginning of a telephone number, as +49");
		free(path);
	}
}

static void check(struct config *cfg, struct tc_errors *errs)
{
	if (cfg->node && !name_good(cfg->node))
		errors_add_path(errs, ERRORS_AT_VALUE, "node",
				"must be a name: 1 to %d letters, digits, '_', '-' or '.'",
				NAME_MAX_BYTES);
	if (cfg->state_dir && cfg->state_dir[0] != '/')
		errors_add_path(errs, ERRORS_AT_VALUE, "state_dir", "must be an absolute path");
	check_http(&cfg->http, errs);
	check_store(cfg, errs);
	check_instances("trunks", &cfg->trunks, errs);
	check_instances("voices", &cfg->voices, errs);
	check_instances("carriers", &cfg->carriers, errs);
	check_instances("triggers", &cfg->triggers, errs);
	check_keys(&cfg->call.keys, errs);
	check_test_calls(cfg, errs);
	check_inbound(&cfg->call.inbound, errs);
}

/* The host's name, with what a name must not have replaced. */
static const char *default_node(struct arena *arena)
{
	char name[NAME_MAX_BYTES + 1] = "";

	if (gethostname(name, sizeof(name) - 1) < 0 || !name[0])
		tc_strcopy(name, sizeof(name), "localhost");
	for (char *p = name; *p; p++) {
		if (!strchr(NAME_CHARS, *p))
			*p = '-';
	}
	return arena_strndup(arena, name, strlen(name));
}

/* ---- entry ---- */

struct config *config_read(const char *path, struct tc_errors *errs)
{
	struct yaml_doc *doc = yaml_load(path, errs);
	struct config *cfg;

	if (!doc)
		return NULL;
	cfg = tc_alloc(sizeof(*cfg));
	cfg->doc = doc;
	errors_set_doc(errs, doc);
	tc_options_fill(config_table, yaml_root(doc), cfg, &cfg->memory, errs);
	if (!cfg->node)
		cfg->node = default_node(cfg->memory);
	check(cfg, errs);
	return cfg;
}

struct config *config_load(const char *path, struct tc_errors *errs)
{
	size_t before = tc_errors_count(errs);
	struct config *cfg = config_read(path, errs);

	if (cfg && tc_errors_count(errs) > before) {
		errors_set_doc(errs, NULL);
		config_free(cfg);
		cfg = NULL;
	}
	return cfg;
}

void config_free(struct config *cfg)
{
	if (!cfg)
		return;
	tc_options_release(cfg->memory);
	yaml_close(cfg->doc);
	free(cfg);
}
