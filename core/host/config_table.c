/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of tocsin.yaml: what the core itself reads, with defaults and ranges. Checks that a
 * table cannot express are in config.c.
 */
#include "host/config.h"

#ifndef TC_STATE_DIR
#define TC_STATE_DIR "/var/lib/tocsin"
#endif
#ifndef TC_RUN_DIR
#define TC_RUN_DIR "/run/tocsin"
#endif

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* Order of enum tc_log_level. */
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const formats[] = {"text", "json", NULL};

#define AT(field) .offset = offsetof(struct config_log, field)
static const struct tc_option log_table[] = {
	{"level", TC_ENUM, AT(level), .flags = TC_RELOAD, .def = "info", .choices = levels,
	 .help = "What is logged; debug also shows whole phone numbers"},
	{"format", TC_ENUM, AT(format), .flags = TC_RELOAD, .def = "text", .choices = formats,
	 .help = "Lines for people, or one JSON object a line"},
	TC_OPTION_END,
};
#undef AT

#define AT(field) .offset = offsetof(struct config_http, field)
static const struct tc_option http_table[] = {
	{"listen", TC_STRINGS, AT(listen), .min = 1, .max = 64,
	 .def = "[\"127.0.0.1:8086\", \"unix:" TC_RUN_DIR "/api.sock\"]",
	 .help = "Where the API listens: ADDRESS:PORT, [IPV6]:PORT or unix:/PATH"},
	{"public_url", TC_STRING, AT(public_url), .flags = TC_RELOAD, .min = 1, .max = 1000,
	 .help = "How a PBX or a provider reaches the API: http://HOST:PORT"},
	{"max_body", TC_SIZE, AT(max_body), .def = "1M", .min = KIB, .max = 256 * MIB,
	 .help = "The largest request that is read"},
	TC_OPTION_END,
};
#undef AT

#define REDIAL(name, default, text) \
	{#name, TC_DURATION, .offset = offsetof(struct config_call, redial.name) - \
	 offsetof(struct config_call, redial), .flags = TC_RELOAD, .def = default, \
	 .min = 100, .max = HOUR, .help = text}
static const struct tc_option redial_table[] = {
	REDIAL(busy, "20s", "After a busy line"),
	REDIAL(no_answer, "30s", "After nobody answered"),
	REDIAL(rejected, "60s", "After the call was declined"),
	REDIAL(unreachable, "30s", "After the number could not be reached"),
	REDIAL(congestion, "10s", "After the network had no line"),
	REDIAL(machine, "30s", "After an answering machine"),
	REDIAL(heard, "30s", "After the message was heard, but no key pressed"),
	REDIAL(unheard, "10s", "After somebody hung up before the end of the message"),
	REDIAL(failed, "5s", "After the call failed for another reason"),
	TC_OPTION_END,
};
#undef REDIAL

#define MOST(name, text) \
	{#name, TC_INT, .offset = offsetof(struct config_call, most.name) - \
	 offsetof(struct config_call, most), .flags = TC_RELOAD, .def = "0", .max = 1000, \
	 .unit = "calls", .help = text}
static const struct tc_option most_table[] = {
	MOST(busy, "That may end so; 0: only attempts counts"),
	MOST(no_answer, "The same where nobody answers"),
	MOST(rejected, "The same for calls that are declined"),
	MOST(unreachable, "The same for a number that cannot be reached"),
	MOST(congestion, "The same where the network has no line"),
	MOST(machine, "The same for calls that an answering machine takes"),
	MOST(heard, "The same for calls in which the message is heard and no key pressed"),
	MOST(unheard, "The same for calls that are hung up before the end of the message"),
	MOST(failed, "The same for calls that fail for another reason"),
	TC_OPTION_END,
};
#undef MOST

#define AT(field) .offset = offsetof(struct config_call, per_person.field) - \
	offsetof(struct config_call, per_person), .flags = TC_RELOAD
static const struct tc_option per_person_table[] = {
	{"calls", TC_INT, AT(calls), .def = "60", .max = 10000, .unit = "calls",
	 .help = "How often one person is called within that time, for all alerts together; what "
		 "is beyond is deferred. 0: no limit"},
	{"within", TC_DURATION, AT(within), .def = "1h", .min = MINUTE, .max = 24 * HOUR,
	 .help = "The time for that"},
	TC_OPTION_END,
};
#undef AT

