/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The espeak plugin: its settings, and its requests on their way to the library and back. The
 * library itself is called in engine.c only, voices are chosen in catalog.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>
#include <tocsin/tts.h>
#include <tocsin/utf8.h>

#include "engine.h"

#define LANE_DEPTH 64
#define TEXT_MAX   8192 /* bytes, tts.h */

struct espeak_config {
	const char *language, *voice, *data_dir;
	int64_t rate, pitch, volume, word_gap;
};

struct espeak {
	struct tc_instance *self;
	const struct espeak_config *cfg;
	struct tc_lane *lane;
	struct catalog catalog;    /* constant after open() */
	struct engine_setup setup; /* constant after open() */
	/* atomic: written by the lane, read by status() */
	uint64_t syntheses, errors;
	int last_err;
	unsigned waiting;
};

/* One request. */
struct job {
	struct espeak *espeak;
	char *text, *language, *voice; /* owned; the latter two may be NULL */
	int rate;
};

#define FIELD(f) offsetof(struct espeak_config, f)

static const struct tc_option espeak_options[] = {
	{.name = "language",
	 .type = TC_STRING,
	 .offset = FIELD(language),
	 .def = "en",
	 .min = 1,
	 .max = 35,
	 .help = "language of this voice (BCP 47)"},
	{.name = "voice",
	 .type = TC_STRING,
	 .offset = FIELD(voice),
	 .min = 1,
	 .max = 63,
	 .help = "espeak-ng's name of it, as en-gb+f3; default: the best for language"},
	{.name = "rate",
	 .type = TC_INT,
	 .offset = FIELD(rate),
	 .def = "150",
	 .min = 80,
	 .max = 450,
	 .unit = "words/min",
	 .help = "how fast it speaks"},
	{.name = "pitch",
	 .type = TC_INT,
	 .offset = FIELD(pitch),
	 .def = "50",
	 .min = 0,
	 .max = 99,
	 .help = "how high it speaks"},
	{.name = "volume",
	 .type = TC_INT,
	 .offset = FIELD(volume),
	 .def = "100",
	 .min = 1,
	 .max = 200,
	 .unit = "percent",
	 .help = "how loud; above 100 it may distort"},
	{.name = "word_gap",
	 .type = TC_DURATION,
	 .offset = FIELD(word_gap),
	 .def = "0ms",
	 .min = 0,
	 .max = 2000,
	 .help = "additional pause between words, in steps of 10 ms"},
	{.name = "data_dir",
	 .type = TC_STRING,
	 .offset = FIELD(data_dir),
	 .min = 1,
	 .max = 400,
	 .help = "folder with espeak-ng-data; default: where the library has it"},
	TC_OPTION_END,
};

/*
 * The text with spaces for what the library takes as orders: control characters (Ctrl-A begins a
 * command) and the private use area, which it uses for itself.
 *
 * result  owned; NULL when the text is empty, too long, or not UTF-8
 */
static char *plain_text(const char *text)
{
	struct tc_buf out = {0};
	size_t len;

	if (!text || !*text || strnlen(text, TEXT_MAX + 1) > TEXT_MAX)
		return NULL;
	for (; *text; text += len) {
		uint32_t code;

		len = tc_utf8_decode(text, &code);
		if (!len) {
			tc_buf_fini(&out);
			return NULL;
		}
		if (code < ' ' || (code >= 0x7f && code < 0xa0) ||
		    (code >= 0xe000 && code <= 0xf8ff) || code >= 0xf0000)
			tc_buf_puts(&out, " ");
		else
			tc_buf_add(&out, text, len);
	}
	return tc_buf_take(&out);
}

static void job_free(struct job *job)
{
	free(job->text);
	free(job->language);
	free(job->voice);
	free(job);
}

/* The library's orders for this request. */
static int set_up(const struct job *job, struct engine_setup *setup)
{
	const struct espeak *e = job->espeak;

	*setup = e->setup;
	if (job->rate)
		setup->rate = job->rate;
	if (job->voice)
		return catalog_find(&e->catalog, job->voice, setup->id);
	if (job->language)
		return catalog_match(&e->catalog, job->language, e->setup.id, setup->id);
	return 0;
}

static const char *explain(int err)
{
	switch (err) {
	case 0:
		return NULL;
	case -ENOENT:
		return "espeak-ng has no such voice or language";
	case -ENOMEM:
		return "there is no memory for the speech";
	case -ECANCELED:
		return "cancelled";
	default:
		return "espeak-ng failed, or made no sound of the text";
	}
}

static void run(struct tc_op *op, void *arg)
{
	struct job *job = arg;
	struct espeak *e = job->espeak;
	struct engine_setup setup;
	struct tc_clip *clip = NULL;
	int err = set_up(job, &setup);

	if (!err)
		err = engine_speak(&setup, job->text, op, &clip);
	__atomic_sub_fetch(&e->waiting, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&e->syntheses, 1, __ATOMIC_RELAXED);
	if (err && err != -ECANCELED && err != -ENOENT)
		__atomic_add_fetch(&e->errors, 1, __ATOMIC_RELAXED);
	if (err != -ECANCELED && err != -ENOENT) /* these say nothing about the library */
		__atomic_store_n(&e->last_err, err, __ATOMIC_RELAXED);
	job_free(job);
	tc_op_done(op, err, clip, explain(err));
}

