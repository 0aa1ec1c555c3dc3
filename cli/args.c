/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options and words of the command line, by tables; see args.h. What the commands do is theirs.
 */
#include "args.h"

#include <stdarg.h>
#include <string.h>

static int hint(const struct args *args)
{
	const char *name = args->command ? args->command->name : args->group;

	fprintf(stderr, "try 'tocsin %s%s--help'\n", name ? name : "", name ? " " : "");
	return EXIT_USAGE;
}

int args_wrong(const struct args *args, const char *fmt, ...)
{
	va_list ap;

	fputs("tocsin: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return hint(args);
}

/* ---- which command ---- */

/* Does "token" begin a command of two words? */
static bool is_group(const struct cli_command *const *commands, const char *word)
{
	size_t len = strlen(word);

	for (; *commands; commands++)
		if (!strncmp((*commands)->name, word, len) && (*commands)->name[len] == ' ')
			return true;
	return false;
}

static const struct cli_command *command_find(const struct cli_command *const *commands,
					      const char *group, const char *word)
{
	size_t len = group ? strlen(group) : 0;

	for (; *commands; commands++) {
		const char *name = (*commands)->name;

		if (group && (strncmp(name, group, len) != 0 || name[len] != ' '))
			continue;
		if (!strcmp(group ? name + len + 1 : name, word))
			return *commands;
	}
	return NULL;
}

/* "alert" is a command, and "alert snooze" another one; an option of the first decides for it. */
static const struct cli_command *longer_find(const struct args *args,
					     const struct cli_command *const *commands,
					     const char *word)
{
	if (args->n_words || args->group)
		return NULL;
	for (int i = 0; i < args->n_given; i++)
		for (const struct cli_option *o = args->command->options; o && o->name; o++)
			if (o == args->given[i].option)
				return NULL;
	return command_find(commands, args->command->name, word);
}

static int take_word(struct args *args, const struct cli_command *const *commands, const char *word)
{
	const struct cli_command *longer =
		args->command ? longer_find(args, commands, word) : NULL;

	if (longer) {
		args->command = longer;
		args->group = NULL;
		return 0;
	}
	if (args->command) {
		if (args->n_words >= args->command->max || args->n_words >= ARGS_WORDS_MAX)
			return args_wrong(args, "unexpected '%s'%s", word,
					  args->command->max == 1 ? " (does a text need quotes?)"
								  : "");
		args->words[args->n_words++] = word;
		return 0;
	}
	if (!args->group && is_group(commands, word) && !command_find(commands, NULL, word)) {
		args->group = word;
		return 0;
	}
	args->command = command_find(commands, args->group, word);
	if (args->command)
		return 0;
	return args_wrong(args, "there is no command '%s%s%s'", args->group ? args->group : "",
			  args->group ? " " : "", word);
}

/* ---- options ---- */

static const struct cli_option *option_find(const struct cli_option *table, const char *name,
					    size_t len)
{
	for (; table && table->name; table++) {
		bool same = len == 1 ? table->letter == *name
				     : !strncmp(table->name, name, len) && !table->name[len];

		if (same)
			return table;
	}
	return NULL;
}

/*
 * argv[*i] is an option: note it and what follows it.
 */
static int take_option(struct args *args, const struct cli_option *globals, int argc, char **argv,
		       int *i)
{
	const char *arg = argv[*i];
	bool is_long = arg[1] == '-';
	const char *name = arg + (is_long ? 2 : 1), *equals = is_long ? strchr(name, '=') : NULL;
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct cli_option *o = NULL;
	const char *value = NULL;

	if (is_long == (len > 1)) {
		o = option_find(globals, name, len);
		if (!o && args->command)
			o = option_find(args->command->options, name, len);
	}
	if (!o)
		return args_wrong(args, "unknown option '%.*s'", (int)(name - arg + (int)len), arg);
	if (!o->value && equals)
		return args_wrong(args, "--%s takes no value", o->name);
	if (o->value && equals)
		value = equals + 1;
	else if (o->value && *i + 1 < argc)
		value = argv[++*i];
	else if (o->value)
		return args_wrong(args, "--%s needs a value: %s", o->name, o->value);
	if (args->n_given == ARGS_GIVEN_MAX)
		return args_wrong(args, "too many options");
	args->given[args->n_given++] = (struct args_given){.option = o, .value = value};
	return 0;
}

static int check_complete(const struct args *args)
{
	const struct cli_command *c = args->command;

	if (!c)
		return args->group ? args_wrong(args, "'%s' needs one more word", args->group)
				   : args_wrong(args, "no command given");
	for (const struct cli_option *o = c->options; o && o->name; o++)
		if (o->required && !args_get(args, o->name))
			return args_wrong(args, "--%s %s is missing", o->name, o->value);
	if (args->n_words < c->min)
		return args_wrong(args, "%s is missing", c->words);
	return 0;
}

int args_parse(struct args *args, int argc, char **argv, const struct cli_command *const *commands,
	       const struct cli_option *globals)
{
	bool options = true;
	int err = 0;

	*args = (struct args){0};
	for (int i = 1; i < argc && !err; i++) {
		const char *arg = argv[i];

		if (options && !strcmp(arg, "--"))
			options = false;
		else if (options && arg[0] == '-' && arg[1])
			err = take_option(args, globals, argc, argv, &i);
		else
			err = take_word(args, commands, arg);
	}
	if (err || args_get(args, "help") || args_get(args, "version"))
		return err;
	return check_complete(args);
}

const char *args_get(const struct args *args, const char *name)
{
	for (int i = args->n_given - 1; i >= 0; i--)
		if (!strcmp(args->given[i].option->name, name))
			return args->given[i].value ? args->given[i].value : "";
	return NULL;
}

const char *args_next(const struct args *args, const char *name, int *at)
{
	for (; *at < args->n_given; ++*at)
		if (!strcmp(args->given[*at].option->name, name))
			return args->given[(*at)++].value;
	return NULL;
}

/* ---- help ---- */

static void print_options(FILE *to, const struct cli_option *table)
{
	char left[48];

	for (; table->name; table++) {
		char letter[] = {'-', table->letter, ',', '\0'};

		snprintf(left, sizeof(left), "%3s --%s%s%s", table->letter ? letter : "",
			 table->name, table->value ? " " : "", table->value ? table->value : "");
		fprintf(to, "  %-24s  %s%s\n", left, table->help,
			table->required ? " (required)" : "");
	}
}

void args_help_command(FILE *to, const struct cli_command *c, const struct cli_option *globals)
{
	fprintf(to, "usage: tocsin %s", c->name);
	for (const struct cli_option *o = c->options; o && o->name; o++)
		if (o->required)
			fprintf(to, " --%s %s", o->name, o->value);
	fprintf(to, " [option...]%s%s\n\n%s.\n", c->words ? " " : "", c->words ? c->words : "",
		c->summary);
	if (c->more)
		fprintf(to, "\n%s", c->more);
	if (c->options) {
		fputs("\nOptions:\n", to);
		print_options(to, c->options);
	}
	fputs("\nOptions of all commands:\n", to);
	print_options(to, globals);
}

void args_help_all(FILE *to, const struct cli_command *const *commands, const char *group,
		   const struct cli_option *globals)
{
	size_t len = group ? strlen(group) : 0;
	char left[48];

	fprintf(to, "usage: tocsin [option...] %s [argument...]\n", group ? group : "command");
	if (!group)
		fputs("\nThe command line of the alarm bell Tocsin: a client of tocsind.\n", to);
	fputs("\nCommands ('tocsin COMMAND --help' says more):\n", to);
	for (; *commands; commands++) {
		const struct cli_command *c = *commands;

		if (group && (strncmp(c->name, group, len) != 0 || c->name[len] != ' '))
			continue;
		snprintf(left, sizeof(left), "%s %s", c->name, c->words ? c->words : "");
		fprintf(to, "  %-24s  %s\n", left, c->summary);
	}
	fputs("\nOptions of all commands:\n", to);
	print_options(to, globals);
	fputs("\nExit codes: 0 done, 1 refused or not found, 2 wrong usage, 3 no daemon answers,\n"
	      "4 'alert --wait': nobody acknowledged.\n",
	      to);
}
