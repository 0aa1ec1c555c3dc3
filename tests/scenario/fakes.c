/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scripted trunk and the scripted voice, and the faults of the store.
 */
#include "scenario/fakes.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/store.h>

#include "host/host.h"

struct fakes fakes = {.calls = TAILQ_HEAD_INITIALIZER(fakes.calls),
		      .asked = STAILQ_HEAD_INITIALIZER(fakes.asked)};

/* ---- the trunk ---- */

struct pbx_cfg {
	int64_t max_calls;
	double calls_per_second;
};

static const struct tc_option pbx_options[] = {
	{.name = "max_calls",
	 .type = TC_INT,
	 .offset = offsetof(struct pbx_cfg, max_calls),
	 .def = "50",
	 .min = 1,
	 .max = 10000,
	 .help = "calls at once"},
	{.name = "calls_per_second",
	 .type = TC_DOUBLE,
	 .offset = offsetof(struct pbx_cfg, calls_per_second),
	 .def = "1000",
	 .help = "new calls"},
	TC_OPTION_END,
};

static struct fake_asked *note(const char *verb, const char *more)
{
	struct fake_asked *a = tc_alloc(sizeof(*a));

	a->what = tc_asprintf("%s %s", verb, more);
	STAILQ_INSERT_TAIL(&fakes.asked, a, link);
	return a;
}

void fake_asked_free(struct fake_asked *a)
{
	free(a->what);
	free(a);
}

struct fake_call *fake_call_find(const char *number)
{
	size_t len = strcspn(number, "#");
	long nth = number[len] ? strtol(number + len + 1, NULL, 10) : 0;
	struct fake_call *c, *found = NULL;

	TAILQ_FOREACH(c, &fakes.calls, link) {
		if (strlen(c->number) != len || strncmp(c->number, number, len) != 0)
			continue;
		if (nth && !--nth)
			return c;
		if (!found || found->ended || !c->ended)
			found = c;
	}
	return found;
}

static struct fake_call *by_id(const char *id)
{
	struct fake_call *c;

	TAILQ_FOREACH(c, &fakes.calls, link)
		if (!strcmp(c->id, id))
			return c;
	return NULL;
}

/* Once, when the script wants it. */
static bool refuses(void *state)
{
	if (!fakes.refuse || strcmp(fakes.refuse, tc_instance_name(state)) != 0)
		return false;
	fakes.refuse = NULL;
	return true;
}

struct fake_call *fake_call_new(const char *id, const char *number)
{
	struct fake_call *c = tc_alloc(sizeof(*c));

	tc_strcopy(c->id, sizeof(c->id), id);
	tc_strcopy(c->number, sizeof(c->number), number);
	TAILQ_INSERT_TAIL(&fakes.calls, c, link);
	return c;
}

static int pbx_originate(void *state, const struct tc_pbx_originate *o)
{
	const char *trunk = tc_instance_name(state);
	char *text;

	if (refuses(state))
		return -EHOSTDOWN;
	fake_call_new(o->call_id, o->number);
	text = tc_asprintf("%s %s", trunk, o->number);
	note("originate", text);
	free(text);
	return 0;
}

static int pbx_play(void *state, const char *call_id, uint32_t play_id,
		    const struct tc_pbx_item *items, size_t n)
{
	struct fake_call *c = by_id(call_id);
	struct fake_asked *a;

	if (!c)
		return -ENOENT;
	if (n && refuses(state))
		return -EHOSTDOWN;
	a = note(n ? "play" : "stop", c->number);
	a->items = (unsigned)n;
	c->play_id = play_id;
	c->items = (unsigned)n;
	c->done = 0;
	for (size_t i = 0; i < n && i < 64; i++) {
		tc_strcopy(a->keys[i], sizeof(a->keys[i]),
			   items[i].clip ? items[i].clip->key : "-");
		c->item_ms[i] = items[i].clip ? (uint32_t)tc_clip_ms(items[i].clip)
					      : items[i].silence_ms;
	}
	return 0;
}

static void end_call(struct tc_instance *self, struct fake_call *c, enum tc_pbx_end end)
{
	struct tc_pbx_event e = {.type = TC_PBX_ENDED, .end = end, .total_ms = c->total_ms};

	c->ended = true;
	tc_strcopy(e.call_id, sizeof(e.call_id), c->id);
	tc_pbx_event(self, &e);
}

static int pbx_hangup(void *state, const char *call_id)
{
	struct fake_call *c = by_id(call_id);

	if (!c || c->ended)
		return -ENOENT;
	note("hangup", c->number);
	if (!fakes.forgets)
		end_call(state, c, TC_PBX_END_LOCAL);
	return 0;
}

static void report(struct tc_instance *self, const char *call_id, enum tc_pbx_event_type type)
{
	struct tc_pbx_event e = {.type = type};

	tc_strcopy(e.call_id, sizeof(e.call_id), call_id);
	tc_pbx_event(self, &e);
}

