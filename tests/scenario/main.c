/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs scenarios: text files, one command a line, over a virtual clock. README.md in this folder
 * has the language.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "host/logging.h"
#include "host/quantity.h"
#include "scenario/watch.h"
#include "scenario/persons.h"
#include "scenario/world.h"

#define WORDS_MAX 24
#define ALERTS_MAX 16

struct run {
	const char *file;
	int line;
	struct world *world;
	bool started;
	struct {
		char name[32];
		char id[TC_ID_SIZE];
	} alerts[ALERTS_MAX];
	int alerts_n;
	const char *what; /* how the last ALERT went */
	char fault[1024]; /* "" = none */
};

/* One line, taken apart: words, or text in double quotes. */
struct words {
	char *w[WORDS_MAX];
	int n;
};

static void fail(struct run *r, const char *fmt, ...) TC_PRINTF(2, 3);
static void fail(struct run *r, const char *fmt, ...)
{
	va_list ap;

	if (r->fault[0])
		return;
	va_start(ap, fmt);
	vsnprintf(r->fault, sizeof(r->fault), fmt, ap);
	va_end(ap);
}

static void split(char *line, struct words *words)
{
	char *s = line;

	words->n = 0;
	while (words->n < WORDS_MAX) {
		s += strspn(s, " \t\r\n");
		if (!*s || *s == '#')
			return;
		if (*s == '"') {
			words->w[words->n++] = ++s;
			s += strcspn(s, "\"\n");
		} else {
			words->w[words->n++] = s;
			s += strcspn(s, " \t\r\n");
		}
		if (*s)
			*s++ = '\0';
	}
}

static const char *word(const struct words *w, int i)
{
	return i < w->n ? w->w[i] : "";
}

static void start(struct run *r)
{
	if (!r->started)
		world_start(r->world);
	r->started = true;
}

/* "-": NULL */
static const char *id_of(struct run *r, const char *name)
{
	if (!strcmp(name, "-"))
		return NULL;
	for (int i = r->alerts_n - 1; i >= 0; i--)
		if (!strcmp(r->alerts[i].name, name))
			return r->alerts[i].id;
	fail(r, "there is no alert called '%s'", name);
	return "";
}

static int64_t duration_us(struct run *r, const char *text)
{
	int64_t ms = 0;

	if (quantity_parse_duration(text, &ms))
		fail(r, "'%s' is not a duration", text);
	return ms * 1000;
}

/* ---- commands ---- */

static void do_config(struct run *r, const struct words *w)
{
	world_config(r->world, word(w, 1), word(w, 2));
}

static void do_trunk(struct run *r, const struct words *w)
{
	world_trunk(r->world, word(w, 1), w->n > 2 ? word(w, 2) : "50",
		    w->n > 3 ? word(w, 3) : "1000");
}

/* ALERT NAME NUMBER "message" [key KEY [once]] */
static void do_alert(struct run *r, const struct words *w)
{
	const char *key = !strcmp(word(w, 4), "key") ? word(w, 5) : NULL;
	const char *id = world_alert(r->world, word(w, 2), word(w, 3), key,
				     !strcmp(word(w, 6), "once"), &r->what);

	if (!id || r->alerts_n == ALERTS_MAX)
		return;
	tc_strcopy(r->alerts[r->alerts_n].name, sizeof(r->alerts[0].name), word(w, 1));
	tc_strcopy(r->alerts[r->alerts_n++].id, TC_ID_SIZE, id);
}

static void do_resolve(struct run *r, const struct words *w)
{
	bool lost = !strcmp(word(w, 2), "lost");
	const char *family = w->n > 3 ? word(w, 3) : NULL;

	if (world_resolve(r->world, word(w, 1), family) == lost)
		fail(r, "key %s: %s", word(w, 1), lost ? "it was resolved" : "no alert has it");
}

static void do_act(struct run *r, const struct words *w)
{
	const char *got = world_act(r->world, id_of(r, word(w, 2)), word(w, 1), 0);
	const char *want = w->n > 3 ? word(w, 3) : "ok";

	if (strcmp(got, want) != 0)
		fail(r, "%s: wanted %s, got %s", word(w, 1), want, got);
}

/* SNOOZE NAME 1h [STATE] */
static void do_snooze(struct run *r, const struct words *w)
{
	const char *got = world_act(r->world, id_of(r, word(w, 1)), "snooze",
				    duration_us(r, word(w, 2)));
	const char *want = w->n > 3 ? word(w, 3) : "ok";

	if (strcmp(got, want) != 0)
		fail(r, "snooze: wanted %s, got %s", want, got);
}

