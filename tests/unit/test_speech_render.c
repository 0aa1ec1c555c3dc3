/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * speech_render() with voices that the tests script: who is asked, what is shared, cached,
 * cancelled, and what happens when a voice fails. On the virtual clock: a voice's half minute of
 * rest takes no time.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/alloc.h>
#include <tocsin/tts.h>

#include "host/host.h"
#include "host/loop.h"
#include "speech/speech.h"

#define SECOND_US INT64_C(1000000)

/* ---- a voice that does what the test says ---- */

struct fake_config {
	const char *language;
	int64_t pitch;
};

struct fake {
	const struct fake_config *cfg;
	struct tc_op *ops[4096]; /* taken, not yet completed, in order */
	size_t n, done;
	char text[4096]; /* of the last request */
	char language[40];
	int refuse; /* answer of synthesize(), 0 = take it */
};

static const struct tc_option fake_options[] = {
	{.name = "language", .type = TC_STRING, .offset = offsetof(struct fake_config, language)},
	{.name = "pitch", .type = TC_INT, .offset = offsetof(struct fake_config, pitch)},
	TC_OPTION_END,
};

static int fake_open(struct tc_instance *self, const void *cfg, void **state)
{
	struct fake *fake = tc_alloc(sizeof(*fake));

	(void)self;
	fake->cfg = cfg;
	*state = fake;
	return 0;
}

static void fake_close(void *state)
{
	free(state);
}

static int fake_synthesize(void *state, struct tc_op *op, const struct tc_tts_request *request)
{
	struct fake *fake = state;

	tc_strcopy(fake->text, sizeof(fake->text), request->text);
	tc_strcopy(fake->language, sizeof(fake->language),
		   request->language ? request->language : "");
	if (fake->refuse)
		return fake->refuse;
	fake->ops[fake->n++] = op;
	return 0;
}

static int fake_fingerprint(void *state, char *buf, size_t size_bytes)
{
	return snprintf(buf, size_bytes, "fake pitch=%d", (int)((struct fake *)state)->cfg->pitch);
}

static const struct tc_tts_ops fake_ops = {fake_synthesize, fake_fingerprint};
static const struct tc_plugin fake_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_TTS),
	.name = "fake",
	.version = "1",
	.summary = "speaks when it is told to",
	.options = fake_options,
	.config_size = sizeof(struct fake_config),
	.open = fake_open,
	.close = fake_close,
	.ops = &fake_ops,
};

/* Half a second of a square wave; "" is silence. */
static struct tc_clip *sound(const char *text)
{
	struct tc_clip *clip = tc_clip_new(16000, 8000);

	for (size_t i = 0; *text && i < clip->samples; i++)
		clip->pcm[i] = i / 20 % 2 ? 8000 : -8000;
	return clip;
}

/* ---- the bench ---- */

static struct loop *loop;
static struct host *host;
static struct speech *speech;
static struct tc_instance *instances[3];
static struct fake *fakes[3];
static size_t n_instances;
static char dir[] = "/tmp/test-speech-XXXXXX", prompts[64];

/*
 * Run what is due until the condition holds: other threads take part, so the real time is bounded.
 */
