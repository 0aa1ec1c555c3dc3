/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls against made-up events and lists: what comes twice, late, or while nobody listened. The
 * peer is an HTTP server of this test, which has no WebSocket: the trunk never gets its events.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "ari.h"
#include "call/trunk.h"
#include "hear.h"
#include "unit/host_rig.h"
#include "unit/tcp_peer.h"

#define ID       "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
#define GET      "GET /channels/" ID
#define HANGUP   "DELETE /channels/" ID
#define ANSWER   "POST /channels/" ID "/answer"
#define CONTINUE "POST /channels/" ID "/continue"
#define LOG_MAX  256
#define LOG_SIZE 120
#define EVENTS   32

extern const struct tc_plugin tc_plugin;

struct fixture {
	struct host_rig host;
	struct tc_instance *self;
	struct trunks *trunks;
	struct tcp_peer *peer;
	struct ari *ari;
	pthread_mutex_t lock; /* guards what follows */
	char log[LOG_MAX][LOG_SIZE]; /* requests that concern the channel: "METHOD PATH" */
	char body[1000]; /* of the newest one that had one */
	unsigned n_log;
	unsigned cut; /* so many of them get no answer */
	struct tc_pbx_event events[EVENTS]; /* on the loop only */
	unsigned n_events;
};

/* ---- the server ---- */

static bool note(struct fixture *f, const char *method, const char *path, const char *body)
{
	bool cut = false;

	pthread_mutex_lock(&f->lock);
	if (!strcmp(path, "/channels/" ID) || !strncmp(path, "/channels/" ID "/", 47)) {
		snprintf(f->log[f->n_log++ % LOG_MAX], LOG_SIZE, "%s %.100s", method, path);
		if (*body)
			tc_strcopy(f->body, sizeof(f->body), body);
		cut = f->cut > 0;
		f->cut -= cut;
	}
	pthread_mutex_unlock(&f->lock);
	return cut;
}

