/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets, and the people whom they mean at an instant: what stands in the directory and in the
 * schedules now. When they are called is the alert layer's.
 */
#include "oncall/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/calendar.h>

#include "host/text.h"
#include "oncall/directory.h"
#include "oncall/document.h"
#include "oncall/oncall.h"
#include "oncall/schedule.h"

#define SHOWN 120 /* bytes of a name in a sentence */

/* ---- targets ---- */

int target_parse(const char *text, struct target *target, char *fault, size_t size_bytes)
{
	static const struct {
		const char *prefix;
		enum target_kind kind;
	} kinds[] = {
		{"contact:", TARGET_CONTACT},
		{"schedule:", TARGET_SCHEDULE},
		{"policy:", TARGET_POLICY},
	};

	if (number_valid(text)) {
		*target = (struct target){TARGET_NUMBER, text};
		return 0;
	}
	if (!strcmp(text, "oncall")) {
		*target = (struct target){TARGET_SCHEDULE, ""};
		return 0;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (strncmp(text, kinds[i].prefix, len) != 0 || !text[len])
			continue;
		*target = (struct target){kinds[i].kind, text + len};
		return 0;
	}
	snprintf(fault, size_bytes,
		 "must be a telephone number (+4930123), contact:NAME, schedule:NAME, policy:NAME "
		 "or oncall");
	return -EINVAL;
}

static const struct document *find_schedule(const struct oncall *oncall, const char *name)
{
	return documents_named(oncall_schedules(oncall),
			       *name ? name : oncall_default_schedule(oncall));
}

/* Whether what a target is looked up in has been read. */
static bool is_ready(const struct oncall *oncall, enum target_kind kind)
{
	return kind == TARGET_NUMBER ||
	       (directory_ready(oncall_directory(oncall)) &&
		(kind != TARGET_SCHEDULE || documents_ready(oncall_schedules(oncall))) &&
		(kind != TARGET_POLICY || documents_ready(oncall_policies(oncall))));
}

static bool exists(const struct oncall *oncall, const struct target *target)
{
	switch (target->kind) {
	case TARGET_CONTACT:
		return people_contact(oncall, target->name);
	case TARGET_SCHEDULE:
		return find_schedule(oncall, target->name);
	case TARGET_POLICY:
		return documents_named(oncall_policies(oncall), target->name);
	default:
		return true;
	}
}

/* "there is no schedule 'ops'" */
static void say_missing(const struct oncall *oncall, const struct target *target, char *fault,
			size_t size_bytes)
{
	static const char *const words[] = {"number", "contact", "schedule", "policy"};
	bool by_default = target->kind == TARGET_SCHEDULE && !*target->name;
	char shown[SHOWN];

	text_copy(shown, sizeof(shown),
		  by_default ? oncall_default_schedule(oncall) : target->name);
	snprintf(fault, size_bytes, "there is no %s '%s'%s", words[target->kind], shown,
		 by_default ? " (escalation.default_schedule)" : "");
}

int target_check(const struct oncall *oncall, const char *text, char *fault, size_t size_bytes)
{
	struct target target;
	int err = target_parse(text, &target, fault, size_bytes);

	if (err)
		return err;
	if (!is_ready(oncall, target.kind)) {
		snprintf(fault, size_bytes, "contacts and schedules have not been read yet");
		return -EAGAIN;
	}
	if (exists(oncall, &target))
		return 0;
	say_missing(oncall, &target, fault, size_bytes);
	return -ENOENT;
}

/* ---- contacts ---- */

const struct contact *people_contact(const struct oncall *oncall, const char *id_or_name)
{
	const struct directory *dir = oncall_directory(oncall);
	const struct contact *c = directory_find(dir, id_or_name);

	return c ? c : directory_find_name(dir, id_or_name);
}

static bool has_number_to_call(const struct contact *contact)
{
	for (size_t i = 0; i < contact->n; i++)
		if (contact->numbers[i].call)
			return true;
	return false;
}