#define UNTIL(cond)                                                                                \
	do {                                                                                       \
		time_t began = time(NULL);                                                         \
		while (!(cond)) {                                                                  \
			if (!loop_turn(loop))                                                      \
				sched_yield();                                                     \
			if (time(NULL) - began > 30)                                               \
				fail_msg("%s: never came true", #cond);                            \
		}                                                                                  \
	} while (0)

static void add_voice(const char *name, const char *language)
{
	json_t *settings = json_pack("{s:s, s:s}", "name", name, "plugin", "fake");
	struct tc_errors *errs = tc_errors_new();
	struct tc_instance *self;

	if (language)
		json_object_set_new(settings, "language", json_string(language));
	self = instance_new(host, TC_KIND_TTS, settings, errs);
	assert_non_null(self);
	assert_int_equal(instance_open(self), 0);
	speech_voice_add(speech, self);
	instances[n_instances] = self;
	fakes[n_instances++] = self->state;
	json_decref(settings);
	tc_errors_free(errs);
}

static void start_speech(int64_t cache_size)
{
	speech = speech_new(loop, prompts, cache_size);
}

static int begin(void **state)
{
	(void)state;
	loop = loop_new(LOOP_VIRTUAL);
	host = host_new(loop, "", dir);
	host_plugin_add(host, &fake_plugin);
	start_speech(1 << 20);
	return 0;
}

static void stop_voices(void)
{
	for (size_t i = 0; i < n_instances; i++) {
		struct fake *fake = fakes[i];

		while (fake->done < fake->n) /* taken is taken */
			tc_op_done(fake->ops[fake->done++], -EIO, NULL, NULL);
	}
	while (loop_turn(loop))
		;
	while (n_instances) {
		instance_close(instances[--n_instances]);
		instance_free(instances[n_instances]);
	}
}

static void empty_prompts(void)
{
	DIR *d = opendir(prompts);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(prompts);
}

static int end(void **state)
{
	(void)state;
	speech_free(speech);
	stop_voices();
	host_free(host);
	loop_free(loop);
	empty_prompts();
	return 0;
}

/* What came of one speech_render(). */
struct answer {
	struct speech_want *want;
	int told, err;
	struct tc_clip *clip;
	char text[64];
};

static void on_answer(void *arg, int err, struct tc_clip *clip, const char *text)
{
	struct answer *a = arg;

	a->told++;
	a->err = err;
	a->clip = clip;
	tc_strcopy(a->text, sizeof(a->text), text ? text : "");
}

static void render(struct answer *a, const char *text, const char *language, const char *voice)
{
	struct speech_text wanted = {.text = text, .language = language, .voice = voice};

	*a = (struct answer){0};
	a->want = speech_render(speech, &wanted, on_answer, a);
	assert_non_null(a->want);
	assert_int_equal(a->told, 0);
}

/* Let a voice complete its next request. */
static void complete(int voice, int err)
{
	struct fake *fake = fakes[voice];

	UNTIL(fake->done < fake->n);
	tc_op_done(fake->ops[fake->done++], err, err ? NULL : sound("x"), err ? "a reason" : NULL);
}

static void is_spoken(struct answer *a)
{
	UNTIL(a->told);
	assert_int_equal(a->told, 1);
	assert_int_equal(a->err, 0);
	assert_non_null(a->clip);
	assert_int_equal(a->clip->rate_hz, SPEECH_RATE_HZ);
	assert_int_equal(strlen(a->clip->key), 64);
	assert_in_range(tc_clip_ms(a->clip), 480, 520);
	tc_clip_unref(a->clip);
}

static void is_refused(struct answer *a, int err)
{
	UNTIL(a->told);
	assert_int_equal(a->told, 1);
	assert_int_equal(a->err, err);
	assert_null(a->clip);
}

static json_int_t figure(const char *name)
{
	json_t *status = speech_status(speech);
	json_int_t n = json_integer_value(json_object_get(json_object_get(status, "cache"), name));

	json_decref(status);
	return n;
}

/* Files in the folder, whatever they are called. */
static int files(void)
{
	DIR *d = opendir(prompts);
	struct dirent *e;
	int n = 0;

	if (!d)
		return 0;
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}

static void speak(const char *text)
{
	struct answer a;

	render(&a, text, NULL, NULL);
	complete(0, 0);
	is_spoken(&a);
}

/* ---- the tests ---- */

static void one_prompt(void **state)
{
	struct answer a;

	(void)state;
	add_voice("first", "en");
	render(&a, " Disk_full  on db1, see https://x/y ", "en-GB", NULL);
	complete(0, 0);
	is_spoken(&a);
	assert_string_equal(fakes[0]->text, "Disk full on db1, see a link");
	assert_string_equal(fakes[0]->language, "en-GB");
}

static void comes_from_memory(void **state)
{
	struct answer a, b;

	(void)state;
	add_voice("first", "en");
	render(&a, "Hello", NULL, NULL);
	complete(0, 0);
	UNTIL(a.told);
	render(&b, "Hello", NULL, NULL);
	UNTIL(b.told);
	assert_ptr_equal(a.clip, b.clip);
	tc_clip_unref(a.clip);
	tc_clip_unref(b.clip);
	assert_int_equal(fakes[0]->n, 1);
	assert_int_equal(figure("hits"), 1);
	assert_int_equal(figure("misses"), 1);
	assert_int_equal(figure("memory_entries"), 1);
	UNTIL(figure("entries") == 1);
	assert_int_equal(files(), 1);
	assert_in_range(figure("bytes"), 8000, 9000);
}

/* Text, language, voice's settings: each makes another prompt. */
static void what_makes_a_difference(void **state)
{
	struct answer a;

	(void)state;
	add_voice("first", "en");
	speak("Hello");
	speak("Hello.");
	render(&a, "Hello", "en", NULL);
	complete(0, 0);
	is_spoken(&a);
	((struct fake_config *)fakes[0]->cfg)->pitch = 9;
	speak("Hello");
	assert_int_equal(fakes[0]->n, 4);
}

static void many_want_the_same(void **state)
{
	struct answer a[50];

	(void)state;
	add_voice("first", "en");
	for (int i = 0; i < 50; i++)
		render(&a[i], "Hello", NULL, NULL);
	complete(0, 0);
	for (int i = 0; i < 50; i++)
		is_spoken(&a[i]);
	assert_int_equal(fakes[0]->n, 1);
	/* also when it fails */
	for (int i = 0; i < 50; i++)
		render(&a[i], "Bad", NULL, NULL);
	complete(0, -EIO);
	for (int i = 0; i < 50; i++)
		is_refused(&a[i], -EIO);
	assert_string_equal(a[49].text, "a reason");
	assert_int_equal(fakes[0]->n, 2);
}

/* A burst: a voice gets a few at a time, and all are spoken. */
static void a_burst(void **state)
{
	struct answer a[300];
	char text[20];

	(void)state;
	add_voice("first", "en");
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "Number %d", i);
		render(&a[i], text, NULL, NULL);
	}
	UNTIL(fakes[0]->n >= 4);
	assert_int_equal(fakes[0]->n, 4);
	loop_advance_us(loop, 9 * SECOND_US); /* no deadline runs for those that wait */
	for (int i = 0; i < 300; i++) {
		if (i == 4)
			loop_advance_us(loop, 9 * SECOND_US);
		complete(0, 0);
		UNTIL(i == 299 || fakes[0]->n > (size_t)i + 1);
	}
	for (int i = 0; i < 300; i++)
		is_spoken(&a[i]);
}

