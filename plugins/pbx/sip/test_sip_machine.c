/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the estimate who has answered, and of the finder of beeps, with greetings that espeak-ng
 * speaks and that have gone through G.711. With TOCSIN_TABLE set the results are printed.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <tocsin/alloc.h>

#include "amd/amd.h"
#include "amd/level.h"
#include "rtp/g711.h"
#include "rtp/resample.h"

#define RATE  8000
#define SOUND (RATE * 40)

/* The defaults of options.h. */
static const struct talk_settings settings = {
	.machine_after_ms = 1800,
	.machine_words = 5,
	.human_silence_ms = 800,
	.unsure_after_ms = 4000,
	.greeting_silence_ms = 2000,
	.word_ms = 100,
	.voice_level = -42,
};

/* ---- sounds ---- */

struct sound {
	int16_t pcm[SOUND];
	size_t n;
};

static void add_silence(struct sound *s, unsigned ms)
{
	s->n += (size_t)ms * RATE / 1000; /* it is zeroed */
	assert_true(s->n < SOUND);
}

/* Two tones; hz2 = 0: one. dbov: of the whole */
static void add_tones(struct sound *s, double hz, double hz2, unsigned ms, double dbov)
{
	double high = sqrt(level_square(dbov)) * (hz2 > 0 ? 1 : sqrt(2));
	size_t n = (size_t)ms * RATE / 1000;

	assert_true(s->n + n < SOUND);
	for (size_t i = 0; i < n; i++)
		s->pcm[s->n++] = (int16_t)lrint(
			high * (sin(2 * M_PI * hz * (double)i / RATE) +
				(hz2 > 0 ? sin(2 * M_PI * hz2 * (double)i / RATE) : 0)));
}

static void add_noise(struct sound *s, size_t from, size_t to, double dbov)
{
	double high = sqrt(level_square(dbov) * 3);
	uint32_t seed = 7;

	assert_true(to < SOUND);
	for (size_t i = from; i < to; i++) {
		seed = seed * 1664525 + 1013904223;
		s->pcm[i] = (int16_t)(s->pcm[i] + high * ((double)(seed >> 8) / (1 << 23) - 1));
	}
	if (to > s->n)
		s->n = to;
}

static void run(char *const argv[])
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
}

/* espeak-ng's own rate. Its WAV header is always 44 bytes. */
#define VOICE_HZ 22050

static void add_speech(struct sound *s, const char *voice, const char *speed, const char *text)
{
	char file[] = "/tmp/test-machine-XXXXXX";
	static int16_t raw[VOICE_HZ * 30];
	int fd = mkstemp(file);
	char *const argv[] = {(char *)"espeak-ng", (char *)"-v", (char *)voice, (char *)"-s",
			      (char *)speed,       (char *)"-w", file,          (char *)text,
			      NULL};

	assert_true(fd >= 0);
	run(argv);
	ssize_t got = pread(fd, raw, sizeof(raw), 44);
	close(fd);
	unlink(file);
	assert_true(got > 4000);
	size_t in = (size_t)got / 2, out = resample_length(in, VOICE_HZ);
	assert_true(s->n + out < SOUND);
	assert_int_equal(resample(raw, in, VOICE_HZ, s->pcm + s->n), 0);
	s->n += out;
}

/* As it comes out of a telephone line. */
static void through_g711(struct sound *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->pcm[i] = g711_ulaw_decode(g711_ulaw_encode(s->pcm[i]));
}

/* ---- what is told ---- */

struct told {
	struct amd amd;
	unsigned n;
	enum amd_event event[4];
	int64_t at_ms[4];
	char why[4][64];
};

static void on_told(void *arg, enum amd_event event, const char *why)
{
	struct told *t = arg;

	assert_in_range(t->n, 0, 3);
	t->event[t->n] = event;
	t->at_ms[t->n] = t->amd.now_ms;
	tc_strcopy(t->why[t->n++], sizeof(t->why[0]), why);
}

