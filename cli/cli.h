/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands of tocsin share: exit codes, the table of commands, what is known of a run.
 *
 * main.c    the table of commands, and which one is meant
 * args.c    options and words by the table; help out of it
 * client.c  HTTP to the daemon; sse.c the parsing of its event stream
 * target.c  where the daemon is, and the token; find.c which alert is meant
 * format.c  text for people: times, colours, nothing that harms a terminal
 * table.c   columns; story.c: timelines; body.c: an alert out of options
 * named.c   contacts, schedules, policies: by name or id
 * alert.c act.c list.c show.c explain.c watch.c trunk.c parts.c say.c contact.c contact_csv.c
 * schedule.c oncall.c policy.c maintenance.c token.c plan.c   the commands
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

enum {
	EXIT_OK = 0,
	EXIT_REFUSED = 1,   /* the daemon said no, there is no such thing, a check has failed */
	EXIT_USAGE = 2,     /* the command line is wrong */
	EXIT_AWAY = 3,      /* no daemon answers */
	EXIT_NOT_ACKED = 4, /* --wait: exhausted or cancelled */
};

struct args;
struct client;

/* One run of the program. */
struct cli {
	struct client *client;
	bool json; /* the API's JSON in place of text */
	bool colour;
	bool terminal;  /* a person looks at the output */
	unsigned width; /* columns of the terminal, 0 = no terminal */
};

/* An option of a command. */
struct cli_option {
	const char *name;  /* "--to" without the dashes */
	char letter;       /* "-o", or 0 */
	const char *value; /* what follows, for the help: "NUMBER"; NULL: nothing follows */
	bool required;
	const char *help; /* one line */
};

#define CLI_OPTION_END                                                                             \
	{                                                                                          \
		.name = NULL                                                                       \
	}

struct cli_command {
	const char *name;    /* "alert", "token add" */
	const char *words;   /* what stands behind it, for the help: "TEXT"; NULL = nothing */
	int min, max;        /* how many words */
	const char *summary; /* one line */
	const char *more;    /* paragraphs for --help, or NULL */
	const struct cli_option *options;                     /* NULL = none */
	int (*run)(struct cli *cli, const struct args *args); /* result: an exit code */
};

/* The commands: main.c names them in its table. */
extern const struct cli_command cli_alert;
extern const struct cli_command cli_ack, cli_resolve, cli_cancel, cli_escalate;
extern const struct cli_command cli_alert_snooze, cli_alert_unsnooze;
extern const struct cli_command cli_alerts, cli_calls;
extern const struct cli_command cli_show, cli_explain, cli_watch;
extern const struct cli_command cli_trunks, cli_trunk_list, cli_trunk_check;
extern const struct cli_command cli_voices, cli_plugins;
extern const struct cli_command cli_say;
extern const struct cli_command cli_readiness, cli_test_call, cli_test_calls;
extern const struct cli_command cli_contact_add, cli_contact_list, cli_contact_show;
extern const struct cli_command cli_contact_remove, cli_contact_import, cli_contact_export;
extern const struct cli_command cli_schedule_list, cli_schedule_show, cli_schedule_put;
extern const struct cli_command cli_schedule_delete, cli_schedule_override, cli_schedule_oncall;
extern const struct cli_command cli_schedule_gaps, cli_schedule_ics;
extern const struct cli_command cli_policy_list, cli_policy_show, cli_policy_put;
extern const struct cli_command cli_policy_delete;
extern const struct cli_command cli_maintenance_list, cli_maintenance_add, cli_maintenance_end;
extern const struct cli_command cli_oncall;
extern const struct cli_command cli_plan_list, cli_plan_show, cli_plan_add, cli_plan_edit;
extern const struct cli_command cli_plan_cancel;
extern const struct cli_command cli_token_add, cli_token_list, cli_token_delete;

#endif
