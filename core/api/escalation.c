/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far alerts have come, as the API shows it: who is being reached, what holds an alert back,
 * who has acknowledged. Read from what the alert layer has committed.
 */
#include <stdlib.h>
#include <string.h>

#include "alert/escalation.h"
#include "api/private.h"
#include "store/call_repo.h"
#include "store/escalation_repo.h"

static json_t *person_shape(const struct escalation *e, const struct asked *asked, bool open)
{
	static const char *const names[] = {[ASKED_CALLED] = "calling",
					    [ASKED_TRIED] = "tried",
					    [ASKED_ACKNOWLEDGED] = "acknowledged"};
	const char *state = names[asked->state];

	if (asked->state == ASKED_CALLED && (!open || e->held_by))
		state = open ? "held" : "stopped";
	return json_pack("{s:s, s:s*, s:s, s:s?}", "name", asked->name, "number",
			 *asked->number ? asked->number : NULL, "state", state, "why", asked->why);
}

/* One who stands in several chains is shown once. */
static bool shown_before(const struct escalation *e, size_t chain, size_t at)
{
	const struct asked *one = &e->chains[chain].asked[at];

	for (size_t i = 0; i <= chain; i++)
		for (size_t k = 0; k < (i < chain ? e->chains[i].n : at); k++) {
			const struct asked *other = &e->chains[i].asked[k];

			if (other->state == one->state &&
			    chain_same_person(other->contact_id, other->name, one->contact_id,
					      one->name))
				return true;
		}
	return false;
}

static json_t *escalation_shape(const struct escalation *e, bool open)
{
	int beyond = e->stage == ESCALATION_FINAL; /* the final step stands behind the others */
	json_t *people = json_array();

	for (size_t i = 0; i < e->n; i++)
		for (size_t k = 0; k < e->chains[i].n; k++)
			if (!shown_before(e, i, k))
				json_array_append_new(
					people, person_shape(e, &e->chains[i].asked[k], open));
	return json_pack("{s:s?, s:i, s:i, s:i, s:o, s:o}", "policy", e->policy, "step",
			 e->step + 1, "steps", e->steps + beyond, "round", e->round + 1,
			 "people", people,
			 "next_at", shape_time(open && !e->held_by ? e->due_us : 0));
}

static json_t *held_shape(const struct escalation *e)
{
	return json_pack("{s:s, s:o}", "by", e->held_by, "until", shape_time(e->held_until_us));
}

static json_t *acknowledgements_shape(const struct escalation *e, json_t *alert)
{
	json_t *list = json_array(), *by = json_object_get(alert, "acknowledged_by");

	for (size_t i = 0; i < e->acked_n; i++)
		json_array_append_new(list, json_pack("{s:s, s:o}", "name", e->acked[i].name, "at",
						      shape_time(e->acked[i].at_us)));
	if (!e->acked_n && json_is_string(by))
		json_array_append_new(list,
				      json_pack("{s:O, s:O}", "name", by, "at",
						json_object_get(alert, "acknowledged_at")));
	return list;
}

/* A limit puts off the call to somebody. */
static int deferred_shape(struct db *db, json_t *alert, bool open)
{
	int64_t until_us = 0;
	char *reason = NULL;
	int found = 0;

	if (open)
		found = call_deferral_get(db, json_string_value(json_object_get(alert, "id")),
					  &until_us, &reason);
	json_object_set_new(alert, "deferred",
			    found == 1 ? json_pack("{s:o, s:s}", "until", shape_time(until_us),
						   "reason", reason)
				       : json_null());
	free(reason);
	return found;
}

int api_escalation(struct db *db, json_t *alert)
{
	const char *state = json_string_value(json_object_get(alert, "state"));
	const char *target = json_string_value(json_object_get(alert, "target"));
	struct escalation_row row = {.body = NULL};
	struct escalation e;
	bool open = !strcmp(state, "open");
	int found = escalation_get(db, json_string_value(json_object_get(alert, "id")), &row);

	if (found < 0)
		return found;
	if (row.body)
		escalation_parse(&e, target, row.body);
	else
		escalation_init(&e, target);
	json_object_set_new(alert, "escalation",
			    e.stage == ESCALATION_NEW ? json_null() : escalation_shape(&e, open));
	json_object_set_new(alert, "held", open && e.held_by ? held_shape(&e) : json_null());
	found = deferred_shape(db, alert, open);
	json_object_set_new(alert, "acknowledgements", acknowledgements_shape(&e, alert));
	escalation_fini(&e);
	escalation_row_fini(&row);
	return found < 0 ? found : 0;
}

int api_escalations(struct db *db, json_t *alerts)
{
	size_t i;
	json_t *alert;
	int err = 0;

	json_array_foreach(alerts, i, alert) {
		if (!err)
			err = api_escalation(db, alert);
	}
	return err;
}
