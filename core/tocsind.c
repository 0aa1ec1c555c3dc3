/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of tocsind.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "daemon.h"
#include "host/config.h"
#include "host/host.h"

enum { OPT_CHECK = 256, OPT_LIST, OPT_DESCRIBE, OPT_PATH, OPT_VERSION };

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check", no_argument, NULL, OPT_CHECK},
	{"list-plugins", no_argument, NULL, OPT_LIST},
	{"describe", required_argument, NULL, OPT_DESCRIBE},
	{"plugin-path", required_argument, NULL, OPT_PATH},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void help(FILE *to)
{
	fputs("usage: tocsind [-c FILE] [--plugin-path DIR]\n"
	      "       tocsind --check | --list-plugins | --describe KIND/NAME\n"
	      "\n"
	      "Takes alerts and telephones people until one of them acknowledges.\n"
	      "\n"
	      "  -c, --config FILE      configuration [" TC_SYSCONF_DIR "/tocsin.yaml]\n"
	      "      --check            check the configuration, say all that is wrong, and exit\n"
	      "      --list-plugins     one 'kind/name version summary' a line\n"
	      "      --describe WHAT    the options of a plugin (kind/name, or its name), or of\n"
	      "                         'core': the file itself\n"
	      "      --plugin-path DIR  where plugins are: DIR/KIND/NAME.so; several with ':'\n"
	      "                         [$TOCSIN_PLUGIN_PATH, else " TC_PLUGIN_DIR "]\n"
	      "      --version\n"
	      "  -h, --help\n"
	      "\n"
	      "Signals: SIGTERM and SIGINT stop it, SIGHUP reads the configuration again.\n",
	      to);
}

static int check(const struct daemon_options *opts)
{
	struct tc_errors *errs = tc_errors_new();
	int err = daemon_check(opts, errs);

	if (err)
		errors_print(errs, stderr);
	else
		printf("%s: ok\n", opts->config_path);
	tc_errors_free(errs);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- listing and describing ---- */

struct found {
	enum tc_kind kind;           /* TC_KIND_COUNT = any */
	const char *name;
	const struct tc_plugin *plugin;
	unsigned matches;
	bool refused;
	char fault[512]; /* why the last one of that name was refused */
};

static void list_one(void *arg, enum tc_kind kind, const char *name, const struct tc_plugin *plugin,
		     const char *fault)
{
	struct found *f = arg;

	if (plugin) {
		printf("%s/%s %s %s\n", kind_name(kind), name, plugin->version, plugin->summary);
		return;
	}
	f->refused = true;
	fprintf(stderr, "%s/%s: %s\n", kind_name(kind), name, fault);
}

static void match_one(void *arg, enum tc_kind kind, const char *name,
		      const struct tc_plugin *plugin, const char *fault)
{
	struct found *f = arg;

	if (strcmp(name, f->name) != 0 || (f->kind != TC_KIND_COUNT && f->kind != kind))
		return;
	if (!plugin) {
		f->refused = true;
		tc_strcopy(f->fault, sizeof(f->fault), fault);
		return;
	}
	f->plugin = plugin;
	f->matches++;
}

static int list(struct host *host)
{
	struct found f = {.kind = TC_KIND_COUNT};

	host_plugin_each(host, list_one, &f);
	return f.refused ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int describe(struct host *host, const char *what)
{
	const char *slash = strchr(what, '/');
	struct found f = {.kind = TC_KIND_COUNT, .name = slash ? slash + 1 : what};
	char *kind = slash ? tc_strndup(what, (size_t)(slash - what)) : NULL;

	if (!strcmp(what, "core")) {
		option_describe(config_table, stdout);
		return EXIT_SUCCESS;
	}
	if (kind)
		f.kind = kind_find(kind);
	if (!kind || f.kind != TC_KIND_COUNT)
		host_plugin_each(host, match_one, &f);
	free(kind);
	if (!f.matches && f.refused) {
		fprintf(stderr, "tocsind: %s: %s\n", what, f.fault);
		return EXIT_FAILURE;
	}
	if (f.matches != 1) {
		fprintf(stderr, "tocsind: %s '%s'; --list-plugins shows what there is\n",
			f.matches ? "more than one plugin is called" : "there is no plugin", what);
		return EXIT_FAILURE;
	}
	printf("%s/%s %s: %s\n\n", kind_name(f.plugin->kind), f.plugin->name, f.plugin->version,
	       f.plugin->summary);
	option_describe(f.plugin->options, stdout);
	return EXIT_SUCCESS;
}

static int with_host(const struct daemon_options *opts, const char *what)
{
	struct host *host = host_new(NULL, opts->plugin_path, "/"); /* nothing is opened */
	int status = what ? describe(host, what) : list(host);

	host_free(host);
	return status;
}

int main(int argc, char **argv)
{
	const char *env = getenv("TOCSIN_PLUGIN_PATH");
	struct daemon_options opts = {.config_path = TC_SYSCONF_DIR "/tocsin.yaml",
				      .plugin_path = env && *env ? env : TC_PLUGIN_DIR};
	const char *what = NULL;
	int c, mode = 0;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			opts.config_path = optarg;
			break;
		case OPT_PATH:
			opts.plugin_path = optarg;
			break;
		case OPT_DESCRIBE:
			what = optarg;
			mode = c;
			break;
		case OPT_CHECK:
		case OPT_LIST:
			mode = c;
			break;
		case OPT_VERSION:
			puts("tocsind " TC_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			help(stdout);
			return EXIT_SUCCESS;
		default:
			fputs("try 'tocsind --help'\n", stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "tocsind: unexpected argument '%s'\ntry 'tocsind --help'\n",
			argv[optind]);
		return 2;
	}
	if (mode == OPT_CHECK)
		return check(&opts);
	if (mode == OPT_LIST || mode == OPT_DESCRIBE)
		return with_host(&opts, what);
	return daemon_run(&opts);
}
