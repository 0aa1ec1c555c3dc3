/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The escalation of one alert as a pure machine, with made-up people: steps, chains, holds,
 * acknowledgements; and its state as text, after every change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "alert/escalation.h"

#define SECOND INT64_C(1000000)

/* ---- a world ---- */

/* Who is where: contacts are their own names, "x..." is disabled; the schedule has these. */
struct scene {
	struct escalation e;
	struct escalation_notes notes;
	struct escalation_eyes eyes;
	const char *on_call[4];
	bool no_policy;
	const char *targets[6][3];
	struct policy_step steps[6];
	struct policy_fields policy;
	char text[400];
};

static void find(void *arg, const struct target *target, int64_t at_us, struct people *people)
{
	const struct scene *s = arg;
	const char *names[4] = {target->kind == TARGET_SCHEDULE ? NULL : target->name};

	(void)at_us;
	if (target->kind == TARGET_SCHEDULE)
		memcpy(names, s->on_call, sizeof(names));
	*people = (struct people){.v = tc_calloc(4, sizeof(*people->v))};
	for (size_t i = 0; i < 4 && names[i]; i++) {
		struct person *p = &people->v[people->n];

		if (names[i][0] == 'x')
			continue;
		*p = (struct person){.contact_id = names[i], .name = names[i],
				     .numbers = s->on_call, .n_numbers = 0};
		people->n++;
	}
	if (!people->n)
		people->fault = tc_strdup("nobody is there");
}

static void release(void *arg, struct people *people)
{
	(void)arg;
	free(people->v);
	free(people->fault);
}

static bool policy(void *arg, const char *id_or_name, struct escalation_policy *p)
{
	struct scene *s = arg;

	if (s->no_policy || (strcmp(id_or_name, "p") && strcmp(id_or_name, "id-p")))
		return false;
	*p = (struct escalation_policy){"id-p", "p", &s->policy};
	return true;
}

static void label(void *arg, const struct target *target, char *text, size_t size_bytes)
{
	(void)arg;
	snprintf(text, size_bytes, "%s", target->name);
}

/* "contact:a contact:b": a step with these, waiting so long */
static void step(struct scene *s, const char *one, const char *two, int64_t wait_ms, bool all)
{
	size_t i = s->policy.steps.n++;

	s->targets[i][0] = one;
	s->targets[i][1] = two;
	s->steps[i] = (struct policy_step){.targets = {s->targets[i], two ? 2 : 1},
					   .strategy = "call",
					   .wait_ms = wait_ms,
					   .all_must_acknowledge = all};
}

static int setup(void **state)
{
	struct scene *s = tc_alloc(sizeof(*s));

	STAILQ_INIT(&s->notes);
	s->eyes = (struct escalation_eyes){.now_us = 1000 * SECOND,
					   .find = find,
					   .release = release,
					   .policy = policy,
					   .label = label,
					   .arg = s};
	s->policy = (struct policy_fields){.name = "p", .steps = {.v = s->steps},
					   .ack_timeout_ms = -1};
	escalation_init(&s->e, "policy:p");
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	escalation_notes_free(&s->notes);
	escalation_fini(&s->e);
	free(s);
	return 0;
}

/* The state goes through its text and back, and must be the same: after every change. */
static void through_text(struct scene *s)
{
	char *text = escalation_format(&s->e), *again;
	struct escalation back;

	assert_int_equal(escalation_parse(&back, s->e.target, text), 0);
	back.ack_timeout_ms = s->e.ack_timeout_ms;
	again = escalation_format(&back);
	assert_string_equal(again, text);
	escalation_fini(&s->e);
	s->e = back;
	free(text);
	free(again);
}

/* "0/0 a:1 b" who is asked now, by which page */
static void assert_asks(struct scene *s, const char *wanted)
{
	through_text(s);
	if (s->e.stage == ESCALATION_ENDING)
		snprintf(s->text, sizeof(s->text), "ending");
	else
		snprintf(s->text, sizeof(s->text), "%d/%d", s->e.round, s->e.step);
	for (size_t i = 0; i < s->e.n; i++) {
		const struct asked *asked = chain_asks(&s->e.chains[i]);

		snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), " %s:%d",
			 asked ? asked->name : "-", asked ? asked->serial : 0);
	}
	assert_string_equal(s->text, wanted);
}

static unsigned notes_of(const struct scene *s, const char *what)
{
	const struct escalation_note *note;
	unsigned n = 0;

	STAILQ_FOREACH(note, &s->notes, link)
		n += !strcmp(note->what, what);
	return n;
}

static void used_up(struct scene *s, int serial)
{
	escalation_used_up(&s->e, &s->eyes, serial, "all attempts are used up", &s->notes);
}

static bool acknowledges(struct scene *s, int serial, const char *name)
{
	const struct escalation_voice voice = {.serial = serial, .contact_id = name, .name = name};

	return escalation_acknowledge(&s->e, &s->eyes, &voice, &s->notes);
}

/* ---- steps ---- */

