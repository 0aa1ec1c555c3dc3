/* SPDX-License-Identifier: BSD-2-Clause */
/* Endpoint templates. Whether Asterisk knows the endpoint is its affair. */
#include "endpoint.h"

#include <ctype.h>
#include <string.h>

#include <tocsin/alloc.h>

/* Where the number goes, or NULL; *len of the word that stands for it. */
static const char *place(const char *template, size_t *len)
{
	static const char *const words[] = {"{number}", "{phone}"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		const char *at = strstr(template, words[i]);

		*len = strlen(words[i]);
		if (at)
			return at;
	}
	return NULL;
}

const char *endpoint_fault(const char *template)
{
	const char *slash = strchr(template, '/');
	size_t len;

	for (const char *p = template; *p; p++)
		if (iscntrl((unsigned char)*p) || *p == ' ' || *p == '&')
			return "must not have spaces, control characters or '&' in it";
	if (!slash || slash == template || !slash[1])
		return "must be TECHNOLOGY/RESOURCE: PJSIP/{number}@provider, "
		       "Local/{number}@context, SIP/provider";
	for (const char *p = template; p < slash; p++)
		if (!isalnum((unsigned char)*p))
			return "must begin with a channel technology: PJSIP/, Local/, SIP/";
	if (strchr(template, '{') && !place(template, &len))
		return "knows {number} only in braces";
	return NULL;
}

/* In a SIP URI "#" would begin something else (RFC 3261 25.1). */
static void add_number(struct tc_buf *out, const char *number, bool in_uri)
{
	for (const char *p = number; *p; p++) {
		if (*p == '#' && in_uri)
			tc_buf_puts(out, "%23");
		else
			tc_buf_add(out, p, 1);
	}
}

int endpoint_format(const char *template, const char *plus, const char *number,
		    char endpoint[ENDPOINT_SIZE])
{
	const char *digits = number + (*number == '+');
	struct tc_buf dialled = {0}, out = {0};
	size_t len;
	const char *at = place(template, &len);
	bool fits;

	if (!*digits || digits[strspn(digits, "0123456789*#")])
		return -EINVAL;
	if (*number == '+')
		tc_buf_puts(&dialled, plus ? plus : "");
	tc_buf_puts(&dialled, digits);
	if (at) {
		tc_buf_add(&out, template, (size_t)(at - template));
		add_number(&out, dialled.data, strstr(template, "/sip:") != NULL);
		tc_buf_puts(&out, at + len);
	} else if (!strncmp(template, "PJSIP/", 6)) {
		tc_buf_printf(&out, "PJSIP/%s@%s", dialled.data, template + 6);
	} else {
		tc_buf_printf(&out, "%s/%s", template, dialled.data);
	}
	fits = tc_strcopy(endpoint, ENDPOINT_SIZE, out.data);
	tc_buf_fini(&dialled);
	tc_buf_fini(&out);
	return fits ? 0 : -EINVAL;
}
