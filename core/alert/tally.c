/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the calls to somebody went, in words, for the timeline: the reason why somebody else is
 * called.
 */
#include "alert/tally.h"

#include <string.h>

#include <tocsin/alloc.h>

#include "store/call_repo.h"

#define CALLS_MAX 64 /* that are looked at, the first of them */
#define WAYS_MAX 16

/* result, how it reads behind a name */
static const char *const words[][2] = {
	{"heard", "heard it and pressed no key"},
	{"unheard", "hung up before the end"},
	{"machine", "had a machine answer"},
	{"no_answer", "did not answer"},
	{"busy", "was busy"},
	{"rejected", "declined"},
	{"unreachable", "could not be reached"},
	{"congestion", "could not be reached, the network was congested"},
	{"failed", "could not be called"},
	{"lost", "was lost in a call"},
};

struct way {
	const char *text;
	int sip;
	unsigned times;
};

struct tally {
	int serial;
	bool under_way;
	char ids[CALLS_MAX][TC_ID_SIZE];
	size_t n;
	struct way ways[WAYS_MAX];
	size_t ways_n;
};

static int add_id(const struct call_past *past, void *arg)
{
	struct tally *t = arg;

	if (past->serial != t->serial)
		return 0;
	if (!past->over)
		t->under_way = true;
	else if (t->n < CALLS_MAX)
		tc_strcopy(t->ids[t->n++], TC_ID_SIZE, past->call_id);
	return 0;
}

static void add_way(struct tally *t, const char *result, int sip)
{
	const char *text = NULL;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i][0], result))
			text = words[i][1];
	for (size_t i = 0; i < t->ways_n; i++) {
		if (t->ways[i].text == text && t->ways[i].sip == sip) {
			t->ways[i].times++;
			return;
		}
	}
	if (text && t->ways_n < WAYS_MAX)
		t->ways[t->ways_n++] = (struct way){text, sip, 1};
}

static char *in_words(const struct tally *t, const char *who)
{
	struct tc_buf text = {0};

	for (size_t i = 0; i < t->ways_n; i++) {
		const struct way *way = &t->ways[i];

		tc_buf_puts(&text, i ? ", " : who);
		tc_buf_printf(&text, "%s%s", i ? "" : " ", way->text);
		if (way->sip >= 400)
			tc_buf_printf(&text, " (%d)", way->sip);
		if (way->times == 2)
			tc_buf_puts(&text, " twice");
		else if (way->times > 2)
			tc_buf_printf(&text, " %u times", way->times);
	}
	return text.len ? tc_buf_take(&text) : NULL;
}

int tally_read(struct db *db, const char *alert_id, int serial, const char *who, char **text)
{
	struct tally t = {.serial = serial};
	int err = call_list_past(db, alert_id, add_id, &t);

	for (size_t i = 0; i < t.n && !err; i++) {
		struct call_row row;
		int found = call_get(db, t.ids[i], &row);

		if (found < 0)
			err = found;
		if (found <= 0)
			continue;
		if (row.result)
			add_way(&t, row.result, row.sip);
		call_row_fini(&row);
	}
	*text = err ? NULL : in_words(&t, who);
	return !err && t.under_way ? -EINPROGRESS : err;
}