static int synthesize(void *state, struct tc_op *op, const struct tc_tts_request *request)
{
	struct espeak *e = state;
	char *text;
	struct job *job;
	int err;

	if (request->rate && (request->rate < 80 || request->rate > 450))
		return -EINVAL;
	text = plain_text(request->text);
	if (!text)
		return -EINVAL;
	job = tc_alloc(sizeof(*job));
	job->espeak = e;
	job->text = text;
	job->language = tc_strdup(request->language);
	job->voice = tc_strdup(request->voice);
	job->rate = request->rate;
	__atomic_add_fetch(&e->waiting, 1, __ATOMIC_RELAXED);
	err = tc_lane_submit(e->lane, run, op, job);
	if (err) {
		__atomic_sub_fetch(&e->waiting, 1, __ATOMIC_RELAXED);
		job_free(job);
	}
	return err;
}

static int fingerprint(void *state, char *buf, size_t size_bytes)
{
	const struct engine_setup *s = &((struct espeak *)state)->setup;

	return snprintf(buf, size_bytes, "espeak-ng %.20s %s rate=%d pitch=%d volume=%d gap=%d",
			engine_version(), s->id, s->rate, s->pitch, s->volume, s->word_gap_ms);
}

/* A voice of another language than the instance says is chosen for the wrong messages. */
static void check_language(const struct espeak *e)
{
	char id[VOICE_ID_SIZE];

	if (catalog_match(&e->catalog, e->cfg->language, e->setup.id, id) ||
	    strcmp(id, e->setup.id))
		tc_log(e->self, TC_LOG_WARN,
		       "voice %s is not the one for language %s: is that meant?", e->cfg->voice,
		       e->cfg->language);
}

static int choose_voice(struct espeak *e)
{
	int err = e->cfg->voice ? catalog_find(&e->catalog, e->cfg->voice, e->setup.id)
				: catalog_match(&e->catalog, e->cfg->language, NULL, e->setup.id);

	if (err)
		tc_log(e->self, TC_LOG_ERROR, "espeak-ng has no voice %s in %s",
		       e->cfg->voice ? e->cfg->voice : e->cfg->language, e->setup.data);
	else if (e->cfg->voice)
		check_language(e);
	return err;
}

static int espeak_open(struct tc_instance *self, const void *cfg, void **state)
{
	const struct espeak_config *c = cfg;
	struct espeak *e = tc_alloc(sizeof(*e));
	int err;

	e->self = self;
	e->cfg = c;
	e->setup.rate = (int)c->rate;
	e->setup.pitch = (int)c->pitch;
	e->setup.volume = (int)c->volume;
	e->setup.word_gap_ms = (int)c->word_gap;
	err = engine_open(c->data_dir, e->setup.data, sizeof(e->setup.data), &e->catalog);
	if (err)
		tc_log(self, TC_LOG_ERROR, "espeak-ng finds no data in %s (Debian: espeak-ng-data)",
		       c->data_dir ? c->data_dir : "its folder");
	else
		err = choose_voice(e);
	if (err) {
		catalog_fini(&e->catalog);
		free(e);
		return err;
	}
	e->lane = tc_lane_open(self, "espeak", 1, LANE_DEPTH);
	*state = e;
	return 0;
}

static void espeak_close(void *state)
{
	struct espeak *e = state;

	tc_lane_close(e->lane);
	catalog_fini(&e->catalog);
	free(e);
}

static void espeak_status(void *state, struct tc_status *out)
{
	struct espeak *e = state;
	int err = __atomic_load_n(&e->last_err, __ATOMIC_RELAXED);

	tc_status_health(out, !err, "%s", err ? explain(err) : "");
	tc_status_text(out, "library", engine_version());
	tc_status_text(out, "voice", e->setup.id);
	tc_status_text(out, "data", e->setup.data);
	tc_status_number(out, "syntheses",
			 (double)__atomic_load_n(&e->syntheses, __ATOMIC_RELAXED));
	tc_status_number(out, "errors", (double)__atomic_load_n(&e->errors, __ATOMIC_RELAXED));
	tc_status_number(out, "waiting", (double)__atomic_load_n(&e->waiting, __ATOMIC_RELAXED));
}

static const struct tc_tts_ops espeak_ops = {
	.synthesize = synthesize,
	.fingerprint = fingerprint,
};

TC_API const struct tc_plugin tc_plugin = {
	TC_PLUGIN_GUARD(TC_KIND_TTS),
	.name = "espeak",
	.version = TC_VERSION,
	.summary = "speech made in process by espeak-ng: small, fast, 100 languages",
	.options = espeak_options,
	.config_size = sizeof(struct espeak_config),
	.open = espeak_open,
	.close = espeak_close,
	.status = espeak_status,
	.ops = &espeak_ops,
};
