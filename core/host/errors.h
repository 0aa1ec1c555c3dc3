/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inner side of the list of faults, for those that read documents: the YAML reader and the
 * binder. All others use option.h and config.h.
 *
 * A path is "" for the whole document, then names joined by "." and indices in brackets:
 * "trunks[0].uri".
 */
#ifndef CORE_HOST_ERRORS_H
#define CORE_HOST_ERRORS_H

#include <tocsin/alloc.h>
#include <tocsin/option.h>

struct yaml_doc;

/* More faults than this are not kept; the last one says so. */
#define ERRORS_MAX 1000

/* What a fault is about: a value (or what is missing in an object), or a key. */
enum errors_at { ERRORS_AT_VALUE, ERRORS_AT_KEY };

/*
 * Note a fault at a path from the root. Its place is that of the path or, if that is not in the
 * document, of the nearest that contains it.
 */
void errors_add_path(struct tc_errors *errs, enum errors_at at, const char *path, const char *fmt,
		     ...) TC_PRINTF(4, 5);
void errors_vadd_path(struct tc_errors *errs, enum errors_at at, const char *path, const char *fmt,
		      va_list ap) TC_PRINTF(4, 0);
/* Note a fault at a place. line 0: somewhere in the file. path may be NULL. */
void errors_add_place(struct tc_errors *errs, const char *file, unsigned line, unsigned column,
		      const char *path, const char *fmt, ...) TC_PRINTF(6, 7);

/* What was set with errors_set_doc(), or NULL; and with errors_set_lenient(). */
const struct yaml_doc *errors_doc(const struct tc_errors *errs);
/* Path of what was set with errors_set_object(), or "". */
const char *errors_base(const struct tc_errors *errs);
bool errors_lenient(const struct tc_errors *errs);

/*
 * Append a part to a path. A key is shown only to its first ":" and to 64 bytes: what follows a
 * colon without a space is a value, perhaps a secret.
 */
void errors_path_key(struct tc_buf *path, const char *key);
void errors_path_index(struct tc_buf *path, size_t index);
/* The key as errors_path_key() shows it, into a buffer of at least ERRORS_KEY_SIZE; returns buf. */
#define ERRORS_KEY_SIZE 72
const char *errors_key_text(char buf[ERRORS_KEY_SIZE], const char *key);

#endif
