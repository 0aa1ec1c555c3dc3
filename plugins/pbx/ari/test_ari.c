/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the parts of the Asterisk trunk that need no Asterisk: endpoints, events, names. Calls
 * are tried by the contract suite of trunks and end to end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ari.h"
#include "endpoint.h"

/* ---- endpoints ---- */

static void formatted(const char *template, const char *plus, const char *number,
		      const char *wanted)
{
	char endpoint[ENDPOINT_SIZE];

	assert_int_equal(endpoint_format(template, plus, number, endpoint), 0);
	assert_string_equal(endpoint, wanted);
}

static void templates_are_filled(void **state)
{
	(void)state;
	formatted("PJSIP/{number}@provider", "00", "+4930123", "PJSIP/004930123@provider");
	formatted("PJSIP/{number}@provider", "+", "+4930123", "PJSIP/+4930123@provider");
	formatted("PJSIP/{number}@provider", "", "+4930123", "PJSIP/4930123@provider");
	formatted("Local/{number}@from-internal", "00", "200", "Local/200@from-internal");
	formatted("PJSIP/any/sip:{number}@h:5060", "00", "*31#5", "PJSIP/any/sip:*31%235@h:5060");
}

/* The three forms of asterisk_chan_type in py-phone-caller's settings.toml. */
static void forms_of_py_phone_caller(void **state)
{
	(void)state;
	formatted("SIP/sip-provider", "00", "+393341212123", "SIP/sip-provider/00393341212123");
	formatted("PJSIP/py-phone-caller", "00", "+39334", "PJSIP/0039334@py-phone-caller");
	formatted("Local/{phone}@py-phone-caller", "00", "+39", "Local/0039@py-phone-caller");
}

static void what_is_no_number_is_refused(void **state)
{
	static const char *const bad[] = {"", "+", "12a", "12 3", "1@evil", "1&PJSIP/2", "++1"};
	char endpoint[ENDPOINT_SIZE], longest[301];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(endpoint_format("PJSIP/{number}@p", "00", bad[i], endpoint),
				 -EINVAL);
	memset(longest, '1', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(endpoint_format("PJSIP/{number}@p", "", longest, endpoint), 0);
	char template[300] = "PJSIP/{number}@";
	memset(template + 15, 'p', sizeof(template) - 16);
	assert_int_equal(endpoint_format(template, "", longest, endpoint), -EINVAL);
}

static void templates_are_checked(void **state)
{
	static const char *const bad[] = {"provider", "/x", "PJSIP/", "PJSIP/{n}@p",
					  "PJSIP/{number}@p&PJSIP/x", "PJ SIP/x", "P-J/x"};
	static const char *const good[] = {"PJSIP/{number}@p", "SIP/p", "Local/{phone}@c/n",
					   "DAHDI/g1/{number}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_non_null(endpoint_fault(bad[i]));
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_null(endpoint_fault(good[i]));
}

/* ---- events ---- */

static json_t *parsed(const char *text, struct message *m)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	assert_int_equal(message_parse(json, m), 0);
	return json;
}

static void events_are_taken_apart(void **state)
{
	struct message m;
	json_t *j;

	(void)state;
	j = parsed("{\"type\":\"ChannelDestroyed\",\"cause\":17,\"cause_txt\":\"User busy\","
		   "\"tech_cause\":\"486\",\"channel\":{\"id\":\"c1\",\"state\":\"Down\"}}",
		   &m);
	assert_int_equal(m.type, MESSAGE_DESTROYED);
	assert_string_equal(m.channel, "c1");
	assert_int_equal(m.cause, 17);
	assert_int_equal(m.tech_cause, 486);
	assert_string_equal(m.cause_text, "User busy");
	json_decref(j);
	j = parsed("{\"type\":\"Dial\",\"dialstatus\":\"RINGING\",\"caller\":{\"id\":\"c0\"},"
		   "\"peer\":{\"id\":\"c1\"}}",
		   &m);
	assert_int_equal(m.type, MESSAGE_DIAL);
	assert_string_equal(m.channel, "c1");
	assert_string_equal(m.dialstatus, "RINGING");
	json_decref(j);
	j = parsed("{\"type\":\"PlaybackContinuing\",\"playback\":{\"id\":\"p1\",\"media_uri\":"
		   "\"sound:a\",\"next_media_uri\":\"sound:b\",\"target_uri\":\"channel:c1\","
		   "\"state\":\"continuing\"}}",
		   &m);
	assert_int_equal(m.type, MESSAGE_PLAYBACK_CONTINUING);
	assert_string_equal(m.playback, "p1");
	assert_string_equal(m.media, "sound:b");
	assert_string_equal(m.channel, "c1");
	json_decref(j);
}

static void strange_events_are_harmless(void **state)
{
	static const char *const odd[] = {
		"{\"type\":\"NeverHeardOf\"}",
		"{\"type\":\"Dial\",\"peer\":5,\"dialstatus\":{}}",
		"{\"type\":\"ChannelDestroyed\",\"channel\":[],\"cause\":\"x\"}",
		"{\"type\":\"PlaybackFinished\",\"playback\":\"p\"}",
		"{\"type\":\"ChannelDtmfReceived\",\"digit\":4}",
	};
	static const char *const none[] = {"{}", "[]", "{\"type\":7}", "{\"type\":\"\"}"};
	struct message m;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		json_t *j = parsed(odd[i], &m);

		assert_string_equal(m.channel, "");
		assert_string_equal(m.digit, "");
		assert_int_equal(m.cause, 0);
		json_decref(j);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		json_t *j = json_loads(none[i], 0, NULL);

		assert_int_equal(message_parse(j, &m), -EINVAL);
		json_decref(j);
	}
}