static void steps_follow_each_other(void **state)
{
	struct scene *s = *state;

	step(s, "contact:a", NULL, 0, false);
	step(s, "contact:b", "contact:c", 0, false);
	s->policy.repeat = 1;
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	assert_asks(s, "0/0 a:1");
	used_up(s, 7); /* nobody's */
	assert_asks(s, "0/0 a:1");
	used_up(s, 1);
	assert_asks(s, "0/1 b:2 c:3");
	used_up(s, 3);
	assert_asks(s, "0/1 b:2 -:0");
	used_up(s, 2);
	assert_asks(s, "1/0 a:4");
	used_up(s, 4);
	used_up(s, 5);
	used_up(s, 6);
	assert_asks(s, "ending");
	assert_int_equal(notes_of(s, "escalation.step"), 4);
}

static void time_runs_out(void **state)
{
	struct scene *s = *state;

	step(s, "contact:a", NULL, 60000, false);
	step(s, "contact:b", NULL, 0, false);
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	assert_true(s->e.due_us == s->eyes.now_us + 60 * SECOND);
	s->eyes.now_us += 59 * SECOND;
	escalation_due(&s->e, &s->eyes, &s->notes);
	assert_asks(s, "0/0 a:1");
	s->eyes.now_us += SECOND;
	escalation_due(&s->e, &s->eyes, &s->notes);
	assert_asks(s, "0/1 b:2");
	assert_true(s->e.due_us == 0);
}

static void nobody_is_passed_over(void **state)
{
	struct scene *s = *state;

	step(s, "contact:xa", NULL, 60000, false);
	step(s, "contact:xb", NULL, 60000, false);
	s->policy.repeat = 100;
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	assert_asks(s, "ending");
	assert_int_equal(notes_of(s, "escalation.nobody"), 2); /* one round, not 101 */
}

static void the_final_step_and_the_fallback(void **state)
{
	struct scene *s = *state;
	struct policy_step final = {.targets = {(const char *[]){"contact:f"}, 1},
				    .strategy = "call"};

	step(s, "contact:a", NULL, 0, false);
	s->policy.final = (struct tc_list){&final, 1};
	s->eyes.fallback = "contact:z";
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	used_up(s, 1);
	assert_int_equal(s->e.stage, ESCALATION_FINAL);
	assert_asks(s, "0/1 f:2");
	used_up(s, 2);
	assert_asks(s, "0/0 z:3");
	assert_null(s->e.policy);
	assert_int_equal(notes_of(s, "escalation.fallback"), 1);
	used_up(s, 3);
	assert_asks(s, "ending");
	assert_int_equal(notes_of(s, "escalation.fallback"), 1);
}

static void a_policy_that_goes(void **state)
{
	struct scene *s = *state;

	step(s, "contact:a", NULL, 0, false);
	step(s, "contact:b", NULL, 0, false);
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	s->no_policy = true;
	assert_asks(s, "0/0 a:1");
	used_up(s, 1);
	assert_asks(s, "ending");
}

/* ---- chains ---- */

static void a_schedule_is_looked_up_again(void **state)
{
	struct scene *s = *state;

	step(s, "schedule:s", NULL, 0, false);
	memcpy(s->on_call, (const char *[]){"a", "b", NULL, NULL}, sizeof(s->on_call));
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	assert_asks(s, "0/0 a:1");
	memcpy(s->on_call, (const char *[]){"c", "a", "b", NULL}, sizeof(s->on_call));
	used_up(s, 1);
	assert_asks(s, "0/0 c:2");
	used_up(s, 2);
	assert_asks(s, "0/0 b:3"); /* a was asked */
	used_up(s, 3);
	assert_asks(s, "ending");
}

static void one_page_serves_two_chains(void **state)
{
	struct scene *s = *state;

	step(s, "contact:a", "schedule:s", 0, false);
	step(s, "contact:b", "contact:a", 0, false);
	memcpy(s->on_call, (const char *[]){"a", "b", NULL, NULL}, sizeof(s->on_call));
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	assert_asks(s, "0/0 a:1 a:1");
	used_up(s, 1);
	assert_asks(s, "0/0 -:0 b:2");
	assert_true(escalation_force(&s->e, &s->eyes, "x", &s->notes));
	assert_asks(s, "0/1 b:2 a:3"); /* b goes on being called */
}

static void force_takes_the_people_left(void **state)
{
	struct scene *s = *state;

	step(s, "schedule:s", NULL, 60000, false);
	memcpy(s->on_call, (const char *[]){"a", "b", NULL, NULL}, sizeof(s->on_call));
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	assert_true(escalation_force(&s->e, &s->eyes, "x", &s->notes));
	assert_asks(s, "0/0 b:2");
	assert_false(escalation_force(&s->e, &s->eyes, "x", &s->notes));
	assert_asks(s, "ending");
	assert_false(escalation_force(&s->e, &s->eyes, "x", &s->notes));
}

/* ---- acknowledgements ---- */

static void one_is_enough(void **state)
{
	struct scene *s = *state;

	step(s, "contact:a", "contact:b", 0, false);
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	assert_true(acknowledges(s, 1, "a"));
	assert_null(escalation_acknowledged_by(&s->e));
}