static void serve(struct tcp_peer *peer, int fd, unsigned n, void *arg)
{
	static const char done[] = "HTTP/1.1 204 No Content\r\n\r\n";
	static const char none[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
	char head[2000], method[16], path[160], body[1000] = "";

	(void)peer;
	(void)n;
	while (tcp_peer_head(fd, head, sizeof(head)) &&
	       sscanf(head, "%15s /ari%159s", method, path) == 2) {
		const char *length = strstr(head, "Content-Length: ");
		size_t len = length ? strtoul(length + 16, NULL, 10) : 0;
		const char *text = strcmp(method, "GET") ? done : none;

		if (len >= sizeof(body) || !tcp_peer_read(fd, body, len))
			return;
		body[len] = '\0';
		if (note(arg, method, path, body))
			return;
		tcp_peer_write(fd, text, strlen(text));
	}
}

static unsigned logged(struct fixture *f, const char *what)
{
	unsigned n = 0;

	pthread_mutex_lock(&f->lock);
	for (unsigned i = 0; i < f->n_log && i < LOG_MAX; i++)
		n += !strcmp(f->log[i], what);
	pthread_mutex_unlock(&f->lock);
	return n;
}

/* The next n of them get no answer. */
static void set_cut(struct fixture *f, unsigned n)
{
	pthread_mutex_lock(&f->lock);
	f->cut = n;
	pthread_mutex_unlock(&f->lock);
}

/* ---- the trunk ---- */

static void on_event(void *arg, struct trunk *trunk, const struct tc_pbx_event *event)
{
	struct fixture *f = arg;

	(void)trunk;
	assert_true(f->n_events < EVENTS);
	f->events[f->n_events++] = *event;
}

static int begin(void **state, const char *more)
{
	struct fixture *f = tc_alloc(sizeof(*f));
	char *settings;

	pthread_mutex_init(&f->lock, NULL);
	host_rig_init(&f->host, LOOP_REAL);
	host_plugin_add(f->host.host, &tc_plugin);
	f->trunks = trunks_new(f->host.loop, NULL, NULL);
	trunks_listen(f->trunks, on_event, NULL, f);
	host_services(f->host.host)->trunks = f->trunks;
	f->peer = tcp_peer_new(serve, f);
	settings = tc_asprintf("{\"url\": \"http://127.0.0.1:%u/ari\", \"user\": \"u\","
			       " \"password\": \"p\", \"endpoint\": \"PJSIP/{number}@p\","
			       " \"media\": \"file\", \"media_dir\": \"/nonexistent\"%s}",
			       tcp_peer_port(f->peer), more);
	f->self = host_rig_instance(&f->host, &tc_plugin, "pbx", settings);
	free(settings);
	trunks_add(f->trunks, f->self);
	assert_int_equal(instance_open(f->self), 0);
	f->ari = f->self->state;
	*state = f;
	return 0;
}

static int plain(void **state)
{
	return begin(state, "");
}

static int dialplan(void **state)
{
	return begin(state, ", \"context\": \"site\", \"extension\": \"3216\"");
}

#define GUESSES                                                                                    \
	", \"detect_machine\": true, \"machine_after\": \"500ms\", \"greeting_silence\": \"500ms\""

static int guessing(void **state)
{
	return begin(state, GUESSES);
}

static int guessing_dialplan(void **state)
{
	return begin(state, ", \"context\": \"site\", \"extension\": \"3216\"" GUESSES);
}

static int impatient(void **state)
{
	return begin(state, ", \"lost_after\": \"1s\"");
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	instance_close(f->self);
	tcp_peer_free(f->peer);
	trunks_free(f->trunks);
	host_rig_fini(&f->host);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return 0;
}

/* ---- waiting ---- */

struct until {
	struct fixture *f;
	const char *what; /* NULL: events */
	unsigned n;
	bool reached;
	struct loop_timer timer;
};

static void look(void *arg)
{
	struct until *u = arg;

	if ((u->what ? logged(u->f, u->what) : u->f->n_events) >= u->n)
		u->reached = true;
	else
		loop_timer_start_us(&u->timer, 500);
}

static void wait_for(struct fixture *f, const char *what, unsigned n)
{
	struct until u = {.f = f, .what = what, .n = n};

	loop_timer_init(&u.timer, f->host.loop, look, &u);
	loop_timer_start_us(&u.timer, 0);
	host_rig_wait(&f->host, &u.reached);
}

/* So many requests of this kind, or events (NULL), and no more. */
static void until(struct fixture *f, const char *what, unsigned n)
{
	wait_for(f, what, n);
	assert_int_equal(what ? logged(f, what) : f->n_events, n);
}

/* These events, in this order, and no more. Ends with TC_PBX_EVENT_COUNT. */
static void told(struct fixture *f, ...)
{
	unsigned n = 0;
	va_list ap;

	va_start(ap, f);
	for (int type; (type = va_arg(ap, int)) != TC_PBX_EVENT_COUNT; n++) {
		wait_for(f, NULL, n + 1);
		assert_int_equal(f->events[n].type, type);
	}
	va_end(ap);
	until(f, NULL, n);
}

#define TOLD(f, ...) told(f, __VA_ARGS__, TC_PBX_EVENT_COUNT)

static const struct tc_pbx_event *newest(const struct fixture *f)
{
	return &f->events[f->n_events - 1];
}

struct quiet {
	struct fixture *f;
	bool reached;
	struct loop_timer timer;
};

static void is_quiet(void *arg)
{
	struct quiet *q = arg;
	const struct leg *leg = leg_find(q->f->ari, ID);

	if (!leg->moving && !leg->ending)
		q->reached = true;
	else
		loop_timer_start_us(&q->timer, 500);
}

/* Until what it was asked for is answered. */
static void settled(struct fixture *f)
{
	struct quiet q = {.f = f};

	loop_timer_init(&q.timer, f->host.loop, is_quiet, &q);
	loop_timer_start_us(&q.timer, 0);
	host_rig_wait(&f->host, &q.reached);
}

/* ---- events and lists ---- */

/* at_s: after a full hour of Asterisk's clock. */
static void event(struct fixture *f, const char *type, unsigned at_s, const char *more)
{
	struct leg *leg = leg_find(f->ari, ID);
	char *text = tc_asprintf("{\"type\": \"%s\", \"timestamp\": "
				 "\"2026-11-23T02:00:%02u.000+0000\", \"channel\": {\"id\": \"" ID
				 "\", \"state\": \"Up\"}%s}",
				 type, at_s, more);
	json_t *json = json_loads(text, 0, NULL);
	struct message m;

	assert_non_null(leg);
	assert_int_equal(message_parse(json, &m), 0);
	leg_message(leg, &m);
	json_decref(json);
	free(text);
}

/* The stay in our application that originate asked for; one that the dialplan says. */
static void first_stay(struct fixture *f, unsigned at_s)
{
	event(f, "StasisStart", at_s, ", \"args\": [\"begin\"]");
}

static void stay(struct fixture *f, unsigned at_s)
{
	event(f, "StasisStart", at_s, ", \"args\": []");
}

static void press(struct fixture *f, unsigned at_s)
{
	event(f, "ChannelDtmfReceived", at_s, ", \"digit\": \"4\"");
}

/* As it is found in a list. */
static void found(struct fixture *f, const char *state, const char *app, const char *data)
{
	json_t *json = json_pack("{s:s, s:s, s:{s:s, s:s}}", "id", ID, "state", state, "dialplan",
				 "app_name", app, "app_data", data);

	assert_non_null(leg_find(f->ari, ID));
	leg_sync(leg_find(f->ari, ID), json);
	json_decref(json);
}

static void recover(struct fixture *f, const char *ref)
{
	const struct tc_pbx_ops *ops = tc_plugin.ops;

	assert_int_equal(ops->recover(f->ari, ID, "+4930123", ref), 0);
}

/* A call that rings, whoever has placed it. */
static void rings(struct fixture *f)
{
	recover(f, "");
	found(f, "Ringing", "AppDial2", "(Outgoing Line)");
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING);
}

