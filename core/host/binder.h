/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the binder (option*.c) share among themselves. Nobody else includes this.
 */
#ifndef CORE_HOST_BINDER_H
#define CORE_HOST_BINDER_H

#include <tocsin/option.h>

#include "host/arena.h"
#include "host/errors.h"

/* Where the values come from: what they may look like, and how it is called in faults. */
enum binder_source {
	BINDER_JSON,  /* typed values */
	BINDER_QUERY, /* all text */
	BINDER_YAML,  /* all text; secrets may stand elsewhere */
};

/* One call of tc_options_fill(). */
struct binder {
	struct arena *arena;
	struct tc_errors *errs;
	const char *base; /* path of the object from the root */
	enum binder_source source;
	size_t faults; /* found so far, also such as the list no longer keeps */
};

/* Where a value stands, innermost part first. */
struct binder_path {
	const struct binder_path *up; /* NULL: below the object that is filled */
	const char *key;              /* NULL: index */
	size_t index;
};

/* A fault at a value or key; path NULL: the object that is filled. */
void binder_fault(struct binder *b, const struct binder_path *path, enum errors_at at,
		  const char *fmt, ...) TC_PRINTF(4, 5);

/*
 * Fill field from a value other than null by option o: all types that have no parts. False after a
 * fault.
 */
bool binder_scalar(struct binder *b, const struct tc_option *o, const struct binder_path *path,
		   const json_t *value, void *field);
/* The text of a JSON string, copied; NULL after a fault: no text, not UTF-8, with a NUL. */
const char *binder_text(struct binder *b, const struct binder_path *path, const json_t *value);
/* The same for bytes from elsewhere. */
const char *binder_bytes(struct binder *b, const struct binder_path *path, const char *text,
			 size_t len);
/* Whether n (a length, a count, a value) is in the option's range; a fault if not. */
bool binder_range(struct binder *b, const struct tc_option *o, const struct binder_path *path,
		  int64_t n);

/*
 * The text of a secret that is given as X, X_file or X_env; the latter two only where they are
 * allowed.
 *
 * value   of X itself, or NULL
 * given   receives whether any of the three stands in the object
 * result  NULL when it is not given, or after a fault
 */
const char *binder_secret(struct binder *b, const struct tc_option *o,
			  const struct binder_path *path, const json_t *object, bool *given);
/* Whether key is X_file or X_env of a secret X that the table has. */
bool option_secret_form(const struct tc_option *table, const char *key);

/* The option called name, or NULL. */
const struct tc_option *option_find(const struct tc_option *table, const char *name);
/*
 * As option_nearest(), also for the names in skip (may be NULL) and, with forms, for X_file and
 * X_env; "" = none.
 */
#define OPTION_NAME_SIZE 64
const char *option_suggest(char buf[OPTION_NAME_SIZE], const struct tc_option *table,
			   const char *const *skip, bool forms, const char *name);

/* The type and the range of an option in words ("duration", "1s to 5m", "" = any). */
const char *option_type_text(const struct tc_option *o);
#define OPTION_RANGE_SIZE 128
const char *option_range_text(char buf[OPTION_RANGE_SIZE], const struct tc_option *o);

#endif