#define AT(field) .offset = offsetof(struct config_inbound, field), .flags = TC_RELOAD
static const struct tc_option inbound_table[] = {
	{"enabled", TC_BOOL, AT(enabled), .def = "true",
	 .help = "Whether calls that come in are answered"},
	{"max_calls", TC_INT, AT(max_calls), .def = "5", .min = 1, .max = 1000, .unit = "calls",
	 .help = "How many at one time; further ones hear that it is busy"},
	{"allow", TC_STRINGS, AT(allow), .max = 256,
	 .help = "Beginnings of the numbers that may call ([\"+49\"]); default: all, also withheld "
		 "ones"},
	{"country_code", TC_STRING, AT(country_code), .max = 4,
	 .help = "Of the own country, as 49: a caller or contact 030123 is then +4930123"},
	{"known_numbers", TC_BOOL, AT(known_numbers), .def = "true",
	 .help = "A caller who is no contact, but whose number is called for open alerts, hears "
		 "these"},
	{"pin_from_anywhere", TC_BOOL, AT(pin_from_anywhere), .def = "true",
	 .help = "A caller whose number is not known may key a contact's PIN"},
	{"pin_tries", TC_INT, AT(pin_tries), .def = "3", .min = 1, .max = 10, .unit = "times",
	 .help = "How often a PIN may be keyed in one call"},
	{"pin_timeout", TC_DURATION, AT(pin_timeout), .def = "10s", .min = SECOND, .max = MINUTE,
	 .help = "How long a key of a PIN is waited for"},
	{"flood_calls", TC_INT, AT(flood_calls), .def = "3", .min = 1, .max = 1000, .unit = "calls",
	 .help = "After so many calls of one number without a known caller it is refused"},
	{"flood_window", TC_DURATION, AT(flood_window), .def = "10m", .min = SECOND,
	 .max = 24 * HOUR, .help = "Within this time, and for as long"},
	{"recent", TC_DURATION, AT(recent), .def = "24h", .min = 0, .max = 365 * 24 * HOUR,
	 .help = "How long acknowledged and exhausted alerts are told after that"},
	{"max_alerts", TC_INT, AT(max_alerts), .def = "20", .min = 1, .max = 500, .unit = "alerts",
	 .help = "How many are told in one call"},
	TC_OPTION_END,
};
#undef AT

/* Order of enum config_trunk_order. */
static const char *const trunk_orders[] = {"in_order", "round_robin", NULL};

#define AT(field) .offset = offsetof(struct config_call, field)
static const struct tc_option call_table[] = {
	{"ring_timeout", TC_DURATION, AT(ring_timeout), .flags = TC_RELOAD, .def = "30s",
	 .min = SECOND, .max = 10 * MINUTE, .help = "How long a telephone rings"},
	{"keys", TC_MAP, AT(keys), .flags = TC_RELOAD, .min = 1, .max = 16,
	 .def = "{\"4\": acknowledge, \"5\": escalate, \"6\": resolve, \"7\": silence, "
		"\"*\": repeat}",
	 .help = "What a key (0-9 * # A-D) does: acknowledge, escalate, resolve, silence "
		 "(acknowledge, and have the alert's source silence it) or repeat"},
	{"repeat_message", TC_INT, AT(repeat_message), .flags = TC_RELOAD, .def = "3", .min = 1,
	 .max = 20, .unit = "times", .help = "How often the message is spoken in one call"},
	{"attempts", TC_INT, AT(attempts), .flags = TC_RELOAD, .def = "3", .min = 1, .max = 100,
	 .unit = "calls", .help = "How often one person is called before the next"},
	{"until_reached", TC_BOOL, AT(until_reached), .flags = TC_RELOAD, .def = "false",
	 .help = "A person is called on and on, whatever attempts and window say"},
	{"pin_tries", TC_INT, AT(pin_tries), .flags = TC_RELOAD, .def = "3", .min = 1, .max = 10,
	 .unit = "times", .help = "How often a contact may key his PIN in one call"},
	{"pin_timeout", TC_DURATION, AT(pin_timeout), .flags = TC_RELOAD, .def = "10s",
	 .min = SECOND, .max = MINUTE, .help = "How long a key of it is waited for"},
	{"window", TC_DURATION, AT(window), .flags = TC_RELOAD, .def = "180s", .min = SECOND,
	 .max = 24 * HOUR, .help = "How long after the first call another is begun"},
	{"redial", TC_OBJECT, AT(redial), .sub = redial_table,
	 .sub_size = sizeof(((struct config_call *)0)->redial),
	 .help = "How long to wait before the same person is called again"},
	{"redial_most", TC_OBJECT, AT(most), .sub = most_table,
	 .sub_size = sizeof(((struct config_call *)0)->most),
	 .help = "How many calls to one person may end in one way before the next person"},
	{"per_person", TC_OBJECT, AT(per_person), .sub = per_person_table,
	 .sub_size = sizeof(((struct config_call *)0)->per_person),
	 .help = "How often one person is called at most"},
	{"max_concurrent", TC_INT, AT(max_concurrent), .flags = TC_RELOAD, .def = "200", .min = 1,
	 .max = 10000, .unit = "calls", .help = "Calls at one time over all trunks"},
	{"trunk_order", TC_ENUM, AT(trunk_order), .flags = TC_RELOAD, .def = "in_order",
	 .choices = trunk_orders,
	 .help = "The next call takes the first healthy trunk that has room, or they take turns"},
	{"inbound", TC_OBJECT, AT(inbound), .sub = inbound_table,
	 .sub_size = sizeof(struct config_inbound),
	 .help = "Calls that come in: who calls hears the alerts that concern him"},
	TC_OPTION_END,
};
#undef AT

