/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rows of a CSV file mean for the contacts that there are: whom each is about, what it
 * changes, what is wrong with it. The file itself is contact_csv.c's.
 */
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/id.h"
#include "oncall/contact.h"
#include "oncall/contact_csv_rows.h"
#include "oncall/number.h"
#include "oncall/pin.h"

#define NUMBERS_MAX 21 /* one more than the table takes */
/*
 * Each comparison of a new PIN with one that is kept is a hash: more of them would take too long.
 */
#define PIN_COMPARISONS_MAX 1000000

/* ---- texts found quickly ---- */

struct found {
	const char *key;
	size_t value;
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->key, ((const struct found *)b)->key);
}

/* False: it was there already. key is borrowed. */
static bool map_add(void **map, const char *key, size_t value)
{
	struct found *fresh = tc_alloc(sizeof(*fresh));
	struct found **at;

	*fresh = (struct found){key, value};
	at = tsearch(fresh, map, compare);
	if (!at)
		abort();
	if (*at == fresh)
		return true;
	free(fresh);
	return false;
}

static const struct found *map_find(void *const *map, const char *key)
{
	const struct found wanted = {.key = key};
	struct found *const *at = tfind(&wanted, map, compare);

	return at ? *at : NULL;
}

/* One plan while it is made. */
struct plan {
	struct contact_csv *csv;
	int64_t now_us;
	void *ids, *names, *numbers; /* of those that there are */
	void *file_ids, *file_names, *file_pins;
	char (*plain)[NUMBER_PLAIN_SIZE]; /* owned; keys of numbers */
	size_t comparisons;
};

/* ---- who is there ---- */

void contact_csv_begin(struct contact_csv *csv)
{
	for (size_t i = 0; i < csv->n_known; i++)
		contact_row_fini(&csv->known[i].row);
	for (size_t i = 0; i < csv->n_changes; i++)
		contact_row_fini(&csv->changes[i].row);
	for (size_t i = csv->n_file_faults; i < csv->n_faults; i++) {
		free(csv->faults[i].field);
		free(csv->faults[i].text);
	}
	csv->n_faults = csv->n_file_faults;
	csv->faults_unkept = csv->file_unkept;
	csv->n_known = csv->n_changes = csv->added = csv->changed = csv->unchanged = 0;
}

int contact_csv_known(const struct contact_row *row, void *arg)
{
	struct contact_csv *csv = arg;

	if (csv->n_known == csv->known_room) {
		csv->known_room = csv->known_room ? 2 * csv->known_room : 64;
		csv->known = tc_realloc(csv->known, csv->known_room * sizeof(*csv->known));
	}
	csv->known[csv->n_known].line = 0;
	contact_row_copy(&csv->known[csv->n_known++].row, row);
	return 0;
}

static void index_numbers(struct plan *p, json_t **lists)
{
	size_t total = 0, n = 0, k;
	json_t *entry;

	for (size_t i = 0; i < p->csv->n_known; i++) {
		lists[i] = json_loads(p->csv->known[i].row.numbers, 0, NULL);
		total += json_array_size(lists[i]);
	}
	p->plain = tc_calloc(total + 1, sizeof(*p->plain));
	for (size_t i = 0; i < p->csv->n_known; i++) {
		json_array_foreach (lists[i], k, entry) {
			const char *number = json_string_value(json_object_get(entry, "number"));

			if (number && number_plain(p->plain[n], number, p->csv->country) &&
			    map_add(&p->numbers, p->plain[n], i))
				n++;
		}
		json_decref(lists[i]);
	}
}

static void index_known(struct plan *p)
{
	json_t **lists = tc_calloc(p->csv->n_known + 1, sizeof(*lists));

	for (size_t i = 0; i < p->csv->n_known; i++) {
		map_add(&p->ids, p->csv->known[i].row.id, i);
		map_add(&p->names, p->csv->known[i].row.name, i);
	}
	index_numbers(p, lists);
	free(lists);
}

static void plan_fini(struct plan *p)
{
	tdestroy(p->ids, free);
	tdestroy(p->names, free);
	tdestroy(p->numbers, free);
	tdestroy(p->file_ids, free);
	tdestroy(p->file_names, free);
	tdestroy(p->file_pins, free);
	free(p->plain);
}

/* ---- whom a row is about ---- */