/* Feed it, and three seconds of silence, in pieces that are no frames. */
static struct told hear(struct sound *s)
{
	struct told t = {0};
	size_t step;

	through_g711(s);
	amd_init(&t.amd, &settings, on_told, &t);
	t.amd.arg = &t; /* not of a copy */
	for (size_t i = 0; i < s->n; i += step) {
		step = s->n - i < 137 ? s->n - i : 137;
		amd_feed(&t.amd, s->pcm + i, step);
	}
	for (int i = 0; i < 150; i++)
		amd_feed(&t.amd, (const int16_t[BEEP_FRAME]){0}, BEEP_FRAME);
	return t;
}

static const char *const names[] = {"human", "machine", "beep"};

static void print_row(const char *what, const struct told *t)
{
	if (!getenv("TOCSIN_TABLE"))
		return;
	printf("| %s |", what);
	for (unsigned i = 0; i < t->n; i++)
		printf("%s %s after %.1f s (%s)", i ? "," : "", names[t->event[i]],
		       (double)t->at_ms[i] / 1000, t->why[i]);
	printf("%s |\n", t->n ? "" : " nothing is told");
}

/* ---- greetings ---- */

enum who { NOBODY, HUMAN, MACHINE };

struct greeting {
	const char *voice, *speed, *text;
	enum who who; /* what is told, not what is true */
	unsigned pause_ms;
	double beep_hz;
	unsigned beep_ms;
};

#define LONG_TEXT                                                                                  \
	"You have reached the voice mail of Alice. I cannot take your call right now. "            \
	"Please leave a message after the tone."
#define GERMAN_TEXT                                                                                \
	"Guten Tag. Der gewünschte Gesprächspartner ist zurzeit nicht erreichbar. Bitte " \
	"hinterlassen Sie eine Nachricht nach dem Signalton."
#define FRENCH_TEXT                                                                                \
	"Bonjour, vous êtes bien sur la messagerie de Pierre. Laissez un message après le bip."

static const struct greeting greetings[] = {
	{"en-gb", "150", "Hello?", HUMAN, 0, 0, 0},
	{"en-us", "150", "Hello, John speaking.", HUMAN, 0, 0, 0},
	{"en-gb", "160", "Alice Smith.", HUMAN, 0, 0, 0},
	{"de", "150", "Ja, Müller?", HUMAN, 0, 0, 0},
	{"it", "150", "Pronto, chi parla?", HUMAN, 0, 0, 0},
	/* The known weakness: a human who says much. */
	{"en-gb", "150", "operations centre, how can I help you?", MACHINE, 0, 0, 0},
	{"en-gb", "150", LONG_TEXT, MACHINE, 600, 1000, 500},
	{"en-gb", "150", LONG_TEXT, MACHINE, 600, 440, 400},
	{"de", "160", GERMAN_TEXT, MACHINE, 600, 850, 300},
	{"de", "160", GERMAN_TEXT, MACHINE, 300, 1400, 150},
	{"fr", "150", FRENCH_TEXT, MACHINE, 500, 1400, 1000},
	{"fr", "150", FRENCH_TEXT, MACHINE, 500, 2000, 200},
	{"en-us+f3", "170", "Hi, this is Bob. Leave a message and I'll call you back.", MACHINE,
	 500, 1000, 500},
	{"en-gb", "150", LONG_TEXT, MACHINE, 0, 0, 0},
	/* A greeting as short as a human's: its beep tells, if it comes soon. */
	{"en-gb", "150", "Leave a message.", MACHINE, 0, 1000, 500},
	{"en-gb", "150", "Leave a message.", HUMAN, 900, 1000, 500},
};

