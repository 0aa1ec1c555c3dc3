/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rooms of the daemon for tests; see api_rig.h. No test stands here.
 */
#include "unit/api_rig.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/alloc.h>

#include "call/page.h"
#include "call/trunk.h"
#include "oncall/oncall.h"
#include "speech/prompts.h"
#include "speech/speech.h"

/* ---- files ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* The configuration, as the daemon would read it. */
static struct config *configure(struct api_rig *rig)
{
	struct tc_errors *errs = tc_errors_new();
	struct config *config;
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tocsin.yaml", rig->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "node: test\nstate_dir: %s\n", rig->dir);
	fclose(f);
	config = config_load(path, errs);
	if (!config)
		fail_msg("%s", tc_errors_text(errs, 0));
	errors_set_doc(errs, NULL);
	tc_errors_free(errs);
	return config;
}

/* ---- beginning and end ---- */

static bool open_store(struct api_rig *rig)
{
	json_t *settings = json_pack("{s:s, s:s}", "plugin", "sqlite", "path", "tocsin.db");
	struct tc_errors *errs = tc_errors_new();
	char fault[512] = "";

	rig->store_instance = instance_new(rig->host, TC_KIND_STORE, settings, errs);
	json_decref(settings);
	if (!rig->store_instance)
		print_message("%s\n", tc_errors_text(errs, 0));
	tc_errors_free(errs);
	if (!rig->store_instance)
		return false;
	assert_int_equal(instance_open(rig->store_instance), 0);
	rig->store = store_open(rig->loop, rig->store_instance, fault, sizeof(fault));
	if (!rig->store)
		fail_msg("%s", fault);
	return true;
}

static void make_rooms(struct api_rig *rig)
{
	struct caller_deps deps = {
		.loop = rig->loop, .config = &rig->config->call, .prompts = &rig->config->prompts};
	char prompts[96];

	snprintf(prompts, sizeof(prompts), "%s/prompts", rig->dir);
	rig->journal = journal_new();
	rig->http = http_server_new(rig->loop, rig->config->http.max_body);
	rig->trunks = deps.trunks = trunks_new(rig->loop, rig->store, rig->journal);
	rig->speech = deps.speech = speech_new(rig->loop, prompts, 1 << 20);
	deps.store = rig->store;
	deps.journal = rig->journal;
	rig->oncall = oncall_new(rig->loop, rig->store);
	oncall_configure(rig->oncall, &rig->config->escalation);
	rig->directory = oncall_directory(rig->oncall);
	rig->caller = caller_new(&deps);
	rig->alerts = alerts_new(&(struct alerts_deps){.loop = rig->loop,
						       .store = rig->store,
						       .journal = rig->journal,
						       .caller = rig->caller,
						       .oncall = rig->oncall,
						       .config = &rig->config->escalation});
	rig->prompts = prompts_new(rig->loop, rig->speech, rig->dir, "http://pager.example:8086/");
	assert_non_null(rig->prompts);
	*host_services(rig->host) = (struct host_services){.store = rig->store,
							   .journal = rig->journal,
							   .http = rig->http,
							   .alerts = rig->alerts,
							   .trunks = rig->trunks,
							   .prompts = rig->prompts};
	rig->api = api_new(&(struct api_deps){.loop = rig->loop,
					      .host = rig->host,
					      .store = rig->store,
					      .journal = rig->journal,
					      .http = rig->http,
					      .alerts = rig->alerts,
					      .caller = rig->caller,
					      .trunks = rig->trunks,
					      .oncall = rig->oncall,
					      .speech = rig->speech,
					      .prompts = rig->prompts,
					      .config = rig->config});
}

static void on_resumed(void *arg, int err)
{
	struct api_rig *rig = arg;

	assert_int_equal(err, 0);
	api_set_ready(rig->api, 1);
	rig->passed = true;
}

static bool has_passed(void *arg)
{
	return ((struct api_rig *)arg)->passed;
}