static void bad(struct plan *p, struct contact_csv_row *row, const char *field, const char *text)
{
	contact_csv_fault(p->csv, row->line, field, "%s", text);
	row->bad = true;
}

/* py-phone-caller has two cells for a name. */
static void join_surname(struct contact_csv_row *row)
{
	char *surname = row->cells[CSV_SURNAME];

	if (surname && *surname && row->cells[CSV_NAME]) {
		char *name = row->cells[CSV_NAME];

		row->cells[CSV_NAME] = tc_asprintf("%s%s%s", name, *name ? " " : "", surname);
		free(name);
	}
	free(surname);
	row->cells[CSV_SURNAME] = NULL;
}

static void match(struct plan *p, struct contact_csv_row *row)
{
	const char *id = row->cells[CSV_ID], *name = row->cells[CSV_NAME];
	const struct found *found = NULL;
	struct contact_csv_known *known;

	row->known = SIZE_MAX;
	row->bad = false;
	if (id && *id && !id_valid(id)) {
		bad(p, row, "id", "is no id");
		return;
	}
	if (id && *id)
		found = map_find(&p->ids, id);
	if (!found && name && *name)
		found = map_find(&p->names, name);
	if (!found) {
		if (id && *id && !map_add(&p->file_ids, id, row->line))
			bad(p, row, "id", "stands in the file twice");
		return;
	}
	known = &p->csv->known[found->value];
	row->known = found->value;
	if (known->line) {
		contact_csv_fault(p->csv, row->line, NULL,
				  "is about the same contact as line %u: %s", known->line,
				  known->row.name);
		row->bad = true;
		return;
	}
	known->line = row->line;
}

/* ---- numbers ---- */

struct numbers {
	struct contact_number_fields v[NUMBERS_MAX];
	const char *uses[NUMBERS_MAX][2];
	size_t n;
	char *text; /* owned; what v points into */
};

/* "call", "sms", "call+sms"; false: it is none of these. */
static bool read_uses(const char *word, const char *uses[2], size_t *n)
{
	static const struct {
		const char *word, *uses[2];
	} known[] = {
		{"call", {"call", NULL}},
		{"sms", {"sms", NULL}},
		{"call+sms", {"call", "sms"}},
		{"sms+call", {"call", "sms"}},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcasecmp(word, known[i].word) != 0)
			continue;
		uses[0] = known[i].uses[0];
		uses[1] = known[i].uses[1];
		*n = uses[1] ? 2 : 1;
		return true;
	}
	return false;
}

/* Without what people write between digits. */
static void strip(char *number)
{
	char *to = number;

	for (; *number; number++)
		if (!strchr(" \t\r\n-/.", *number))
			*to++ = *number;
	*to = '\0';
}

/* One piece: "+49 30/123 call+sms" */
static void read_number(struct numbers *all, char *piece)
{
	struct contact_number_fields *n = &all->v[all->n];
	const char **uses = all->uses[all->n];
	char *word;

	piece += strspn(piece, " \t\r\n");
	for (size_t len = strlen(piece); len && strchr(" \t\r\n", piece[len - 1]); len--)
		piece[len - 1] = '\0';
	if (!*piece)
		return;
	uses[0] = "call";
	uses[1] = "sms";
	n->use.n = 2;
	word = strrchr(piece, ' ');
	if (word && read_uses(word + 1, uses, &n->use.n))
		*word = '\0';
	strip(piece);
	n->number = piece;
	n->use.v = uses;
	all->n++;
}

static void read_numbers(struct numbers *all, const char *cell)
{
	char *at;

	*all = (struct numbers){.text = tc_strdup(cell ? cell : "")};
	for (at = all->text; at && all->n < NUMBERS_MAX;) {
		char *piece = at;

		at = strchr(at, ';');
		if (at)
			*at++ = '\0';
		read_number(all, piece);
	}
}

/* A number of somebody whom the file does not have: NULL, or his name. */
static const char *number_owner(const struct plan *p, const struct numbers *numbers)
{
	char plain[NUMBER_PLAIN_SIZE];

	for (size_t i = 0; i < numbers->n; i++) {
		const struct found *found;

		if (!number_plain(plain, numbers->v[i].number, p->csv->country))
			continue;
		found = map_find(&p->numbers, plain);
		if (found && !p->csv->known[found->value].line)
			return p->csv->known[found->value].row.name;
	}
	return NULL;
}

