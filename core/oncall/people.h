/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets, and the people whom they mean at an instant.
 */
#ifndef CORE_ONCALL_PEOPLE_H
#define CORE_ONCALL_PEOPLE_H

#include <tocsin/defs.h>

struct contact;
struct oncall;

enum target_kind { TARGET_NUMBER, TARGET_CONTACT, TARGET_SCHEDULE, TARGET_POLICY };

/* "+4930123", "contact:alice", "schedule:ops", "policy:default", "oncall". */
struct target {
	enum target_kind kind;
	const char *name; /* the number; an id or a name; "" = the default schedule */
};

/*
 * Take a target apart; says nothing about whether there is one of that name.
 *
 * text    borrowed; target points into it
 * fault   receives why not, for people
 * result  0 | -EINVAL
 * thread  any
 */
int target_parse(const char *text, struct target *target, char *fault, size_t size_bytes);

/*
 * Whether a target leads to somebody who can be named: a number, a contact, a schedule or a policy
 * that there is (not whether anybody is on call just now).
 *
 * result  0 | -EINVAL not a target | -ENOENT none of that name: fault says so | -EAGAIN they are
 *         not read yet
 * thread  loop
 */
int target_check(const struct oncall *oncall, const char *text, char *fault, size_t size_bytes);

/* One person to be reached. */
struct person {
	const char *contact_id;       /* NULL: a bare number */
	const char *name;             /* for people: a name, or the number */
	const char *const *numbers;   /* to be called, in order of preference; none: he cannot be */
	size_t n_numbers;
	const char *const *sms;       /* numbers for SMS */
	size_t n_sms;
	const char *language, *voice; /* NULL = the alert's own */
	const char *timezone;         /* NULL = none is known */
	const char *pin;              /* as pin_keep() has made it; NULL = none */
	const char *why;              /* "on call in layer primary of schedule ops until ..." */
};

/* All of it is owned: people_free(). */
struct people {
	struct person *v; /* in the order in which they are to be reached */
	size_t n;
	char *fault; /* n == 0: why there is nobody; else who was left out and why, or NULL */
	struct people_memory *memory;
};

/*
 * Who is meant at an instant: a number or a contact is one person, a schedule is those who are on
 * call, in order, each of them once. Those who are disabled or have no number to call are left
 * out, and named in fault.
 *
 * target  not a policy
 * people  receives them, also when there is nobody
 * thread  loop; <= 1 ms for a schedule of 5 layers and 50 members
 */
void people_find(const struct oncall *oncall, const struct target *target, int64_t at_us,
		 struct people *people);
void people_free(struct people *people);

/* A contact by its id, or else by its name; NULL: there is none. Thread: loop. */
const struct contact *people_contact(const struct oncall *oncall, const char *id_or_name);
/* Whether a contact is enabled and has a number to call. */
bool people_callable(const struct contact *contact);

#endif