#define TEXT(name, default, text) \
	{#name, TC_STRING, .offset = offsetof(struct config_inbound_prompts, name), \
	 .flags = TC_RELOAD, .def = default, .max = 2000, .help = text}
static const struct tc_option inbound_prompts_table[] = {
	TEXT(welcome, "This is Tocsin.", "First of all"),
	TEXT(pin, "Please enter your PIN, followed by the hash key.", "To be known"),
	TEXT(wrong_pin, "This PIN is not known.", "After a wrong PIN"),
	TEXT(unknown, "You are not known here. Goodbye.", "To a stranger, before hanging up"),
	TEXT(count, "You have {{count}} open alerts.", "To a known caller ({{name}})"),
	TEXT(one, "You have one open alert.", "The same for one"),
	TEXT(none, "There are no open alerts for you.", "The same for none"),
	TEXT(alert, "{{severity}} alert: {{message}}.",
	     "An alert; also {{index}}, {{labels.x}}, {{state}}"),
	TEXT(menu,
	     "Press 4 to acknowledge, 5 to call the next person, 6 to mark it resolved, "
	     "star to hear this again, hash for the next alert.",
	     "After it; should name the keys of call.keys"),
	TEXT(exhausted_menu,
	     "Nobody has acknowledged it. Press 4 to acknowledge, 6 to mark it resolved, "
	     "star to hear this again, hash for the next alert.",
	     "After one for which everybody was called in vain"),
	TEXT(acknowledged_alert, "Acknowledged: {{severity}} alert: {{message}}.",
	     "An alert that somebody has acknowledged"),
	TEXT(acknowledged_menu,
	     "Press 6 to mark it resolved, star to hear this again, hash for the next alert.",
	     "After it"),
	TEXT(over, "This alert is over.", "After a key that came too late"),
	TEXT(end, "There are no more alerts. Goodbye.", "Before hanging up"),
	TEXT(more, "There are more alerts, which are not told now. Goodbye.",
	     "The same when call.inbound.max_alerts cuts them off"),
	TEXT(failed, "The alerts cannot be read now. Please call again later.",
	     "When the store is away"),
	TC_OPTION_END,
};
#undef TEXT

#define TEXT(name, default, text) \
	{#name, TC_STRING, .offset = offsetof(struct config_bundle_prompts, name), \
	 .flags = TC_RELOAD, .def = default, .max = 2000, .help = text}
static const struct tc_option bundle_prompts_table[] = {
	TEXT(greeting, "This is Tocsin with {{count}} alerts, {{critical}} of them critical.",
	     "First of all"),
	TEXT(alert, "Alert {{index}}: {{severity}}: {{message}}.",
	     "Each of them, the worst first; also {{labels.x}}"),
	TEXT(menu,
	     "Press 4 to acknowledge this one, 4 twice for all of them, 5 to call the next person, "
	     "6 to mark it resolved, star to hear it again, hash for the next.",
	     "After the first; should name the keys of call.keys"),
	TEXT(next, "Next.", "Before a further one, after a key or when none is pressed"),
	TEXT(end, "That was the last one.", "After all of them, before they are told again"),
	TEXT(acknowledged_all, "Thank you. All {{count}} alerts are acknowledged.",
	     "After the acknowledging key pressed twice"),
	TC_OPTION_END,
};
#undef TEXT

#define TEXT(name, default, text) \
	{#name, TC_STRING, .offset = offsetof(struct config_test_prompts, name), \
	 .flags = TC_RELOAD, .def = default, .max = 2000, .help = text}