/* ---- names ---- */

static void call_ids_are_known(void **state)
{
	(void)state;
	assert_true(ari_is_call_id("0190aaaa-0000-7000-8000-000000000001"));
	assert_false(ari_is_call_id("0190aaaa-0000-7000-8000-00000000000"));
	assert_false(ari_is_call_id("0190aaaa-0000-7000-8000-0000000000012"));
	assert_false(ari_is_call_id("0190AAAA-0000-7000-8000-000000000001"));
	assert_false(ari_is_call_id("1700000000.12"));
	assert_false(ari_is_call_id(""));
	assert_true(ari_is_part("0190aaaa-0000-7000-8000-000000000001-m"));
	assert_false(ari_is_part("0190aaaa-0000-7000-8000-000000000001"));
	assert_false(ari_is_part("0190aaaa-0000-7000-8000-000000000001-"));
	assert_false(ari_is_part("x190aaaa-0000-7000-8000-000000000001-m"));
}

static void urls_and_ports(void **state)
{
	struct ari_config cfg = {.url = "https://pbx:8089/ari", .app = "tocsin"};
	char *url = ari_events_url(&cfg);
	uint16_t min, max;

	(void)state;
	assert_string_equal(url, "wss://pbx:8089/ari/events?app=tocsin");
	free(url);
	assert_int_equal(ari_ports("30001-30100", &min, &max), 0);
	assert_int_equal(min, 30002);
	assert_int_equal(max, 30100);
	assert_int_equal(ari_ports("30000", &min, &max), -EINVAL);
	assert_int_equal(ari_ports("100-200", &min, &max), -EINVAL);
	assert_int_equal(ari_ports("30000-70000", &min, &max), -EINVAL);
	assert_int_equal(ari_ports("30000-30100x", &min, &max), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_are_filled),
		cmocka_unit_test(forms_of_py_phone_caller),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(templates_are_checked),
		cmocka_unit_test(events_are_taken_apart),
		cmocka_unit_test(strange_events_are_harmless),
		cmocka_unit_test(call_ids_are_known),
		cmocka_unit_test(urls_and_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
