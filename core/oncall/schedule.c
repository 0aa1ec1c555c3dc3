/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schedules: what is wrong with one, what is made of it, and who is on call at an instant. Whose
 * turn it is in a layer is found out in rotation.c; gaps: schedule_gaps.c.
 */
#include "oncall/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/calendar.h>

#include "host/rfc3339.h"
#include "host/text.h"
#include "oncall/oncall.h"
#include "oncall/reference.h"
#include "oncall/rotation.h"
#include "oncall/schedule_table.h"

#define CONTACT "contact:"

struct span { /* a window or an override */
	const char *contact;
	int64_t from_us, until_us, priority;
	size_t nth; /* in the document */
};

struct layer {
	const char *name;
	const char **members;      /* owned; the strings are the document's */
	struct rotation *rotation; /* owned */
};

struct schedule {
	struct schedule_fields fields;
	void *memory; /* of the fields */
	struct layer *layers;
	size_t n_layers;
	struct span *windows, *overrides; /* in the order in which they count */
	size_t n_windows, n_overrides;
};

static const char *bare(const char *contact)
{
	return !strncmp(contact, CONTACT, strlen(CONTACT)) ? contact + strlen(CONTACT) : contact;
}

/* ---- its parts out of the fields, with their faults ---- */

/* What is wrong goes to errs under the path of the layer, as "layers[1].rrule". */
static struct rotation *make_rotation(const struct schedule_layer_fields *layer,
				      const char *const *members, const char *zone, size_t nth,
				      struct tc_errors *errs)
{
	struct rotation_config config = {
		.zone = zone,
		.start = layer->start,
		.handover = layer->handover,
		.rrule = layer->rotation == ROTATION_RRULE ? layer->rrule : NULL,
		.every_days = layer->rotation == ROTATION_WEEKLY ? 7 : 1,
		.members = members,
		.n = layer->members.n,
	};
	struct rotation *rotation = NULL;
	char fault[300], path[64];
	const char *field;

	if (layer->rotation == ROTATION_RRULE && !layer->rrule) {
		snprintf(path, sizeof(path), "layers[%zu].rrule", nth);
		tc_errors_add(errs, path, "must be there when rotation is rrule");
	} else if (rotation_new(&rotation, &config, &field, fault, sizeof(fault))) {
		snprintf(path, sizeof(path), "layers[%zu].%s", nth, field);
		tc_errors_add(errs, strcmp(field, "timezone") ? path : field, "%s", fault);
	}
	return rotation;
}

/* RFC 3339, or local time. */
static bool read_time(const char *text, const char *zone, int64_t *at_us)
{
	return !rfc3339_parse(text, at_us) || !tc_local_parse(text, zone, at_us, NULL);
}

static bool make_span(struct span *span, const struct schedule_window_fields *fields,
		      const char *zone, const char *list, size_t nth, struct tc_errors *errs)
{
	static const char wanted[] =
		"must be RFC 3339, or local time of the schedule, as 2026-01-31T18:00";
	char path[64];

	*span = (struct span){bare(fields->contact), 0, 0, fields->priority, nth};
	if (!read_time(fields->start, zone, &span->from_us)) {
		snprintf(path, sizeof(path), "%s[%zu].start", list, nth);
		tc_errors_add(errs, path, "%s", wanted);
		return false;
	}
	snprintf(path, sizeof(path), "%s[%zu].end", list, nth);
	if (!read_time(fields->end, zone, &span->until_us)) {
		tc_errors_add(errs, path, "%s", wanted);
		return false;
	}
	if (span->until_us > span->from_us)
		return true;
	tc_errors_add(errs, path, "must be later than start");
	return false;
}

/* ---- checks ---- */

static void check_member(const struct oncall *oncall, const char *contact, const char *field,
			 struct tc_errors *errs)
{
	char id[TC_ID_SIZE], shown[120], *whole = tc_asprintf(CONTACT "%s", bare(contact));

	text_copy(shown, sizeof(shown), bare(contact));
	if (!reference_find(oncall, whole, id))
		tc_errors_add(errs, field, "there is no contact '%s'", shown);
	free(whole);
}

