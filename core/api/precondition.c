/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Versions of what is changed over the API: ETag and If-Match. Who compares them in the store is
 * not here.
 */
#include <stdio.h>
#include <string.h>

#include "api/private.h"

void api_put_etag(struct tc_http_req *req, int64_t version)
{
	char etag[32];

	snprintf(etag, sizeof(etag), "\"%lld\"", (long long)version);
	tc_http_reply_header(req, "ETag", etag);
}

/* Whether an entity tag of the list is this version's; a weak one never is. */
static bool etag_listed(const char *list, int64_t version)
{
	char etag[32];
	size_t len = (size_t)snprintf(etag, sizeof(etag), "\"%lld\"", (long long)version);

	while (*list) {
		const char *end;

		list += strspn(list, " \t,");
		if (!strncmp(list, etag, len))
			return true;
		list += list[0] == 'W' && list[1] == '/' ? 2 : 0;
		end = *list == '"' ? strchr(list + 1, '"') : NULL;
		if (!end)
			return false;
		list = end + 1;
	}
	return false;
}

void api_version_gone(struct tc_http_req *req, const char *noun)
{
	tc_http_problem(req, 412, NULL,
			"the %s was changed since: read it again, its ETag is another one", noun);
}

bool api_precondition(struct tc_http_req *req, const char *noun, int64_t now, int64_t *version)
{
	const char *match = tc_http_header(req, "If-Match");

	if (!match) {
		tc_http_problem(req, 428, NULL,
				"If-Match is needed, with the ETag of the %s that is meant: so "
				"nobody undoes what another one has changed meanwhile",
				noun);
		return false;
	}
	*version = strcmp(match, "*") ? now : 0;
	if (!*version || etag_listed(match, now))
		return true;
	api_version_gone(req, noun);
	return false;
}