static void do_clock(struct run *r, const struct words *w)
{
	if (!world_pass_until(r->world, word(w, 1)))
		fail(r, "'%s' is no instant to come", word(w, 1));
}

static void do_jump(struct run *r, const struct words *w)
{
	bool back = word(w, 1)[0] == '-';
	int64_t by_us = duration_us(r, word(w, 1) + back);

	world_jump(r->world, back ? -by_us : by_us);
}

/* SCHEDULE|POLICY|MAINTENANCE NAME ... */
static void do_document(struct run *r, const struct words *w)
{
	char **rest = (char **)w->w + 2;
	int n = w->n > 2 ? w->n - 2 : 0;
	bool good = !strcmp(w->w[0], "SCHEDULE") ? world_schedule(r->world, word(w, 1), rest, n)
		    : !strcmp(w->w[0], "POLICY") ? world_policy(r->world, word(w, 1), rest, n)
						 : world_maintenance(r->world, word(w, 1), rest, n);

	if (!good)
		fail(r, "%s: it cannot be stored so", word(w, 1));
}

/* DROP contact|schedule|policy|maintenance NAME */
static void do_drop(struct run *r, const struct words *w)
{
	if (!world_drop(r->world, word(w, 1), word(w, 2)))
		fail(r, "there is no %s '%s'", word(w, 1), word(w, 2));
}

static void do_pass(struct run *r, const struct words *w)
{
	world_pass(r->world, duration_us(r, word(w, 1)));
}

static void do_crash(struct run *r, const struct words *w)
{
	world_crash(r->world);
	world_start(r->world);
	(void)w;
}

static void do_stop(struct run *r, const struct words *w)
{
	world_stop(r->world);
	world_start(r->world);
	(void)w;
}

/* What a telephone, or the trunk, does: verb, event, end, SIP cause. */
static const struct {
	const char *verb;
	struct tc_pbx_event event;
} reports[] = {
	{"PLACE", {.type = TC_PBX_PLACED, .ref = "place"}},
	{"RING", {.type = TC_PBX_RINGING, .ref = "ring"}},
	{"ANSWER", {.type = TC_PBX_ANSWERED, .ref = "answer"}},
	{"DIALPLAN", {.type = TC_PBX_ANSWERED, .ref = "answer", .dialplan = true}},
	{"RESUMED", {.type = TC_PBX_RESUMED}},
	{"RELEASED", {.type = TC_PBX_RELEASED}},
	{"BUSY", {.type = TC_PBX_ENDED, .end = TC_PBX_END_BUSY, .sip = 486, .text = "Busy Here"}},
	{"DECLINE", {.type = TC_PBX_ENDED, .end = TC_PBX_END_REJECTED, .sip = 603}},
	{"TIMEOUT", {.type = TC_PBX_ENDED, .end = TC_PBX_END_TIMEOUT, .sip = 480}},
	{"UNREACHABLE", {.type = TC_PBX_ENDED, .end = TC_PBX_END_UNREACHABLE, .sip = 404}},
	{"CONGESTION", {.type = TC_PBX_ENDED, .end = TC_PBX_END_CONGESTION, .sip = 503}},
	{"NOROUTE", {.type = TC_PBX_ENDED, .end = TC_PBX_END_TRUNK, .text = "no answer"}},
	{"REFUSED", {.type = TC_PBX_ENDED, .end = TC_PBX_END_TRUNK, .sip = 403, .text = "login"}},
	{"BROKEN", {.type = TC_PBX_ENDED, .end = TC_PBX_END_FAILED, .sip = 488}},
	{"ENDED", {.type = TC_PBX_ENDED, .end = TC_PBX_END_LOCAL}},
	{"HANGUP", {.type = TC_PBX_ENDED, .end = TC_PBX_END_REMOTE, .q850 = 16}},
	{"GONE", {.type = TC_PBX_ENDED, .end = TC_PBX_END_GONE}},
	{"HUMAN", {.type = TC_PBX_HUMAN, .text = "short greeting"}},
	{"MACHINE", {.type = TC_PBX_MACHINE, .text = "long greeting"}},
	{"BEEP", {.type = TC_PBX_BEEP}},
};