static void greetings_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		const struct greeting *g = &greetings[i];
		struct sound *s = tc_alloc(sizeof(*s));
		char what[300], beep[16];
		size_t end;

		add_silence(s, 400);
		add_speech(s, g->voice, g->speed, g->text);
		add_silence(s, g->pause_ms);
		if (g->beep_hz > 0)
			add_tones(s, g->beep_hz, 0, g->beep_ms, -16);
		end = s->n / 8;
		struct told t = hear(s);
		snprintf(what, sizeof(what), "\"%.60s%s\"", g->text,
			 strlen(g->text) > 60 ? "..." : "");
		if (g->beep_hz > 0)
			snprintf(what + strlen(what), sizeof(what) - strlen(what),
				 ", %u ms later %.0f Hz for %u ms", g->pause_ms, g->beep_hz,
				 g->beep_ms);
		print_row(what, &t);
		assert_int_equal(t.n, g->who == MACHINE ? 2 : 1);
		assert_int_equal(t.event[0], g->who == MACHINE ? AMD_MACHINE : AMD_HUMAN);
		if (t.n == 2) {
			assert_int_equal(t.event[1], AMD_BEEP);
			snprintf(beep, sizeof(beep), "%.0f Hz", g->beep_hz);
			assert_non_null(strstr(t.why[1], g->beep_hz > 0 ? beep : "silence"));
		}
		if (t.n == 2 && g->beep_hz > 0) /* soon, and never before it is over */
			assert_in_range(t.at_ms[1], (int64_t)end + 1, (int64_t)end + 700);
		free(s);
	}
}

/* ---- beeps ---- */

static void beeps_are_found(void **state)
{
	static const double pitches[] = {350, 400, 440, 600, 850, 1000, 1400, 1800, 2000, 2200};
	static const unsigned lengths[] = {150, 220, 500, 1000};
	static const double levels[] = {-6, -16, -35};

	(void)state;
	for (size_t i = 0; i < sizeof(pitches) / sizeof(pitches[0]); i++)
		for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
			struct sound *s = tc_alloc(sizeof(*s));
			char want[32];

			add_silence(s, 200);
			add_noise(s, s->n, RATE / 2, -18); /* as good as a word */
			add_silence(s, 210 + 7 * (unsigned)i);
			add_tones(s, pitches[i], 0, lengths[k], levels[(i + k) % 3]);
			if (k == 2) /* a line that hisses */
				add_noise(s, 0, s->n + RATE, levels[(i + k) % 3] - 25);
			struct told t = hear(s);
			if (t.n != 2)
				print_error("%.0f Hz, %u ms: %u told %s\n", pitches[i], lengths[k],
					    t.n, t.why[0]);
			assert_int_equal(t.n, 2);
			assert_int_equal(t.event[1], AMD_BEEP);
			snprintf(want, sizeof(want), "a beep of %.0f Hz", pitches[i]);
			if (k != 2)
				assert_string_equal(t.why[1], want);
			else
				assert_non_null(strstr(t.why[1], "a beep of"));
			free(s);
		}
}

static void add_greeting(struct sound *s)
{
	add_silence(s, 400);
	add_speech(s, "en-gb", "150", LONG_TEXT);
}

/* After a greeting: there is a machine, but this is not its beep. */
static void expect_no_beep(struct sound *s, const char *what)
{
	struct told t = hear(s);

	print_row(what, &t);
	assert_in_range(t.n, 1, 2);
	assert_int_equal(t.event[0], AMD_MACHINE);
	if (t.n == 2)
		assert_non_null(strstr(t.why[1], "silence"));
	free(s);
}

