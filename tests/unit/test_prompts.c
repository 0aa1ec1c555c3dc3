/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prompts put up to be fetched: names, addresses and their signatures, what is kept and for how
 * long (on the virtual clock), and the way over HTTP.
 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/alloc.h>
#include <tocsin/prompt.h>

#include "api/private.h"
#include "speech/prompts.h"
#include "speech/speech.h"
#include "unit/api_rig.h"

#define DAY_US    (INT64_C(86400) * 1000000)
#define MINUTE_US (INT64_C(60) * 1000000)
#define BASE      "http://pager.example:8086"

/* ---- the room by itself ---- */

struct fixture {
	char dir[32], cache[48];
	struct loop *loop;
	struct speech *speech;
	struct prompts *prompts;
};

static int setup(void **state)
{
	struct fixture *f = tc_alloc(sizeof(*f));

	tc_strcopy(f->dir, sizeof(f->dir), "/tmp/tocsin-prompts.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->cache, sizeof(f->cache), "%s/prompts", f->dir);
	f->loop = loop_new(LOOP_VIRTUAL);
	f->speech = speech_new(f->loop, f->cache, 1 << 20);
	f->prompts = prompts_new(f->loop, f->speech, f->dir, BASE "/");
	assert_non_null(f->prompts);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void end(struct fixture *f)
{
	prompts_free(f->prompts);
	f->prompts = NULL;
	speech_free(f->speech);
	f->speech = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	end(f);
	loop_free(f->loop);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* A sound that only n has; c: what its key is made of, '\0' = it has none. */
static struct tc_clip *clip_new(int n, char c)
{
	struct tc_clip *clip = tc_clip_new(SPEECH_RATE_HZ, 800);

	assert_non_null(clip);
	for (size_t i = 0; i < clip->samples; i++)
		clip->pcm[i] = (int16_t)((int)i * n);
	if (c)
		memset(clip->key, c, 64);
	return clip;
}

/* Put up a clip that nobody else has; its signature. */
static const char *put_up(struct prompts *prompts, struct tc_clip *clip,
			  char url[TC_PROMPT_URL_SIZE], char name[65])
{
	char *mark;

	assert_int_equal(prompts_publish(prompts, clip, url), 0);
	tc_prompt_name(clip, name);
	tc_clip_unref(clip);
	mark = strstr(url, "?s=");
	assert_non_null(mark);
	return mark + 3;
}

static void names_are_of_the_sound(void **state)
{
	struct tc_clip *keyed = clip_new(1, 'a'), *bare = clip_new(1, 0), *again = clip_new(1, 0);
	struct tc_clip *other = clip_new(2, 0), *odd = clip_new(1, 0);
	char name[65], first[65];

	(void)state;
	tc_prompt_name(keyed, name);
	assert_string_equal(name, keyed->key);
	tc_prompt_name(bare, first);
	assert_int_equal(strspn(first, "0123456789abcdef"), 64);
	tc_prompt_name(again, name);
	assert_string_equal(name, first);
	tc_prompt_name(other, name);
	assert_string_not_equal(name, first);
	memset(odd->key, '/', 64);
	tc_prompt_name(odd, name);
	assert_string_equal(name, first);
	tc_clip_unref(keyed);
	tc_clip_unref(bare);
	tc_clip_unref(again);
	tc_clip_unref(other);
	tc_clip_unref(odd);
}

static void addresses_have_their_form(void **state)
{
	struct fixture *f = *state;
	char url[TC_PROMPT_URL_SIZE], name[65], want[200];
	const char *signature = put_up(f->prompts, clip_new(1, 'b'), url, name);

	snprintf(want, sizeof(want), BASE "/v1/prompts/%s.wav?s=%s", name, signature);
	assert_string_equal(url, want);
	assert_int_equal(strlen(signature), 32);
	assert_int_equal(strspn(signature, "0123456789abcdef"), 32);
	prompts_reconfigure(f->prompts, NULL);
	struct tc_clip *clip = clip_new(1, 'b');
	assert_int_equal(prompts_publish(f->prompts, clip, url), -ENOTCONN);
	tc_clip_unref(clip);
}

static void addresses_are_those_of_the_day(void **state)
{
	struct fixture *f = *state;
	char url[TC_PROMPT_URL_SIZE], again[TC_PROMPT_URL_SIZE], name[65], signature[33];
	int64_t rest_us = DAY_US - loop_wall_us(f->loop) % DAY_US;

	loop_advance_us(f->loop, rest_us + 1000000); /* a second after midnight */
	tc_strcopy(signature, sizeof(signature), put_up(f->prompts, clip_new(1, 'c'), url, name));
	loop_advance_us(f->loop, DAY_US - 2000000);
	put_up(f->prompts, clip_new(1, 'c'), again, name);
	assert_string_equal(again, url);
	loop_advance_us(f->loop, 2000000);
	put_up(f->prompts, clip_new(1, 'c'), again, name);
	assert_string_not_equal(again, url);
	assert_true(prompts_signed(f->prompts, name, signature)); /* yesterday's */
	loop_advance_us(f->loop, DAY_US);
	assert_false(prompts_signed(f->prompts, name, signature));
}

static void signatures_are_for_one_name(void **state)
{
	struct fixture *f = *state;
	char url[TC_PROMPT_URL_SIZE], name[65], bad[40];
	const char *signature = put_up(f->prompts, clip_new(1, 'd'), url, name);

	assert_true(prompts_signed(f->prompts, name, signature));
	for (size_t i = 0; i < 32; i++) {
		tc_strcopy(bad, sizeof(bad), signature);
		bad[i] = bad[i] == '0' ? '1' : '0';
		assert_false(prompts_signed(f->prompts, name, bad));
	}
	assert_false(prompts_signed(f->prompts, name, ""));
	snprintf(bad, sizeof(bad), "%.31s", signature);
	assert_false(prompts_signed(f->prompts, name, bad));
	snprintf(bad, sizeof(bad), "%s0", signature);
	assert_false(prompts_signed(f->prompts, name, bad));
	name[3] ^= 1;
	assert_false(prompts_signed(f->prompts, name, signature));
	assert_false(prompts_signed(f->prompts, "../../etc/passwd", signature));
	assert_false(prompts_signed(f->prompts, "", signature));
}

static void secrets_stay(void **state)
{
	struct fixture *f = *state;
	char url[TC_PROMPT_URL_SIZE], name[65], signature[33], path[64];
	struct stat st;

	tc_strcopy(signature, sizeof(signature), put_up(f->prompts, clip_new(1, 'e'), url, name));
	snprintf(path, sizeof(path), "%s/prompt.key", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 32);

	prompts_free(f->prompts);
	f->prompts = prompts_new(f->loop, f->speech, f->dir, BASE);
	assert_non_null(f->prompts);
	assert_true(prompts_signed(f->prompts, name, signature));

	prompts_free(f->prompts);
	assert_int_equal(truncate(path, 31), 0);
	f->prompts = prompts_new(f->loop, f->speech, f->dir, BASE);
	assert_non_null(f->prompts);
	assert_false(prompts_signed(f->prompts, name, signature));

	prompts_free(f->prompts);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	f->prompts = prompts_new(f->loop, f->speech, f->dir, BASE);
	assert_null(f->prompts);
}

static bool is_up(struct fixture *f, const char *name)
{
	struct tc_clip *clip = prompts_find(f->prompts, name);

	tc_clip_unref(clip);
	return clip != NULL;
}

/* Of a rate that the cache does not keep, so that it is seen what is kept here. */
static void keep(struct fixture *f, int n, size_t samples, char name[65])
{
	struct tc_clip *clip = tc_clip_new(16000, samples);
	char url[TC_PROMPT_URL_SIZE];

	assert_non_null(clip);
	clip->pcm[0] = (int16_t)n;
	put_up(f->prompts, clip, url, name);
}

static void clips_stay_for_an_hour(void **state)
{
	struct fixture *f = *state;
	char first[65], second[65], name[65];

	keep(f, 1, 10, first);
	keep(f, 2, 10, second);
	loop_advance_us(f->loop, 59 * MINUTE_US);
	keep(f, 1, 10, name); /* again */
	assert_true(is_up(f, second));
	loop_advance_us(f->loop, 2 * MINUTE_US);
	keep(f, 3, 10, name);
	assert_false(is_up(f, second));
	assert_true(is_up(f, first));
}

static void the_oldest_go_when_there_are_too_many(void **state)
{
	enum { N = 10, SAMPLES = 4 << 20 }; /* 80 MB */
	struct fixture *f = *state;
	char names[N][65], name[65];

	for (int i = 0; i < N; i++)
		keep(f, i, SAMPLES, names[i]);
	for (int i = 0; i < N; i++)
		assert_true(is_up(f, names[i])); /* they are young */
	loop_advance_us(f->loop, 6 * MINUTE_US);
	keep(f, N, 10, name);
	assert_false(is_up(f, names[0]));
	assert_false(is_up(f, names[2]));
	assert_true(is_up(f, names[3]));
	assert_true(is_up(f, name));
}

/* ---- over HTTP ---- */

static int api_setup(void **state)
{
	*state = api_rig_new();
	return 0;
}

static int api_teardown(void **state)
{
	if (*state)
		api_rig_free(*state);
	return 0;
}

static const char *path_of(const char *url)
{
	assert_int_equal(strncmp(url, BASE, strlen(BASE)), 0);
	return url + strlen(BASE);
}

static void ask(struct api_rig *rig, const char *path, struct http_answer *a)
{
	client_ask(rig->loop, rig->port, "GET", path, "", NULL, a);
}

static void prompts_are_fetched(void **state)
{
	struct api_rig *rig = *state;
	char url[TC_PROMPT_URL_SIZE], name[65];
	struct tc_clip *clip = clip_new(7, 'f');
	struct http_answer a, head;
	int fd;

	if (!rig)
		skip();
	put_up(rig->prompts, tc_clip_ref(clip), url, name);
	ask(rig, path_of(url), &a); /* without a token */
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "Content-Type: audio/wav"));
	assert_true(answer_has(&a, "Cache-Control: public, max-age=86400, immutable"));
	assert_int_equal(a.len, 44 + 2 * clip->samples);
	assert_memory_equal(a.body, "RIFF", 4);
	assert_memory_equal(a.body + 44, clip->pcm, 2 * clip->samples);

	fd = client_connect(rig->port, NULL);
	client_send(fd, "HEAD ");
	client_send(fd, path_of(url));
	client_send(fd, " HTTP/1.1\r\nHost: x\r\n\r\n");
	client_answer_head(rig->loop, fd, &head);
	close(fd);
	assert_int_equal(head.status, 200);
	assert_int_equal(head.len, 0);
	assert_true(answer_has(&head, "Content-Type: audio/wav"));
	assert_true(answer_has(&head, "Content-Length: 1644"));
	assert_true(answer_has(&head, "Cache-Control: public, max-age=86400, immutable"));
	answer_free(&head);
	answer_free(&a);
	tc_clip_unref(clip);
}

/* Whatever is wrong: the same answer. */
static void nothing_is_told_to_strangers(void **state)
{
	struct api_rig *rig = *state;
	char url[TC_PROMPT_URL_SIZE], name[65], other[65], path[300], *first = NULL;
	const char *signature;

	if (!rig)
		skip();
	signature = put_up(rig->prompts, clip_new(7, 'f'), url, name);
	memset(other, 'e', 64);
	other[64] = '\0';
	for (int i = 0; i < 6; i++) {
		struct http_answer a;

		switch (i) {
		case 0: /* no signature */
			snprintf(path, sizeof(path), "/v1/prompts/%s.wav", name);
			break;
		case 1:
			snprintf(path, sizeof(path), "/v1/prompts/%s.wav?s=%032d", name, 0);
			break;
		case 2: /* that of another */
			snprintf(path, sizeof(path), "/v1/prompts/%s.wav?s=%s", other, signature);
			break;
		case 3:
			snprintf(path, sizeof(path), "/v1/prompts/%s?s=%s", name, signature);
			break;
		case 4:
			snprintf(path, sizeof(path), "/v1/prompts/%s.wav?s=%s0", name, signature);
			break;
		case 5:
			snprintf(path, sizeof(path), "/v1/prompts/..%%2fx.wav?s=%s", signature);
			break;
		}
		ask(rig, path, &a);
		assert_int_equal(a.status, 404);
		if (first)
			assert_string_equal(a.body, first);
		else
			first = tc_strdup(a.body);
		answer_free(&a);
	}
	free(first);
}

static bool is_file(void *arg)
{
	return access(arg, F_OK) == 0;
}

/* A daemon that has just started reads the cache's file. */
static void prompts_outlive_the_daemon(void **state)
{
	struct api_rig *rig = *state;
	char url[TC_PROMPT_URL_SIZE], name[65], file[200];
	struct prompts *prompts;
	struct speech *speech;
	struct http_answer a;

	if (!rig)
		skip();
	put_up(rig->prompts, clip_new(7, 0), url, name);
	snprintf(file, sizeof(file), "%s/prompts/%s.wav", rig->dir, name);
	client_wait(rig->loop, is_file, file);
	snprintf(file, sizeof(file), "%s/prompts", rig->dir);
	speech = speech_new(rig->loop, file, 1 << 20);
	prompts = prompts_new(rig->loop, speech, rig->dir, BASE);
	assert_non_null(prompts);
	rig->api->deps.speech = speech;
	rig->api->deps.prompts = prompts;
	assert_null(prompts_find(prompts, name));

	ask(rig, path_of(url), &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(a.len, 1644);
	answer_free(&a);

	put_up(prompts, clip_new(8, 0), url, name); /* its signature is good, its clip goes */
	prompts_free(prompts);
	speech_free(speech);
	snprintf(file, sizeof(file), "%s/prompts/%s.wav", rig->dir, name);
	assert_int_equal(unlink(file), 0);
	rig->api->deps.speech = rig->speech;
	rig->api->deps.prompts = rig->prompts;
	ask(rig, path_of(url), &a);
	assert_int_equal(a.status, 404);
	answer_free(&a);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define API(fn)  cmocka_unit_test_setup_teardown(fn, api_setup, api_teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_are_of_the_sound),
		TEST(addresses_have_their_form),
		TEST(addresses_are_those_of_the_day),
		TEST(signatures_are_for_one_name),
		TEST(secrets_stay),
		TEST(clips_stay_for_an_hour),
		TEST(the_oldest_go_when_there_are_too_many),
		API(prompts_are_fetched),
		API(nothing_is_told_to_strangers),
		API(prompts_outlive_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
