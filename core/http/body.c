/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The body of a request: bytes, JSON, and fields by a table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "host/config.h"
#include "http/private.h"

/*
 * The bytes in one piece, as they came in; len may be 0. They stay until the answer or the
 * client's end.
 */
static const char *bytes(struct tc_http_req *req, size_t *len)
{
	struct evbuffer *in = req->ev ? evhttp_request_get_input_buffer(req->ev) : NULL;

	*len = in ? evbuffer_get_length(in) : 0;
	return *len ? (const char *)evbuffer_pullup(in, -1) : NULL;
}

const char *tc_http_body(struct tc_http_req *req, size_t *len)
{
	if (!req->body) {
		const char *data = bytes(req, &req->body_len);

		req->body = tc_try_alloc(req->body_len + 1);
		if (!req->body)
			req->body_len = 0;
		else if (data)
			memcpy(req->body, data, req->body_len);
	}
	*len = req->body_len;
	return req->body ? req->body : "";
}

static void not_json(struct tc_http_req *req, const json_error_t *error)
{
	/*
	 * jansson quotes what stands "near" in the input: the place alone says enough, and cannot
	 * leak.
	 */
	size_t n = strcspn(error->text, "\n");
	const char *near = strstr(error->text, " near ");

	if (near)
		n = (size_t)(near - error->text);
	tc_http_problem(req, 400, NULL,
			"the body is not valid JSON: %.*s (line %d, column %d, byte %d)", (int)n,
			error->text, error->line, error->column, error->position);
}

static json_t *load(struct tc_http_req *req, size_t flags)
{
	json_error_t error;
	const char *data;
	size_t len;

	if (req->json)
		return req->json;
	data = bytes(req, &len);
	if (!len) {
		tc_http_problem(req, 400, NULL, "the body is empty, and a JSON object is wanted");
		return NULL;
	}
	req->json = json_loadb(data, len, JSON_REJECT_DUPLICATES | flags, &error);
	if (!req->json) {
		not_json(req, &error);
		return NULL;
	}
	if (json_is_object(req->json))
		return req->json;
	tc_http_problem(req, 400, NULL, "the body is not a JSON object");
	return NULL;
}

json_t *tc_http_json(struct tc_http_req *req)
{
	return load(req, 0);
}

/* ---- fields ---- */

static bool type_fits(const struct tc_option *option, const json_t *value)
{
	switch (option->type) {
	case TC_BOOL:
		return json_is_boolean(value);
	case TC_INT:
		return json_is_integer(value);
	case TC_DOUBLE:
		return json_is_number(value);
	case TC_SIZE:
		return json_is_string(value) || json_is_integer(value);
	case TC_STRINGS:
	case TC_LIST:
		return json_is_array(value);
	case TC_MAP:
	case TC_OBJECT:
		return json_is_object(value);
	case TC_JSON:
		return true;
	default:
		return json_is_string(value);
	}
}

static const struct tc_option *option_find(const struct tc_option *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

/*
 * Whether the body has the shape that the table describes: only known names, each with its type.
 * That is 400; what tc_options_fill() finds beyond it is a matter of values, 422.
 */
static bool shape_fits(const struct tc_option *table, const json_t *object)
{
	const char *name;
	json_t *value, *item;
	size_t i;

	json_object_foreach ((json_t *)object, name, value) {
		const struct tc_option *option = option_find(table, name);

		if (!option)
			return false;
		if (json_is_null(value))
			continue;
		if (!type_fits(option, value))
			return false;
		if (option->type == TC_OBJECT && !shape_fits(option->sub, value))
			return false;
		if (option->type != TC_LIST && option->type != TC_STRINGS)
			continue;
		json_array_foreach (value, i, item)
			if (option->type == TC_LIST
				    ? !json_is_object(item) || !shape_fits(option->sub, item)
				    : !json_is_string(item))
				return false;
	}
	return true;
}

int tc_http_fields(struct tc_http_req *req, void *out)
{
	struct tc_errors *errs;
	size_t len;
	int err;

	bytes(req, &len);
	if (!len && !req->json)
		req->json = json_object(); /* nothing given: the table says what is missing */
	/* With the table at hand, a NUL in a text is a fault of its field. */
	if (!load(req, JSON_ALLOW_NUL))
		return -EINVAL;
	errs = tc_errors_new();
	err = tc_options_fill(req->def->body, req->json, out, &req->fields, errs);
	if (err)
		tc_http_faults(req, shape_fits(req->def->body, req->json) ? 422 : 400, errs);
	tc_errors_free(errs);
	return err;
}