bool people_callable(const struct contact *contact)
{
	return contact->enabled && has_number_to_call(contact);
}

/* ---- the answer ---- */

/* What it points into: one block a person. */
struct people_memory {
	struct person_memory {
		const char **numbers; /* owned: the list, and a copy of each */
		size_t n_numbers;
		const char **sms; /* the same */
		size_t n_sms;
		char *contact_id, *name, *language, *voice, *timezone, *pin, *why; /* owned */
	} * v;
	size_t n;
};

static void strings_free(const char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)v[i]);
	free(v);
}

static void person_memory_free(struct person_memory *m)
{
	strings_free(m->numbers, m->n_numbers);
	strings_free(m->sms, m->n_sms);
	free(m->contact_id);
	free(m->name);
	free(m->language);
	free(m->voice);
	free(m->timezone);
	free(m->pin);
	free(m->why);
}

void people_free(struct people *people)
{
	struct people_memory *memory = people->memory;

	for (size_t i = 0; memory && i < memory->n; i++)
		person_memory_free(&memory->v[i]);
	if (memory)
		free(memory->v);
	free(memory);
	free(people->v);
	free(people->fault);
	*people = (struct people){0};
}

/* Takes what m owns. */
static void add_person(struct people *people, const struct person_memory *m)
{
	struct people_memory *memory = people->memory;
	size_t n = people->n;

	people->v = tc_realloc(people->v, (n + 1) * sizeof(*people->v));
	memory->v = tc_realloc(memory->v, (n + 1) * sizeof(*memory->v));
	memory->v[n] = *m;
	people->v[n] = (struct person){
		.contact_id = m->contact_id,
		.name = m->name,
		.numbers = m->numbers,
		.n_numbers = m->n_numbers,
		.sms = m->sms,
		.n_sms = m->n_sms,
		.language = m->language,
		.voice = m->voice,
		.timezone = m->timezone,
		.pin = m->pin,
		.why = m->why,
	};
	memory->n = people->n = n + 1;
}

static void add_number(struct people *people, const char *number)
{
	struct person_memory m = {.name = tc_strdup(number)};

	m.numbers = tc_calloc(1, sizeof(*m.numbers));
	m.sms = tc_calloc(1, sizeof(*m.sms));
	m.numbers[m.n_numbers++] = tc_strdup(number);
	m.sms[m.n_sms++] = tc_strdup(number);
	m.why = tc_strdup("the number is the target");
	add_person(people, &m);
}

static char *copy_or_null(const char *s)
{
	return s && *s ? tc_strdup(s) : NULL;
}

/* why: becomes the person's */
static void add_contact(struct people *people, const struct contact *c, char *why)
{
	struct person_memory m = {
		.contact_id = tc_strdup(c->id),
		.name = tc_strdup(c->name),
		.language = copy_or_null(c->language),
		.voice = copy_or_null(c->voice),
		.timezone = copy_or_null(c->timezone),
		.pin = copy_or_null(c->pin),
		.why = why,
	};

	m.numbers = tc_calloc(c->n + 1, sizeof(*m.numbers));
	m.sms = tc_calloc(c->n + 1, sizeof(*m.sms));
	for (size_t i = 0; i < c->n; i++) {
		if (c->numbers[i].call)
			m.numbers[m.n_numbers++] = tc_strdup(c->numbers[i].number);
		if (c->numbers[i].sms)
			m.sms[m.n_sms++] = tc_strdup(c->numbers[i].number);
	}
	add_person(people, &m);
}

/* ---- those who are left out ---- */

/* Why a contact cannot be called; NULL: he can. */
static const char *why_not(const struct contact *c)
{
	return !c                       ? "is not there any more"
	       : !c->enabled            ? "is disabled"
	       : !has_number_to_call(c) ? "has no number to call"
					: NULL;
}

static void leave_out(struct tc_buf *fault, const char *name, const char *why)
{
	char shown[SHOWN];

	text_copy(shown, sizeof(shown), name);
	tc_buf_printf(fault, "%s%s %s", fault->len ? "; " : "", shown, why);
}

