/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is espeak-ng's own: its voices, its settings. The contract of all voices is tried in
 * tests/conform/tts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/tts.h>

#include "host/host.h"
#include "host/loop.h"

#include "catalog.h"

extern const struct tc_plugin tc_plugin;

/* ---- choosing a voice ---- */

static struct catalog_voice voices[] = {
	{"gmw/de", "German", {{5, "de"}}, 1},
	{"gmw/en-029", "English (Caribbean)", {{5, "en-029"}, {10, "en"}}, 2},
	{"gmw/en", "English (Great Britain)", {{2, "en-gb"}, {2, "en"}}, 2},
	{"gmw/en-GB-x-rp",
	 "English (Received Pronunciation)",
	 {{5, "en-gb-x-rp"}, {4, "en-gb"}},
	 2},
	{"gmw/en-US", "English (America)", {{2, "en-us"}, {3, "en"}}, 2},
	{"roa/pt-BR", "Portuguese (Brazil)", {{5, "pt-br"}, {6, "pt"}}, 2},
	{"roa/es", "Spanish (Spain)", {{5, "es"}}, 1},
	{"sit/cmn", "Chinese (Mandarin)", {{5, "cmn"}, {5, "zh-cmn"}, {5, "zh"}}, 3},
};
static char variants[][VOICE_ID_SIZE] = {"f3", "Alex", "whisper"};
static const struct catalog catalog = {voices, 8, variants, 3};

static void by_name(void **state)
{
	static const char *const cases[][2] = {
		{"gmw/en-US", "gmw/en-US"},
		{"en-us", "gmw/en-US"},
		{"EN_US", "gmw/en-US"},
		{"en-gb", "gmw/en"},
		{"en", "gmw/en"},
		{"english (america)", "gmw/en-US"},
		{"cmn", "sit/cmn"},
		{"en-gb+f3", "gmw/en+f3"},
		{"German+alex", "gmw/de+Alex"},
		{"nope", NULL},
		{"en-au", NULL},
		{"", NULL},
		{"en+", NULL},
		{"en+nope", NULL},
		{"+f3", NULL},
		{"../../etc/passwd", NULL},
		{"e", NULL},
		{"en-us-nyc", NULL},
	};
	char id[VOICE_ID_SIZE], long_name[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = catalog_find(&catalog, cases[i][0], id);

		assert_int_equal(err, cases[i][1] ? 0 : -ENOENT);
		if (!err)
			assert_string_equal(id, cases[i][1]);
	}
	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(catalog_find(&catalog, long_name, id), -ENOENT);
}

static void by_language(void **state)
{
	static const char *const cases[][3] = {
		/* language, own voice, chosen */
		{"de", NULL, "gmw/de"},
		{"de-AT", NULL, "gmw/de"},
		{"en", NULL, "gmw/en"},
		{"en-US", NULL, "gmw/en-US"},
		{"en_us", NULL, "gmw/en-US"},
		{"en-AU", NULL, "gmw/en"},
		{"pt-PT", NULL, "roa/pt-BR"},
		{"zh-Hant-TW", NULL, "sit/cmn"},
		{"en", "gmw/en-US", "gmw/en-US"},
		{"en-AU", "gmw/en-US+f3", "gmw/en-US+f3"},
		{"en-GB", "gmw/en-US", "gmw/en"},
		{"en-gb", "gmw/en-GB-x-rp", "gmw/en-GB-x-rp"},
		{"de", "gmw/en", "gmw/de"},
		{"en-us", "gmw/en", "gmw/en-US"},
		{"qqx", NULL, NULL},
		{"d", NULL, NULL},
		{"deu", NULL, NULL},
		{"", NULL, NULL},
	};
	char id[VOICE_ID_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = catalog_match(&catalog, cases[i][0], cases[i][1], id);

		assert_int_equal(err, cases[i][2] ? 0 : -ENOENT);
		if (!err)
			assert_string_equal(id, cases[i][2]);
	}
}

/* ---- with the library ---- */