static bool do_report(struct run *r, const struct words *w)
{
	for (size_t i = 0; i < sizeof(reports) / sizeof(*reports); i++) {
		struct tc_pbx_event event = reports[i].event;

		if (strcmp(reports[i].verb, word(w, 0)) != 0)
			continue;
		if (!world_report(r->world, word(w, 1), &event))
			fail(r, "there is no call to %s", word(w, 1));
		return true;
	}
	return false;
}

static void do_press(struct run *r, const struct words *w)
{
	for (const char *key = word(w, 2); *key; key++) {
		struct tc_pbx_event event = {.type = TC_PBX_DTMF, .key = *key};

		if (!world_report(r->world, word(w, 1), &event))
			fail(r, "there is no call to %s", word(w, 1));
	}
}

/* PLAYED NUMBER [N]: N items of the list (all) were sent to their end */
static void do_played(struct run *r, const struct words *w)
{
	if (!world_played(r->world, word(w, 1),
			  w->n > 2 ? (int)strtol(word(w, 2), NULL, 10) : 1000))
		fail(r, "nothing plays in a call to %s", word(w, 1));
}

static void do_health(struct run *r, const struct words *w)
{
	world_health(r->world, word(w, 1), !strcmp(word(w, 2), "up"));
}

/* HOLD TRUNK ["why"]: without why it does so no longer */
static void do_hold(struct run *r, const struct words *w)
{
	if (!world_hold(r->world, word(w, 1), w->n > 2 ? word(w, 2) : NULL))
		fail(r, "there is no trunk '%s'", word(w, 1));
}

static void do_refuse(struct run *r, const struct words *w)
{
	world_refuse(r->world, word(w, 1));
}

static void do_forget(struct run *r, const struct words *w)
{
	world_forget_ends();
	(void)r;
	(void)w;
}

/* ADOPT NUMBER ringing|answered|released */
static void do_adopt(struct run *r, const struct words *w)
{
	if (!world_adopt(r->world, word(w, 1), word(w, 2)))
		fail(r, "there is no call to %s, or no state '%s'", word(w, 1), word(w, 2));
}

/* FOUND NUMBER [early] */
static void do_found(struct run *r, const struct words *w)
{
	world_found(r->world, word(w, 1), !strcmp(word(w, 2), "early"));
}

/* CALLBACK NUMBER heard|acknowledge [unknown|already|early] */
static void do_callback(struct run *r, const struct words *w)
{
	const char *got = world_callback(r->world, word(w, 1), word(w, 2));
	const char *want = w->n > 3 ? word(w, 3) : "ok";

	if (strcmp(got, want) != 0)
		fail(r, "%s: wanted %s, got %s", word(w, 2), want, got);
}

/* NOTE NUMBER [N]: N further events */
static void do_note(struct run *r, const struct words *w)
{
	long n = strtol(word(w, 2), NULL, 10);
	char json[256] = "[";

	for (long i = 0; i < n && i < 20; i++)
		snprintf(json + strlen(json), sizeof(json) - strlen(json), "%s{\"n\":%ld}",
			 i ? "," : "", i);
	snprintf(json + strlen(json), sizeof(json) - strlen(json), "]");
	if (!world_note(r->world, word(w, 1), json))
		fail(r, "there is no call to %s", word(w, 1));
}

/* INCOMING NUMBER [again] */
static void do_incoming(struct run *r, const struct words *w)
{
	world_incoming(r->world, word(w, 1), !strcmp(word(w, 2), "again"));
}

/* CONTACT NAME NUMBER[,NUMBER...] [PIN [disabled]] */
static void do_contact(struct run *r, const struct words *w)
{
	world_contact(r->world, word(w, 1), word(w, 2), w->n > 3 ? word(w, 3) : "-",
		      strcmp(word(w, 4), "disabled") != 0);
}

/* CALLED NAME NUMBER */
static void do_called(struct run *r, const struct words *w)
{
	world_called(r->world, id_of(r, word(w, 1)), word(w, 2));
}

static void do_severity(struct run *r, const struct words *w)
{
	world_severity(r->world, word(w, 1));
}

static void do_voice(struct run *r, const struct words *w)
{
	world_voice(r->world, word(w, 1));
}

static void do_store(struct run *r, const struct words *w)
{
	world_store(r->world, word(w, 1));
}

/* TRIGGER works|quiet|away|busy|refuses|slow */
static void do_trigger(struct run *r, const struct words *w)
{
	world_trigger(r->world, word(w, 1));
}

/* ---- expectations ---- */

