/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin contact add, list, show, remove: the people who are called, and who may call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "format.h"
#include "list.h"
#include "named.h"
#include "table.h"

enum { PIN_SIZE = 16 };

/* "+4930123, +4930124 (sms)" */
static char *numbers_of(const json_t *contact)
{
	const json_t *numbers = json_object_get(contact, "numbers"), *entry;
	char *all = format_text("%s", ""), *more;
	size_t i;

	json_array_foreach (numbers, i, entry) {
		const json_t *use = json_object_get(entry, "use");
		const char *only = json_array_size(use) == 1
					   ? json_string_value(json_array_get(use, 0))
					   : NULL;
		char *number = format_member(entry, "number");

		more = format_text("%s%s%s%s%s%s", all, *all ? ", " : "", number, only ? " (" : "",
				   only ? only : "", only ? ")" : "");
		free(number);
		free(all);
		all = more;
	}
	return all;
}

static void line(const char *name, char *text)
{
	if (*text)
		printf("  %-10s %s\n", name, text);
	free(text);
}

static void print_contact(const json_t *contact)
{
	char *name = format_member(contact, "name"), *id = format_member(contact, "id");
	bool pin = json_is_string(json_object_get(contact, "pin"));
	bool enabled = json_is_true(json_object_get(contact, "enabled"));

	printf("contact %s%s, id %s\n", name, enabled ? "" : " (disabled)", id);
	line("numbers", numbers_of(contact));
	line("language", format_member(contact, "language"));
	line("voice", format_member(contact, "voice"));
	line("timezone", format_member(contact, "timezone"));
	line("PIN", format_text("%s", pin ? "set" : ""));
	line("note", format_member(contact, "note"));
	free(name);
	free(id);
}

/* ---- add ---- */

/* A PIN in an argument would be seen by everybody on the machine. "-": the standard input. */
static bool read_pin(const char *path, char pin[PIN_SIZE])
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	bool good = file && fgets(pin, PIN_SIZE, file);

	if (!good)
		fprintf(stderr, "tocsin: the PIN cannot be read from %s: %s\n", path,
			file && !ferror(file) ? "it is empty" : strerror(errno));
	if (good)
		pin[strcspn(pin, "\r\n")] = '\0';
	if (file && file != stdin)
		fclose(file);
	return good;
}

/* NULL: an argument is not UTF-8. */
static json_t *body_of(const struct args *args, const char *pin)
{
	json_t *numbers = json_array(), *entry;
	bool good = true;
	const char *number;

	for (int at = 0; (number = args_next(args, "number", &at));) {
		entry = json_pack("{s:s}", "number", number);
		good = good && entry;
		json_array_append_new(numbers, entry);
	}
	for (int at = 0; (number = args_next(args, "sms-number", &at));) {
		entry = json_pack("{s:s, s:[s]}", "number", number, "use", "sms");
		good = good && entry;
		json_array_append_new(numbers, entry);
	}
	if (!good) {
		json_decref(numbers);
		return NULL;
	}
	return json_pack("{s:s, s:o, s:s*, s:s*, s:s*, s:s*, s:s*, s:b}", "name", args->words[0],
			 "numbers", numbers, "language", args_get(args, "language"), "voice",
			 args_get(args, "voice"), "timezone", args_get(args, "timezone"), "note",
			 args_get(args, "note"), "pin", pin, "enabled",
			 !args_get(args, "disabled"));
}

static int add(struct cli *cli, const struct args *args)
{
	const char *pin_file = args_get(args, "pin-file");
	json_t *body, *contact = NULL;
	char pin[PIN_SIZE] = "";
	int code;

	if (pin_file && !read_pin(pin_file, pin))
		return EXIT_USAGE;
	body = body_of(args, pin_file ? pin : NULL);
	if (!body)
		return args_wrong(args, "the arguments are not UTF-8");
	code = client_ask(cli->client, "POST", "/v1/contacts", body, &contact);
	if (code)
		return code;
	if (cli->json)
		format_json(cli, contact);
	else
		print_contact(contact);
	json_decref(contact);
	return EXIT_OK;
}

static const struct cli_option add_options[] = {
	{"number", .value = "NUMBER", .help = "to be called and to get SMS; may be repeated"},
	{"sms-number", .value = "NUMBER", .help = "to get SMS only; may be repeated"},
	{"pin-file", .value = "FILE", .help = "holds the PIN, 4 to 12 digits; -: standard input"},
	{"language", .value = "LANGUAGE", .help = "BCP 47, as en or de-AT"},
	{"voice", .value = "NAME", .help = "of a configured voice"},
	{"timezone", .value = "NAME", .help = "as Europe/Berlin"},
	{"note", .value = "TEXT", .help = "for people"},
	{"disabled", .help = "is not called, and not known when calling"},
	CLI_OPTION_END,
};

const struct cli_command cli_contact_add = {
	.name = "contact add",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Add a person to the directory",
	.more = "With a number a person who calls the daemon is known; with a PIN it has to be\n"
		"keyed.\n",
	.options = add_options,
	.run = add,
};

/* ---- list ---- */

static void print_list(const struct cli *cli, const json_t *items)
{
	static const char *const titles[] = {"NAME", "NUMBERS", "PIN", "ENABLED", "NOTE", NULL};
	struct table t;
	json_t *contact;
	size_t i;

	table_init(&t, titles);
	json_array_foreach (items, i, contact) {
		table_add_member(&t, TONE_PLAIN, contact, "name");
		table_add(&t, TONE_PLAIN, numbers_of(contact));
		table_add_member(&t, TONE_FAINT, contact, "pin");
		table_add_state(&t, contact, "enabled");
		table_add_member(&t, TONE_PLAIN, contact, "note");
	}
	table_print(&t, cli, "no contacts");
}

static int list(struct cli *cli, const struct args *args)
{
	const struct client_param params[] = {
		{"q", args_get(args, "search")},
		{"limit", args_get(args, "limit")},
		{"cursor", args_get(args, "cursor")},
		{NULL, NULL},
	};

	return list_page(cli, client_path(cli->client, "/v1/contacts", params), print_list,
			 "more");
}

static const struct cli_option list_options[] = {
	{"search", .value = "TEXT", .help = "part of the name, a number or the note"},
	{"limit", .value = "N", .help = "1 to 500, default 100"},
	{"cursor", .value = "NEXT", .help = "the \"next\" of the list before"},
	CLI_OPTION_END,
};

const struct cli_command cli_contact_list = {
	.name = "contact list",
	.summary = "List the people of the directory, by name",
	.options = list_options,
	.run = list,
};

/* ---- one of them ---- */

static int show(struct cli *cli, const struct args *args)
{
	json_t *contact = NULL;
	int code = named_get(cli, "/v1/contacts", args->words[0], &contact);

	if (code)
		return code;
	if (cli->json)
		format_json(cli, contact);
	else
		print_contact(contact);
	json_decref(contact);
	return EXIT_OK;
}

const struct cli_command cli_contact_show = {
	.name = "contact show",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Show a person of the directory, by name or id",
	.run = show,
};

static int remove_one(struct cli *cli, const struct args *args)
{
	return named_delete(cli, "/v1/contacts", args->words[0]);
}

const struct cli_command cli_contact_remove = {
	.name = "contact remove",
	.words = "NAME",
	.min = 1,
	.max = 1,
	.summary = "Take a person out of the directory, by name or id",
	.run = remove_one,
};
