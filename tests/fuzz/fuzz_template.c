/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the first line is a template, the rest the JSON object it is filled in from; then
 * the result is made fit to be spoken.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/trigger.h>

#include "speech/speakable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	size_t len = line ? (size_t)(line - data) : size;
	char *template = tc_alloc(len + 1);
	json_t *values = line ? json_loadb((const char *)line + 1, size - len - 1, 0, NULL) : NULL;
	const char *fault = NULL;
	char *text;

	if (len) /* memcpy() takes no NULL */
		memcpy(template, data, len);
	text = tc_template_render(template, values, &fault);
	assert(!text == !!fault);
	if (text) {
		char *spoken = speakable_text(text);
		char *again = speakable_text(spoken);

		assert(strlen(text) <= 65536);
		assert(characters(spoken) <= SPEAKABLE_MAX);
		assert(characters(again) <= characters(spoken));
		free(spoken);
		free(again);
	}
	free(text);
	json_decref(values);
	free(template);
	return 0;
}
