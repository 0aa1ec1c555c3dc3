/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chains of a step: each is a target, and the people to whom it leads, asked one after the
 * other. Who they are is looked up whenever the next one is wanted, never before.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "alert/escalation.h"

#define TARGET_BYTES 300 /* a target's name and the word before it */

/* ---- who is who ---- */

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* A contact by its id, else by what stands for him: a bare number is its own name. */
bool chain_same_person(const char *id_a, const char *name_a, const char *id_b, const char *name_b)
{
	return id_a && id_b ? !strcmp(id_a, id_b) : same(name_a, name_b);
}

static bool is(const struct asked *asked, const struct person *person)
{
	return chain_same_person(asked->contact_id, asked->name, person->contact_id, person->name);
}

static struct asked *find_in(const struct chain *chain, const struct person *person)
{
	for (size_t i = 0; i < chain->n; i++)
		if (is(&chain->asked[i], person))
			return &chain->asked[i];
	return NULL;
}

bool escalation_has_acked(const struct escalation *e, const char *contact_id, const char *name)
{
	for (size_t i = 0; i < e->acked_n; i++)
		if (chain_same_person(e->acked[i].contact_id, e->acked[i].name, contact_id, name))
			return true;
	return false;
}

struct asked *chain_asks(const struct chain *chain)
{
	struct asked *last = chain->n ? &chain->asked[chain->n - 1] : NULL;

	return !chain->over && last && last->state == ASKED_CALLED ? last : NULL;
}

bool chain_acknowledged(const struct chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		if (chain->asked[i].state == ASKED_ACKNOWLEDGED)
			return true;
	return false;
}

bool chains_over(const struct escalation *e)
{
	for (size_t i = 0; i < e->n; i++)
		if (chain_asks(&e->chains[i]))
			return false;
	return true;
}

const struct asked *escalation_asks(const struct escalation *e, int serial)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct asked *asked = chain_asks(&e->chains[i]);

		if (asked && asked->serial == serial)
			return asked;
	}
	return NULL;
}

/* ---- asking ---- */

static void chain_fini(struct chain *chain)
{
	for (size_t i = 0; i < chain->n; i++) {
		free(chain->asked[i].contact_id);
		free(chain->asked[i].name);
		free(chain->asked[i].number);
		free(chain->asked[i].why);
	}
	free(chain->asked);
	free(chain->target);
	free(chain->label);
}

void chains_fini(struct escalation *e)
{
	for (size_t i = 0; i < e->n; i++)
		chain_fini(&e->chains[i]);
	free(e->chains);
	e->chains = NULL;
	e->n = 0;
}

/* The page by which one of these chains is calling this person; 0 = none. */
static int called_by(const struct chain *chains, size_t n, const struct person *person)
{
	for (size_t i = 0; i < n; i++) {
		const struct asked *asked = chain_asks(&chains[i]);

		if (asked && is(asked, person))
			return asked->serial;
	}
	return 0;
}

static bool was_tried(const struct escalation *e, const struct person *person)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct asked *asked = find_in(&e->chains[i], person);

		if (asked && asked->state == ASKED_TRIED)
			return true;
	}
	return false;
}

static struct asked *ask(struct escalation *e, struct chain *chain, const struct person *person,
			 int serial)
{
	struct asked *asked;

	chain->asked = tc_realloc(chain->asked, (chain->n + 1) * sizeof(*chain->asked));
	asked = &chain->asked[chain->n++];
	*asked = (struct asked){.contact_id = tc_strdup(person->contact_id),
				.name = tc_strdup(person->name),
				.number = tc_strdup(person->n_numbers ? person->numbers[0] : ""),
				.why = tc_strdup(person->why),
				.serial = serial ? serial : ++e->serial};
	return asked;
}

/*
 * The first of these whom the chain has not asked, whom nobody else has asked in vain in this step,
 * and who has not acknowledged already: where all must, that is as good as asking him.
 *
 * before  chains of the step before, whose people go on being called
 */