/* ---- PINs ---- */

/* Whether nobody else has it; the fault is noted. */
static bool pin_is_free(struct plan *p, struct contact_csv_row *row, const char *digits)
{
	if (!map_add(&p->file_pins, digits, row->line)) {
		bad(p, row, "pin", "this PIN cannot be used: choose another one");
		return false;
	}
	for (size_t i = 0; i < p->csv->n_known; i++) {
		const char *kept = p->csv->known[i].row.pin;

		if (!kept || i == row->known)
			continue;
		if (++p->comparisons > PIN_COMPARISONS_MAX) {
			bad(p, row, "pin",
			    "these are too many PINs for one file: the rest in "
			    "another one");
			return false;
		}
		if (pin_matches(kept, digits)) {
			bad(p, row, "pin", "this PIN cannot be used: choose another one");
			return false;
		}
	}
	return true;
}

/* The PIN of the row that is made; false after a fault. */
static bool take_pin(struct plan *p, struct contact_csv_row *row, struct contact_row *to)
{
	const char *digits = row->cells[CSV_PIN], *old = NULL;
	char kept[PIN_KEPT_SIZE];

	if (row->known != SIZE_MAX)
		old = p->csv->known[row->known].row.pin;
	if (digits && !strcmp(digits, "-"))
		return true;
	if (!digits || !*digits || !strcmp(digits, CONTACT_PIN_SHOWN) ||
	    (old && pin_matches(old, digits))) {
		to->pin = tc_strdup(old);
		return true;
	}
	if (!pin_is_free(p, row, digits))
		return false;
	if (pin_keep(digits, kept)) {
		bad(p, row, "pin", "there is no randomness to keep a PIN with");
		return false;
	}
	to->pin = tc_strdup(kept);
	return true;
}

/* ---- what a row makes ---- */

/* The cell, or what there was. */
static const char *cell_or(const struct contact_csv_row *row, enum contact_csv_column column,
			   const char *old)
{
	return row->cells[column] ? row->cells[column] : old;
}

/* False after a fault. */
static bool read_enabled(struct plan *p, struct contact_csv_row *row, bool *enabled)
{
	static const char *const words[][2] = {
		{"false", "true"}, {"no", "yes"}, {"0", "1"}, {"n", "y"}};
	const char *cell = row->cells[CSV_ENABLED];

	if (!cell || !*cell)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) * 2; i++) {
		if (strcasecmp(cell, words[i / 2][i % 2]) != 0)
			continue;
		*enabled = i % 2;
		return true;
	}
	bad(p, row, "enabled", "must be true or false");
	return false;
}

