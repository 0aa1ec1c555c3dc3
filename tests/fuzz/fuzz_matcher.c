/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the first line is an expression of a maintenance window, the rest the value of a
 * label. What is taken must be matched in a moment, and like and unlike must contradict each other.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "oncall/matcher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	size_t len = line ? (size_t)(line - data) : size;
	char *expression = tc_strndup(size ? (const char *)data : "", len);
	char *value = tc_strndup(line ? (const char *)line + 1 : "", line ? size - len - 1 : 0);
	struct matcher *like, *unlike;
	char fault[200] = "";

	like = matcher_new("x", MATCHER_LIKE, expression, fault, sizeof(fault));
	assert(!like == !!*fault);
	unlike = matcher_new("x", MATCHER_UNLIKE, expression, fault, sizeof(fault));
	assert(!like == !unlike);
	if (like)
		assert(matcher_matches(like, value) != matcher_matches(unlike, value));
	matcher_free(like);
	matcher_free(unlike);
	free(expression);
	free(value);
	return 0;
}
