/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Option tables as JSON Schema (draft 2020-12, as in OpenAPI 3.1). Describes JSON documents, not
 * YAML files.
 */
#include <stdlib.h>
#include <string.h>

#include "host/binder.h"
#include "host/config.h"
#include "host/quantity.h"

static void put(json_t *schema, const char *key, json_t *value)
{
	json_object_set_new(schema, key, value);
}

static void put_range(json_t *schema, const struct tc_option *o, const char *min, const char *max,
		      int64_t min_divisor)
{
	if (o->min == 0 && o->max == 0)
		return;
	if (o->min != 0 || min_divisor == 0)
		put(schema, min,
		    json_integer(min_divisor ? (o->min + min_divisor - 1) / min_divisor : o->min));
	if (o->max != 0 || o->min <= 0)
		put(schema, max, json_integer(o->max));
}

static void put_string(json_t *schema, const struct tc_option *o)
{
	put(schema, "type", json_string("string"));
	/* Our limits are bytes, the schema's are characters of 1 to 4 bytes. */
	put_range(schema, o, "minLength", "maxLength", 4);
	if ((o->flags & TC_REQUIRED) && !json_object_get(schema, "minLength"))
		put(schema, "minLength", json_integer(1));
}

static void put_choices(json_t *schema, const struct tc_option *o)
{
	json_t *names = json_array();

	for (size_t i = 0; o->choices[i]; i++)
		json_array_append_new(names, json_string(o->choices[i]));
	put(schema, "type", json_string("string"));
	put(schema, "enum", names);
}

static void put_array(json_t *schema, const struct tc_option *o)
{
	json_t *items = o->sub ? option_schema(o->sub)
			       : json_pack("{s:s}", "type",
					   o->type == TC_STRINGS ? "string" : "object");

	put(schema, "type", json_string("array"));
	put(schema, "items", items);
	put_range(schema, o, "minItems", "maxItems", 1);
	if ((o->flags & TC_REQUIRED) && !json_object_get(schema, "minItems"))
		put(schema, "minItems", json_integer(1));
}

static void put_map(json_t *schema, const struct tc_option *o)
{
	put(schema, "type", json_string("object"));
	put(schema, "additionalProperties", json_pack("{s:s}", "type", "string"));
	put_range(schema, o, "minProperties", "maxProperties", 1);
	if ((o->flags & TC_REQUIRED) && !json_object_get(schema, "minProperties"))
		put(schema, "minProperties", json_integer(1));
}

static void put_type(json_t *schema, const struct tc_option *o)
{
	switch (o->type) {
	case TC_SECRET:
		put(schema, "format", json_string("password"));
		put(schema, "writeOnly", json_true());
		put_string(schema, o);
		break;
	case TC_STRING:
		put_string(schema, o);
		break;
	case TC_BOOL:
		put(schema, "type", json_string("boolean"));
		break;
	case TC_INT:
	case TC_DOUBLE:
		put(schema, "type", json_string(o->type == TC_INT ? "integer" : "number"));
		put_range(schema, o, "minimum", "maximum", 0);
		break;
	case TC_DURATION:
		put(schema, "type", json_string("string"));
		put(schema, "pattern", json_string("^([0-9]+(ms|s|m|h|d)|0+)$"));
		break;
	case TC_SIZE:
		put(schema, "type", json_string("string"));
		put(schema, "pattern", json_string("^[0-9]+[kKmMgGtT]?$"));
		break;
	case TC_ENUM:
		put_choices(schema, o);
		break;
	case TC_STRINGS:
	case TC_LIST:
		put_array(schema, o);
		break;
	case TC_MAP:
		put_map(schema, o);
		break;
	case TC_OBJECT:
	case TC_JSON:
		break;
	}
}

/* The default, typed as a JSON document would have it. */
static json_t *default_json(const struct tc_option *o)
{
	switch (o->type) {
	case TC_BOOL:
		return json_boolean(strchr("toy", o->def[0]) && strcmp(o->def, "off"));
	case TC_INT:
		return json_integer(strtoll(o->def, NULL, 10));
	case TC_DOUBLE:
		return json_real(strtod(o->def, NULL));
	case TC_STRING:
	case TC_DURATION:
	case TC_SIZE:
	case TC_ENUM:
		return json_string(o->def);
	default:
		return NULL;
	}
}

/* Help, then what the schema's words cannot say: the range of durations and sizes, a unit. */
static void put_description(json_t *schema, const struct tc_option *o)
{
	bool quantity = o->type == TC_DURATION || o->type == TC_SIZE;
	const char *space = o->help ? " " : "";
	char range[OPTION_RANGE_SIZE];
	struct tc_buf text = {0};

	tc_buf_puts(&text, o->help ? o->help : "");
	if (quantity && *option_range_text(range, o))
		tc_buf_printf(&text, "%s(%s)", space, range);
	else if (o->unit)
		tc_buf_printf(&text, "%s(%s)", space, o->unit);
	if (text.len)
		put(schema, "description", json_string(text.data));
	tc_buf_fini(&text);
}

static json_t *option_property(const struct tc_option *o)
{
	json_t *schema = o->type == TC_OBJECT ? option_schema(o->sub) : json_object();
	json_t *def = o->def ? default_json(o) : NULL;

	put_type(schema, o);
	put_description(schema, o);
	if (def)
		put(schema, "default", def);
	return schema;
}

json_t *option_schema(const struct tc_option *table)
{
	json_t *properties = json_object(), *required = json_array();
	json_t *schema = json_pack("{s:s, s:o}", "type", "object", "properties", properties);

	for (; table->name; table++) {
		put(properties, table->name, option_property(table));
		if (table->flags & TC_REQUIRED)
			json_array_append_new(required, json_string(table->name));
	}
	if (json_array_size(required) > 0)
		put(schema, "required", json_incref(required));
	json_decref(required);
	put(schema, "additionalProperties", json_false());
	return schema;
}
