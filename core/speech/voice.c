/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Choosing among the voices, and their figures. Whether something is cached is not known here.
 */
#include "speech/voice.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>
#include <tocsin/utf8.h>

#include "host/host.h"

#define REST_US    (INT64_C(30) * 1000000)
#define KEY_FORMAT "prompt 1" /* to be changed when convert.c makes another sound */
#define NO_RATE    "0"        /* the instance's own */

void voices_init(struct voices *voices)
{
	TAILQ_INIT(&voices->list);
	voices->n = 0;
}

void voices_fini(struct voices *voices)
{
	struct voice *voice;

	while ((voice = TAILQ_FIRST(&voices->list))) {
		TAILQ_REMOVE(&voices->list, voice, link);
		free(voice);
	}
	voices->n = 0;
}

/* Every plugin of this kind may have a setting "language"; it is read where the plugin has it. */
static const char *language_of(const struct tc_instance *instance)
{
	for (const struct tc_option *o = instance->plugin->options; o && o->name; o++) {
		const char *value;

		if (o->type != TC_STRING || strcmp(o->name, "language"))
			continue;
		memcpy(&value, (const char *)instance->cfg + o->offset, sizeof(value));
		return value ? value : "";
	}
	return "";
}

void voices_add(struct voices *voices, struct tc_instance *instance)
{
	struct voice *voice = tc_alloc(sizeof(*voice));

	voice->instance = instance;
	voice->ops = instance->plugin->ops;
	voice->language = language_of(instance);
	TAILQ_INIT(&voice->queue);
	TAILQ_INSERT_TAIL(&voices->list, voice, link);
	voices->n++;
}

static int letter(char c)
{
	return c == '_' ? '-' : tolower((unsigned char)c);
}

static bool ends_subtag(char c)
{
	return !c || letter(c) == '-';
}

/*
 * How well two language tags fit: 3 the same, 2 one is part of the other, 1 the same language, 0.
 */
static int language_fit(const char *a, const char *b)
{
	bool same_language = false;
	size_t n = 0;

	for (; a[n] && letter(a[n]) == letter(b[n]); n++)
		same_language = same_language || letter(a[n]) == '-';
	if (!n || !a[n] == !b[n])
		return n && !a[n] ? 3 : same_language;
	if (ends_subtag(a[n]) && ends_subtag(b[n]))
		return 2;
	return same_language;
}

static int score(const struct voice *voice, const char *name, const char *language)
{
	int points = language ? language_fit(voice->language, language) : 0;

	return name && !strcmp(tc_instance_name(voice->instance), name) ? 100 : points;
}

int voices_order(const struct voices *voices, const char *name, const char *language,
		 int64_t now_us, struct voice **order)
{
	struct voice *voice;
	bool found = !name;
	size_t n = 0;

	TAILQ_FOREACH (voice, &voices->list, link) {
		int points = score(voice, name, language);
		bool rests = voice->rest_us > now_us;
		size_t at = n++;

		found = found || points == 100;
		/* a handful of voices: insertion keeps the order among equals */
		for (; at; at--) {
			bool other_rests = order[at - 1]->rest_us > now_us;

			if (other_rests < rests || (other_rests == rests &&
						    score(order[at - 1], name, language) >= points))
				break;
			order[at] = order[at - 1];
		}
		order[at] = voice;
	}
	return found && n ? 0 : -ENOENT;
}

void voice_key(const struct voice *voice, const char *language, const char *text,
	       char key[VOICE_KEY_SIZE])
{
	char print[256] = "";
	const char *const parts[] = {
		KEY_FORMAT, voice->instance->plugin->name, print, language ? language : "", NO_RATE,
		text,
	};
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct tc_buf all = {0};
	unsigned len = 0;

	voice->ops->fingerprint(voice->instance->state, print, sizeof(print));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		tc_buf_add(&all, parts[i], strlen(parts[i]) + 1);
	if (!EVP_Digest(all.data, all.len, hash, &len, EVP_sha256(), NULL) ||
	    len * 2 + 1 != VOICE_KEY_SIZE)
		abort(); /* a library without SHA-256 */
	tc_buf_fini(&all);
	for (unsigned i = 0; i < len; i++) {
		key[2 * i] = "0123456789abcdef"[hash[i] >> 4];
		key[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
	}
	key[2 * len] = '\0';
}

/* What this request wanted cannot be had, or nobody wants it any more: the next one may do well. */
static bool is_requests_fault(int err)
{
	return err == -EINVAL || err == -ENOENT || err == -EBUSY || err == -ECANCELED ||
	       err == -ENODATA;
}

/* Copy a plugin's text, up to what is not UTF-8 or has no room. */
static void copy_text(char *dst, size_t size, const char *text)
{
	size_t used = 0, len;
	uint32_t code;

	while (text[used] && (len = tc_utf8_decode(text + used, &code)) && used + len < size)
		used += len;
	memcpy(dst, text, used);
	dst[used] = '\0';
}

void voice_note(struct voice *voice, int err, const char *text, int64_t spent_us, int64_t now_us)
{
	if (err == -ECANCELED)
		return;
	voice->syntheses++;
	if (err)
		voice->errors++;
	if (is_requests_fault(err))
		return;
	if (!err) {
		voice->busy_us += spent_us;
		if (voice->text[0])
			tc_log(voice->instance, TC_LOG_INFO, "speaks again");
		voice->text[0] = '\0';
		voice->rest_us = 0;
		return;
	}
	if (!text || !*text)
		text = tc_strerror(err);
	if (!voice->text[0])
		tc_log(voice->instance, TC_LOG_WARN, "cannot speak: %s", text);
	copy_text(voice->text, sizeof(voice->text), text);
	voice->rest_us = now_us + REST_US;
}

static json_t *voice_status(const struct voice *voice)
{
	json_t *of_plugin = instance_status(voice->instance);
	const char *text = json_string_value(json_object_get(of_plugin, "text"));
	bool healthy = !voice->text[0] && json_is_true(json_object_get(of_plugin, "healthy"));
	uint64_t good = voice->syntheses - voice->errors;
	json_t *json =
		json_pack("{s:s, s:s, s:b, s:s, s:s, s:I, s:I, s:f, s:I}", "name",
			  tc_instance_name(voice->instance), "plugin",
			  voice->instance->plugin->name, "healthy", (int)healthy, "text",
			  voice->text[0] ? voice->text
			  : text         ? text
					 : "",
			  "language", voice->language, "syntheses", (json_int_t)voice->syntheses,
			  "errors", (json_int_t)voice->errors, "average_ms",
			  good ? (double)voice->busy_us / 1000.0 / (double)good : 0.0, "waiting",
			  (json_int_t)(voice->queued + voice->live));

	json_decref(of_plugin);
	return json;
}

json_t *voices_status(const struct voices *voices)
{
	json_t *list = json_array();
	const struct voice *voice;

	TAILQ_FOREACH (voice, &voices->list, link)
		json_array_append_new(list, voice_status(voice));
	return list;
}