static bool is_idle(void *arg)
{
	return store_pending(((struct api_rig *)arg)->store) == 0;
}

static void listen_both(struct api_rig *rig)
{
	char where[128], fault[256];

	snprintf(rig->socket, sizeof(rig->socket), "%s/api.sock", rig->dir);
	snprintf(where, sizeof(where), "unix:%s", rig->socket);
	assert_int_equal(http_server_listen(rig->http, where, fault, sizeof(fault)), 0);
	assert_int_equal(http_server_listen(rig->http, "127.0.0.1:0", fault, sizeof(fault)), 0);
	rig->port = http_server_port(rig->http);
}

static void free_host(struct api_rig *rig)
{
	struct tc_instance *self;

	while ((self = instance_next(rig->host, NULL)))
		instance_free(self);
	host_free(rig->host);
}

struct api_rig *api_rig_new(void)
{
	const char *plugins = getenv("TOCSIN_PLUGIN_PATH");
	struct api_rig *rig = tc_alloc(sizeof(*rig));

	tc_strcopy(rig->dir, sizeof(rig->dir), "/tmp/tocsin-api-XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	assert_int_equal(sem_init(&rig->gate, 0, 0), 0);
	assert_int_equal(sem_init(&rig->arrived, 0, 0), 0);
	rig->config = configure(rig);
	rig->loop = loop_new(LOOP_REAL);
	rig->host = host_new(rig->loop, plugins ? plugins : "plugins", rig->dir);
	if (!open_store(rig)) {
		api_rig_free(rig);
		return NULL;
	}
	make_rooms(rig);
	listen_both(rig);
	assert_int_equal(alerts_resume(rig->alerts, on_resumed, rig), 0);
	client_wait(rig->loop, has_passed, rig);
	client_wait(rig->loop, is_idle, rig);
	return rig;
}

void api_rig_free(struct api_rig *rig)
{
	if (rig->store) {
		struct tc_instance *self = NULL;

		api_rig_let_go(rig);
		http_server_close(rig->http);
		while ((self = instance_next(rig->host, self)))
			if (self->plugin->kind == TC_KIND_TRIGGER)
				instance_close(self);
		client_wait(rig->loop, is_idle, rig);
		api_free(rig->api);
		http_server_free(rig->http);
		alerts_free(rig->alerts);
		caller_free(rig->caller);
		oncall_free(rig->oncall);
		trunks_free(rig->trunks);
		prompts_free(rig->prompts);
		speech_free(rig->speech);
		store_close(rig->store);
		journal_free(rig->journal);
	}
	free_host(rig);
	loop_free(rig->loop);
	config_free(rig->config);
	sem_destroy(&rig->gate);
	sem_destroy(&rig->arrived);
	nftw(rig->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(rig);
}

int api_rig_setup(void **state)
{
	*state = api_rig_new();
	return 0;
}

int api_rig_teardown(void **state)
{
	if (*state)
		api_rig_free(*state);
	return 0;
}

struct api_rig *api_rig_of(void **state)
{
	if (!*state)
		skip(); /* the store's plugin is not built */
	return *state;
}

/* ---- triggers ---- */

struct tc_instance *api_rig_trigger(struct api_rig *rig, const char *plugin, const char *name,
				    const char *settings)
{
	struct tc_errors *errs = tc_errors_new();
	json_t *all = json_loads(settings, 0, NULL);
	struct tc_instance *self;

	assert_non_null(all);
	json_object_set_new(all, "plugin", json_string(plugin));
	json_object_set_new(all, "name", json_string(name));
	self = instance_new(rig->host, TC_KIND_TRIGGER, all, errs);
	if (!self)
		fail_msg("%s: %s %s", plugin, tc_errors_field(errs, 0), tc_errors_text(errs, 0));
	assert_int_equal(instance_open(self), 0);
	tc_errors_free(errs);
	json_decref(all);
	return self;
}

void api_rig_drop(struct api_rig *rig, struct tc_instance *trigger)
{
	instance_close(trigger);
	http_server_forget(rig->http, trigger);
	instance_free(trigger);
}

/* ---- asking ---- */

void api_rig_match(struct api_rig *rig, const char *method, const char *path, const char *match,
		   const char *body, struct http_answer *answer)
{
	int fd = client_connect(0, rig->socket);
	struct tc_buf text = {0};

	tc_buf_printf(&text, "%s %s HTTP/1.1\r\n", method, path);
	if (match)
		tc_buf_printf(&text, "If-Match: %s\r\n", match);
	tc_buf_printf(&text, "Content-Length: %zu\r\n\r\n%s", body ? strlen(body) : 0,
		      body ? body : "");
	client_push(rig->loop, fd, text.data, text.len);
	tc_buf_fini(&text);
	client_answer(rig->loop, fd, answer);
	close(fd);
}

void api_rig_ask(struct api_rig *rig, const char *method, const char *path, const char *body,
		 struct http_answer *answer)
{
	api_rig_match(rig, method, path, NULL, body, answer);
}

json_t *api_rig_json(struct api_rig *rig, const char *method, const char *path, const char *body,
		     int status)
{
	struct http_answer a;
	json_t *json;

	api_rig_ask(rig, method, path, body, &a);
	if (a.status != status)
		fail_msg("%s %s: %d, not %d: %s", method, path, a.status, status, a.body);
	json = answer_json(&a);
	answer_free(&a);
	return json;
}

size_t api_rig_count(struct api_rig *rig)
{
	json_t *json = api_rig_json(rig, "GET", "/v1/alerts?limit=500", NULL, 200);
	size_t n = json_array_size(json_object_get(json, "items"));

	json_decref(json);
	return n;
}

/* ---- alerts ---- */

bool api_rig_got(void *arg)
{
	return *(char *)arg != '\0';
}

void api_rig_stored(void *arg, int err, const struct tc_intake_result *results, size_t n)
{
	assert_int_equal(err, 0);
	assert_int_equal(n, 1);
	tc_strcopy(arg, TC_ID_SIZE, results->id);
}

void api_rig_raise(struct api_rig *rig, const char *message, const char *target, json_t *labels,
		   char id[TC_ID_SIZE])
{
	struct tc_intake intake = {
		.message = message, .target = target, .source = "test", .labels = labels};
	struct tc_errors *errs = tc_errors_new();

	id[0] = '\0';
	if (tc_intake_submit(rig->store_instance, &intake, 1, errs, api_rig_stored, id))
		fail_msg("%s",
			 tc_errors_count(errs) ? tc_errors_text(errs, 0) : "the store is full");
	client_wait(rig->loop, api_rig_got, id);
	tc_errors_free(errs);
}

/* ---- the writer held ---- */

static int wait_at_gate(struct db *db, void *arg)
{
	struct api_rig *rig = arg;

	(void)db;
	sem_post(&rig->arrived);
	sem_wait(&rig->gate);
	return 0;
}

static void at_gate_done(void *arg, int err)
{
	(void)arg;
	(void)err;
}

void api_rig_hold(struct api_rig *rig)
{
	assert_false(rig->gated);
	rig->gated = true;
	assert_int_equal(store_write(rig->store, wait_at_gate, at_gate_done, rig), 0);
	sem_wait(&rig->arrived); /* from here on it takes nothing from the queue */
}

void api_rig_let_go(struct api_rig *rig)
{
	if (rig->gated)
		sem_post(&rig->gate);
	rig->gated = false;
}

void api_rig_settle(struct api_rig *rig)
{
	client_wait(rig->loop, is_idle, rig);
}

static int do_nothing(struct db *db, void *arg)
{
	(void)db;
	(void)arg;
	return 0;
}

void api_rig_flood(struct api_rig *rig)
{
	assert_true(rig->gated);
	for (int i = 0; store_write(rig->store, do_nothing, NULL, NULL) == 0; i++)
		assert_in_range(i, 0, 10000000);
}
