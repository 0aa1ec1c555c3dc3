/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the parts of the SIP trunk that need no network and make no sound: identities, causes,
 * digests, URIs, keys. Calls are tried by the contract suite of trunks and end to end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <tocsin/alloc.h>

#include "cause/cause.h"
#include "digest.h"
#include "dtmf.h"
#include "ids.h"
#include "party.h"
#include "target.h"
#include "wrap.h"

#define CALL "0190aaaa-0000-7000-8000-000000000001"

/* ---- identities ---- */

/* A process of another version must find the same: these values never change. */
static void ids_are_for_ever(void **state)
{
	char tag[IDS_TAG_SIZE], branch[IDS_BRANCH_SIZE];

	(void)state;
	ids_tag(tag, CALL);
	assert_string_equal(tag, "4cbc068459ebbcfd");
	ids_branch(branch, CALL, "invite", 2);
	assert_string_equal(branch, "z9hG4bKc1a398cac5c31827");
	assert_true(ids_derive(CALL, "invite", 1) != ids_derive(CALL, "invite", 2));
	assert_true(ids_derive(CALL, "invite", 1) != ids_derive(CALL, "ack", 1));
}

uint64_t __wrap_rand_u64(void);

static void a_branch_is_forced_for_a_while(void **state)
{
	(void)state;
	wrap_branch_force(42);
	assert_int_equal(__wrap_rand_u64(), 42);
	assert_int_equal(__wrap_rand_u64(), 42);
	wrap_branch_free();
	assert_true(__wrap_rand_u64() != __wrap_rand_u64());
}

/* ---- causes ---- */

struct cause_row {
	int sip, q850;
	enum tc_pbx_end end;
};