/* What an earlier process played is stopped. The script says what becomes of the call. */
static int pbx_recover(void *state, const char *call_id, const char *number, const char *ref)
{
	struct fake_call *c = by_id(call_id);

	(void)ref;
	if (!c) /* the crash came between the commit and the request */
		c = fake_call_new(call_id, number);
	note("recover", number);
	c->items = 0;
	c->total_ms = 0; /* the new process has sent nothing yet */
	if (c->adopt && !c->ended)
		report(state, call_id, c->adopt);
	return 0;
}

/* The script says when: "ANSWER from:+4930". */
static int pbx_answer(void *state, const char *call_id)
{
	struct fake_call *c = by_id(call_id);

	if (!c || c->ended)
		return -ENOENT;
	if (refuses(state))
		return -EHOSTDOWN;
	note("answer", c->number);
	return 0;
}

static int pbx_release(void *state, const char *call_id)
{
	struct fake_call *c = by_id(call_id);

	if (!c || c->ended)
		return -ENOENT;
	if (refuses(state))
		return -EHOSTDOWN;
	c->items = 0;
	note("release", c->number);
	return 0;
}

static const struct tc_pbx_ops pbx_ops = {.originate = pbx_originate,
					  .play = pbx_play,
					  .hangup = pbx_hangup,
					  .recover = pbx_recover,
					  .answer = pbx_answer,
					  .release = pbx_release};

static int pbx_open(struct tc_instance *self, const void *cfg, void **state)
{
	(void)cfg;
	fakes.trunk[fakes.trunks++] = self;
	*state = self;
	if (fakes.found[0])
		report(self, fakes.found, TC_PBX_FOUND);
	fakes.found[0] = '\0';
	return 0;
}

static void pbx_close(void *state)
{
	(void)state;
}

const struct tc_plugin fake_pbx = {TC_PLUGIN_GUARD(TC_KIND_PBX),
				   .name = "script",
				   .version = "1",
				   .summary = "a scripted trunk",
				   .options = pbx_options,
				   .config_size = sizeof(struct pbx_cfg),
				   .open = pbx_open,
				   .close = pbx_close,
				   .ops = &pbx_ops};

/* ---- the voice ---- */

struct tts_cfg {
	const char *language;
};

static const struct tc_option tts_options[] = {
	{.name = "language", .type = TC_STRING, .offset = offsetof(struct tts_cfg, language),
	 .def = "en", .help = "language"},
	TC_OPTION_END,
};

/*
 * One second of a square wave whose period depends on the text: something to hear, for the trimming
 * to keep.
 */
static int tts_synthesize(void *state, struct tc_op *op, const struct tc_tts_request *request)
{
	struct tc_clip *clip;
	unsigned period = 20;

	(void)state;
	if (fakes.mute) {
		tc_op_done(op, -EIO, NULL, "the scripted voice is mute");
		return 0;
	}
	for (const char *s = request->text; *s; s++)
		period = 20 + (period + (unsigned char)*s) % 60;
	clip = tc_clip_new(8000, 8000);
	for (size_t i = 0; i < clip->samples; i++)
		clip->pcm[i] = i / period % 2 ? 8000 : -8000;
	if (fakes.slow && fakes.held_n < 16)
		fakes.held[fakes.held_n++] = (struct fake_held){op, clip};
	else
		tc_op_done(op, 0, clip, NULL);
	return 0;
}

void fake_release(void)
{
	for (unsigned i = 0; i < fakes.held_n; i++)
		tc_op_done(fakes.held[i].op, 0, fakes.held[i].clip, NULL);
	fakes.held_n = 0;
	fakes.slow = false;
}

static int tts_fingerprint(void *state, char *buf, size_t size_bytes)
{
	(void)state;
	tc_strcopy(buf, size_bytes, "script");
	return (int)strlen(buf);
}

static int tts_open(struct tc_instance *self, const void *cfg, void **state)
{
	(void)cfg;
	*state = self;
	return 0;
}

static const struct tc_tts_ops tts_ops = {.synthesize = tts_synthesize,
					  .fingerprint = tts_fingerprint};

const struct tc_plugin fake_tts = {TC_PLUGIN_GUARD(TC_KIND_TTS),
				   .name = "script",
				   .version = "1",
				   .summary = "a scripted voice",
				   .options = tts_options,
				   .config_size = sizeof(struct tts_cfg),
				   .open = tts_open,
				   .close = pbx_close,
				   .ops = &tts_ops};

/* ---- the store's faults ---- */

static const struct tc_store_ops *real;

static int store_begin(struct tc_db *db, bool write)
{
	return write && atomic_load(&fakes.store_locked) ? -EAGAIN : real->begin(db, write);
}

static int store_commit(struct tc_db *db)
{
	int err = real->commit(db);

	return atomic_exchange(&fakes.store_unsure, false) ? -EHOSTDOWN : err;
}

void fake_store(struct tc_instance *self)
{
	static struct tc_store_ops ops;
	static struct tc_plugin plugin;

	real = self->plugin->ops;
	ops = *real;
	ops.begin = store_begin;
	ops.commit = store_commit;
	plugin = *self->plugin;
	plugin.ops = &ops;
	self->plugin = &plugin;
}