static void other_tones_are_no_beeps(void **state)
{
	struct sound *s = tc_alloc(sizeof(*s));

	(void)state;
	add_greeting(s);
	for (int i = 0; i < 8; i++) {
		add_tones(s, 425, 0, 480, -16);
		add_silence(s, 480);
	}
	expect_no_beep(s, "a greeting, then a busy tone of 425 Hz");
	s = tc_alloc(sizeof(*s));
	add_greeting(s);
	for (int i = 0; i < 8; i++) {
		add_tones(s, 480, 620, 500, -16);
		add_silence(s, 500);
	}
	expect_no_beep(s, "a greeting, then a busy tone of 480 and 620 Hz");
	s = tc_alloc(sizeof(*s));
	add_greeting(s);
	add_silence(s, 500);
	for (int i = 0; i < 3; i++) {
		add_tones(s, 1100, 0, 500, -16);
		add_silence(s, 3000);
	}
	expect_no_beep(s, "a greeting, then a fax's CNG");
	s = tc_alloc(sizeof(*s));
	add_greeting(s);
	add_silence(s, 500);
	add_tones(s, 2100, 0, 3300, -16);
	expect_no_beep(s, "a greeting, then a fax's CED");
	s = tc_alloc(sizeof(*s));
	add_greeting(s);
	for (int i = 0; i < 12; i++) /* a tune, one note into the other */
		add_tones(s, 440 * pow(2, (i * 5 % 12) / 12.0), 0, 250, -16);
	add_noise(s, s->n, s->n + RATE, -18);
	expect_no_beep(s, "a greeting, then a tune");
}

/* Without speech nobody has answered as yet. */
static void what_is_no_speech_is_nobody(void **state)
{
	struct sound *s = tc_alloc(sizeof(*s));

	(void)state;
	struct told t = hear(s); /* the 3 s of silence are not enough to give up */
	assert_int_equal(t.n, 0);
	assert_false(amd_is_over(&t.amd));
	add_silence(s, 5000);
	t = hear(s);
	print_row("silence", &t);
	assert_int_equal(t.n, 0);
	assert_true(amd_is_over(&t.amd));
	add_noise(s, 0, RATE * 6, -25);
	t = hear(s);
	print_row("a loud fan (white noise of -25 dBov)", &t);
	assert_int_equal(t.n, 0);
	free(s);
	s = tc_alloc(sizeof(*s));
	for (int i = 0; i < 6; i++) {
		add_tones(s, 425, 0, 480, -16);
		add_silence(s, 480);
	}
	t = hear(s);
	print_row("a busy tone of 425 Hz", &t);
	assert_int_equal(t.n, 0);
	free(s);
	s = tc_alloc(sizeof(*s));
	add_tones(s, 425, 0, 1000, -16);
	add_silence(s, 4000);
	add_tones(s, 1000, 0, 500, -16);
	t = hear(s);
	print_row("a ringing tone, then 1000 Hz", &t);
	assert_int_equal(t.n, 0);
	free(s);
}

/* A human in a noisy place is one all the same. */
static void noise_hides_nobody(void **state)
{
	struct sound *s = tc_alloc(sizeof(*s));

	(void)state;
	add_silence(s, 400);
	add_speech(s, "en-gb", "150", "Hello?");
	add_noise(s, 0, s->n + 3 * RATE, -35);
	struct told t = hear(s);
	print_row("\"Hello?\" beside a fan (-35 dBov)", &t);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.event[0], AMD_HUMAN);
	free(s);
}

/* ---- the rules by themselves ---- */

