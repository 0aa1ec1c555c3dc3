/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What documents.c and document_change.c share: one kind of documents as a resource. Nobody else
 * includes this.
 */
#ifndef CORE_API_DOCUMENTS_H
#define CORE_API_DOCUMENTS_H

#include "api/private.h"
#include "oncall/document.h"

/* /v1/schedules, /v1/policies or /v1/maintenance. */
struct api_documents {
	struct api *api;
	struct documents *docs;
	const struct document_kind *kind;
	char path[32], item_path[40];
	char reply[32], summaries[5][64];
	struct tc_option *table;        /* owned; of the body: the kind's, and "id" */
	struct tc_http_route routes[6]; /* ended by one without a path */
};

/* ---- documents.c ---- */

json_t *document_shape(const struct document *doc); /* new reference */
/* The document in the path; NULL after the 404, or the 503, has been answered. */
const struct document *document_of(struct tc_http_req *req, const struct api_documents *res);

/* ---- document_change.c: handlers; arg: struct api_documents ---- */

void document_on_add(struct tc_http_req *req, void *arg);
void document_on_put(struct tc_http_req *req, void *arg);
void document_on_delete(struct tc_http_req *req, void *arg);
/* Add windows to a schedule; answers with {"added","schedule"}. */
void document_import(struct tc_http_req *req, const struct api_documents *res,
		     const struct document *doc, const json_t *windows);

#endif
