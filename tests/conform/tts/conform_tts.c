/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of speech plugins (tocsin/tts.h), tried on any of them: conform-tts NAME. The
 * plugin is found below TOCSIN_PLUGIN_PATH; its settings, beside name and plugin, may be given as
 * a JSON object in TOCSIN_CONFORM_SETTINGS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/alloc.h>
#include <tocsin/tts.h>

#include "host/host.h"
#include "host/loop.h"

#define OP_TIMEOUT_MS   30000
#define TEST_TIMEOUT_US (INT64_C(60) * 1000000)
#define FLOOD           100000
#define TOLD_INSIDE     1000

static const char *plugin_name;
static struct loop *loop;
static struct host *host;
static struct tc_instance *instance;
static char state_dir[] = "/tmp/conform-tts-XXXXXX";

/* One synthesis that is asked for. */
struct want {
	struct tc_op *op;
	bool asking;
	int told; /* how often; TOLD_INSIDE: within the call that asked */
	int err;
	struct tc_clip *clip; /* owned */
};

static unsigned open_wants;

static void discard(void *result)
{
	tc_clip_unref(result);
}

/* No assertion here: it would jump out of the loop. */
static void on_done(void *arg, int err, void *result, const char *text)
{
	struct want *w = arg;

	if (err && err != -ENOENT && err != -ECANCELED)
		print_error("%d: %s\n", err, text);
	w->told += w->asking ? TOLD_INSIDE : 1;
	w->err = err;
	w->clip = result;
	if (--open_wants == 0)
		loop_stop(loop);
}

static const struct tc_tts_ops *ops(const struct tc_instance *self)
{
	return self->plugin->ops;
}

static int ask(struct tc_instance *self, struct want *w, const struct tc_tts_request *request)
{
	int err;

	*w = (struct want){.asking = true};
	w->op = op_new(self, "conform", OP_TIMEOUT_MS, on_done, discard, w);
	err = ops(self)->synthesize(self->state, w->op, request);
	w->asking = false;
	assert_int_equal(w->told, 0);
	if (err)
		op_refused(w->op);
	else
		open_wants++;
	return err;
}

static void on_too_late(void *arg)
{
	(void)arg;
	fprintf(stderr, "the plugin did not complete what it has taken\n");
	abort();
}

/* Run the loop until all that was asked for is done. */
static void wait_all(void)
{
	struct loop_timer guard;

	if (!open_wants)
		return;
	loop_timer_init(&guard, loop, on_too_late, NULL);
	loop_timer_start_us(&guard, TEST_TIMEOUT_US);
	loop_run(loop);
	loop_timer_stop(&guard);
	assert_int_equal(open_wants, 0);
}

static struct tc_clip *speak(const struct tc_tts_request *request)
{
	struct want w;

	assert_int_equal(ask(instance, &w, request), 0);
	wait_all();
	assert_int_equal(w.told, 1);
	assert_int_equal(w.err, 0);
	assert_non_null(w.clip);
	return w.clip;
}

static int64_t speak_ms(const char *text, int rate)
{
	struct tc_clip *clip = speak(&(struct tc_tts_request){.text = text, .rate = rate});
	int64_t ms = tc_clip_ms(clip);

	tc_clip_unref(clip);
	return ms;
}

static int peak(const struct tc_clip *clip)
{
	int most = 0;

	for (size_t i = 0; i < clip->samples; i++)
		most = abs(clip->pcm[i]) > most ? abs(clip->pcm[i]) : most;
	return most;
}

static struct tc_instance *make(const char *name)
{
	const char *text = getenv("TOCSIN_CONFORM_SETTINGS");
	json_t *settings = json_loads(text && *text ? text : "{}", 0, NULL);
	struct tc_errors *errs = tc_errors_new();
	struct tc_instance *self;

	assert_non_null(settings);
	json_object_set_new(settings, "name", json_string(name));
	json_object_set_new(settings, "plugin", json_string(plugin_name));
	self = instance_new(host, TC_KIND_TTS, settings, errs);
	for (size_t i = 0; i < tc_errors_count(errs); i++)
		print_error("%s: %s\n", tc_errors_field(errs, i), tc_errors_text(errs, i));
	assert_non_null(self);
	tc_errors_free(errs);
	assert_int_equal(instance_open(self), 0);
	json_decref(settings); /* what the plugin has is its own */
	return self;
}

static int begin(void **state)
{
	(void)state;
	instance = make("conform");
	return 0;
}

static int end(void **state)
{
	(void)state;
	wait_all();
	instance_close(instance);
	instance_free(instance);
	return 0;
}

/* ---- the tests ---- */

