/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who names whom: what others refer to is not taken away.
 */
#include <stdlib.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "oncall/document.h"
#include "oncall/oncall.h"

#define NAMED_MAX 10 /* more of them are not named */

static void add_referring(const struct oncall *oncall, const struct documents *docs,
			  const char *what, struct tc_buf *names, size_t *n)
{
	const struct document_kind *kind = documents_kind(docs);
	const struct document *doc = NULL;

	while (kind->refers && (doc = documents_next(docs, doc))) {
		if (!doc->compiled || !kind->refers(oncall, doc->compiled, what))
			continue;
		if (++*n <= NAMED_MAX)
			tc_buf_printf(names, "%s%s %s", *n > 1 ? ", " : "", kind->name, doc->name);
	}
}

bool api_unreferred(struct tc_http_req *req, const struct api *api, const char *kind,
		    const char *id)
{
	const struct oncall *oncall = api->deps.oncall;
	struct tc_buf names = {0};
	size_t n = 0;
	char *what;

	if (!oncall_ready(oncall)) {
		api_busy(req);
		return false;
	}
	what = tc_asprintf("%s:%s", kind, id);
	add_referring(oncall, oncall_schedules(oncall), what, &names, &n);
	add_referring(oncall, oncall_policies(oncall), what, &names, &n);
	if (n > NAMED_MAX)
		tc_buf_printf(&names, " and %zu more", n - NAMED_MAX);
	if (n)
		tc_http_problem(req, 409, NULL, "the %s is still named by %s", kind, names.data);
	tc_buf_fini(&names);
	free(what);
	return !n;
}
