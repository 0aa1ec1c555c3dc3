/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prompts that are put up to be fetched by a PBX: their addresses, and the clips behind these.
 * Serving them is api/prompts.c; plugins come here by tocsin/prompt.h.
 */
#ifndef CORE_SPEECH_PROMPTS_H
#define CORE_SPEECH_PROMPTS_H

#include <tocsin/audio.h>

struct loop;
struct prompts;
struct speech;

#define PROMPT_NAME_SIZE 65

/*
 * state_dir   where the secret of the signatures is kept, "prompt.key"; made when it is not there.
 *             Blocks: for the start
 * public_url  copied; NULL: nothing can be put up
 * result      NULL when the secret can be neither read nor made (logged)
 */
struct prompts *prompts_new(struct loop *loop, struct speech *speech, const char *state_dir,
			    const char *public_url);
void prompts_free(struct prompts *prompts);
/* After a reload. */
void prompts_reconfigure(struct prompts *prompts, const char *public_url);

/* As tc_prompt_url(). url: TC_PROMPT_URL_SIZE bytes */
int prompts_publish(struct prompts *prompts, struct tc_clip *clip, char *url);

/* Whether name is one at all, and the signature is one of these days for it. */
bool prompts_signed(const struct prompts *prompts, const char *name, const char *signature);

/* The clip of a name, one reference, from memory; NULL: it may still be in a file. */
struct tc_clip *prompts_find(struct prompts *prompts, const char *name);

#endif