static void describes_itself(void **state)
{
	const struct tc_plugin *p = instance->plugin;
	const struct tc_option *o = p->options;

	(void)state;
	assert_string_equal(p->name, plugin_name);
	assert_true(p->version && *p->version);
	assert_true(p->summary && *p->summary);
	assert_non_null(ops(instance)->synthesize);
	assert_non_null(ops(instance)->fingerprint);
	for (; o->name && strcmp(o->name, "language"); o++)
		;
	/* by it the core picks a voice */
	assert_non_null(o->name);
	assert_int_equal(o->type, TC_STRING);
}

static void tells_its_state(void **state)
{
	json_t *status = instance_status(instance);

	(void)state;
	assert_true(json_is_true(json_object_get(status, "healthy")));
	json_decref(status);
}

static void has_a_fingerprint(void **state)
{
	char a[256], b[256], cut[8];
	int n = ops(instance)->fingerprint(instance->state, a, sizeof(a));

	(void)state;
	assert_in_range(n, 1, 200);
	assert_int_equal(strlen(a), n);
	assert_int_equal(ops(instance)->fingerprint(instance->state, b, sizeof(b)), n);
	assert_string_equal(a, b);
	assert_int_equal(ops(instance)->fingerprint(instance->state, cut, sizeof(cut)), n);
	assert_memory_equal(a, cut, sizeof(cut) - 1);
	assert_int_equal(cut[sizeof(cut) - 1], 0);
}

static void speaks(void **state)
{
	struct tc_clip *clip = speak(&(struct tc_tts_request){.text = "The disk is full."});

	(void)state;
	assert_in_range(clip->rate_hz, 8000, 48000);
	assert_in_range(tc_clip_ms(clip), 500, 10000);
	assert_int_equal(clip->refs, 1);
	assert_string_equal(clip->key, "");
	assert_true(peak(clip) > 1000);
	tc_clip_unref(clip);
}

static void more_text_takes_longer(void **state)
{
	(void)state;
	assert_true(
		speak_ms("The disk of the database server in the second room is full, and nobody "
			 "has taken any notice of it since yesterday evening.",
			 0) > 2 * speak_ms("The disk is full.", 0));
}

static void obeys_the_rate(void **state)
{
	const char *text = "The disk of the database server is full.";

	(void)state;
	assert_true(speak_ms(text, 100) * 2 > speak_ms(text, 250) * 3);
}

static void takes_the_longest_text(void **state)
{
	char text[8193];

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = "full "[i % 5];
	text[sizeof(text) - 1] = '\0';
	assert_true(speak_ms(text, 450) > 60000);
}

static void refuses_what_is_no_text(void **state)
{
	static const char *const bad[] = {
		"",
		"\xff",
		"cut \xc3",
		"overlong \xc0\xaf",
		"surrogate \xed\xa0\x80",
		"\xf5\x80\x80\x80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct want w;

		assert_int_equal(ask(instance, &w, &(struct tc_tts_request){.text = bad[i]}),
				 -EINVAL);
	}
}

static void knows_what_it_cannot_speak(void **state)
{
	struct want voice, language;

	(void)state;
	assert_int_equal(ask(instance, &voice,
			     &(struct tc_tts_request){.text = "Hello", .voice = "no/such voice"}),
			 0);
	/* qaa..qtz are for private use: nobody speaks them (ISO 639-2) */
	assert_int_equal(ask(instance, &language,
			     &(struct tc_tts_request){.text = "Hello", .language = "qqx"}),
			 0);
	wait_all();
	assert_int_equal(voice.err, -ENOENT);
	assert_null(voice.clip);
	assert_int_equal(language.err, -ENOENT);
	assert_null(language.clip);
	assert_true(speak_ms("Hello", 0) > 100);
}

static void takes_text_as_it_is(void **state)
{
	int64_t plain = speak_ms("one two three", 0);

	(void)state;
	assert_true(speak_ms("one <break time=\"20s\"/> two three", 0) < plain + 12000);
	assert_true(speak_ms("<!-- one two three four five six -->", 0) > 500);
	assert_true(speak_ms("one \001 20s two \001 three", 0) < 2 * plain + 2000);
	assert_true(speak_ms("a < b & c > d </speak> one two three", 0) > plain);
}

static void copies_the_request(void **state)
{
	char text[] = "The disk is full.", language[] = "en";
	struct want w;

	(void)state;
	assert_int_equal(
		ask(instance, &w, &(struct tc_tts_request){.text = text, .language = language}), 0);
	memset(text, 0xff, sizeof(text));
	memset(language, 0xff, sizeof(language));
	wait_all();
	assert_int_equal(w.err, 0);
	tc_clip_unref(w.clip);
}

