/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The offsets of one time zone, out of its compiled file and the rule at the end of that.
 */
#ifndef CORE_ONCALL_TZFILE_H
#define CORE_ONCALL_TZFILE_H

#include <tocsin/defs.h>

/* Seconds east of UTC; the offset changes at each of the instants at[]. */
struct tzfile {
	int64_t *at;       /* owned; seconds since 1970 UTC, ascending */
	int32_t *offset_s; /* owned; n + 1 of them: offset_s[i] is in force before at[i] */
	size_t n, room;
};

/*
 * Read what stands in a file.
 *
 * data    the file's bytes, untrusted
 * result  0 | -EINVAL it is not such a file
 * source  RFC 9636; POSIX.1 "TZ" for the rule, which is written out up to the year 2200
 */
int tzfile_read(struct tzfile *file, const unsigned char *data, size_t size_bytes);
void tzfile_fini(struct tzfile *file);

/* Days since 1970 of a date of the Gregorian calendar; month 1..12, day any. */
int64_t tzfile_days(int64_t year, int month, int64_t day);

#endif
