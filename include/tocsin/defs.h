/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every other header needs: the export mark, results, and nothing else.
 */
#ifndef TOCSIN_DEFS_H
#define TOCSIN_DEFS_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The daemon exports to plugins what carries this mark, and nothing else. */
#define TC_API __attribute__((visibility("default")))

#define TC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/*
 * Results are 0 or a negative errno. Own codes beside errno:
 *
 * TC_EUNSURE  it may have happened: the request left, no answer came. Never to be repeated blindly.
 */
#define TC_EUNSURE (-4001)

/* Length of an id (UUIDv7 in text form, RFC 9562) with its final NUL. */
#define TC_ID_SIZE 37

/*
 * Text for a result code, for people.
 *
 * err     0, a negative errno, or one of the codes above
 * result  a constant string; never NULL
 * thread  any
 */
TC_API const char *tc_strerror(int err);

#endif