static void instances_work_side_by_side(void **state)
{
	struct tc_instance *other = make("other");
	struct want wants[2][8];

	(void)state;
	for (int i = 0; i < 8; i++) {
		const char *text = i % 2 ? "One." : "One, two, three, four, five, six.";

		assert_int_equal(
			ask(instance, &wants[0][i], &(struct tc_tts_request){.text = text}), 0);
		assert_int_equal(ask(other, &wants[1][i], &(struct tc_tts_request){.text = text}),
				 0);
	}
	wait_all();
	for (int i = 0; i < 16; i++) {
		struct want *w = &wants[i % 2][i / 2];

		assert_int_equal(w->err, 0);
		if (i / 2 % 2)
			assert_true(tc_clip_ms(w->clip) < tc_clip_ms(wants[0][i / 2 - 1].clip));
		if (i / 2 % 2 && i % 2)
			for (int k = 0; k < 2; k++) {
				tc_clip_unref(wants[0][i / 2 - k].clip);
				tc_clip_unref(wants[1][i / 2 - k].clip);
			}
	}
	instance_close(other);
	instance_free(other);
}

static void survives_cancelling(void **state)
{
	struct want wants[6];

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_int_equal(ask(instance, &wants[i],
				     &(struct tc_tts_request){.text = "One two three four five."}),
				 0);
	for (int i = 0; i < 5; i++)
		op_cancel(wants[i].op);
	wait_all();
	for (int i = 0; i < 5; i++) {
		assert_int_equal(wants[i].told, 1);
		assert_int_equal(wants[i].err, -ECANCELED);
	}
	assert_int_equal(wants[5].err, 0);
	tc_clip_unref(wants[5].clip);
	assert_true(speak_ms("Hello", 0) > 100);
}

/* Too much is answered with -EBUSY, not with a queue that grows; and what was taken completes. */
/* The plugin has yet to skip what was cancelled: how long that takes is its own affair. */
static int ask_when_there_is_room(struct want *w)
{
	int64_t until_us = tc_now_us() + TEST_TIMEOUT_US;
	int err;

	do {
		loop_turn(loop);
		err = ask(instance, w, &(struct tc_tts_request){.text = "Hello."});
	} while (err == -EBUSY && tc_now_us() < until_us);
	return err;
}

static void says_when_it_is_full(void **state)
{
	struct want *wants = tc_calloc(FLOOD, sizeof(*wants)), again;
	size_t n = 0;
	int err = 0;

	(void)state;
	for (; n < FLOOD; n++) {
		err = ask(instance, &wants[n], &(struct tc_tts_request){.text = "Hello."});
		if (err)
			break;
	}
	assert_int_equal(err, -EBUSY);
	assert_true(n > 0);
	for (size_t i = 1; i < n; i++)
		op_cancel(wants[i].op);
	wait_all();
	assert_int_equal(wants[0].err, 0);
	tc_clip_unref(wants[0].clip);
	free(wants);
	assert_int_equal(ask_when_there_is_room(&again), 0);
	wait_all();
	assert_int_equal(again.err, 0);
	tc_clip_unref(again.clip);
}

/* The completions of what was under way come also when the instance is closed. */
static void closes_with_work_under_way(void **state)
{
	struct tc_instance *other = make("closing");
	struct want wants[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(ask(other, &wants[i], &(struct tc_tts_request){.text = "Hello."}),
				 0);
	instance_close(other);
	wait_all();
	for (int i = 0; i < 4; i++) {
		assert_int_equal(wants[i].told, 1);
		tc_clip_unref(wants[i].clip);
	}
	instance_free(other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(describes_itself),           TEST(tells_its_state),
		TEST(has_a_fingerprint),          TEST(speaks),
		TEST(more_text_takes_longer),     TEST(obeys_the_rate),
		TEST(takes_the_longest_text),     TEST(refuses_what_is_no_text),
		TEST(knows_what_it_cannot_speak), TEST(takes_text_as_it_is),
		TEST(copies_the_request),         TEST(instances_work_side_by_side),
		TEST(survives_cancelling),        TEST(says_when_it_is_full),
		TEST(closes_with_work_under_way),
	};
	int failed;

	if (argc != 2 || !getenv("TOCSIN_PLUGIN_PATH") || !mkdtemp(state_dir)) {
		fprintf(stderr, "usage: TOCSIN_PLUGIN_PATH=DIR %s NAME\n", argv[0]);
		return 2;
	}
	plugin_name = argv[1];
	loop = loop_new(LOOP_REAL);
	host = host_new(loop, getenv("TOCSIN_PLUGIN_PATH"), state_dir);
	failed = cmocka_run_group_tests_name(plugin_name, tests, NULL, NULL);
	host_free(host);
	loop_free(loop);
	rmdir(state_dir);
	return failed;
}
