/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Templates, and the text that is made fit to be spoken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <tocsin/alloc.h>
#include <tocsin/trigger.h>

#include "speech/speakable.h"

static const char VALUES[] =
	"{\"message\": \"disk full\", \"severity\": \"critical\", \"empty\": \"\", \"none\": null,"
	" \"labels\": {\"host\": \"db1\", \"app.kubernetes.io/name\": \"shop\", \"a:b-c_d\": "
	"\"odd\","
	"   \"a\": {\"b\": {}, \"b.c\": \"deep\"}},"
	" \"a.b\": {\"x\": 1}, \"a\": {\"b\": {\"y\": 2}},"
	" \"n\": 42, \"big\": -9007199254740993, \"r\": 0.1, \"yes\": true, \"no\": false,"
	" \"list\": [1, 2], \"uml\": \"\\u00dcber\"}";

static void expect(const char *template, const char *want)
{
	json_t *values = json_loads(VALUES, 0, NULL);
	const char *fault = NULL;
	char *got;

	assert_non_null(values);
	got = tc_template_render(template, values, &fault);
	if (!want) {
		assert_null(got);
		assert_non_null(fault);
	} else {
		if (!got)
			fail_msg("%s: %s", template, fault);
		assert_string_equal(got, want);
	}
	free(got);
	json_decref(values);
}

static void fills_in(void **state)
{
	(void)state;
	expect("", "");
	expect("plain { text } {x}", "plain { text } {x}");
	expect("{{message}}", "disk full");
	expect("a {{ message }} on {{labels.host}}.", "a disk full on db1.");
	expect("{{\n\tmessage }}{{severity}}", "disk fullcritical");
	expect("{{n}} {{big}} {{r}} {{yes}} {{no}}", "42 -9007199254740993 0.1 true false");
	expect("<{{missing}}{{labels.missing}}{{message.more}}{{none}}{{empty}}>", "<>");
	expect("<{{labels}}{{list}}>", "<>");
	expect("{{uml}}", "\xc3\x9c"
			  "ber");
}

static void keys_with_dots(void **state)
{
	(void)state;
	expect("{{labels.app.kubernetes.io/name}}", "shop");
	expect("{{labels.a:b-c_d}}", "odd");
	expect("{{labels.a.b.c}}", "deep");
	expect("{{a.b.x}} {{a.b.y}}", "1 2");
}

static void alternatives(void **state)
{
	(void)state;
	expect("{{missing|message}}", "disk full");
	expect("{{ empty | none | labels | severity | message }}", "critical");
	expect("<{{missing|none}}>", "<>");
	expect("{{message|severity}}", "disk full");
}

static void faults(void **state)
{
	static const char *const bad[] = {
		"{{",
		"{{message",
		"message}}",
		"}}{{message}}",
		"{{}}",
		"{{ }}",
		"{{message|}}",
		"{{|message}}",
		"{{message||n}}",
		"{{.message}}",
		"{{message.}}",
		"{{labels..host}}",
		"{{ if x }}",
		"{{$labels.host}}",
		"{{{message}}}",
		"{{mess{{age}}",
		"{{message}} }}",
		"{{message|b ad}}",
		"{{ \"message\" }}",
		"{{\xc3\xbc}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect(bad[i], NULL);
	assert_null(tc_template_render("{{", NULL, NULL));
}

static void without_values(void **state)
{
	const char *fault = NULL;
	char *got = tc_template_render("a{{message|x}}b", NULL, &fault);

	(void)state;
	assert_string_equal(got, "ab");
	free(got);
}

/* 3-byte characters do not divide 65536: the cut must fall between them. */
static void output_is_bounded(void **state)
{
	struct tc_buf big = {0};
	json_t *values;
	char *got;

	(void)state;
	for (int i = 0; i < 30000; i++)
		tc_buf_puts(&big, "\xe2\x82\xac");
	values = json_pack("{s:s}", "x", big.data);
	got = tc_template_render("{{x}} {{x}} end", values, NULL);
	assert_int_equal(strlen(got), 65535);
	assert_memory_equal(got, big.data, 65535);
	free(got);
	got = tc_template_render(big.data, NULL, NULL);
	assert_int_equal(strlen(got), 65535);
	free(got);
	tc_buf_fini(&big);
	json_decref(values);
}

static void speak(const char *text, const char *want)
{
	char *got = speakable_text(text);

	assert_string_equal(got, want);
	free(got);
}

static void speakable(void **state)
{
	(void)state;
	speak("", "");
	speak(" \t\r\n_\x01 ", "");
	speak("Host db1 is down.", "Host db1 is down.");
	speak("  High_CPU__Usage\n\non\tdb1 \x01 50p ", "High CPU Usage on db1 50p");
	speak("J\xc3\xbcrgen \xe2\x82\xac 5 \xf0\x9f\x94\xa5",
	      "J\xc3\xbcrgen \xe2\x82\xac 5 \xf0\x9f\x94\xa5");
	speak("a\xc2\xa0\xe2\x80\xa8"
	      "b\xc2\x85"
	      "c",
	      "a b c");
	/* not UTF-8: a lone byte, overlong, surrogate, too large, cut off */
	speak("a\xff"
	      "b\xc0\xaf"
	      "c\xed\xa0\x80"
	      "d\xf4\x90\x80\x80"
	      "e\xe2\x82",
	      "a b c d e");
}

static void links(void **state)
{
	(void)state;
	speak("See https://grafana.example/d/x?y=1&z=(2).", "See a link.");
	speak("(http://a/b), then <ftp://c>!", "(a link), then <a link>!");
	speak("http://a http://b_c/d_e", "a link a link");
	speak("x=https://a", "x=a link");
	speak("ratio 3:/ and a:// and //b", "ratio 3:/ and a:// and //b");
	speak("abchttp://a", "a link");
}

static void length(void **state)
{
	struct tc_buf text = {0};
	char *got;

	(void)state;
	for (int i = 0; i < 400; i++)
		tc_buf_puts(&text, "f\xc3\xbcnf ");
	text.data[text.len - 1] = '!'; /* 2000 characters, 2400 bytes */
	speak(text.data, text.data);
	tc_buf_puts(&text, "!");
	got = speakable_text(text.data);
	assert_string_equal(got + strlen(got) - 18, " f\xc3\xbcnf... and more");
	assert_in_range(strlen(got), 2300, 2400);
	free(got);
	text.len = 0;
	for (int i = 0; i < 2001; i++)
		tc_buf_puts(&text, "\xc3\xbc");
	got = speakable_text(text.data);
	assert_int_equal(strlen(got), 2 * (2000 - 12) + 12);
	free(got);
	tc_buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_in),       cmocka_unit_test(keys_with_dots),
		cmocka_unit_test(alternatives),   cmocka_unit_test(faults),
		cmocka_unit_test(without_values), cmocka_unit_test(output_is_bounded),
		cmocka_unit_test(speakable),      cmocka_unit_test(links),
		cmocka_unit_test(length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