static void picks_by_name_and_language(void **state)
{
	static const struct {
		const char *language, *voice;
		int spoken_by;
	} cases[] = {
		{NULL, NULL, 0},       {"de", NULL, 1},  {"de-AT", NULL, 2},  {"de_at", NULL, 2},
		{"de-CH", NULL, 1},    {"DE", NULL, 1},  {"fr", NULL, 0},     {"en", NULL, 0},
		{"en-US", NULL, 0},    {"deu", NULL, 0}, {NULL, "german", 1}, {"en", "german", 1},
		{"de", "austrian", 2},
	};

	(void)state;
	add_voice("english", "en");
	add_voice("german", "de");
	add_voice("austrian", "de-AT");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer a;
		char text[20];

		snprintf(text, sizeof(text), "Text %zu", i);
		render(&a, text, cases[i].language, cases[i].voice);
		complete(cases[i].spoken_by, 0);
		is_spoken(&a);
	}
}

static void what_cannot_be(void **state)
{
	struct speech_text text = {.text = "Hello", .voice = "nobody"};
	struct answer a;

	(void)state;
	render(&a, "Hello", NULL, NULL);
	is_refused(&a, -ENOENT);
	add_voice("first", NULL);
	render(&a, "Hello", NULL, "nobody");
	is_refused(&a, -ENOENT);
	text.any_voice = true;
	a = (struct answer){.want = speech_render(speech, &text, on_answer, &a)};
	complete(0, 0);
	is_spoken(&a);
	render(&a, " \n_ ", NULL, NULL);
	is_refused(&a, -EINVAL);
	assert_int_equal(fakes[0]->n, 1);
}