static const struct tc_option test_prompts_table[] = {
	TEXT(greeting, "This is a test call of Tocsin. There is no alert.", "First of all"),
	TEXT(ask, "Press 4 to confirm that you can be reached.",
	     "After it; should name the acknowledging key of call.keys"),
	TEXT(confirmed, "Thank you. The test is passed. Goodbye.", "After that key"),
	TC_OPTION_END,
};
#undef TEXT

#define TEXT(name, default, text) \
	{#name, TC_STRING, .offset = offsetof(struct config_prompts, name), .flags = TC_RELOAD, \
	 .def = default, .max = 2000, .help = text}
static const struct tc_option prompts_table[] = {
	{"language", TC_STRING, .offset = offsetof(struct config_prompts, language),
	 .flags = TC_RELOAD, .def = "en", .min = 2, .max = 35,
	 .help = "Language of these texts (BCP 47)"},
	TEXT(greeting, "This is Tocsin with a {{severity}} alert.", "Before the message"),
	TEXT(menu,
	     "Press 4 to acknowledge, 5 to call the next person, 6 to mark it resolved, "
	     "star to hear this again.",
	     "After the message; should name the keys of call.keys"),
	TEXT(acknowledged, "Thank you. The alert is acknowledged.", "After that key"),
	TEXT(escalated, "The next person will be called.", "After that key"),
	TEXT(resolved, "Thank you. The alert is marked as resolved.", "After that key"),
	TEXT(unknown_key, "This key has no meaning.", "After any other key"),
	TEXT(goodbye, "Goodbye.", "Before hanging up"),
	TEXT(pin, "Please enter your PIN, followed by the hash key.",
	     "To a contact who has a PIN, before a key that decides counts"),
	TEXT(wrong_pin, "This PIN is wrong.", "After a wrong PIN"),
	TEXT(locked, "This was not your PIN. Goodbye.", "After the last try, before hanging up"),
	{"pause", TC_DURATION, .offset = offsetof(struct config_prompts, pause),
	 .flags = TC_RELOAD, .def = "1s", .max = 30 * SECOND,
	 .help = "Silence before everything is said again"},
	{"test", TC_OBJECT, .offset = offsetof(struct config_prompts, test),
	 .sub = test_prompts_table, .sub_size = sizeof(struct config_test_prompts),
	 .help = "What is said in a test call"},
	{"bundle", TC_OBJECT, .offset = offsetof(struct config_prompts, bundle),
	 .sub = bundle_prompts_table, .sub_size = sizeof(struct config_bundle_prompts),
	 .help = "What is said in a call that tells several alerts"},
	{"inbound", TC_OBJECT, .offset = offsetof(struct config_prompts, inbound),
	 .sub = inbound_prompts_table, .sub_size = sizeof(struct config_inbound_prompts),
	 .help = "What is said to those who call"},
	TC_OPTION_END,
};
#undef TEXT

#define AT(field) .offset = offsetof(struct config_escalation, field), .flags = TC_RELOAD
static const struct tc_option escalation_table[] = {
	{"default_schedule", TC_STRING, AT(default_schedule), .def = "default", .min = 1,
	 .max = 100, .help = "Name of the schedule that the target oncall means"},
	{"fallback", TC_STRING, AT(fallback), .min = 1, .max = 200,
	 .help = "Target of alerts whose own target leads to nobody: +4930123, contact:NAME, "
		 "schedule:NAME or policy:NAME"},
	{"ack_timeout", TC_DURATION, AT(ack_timeout), .def = "0s", .max = 30 * 24 * HOUR,
	 .help = "An alert that is not resolved so long after it was acknowledged is open again; "
		 "0: never. A policy may say otherwise"},
	TC_OPTION_END,
};
#undef AT

#define AT(field) .offset = offsetof(struct config_self_alarms, field), .flags = TC_RELOAD
static const struct tc_option self_alarms_table[] = {
	{"target", TC_STRING, AT(target), .min = 1, .max = 200,
	 .help = "Who is called when a trunk, a carrier or the store is down; default: nobody. Of "
		 "the store best a number: nothing can be looked up then"},
	{"after", TC_DURATION, AT(after), .def = "1m", .min = SECOND, .max = 24 * HOUR,
	 .help = "How long it is down before"},
	TC_OPTION_END,
};
#undef AT