static void join(const struct words *w, int from, char *out, size_t size_bytes)
{
	out[0] = '\0';
	for (int i = from; i < w->n; i++) {
		size_t len = strlen(out);

		snprintf(out + len, size_bytes - len, "%s%s", len ? " " : "", w->w[i]);
	}
}

static void expect_asked(struct run *r, const struct words *w)
{
	char want[1024];
	const char *got = world_asked(r->world);

	join(w, 1, want, sizeof(want));
	if (!got || strcmp(got, want) != 0)
		fail(r, "wanted the trunk to be asked '%s', got '%s'", want, got ? got : "nothing");
}

/* EXPECT among WHAT... */
static void expect_among(struct run *r, const struct words *w)
{
	char want[1024];

	join(w, 2, want, sizeof(want));
	if (!world_asked_among(r->world, want))
		fail(r, "wanted the trunk to be asked '%s', among others; the next is '%s'", want,
		     world_asked(r->world));
}

/* EXPECT trunk NAME up|held|failing|down ["text"] */
static void expect_trunk(struct run *r, const struct words *w)
{
	const char *text, *got = world_trunk_is(r->world, word(w, 2), &text);

	if (strcmp(got, word(w, 3)) != 0 || (w->n > 4 && !strstr(text, word(w, 4))))
		fail(r, "trunk %s: wanted %s '%s', it is %s: %s", word(w, 2), word(w, 3),
		     word(w, 4), got, text);
}

static void expect_same(struct run *r, const char *what, const char *got, const char *want)
{
	if (strcmp(got, want) != 0)
		fail(r, "%s: wanted %s, got %s", what, want, got);
}

/* EXPECT live N [TRUNK] */
static void expect_live(struct run *r, const struct words *w)
{
	unsigned got = world_live(r->world, w->n > 3 ? word(w, 3) : NULL);

	if (got != strtoul(word(w, 2), NULL, 10))
		fail(r, "wanted %s live calls, got %u", word(w, 2), got);
}

/* EXPECT spoken NAME MS */
static void expect_spoken(struct run *r, const struct words *w)
{
	char got[24];

	snprintf(got, sizeof(got), "%lld",
		 (long long)world_spoken_ms(r->world, id_of(r, word(w, 2))));
	expect_same(r, "spoken ms", got, word(w, 3));
}

/* EXPECT told WHAT NAME [BY [silence]], EXPECT told nothing */
static void expect_told(struct run *r, const struct words *w)
{
	const char *got = world_told(r->world);
	char want[256] = "nothing";

	if (w->n > 3)
		snprintf(want, sizeof(want), "%s %s by %s%s", word(w, 2), id_of(r, word(w, 3)),
			 w->n > 4 ? word(w, 4) : "-", w->n > 5 ? " silence" : "");
	if (strcmp(got ? got : "nothing", want) != 0)
		fail(r, "wanted the trigger to be told '%s', it was '%s'", want,
		     got ? got : "nothing");
}

static const char *persons_id(void *arg, const char *name)
{
	return id_of(arg, name);
}

static bool do_persons(struct run *r, const struct words *w)
{
	struct persons_line line = {.w = w->w, .n = w->n, .id_of = persons_id, .arg = r};
	char fault[256] = "";
	bool taken = persons_command(r->world, &line, fault, sizeof(fault));

	if (fault[0])
		fail(r, "%s", fault);
	return taken;
}

static void do_expect(struct run *r, const struct words *w)
{
	const char *what = word(w, 1), *got;

	if (!strcmp(what, "nothing")) {
		got = world_asked(r->world);
		if (got)
			fail(r, "wanted no more, but the trunk was asked '%s'", got);
	} else if (!strcmp(what, "told")) {
		expect_told(r, w);
	} else if (!strcmp(what, "among")) {
		expect_among(r, w);
	} else if (!strcmp(what, "trunk")) {
		expect_trunk(r, w);
	} else if (!strcmp(what, "state")) {
		expect_same(r, "state", world_state(r->world, id_of(r, word(w, 2))), word(w, 3));
	} else if (!strcmp(what, "results")) {
		expect_same(r, "results", world_results(r->world, id_of(r, word(w, 2))),
			    word(w, 3));
	} else if (!strcmp(what, "event")) {
		if (!world_event(r->world, id_of(r, word(w, 2)), word(w, 3),
				 w->n > 4 ? word(w, 4) : NULL))
			fail(r, "the timeline has no %s '%s'", word(w, 3), word(w, 4));
	} else if (!strcmp(what, "noevent")) {
		if (world_event(r->world, id_of(r, word(w, 2)), word(w, 3),
				w->n > 4 ? word(w, 4) : NULL))
			fail(r, "the timeline has %s '%s'", word(w, 3), word(w, 4));
	} else if (!strcmp(what, "escalation")) {
		expect_same(r, "escalation", world_escalation(r->world, id_of(r, word(w, 2))),
			    word(w, 3));
	} else if (!strcmp(what, "spoken")) {
		expect_spoken(r, w);
	} else if (!strcmp(what, "live")) {
		expect_live(r, w);
	} else if (!strcmp(what, "taken")) {
		expect_same(r, "the alert was", r->what ? r->what : "", word(w, 2));
	} else if (!strcmp(what, "fault")) {
		char want[64];

		snprintf(want, sizeof(want), "fault %s", word(w, 2));
		expect_same(r, "the alert was", r->what ? r->what : "", want);
	} else if (!do_persons(r, w)) {
		expect_asked(r, w);
	}
}