/* A voice that fails in any way is followed by the next; then it rests, and comes back. */
static void falls_through(void **state)
{
	struct answer a;

	(void)state;
	add_voice("first", "en");
	add_voice("second", NULL);
	render(&a, "One", "en", NULL);
	complete(0, -EIO);
	complete(1, 0);
	is_spoken(&a);
	render(&a, "Two", "en", NULL); /* now the other is asked first */
	complete(1, -ENOMEM);
	complete(0, -EIO);
	is_refused(&a, -EIO);
	loop_advance_us(loop, 31 * SECOND_US);
	render(&a, "Three", "en", NULL);
	complete(0, 0);
	is_spoken(&a);
	fakes[0]->refuse = -EBUSY; /* not its illness: no rest for it */
	render(&a, "Four", "en", NULL);
	complete(1, 0);
	is_spoken(&a);
	fakes[0]->refuse = 0;
	render(&a, "Five", "en", NULL);
	complete(0, -ENOENT);
	complete(1, 0);
	is_spoken(&a);
	render(&a, "Six", "en", NULL);
	complete(0, 0);
	is_spoken(&a);
}

static void falls_through_in_time(void **state)
{
	struct answer a;

	(void)state;
	add_voice("first", "en");
	add_voice("second", "en");
	render(&a, "Hello", NULL, NULL);
	UNTIL(fakes[0]->n == 1);
	loop_advance_us(loop, 10 * SECOND_US);
	UNTIL(fakes[1]->n == 1);
	complete(1, 0);
	is_spoken(&a);
	/* too late: swallowed, and freed */
	complete(0, 0);
	while (loop_turn(loop))
		;
	assert_int_equal(a.told, 1);
}

static void silence_is_no_speech(void **state)
{
	struct answer a;

	(void)state;
	add_voice("mute", NULL);
	add_voice("second", NULL);
	render(&a, "Hello", NULL, NULL);
	UNTIL(fakes[0]->n == 1);
	tc_op_done(fakes[0]->ops[fakes[0]->done++], 0, sound(""), NULL);
	complete(1, 0);
	is_spoken(&a);
	render(&a, "More", NULL, NULL);
	UNTIL(fakes[0]->n == 2);
	tc_op_done(fakes[0]->ops[fakes[0]->done++], 0, sound(""), NULL);
	UNTIL(fakes[1]->n == 2);
	tc_op_done(fakes[1]->ops[fakes[1]->done++], 0, sound(""), NULL);
	is_refused(&a, -EIO);
}

static void cancelling(void **state)
{
	struct answer a, b, waiting[6];

	(void)state;
	add_voice("first", "en");
	/* one of two: the other is told */
	render(&a, "Hello", NULL, NULL);
	render(&b, "Hello", NULL, NULL);
	assert_ptr_equal(speech_cancel(a.want), &a);
	complete(0, 0);
	is_spoken(&b);
	assert_int_equal(a.told, 0);
	/* the only one: the engine is told that nobody waits */
	render(&a, "Nobody", NULL, NULL);
	UNTIL(fakes[0]->n == 2);
	speech_cancel(a.want);
	assert_true(tc_op_cancelled(fakes[0]->ops[1]));
	/* and it may be wanted again before the engine has noticed */
	render(&b, "Nobody", NULL, NULL);
	UNTIL(fakes[0]->n == 3);
	complete(0, 0);
	complete(0, 0);
	is_spoken(&b);
	/* one that waits for its turn never begins; one whose result is there is not told */
	for (int i = 0; i < 6; i++) {
		render(&waiting[i], (char[]){(char)('a' + i), 0}, NULL, NULL);
		UNTIL(fakes[0]->n == 3 + (size_t)(i < 4 ? i + 1 : 4));
	}
	speech_cancel(waiting[4].want);
	complete(0, 0);
	is_spoken(&waiting[0]);
	UNTIL(fakes[0]->n == 8);
	assert_string_equal(fakes[0]->text, "f");
	render(&a, "a", NULL, NULL); /* from memory: ready, not yet told */
	speech_cancel(a.want);
	for (int i = 0; i < 4; i++)
		complete(0, 0);
	is_spoken(&waiting[1]);
	is_spoken(&waiting[2]);
	is_spoken(&waiting[3]);
	is_spoken(&waiting[5]);
	assert_int_equal(a.told + waiting[4].told, 0);
	assert_int_equal(fakes[0]->n, 8);
}

