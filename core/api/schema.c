/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shapes of all answers as a table, and from there as JSON Schema for the description.
 * shape.c makes the alerts and calls themselves; a test holds the two together.
 */
#include <string.h>

#include "api/private.h"

/*
 * type: "string" "integer" "boolean" "number" "object"; "time": a text as in RFC 3339; "texts":
 * an object of texts; "strings": an array of texts; "any"; "#alert": a shape; "[alert]": an array
 * of a shape. "?" behind it: or null. A "-" in front of the name: may be missing.
 */
struct field {
	const char *name, *type;
};

#define SHAPE(...) ((const struct field[]){__VA_ARGS__, {NULL, NULL}})

static const struct shape {
	const char *name;
	const struct field *fields;
	bool open; /* further fields may be there */
} shapes[] = {
	{"alert",
	 SHAPE({"id", "string"}, {"state", "string"}, {"message", "string"}, {"severity", "string"},
	       {"labels", "texts"}, {"target", "string"}, {"strategy", "string"},
	       {"source", "string?"}, {"dedup_key", "string?"}, {"created_at", "time"},
	       {"updated_at", "time"}, {"acknowledged_by", "string?"}, {"acknowledged_at", "time?"},
	       {"step", "integer"}, {"escalation", "#escalation?"}, {"held", "#held?"},
	       {"deferred", "#deferred?"}, {"acknowledgements", "[acknowledgement]"},
	       {"-timeline", "[timeline]"}),
	 false},
	{"escalation",
	 SHAPE({"policy", "string?"}, {"step", "integer"}, {"steps", "integer"},
	       {"round", "integer"}, {"people", "[escalation_person]"}, {"next_at", "time?"}),
	 false},
	{"escalation_person",
	 SHAPE({"name", "string"}, {"-number", "string"}, {"state", "string"}, {"why", "string?"}),
	 false},
	{"held", SHAPE({"by", "string"}, {"until", "time"}), false},
	{"deferred", SHAPE({"until", "time"}, {"reason", "string"}), false},
	{"acknowledgement", SHAPE({"name", "string"}, {"at", "time"}), false},
	{"timeline",
	 SHAPE({"at", "time"}, {"what", "string"}, {"text", "string"}, {"call_id", "string?"},
	       {"reason", "string?"}, {"-data", "array"}),
	 false},
	{"alerts", SHAPE({"items", "[alert]"}, {"next", "string?"}), false},
	{"call",
	 SHAPE({"id", "string"}, {"alert_id", "string"}, {"alert_ids", "strings"},
	       {"contact_id", "string?"},
	       {"number", "string"}, {"trunk", "string?"}, {"state", "string"},
	       {"result", "string?"}, {"cause", "#cause?"}, {"placed_at", "time?"},
	       {"ringing_at", "time?"}, {"answered_at", "time?"}, {"ended_at", "time?"},
	       {"spoken_ms", "integer"}, {"keys", "string"}),
	 false},
	{"cause", SHAPE({"sip", "integer?"}, {"q850", "integer?"}, {"text", "string?"}), false},
	{"calls", SHAPE({"items", "[call]"}, {"next", "string?"}), false},
	{"contact",
	 SHAPE({"id", "string"}, {"name", "string"}, {"numbers", "[contact_number]"},
	       {"language", "string?"}, {"voice", "string?"}, {"timezone", "string?"},
	       {"pin", "string?"}, {"enabled", "boolean"}, {"note", "string"}),
	 false},
	{"contact_number", SHAPE({"number", "string"}, {"use", "strings"}), false},
	{"import_report",
	 SHAPE({"added", "integer"}, {"changed", "integer"}, {"unchanged", "integer"},
	       {"faults", "[import_fault]"}, {"ignored", "strings"}),
	 false},
	{"import_fault", SHAPE({"line", "integer?"}, {"field", "string?"}, {"text", "string"}),
	 false},
	{"contacts", SHAPE({"items", "[contact]"}, {"next", "string?"}), false},
	{"schedule",
	 SHAPE({"id", "string"}, {"name", "string"}, {"timezone", "string"},
	       {"layers", "[schedule_layer]"}, {"windows", "[schedule_window]"},
	       {"overrides", "[schedule_override]"}),
	 false},
	{"schedule_layer",
	 SHAPE({"name", "string"}, {"members", "strings"}, {"rotation", "string"},
	       {"rrule", "string?"}, {"handover", "string"}, {"start", "string"}),
	 false},
	{"schedule_window",
	 SHAPE({"contact", "string"}, {"start", "string"}, {"end", "string"},
	       {"priority", "integer"}),
	 false},
	{"schedule_override",
	 SHAPE({"contact", "string"}, {"start", "string"}, {"end", "string"}), false},
	{"schedules", SHAPE({"items", "[schedule]"}, {"next", "string?"}), false},
	{"calendar_import", SHAPE({"added", "integer"}, {"schedule", "#schedule"}), false},
	{"oncall",
	 SHAPE({"schedule", "string"}, {"at", "time"}, {"people", "[oncall_person]"},
	       {"until", "time?"}, {"fault", "string?"}),
	 false},
	{"oncall_person",
	 SHAPE({"contact_id", "string"}, {"name", "string"}, {"number", "string"},
	       {"why", "string"}, {"from", "time?"}, {"until", "time?"}),
	 false},
	{"gaps",
	 SHAPE({"schedule", "string"}, {"from", "time"}, {"until", "time"}, {"gaps", "[gap]"},
	       {"seconds", "integer"}),
	 false},
	{"gap", SHAPE({"from", "time"}, {"until", "time"}), false},
	{"policy",
	 SHAPE({"id", "string"}, {"name", "string"}, {"steps", "[policy_step]"},
	       {"repeat", "integer"}, {"final", "[policy_step]"}, {"ack_timeout", "string?"}),
	 false},
	{"policy_step",
	 SHAPE({"targets", "strings"}, {"strategy", "string"}, {"wait", "string"},
	       {"all_must_acknowledge", "boolean"}),
	 false},
	{"policies", SHAPE({"items", "[policy]"}, {"next", "string?"}), false},
	{"maintenance",
	 SHAPE({"id", "string"}, {"name", "string"}, {"matchers", "[matcher]"}, {"start", "string"},
	       {"end", "string"}, {"note", "string"}),
	 false},
	{"matcher", SHAPE({"label", "string"}, {"op", "string"}, {"value", "string"}), false},
	{"maintenances", SHAPE({"items", "[maintenance]"}, {"next", "string?"}), false},
	{"event",
	 SHAPE({"id", "integer"}, {"at", "time"}, {"what", "string"}, {"alert_id", "string?"},
	       {"call_id", "string?"}, {"text", "string"}, {"reason", "string?"}),
	 true},
	{"token",
	 SHAPE({"id", "string"}, {"name", "string"}, {"scope", "string?"}, {"created_at", "time"},
	       {"expires_at", "time?"}),
	 false},
	{"tokens", SHAPE({"items", "[token]"}, {"next", "string?"}), false},
	{"fresh_token",
	 SHAPE({"id", "string"}, {"name", "string"}, {"scope", "string"}, {"token", "string"},
	       {"expires_at", "time?"}),
	 false},
	{"plugin",
	 SHAPE({"name", "string"}, {"kind", "string"}, {"plugin", "string"}, {"version", "string"},
	       {"summary", "string"}, {"healthy", "boolean"}, {"text", "string"},
	       {"numbers", "object"}),
	 true},
	{"plugins", SHAPE({"items", "[plugin]"}, {"next", "string?"}), false},
	{"voices", SHAPE({"items", "[plugin]"}, {"next", "string?"}, {"cache", "object"}), false},
	{"trunk",
	 SHAPE({"name", "string"}, {"plugin", "string"}, {"healthy", "boolean"}, {"up", "boolean"},
	       {"text", "string"}, {"held", "boolean"}, {"held_why", "string?"},
	       {"live", "integer"}, {"max_calls", "integer"}, {"calls_per_second", "number"},
	       {"placed", "integer"}, {"failed", "integer"}, {"recent_calls", "integer"},
	       {"failed_share", "number"}, {"status", "#trunk_status"}),
	 false},
	{"trunk_status",
	 SHAPE({"healthy", "boolean"}, {"text", "string"}, {"numbers", "object"}), true},
	{"trunk_check", SHAPE({"ok", "boolean"}, {"steps", "[trunk_step]"}), false},
	{"trunk_step", SHAPE({"step", "string"}, {"ok", "boolean?"}, {"text", "string"}), false},
	{"trunks", SHAPE({"items", "[trunk]"}, {"next", "string?"}), false},
	{"test_call",
	 SHAPE({"id", "string"}, {"name", "string?"}, {"target", "string"},
	       {"contact_id", "string?"}, {"number", "string"}, {"trunk", "string?"},
	       {"result", "string?"}, {"reason", "string?"}, {"by", "string"},
	       {"created_at", "time"}, {"ringing_at", "time?"}, {"answered_at", "time?"},
	       {"key_at", "time?"}, {"ended_at", "time?"}, {"ring_ms", "integer?"},
	       {"answer_ms", "integer?"}, {"key_ms", "integer?"}, {"keys_sent", "string?"},
	       {"keys_heard", "string?"}, {"level_dbov", "integer?"}),
	 false},
	{"test_call_begun", SHAPE({"id", "string"}, {"state", "string"}), false},
	{"test_calls", SHAPE({"items", "[test_call]"}, {"next", "string?"}), false},
	{"readiness",
	 SHAPE({"at", "time"}, {"until", "time"}, {"ready", "boolean"},
	       {"problem_count", "integer"},
	       {"trunks", "[readiness_trunk]"}, {"policies", "[readiness_policy]"},
	       {"targets", "[readiness_target]"}, {"problems", "[readiness_problem]"}),
	 false},
	{"readiness_trunk", SHAPE({"name", "string"}, {"healthy", "boolean"}, {"text", "string"}),
	 false},
	{"readiness_policy",
	 SHAPE({"id", "string"}, {"name", "string"}, {"steps", "[readiness_step]"}), false},
	{"readiness_step",
	 SHAPE({"step", "integer"}, {"final", "boolean"}, {"wait", "string?"},
	       {"targets", "[readiness_target]"}),
	 false},
	{"readiness_target",
	 SHAPE({"target", "string"}, {"text", "string"}, {"periods", "[readiness_period]"}), false},
	{"readiness_period",
	 SHAPE({"from", "time"}, {"until", "time"}, {"people", "[readiness_person]"},
	       {"fault", "string?"}),
	 false},
	{"readiness_person",
	 SHAPE({"contact_id", "string?"}, {"name", "string"}, {"numbers", "strings"},
	       {"why", "string?"}, {"last_reached", "time?"}),
	 false},
	{"readiness_problem",
	 SHAPE({"kind", "string"}, {"severity", "string"}, {"where", "string"}, {"text", "string"},
	       {"from", "time?"}, {"until", "time?"}),
	 false},
	{"health", SHAPE({"status", "string"}), false},
	{"ready",
	 SHAPE({"ready", "boolean"}, {"store", "boolean"}, {"resumed", "boolean"},
	       {"trunks", "[trunk_health]"}),
	 false},
	{"trunk_health", SHAPE({"name", "string"}, {"healthy", "boolean"}), false},
	{"accepted",
	 SHAPE({"id", "string"}, {"state", "string"}, {"deduplicated", "boolean"}, {"-at", "time"}),
	 false},
	{"planned",
	 SHAPE({"id", "string"}, {"state", "string"}, {"message", "string"}, {"target", "string"},
	       {"labels", "texts"}, {"strategy", "string?"}, {"severity", "string?"},
	       {"dedup_key", "string?"}, {"language", "string?"}, {"voice", "string?"},
	       {"source", "string?"}, {"at", "time?"}, {"rrule", "string?"}, {"start", "string?"},
	       {"timezone", "string?"}, {"max_lateness", "string?"}, {"next_at", "time?"},
	       {"last_at", "time?"}, {"last_alert_id", "string?"}, {"missed_at", "time?"},
	       {"reason", "string?"}, {"raised", "integer"}, {"missed", "integer"},
	       {"created_at", "time"}, {"updated_at", "time"}),
	 false},
	{"planned_list", SHAPE({"items", "[planned]"}, {"next", "string?"}), false},
	{"accepted_group", SHAPE({"alerts", "[accepted_one]"}), false},
	{"callback", SHAPE({"status", "integer"}), false},
	{"accepted_one",
	 SHAPE({"id", "string?"}, {"state", "string?"}, {"deduplicated", "boolean"}), false},
	{"openapi", SHAPE({"openapi", "string"}, {"info", "object"}, {"paths", "object"}), true},
	{"problem",
	 SHAPE({"type", "string"}, {"title", "string"}, {"status", "integer"}, {"detail", "string"},
	       {"-field", "string"}, {"-errors", "[fault]"}, {"-state", "string"}),
	 true},
	{"fault", SHAPE({"field", "string?"}, {"detail", "string"}), false},
};