static const struct {
	const char *verb;
	bool before_start;
	void (*fn)(struct run *r, const struct words *w);
} commands[] = {
	{"CONFIG", true, do_config},  {"TRUNK", true, do_trunk},     {"ALERT", false, do_alert},
	{"RESOLVE", false, do_resolve}, {"ACT", false, do_act},      {"PASS", false, do_pass},
	{"CRASH", false, do_crash},   {"PRESS", false, do_press},    {"PLAYED", false, do_played},
	{"HOLD", false, do_hold},
	{"HEALTH", false, do_health}, {"REFUSE", false, do_refuse},  {"VOICE", false, do_voice},
	{"FORGET", false, do_forget}, {"ADOPT", false, do_adopt},    {"FOUND", false, do_found},
	{"CALLBACK", false, do_callback}, {"NOTE", false, do_note},
	{"INCOMING", false, do_incoming}, {"CONTACT", false, do_contact},
	{"TRIGGER", false, do_trigger},
	{"SEVERITY", false, do_severity}, {"CALLED", false, do_called},
	{"SCHEDULE", false, do_document}, {"POLICY", false, do_document},
	{"MAINTENANCE", false, do_document}, {"DROP", false, do_drop},
	{"SNOOZE", false, do_snooze}, {"CLOCK", false, do_clock},
	{"JUMP", false, do_jump},
	{"STORE", false, do_store},   {"STOP", false, do_stop},      {"EXPECT", false, do_expect},
};

static void execute(struct run *r, const struct words *w)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].verb, w->w[0]) != 0)
			continue;
		if (!commands[i].before_start)
			start(r);
		commands[i].fn(r, w);
		return;
	}
	start(r);
	if (!do_persons(r, w) && !do_report(r, w))
		fail(r, "there is no command '%s'", w->w[0]);
}

static bool run_file(const char *path, const char *name)
{
	struct run r = {.file = path, .world = world_new()};
	FILE *f = fopen(path, "r");
	char line[2048];
	struct words w;

	if (!f)
		fail(&r, "cannot be read");
	while (f && !r.fault[0] && fgets(line, sizeof(line), f)) {
		r.line++;
		split(line, &w);
		if (w.n)
			execute(&r, &w);
	}
	if (f)
		fclose(f);
	world_free(r.world);
	if (r.fault[0])
		printf("FAIL %s:%d: %s\n", name, r.line, r.fault);
	return !r.fault[0];
}

static int is_scenario(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > 4 && !strcmp(e->d_name + len - 4, ".txt");
}

int main(int argc, char **argv)
{
	struct dirent **list;
	int n, passed = 0, failed = 0;

	if (argc < 2) {
		fputs("usage: scenario FOLDER [NAME]...\n", stderr);
		return 2;
	}
	logging_setup(getenv("VERBOSE") ? TC_LOG_DEBUG : TC_LOG_ERROR, LOGGING_TEXT);
	n = scandir(argv[1], &list, is_scenario, alphasort);
	for (int i = 0; i < n; i++) {
		char *path = tc_asprintf("%s/%s", argv[1], list[i]->d_name);
		bool wanted = argc == 2;

		for (int k = 2; k < argc; k++)
			wanted = wanted || !strncmp(list[i]->d_name, argv[k], strlen(argv[k]));
		if (wanted && run_file(path, list[i]->d_name))
			passed++;
		else if (wanted)
			failed++;
		free(path);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	printf("%d passed, %d failed\n", passed, failed);
	return failed || !passed;
}