/* The end may come at any moment: nobody is told, nothing leaks. */
static void ends_at_any_moment(void **state)
{
	struct answer a[8];

	(void)state;
	for (int moment = 0; moment < 4; moment++) {
		add_voice("first", NULL);
		for (int i = 0; i < 8; i++)
			render(&a[i], (char[]){(char)('a' + i), (char)('0' + moment), 0}, NULL,
			       NULL);
		if (moment > 0)
			UNTIL(fakes[0]->n == 4);
		if (moment > 1)
			complete(0, 0);
		if (moment > 2)
			while (loop_turn(loop)) /* perhaps it is being converted now */
				;
		speech_free(speech);
		stop_voices();
		for (int i = 1; i < 8; i++)
			assert_int_equal(a[i].told, 0);
		if (a[0].told)
			tc_clip_unref(a[0].clip);
		start_speech(1 << 20);
	}
}

static void again(int64_t cache_size)
{
	speech_free(speech);
	stop_voices();
	start_speech(cache_size);
	add_voice("first", "en");
}

static void comes_from_disk(void **state)
{
	struct answer a;

	(void)state;
	add_voice("first", "en");
	speak("Hello");
	again(1 << 20);
	render(&a, "Hello", NULL, NULL); /* also before the folder has been read */
	is_spoken(&a);
	UNTIL(figure("entries") == 1);
	assert_int_equal(fakes[0]->n, 0);
	assert_int_equal(figure("hits"), 1);
	again(1 << 20);
	UNTIL(figure("entries") == 1);
	render(&a, "Hello", NULL, NULL); /* and after it */
	is_spoken(&a);
	assert_int_equal(fakes[0]->n, 0);
}

static void for_each_file(void (*fn)(const char *path))
{
	DIR *d = opendir(prompts);
	struct dirent *e;
	char path[400];

	assert_non_null(d);
	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", prompts, e->d_name);
		if (e->d_name[0] != '.')
			fn(path);
	}
	closedir(d);
}

static void cut(const char *path)
{
	assert_int_equal(truncate(path, 3000), 0);
}

static void scribble(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(write(fd, "nonsense", 8), 8);
	close(fd);
}

static void take_away(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void mends_damage(void **state)
{
	static void (*const damage[])(const char *path) = {cut, scribble, take_away};
	struct answer a;

	(void)state;
	add_voice("first", "en");
	speak("Hello");
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		again(1 << 20);
		UNTIL(figure("entries") == 1);
		for_each_file(damage[i]);
		speak("Hello");
		UNTIL(figure("entries") == 1 && files() == 1);
	}
	again(1 << 20);
	UNTIL(figure("entries") == 1);
	/* the damaged file goes also when it cannot be made anew */
	for_each_file(cut);
	render(&a, "Hello", NULL, NULL);
	complete(0, -EIO);
	is_refused(&a, -EIO);
	assert_int_equal(files(), 0);
	assert_int_equal(figure("entries"), 0);
}

static void make_file(const char *name, int64_t used_s)
{
	struct timespec times[2] = {{.tv_sec = used_s}, {.tv_sec = used_s}};
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", prompts, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8000), 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static bool is_there(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", prompts, name);
	return !access(path, F_OK);
}

#define HEX63 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

/* What was used longest ago goes; what is not ours stays; what a crash left of writing goes. */
static void reads_the_folder(void **state)
{
	(void)state;
	speech_free(speech);
	mkdir(prompts, 0700);
	make_file(HEX63 "1.wav", 3000);
	make_file(HEX63 "2.wav", 1000);
	make_file(HEX63 "3.wav", 4000);
	make_file(HEX63 "4.wav", 2000);
	make_file("readme.wav", 1);
	make_file(HEX63 "G.wav", 1);
	make_file(".new-abcdef", 5000);
	start_speech(17000);
	UNTIL(figure("entries") == 2);
	assert_int_equal(figure("bytes"), 16000);
	UNTIL(files() == 4);
	assert_true(is_there(HEX63 "1.wav") && is_there(HEX63 "3.wav"));
	assert_true(is_there("readme.wav") && is_there(HEX63 "G.wav"));
}