static void thresholds_count(void **state)
{
	struct talk_settings cfg = settings;
	struct talk t = {.cfg = &cfg};

	(void)state;
	talk_begin(&t, 1000);
	assert_int_equal(talk_look(&t, 2799), TALK_NOTHING);
	assert_int_equal(talk_due_ms(&t), 2800);
	assert_int_equal(talk_look(&t, 2800), TALK_MACHINE);
	assert_int_equal(talk_look(&t, 9000), TALK_NOTHING); /* it still talks */
	talk_end(&t, 9000);
	assert_int_equal(talk_due_ms(&t), 11000);
	assert_int_equal(talk_look(&t, 10999), TALK_NOTHING);
	assert_int_equal(talk_look(&t, 11000), TALK_SILENCE);
	assert_int_equal(talk_look(&t, 60000), TALK_NOTHING);
	assert_int_equal(talk_due_ms(&t), -1);

	t = (struct talk){.cfg = &cfg};
	for (int i = 0; i < 4; i++) {
		talk_begin(&t, 300 * i);
		talk_end(&t, 300 * i + 120);
		assert_int_equal(talk_look(&t, 300 * i + 299), TALK_NOTHING);
	}
	talk_begin(&t, 1200);
	assert_int_equal(talk_look(&t, 1299), TALK_NOTHING);
	assert_int_equal(talk_due_ms(&t), 1300);
	assert_int_equal(talk_look(&t, 1300), TALK_MACHINE); /* the fifth word */

	t = (struct talk){.cfg = &cfg};
	talk_begin(&t, 500);
	talk_end(&t, 599); /* a click */
	assert_int_equal(talk_due_ms(&t), 4000);
	assert_int_equal(talk_look(&t, 3999), TALK_NOTHING);
	assert_int_equal(talk_look(&t, 4000), TALK_UNSURE);
	talk_begin(&t, 5000);
	assert_int_equal(talk_look(&t, 9000), TALK_NOTHING);

	cfg.human_silence_ms = 500;
	t = (struct talk){.cfg = &cfg};
	talk_begin(&t, 500);
	talk_end(&t, 700);
	assert_int_equal(talk_due_ms(&t), 1200);
	assert_int_equal(talk_look(&t, 1199), TALK_NOTHING);
	assert_int_equal(talk_look(&t, 1200), TALK_HUMAN);
}

static void levels_are_measured(void **state)
{
	struct sound *s = tc_alloc(sizeof(*s));
	struct level level = {0};

	(void)state;
	level_feed(&level, s->pcm, LEVEL_WINDOW - 1);
	assert_int_equal(level_loudest(&level), 0); /* not yet */
	level_feed(&level, s->pcm, 1);
	assert_int_equal(level_loudest(&level), -127);
	add_tones(s, 1000, 0, 3000, -30);
	add_tones(s, 1000, 0, 1000, -12);
	add_tones(s, 1000, 0, 3000, -50);
	for (size_t i = 0; i < s->n; i += 160)
		level_feed(&level, s->pcm + i, 160);
	assert_int_equal(level_loudest(&level), -12);
	s->n = 0;
	add_tones(s, 1000, 0, 500, -3.02); /* as loud as a sine can be */
	level_feed(&level, s->pcm, s->n);
	assert_int_equal(level_loudest(&level), -3);
	free(s);
}

/* What it costs, for doc/performance.md. */
static void it_is_cheap(void **state)
{
	struct talk_settings cfg = settings;
	struct sound *s = tc_alloc(sizeof(*s));
	struct told t = {0};
	struct timespec from, to;

	(void)state;
	cfg.machine_after_ms = cfg.unsure_after_ms = cfg.human_silence_ms = INT64_MAX;
	cfg.machine_words = INT64_MAX;
	add_greeting(s);
	add_tones(s, 1000, 0, 500, -16);
	through_g711(s);
	amd_init(&t.amd, &cfg, on_told, &t);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (int i = 0; i < 20; i++) {
		t.amd.beep = (struct beep){0};
		amd_feed(&t.amd, s->pcm, s->n);
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	double us = (double)(to.tv_sec - from.tv_sec) * 1e6 +
		    (double)(to.tv_nsec - from.tv_nsec) / 1e3;
	us /= 20 * (double)s->n / RATE;
	print_message("# %.0f us of CPU for a second of a greeting\n", us);
	assert_true(us < 10000); /* with sanitizers and on a busy machine, too */
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(greetings_are_told_apart),
		cmocka_unit_test(beeps_are_found),
		cmocka_unit_test(other_tones_are_no_beeps),
		cmocka_unit_test(what_is_no_speech_is_nobody),
		cmocka_unit_test(noise_hides_nobody),
		cmocka_unit_test(thresholds_count),
		cmocka_unit_test(levels_are_measured),
		cmocka_unit_test(it_is_cheap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