/* It has been in the dialplan, and is to be spoken to now. */
static void greeted(struct fixture *f)
{
	rings(f);
	first_stay(f, 1);
	until(f, CONTINUE, 1);
	event(f, "StasisEnd", 2, "");
	stay(f, 9);
	assert_true(leg_find(f->ari, ID)->in_app);
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED);
}

/* ---- the dialplan ---- */

/* An earlier process has placed it: the answer still sends it into the dialplan first. */
static void answered_after_a_restart(void **state)
{
	struct fixture *f = *state;

	rings(f);
	first_stay(f, 1);
	assert_false(leg_find(f->ari, ID)->in_app);
	until(f, CONTINUE, 1);
	assert_non_null(strstr(f->body, "3216"));
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED);
	assert_true(newest(f)->dialplan);
}

static void answered_while_nobody_listened(void **state)
{
	struct fixture *f = *state;

	rings(f);
	found(f, "Up", "Stasis", "tocsin,begin");
	assert_false(leg_find(f->ari, ID)->in_app);
	until(f, CONTINUE, 1);
	assert_non_null(strstr(f->body, "3216"));
	settled(f);
	found(f, "Up", "Playback", "beep");
	found(f, "Up", "Stasis", "tocsin");
	assert_true(leg_find(f->ari, ID)->in_app);
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED);
}

static void stays_told_twice(void **state)
{
	struct fixture *f = *state;

	rings(f);
	first_stay(f, 1);
	first_stay(f, 1);
	assert_false(leg_find(f->ari, ID)->in_app);
	stay(f, 9);
	event(f, "StasisEnd", 2, "");
	assert_true(leg_find(f->ari, ID)->in_app);
	press(f, 10);
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED, TC_PBX_DTMF);
	until(f, CONTINUE, 1);
	assert_int_equal(leg_release(f->ari, ID), 0);
	stay(f, 9);
	first_stay(f, 1);
	assert_false(leg_find(f->ari, ID)->in_app);
	until(f, CONTINUE, 2);
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED, TC_PBX_DTMF, TC_PBX_RELEASED);
}

/* "Press 1 to hear it again." */
static void the_dialplan_comes_back(void **state)
{
	struct fixture *f = *state;

	greeted(f);
	assert_int_equal(leg_release(f->ari, ID), 0);
	until(f, CONTINUE, 2);
	event(f, "StasisEnd", 12, "");
	stay(f, 20);
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED, TC_PBX_RELEASED, TC_PBX_ANSWERED);
	assert_true(newest(f)->dialplan);
	assert_int_equal(leg_release(f->ari, ID), 0);
	until(f, CONTINUE, 3);
}

