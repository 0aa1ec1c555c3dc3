/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program tocsin, run for a test; see cli_rig.h. No test stands here.
 */
#include "unit/cli_rig.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { LIMIT_MS = 30000, STEP_MS = 20 };

char cli_folder[] = "/tmp/tocsin-test-cli.XXXXXX";
static char where[sizeof(cli_folder) + 16];

static int listen_at(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	tc_strcopy(to.sun_path, sizeof(to.sun_path), path);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

int cli_file(const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", cli_folder, name);
	fd = open(path, flags, 0600);
	assert_true(fd >= 0);
	return fd;
}

void cli_slurp(const char *name, struct tc_buf *buf)
{
	int fd = cli_file(name, O_RDONLY);
	char piece[4096];
	ssize_t n;

	tc_buf_puts(buf, "");
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		tc_buf_add(buf, piece, (size_t)n);
	close(fd);
}

static void exec_program(const struct cli_run *run, int in, int out, int err)
{
	const char *build = getenv("TOCSIN_BUILDDIR"), *argv[CLI_ARGS_MAX + 2] = {"tocsin"};
	char *path = tc_asprintf("%s/tocsin", build ? build : ".");

	for (size_t i = 0; i < CLI_ARGS_MAX && run->args[i]; i++)
		argv[i + 1] = run->args[i];
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	unsetenv("TOCSIN_TOKEN");
	unsetenv("TOCSIN_TOKEN_FILE");
	setenv("TOCSIN_URL", where, 1);
	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < 2 && run->env[i]; i++)
		putenv((char *)run->env[i]);
	execv(path, (char *const *)argv);
	_exit(127);
}

static pid_t start(const struct cli_run *run)
{
	int in = cli_file("in", O_RDWR | O_CREAT | O_TRUNC);
	int out = cli_file("out", O_WRONLY | O_CREAT | O_TRUNC);
	int err = cli_file("err", O_WRONLY | O_CREAT | O_TRUNC);
	pid_t pid;

	if (run->input)
		assert_int_equal(write(in, run->input, strlen(run->input)), strlen(run->input));
	lseek(in, 0, SEEK_SET);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		exec_program(run, in, out, err);
	close(in);
	close(out);
	close(err);
	return pid;
}

/* Has all of the request come? */
static bool is_whole(const struct tc_buf *request)
{
	const char *end = request->data ? strstr(request->data, "\r\n\r\n") : NULL;
	const char *length = end ? strstr(request->data, "Content-Length: ") : NULL;
	size_t want = length ? strtoul(length + 16, NULL, 10) : 0;

	return end && strlen(end + 4) >= want;
}

static void serve(struct cli_run *run, int listener)
{
	int fd = accept(listener, NULL, NULL), turns = 0;
	struct tc_buf request = {0}, reply = {0};
	char piece[4096];
	ssize_t n;

	assert_true(fd >= 0);
	while (!is_whole(&request)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		assert_true(turns++ < LIMIT_MS / STEP_MS);
		if (!poll(&p, 1, STEP_MS))
			continue;
		n = read(fd, piece, sizeof(piece));
		assert_true(n > 0);
		tc_buf_add(&request, piece, (size_t)n);
	}
	tc_buf_printf(&run->asked, "%s\n\n", request.data);
	assert_true(run->connections < CLI_ANSWERS_MAX && run->answers[run->connections]);
	tc_buf_printf(&reply, "HTTP/1.1 %s", run->answers[run->connections++]);
	/* the end of the connection is the end of the body */
	assert_int_equal(send(fd, reply.data, reply.len, MSG_NOSIGNAL), reply.len);
	close(fd);
	tc_buf_fini(&request);
	tc_buf_fini(&reply);
}

void cli_run(struct cli_run *run)
{
	char path[128];
	int listener, raw = 0;
	bool ended = false;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/sock", cli_folder);
	listener = listen_at(path);
	tc_buf_puts(&run->asked, "");
	pid = start(run);
	for (int turns = 0; !ended && turns < LIMIT_MS / STEP_MS; turns++) {
		struct pollfd p = {.fd = listener, .events = POLLIN};

		if (poll(&p, 1, STEP_MS) > 0)
			serve(run, listener);
		if (run->stop_after && run->connections == run->stop_after)
			kill(pid, SIGTERM);
		ended = waitpid(pid, &raw, WNOHANG) == pid;
	}
	if (!ended) {
		kill(pid, SIGKILL);
		waitpid(pid, &raw, 0);
	}
	close(listener);
	cli_slurp("out", &run->out);
	cli_slurp("err", &run->err);
	run->status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 1000 + WTERMSIG(raw);
}

void cli_run_fini(struct cli_run *run)
{
	tc_buf_fini(&run->out);
	tc_buf_fini(&run->err);
	tc_buf_fini(&run->asked);
}

void cli_contains(const struct tc_buf *where_in, const char *text)
{
	if (!strstr(where_in->data, text))
		fail_msg("'%s' is not in: %s", text, where_in->data);
}

void cli_lacks(const struct tc_buf *where_in, const char *text)
{
	if (strstr(where_in->data, text))
		fail_msg("'%s' is in: %s", text, where_in->data);
}

void cli_status(const struct cli_run *run, int status)
{
	if (run->status != status)
		fail_msg("status %d, wanted %d: %s", run->status, status, run->err.data);
}

int cli_rig_setup(void **state)
{
	(void)state;
	if (!mkdtemp(cli_folder))
		return -1;
	snprintf(where, sizeof(where), "unix:%s/sock", cli_folder);
	return 0;
}

int cli_rig_teardown(void **state)
{
	static const char *const names[] = {"in", "out", "err", "sock", "token", "x.wav"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", cli_folder, names[i]);
		unlink(path);
	}
	return rmdir(cli_folder);
}