#define AT(field) .offset = offsetof(struct config_readiness, field), .flags = TC_RELOAD
static const struct tc_option readiness_table[] = {
	{"unproven", TC_DURATION, AT(unproven), .def = "30d", .max = 3650 * 24 * HOUR,
	 .help = "A person whom no call has reached for so long is a problem; 0: never"},
	TC_OPTION_END,
};
#undef AT

#define AT(field) .offset = offsetof(struct config_loop_test, field)
static const struct tc_option test_calls_table[] = {
	{"name", TC_STRING, AT(name), .flags = TC_REQUIRED, .min = 1, .max = 60,
	 .help = "Its name, in the history"},
	{"trunk", TC_STRING, AT(trunk), .flags = TC_REQUIRED, .min = 1, .max = 200,
	 .help = "Name of the trunk that is to be tried"},
	{"number", TC_STRING, AT(number), .flags = TC_REQUIRED, .min = 1, .max = 32,
	 .help = "A number that leads back to us"},
	{"called", TC_STRING, AT(called), .min = 1, .max = 32,
	 .help = "The same as a trunk reports it when the call comes in; default: number"},
	{"every", TC_DURATION, AT(every), .def = "1d", .min = SECOND, .max = 366 * 24 * HOUR,
	 .help = "How often"},
	{"at", TC_STRING, AT(at), .min = 5, .max = 5,
	 .help = "At this time of the day (03:30, of this machine); default: at any"},
	{"retry", TC_DURATION, AT(retry), .def = "5m", .min = SECOND, .max = 24 * HOUR,
	 .help = "How long after one that failed the next is made"},
	{"alarm_after", TC_INT, AT(alarm_after), .def = "2", .min = 1, .max = 20, .unit = "calls",
	 .help = "After so many that failed in a row self_alarms.target is called"},
	TC_OPTION_END,
};
#undef AT

#define AT(field) .offset = offsetof(struct config, field)
#define INSTANCES(name, text) \
	{#name, TC_LIST, AT(name), .max = 256, .help = text}
const struct tc_option config_table[] = {
	{"node", TC_STRING, AT(node), .min = 1, .max = 64,
	 .help = "Name of this daemon among others; the host name if not given"},
	{"state_dir", TC_STRING, AT(state_dir), .def = TC_STATE_DIR, .min = 1, .max = 1000,
	 .help = "Folder for the store, the journal and the prompts; an absolute path"},
	{"log", TC_OBJECT, AT(log), .sub = log_table, .sub_size = sizeof(struct config_log),
	 .help = "What is logged, and how"},
	{"http", TC_OBJECT, AT(http), .sub = http_table, .sub_size = sizeof(struct config_http),
	 .help = "The API's server"},
	{"store", TC_JSON, AT(store),
	 .help = "The store: plugin, and the plugin's own settings; sqlite if not given"},
	INSTANCES(trunks, "Ways to place calls, see call.trunk_order: name, plugin, its settings"),
	INSTANCES(voices, "Speech engines: name, plugin, its settings; the first is the default"),
	INSTANCES(carriers, "Ways to send SMS, tried in order: name, plugin, its settings"),
	INSTANCES(triggers, "Where alerts come from: name, plugin, its settings"),
	{"call", TC_OBJECT, AT(call), .sub = call_table, .sub_size = sizeof(struct config_call),
	 .help = "How a person is called"},
	{"escalation", TC_OBJECT, AT(escalation), .sub = escalation_table,
	 .sub_size = sizeof(struct config_escalation),
	 .help = "Who is reached after whom, beside what policies say"},
	{"self_alarms", TC_OBJECT, AT(self_alarms), .sub = self_alarms_table,
	 .sub_size = sizeof(struct config_self_alarms), .help = "Alerts about Tocsin itself"},
	{"readiness", TC_OBJECT, AT(readiness), .sub = readiness_table,
	 .sub_size = sizeof(struct config_readiness),
	 .help = "What 'tocsin readiness' takes for a problem"},
	{"test_calls", TC_LIST, AT(test_calls), .sub = test_calls_table,
	 .sub_size = sizeof(struct config_loop_test), .max = 100,
	 .help = "Calls that come back to us, made now and then to try the trunks: keys and sound "
		 "must arrive"},
	{"prompts", TC_OBJECT, AT(prompts), .sub = prompts_table,
	 .sub_size = sizeof(struct config_prompts),
	 .help = "What is said around a message: templates over the alert, {{severity}}"},
	{"prompt_cache_size", TC_SIZE, AT(prompt_cache_size), .def = "500M", .min = MIB,
	 .max = 1024 * GIB, .help = "How much speech is kept on disk"},
	TC_OPTION_END,
};