static void check_layer(const struct oncall *oncall, const struct schedule_fields *fields,
			size_t nth, struct tc_errors *errs)
{
	const struct schedule_layer_fields *layers = fields->layers.v, *layer = &layers[nth];
	char path[64];

	for (size_t i = 0; i < nth; i++) {
		if (strcmp(layers[i].name, layer->name) != 0)
			continue;
		snprintf(path, sizeof(path), "layers[%zu].name", nth);
		tc_errors_add(errs, path, "is that of layers[%zu]", i);
		break;
	}
	for (size_t i = 0; i < layer->members.n; i++) {
		snprintf(path, sizeof(path), "layers[%zu].members[%zu]", nth, i);
		if (bare(layer->members.v[i]) == layer->members.v[i])
			tc_errors_add(errs, path, "must be contact:NAME");
		else
			check_member(oncall, layer->members.v[i], path, errs);
	}
	if (layer->rotation != ROTATION_RRULE && layer->rrule) {
		snprintf(path, sizeof(path), "layers[%zu].rrule", nth);
		tc_errors_add(errs, path, "counts only when rotation is rrule");
	}
	rotation_free(make_rotation(layer, layer->members.v, fields->timezone, nth, errs));
}

static void check_spans(const struct oncall *oncall, const struct tc_list *list, const char *zone,
			const char *name, struct tc_errors *errs)
{
	const struct schedule_window_fields *v = list->v;
	struct span span;
	char path[64];

	for (size_t i = 0; i < list->n; i++) {
		snprintf(path, sizeof(path), "%s[%zu].contact", name, i);
		check_member(oncall, v[i].contact, path, errs);
		make_span(&span, &v[i], zone, name, i, errs);
	}
}

static void check(const struct oncall *oncall, const void *fields, struct tc_errors *errs)
{
	const struct schedule_fields *schedule = fields;

	if (!tc_zone_known(schedule->timezone)) {
		tc_errors_add(errs, "timezone",
			      "there is no such time zone; one of the IANA's "
			      "names is wanted, as Europe/Berlin");
		return; /* no local time could be read */
	}
	for (size_t i = 0; i < schedule->layers.n; i++)
		check_layer(oncall, schedule, i, errs);
	check_spans(oncall, &schedule->windows, schedule->timezone, "windows", errs);
	check_spans(oncall, &schedule->overrides, schedule->timezone, "overrides", errs);
}

/* ---- what is kept ---- */

static int windows_in_order(const void *a, const void *b)
{
	const struct span *one = a, *other = b;

	if (one->priority != other->priority)
		return one->priority < other->priority ? -1 : 1;
	if (one->from_us != other->from_us)
		return one->from_us < other->from_us ? -1 : 1;
	return one->nth < other->nth ? -1 : 1;
}

static int overrides_in_order(const void *a, const void *b)
{
	const struct span *one = a, *other = b;

	if (one->from_us != other->from_us)
		return one->from_us > other->from_us ? -1 : 1;
	return one->nth > other->nth ? -1 : 1;
}

static struct span *make_spans(const struct tc_list *list, const char *zone, const char *name,
			       struct tc_errors *errs)
{
	struct span *spans = tc_calloc(list->n + 1, sizeof(*spans));

	for (size_t i = 0; i < list->n; i++)
		make_span(&spans[i], (struct schedule_window_fields *)list->v + i, zone, name, i,
			  errs);
	return spans;
}

static void make_layer(struct schedule *s, size_t nth, struct tc_errors *errs)
{
	const struct schedule_layer_fields *fields =
		(struct schedule_layer_fields *)s->fields.layers.v + nth;
	struct layer *layer = &s->layers[nth];

	layer->name = fields->name;
	layer->members = tc_calloc(fields->members.n + 1, sizeof(*layer->members));
	for (size_t i = 0; i < fields->members.n; i++)
		layer->members[i] = bare(fields->members.v[i]);
	layer->rotation = make_rotation(fields, layer->members, s->fields.timezone, nth, errs);
}

static void schedule_free(void *compiled)
{
	struct schedule *s = compiled;

	for (size_t i = 0; i < s->n_layers; i++) {
		rotation_free(s->layers[i].rotation);
		free(s->layers[i].members);
	}
	free(s->layers);
	free(s->windows);
	free(s->overrides);
	tc_options_release(s->memory);
	free(s);
}

static void make_parts(struct schedule *s, struct tc_errors *errs)
{
	const struct schedule_fields *fields = &s->fields;

	s->n_layers = fields->layers.n;
	s->layers = tc_calloc(s->n_layers + 1, sizeof(*s->layers));
	for (size_t i = 0; i < s->n_layers; i++)
		make_layer(s, i, errs);
	s->n_windows = fields->windows.n;
	s->windows = make_spans(&fields->windows, fields->timezone, "windows", errs);
	qsort(s->windows, s->n_windows, sizeof(*s->windows), windows_in_order);
	s->n_overrides = fields->overrides.n;
	s->overrides = make_spans(&fields->overrides, fields->timezone, "overrides", errs);
	qsort(s->overrides, s->n_overrides, sizeof(*s->overrides), overrides_in_order);
}