/* An earlier process has given it back; it is not spoken to again unless the dialplan says so. */
static void given_back_before_a_restart(void **state)
{
	struct fixture *f = *state;
	char ref[sizeof(newest(f)->ref)];

	greeted(f);
	assert_int_equal(leg_release(f->ari, ID), 0);
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED, TC_PBX_RELEASED);
	tc_strcopy(ref, sizeof(ref), newest(f)->ref);
	leg_free(leg_find(f->ari, ID));
	f->n_events = 0;
	recover(f, ref);
	found(f, "Up", "Read", "KEY");
	TOLD(f, TC_PBX_PLACED, TC_PBX_RELEASED);
	stay(f, 30);
	TOLD(f, TC_PBX_PLACED, TC_PBX_RELEASED, TC_PBX_ANSWERED);
}

static void in_the_greeting_at_a_restart(void **state)
{
	struct fixture *f = *state;

	recover(f, "");
	found(f, "Up", "Playback", "beep");
	TOLD(f, TC_PBX_PLACED, TC_PBX_ANSWERED);
	stay(f, 9);
	assert_true(leg_find(f->ari, ID)->in_app);
	until(f, CONTINUE, 0);
}

/* No answer to the request: the call goes on all the same. */
static void continue_is_said_again(void **state)
{
	struct fixture *f = *state;

	rings(f);
	set_cut(f, 2);
	first_stay(f, 1);
	until(f, CONTINUE, 3);
	assert_int_equal(logged(f, HANGUP), 0);
	assert_non_null(strstr(f->body, "3216"));
}

/* ---- keys ---- */

/* Pressed before it is known how far the call is. */
static void key_while_it_is_looked_up(void **state)
{
	struct fixture *f = *state;

	recover(f, "");
	press(f, 1);
	TOLD(f, TC_PBX_PLACED, TC_PBX_ANSWERED, TC_PBX_DTMF);
	found(f, "Up", "Stasis", "tocsin");
	TOLD(f, TC_PBX_PLACED, TC_PBX_ANSWERED, TC_PBX_DTMF);
}

static void key_told_twice(void **state)
{
	struct fixture *f = *state;

	recover(f, "");
	found(f, "Up", "Stasis", "tocsin");
	press(f, 1);
	press(f, 1);
	press(f, 2);
	TOLD(f, TC_PBX_PLACED, TC_PBX_ANSWERED, TC_PBX_DTMF, TC_PBX_DTMF);
}

/* ---- calls that come in ---- */

/* No answer to the request: it is said again, else the caller would hear it ring for long. */
static void answer_is_said_again(void **state)
{
	struct fixture *f = *state;
	json_t *json = json_pack("{s:s, s:{s:s, s:s}}", "type", "StasisStart", "channel", "id", ID,
				 "state", "Ring");
	struct message m;
	struct leg *leg;

	assert_int_equal(message_parse(json, &m), 0);
	leg = leg_incoming(f->ari, &m);
	set_cut(f, 2);
	assert_int_equal(leg_answer(f->ari, leg->id), 0);
	until(f, ANSWER, 3);
	json_decref(json);
}

/* ---- ends ---- */

static void hang_up_until_it_is_gone(void **state)
{
	struct fixture *f = *state;

	rings(f);
	assert_int_equal(leg_hangup(f->ari, ID), 0);
	until(f, HANGUP, 1);
	settled(f);
	found(f, "Ringing", "AppDial2", "(Outgoing Line)");
	until(f, HANGUP, 2);
}

/* The hang-up at the end of the ring time came to nothing, and somebody answered. */
static void answered_after_all(void **state)
{
	struct fixture *f = *state;

	rings(f);
	leg_find(f->ari, ID)->timed_out = true;
	first_stay(f, 1);
	event(f, "ChannelDestroyed", 5, ", \"cause\": 16");
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED, TC_PBX_ENDED);
	assert_int_equal(newest(f)->end, TC_PBX_END_REMOTE);
}

/* Nothing is heard of Asterisk for too long: the person is called by another way. */
static void deaf_for_too_long(void **state)
{
	struct fixture *f = *state;

	rings(f);
	first_stay(f, 1);
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED, TC_PBX_ENDED);
	assert_int_equal(newest(f)->end, TC_PBX_END_GONE);
	until(f, HANGUP, 1);
	settled(f);
	found(f, "Up", "Stasis", "tocsin");
	until(f, HANGUP, 2);
	event(f, "ChannelDestroyed", 50, ", \"cause\": 16");
	assert_null(leg_find(f->ari, ID));
	until(f, NULL, 4);
}

