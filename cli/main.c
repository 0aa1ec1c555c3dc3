/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of tocsin: the table of commands, and which one is meant.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "args.h"
#include "client.h"

static const struct cli_command *const commands[] = {
	&cli_alert,        &cli_alerts,      &cli_show,         &cli_explain,      &cli_ack,
	&cli_resolve,      &cli_cancel,      &cli_escalate,     &cli_calls,
	&cli_alert_snooze, &cli_alert_unsnooze,
	&cli_watch,        &cli_trunks,      &cli_trunk_list,   &cli_trunk_check,
	&cli_readiness,    &cli_test_call,    &cli_test_calls,
	&cli_voices,       &cli_plugins,     &cli_say,          &cli_contact_add,
	&cli_contact_list, &cli_contact_show, &cli_contact_remove,
	&cli_contact_import, &cli_contact_export, &cli_oncall,
	&cli_schedule_list, &cli_schedule_show, &cli_schedule_put, &cli_schedule_delete,
	&cli_schedule_override, &cli_schedule_oncall, &cli_schedule_gaps, &cli_schedule_ics,
	&cli_policy_list, &cli_policy_show, &cli_policy_put, &cli_policy_delete,
	&cli_maintenance_list, &cli_maintenance_add, &cli_maintenance_end, &cli_plan_list,
	&cli_plan_show,    &cli_plan_add,    &cli_plan_edit,    &cli_plan_cancel,
	&cli_token_add,
	&cli_token_list,   &cli_token_delete, NULL,
};

static const struct cli_option globals[] = {
	{"url", .value = "URL",
	 .help = "http://HOST:PORT, https://HOST or unix:/PATH [$TOCSIN_URL]"},
	{"token-file", .value = "FILE", .help = "holds the API token [$TOCSIN_TOKEN_FILE]"},
	{"json", .help = "print the API's JSON"},
	{"help", 'h', .help = "this text"},
	{"version", .help = "the program's version"},
	CLI_OPTION_END,
};

static void look_at_terminal(struct cli *cli)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size;

	cli->terminal = isatty(STDOUT_FILENO);
	if (!cli->terminal)
		return;
	cli->colour = !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		cli->width = size.ws_col;
}

static int run(const struct args *args)
{
	struct cli cli = {.json = args_get(args, "json") != NULL};
	int code;

	look_at_terminal(&cli);
	cli.client = client_new(args_get(args, "url"), args_get(args, "token-file"));
	if (!cli.client)
		return EXIT_USAGE;
	code = args->command->run(&cli, args);
	client_free(cli.client);
	return code;
}

/* What was printed has arrived, or nobody wanted it (EPIPE). */
static int flushed(int code)
{
	if ((fflush(stdout) || ferror(stdout)) && errno != EPIPE) {
		fprintf(stderr, "tocsin: cannot write: %s\n", strerror(errno));
		return code ? code : EXIT_REFUSED;
	}
	return code;
}

int main(int argc, char **argv)
{
	struct args args;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	if (args_parse(&args, argc, argv, commands, globals))
		return EXIT_USAGE;
	if (args_get(&args, "version"))
		puts("tocsin " TC_VERSION);
	else if (!args.command)
		args_help_all(stdout, commands, args.group, globals);
	else if (args_get(&args, "help"))
		args_help_command(stdout, args.command, globals);
	else
		return flushed(run(&args));
	return flushed(EXIT_OK);
}