static struct loop *loop;
static struct host *host;

static struct tc_instance *make(const char *settings)
{
	json_t *json = json_loads(settings, 0, NULL);
	struct tc_errors *errs = tc_errors_new();
	struct tc_instance *self;

	assert_non_null(json);
	json_object_set_new(json, "name", json_string("voice"));
	json_object_set_new(json, "plugin", json_string("espeak"));
	self = instance_new(host, TC_KIND_TTS, json, errs);
	json_decref(json);
	tc_errors_free(errs);
	return self;
}

static struct tc_instance *opened(const char *settings)
{
	struct tc_instance *self = make(settings);

	assert_non_null(self);
	assert_int_equal(instance_open(self), 0);
	return self;
}

static void end(struct tc_instance *self)
{
	instance_close(self);
	instance_free(self);
}

/* No assertion here: it would jump out of the loop. */
static void on_clip(void *arg, int err, void *result, const char *text)
{
	if (err)
		print_error("%d: %s\n", err, text);
	*(struct tc_clip **)arg = result;
	loop_stop(loop);
}

static void discard(void *result)
{
	tc_clip_unref(result);
}

/* A voice's pitch: how often the sound crosses zero in a second. */
static double crossings(const struct tc_clip *clip)
{
	size_t n = 0;

	for (size_t i = 1; i < clip->samples; i++)
		n += (clip->pcm[i - 1] < 0) != (clip->pcm[i] < 0);
	return (double)n * clip->rate_hz / (double)clip->samples;
}

struct heard {
	int64_t ms;
	int peak;
	double crossings;
};

static struct heard hear(struct tc_instance *self, const char *text, const char *language)
{
	const struct tc_tts_ops *ops = self->plugin->ops;
	struct tc_tts_request request = {.text = text, .language = language};
	struct tc_clip *clip = NULL;
	struct tc_op *op = op_new(self, "test", 20000, on_clip, discard, &clip);
	struct heard heard = {0};

	assert_int_equal(ops->synthesize(self->state, op, &request), 0);
	loop_run(loop);
	assert_non_null(clip);
	heard.ms = tc_clip_ms(clip);
	heard.crossings = crossings(clip);
	for (size_t i = 0; i < clip->samples; i++)
		if (abs(clip->pcm[i]) > heard.peak)
			heard.peak = abs(clip->pcm[i]);
	tc_clip_unref(clip);
	return heard;
}

static struct heard hear_with(const char *settings, const char *language)
{
	struct tc_instance *self = opened(settings);
	struct heard heard = hear(self, "The quick brown fox jumps over 99 lazy dogs.", language);

	end(self);
	return heard;
}

static bool near(int64_t a, int64_t b)
{
	return llabs(a - b) * 20 < a;
}

static void settings_are_heard(void **state)
{
	struct heard usual = hear_with("{}", NULL);

	(void)state;
	assert_true(hear_with("{\"rate\": 300}", NULL).ms * 3 < usual.ms * 2);
	assert_true(hear_with("{\"word_gap\": \"400ms\"}", NULL).ms > usual.ms + 1000);
	assert_true(hear_with("{\"volume\": 30}", NULL).peak * 2 < usual.peak);
	assert_true(hear_with("{\"voice\": \"en-us+whisper\"}", NULL).crossings >
		    usual.crossings * 1.3);
}

/* The library keeps its settings: those of one instance must not be heard in another. */
static void settings_do_not_leak(void **state)
{
	struct tc_instance *plain = opened("{}");
	struct tc_instance *odd = opened("{\"rate\": 320, \"volume\": 20, \"pitch\": 99,"
					 " \"word_gap\": \"100ms\", \"voice\": \"de+whisper\"}");
	struct heard before = hear(plain, "one two three four five six seven", NULL), after;

	(void)state;
	hear(odd, "one two three four five six seven", NULL);
	after = hear(plain, "one two three four five six seven", NULL);
	assert_true(near(before.ms, after.ms));
	assert_true(near(before.peak, after.peak));
	end(plain);
	end(odd);
}

