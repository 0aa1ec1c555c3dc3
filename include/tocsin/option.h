/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One table that is schema, default, range, unit and help at once.
 *
 * The same tables describe the sections of tocsin.yaml, the settings of a plugin and the JSON
 * bodies of the HTTP API: they drive validation, defaults, --check, --describe, the manual page,
 * the API's description and the masking of secrets. The values arrive in a typed struct.
 */
#ifndef TOCSIN_OPTION_H
#define TOCSIN_OPTION_H

#include <tocsin/defs.h>

#include <jansson.h>

/* The type of an option, and of the field that it fills. */
enum tc_option_type {
	TC_STRING,   /* const char *; min, max = length in bytes */
	TC_SECRET,   /* const char *; never shown; also X_file and X_env in a configuration file */
	TC_BOOL,     /* bool */
	TC_INT,      /* int64_t */
	TC_DOUBLE,   /* double */
	TC_DURATION, /* int64_t milliseconds; "500ms" "30s" "5m" "2h" "7d" */
	TC_SIZE,     /* int64_t bytes; "64k" "100M" "2G" (powers of 1024) */
	TC_ENUM,     /* int: index into choices */
	TC_STRINGS,  /* struct tc_strings */
	TC_MAP,      /* struct tc_map: text to text */
	TC_OBJECT,   /* a struct described by sub, in place */
	TC_LIST,     /* struct tc_list of structs described by sub; without sub: of const json_t *,
			each an object, borrowed */
	TC_JSON,     /* json_t *, borrowed from the document: any JSON value, checked by its user */
};

enum {
	TC_REQUIRED = 1 << 0, /* must be given, and not empty */
	TC_RELOAD = 1 << 1,   /* may change on SIGHUP without a restart */
};

struct tc_option {
	const char *name;
	enum tc_option_type type;
	size_t offset;              /* of the field in the struct */
	unsigned flags;
	const char *def;            /* default as it would be written in the file ("30s", "[a, b]");
				       NULL = zero, NULL, empty */
	int64_t min, max;           /* both 0 = no limit; in the field's unit (ms, bytes, count,
				       length); max 0 with min > 0 = no upper limit */
	const char *const *choices; /* TC_ENUM: names, NULL-terminated */
	const struct tc_option *sub; /* TC_OBJECT, TC_LIST: table of the inner struct */
	size_t sub_size;            /* and its size */
	const char *unit;           /* for people, when the type does not say it: "words/min" */
	const char *help;           /* one line */
};

/* Ends a table. */
#define TC_OPTION_END { .name = NULL }

struct tc_strings {
	const char **v;
	size_t n;
};

struct tc_pair {
	const char *key, *value;
};

struct tc_map {
	struct tc_pair *v;
	size_t n;
};

struct tc_list {
	void *v; /* n structs of sub_size bytes, one behind the other */
	size_t n;
};

/* Faults found in a configuration or a request: all of them, not only the first. */
struct tc_errors;

/*
 * Note a fault.
 *
 * field   path of the option ("codecs[1]", "uri"), or NULL for the whole
 * fmt     a sentence that says what is wrong and what is wanted
 * thread  that of errs
 */
TC_API void tc_errors_add(struct tc_errors *errs, const char *field, const char *fmt, ...)
	TC_PRINTF(3, 4);

/* How many faults there are. */
TC_API size_t tc_errors_count(const struct tc_errors *errs);

/* An empty list of faults (e.g. to check a JSON body); tc_errors_free() releases it. */
TC_API struct tc_errors *tc_errors_new(void);
TC_API void tc_errors_free(struct tc_errors *errs);

/* Field and text of fault i (0-based); both live as long as errs. field may be NULL. */
TC_API const char *tc_errors_field(const struct tc_errors *errs, size_t i);
TC_API const char *tc_errors_text(const struct tc_errors *errs, size_t i);

/*
 * Fill a struct from a JSON object by a table: unknown fields, wrong types, values out of range and
 * missing required fields are faults; what is not given gets its default; null counts as not given.
 *
 * table    ends with TC_OPTION_END
 * object   the document, borrowed: it must outlive the struct
 * out      zeroed struct; its pointers live in *memory
 * memory   receives what out points into; tc_options_release() frees it (also after an error)
 * errs     receives the faults
 * result   0, or -EINVAL when there was a fault
 * thread   any
 */
TC_API int tc_options_fill(const struct tc_option *table, const json_t *object, void *out,
			   void **memory, struct tc_errors *errs);
TC_API void tc_options_release(void *memory);

#endif
