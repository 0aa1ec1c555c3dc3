/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the input is a configuration file; it is read and bound by the core's table and by
 * one with every type but secrets, which would open files.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct every {
	const char *text;
	bool flag;
	int64_t count, wait, room;
	double ratio;
	struct tc_strings names;
	struct tc_list parts, raw;
	const json_t *any;
};

struct part {
	const char *name;
	struct tc_map labels;
};

static const struct tc_option part_table[] = {
	{"name", TC_STRING, offsetof(struct part, name), .flags = TC_REQUIRED},
	{"labels", TC_MAP, offsetof(struct part, labels), .max = 3},
	TC_OPTION_END,
};

#define AT(field) .offset = offsetof(struct every, field)
static const struct tc_option every_table[] = {
	{"t", TC_STRING, AT(text), .flags = TC_REQUIRED, .min = 1, .max = 5},
	{"f", TC_BOOL, AT(flag)},
	{"c", TC_INT, AT(count), .min = -5, .max = 5},
	{"w", TC_DURATION, AT(wait)},
	{"r", TC_SIZE, AT(room)},
	{"d", TC_DOUBLE, AT(ratio), .max = 1},
	{"n", TC_STRINGS, AT(names), .def = "[a]"},
	{"p", TC_LIST, AT(parts), .sub = part_table, .sub_size = sizeof(struct part)},
	{"l", TC_LIST, AT(raw)},
	{"a", TC_JSON, AT(any)},
	TC_OPTION_END,
};
#undef AT

/* Every fault is one line of text and, if it has a place, has it in the file. */
static void check_faults(const struct tc_errors *errs)
{
	char *text = NULL;
	size_t len = 0, lines = 0;
	FILE *file = open_memstream(&text, &len);

	errors_print(errs, file);
	fclose(file);
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	assert(strlen(text) == len);
	assert(lines == tc_errors_count(errs));
	assert(!lines || !strncmp(text, "fuzz:", 5));
	free(text);
}

static void bind(const struct tc_option *table, const struct yaml_doc *doc, void *out,
		 struct tc_errors *errs)
{
	size_t before = tc_errors_count(errs);
	void *memory;
	int err;

	errors_set_doc(errs, doc);
	err = tc_options_fill(table, yaml_root(doc), out, &memory, errs);
	assert(err || before == tc_errors_count(errs));
	tc_options_release(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tc_errors *errs = tc_errors_new();
	struct yaml_doc *doc = yaml_parse("fuzz", (const char *)data, size, errs);
	struct config cfg = {0};
	struct every every = {0};

	assert(doc || tc_errors_count(errs) > 0);
	if (doc) {
		char *json = json_dumps(yaml_root(doc), JSON_ENCODE_ANY);

		assert(json);
		free(json);
		bind(config_table, doc, &cfg, errs);
		bind(every_table, doc, &every, errs);
	}
	check_faults(errs);
	yaml_close(doc);
	tc_errors_free(errs);
	return 0;
}
