/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of the store as the API shows them. schema.c describes the same to machines.
 */
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "api/private.h"
#include "host/rfc3339.h"
#include "store/alert_repo.h"
#include "store/call_repo.h"
#include "store/event_repo.h"

json_t *shape_time(int64_t wall_us)
{
	char text[RFC3339_SIZE];

	return wall_us ? json_string(rfc3339_format(text, wall_us)) : json_null();
}

static json_t *object_of(const char *text)
{
	json_t *object = text ? json_loads(text, 0, NULL) : NULL;

	if (json_is_object(object))
		return object;
	json_decref(object);
	return json_object();
}

json_t *shape_alert(const struct alert_row *row)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s?, s:s?, s:o, s:o, s:s?, s:o, s:i}", "id",
		row->id, "state", row->state, "message", row->message, "severity", row->severity,
		"labels", object_of(row->labels), "target", row->target, "strategy", row->strategy,
		"source", row->source, "dedup_key", row->dedup_key, "created_at",
		shape_time(row->created_us), "updated_at", shape_time(row->updated_us),
		"acknowledged_by", row->acknowledged_by, "acknowledged_at",
		shape_time(row->acknowledged_us), "step", row->step + 1);
}

static json_t *code(int value)
{
	return value ? json_integer(value) : json_null();
}

static json_t *shape_cause(const struct call_row *row)
{
	if (!row->sip && !row->q850 && !(row->cause && *row->cause))
		return json_null();
	return json_pack("{s:o, s:o, s:s?}", "sip", code(row->sip), "q850", code(row->q850), "text",
			 row->cause);
}

/* All that it tells, the first one first. */
static json_t *shape_told(const struct call_row *row)
{
	json_t *all = json_pack("[s]", row->alert_id);
	char *copy = tc_strdup(row->alert_ids ? row->alert_ids : ""), *rest = copy, *id;

	while ((id = strsep(&rest, ",")))
		if (*id && strcmp(id, row->alert_id) != 0)
			json_array_append_new(all, json_string(id));
	free(copy);
	return all;
}

json_t *shape_call(const struct call_row *row)
{
	return json_pack(
		"{s:s, s:s, s:o, s:s?, s:s, s:s?, s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:I, s:s}",
		"id", row->id, "alert_id", row->alert_id, "alert_ids", shape_told(row),
		"contact_id", row->contact_id, "number",
		row->number, "trunk", row->trunk, "state", row->state, "result", row->result,
		"cause", shape_cause(row), "placed_at", shape_time(row->placed_us), "ringing_at",
		shape_time(row->ringing_us), "answered_at", shape_time(row->answered_us),
		"ended_at", shape_time(row->ended_us), "spoken_ms", (json_int_t)row->spoken_ms,
		"keys", row->keys);
}

/* data: only what is in no other place, the notes. */
json_t *shape_timeline(const struct event_row *row)
{
	json_t *event = json_pack("{s:o, s:s, s:s, s:s?, s:s?}", "at", shape_time(row->at_us),
				  "what", row->what, "text", row->text, "call_id", row->call_id,
				  "reason", row->reason);
	json_t *data = row->data ? json_loads(row->data, 0, NULL) : NULL;

	if (json_is_array(data))
		json_object_set(event, "data", data);
	json_decref(data);
	return event;
}

/* Without the notes' data: a stream is for what happens, and that is long and of the past. */
char *shape_event(const struct event_row *row)
{
	json_t *event = json_pack("{s:I, s:o, s:s, s:s?, s:s?, s:s, s:s?}", "id",
				  (json_int_t)row->id, "at", shape_time(row->at_us), "what",
				  row->what, "alert_id", row->alert_id, "call_id", row->call_id,
				  "text", row->text ? row->text : "", "reason", row->reason);
	json_t *data = object_of(row->data);
	char *text;

	json_object_update_missing(event, data);
	text = json_dumps(event, JSON_COMPACT);
	json_decref(data);
	json_decref(event);
	return text ? text : tc_strdup("{}");
}

json_t *shape_list(json_t *items)
{
	return json_pack("{s:o, s:n}", "items", items, "next");
}