/* Nor is one hung up that is not wanted any more: it is, later. */
static void no_answer_to_the_hang_up(void **state)
{
	struct fixture *f = *state;

	rings(f);
	set_cut(f, 1000);
	assert_int_equal(leg_hangup(f->ari, ID), 0);
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ENDED);
	assert_int_equal(newest(f)->end, TC_PBX_END_GONE);
	set_cut(f, 0);
	until(f, HANGUP, logged(f, HANGUP) + 1);
	until(f, NULL, 3);
}

/* ---- who has answered ---- */

static void talk_detect_is_read(void **state)
{
	struct fixture *f = *state;

	rings(f);
	stay(f, 1);
	event(f, "ChannelTalkingStarted", 1, "");
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED, TC_PBX_MACHINE);
	assert_string_equal(newest(f)->text, "0.5 s of speech without a pause");
	event(f, "ChannelTalkingFinished", 2, ", \"duration\": 900");
	event(f, "ChannelTalkingStarted", 2, "");
	event(f, "ChannelTalkingFinished", 2, ", \"duration\": 20"); /* a click */
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED, TC_PBX_MACHINE, TC_PBX_BEEP);
	assert_non_null(strstr(newest(f)->text, "silence"));
	assert_null(leg_find(f->ari, ID)->notes);
}

static void what_was_missed_is_not_guessed(void **state)
{
	struct fixture *f = *state;

	rings(f);
	stay(f, 1);
	event(f, "ChannelTalkingStarted", 1, "");
	hear_missed(leg_find(f->ari, ID));
	event(f, "ChannelTalkingFinished", 2, ", \"duration\": 900");
	press(f, 3);
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED, TC_PBX_DTMF);
}

static void nothing_is_guessed_behind_a_dialplan(void **state)
{
	struct fixture *f = *state;

	greeted(f);
	event(f, "ChannelTalkingStarted", 9, "");
	event(f, "ChannelTalkingFinished", 11, ", \"duration\": 1900");
	press(f, 12);
	TOLD(f, TC_PBX_PLACED, TC_PBX_RINGING, TC_PBX_ANSWERED, TC_PBX_DTMF);
}

/* ---- keys of ours ---- */

#define PRESS "POST /channels/" ID "/dtmf"

static void keys_go_one_after_the_other(void **state)
{
	const struct tc_pbx_ops *ops = tc_plugin.ops;
	struct fixture *f = *state;

	rings(f);
	assert_int_equal(ops->dtmf(f->ari, ID, "1"), -ENOTCONN);
	stay(f, 1);
	assert_int_equal(ops->dtmf(f->ari, ID, "12"), 0);
	assert_int_equal(ops->dtmf(f->ari, ID, "#3"), 0);
	assert_int_equal(ops->dtmf(f->ari, ID, "4"), 0);
	assert_int_equal(ops->dtmf(f->ari, ID, "00000000000000000000000000000"), 0);
	assert_int_equal(ops->dtmf(f->ari, ID, "5"), -EBUSY);
	until(f, PRESS, 2); /* what waited for the first went in one */
	assert_non_null(strstr(f->body, "\"#3400000"));
}

#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(dialplan, answered_after_a_restart),
		WITH(dialplan, answered_while_nobody_listened),
		WITH(dialplan, stays_told_twice),
		WITH(dialplan, the_dialplan_comes_back),
		WITH(dialplan, given_back_before_a_restart),
		WITH(dialplan, in_the_greeting_at_a_restart),
		WITH(dialplan, continue_is_said_again),
		WITH(plain, key_while_it_is_looked_up),
		WITH(plain, key_told_twice),
		WITH(plain, answer_is_said_again),
		WITH(plain, hang_up_until_it_is_gone),
		WITH(plain, answered_after_all),
		WITH(guessing, talk_detect_is_read),
		WITH(guessing, what_was_missed_is_not_guessed),
		WITH(guessing_dialplan, nothing_is_guessed_behind_a_dialplan),
		WITH(plain, keys_go_one_after_the_other),
		WITH(impatient, deaf_for_too_long),
		WITH(impatient, no_answer_to_the_hang_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