static void disk_is_limited(void **state)
{
	struct answer a;
	char four[80];

	(void)state;
	add_voice("first", "en");
	again(30000); /* three prompts of some 8 kB */
	speak("One");
	speak("Two");
	speak("Three");
	UNTIL(figure("entries") == 3);
	render(&a, "One", NULL, NULL); /* used: Two is now the oldest */
	is_spoken(&a);
	render(&a, "Four", NULL, NULL);
	complete(0, 0);
	UNTIL(a.told);
	snprintf(four, sizeof(four), "%s.wav", a.clip->key);
	is_spoken(&a);
	UNTIL(is_there(four) && figure("entries") == 3 && files() == 3);
	assert_true(figure("bytes") <= 30000);
	assert_int_equal(figure("memory_entries"), 4);
	again(30000);
	UNTIL(figure("entries") == 3);
	render(&a, "One", NULL, NULL);
	is_spoken(&a);
	assert_int_equal(fakes[0]->n, 0);
	speak("Two");
}

static void memory_is_limited(void **state)
{
	char text[20];

	(void)state;
	add_voice("first", "en");
	again(0); /* no files; 4 MiB of memory */
	for (int i = 0; i < 600; i++) {
		snprintf(text, sizeof(text), "Number %d", i);
		speak(text);
	}
	assert_in_range(figure("memory_bytes"), 4000000, 4 << 20);
	assert_in_range(figure("memory_entries"), 400, 540);
	assert_int_equal(figure("entries"), 0);
	assert_int_equal(files(), 0);
}

/* A disk that cannot be written to does not keep anybody from being told. */
static void without_a_disk(void **state)
{
	struct answer a;

	(void)state;
	speech_free(speech);
	speech = speech_new(loop, "/nonexistent/prompts", 1 << 20);
	add_voice("first", "en");
	speak("One");
	speak("Two");
	render(&a, "One", NULL, NULL);
	is_spoken(&a);
	assert_int_equal(figure("entries"), 0);
	assert_int_equal(figure("memory_entries"), 2);
}

static void tells_how_it_is(void **state)
{
	json_t *status, *voice;
	struct answer a;

	(void)state;
	add_voice("first", "en");
	add_voice("second", NULL);
	speak("One");
	render(&a, "Two", "en", NULL);
	complete(0, -EIO);
	complete(1, 0);
	is_spoken(&a);
	status = speech_status(speech);
	voice = json_array_get(json_object_get(status, "voices"), 0);
	assert_string_equal(json_string_value(json_object_get(voice, "name")), "first");
	assert_string_equal(json_string_value(json_object_get(voice, "plugin")), "fake");
	assert_string_equal(json_string_value(json_object_get(voice, "text")), "a reason");
	assert_true(json_is_false(json_object_get(voice, "healthy")));
	assert_int_equal(json_integer_value(json_object_get(voice, "syntheses")), 2);
	assert_int_equal(json_integer_value(json_object_get(voice, "errors")), 1);
	assert_true(json_is_real(json_object_get(voice, "average_ms")));
	voice = json_array_get(json_object_get(status, "voices"), 1);
	assert_true(json_is_true(json_object_get(voice, "healthy")));
	json_decref(status);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_prompt),
		TEST(comes_from_memory),
		TEST(what_makes_a_difference),
		TEST(many_want_the_same),
		TEST(a_burst),
		TEST(picks_by_name_and_language),
		TEST(what_cannot_be),
		TEST(falls_through),
		TEST(falls_through_in_time),
		TEST(silence_is_no_speech),
		TEST(cancelling),
		TEST(ends_at_any_moment),
		TEST(comes_from_disk),
		TEST(mends_damage),
		TEST(reads_the_folder),
		TEST(disk_is_limited),
		TEST(memory_is_limited),
		TEST(without_a_disk),
		TEST(tells_how_it_is),
	};
	int failed;

	if (!mkdtemp(dir))
		return 1;
	snprintf(prompts, sizeof(prompts), "%s/prompts", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