static struct asked *ask_one_of(struct escalation *e, struct chain *chain,
				const struct people *people, const struct escalation *before)
{
	for (size_t i = 0; i < people->n; i++) {
		const struct person *person = &people->v[i];
		int serial;

		if (find_in(chain, person))
			continue;
		if (escalation_has_acked(e, person->contact_id, person->name)) {
			if (!e->all)
				continue;
			ask(e, chain, person, -1)->state = ASKED_ACKNOWLEDGED;
			break;
		}
		if (was_tried(e, person))
			continue;
		serial = called_by(e->chains, e->n, person);
		if (!serial && before)
			serial = called_by(before->chains, before->n, person);
		return ask(e, chain, person, serial);
	}
	chain->over = true;
	return NULL;
}

/* What a target leads to just now. */
struct view {
	struct people people;
	bool found; /* by the eyes, which release it */
	struct person alone; /* a number: nothing has to be looked up */
	const char *number;
};

static void look(const struct escalation_eyes *eyes, const char *text, struct view *view)
{
	struct target target;
	char fault[200];

	*view = (struct view){.found = false};
	if (target_parse(text, &target, fault, sizeof(fault))) {
		view->people.fault = tc_asprintf("'%s' %s", text, fault);
	} else if (target.kind == TARGET_POLICY) {
		view->people.fault = tc_strdup("a policy cannot be a target of a step");
	} else if (target.kind == TARGET_NUMBER) {
		view->number = target.name;
		view->alone = (struct person){
			.name = target.name, .numbers = &view->number, .n_numbers = 1};
		view->people.v = &view->alone;
		view->people.n = 1;
	} else {
		view->found = true;
		eyes->find(eyes->arg, &target, eyes->now_us, &view->people);
	}
}

static void look_away(const struct escalation_eyes *eyes, struct view *view)
{
	if (view->found)
		eyes->release(eyes->arg, &view->people);
	else
		free(view->people.fault);
}

const struct asked *chain_next(struct escalation *e, const struct escalation_eyes *eyes,
			       struct chain *chain)
{
	struct view view;
	struct asked *asked;

	look(eyes, chain->target, &view);
	asked = ask_one_of(e, chain, &view.people, NULL);
	look_away(eyes, &view);
	return asked;
}

bool chain_is_schedule(const struct chain *chain)
{
	return !strncmp(chain->target, "schedule:", 9) || !strcmp(chain->target, "oncall");
}

static void add_to_list(struct tc_buf *list, const char *separator, const char *text)
{
	if (list->len)
		tc_buf_puts(list, separator);
	tc_buf_puts(list, text);
}

static char *label_of(const struct escalation_eyes *eyes, const char *text)
{
	struct target target;
	char label[TARGET_BYTES], fault[200];

	if (target_parse(text, &target, fault, sizeof(fault)))
		return tc_strdup(text);
	eyes->label(eyes->arg, &target, label, sizeof(label));
	return tc_strdup(label);
}

/* Why it is he of those to whom a schedule leads; what a number or a contact means is plain. */
static void explain(struct tc_buf *whys, const struct chain *chain, const struct asked *asked,
		    const struct people *people)
{
	if (chain_is_schedule(chain) && asked && asked->why && *asked->why) {
		add_to_list(whys, "; ", asked->name);
		tc_buf_printf(whys, ": %s", asked->why);
	}
	if (people->n && people->fault && *people->fault)
		add_to_list(whys, "; ", people->fault);
}

size_t chains_begin(struct escalation *e, const struct escalation_eyes *eyes,
		    const struct tc_strings *targets, struct tc_buf *calls, struct tc_buf *whys,
		    struct escalation_notes *notes)
{
	struct escalation before = *e; /* its chains only */
	size_t asking = 0;

	e->n = 0;
	e->chains = tc_calloc(targets->n + 1, sizeof(*e->chains));
	for (size_t i = 0; i < targets->n; i++) {
		struct chain *chain = &e->chains[i];
		struct view view;
		struct asked *asked;

		chain->target = tc_strdup(targets->v[i]);
		chain->label = label_of(eyes, chain->target);
		look(eyes, chain->target, &view);
		asked = ask_one_of(e, chain, &view.people, &before);
		explain(whys, chain, asked, &view.people);
		if (asked && !escalation_asks(e, asked->serial))
			add_to_list(calls, ", ", asked->name);
		else if (!asked && !chain->n)
			escalation_note(notes, "escalation.nobody",
					tc_asprintf("nobody to call for %s", chain->label),
					tc_strdup(view.people.fault));
		e->n++; /* now that it cannot find itself */
		look_away(eyes, &view);
		asking += asked != NULL;
	}
	chains_fini(&before);
	return asking;
}