/* Answers that are not JSON. */
static const struct {
	const char *reply, *type;
} media[] = {
	{"wav", "audio/wav"},
	{"metrics", "text/plain"},
	{"event", "text/event-stream"},
	{"csv", "text/csv"},
	{"ics", "text/calendar"},
};

/* Bodies that are not JSON. */
static const struct {
	const char *path, *type;
} bodies[] = {
	{"/v1/contacts.csv", "text/csv"},
	{"/v1/schedules/{id}/calendar.ics", "text/calendar"},
};

const char *schema_body_type(const struct tc_http_route *route)
{
	for (size_t i = 0; route->method == TC_POST && i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (!strcmp(bodies[i].path, route->path))
			return bodies[i].type;
	return route->body || route->body_any ? "application/json" : NULL;
}

const char *schema_media_type(const char *reply)
{
	for (size_t i = 0; i < sizeof(media) / sizeof(media[0]); i++)
		if (!strcmp(media[i].reply, reply))
			return media[i].type;
	return "application/json";
}

static json_t *reference(const char *name, size_t len)
{
	return json_pack("{s:s+%}", "$ref", "#/components/schemas/", name, len);
}

/* type without its "?", of len bytes. */
static json_t *plain_type(const char *type, size_t len)
{
	if (*type == '#')
		return reference(type + 1, len - 1);
	if (*type == '[')
		return json_pack("{s:s, s:o}", "type", "array", "items",
				 reference(type + 1, len - 2));
	if (!strncmp(type, "time", len) && len == 4)
		return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
	if (!strncmp(type, "texts", len))
		return json_pack("{s:s, s:{s:s}}", "type", "object", "additionalProperties", "type",
				 "string");
	if (!strncmp(type, "strings", len) && len == 7)
		return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");
	return json_pack("{s:s%}", "type", type, len);
}

static json_t *type_schema(const char *type)
{
	size_t len = strcspn(type, "?");
	json_t *plain = plain_type(type, len);
	json_t *word;

	if (!type[len])
		return plain;
	word = json_object_get(plain, "type");
	if (!word)
		return json_pack("{s:[o, {s:s}]}", "anyOf", plain, "type", "null");
	json_object_set_new(plain, "type", json_pack("[O, s]", word, "null"));
	return plain;
}

static json_t *shape_schema(const struct shape *shape)
{
	json_t *properties = json_object(), *required = json_array(), *schema;

	for (const struct field *f = shape->fields; f->name; f++) {
		bool optional = f->name[0] == '-';

		json_object_set_new(properties, f->name + optional, type_schema(f->type));
		if (!optional)
			json_array_append_new(required, json_string(f->name));
	}
	schema = json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties,
			   "required", required);
	if (!shape->open)
		json_object_set_new(schema, "additionalProperties", json_false());
	return schema;
}

json_t *schema_all(void)
{
	json_t *all = json_object();

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		json_object_set_new(all, shapes[i].name, shape_schema(&shapes[i]));
	return all;
}
