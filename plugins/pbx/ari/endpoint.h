/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a number to the endpoint that Asterisk is asked to call.
 */
#ifndef ARI_ENDPOINT_H
#define ARI_ENDPOINT_H

#include <tocsin/defs.h>

#define ENDPOINT_SIZE 512

/*
 * Put a number into a template: {number} (or py-phone-caller's {phone}) is replaced; a template
 * without either is a technology and a trunk: PJSIP/TRUNK becomes PJSIP/NUMBER@TRUNK, any other
 * TECH/TRUNK becomes TECH/TRUNK/NUMBER.
 *
 * template  "PJSIP/{number}@provider", "Local/{number}@context", "SIP/provider"
 * plus      stands for a leading "+" of the number
 * number    [+]digits, * and #
 * result    0 | -EINVAL a character that no number has, or too long
 * thread    any
 */
int endpoint_format(const char *template, const char *plus, const char *number,
		    char endpoint[ENDPOINT_SIZE]);

/* What is wrong with a template, constant text; NULL = nothing. */
const char *endpoint_fault(const char *template);

#endif
