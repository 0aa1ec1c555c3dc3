/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON documents made complete by a table: what was not given stands in them too. Checking them is
 * not done here.
 */
#include <string.h>

#include "host/config.h"

/* What a field has that was not given. */
static json_t *absent(const struct tc_option *o)
{
	json_t *value = o->def ? json_loads(o->def, JSON_DECODE_ANY, NULL) : NULL;

	switch (o->type) {
	case TC_BOOL:
		return value ? value : json_false();
	case TC_INT:
	case TC_DOUBLE:
		return value ? value : json_integer(0);
	case TC_STRINGS:
	case TC_LIST:
		return value ? value : json_array();
	case TC_MAP:
	case TC_OBJECT:
		return value ? value : json_object();
	default:
		json_decref(value);
		return o->def ? json_string(o->def) : json_null();
	}
}

static json_t *complete_list(const struct tc_option *o, const json_t *list)
{
	json_t *whole = json_array();
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		json_array_append_new(whole, option_complete(o->sub, item));
	return whole;
}

json_t *option_complete(const struct tc_option *table, const json_t *object)
{
	json_t *whole = json_object(), *value;

	for (const struct tc_option *o = table; o->name; o++) {
		value = json_object_get(object, o->name);
		if (o->type == TC_OBJECT)
			value = option_complete(o->sub, value);
		else if (!value || json_is_null(value))
			value = absent(o);
		else if (o->type == TC_LIST && o->sub)
			value = complete_list(o, value);
		else
			value = json_deep_copy(value);
		json_object_set_new(whole, o->name, value);
	}
	return whole;
}
