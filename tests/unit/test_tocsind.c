/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tocsind as a program: what its options print, where, and with which exit status. The daemon at
 * work is tried in tests/e2e.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <tocsin/alloc.h>
#include <tocsin/plugin.h>

#define LIMIT_S 60

static const char *from_env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

/* ---- running it ---- */

struct result {
	int status;
	char *out, *err; /* owned */
};

static char *take(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = tc_alloc((size_t)len + 1);

	assert_int_equal(pread(fd, text, (size_t)len, 0), len);
	close(fd);
	return text;
}

static void run(struct result *r, const char *const *args)
{
	char *program = tc_asprintf("%s/tocsind", from_env("TOCSIN_BUILDDIR", "."));
	int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
	const char *argv[16] = {"tocsind"};
	int status;
	pid_t pid;

	for (size_t i = 0; args[i]; i++) {
		assert_in_range(i, 0, 13);
		argv[i + 1] = args[i];
	}
	assert_true(out >= 0 && err >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		alarm(LIMIT_S);
		if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
			_exit(126);
		execv(program, (char **)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	r->out = take(out);
	r->err = take(err);
	r->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	free(program);
}

static void result_free(struct result *r)
{
	free(r->out);
	free(r->err);
}

/* out and err: what must stand in them; "" = nothing may, NULL = anything. */
static void expect(const char *const *args, int status, const char *out, const char *err)
{
	struct result r;

	run(&r, args);
	if (r.status != status || (out && (*out ? !strstr(r.out, out) : !!*r.out)) ||
	    (err && (*err ? !strstr(r.err, err) : !!*r.err)))
		fail_msg("%s %s: status %d, wanted %d\n-- out, wanted \"%s\":\n%s-- err, wanted "
			 "\"%s\":\n%s",
			 args[0], args[1] ? args[1] : "", r.status, status, out ? out : "(any)",
			 r.out, err ? err : "(any)", r.err);
	result_free(&r);
}

#define ARGS(...) (const char *const[]){__VA_ARGS__, NULL}

/* ---- the command line ---- */

static void test_bad_options(void **state)
{
	(void)state;
	expect(ARGS("--wibble"), 2, "", "unrecognized option '--wibble'\ntry 'tocsind --help'\n");
	expect(ARGS("-x"), 2, "", "try 'tocsind --help'\n");
	expect(ARGS("-c"), 2, "", "requires an argument");
	expect(ARGS("--describe"), 2, "", "requires an argument");
	expect(ARGS("--check=yes"), 2, "", "doesn't allow an argument");
	expect(ARGS("--check", "tocsin.yaml"), 2, "", "unexpected argument 'tocsin.yaml'");
}

static void test_help_and_version(void **state)
{
	(void)state;
	expect(ARGS("--version"), 0, "tocsind " TC_VERSION "\n", "");
	expect(ARGS("--help"), 0, "usage: tocsind", "");
	expect(ARGS("-h"), 0, "--list-plugins", "");
}

static void test_list(void **state)
{
	const char *fixtures = from_env("TOCSIN_FIXTURES", "tests/fixtures");
	struct result r;
	char abi[96];

	(void)state;
	/* what is refused is said, and is an error; the others are listed nevertheless */
	run(&r, ARGS("--list-plugins", "--plugin-path", fixtures));
	assert_int_equal(r.status, 1);
	assert_string_equal(r.out, "triggers/good 1.5 Counts\n");
	assert_non_null(strstr(r.err, "tts/no_ops: its descriptor has no operations\n"));
	snprintf(abi, sizeof(abi), "built for plugin interface %u, this daemon has %u: rebuild it",
		 TC_PLUGIN_ABI + 6, TC_PLUGIN_ABI);
	assert_non_null(strstr(r.err, abi));
	result_free(&r);
	expect(ARGS("--list-plugins"), 0, "store/sqlite ", ""); /* by TOCSIN_PLUGIN_PATH */
	expect(ARGS("--list-plugins", "--plugin-path", "/nonexistent"), 0, "", "");
}

static void test_describe(void **state)
{
	const char *fixtures = from_env("TOCSIN_FIXTURES", "tests/fixtures");

	(void)state;
	expect(ARGS("--describe", "triggers/good", "--plugin-path", fixtures), 0,
	       "triggers/good 1.5: Counts\n", "");
	expect(ARGS("--describe", "good", "--plugin-path", fixtures), 0, "begin", "");
	expect(ARGS("--describe", "core"), 0, "state_dir", "");
	expect(ARGS("--describe", "store/sqlite"), 0, "path", "");
	expect(ARGS("--describe", "nothing", "--plugin-path", fixtures), 1, "",
	       "tocsind: there is no plugin 'nothing'; --list-plugins shows what there is\n");
	expect(ARGS("--describe", "tts/good", "--plugin-path", fixtures), 1, "",
	       "there is no plugin 'tts/good'");
	expect(ARGS("--describe", "trigger/good", "--plugin-path", fixtures), 1, "",
	       "there is no plugin 'trigger/good'");
	expect(ARGS("--describe", "", "--plugin-path", fixtures), 1, "", "there is no plugin ''");
	expect(ARGS("--describe", "no_ops", "--plugin-path", fixtures), 1, "",
	       "tocsind: no_ops: its descriptor has no operations\n");
}

/* ---- the configuration ---- */

struct folder {
	char dir[64];
	char *file, *plugins;
};

static int setup(void **state)
{
	struct folder *f = tc_alloc(sizeof(*f));

	tc_strcopy(f->dir, sizeof(f->dir), "/tmp/tocsin-program-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->file = tc_asprintf("%s/tocsin.yaml", f->dir);
	f->plugins = tc_asprintf("%s:%s", from_env("TOCSIN_PLUGIN_PATH", "plugins"),
				 from_env("TOCSIN_FIXTURES", "tests/fixtures"));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct folder *f = *state;

	unlink(f->file);
	assert_int_equal(rmdir(f->dir), 0); /* nothing else was left in it */
	free(f->file);
	free(f->plugins);
	free(f);
	return 0;
}

/* Behind two lines that let it work in the folder. */
static void write_config(struct folder *f, const char *text)
{
	FILE *file = fopen(f->file, "w");

	assert_non_null(file);
	fprintf(file, "state_dir: %s/none/state\nhttp: {listen: [\"unix:%s/api\"]}\n%s", f->dir,
		f->dir, text);
	assert_int_equal(fclose(file), 0);
}

/* The faults that --check finds, without the name of the file. */
static void expect_faults(struct folder *f, const char *text, const char *wanted)
{
	struct tc_buf found = {0};
	struct result r;
	char *faults;

	write_config(f, text);
	run(&r, ARGS("--check", "-c", f->file, "--plugin-path", f->plugins));
	for (char *line = r.err; *line; line += strcspn(line, "\n") + 1) {
		size_t name = strlen(f->file);

		assert_memory_equal(line, f->file, name);
		tc_buf_add(&found, line + name, strcspn(line, "\n") - name + 1);
	}
	faults = tc_buf_take(&found);
	assert_string_equal(faults, wanted);
	assert_string_equal(r.out, "");
	assert_int_equal(r.status, 1);
	free(faults);
	result_free(&r);
}

static void test_check(void **state)
{
	struct folder *f = *state;
	char *ok = tc_asprintf("%s: ok\n", f->file);

	write_config(f, "triggers: [{name: a, plugin: good}]\n"
			"prompts: {greeting: \"{{severity}}: {{labels.host|labels.job}}\"}\n");
	expect(ARGS("--check", "-c", f->file, "--plugin-path", f->plugins), 0, ok, "");
	free(ok);
	expect(ARGS("--check", "-c", "/nonexistent/x.yaml"), 1, "",
	       "/nonexistent/x.yaml: cannot be read: No such file or directory\n");
}

static void test_check_finds_all(void **state)
{
	struct folder *f = *state;
	char *wanted = tc_asprintf(
		":3:1: nod: unknown option 'nod', did you mean 'node'?\n"
		":5:21: voices[0].plugin: its descriptor has no operations\n"
		":6:21: voices[1].plugin: there is no plugin tts/nope in %s\n"
		":8:34: triggers[0].begin: must be 0 to 100, not 101\n"
		":8:39: triggers[0].end: unknown option 'end'\n"
		":10:13: prompts.greeting: there is a {{ without a }} behind it\n"
		":11:12: prompts.goodbye: there is a }} without a {{ before it\n"
		":12:23: self_alarms.target: must be a telephone number (+4930123), contact:NAME, "
		"schedule:NAME, policy:NAME or oncall\n",
		f->plugins);

	expect_faults(f,
		      "nod: x\n"
		      "voices:\n"
		      "- {name: v, plugin: no_ops}\n"
		      "- {name: w, plugin: nope}\n"
		      "triggers:\n"
		      "- {name: a, plugin: good, begin: 101, end: 3}\n"
		      "prompts:\n"
		      "  greeting: \"a {{severity alert\"\n"
		      "  goodbye: \"}}\"\n"
		      "self_alarms: {target: somebody}\n",
		      wanted);
	free(wanted);
}

static void test_check_of_prompts(void **state)
{
	expect_faults(*state, "prompts: {menu: \"{{a\", resolved: \"{{}}\"}\n",
		      ":3:17: prompts.menu: there is a {{ without a }} behind it\n"
		      ":3:34: prompts.resolved: there is nothing between {{, | and }}\n");
	expect_faults(*state, "prompts: {inbound: {count: \"{{count}\", one: \"{{x}}\"}}\n",
		      ":3:28: prompts.inbound.count: there is a {{ without a }} behind it\n");
	/* one that is no text has its own fault only */
	expect_faults(*state, "prompts: {menu: [a]}\n", ":3:17: prompts.menu: must be text\n");
}

static void test_check_of_too_many_trunks(void **state)
{
	struct tc_buf text = {0};

	tc_buf_puts(&text, "trunks:\n");
	for (int i = 0; i < 65; i++)
		tc_buf_printf(&text, "- {name: t%d, plugin: x}\n", i);
	write_config(*state, text.data);
	expect(ARGS("--check", "-c", ((struct folder *)*state)->file), 1, "",
	       ":4:1: trunks: must have at most 64 entries, not 65\n");
	tc_buf_fini(&text);
}

/* ---- starts that fail ---- */

static void test_start_failures(void **state)
{
	struct folder *f = *state;
	const char *const *args = ARGS("-c", f->file, "--plugin-path", f->plugins);

	expect(ARGS("-c", "/nonexistent/x.yaml"), 1, "", "cannot be read");
	write_config(f, "nod: x\n");
	expect(args, 1, "", ":3:1: nod: unknown option");
	write_config(f, "prompts: {menu: \"{{a\"}\n");
	expect(args, 1, "", ":3:17: prompts.menu: there is a {{");
	/* its folder's parent is not there */
	write_config(f, "");
	expect(args, 1, "", "/none/state cannot be made: No such file or directory\n");
}

int main(void)
{
#define FOLDER(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_describe),
		FOLDER(test_check),
		FOLDER(test_check_finds_all),
		FOLDER(test_check_of_prompts),
		FOLDER(test_check_of_too_many_trunks),
		FOLDER(test_start_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