static void language_of_the_request(void **state)
{
	struct heard english = hear_with("{\"language\": \"en\"}", NULL);
	struct heard german = hear_with("{\"language\": \"de\"}", NULL);
	struct heard asked = hear_with("{\"language\": \"en\"}", "de-AT");

	(void)state;
	assert_false(near(english.ms, german.ms)); /* "99" has more syllables in one of them */
	assert_true(near(german.ms, asked.ms));
}

static void fingerprint_of(const char *settings, char *buf, size_t size)
{
	struct tc_instance *self = opened(settings);
	const struct tc_tts_ops *ops = self->plugin->ops;

	assert_in_range(ops->fingerprint(self->state, buf, size), 1, 200);
	end(self);
}

static void fingerprints(void **state)
{
	static const char *const others[] = {
		"{\"rate\": 151}",          "{\"pitch\": 51}",        "{\"volume\": 99}",
		"{\"word_gap\": \"10ms\"}", "{\"voice\": \"en-us\"}", "{\"voice\": \"en+f3\"}",
		"{\"language\": \"de\"}",
	};
	char usual[256], other[256];

	(void)state;
	fingerprint_of("{}", usual, sizeof(usual));
	fingerprint_of("{\"voice\": \"en-gb\", \"rate\": 150}", other, sizeof(other));
	assert_string_equal(usual, other);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		fingerprint_of(others[i], other, sizeof(other));
		assert_string_not_equal(usual, other);
	}
}

static void wrong_settings(void **state)
{
	static const char *const refused[] = {
		"{\"rate\": 79}",    "{\"rate\": 451}", "{\"rate\": \"fast\"}",
		"{\"pitch\": 100}",  "{\"volume\": 0}", "{\"word_gap\": \"3s\"}",
		"{\"voice\": \"\"}", "{\"speed\": 1}",
	};
	static const char *const not_opened[] = {
		"{\"voice\": \"nobody\"}",
		"{\"voice\": \"en+nobody\"}",
		"{\"language\": \"qqx\"}",
		"{\"data_dir\": \"/nonexistent\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_null(make(refused[i]));
	for (size_t i = 0; i < sizeof(not_opened) / sizeof(not_opened[0]); i++) {
		struct tc_instance *self = make(not_opened[i]);

		assert_non_null(self);
		assert_int_equal(instance_open(self), -ENOENT);
		instance_free(self);
	}
	end(opened("{}")); /* and nothing was spoilt by it */
}

/* Two instances with data in different folders, in turns. */
static void data_folders(void **state)
{
	char dir[] = "/tmp/test-espeak-XXXXXX", link[64], settings[128];
	struct tc_instance *first = opened("{}"), *second;
	json_t *status = instance_status(first);
	const char *where = json_string_value(json_object_get(status, "data"));
	struct heard a, b;

	(void)state;
	assert_non_null(where);
	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s/espeak-ng-data", dir);
	assert_int_equal(symlink(where, link), 0);
	snprintf(settings, sizeof(settings), "{\"data_dir\": \"%s\"}", dir);
	second = opened(settings);
	for (int i = 0; i < 3; i++) {
		a = hear(first, "one two three", NULL);
		b = hear(second, "one two three", NULL);
		assert_true(near(a.ms, b.ms));
	}
	end(first);
	end(second);
	json_decref(status);
	unlink(link);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_name),
		cmocka_unit_test(by_language),
		cmocka_unit_test(settings_are_heard),
		cmocka_unit_test(settings_do_not_leak),
		cmocka_unit_test(language_of_the_request),
		cmocka_unit_test(fingerprints),
		cmocka_unit_test(wrong_settings),
		cmocka_unit_test(data_folders),
	};
	int failed;

	loop = loop_new(LOOP_REAL);
	host = host_new(loop, "", "/nonexistent");
	host_plugin_add(host, &tc_plugin);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	host_free(host);
	loop_free(loop);
	return failed;
}