static void check(struct plan *p, struct contact_csv_row *row, const struct contact_fields *fields)
{
	struct tc_errors *errs = tc_errors_new();

	if (!*fields->name)
		tc_errors_add(errs, "name", "is missing");
	else if (strlen(fields->name) > CONTACT_NAME_MAX)
		tc_errors_add(errs, "name", "must have at most %d bytes", CONTACT_NAME_MAX);
	if (fields->note && strlen(fields->note) > 2000)
		tc_errors_add(errs, "note", "must have at most 2000 bytes");
	if (fields->numbers.n == NUMBERS_MAX)
		tc_errors_add(errs, "numbers", "are more than %d", NUMBERS_MAX - 1);
	if ((fields->language && strlen(fields->language) > 35) ||
	    (fields->voice && strlen(fields->voice) > 64))
		tc_errors_add(errs, NULL, "language or voice are too long");
	if (!tc_errors_count(errs))
		contact_check(fields, p->csv->zones, errs);
	for (size_t i = 0; i < tc_errors_count(errs); i++)
		bad(p, row, tc_errors_field(errs, i), tc_errors_text(errs, i));
	tc_errors_free(errs);
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static bool same_row(const struct contact_row *a, const struct contact_row *b)
{
	return same_text(a->name, b->name) && same_text(a->numbers, b->numbers) &&
	       same_text(a->language, b->language) && same_text(a->voice, b->voice) &&
	       same_text(a->timezone, b->timezone) && same_text(a->pin, b->pin) &&
	       same_text(a->note, b->note) && a->enabled == b->enabled;
}

/* A name that is another's, here or in the file, is a fault. */
static void check_name_free(struct plan *p, struct contact_csv_row *row, const char *name)
{
	const struct found *found = map_find(&p->names, name);

	if (found && found->value != row->known)
		bad(p, row, "name", "there is another contact with this name");
	else if (!map_add(&p->file_names, name, row->line))
		bad(p, row, "name", "stands in the file twice");
}

/* row->known or nobody; to receives the row, with strings of its own */
static void make_row(struct plan *p, struct contact_csv_row *row,
		     const struct contact_fields *fields, struct contact_row *to)
{
	const struct contact_row *old =
		row->known != SIZE_MAX ? &p->csv->known[row->known].row : NULL;
	const char *id = row->cells[CSV_ID];

	contact_row_fill(to, fields);
	if (old && !row->cells[CSV_NUMBERS]) {
		free((void *)to->numbers);
		to->numbers = tc_strdup(old->numbers);
	}
	to->updated_us = p->now_us;
	to->created_us = old ? old->created_us : p->now_us;
	to->version = old ? old->version : 1;
	if (old)
		tc_strcopy(to->id, sizeof(to->id), old->id);
	else if (id && *id)
		tc_strcopy(to->id, sizeof(to->id), id);
	else
		id_new(to->id, p->now_us);
}

/* Takes the row. */
static void add_change(struct plan *p, const struct contact_csv_row *row, struct contact_row *made)
{
	struct contact_csv *csv = p->csv;
	bool fresh = row->known == SIZE_MAX;

	if (!fresh && same_row(made, &csv->known[row->known].row)) {
		contact_row_fini(made);
		csv->unchanged++;
		return;
	}
	csv->changes[csv->n_changes++] =
		(struct contact_csv_change){*made, fresh ? 0 : made->version};
	csv->added += fresh;
	csv->changed += !fresh;
}

static void plan_row(struct plan *p, struct contact_csv_row *row)
{
	static const struct contact_row nobody = {.name = "", .enabled = true};
	const struct contact_row *old =
		row->known != SIZE_MAX ? &p->csv->known[row->known].row : &nobody;
	struct contact_fields fields = {
		.name = cell_or(row, CSV_NAME, old->name),
		.language = cell_or(row, CSV_LANGUAGE, old->language),
		.voice = cell_or(row, CSV_VOICE, old->voice),
		.timezone = cell_or(row, CSV_TIMEZONE, old->timezone),
		.note = cell_or(row, CSV_NOTE, old->note),
		.pin = row->cells[CSV_PIN],
		.enabled = old->enabled,
	};
	struct contact_row made = {.name = NULL};
	struct numbers numbers;
	const char *owner;

	if (fields.pin && !strcmp(fields.pin, "-"))
		fields.pin = NULL;
	read_numbers(&numbers, row->cells[CSV_NUMBERS]);
	fields.numbers = (struct tc_list){numbers.v, numbers.n};
	check(p, row, &fields);
	if (!row->bad)
		check_name_free(p, row, fields.name);
	owner = old == &nobody && !(row->cells[CSV_ID] && *row->cells[CSV_ID])
			? number_owner(p, &numbers)
			: NULL;
	if (owner && !row->bad) {
		contact_csv_fault(p->csv, row->line, "name",
				  "has a number of %s: if this is a new name for the same "
				  "contact, the id is needed; if it is another one, %s has to be "
				  "in the file too",
				  owner, owner);
		row->bad = true;
	}
	if (!row->bad && read_enabled(p, row, &fields.enabled)) {
		make_row(p, row, &fields, &made);
		if (take_pin(p, row, &made))
			add_change(p, row, &made);
		else
			contact_row_fini(&made);
	}
	free(numbers.text);
}

void contact_csv_plan(struct contact_csv *csv, int64_t now_us)
{
	struct plan p = {.csv = csv, .now_us = now_us};

	index_known(&p);
	free(csv->changes);
	csv->changes = tc_calloc(csv->n_rows + 1, sizeof(*csv->changes));
	csv->n_changes = 0;
	for (size_t i = 0; i < csv->n_rows; i++) {
		join_surname(&csv->rows[i]);
		match(&p, &csv->rows[i]);
	}
	for (size_t i = 0; i < csv->n_rows; i++)
		if (!csv->rows[i].bad)
			plan_row(&p, &csv->rows[i]);
	plan_fini(&p);
}

struct contact_csv_change *contact_csv_changes(const struct contact_csv *csv, size_t *n)
{
	*n = csv->n_changes;
	return csv->changes;
}