static void *compile(const json_t *body)
{
	struct schedule *s = tc_alloc(sizeof(*s));
	struct tc_errors *errs = tc_errors_new();

	if (!tc_options_fill(schedule_table, body, &s->fields, &s->memory, errs))
		make_parts(s, errs);
	if (!tc_errors_count(errs) && !tc_zone_known(s->fields.timezone))
		tc_errors_add(errs, "timezone", "there is no such time zone");
	if (tc_errors_count(errs)) {
		schedule_free(s);
		s = NULL;
	}
	tc_errors_free(errs);
	return s;
}

static bool names(const struct oncall *oncall, const char *contact, const char *what)
{
	char *whole = tc_asprintf(CONTACT "%s", contact);
	bool same = reference_same(oncall, whole, what);

	free(whole);
	return same;
}

static bool refers(const struct oncall *oncall, const void *compiled, const char *what)
{
	const struct schedule *s = compiled;
	const struct schedule_layer_fields *layers = s->fields.layers.v;

	if (bare(what) == what)
		return false;
	for (size_t i = 0; i < s->n_layers; i++)
		for (size_t k = 0; k < layers[i].members.n; k++)
			if (names(oncall, s->layers[i].members[k], what))
				return true;
	for (size_t i = 0; i < s->n_windows; i++)
		if (names(oncall, s->windows[i].contact, what))
			return true;
	for (size_t i = 0; i < s->n_overrides; i++)
		if (names(oncall, s->overrides[i].contact, what))
			return true;
	return false;
}

const struct document_kind schedule_kind = {
	.name = "schedule",
	.plural = "schedules",
	.table = schedule_table,
	.fields_size = sizeof(struct schedule_fields),
	.check = check,
	.compile = compile,
	.free = schedule_free,
	.refers = refers,
};

/* ---- who is on call ---- */

struct answer {
	struct schedule_turn *turns;
	size_t n;
	int64_t until_us;
};

static void until(struct answer *a, int64_t us)
{
	if (us < a->until_us)
		a->until_us = us;
}

static void add(struct answer *a, const struct schedule_turn *turn)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->turns[i].contact, turn->contact))
			return;
	if (a->n < SCHEDULE_TURNS)
		a->turns[a->n++] = *turn;
}

static void add_spans(struct answer *a, const struct span *spans, size_t n, enum schedule_by by,
		      int64_t at_us)
{
	for (size_t i = 0; i < n; i++) {
		if (spans[i].from_us > at_us) {
			until(a, spans[i].from_us);
		} else if (spans[i].until_us > at_us) {
			until(a, spans[i].until_us);
			add(a, &(struct schedule_turn){spans[i].contact, by, NULL, spans[i].from_us,
						       spans[i].until_us});
		}
	}
}

/* Those on call but for overrides. */
static void add_regular(const struct schedule *s, struct answer *a, int64_t at_us)
{
	struct rotation_turn turn;

	add_spans(a, s->windows, s->n_windows, TURN_WINDOW, at_us);
	for (size_t i = 0; i < s->n_layers; i++) {
		rotation_at(s->layers[i].rotation, at_us, &turn);
		until(a, turn.until_us);
		if (turn.member)
			add(a, &(struct schedule_turn){turn.member, TURN_LAYER, s->layers[i].name,
						       turn.from_us, turn.until_us});
	}
}

size_t schedule_at(const struct schedule *schedule, int64_t at_us, struct schedule_turn *turns,
		   int64_t *until_us)
{
	struct schedule_turn others[SCHEDULE_TURNS];
	struct answer regular = {others, 0, INT64_MAX}, all = {turns, 0, INT64_MAX};

	add_spans(&all, schedule->overrides, schedule->n_overrides, TURN_OVERRIDE, at_us);
	add_regular(schedule, &regular, at_us);
	/* whoever is stood in for is not on call, in whatever layers his turn is */
	for (size_t i = all.n ? 1 : 0; i < regular.n; i++)
		add(&all, &others[i]);
	until(&all, regular.until_us);
	*until_us = all.until_us;
	return all.n;
}

const char *schedule_timezone(const struct schedule *schedule)
{
	return schedule->fields.timezone;
}

const char *schedule_name(const struct schedule *schedule)
{
	return schedule->fields.name;
}
