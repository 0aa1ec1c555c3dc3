/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words for severities, in order: what is told first.
 */
#ifndef CORE_CALL_SEVERITY_H
#define CORE_CALL_SEVERITY_H

#define SEVERITY_CRITICAL 1 /* ranks up to it count as critical */

/* The lower the worse; a word that is not known is in the middle. severity: may be NULL */
int severity_rank(const char *severity);

#endif
