/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/prompts/NAME.wav: what a PBX fetches to play it. Who has the address may hear it: its
 * signature is the key, so wrong ones learn nothing, not even whether there is such a prompt.
 */
#include "speech/prompts.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/prompt.h>

#include "api/private.h"
#include "speech/speech.h"

#define SUFFIX ".wav"

struct prompt_query {
	const char *s;
};

static const struct tc_option prompt_query[] = {
	{"s", TC_STRING, offsetof(struct prompt_query, s), .max = 64,
	 .help = "the signature, as it stands in the address that the PBX was given"},
	TC_OPTION_END,
};

/* One that is read from its file. */
struct fetching {
	LIST_ENTRY(fetching) link;
	struct tc_http_req *req;
};

static void not_found(struct tc_http_req *req)
{
	tc_http_problem(req, 404, NULL, "there is nothing at this path");
}

/* Fetched once and kept for a day: the address changes every day, the sound behind it never. */
static void answer(struct tc_http_req *req, const struct tc_clip *clip)
{
	void *data;
	size_t len;

	if (tc_clip_wav(clip, &data, &len)) {
		tc_http_problem(req, 503, NULL, "there is no memory for this prompt now");
		return;
	}
	tc_http_reply_header(req, "Cache-Control", "public, max-age=86400, immutable");
	tc_http_reply(req, 200, "audio/wav", data, len);
	free(data);
}

static void on_loaded(void *arg, struct tc_clip *clip)
{
	struct fetching *f = arg;

	if (clip)
		answer(f->req, clip);
	else
		not_found(f->req);
	tc_clip_unref(clip);
	LIST_REMOVE(f, link);
	free(f);
}

static void load(struct api *api, struct tc_http_req *req, const char *name)
{
	struct fetching *f = tc_alloc(sizeof(*f));
	int err = speech_load(api->deps.speech, name, on_loaded, f);

	if (err) {
		free(f);
		if (err == -EBUSY)
			api_busy(req);
		else
			not_found(req);
		return;
	}
	f->req = req;
	LIST_INSERT_HEAD(&api->fetchings, f, link);
}

/* "NAME.wav" -> NAME */
static bool name_of(const char *file, char name[PROMPT_NAME_SIZE])
{
	size_t len = strlen(file);

	if (len != PROMPT_NAME_SIZE - 1 + sizeof(SUFFIX) - 1 ||
	    strcmp(file + PROMPT_NAME_SIZE - 1, SUFFIX))
		return false;
	memcpy(name, file, PROMPT_NAME_SIZE - 1);
	name[PROMPT_NAME_SIZE - 1] = '\0';
	return true;
}

static void on_get(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	struct prompts *prompts = api->deps.prompts;
	const char *signature = tc_http_query(req, "s");
	char name[PROMPT_NAME_SIZE];
	struct tc_clip *clip;

	if (!signature || !name_of(tc_http_param(req, "file"), name) ||
	    !prompts_signed(prompts, name, signature)) {
		not_found(req);
		return;
	}
	clip = prompts_find(prompts, name);
	if (clip)
		answer(req, clip);
	else
		load(api, req, name);
	tc_clip_unref(clip);
}

static const struct tc_http_route routes[] = {
	{.method = TC_GET,
	 .path = "/v1/prompts/{file}",
	 .scope = TC_SCOPE_PUBLIC,
	 .fn = on_get,
	 .summary =
		 "A prompt that the PBX was told to play; the signature in the address is the key",
	 .query = prompt_query,
	 .success = 200,
	 .reply = "wav"},
	{.path = NULL},
};

void api_prompts_init(struct api *api)
{
	LIST_INIT(&api->fetchings);
	api_routes(api, routes);
}

void api_prompts_fini(struct api *api)
{
	struct fetching *f;

	while ((f = LIST_FIRST(&api->fetchings))) {
		LIST_REMOVE(f, link);
		free(f);
	}
}