/* ---- resolution ---- */

static void find_contact(const struct oncall *oncall, const struct target *target,
			 struct people *people, struct tc_buf *fault)
{
	const struct contact *c = people_contact(oncall, target->name);
	char missing[200];

	if (!c) {
		say_missing(oncall, target, missing, sizeof(missing));
		tc_buf_puts(fault, missing);
	} else if (why_not(c)) {
		leave_out(fault, c->name, why_not(c));
	} else {
		add_contact(people, c, tc_strdup("the contact is the target"));
	}
}

/* "on call in layer primary of schedule ops until 2026-03-30T09:00+02:00" */
static char *say_turn(const struct schedule *schedule, const struct schedule_turn *turn)
{
	struct tc_buf text = {0};
	char until[40];

	if (turn->by == TURN_LAYER)
		tc_buf_printf(&text, "on call in layer %s of schedule %s", turn->layer,
			      schedule_name(schedule));
	else
		tc_buf_printf(&text, "on call by %s of schedule %s",
			      turn->by == TURN_WINDOW ? "a window" : "an override",
			      schedule_name(schedule));
	if (turn->until_us != INT64_MAX &&
	    !tc_local_format(turn->until_us, schedule_timezone(schedule), until)) {
		if (!strncmp(until + 16, ":00", 3)) /* whole minutes: the usual case */
			memmove(until + 16, until + 19, strlen(until + 19) + 1);
		tc_buf_printf(&text, " until %s", until);
	}
	return tc_buf_take(&text);
}

static bool is_there(const struct people *people, const char *contact_id)
{
	for (size_t i = 0; i < people->n; i++)
		if (!strcmp(people->v[i].contact_id, contact_id))
			return true;
	return false;
}

static void find_turns(const struct oncall *oncall, const struct schedule *schedule, int64_t at_us,
		       struct people *people, struct tc_buf *fault)
{
	struct schedule_turn turns[SCHEDULE_TURNS];
	int64_t until_us;
	size_t n = schedule_at(schedule, at_us, turns, &until_us);

	for (size_t i = 0; i < n; i++) {
		const struct contact *c = people_contact(oncall, turns[i].contact);

		if (why_not(c))
			leave_out(fault, c ? c->name : turns[i].contact, why_not(c));
		else if (!is_there(people, c->id)) /* a name and an id may be one and the same */
			add_contact(people, c, say_turn(schedule, &turns[i]));
	}
	if (!n)
		tc_buf_printf(fault, "nobody is on call in schedule %s", schedule_name(schedule));
}

static void find_oncall(const struct oncall *oncall, const struct target *target, int64_t at_us,
			struct people *people, struct tc_buf *fault)
{
	const struct document *doc = find_schedule(oncall, target->name);
	char missing[200];

	if (!doc) {
		say_missing(oncall, target, missing, sizeof(missing));
		tc_buf_puts(fault, missing);
	} else if (!doc->compiled) {
		tc_buf_printf(fault, "the schedule %s is broken in the store", doc->name);
	} else {
		find_turns(oncall, doc->compiled, at_us, people, fault);
	}
}

void people_find(const struct oncall *oncall, const struct target *target, int64_t at_us,
		 struct people *people)
{
	struct tc_buf fault = {0};

	*people = (struct people){.memory = tc_alloc(sizeof(*people->memory))};
	if (!is_ready(oncall, target->kind))
		tc_buf_puts(&fault, "contacts and schedules have not been read yet");
	else if (target->kind == TARGET_NUMBER)
		add_number(people, target->name);
	else if (target->kind == TARGET_CONTACT)
		find_contact(oncall, target, people, &fault);
	else if (target->kind == TARGET_SCHEDULE)
		find_oncall(oncall, target, at_us, people, &fault);
	else
		tc_buf_puts(&fault, "a policy has steps, and people only in them");
	if (fault.len)
		people->fault = tc_buf_take(&fault);
	tc_buf_fini(&fault);
}