static void causes_have_their_ends(void **state)
{
	static const struct cause_row rows[] = {
		{486, 0, TC_PBX_END_BUSY},         {600, 0, TC_PBX_END_BUSY},
		{486, 21, TC_PBX_END_BUSY},        {480, 17, TC_PBX_END_BUSY},
		{603, 0, TC_PBX_END_REJECTED},     {403, 0, TC_PBX_END_REJECTED},
		{480, 0, TC_PBX_END_TIMEOUT},      {480, 19, TC_PBX_END_TIMEOUT},
		{408, 0, TC_PBX_END_TIMEOUT},      {404, 0, TC_PBX_END_UNREACHABLE},
		{503, 1, TC_PBX_END_UNREACHABLE},  {484, 28, TC_PBX_END_UNREACHABLE},
		{503, 0, TC_PBX_END_CONGESTION},   {503, 34, TC_PBX_END_CONGESTION},
		{500, 0, TC_PBX_END_CONGESTION},   {504, 38, TC_PBX_END_CONGESTION},
		{401, 0, TC_PBX_END_TRUNK},        {407, 0, TC_PBX_END_TRUNK},
		{404, 16, TC_PBX_END_UNREACHABLE}, {488, 0, TC_PBX_END_FAILED},
		{699, 0, TC_PBX_END_FAILED},       {0, 0, TC_PBX_END_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(cause_end(rows[i].sip, rows[i].q850), rows[i].end);
}

static int reason(const char *value)
{
	return cause_reason(value, strlen(value));
}

static void reasons_are_read(void **state)
{
	(void)state;
	assert_int_equal(reason("Q.850;cause=16;text=\"Terminated\""), 16);
	assert_int_equal(reason("q.850 ; cause=17"), 17);
	assert_int_equal(reason("SIP;cause=200;text=\"x\", Q.850;cause=19"), 19);
	assert_int_equal(reason("SIP;cause=200"), 0);
	assert_int_equal(reason("Q.850, SIP;cause=200"), 0);
	assert_int_equal(reason("Q.850;cause="), 0);
	assert_int_equal(reason("Q.850;cause=99999999999999999999"), 0);
	assert_int_equal(reason("Q.85"), 0);
	assert_int_equal(reason(""), 0);
	assert_int_equal(cause_reason("Q.850;cause=17", 13), 1); /* not beyond its end */
}

/* ---- digests ---- */

static void answer_to(const char *challenge, const char *want)
{
	struct digest d = {0};
	char line[1024], response[200];

	assert_int_equal(digest_challenge(&d, challenge, strlen(challenge), true), 0);
	assert_true(digest_answer(&d, "alice", "secret", "INVITE", "sip:+49@provider.example",
				  0x0123456789abcdef, line, sizeof(line)) > 0);
	assert_ptr_equal(strstr(line, "Proxy-Authorization: Digest username=\"alice\""), line);
	snprintf(response, sizeof(response), "response=\"%s\"", want);
	assert_non_null(strstr(line, response));
	assert_non_null(strstr(line, "uri=\"sip:+49@provider.example\""));
	assert_string_equal(line + strlen(line) - 2, "\r\n");
	assert_null(strstr(line, "secret"));
}

/* The responses were made with Python's hashlib. */
static void digests_are_answered(void **state)
{
	(void)state;
	answer_to("Digest realm=\"provider.example\", nonce=\"abc\"",
		  "551e32f4cb0d95bf060a06527bff54e5");
	answer_to("Digest realm=\"provider.example\",nonce=\"abc\",qop=\"auth,auth-int\"",
		  "3866b9e059bab782c2cf1f563b88b991");
	answer_to("digest  Nonce = \"abc\" , algorithm=md5, realm=\"provider.example\", qop=auth",
		  "3866b9e059bab782c2cf1f563b88b991");
	answer_to(
		"Digest realm=\"provider.example\", nonce=\"abc\", algorithm=SHA-256, qop=\"auth\"",
		"2df35cea85aac3557f4abfe28e2a362425a8eab7f5b10b9c99af9ac1a73ea22e");
}

static int challenge(struct digest *d, const char *value)
{
	return digest_challenge(d, value, strlen(value), false);
}

/* The example of RFC 2069 2.4, with its erratum. */
static void the_old_example_is_answered(void **state)
{
	struct digest d = {0};
	char line[1024];

	(void)state;
	assert_int_equal(challenge(&d, "Digest realm=\"testrealm@host.com\", "
				       "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
				       "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""),
			 0);
	assert_true(digest_answer(&d, "Mufasa", "CircleOfLife", "GET", "/dir/index.html", 1, line,
				  sizeof(line)) > 0);
	assert_non_null(strstr(line, "response=\"1949323746fe6a43ef61f9606e7febea\""));
	assert_non_null(strstr(line, "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""));
	assert_ptr_equal(strstr(line, "Authorization: Digest "), line);
}

static void the_strongest_challenge_is_taken(void **state)
{
	struct digest d = {0};

	(void)state;
	assert_int_equal(challenge(&d, "Digest realm=\"a\", nonce=\"1\", algorithm=SHA-256"), 0);
	assert_int_equal(challenge(&d, "Digest realm=\"a\", nonce=\"2\", algorithm=MD5"), 0);
	assert_int_equal(d.algorithm, DIGEST_SHA256);
	assert_string_equal(d.nonce, "1");
	d = (struct digest){0};
	assert_int_equal(challenge(&d, "Digest realm=\"a\", nonce=\"2\", stale=TRUE"), 0);
	assert_true(d.stale);
	assert_int_equal(challenge(&d, "Digest realm=\"a\", nonce=\"1\", algorithm=SHA-256"), 0);
	assert_int_equal(d.algorithm, DIGEST_SHA256);
}

static void bad_challenges_are_refused(void **state)
{
	struct digest d = {0};
	char longest[700];

	(void)state;
	assert_int_equal(challenge(&d, "Basic realm=\"a\""), -ENOTSUP);
	assert_int_equal(challenge(&d, "Digest"), -ENOTSUP);
	assert_int_equal(challenge(&d, "Digest realm=\"a\""), -EBADMSG);
	assert_int_equal(challenge(&d, "Digest realm=\"a\", nonce=\"1"), -EBADMSG);
	assert_int_equal(challenge(&d, "Digest realm, nonce=\"1\""), -EBADMSG);
	assert_int_equal(challenge(&d, "Digest realm=\"a\", nonce=\"1\", algorithm=MD5-sess"),
			 -ENOTSUP);
	assert_int_equal(challenge(&d, "Digest realm=\"a\", nonce=\"1\", qop=\"auth-int\""),
			 -ENOTSUP);
	snprintf(longest, sizeof(longest), "Digest realm=\"a\", nonce=\"%0600d\"", 1);
	assert_int_equal(challenge(&d, longest), -EBADMSG);
	assert_int_equal(d.algorithm, DIGEST_NONE);
}

static void quotes_cannot_break_out(void **state)
{
	struct digest d = {0};
	char line[1024], small[64];

	(void)state;
	assert_int_equal(challenge(&d, "Digest realm=\"a\\\"b\", nonce=\"1\""), 0);
	assert_string_equal(d.realm, "a\"b");
	assert_true(digest_answer(&d, "al\"ice", "x", "BYE", "sip:a", 1, line, sizeof(line)) > 0);
	assert_non_null(strstr(line, "username=\"al\\\"ice\""));
	assert_non_null(strstr(line, "realm=\"a\\\"b\""));
	for (size_t n = 1; n < sizeof(small); n++)
		assert_true(digest_answer(&d, "alice", "x", "BYE", "sip:a", 1, small, n) < 0);
}

/* ---- URIs ---- */

static int expand(const char *uri, const char *number, char *buf, size_t size_bytes)
{
	const char *fault = "";
	struct target t;

	assert_int_equal(target_read(uri, &t, &fault), 0);
	return target_expand(&t, number, buf, size_bytes);
}

static void uris_are_filled(void **state)
{
	char buf[100];

	(void)state;
	assert_int_equal(expand("sip:{number}@example.com", "+49301", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "sip:+49301@example.com");
	assert_int_equal(expand("sip:0{number}x@h:5080;user=phone", "*1#", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "sip:0*1%23x@h:5080;user=phone");
	assert_int_equal(expand("sip:me@192.0.2.1", "123", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "sip:me@192.0.2.1");
	assert_int_equal(expand("sip:192.0.2.1", "123", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "sip:192.0.2.1");
	assert_int_equal(expand("sip:{number}@h", "1@h", buf, sizeof(buf)), -EINVAL);
	assert_int_equal(expand("sip:{number}@h", "1+2", buf, sizeof(buf)), -EINVAL);
	assert_int_equal(expand("sip:{number}@h", "", buf, sizeof(buf)), -EINVAL);
	assert_int_equal(expand("sip:{number}@h", "1234567890", buf, 12), -EINVAL);
}

static void uris_are_read(void **state)
{
	static const char *const bad[] = {
		"",
		"http://h",
		"sip:",
		"sip:a@",
		"sip:a@h:0",
		"sip:a@h:65536",
		"sip:a@h:x",
		"sip:a@h:",
		"sips:a@h",
		"sip:a@[::1]",
		"sip:a@::1",
		"sip:a b@h",
		"sip:a@h?Subject=x",
		"sip:<a>@h",
		"sip:a@h\r\nX: y",
	};
	const char *fault;
	struct target t;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fault = NULL;
		assert_true(target_read(bad[i], &t, &fault) < 0);
		assert_non_null(fault);
	}
	assert_int_equal(target_read("sip:a@[::1]:5060", &t, &fault), -EAFNOSUPPORT);
	assert_int_equal(target_read("SIP:a@h:5080;transport=tcp", &t, &fault), 0);
	assert_string_equal(t.user, "a");
	assert_string_equal(t.host, "h");
	assert_int_equal(t.port, 5080);
	assert_string_equal(t.params, ";transport=tcp");
	assert_false(target_has_number(&t));
}

static void addresses_are_read(void **state)
{
	uint16_t min = 0, max = 0, port = 7;
	uint32_t ip = 0, mask = 0;

	(void)state;
	assert_int_equal(target_ports("20001-20011", &min, &max), 0);
	assert_int_equal(min, 20002);
	assert_int_equal(max, 20010);
	assert_int_equal(target_ports("20002-20000", &min, &max), -EINVAL);
	assert_int_equal(target_ports("20000", &min, &max), -EINVAL);
	assert_int_equal(target_ports("80-100", &min, &max), -EINVAL);
	assert_int_equal(target_ports("20000-70000", &min, &max), -EINVAL);
	assert_int_equal(target_address("192.0.2.1", &ip, &port), 0);
	assert_int_equal(port, 7);
	assert_int_equal(target_address("192.0.2.1:5080", &ip, &port), 0);
	assert_int_equal(ip, 0xc0000201);
	assert_int_equal(port, 5080);
	assert_int_equal(target_address("0.0.0.0:0", &ip, &port), 0);
	assert_int_equal(ip, 0);
	assert_int_equal(port, 0);
	assert_int_equal(target_address("192.0.2.1:", &ip, &port), -EINVAL);
	assert_int_equal(target_address("192.0.2.1:65536", &ip, &port), -EINVAL);
	assert_int_equal(target_address("::1", &ip, &port), -EINVAL);
	assert_int_equal(target_address("localhost", &ip, &port), -EINVAL);
	assert_int_equal(target_network("192.0.2.77/24", &ip, &mask), 0);
	assert_int_equal(ip, 0xc0000200);
	assert_int_equal(mask, 0xffffff00);
	assert_int_equal(target_network("192.0.2.77", &ip, &mask), 0);
	assert_int_equal(mask, 0xffffffff);
	assert_int_equal(target_network("0.0.0.0/0", &ip, &mask), 0);
	assert_int_equal(mask, 0);
	assert_int_equal(target_network("192.0.2.77/33", &ip, &mask), -EINVAL);
	assert_int_equal(target_network("192.0.2.77/", &ip, &mask), -EINVAL);
}

/* ---- who calls ---- */

static void user_is(const char *value, const char *want)
{
	char buf[40] = "?";

	assert_int_equal(party_user(value, strlen(value), buf, sizeof(buf)), want[0] != 0);
	assert_string_equal(buf, want);
}

static void number_is(const char *value, const char *want)
{
	char buf[40] = "?";

	assert_int_equal(party_number(value, strlen(value), buf, sizeof(buf)), want[0] != 0);
	assert_string_equal(buf, want);
}

static void users_are_read(void **state)
{
	(void)state;
	user_is("sip:100@example.com", "100");
	user_is("<sip:100@example.com>;tag=1", "100");
	user_is("\"Alice <sip:2@a>\" <sip:tocsin@example.com:5060;transport=tcp>;tag=1", "tocsin");
	user_is("\"A \\\" <sip:2@a>\" <SIPS:%31%2b@h>", "1+");
	user_is("  sip:a;isub=3@h;tag=1", "a");
	user_is("sip:a:password@h", "a");
	user_is("tel:+49-30-1;phone-context=x", "+49-30-1");
	user_is("sip:example.com", "");
	user_is("sip:@example.com", "");
	user_is("<sip:1@h", "");
	user_is("<>", "");
	user_is("http://1@h", "");
	user_is("sip:%0d%0ax@h", "");
	user_is("sip:%@h", "");
	user_is("sip:%4@h", "");
	user_is("sip:%4x@h", "");
	user_is("sip:%00@h", "");
	user_is("sip:<b>@h", "");
	user_is("sip:a\"b@h", "");
	user_is("sip:\xc3\xa4@h", "");
	user_is("", "");
	user_is("sip:012345678901234567890123456789012345678@h",
		"012345678901234567890123456789012345678");
	user_is("sip:0123456789012345678901234567890123456789@h", "");
}

static void numbers_are_read(void **state)
{
	char buf[40];

	(void)state;
	number_is("<sip:+49301234@example.com;user=phone>;tag=1", "+49301234");
	number_is("<tel:+49(30)12.34-5>", "+493012345");
	number_is("\"Bob\" <sip:0301234@h>", "0301234");
	number_is("<sip:*31%23@h>", "*31#");
	number_is("<sip:anonymous@anonymous.invalid>;tag=1", "");
	number_is("<sip:12a@h>", "");
	number_is("<sip:1+2@h>", "");
	number_is("<sip:+@h>", "");
	number_is("<sip:---@h>", "");
	/* not beyond its end */
	assert_true(party_number("tel:12345", 6, buf, sizeof(buf)));
	assert_string_equal(buf, "12");
	assert_false(party_number("<sip:1@h>", 6, buf, sizeof(buf)));
}

static bool withheld(const char *value)
{
	return party_withheld(value, strlen(value));
}

static void the_wish_for_privacy_is_read(void **state)
{
	(void)state;
	assert_true(withheld("id"));
	assert_true(withheld("header; USER ;critical"));
	assert_true(withheld("critical;id"));
	assert_false(withheld("none"));
	assert_false(withheld("session;ident"));
	assert_false(withheld(""));
	assert_false(party_withheld("xid", 2));
	assert_true(party_withheld("idx", 2));
}

/* ---- keys ---- */

static char event(struct dtmf *d, uint32_t ssrc, uint32_t stamp, bool marker, uint8_t key, bool end,
		  unsigned duration)
{
	uint8_t p[4] = {key, (uint8_t)(end ? 0x8a : 0x0a), (uint8_t)(duration >> 8),
			(uint8_t)duration};

	return dtmf_event(d, ssrc, stamp, marker, p, sizeof(p));
}

static void events_are_keys_once(void **state)
{
	struct dtmf d = {0};

	(void)state;
	assert_int_equal(event(&d, 1, 0xfffffff0, true, 4, false, 160), '4');
	assert_int_equal(event(&d, 1, 0xfffffff0, false, 4, false, 320), 0);
	assert_int_equal(event(&d, 1, 0xfffffff0, false, 4, true, 800), 0);
	assert_int_equal(event(&d, 1, 0xfffffff0, false, 4, true, 800), 0);
	/* all its beginnings are lost; the clock wraps */
	assert_int_equal(event(&d, 1, 1000, false, 4, true, 800), '4');
	/* a packet of the first one comes late */
	assert_int_equal(event(&d, 1, 0xfffffff0, false, 4, true, 800), 0);
	assert_int_equal(event(&d, 1, 1000, false, 4, true, 800), 0);
	/* all its ends are lost, then another key, then the same */
	assert_int_equal(event(&d, 1, 5000, true, 11, false, 160), '#');
	assert_int_equal(event(&d, 1, 9000, true, 10, false, 160), '*');
	assert_int_equal(event(&d, 1, 12000, true, 10, false, 160), '*');
	/* another stream counts anew */
	assert_int_equal(event(&d, 2, 10, true, 15, false, 160), 'D');
}

static void a_long_event_is_one_key(void **state)
{
	struct dtmf d = {0};

	(void)state;
	assert_int_equal(event(&d, 1, 1000, true, 5, false, 65535), '5');
	assert_int_equal(event(&d, 1, 1000 + 65535, false, 5, false, 160), 0);
	assert_int_equal(event(&d, 1, 1000 + 65535, false, 5, true, 400), 0);
	/* what begins there, but after an end or with a marker, is another press */
	assert_int_equal(event(&d, 1, 1000 + 65535 + 400, false, 5, true, 400), '5');
}

static void what_is_no_key_is_none(void **state)
{
	struct dtmf d = {0};
	uint8_t p[4] = {4, 0, 0, 0};

	(void)state;
	assert_int_equal(event(&d, 1, 1000, true, 16, false, 160), 0); /* flash */
	assert_int_equal(event(&d, 1, 1000, true, 255, false, 160), 0);
	assert_int_equal(dtmf_event(&d, 1, 2000, true, p, 3), 0);
	assert_int_equal(dtmf_event(&d, 1, 2000, true, p, 0), 0);
}

static char info(bool relay, const char *body)
{
	return dtmf_info(relay, body, strlen(body));
}

static void infos_are_read(void **state)
{
	(void)state;
	assert_int_equal(info(true, "Signal=7\r\nDuration=160\r\n"), '7');
	assert_int_equal(info(true, "Signal= 5 \r\nDuration= 160\r\n"), '5');
	assert_int_equal(info(true, "Duration=160\r\nsignal = #"), '#');
	assert_int_equal(info(true, "Signal=10\r\n"), '*');
	assert_int_equal(info(true, "Signal=11\r\n"), '#');
	assert_int_equal(info(true, "Signal=d\r\n"), 'D');
	assert_int_equal(info(false, "9"), '9');
	assert_int_equal(info(false, " *\r\n"), '*');
	assert_int_equal(info(true, "Signal=16\r\n"), 0);
	assert_int_equal(info(true, "Signal=\r\n"), 0);
	assert_int_equal(info(true, "Signal"), 0);
	assert_int_equal(info(true, "Signal="), 0);
	assert_int_equal(info(false, "99"), 0);
	assert_int_equal(info(false, ""), 0);
	assert_int_equal(info(false, "x"), 0);
	assert_int_equal(dtmf_info(true, "Signal=7", 7), 0); /* not beyond its end */
}

#define MS(x) ((int64_t)(x)*1000)

static void a_press_told_twice_is_one(void **state)
{
	struct dtmf d = {0};

	(void)state;
	assert_true(dtmf_take(&d, DTMF_INBAND, '4', MS(1000)));
	assert_true(dtmf_take(&d, DTMF_INBAND, '4', MS(1300)));
	/* the same press by a better source, then only this source is heard */
	assert_false(dtmf_take(&d, DTMF_INFO, '4', MS(1400)));
	assert_false(dtmf_take(&d, DTMF_INBAND, '5', MS(2000)));
	assert_true(dtmf_take(&d, DTMF_INFO, '4', MS(2100)));
	/* by another source, but another press: it is too long ago, or another key */
	assert_true(dtmf_take(&d, DTMF_EVENT, '4', MS(9000)));
	assert_false(dtmf_take(&d, DTMF_INFO, '4', MS(9001)));
	d = (struct dtmf){0};
	assert_true(dtmf_take(&d, DTMF_INFO, '4', MS(1000)));
	assert_true(dtmf_take(&d, DTMF_EVENT, '5', MS(1100)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_for_ever),
		cmocka_unit_test(a_branch_is_forced_for_a_while),
		cmocka_unit_test(causes_have_their_ends),
		cmocka_unit_test(reasons_are_read),
		cmocka_unit_test(digests_are_answered),
		cmocka_unit_test(the_old_example_is_answered),
		cmocka_unit_test(the_strongest_challenge_is_taken),
		cmocka_unit_test(bad_challenges_are_refused),
		cmocka_unit_test(quotes_cannot_break_out),
		cmocka_unit_test(uris_are_filled),
		cmocka_unit_test(uris_are_read),
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(users_are_read),
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(the_wish_for_privacy_is_read),
		cmocka_unit_test(events_are_keys_once),
		cmocka_unit_test(a_long_event_is_one_key),
		cmocka_unit_test(what_is_no_key_is_none),
		cmocka_unit_test(infos_are_read),
		cmocka_unit_test(a_press_told_twice_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
