/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsin contact import, export: the directory as a CSV file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "client.h"
#include "format.h"
#include "named.h"

#define PATH "/v1/contacts.csv"

static long long count(const json_t *report, const char *name)
{
	return (long long)json_integer_value(json_object_get(report, name));
}

static void print_report(const json_t *report)
{
	const json_t *ignored = json_object_get(report, "ignored");

	printf("%lld added, %lld changed, %lld unchanged", count(report, "added"),
	       count(report, "changed"), count(report, "unchanged"));
	if (json_array_size(json_object_get(report, "faults")))
		printf(", %zu not taken", json_array_size(json_object_get(report, "faults")));
	putchar('\n');
	for (size_t i = 0; i < json_array_size(ignored); i++) {
		char *name = format_clean(json_string_value(json_array_get(ignored, i)));

		printf("%s%s%s", i ? ", " : "columns passed over: ", name,
		       i + 1 == json_array_size(ignored) ? "\n" : "");
		free(name);
	}
}

static int import(struct cli *cli, const struct args *args)
{
	const struct client_param params[] = {
		{"partial", args_get(args, "partial") ? "true" : NULL}, {NULL, NULL}};
	json_t *report = NULL;
	char *text, *path;
	size_t len;
	int code;

	text = named_read_file(args->words[0], &len);
	if (!text)
		return EXIT_USAGE;
	path = client_path(cli->client, PATH, params);
	code = client_send(cli->client, path, "text/csv", text, len, &report);
	free(path);
	free(text);
	if (code == EXIT_REFUSED && !args_get(args, "partial"))
		fputs("tocsin: nothing was imported\n", stderr);
	if (code)
		return code;
	if (cli->json)
		format_json(cli, report);
	else
		print_report(report);
	client_faults(json_object_get(report, "faults"));
	if (json_array_size(json_object_get(report, "faults")))
		code = EXIT_REFUSED;
	json_decref(report);
	return code;
}

static const struct cli_option import_options[] = {
	{"partial", .help = "take what is good although other rows are not"},
	CLI_OPTION_END,
};

const struct cli_command cli_contact_import = {
	.name = "contact import",
	.words = "FILE.csv",
	.min = 1,
	.max = 1,
	.summary = "Add and change contacts by a CSV file, all of it or nothing",
	.more = "The first line names the columns: id, name, numbers, language, voice, timezone,\n"
		"enabled, note, pin. A row is about the contact with its id, else about the one\n"
		"with its name. A column that is not there leaves what is there. Numbers stand\n"
		"in one cell: \"+4930123 call+sms; +4930124 sms\". \"-\" is the standard input.\n"
		"Ends with 1 when a row was not taken.\n",
	.options = import_options,
	.run = import,
};

static bool write_file(const char *name, const char *data, size_t len)
{
	FILE *file = name ? fopen(name, "we") : stdout;
	bool good = file && fwrite(data, 1, len, file) == len;

	if (file && name)
		good = !fclose(file) && good;
	if (!good)
		fprintf(stderr, "tocsin: %s cannot be written: %s\n",
			name ? name : "standard output", strerror(errno));
	return good;
}

static int export(struct cli *cli, const struct args *args)
{
	const char *name = args->n_words ? args->words[0] : NULL;
	char *data = NULL;
	size_t len = 0;
	int code = client_fetch(cli->client, "GET", PATH, NULL, &data, &len);

	if (name && !strcmp(name, "-"))
		name = NULL;
	if (!code && !write_file(name, data ? data : "", len))
		code = EXIT_REFUSED;
	free(data);
	return code;
}

const struct cli_command cli_contact_export = {
	.name = "contact export",
	.words = "[FILE.csv]",
	.max = 1,
	.summary = "Write all contacts into a CSV file, or to the standard output",
	.more = "PINs are not written.\n",
	.run = export,
};