static void all_must(void **state)
{
	struct scene *s = *state;
	char *by;

	step(s, "contact:a", "schedule:s", 0, true);
	step(s, "contact:a", "contact:c", 0, false);
	memcpy(s->on_call, (const char *[]){"b", "c", NULL, NULL}, sizeof(s->on_call));
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	assert_asks(s, "0/0 a:1 b:2");
	assert_false(acknowledges(s, 1, "a"));
	assert_asks(s, "0/0 -:0 b:2");
	assert_false(acknowledges(s, 1, "a")); /* again */
	assert_int_equal(s->e.acked_n, 1);
	used_up(s, 2);
	assert_asks(s, "0/0 -:0 c:3");
	assert_true(acknowledges(s, 3, "c"));
	by = escalation_acknowledged_by(&s->e);
	assert_string_equal(by, "a, c");
	free(by);
}

static void all_must_and_one_cannot(void **state)
{
	struct scene *s = *state;

	step(s, "contact:a", "contact:b", 0, true);
	step(s, "contact:a", "contact:c", 0, false);
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	assert_false(acknowledges(s, 1, "a"));
	used_up(s, 2);
	assert_asks(s, "0/1 -:0 c:3"); /* a has acknowledged already */
	assert_true(acknowledges(s, 3, "c"));
}

static void somebody_else_decides_for_all(void **state)
{
	struct scene *s = *state;

	step(s, "contact:a", "contact:b", 0, true);
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	assert_true(acknowledges(s, 0, "boss"));
}

/* ---- holds ---- */

static void a_hold_stops_the_time(void **state)
{
	struct scene *s = *state;

	step(s, "contact:a", "contact:a", 60000, false);
	step(s, "contact:b", NULL, 0, false);
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	assert_asks(s, "0/0 a:1 a:1");
	s->eyes.now_us += 20 * SECOND;
	assert_true(escalation_hold(&s->e, &s->eyes, "w", s->eyes.now_us + 90 * SECOND, NULL,
				    &s->notes));
	assert_false(escalation_hold(&s->e, &s->eyes, "w", s->e.held_until_us, NULL, &s->notes));
	s->eyes.now_us += 90 * SECOND;
	escalation_due(&s->e, &s->eyes, &s->notes);
	used_up(s, 1);
	assert_asks(s, "0/0 a:1 a:1");
	assert_true(escalation_hold(&s->e, &s->eyes, NULL, 0, "over", &s->notes));
	assert_asks(s, "0/0 a:2 a:2"); /* a page that was retired cannot go on */
	assert_true(s->e.due_us == s->eyes.now_us + 40 * SECOND);
	assert_false(escalation_hold(&s->e, &s->eyes, NULL, 0, "over", &s->notes));
}

static void a_hold_before_the_beginning(void **state)
{
	struct scene *s = *state;

	step(s, "contact:a", NULL, 60000, false);
	assert_true(escalation_hold(&s->e, &s->eyes, "w", s->eyes.now_us + SECOND, NULL,
				    &s->notes));
	assert_int_equal(s->e.stage, ESCALATION_NEW);
	assert_true(escalation_hold(&s->e, &s->eyes, NULL, 0, "over", &s->notes));
	assert_asks(s, "0/0 a:1");
}

static void any_text_comes_back(void **state)
{
	struct scene *s = *state;

	step(s, "contact:a", NULL, 0, false);
	escalation_begin(&s->e, &s->eyes, NULL, &s->notes);
	free(s->e.policy);
	s->e.policy = tc_strdup("\"a\\b\"\n\t\x01\x1f \xc3\xbc {[,]}");
	s->e.snoozed_by = tc_strdup("");
	through_text(s);
	assert_string_equal(s->e.policy, "\"a\\b\"\n\t\x01\x1f \xc3\xbc {[,]}");
	assert_string_equal(s->e.snoozed_by, "");
	assert_int_equal(s->e.n, 1);
}

static void what_is_no_state(void **state)
{
	struct scene *s = *state;
	struct escalation e;

	(void)s;
	assert_int_equal(escalation_parse(&e, "+491", "{"), -EINVAL);
	assert_int_equal(e.stage, ESCALATION_NEW);
	escalation_fini(&e);
	assert_int_equal(escalation_parse(&e, "+491", "{\"stage\":7,\"chains\":[{}]}"), 0);
	assert_int_equal(e.stage, ESCALATION_NEW);
	assert_int_equal(e.n, 1);
	escalation_fini(&e);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(steps_follow_each_other),
		TEST(time_runs_out),
		TEST(nobody_is_passed_over),
		TEST(the_final_step_and_the_fallback),
		TEST(a_policy_that_goes),
		TEST(a_schedule_is_looked_up_again),
		TEST(one_page_serves_two_chains),
		TEST(force_takes_the_people_left),
		TEST(one_is_enough),
		TEST(all_must),
		TEST(all_must_and_one_cannot),
		TEST(somebody_else_decides_for_all),
		TEST(a_hold_stops_the_time),
		TEST(a_hold_before_the_beginning),
		TEST(any_text_comes_back),
		TEST(what_is_no_state),
	};

	return cmocka_run_group_tests_name("escalation", tests, NULL, NULL);
}
