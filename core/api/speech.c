/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/speech: hear it first.
 */
#include "speech/speech.h"

#include <stdlib.h>

#include <tocsin/alloc.h>
#include <tocsin/prompt.h>

#include "api/private.h"

struct speech_body {
	const char *text, *voice, *language;
};

static const struct tc_option speech_body[] = {
	{"text", TC_STRING, offsetof(struct speech_body, text), TC_REQUIRED, .min = 1, .max = 4096,
	 .help = "what is said"},
	{"voice", TC_STRING, offsetof(struct speech_body, voice), .max = 64,
	 .help = "name of a configured voice; default: the first that speaks the language"},
	{"language", TC_STRING, offsetof(struct speech_body, language), .max = 35,
	 .help = "BCP 47"},
	TC_OPTION_END,
};

/* One that is under way. */
struct rendering {
	LIST_ENTRY(rendering) link;
	struct tc_http_req *req;
	struct speech_want *want;
	char *voice; /* owned; as it was asked for, or NULL */
};

static void rendering_free(struct rendering *r)
{
	LIST_REMOVE(r, link);
	free(r->voice);
	free(r);
}

static void answer_wav(struct tc_http_req *req, const struct tc_clip *clip)
{
	void *data;
	size_t len;

	if (tc_clip_wav(clip, &data, &len)) {
		tc_http_problem(req, 500, NULL, "there is no memory for that much speech");
		return;
	}
	tc_http_reply(req, 200, "audio/wav", data, len);
	free(data);
}

static void on_rendered(void *arg, int err, struct tc_clip *clip, const char *text)
{
	struct rendering *r = arg;
	const char *why = text ? text : tc_strerror(err);

	if (!err)
		answer_wav(r->req, clip);
	else if (err == -ENOENT)
		tc_http_problem(r->req, 422, r->voice ? "voice" : "language", "%s", why);
	else if (err == -EINVAL)
		tc_http_problem(r->req, 422, "text", "%s", why);
	else if (err == -EBUSY)
		api_busy(r->req);
	else
		tc_http_problem(r->req, err == -ETIMEDOUT ? 504 : 502, NULL,
				"the voice could not say it: %s", why);
	tc_clip_unref(clip);
	rendering_free(r);
}

static void on_post(struct tc_http_req *req, void *arg)
{
	struct api *api = arg;
	struct speech_body body = {0};
	struct rendering *r;

	if (tc_http_fields(req, &body))
		return;
	r = tc_alloc(sizeof(*r));
	r->req = req;
	r->voice = tc_strdup(body.voice);
	LIST_INSERT_HEAD(&api->renderings, r, link);
	r->want = speech_render(api->deps.speech,
				&(struct speech_text){.text = body.text,
						      .language = body.language,
						      .voice = body.voice},
				on_rendered, r);
}

static const struct tc_http_route routes[] = {
	{.method = TC_POST,
	 .path = "/v1/speech",
	 .scope = TC_SCOPE_ALERT,
	 .fn = on_post,
	 .summary = "Speak a text, as it would be spoken in a call",
	 .body = speech_body,
	 .success = 200,
	 .reply = "wav"},
	{.path = NULL},
};

void api_speech_init(struct api *api)
{
	LIST_INIT(&api->renderings);
	api_routes(api, routes);
}

void api_speech_fini(struct api *api)
{
	struct rendering *r;

	while ((r = LIST_FIRST(&api->renderings))) {
		speech_cancel(r->want);
		rendering_free(r);
	}
}
