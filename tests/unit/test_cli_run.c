/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program tocsin against a daemon that says what it was told to: what is asked, what is
 * printed, and the exit codes. Against the real daemon it runs in tests/e2e/test_cli.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/alloc.h>

enum { ARGS_MAX = 16, ANSWERS_MAX = 4, LIMIT_MS = 30000, STEP_MS = 20 };

#define ID "01890000-1234-7000-8000-00000000000"
#define ALERT(id, state)                                                                           \
	"{\"id\":\"" id "\",\"state\":\"" state                                                    \
	"\",\"message\":\"Fire\",\"severity\":\"critical\","                                       \
	"\"labels\":{\"host\":\"db1\"},\"target\":\"+4930111\",\"strategy\":\"call\",\"source\":"  \
	"\"x\","                                                                                   \
	"\"dedup_key\":null,\"created_at\":\"2026-01-31T18:00:00Z\","                              \
	"\"updated_at\":\"2026-01-31T18:00:00Z\",\"acknowledged_by\":null,"                        \
	"\"acknowledged_at\":null,\"step\":0,\"timeline\":[{\"at\":\"2026-01-31T18:00:02.5Z\","    \
	"\"what\":\"call.ended\",\"text\":\"called Alice: busy (486)\",\"call_id\":null,"          \
	"\"reason\":\"calling again in 20 s\"}]}"

/* What the daemon is to say, and what came of it. */
struct run {
	/* set by the test */
	const char *args[ARGS_MAX];
	const char *answers[ANSWERS_MAX]; /* one a connection: status line, head and body */
	const char *env[2];               /* "NAME=VALUE" */
	const char *input;                /* on the standard input */
	int stop_after;                   /* connections after which it is ended, 0 = by itself */
	/* received */
	int status; /* exit code, or 1000 + the signal that ended it */
	struct tc_buf out, err, asked;
	int connections;
};

static char folder[] = "/tmp/tocsin-test-cli.XXXXXX";
static char where[sizeof(folder) + 16];

/* "HTTP/1.1 200 OK" with a body, given as a string constant. */
#define OK(body)              "200 OK\r\nContent-Type: application/json\r\n\r\n" body
#define PROBLEM(status, body) status "\r\nContent-Type: application/problem+json\r\n\r\n" body

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

static int file_of(const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, flags, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void slurp(const char *name, struct tc_buf *buf)
{
	int fd = file_of(name, O_RDONLY);
	char piece[4096];
	ssize_t n;

	tc_buf_puts(buf, "");
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		tc_buf_add(buf, piece, (size_t)n);
	close(fd);
}

static void exec_program(const struct run *run, int in, int out, int err)
{
	const char *build = getenv("TOCSIN_BUILDDIR"), *argv[ARGS_MAX + 2] = {"tocsin"};
	char *path = tc_asprintf("%s/tocsin", build ? build : ".");

	for (size_t i = 0; i < ARGS_MAX && run->args[i]; i++)
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

static pid_t start(const struct run *run)
{
	int in = file_of("in", O_RDWR | O_CREAT | O_TRUNC);
	int out = file_of("out", O_WRONLY | O_CREAT | O_TRUNC);
	int err = file_of("err", O_WRONLY | O_CREAT | O_TRUNC);
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

static void serve(struct run *run, int listener)
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
	assert_true(run->connections < ANSWERS_MAX && run->answers[run->connections]);
	tc_buf_printf(&reply, "HTTP/1.1 %s", run->answers[run->connections++]);
	/* the end of the connection is the end of the body */
	assert_int_equal(send(fd, reply.data, reply.len, MSG_NOSIGNAL), reply.len);
	close(fd);
	tc_buf_fini(&request);
	tc_buf_fini(&reply);
}

static void run_program(struct run *run)
{
	char path[128];
	int listener, raw = 0;
	bool ended = false;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/sock", folder);
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
	slurp("out", &run->out);
	slurp("err", &run->err);
	run->status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 1000 + WTERMSIG(raw);
}

static void run_fini(struct run *run)
{
	tc_buf_fini(&run->out);
	tc_buf_fini(&run->err);
	tc_buf_fini(&run->asked);
}

static void contains(const struct tc_buf *where_in, const char *text)
{
	if (!strstr(where_in->data, text))
		fail_msg("'%s' is not in: %s", text, where_in->data);
}

static void lacks(const struct tc_buf *where_in, const char *text)
{
	if (strstr(where_in->data, text))
		fail_msg("'%s' is in: %s", text, where_in->data);
}

static void expect_status(const struct run *run, int status)
{
	if (run->status != status)
		fail_msg("status %d, wanted %d: %s", run->status, status, run->err.data);
}

/* ---- asking ---- */

static void alert_sends_what_it_was_told(void **state)
{
	struct run run = {
		.args = {"alert", "--to=+4930111", "--label", "host=db1", "--label", "a=b=c",
			 "--severity", "warning", "--dedup-key", "k", "--", "-Fire-"},
		.answers = {OK("{\"id\":\"" ID "1\",\"state\":\"open\",\"deduplicated\":true}")},
	};

	(void)state;
	run_program(&run);
	expect_status(&run, 0);
	contains(&run.asked, "POST /v1/alerts HTTP/1.1\r\n");
	contains(&run.asked, "Content-Type: application/json\r\n");
	lacks(&run.asked, "Authorization");
	contains(&run.asked, "{\"message\":\"-Fire-\",\"target\":\"+4930111\","
			     "\"severity\":\"warning\",\"dedup_key\":\"k\","
			     "\"labels\":{\"host\":\"db1\",\"a\":\"b=c\"}}");
	assert_string_equal(run.out.data, "alert " ID "1 open (was there already)\n");
	assert_string_equal(run.err.data, "");
	run_fini(&run);
}

static void text_comes_from_the_standard_input(void **state)
{
	struct run run = {
		.args = {"alert", "--to", "1", "-"},
		.input = "two\nlines\n\n",
		.answers = {OK("{\"id\":\"" ID "1\",\"state\":\"open\",\"deduplicated\":false}")},
	};

	(void)state;
	run_program(&run);
	expect_status(&run, 0);
	contains(&run.asked, "\"message\":\"two\\nlines\"");
	run_fini(&run);
}

static void the_token_goes_into_the_header_only(void **state)
{
	struct run run = {
		.args = {"alerts", "--state", "open", "--search", "a&b=c d", "--limit", "7"},
		.env = {"TOCSIN_TOKEN=tc_secret-1"},
		.answers = {OK("{\"items\":[],\"next\":null}")},
	};

	(void)state;
	run_program(&run);
	expect_status(&run, 0);
	contains(&run.asked, "GET /v1/alerts?state=open&q=a%26b%3Dc%20d&limit=7 HTTP/1.1\r\n");
	contains(&run.asked, "Authorization: Bearer tc_secret-1\r\n");
	assert_string_equal(run.out.data, "no alerts\n");
	run_fini(&run);
}

static void a_token_file_comes_first(void **state)
{
	char *path = tc_asprintf("%s/token", folder),
	     *option = tc_asprintf("--token-file=%s", path);
	struct run run = {
		.args = {option, "token", "list"},
		.env = {"TOCSIN_TOKEN=other"},
		.answers = {OK("{\"items\":[],\"next\":null}")},
	};
	int fd = file_of("token", O_WRONLY | O_CREAT | O_TRUNC);

	(void)state;
	assert_int_equal(write(fd, "tc_filed\n", 9), 9);
	close(fd);
	run_program(&run);
	expect_status(&run, 0);
	contains(&run.asked, "Authorization: Bearer tc_filed\r\n");
	run_fini(&run);
	free(path);
	free(option);
}

/* ---- printing ---- */

static void lists_are_aligned_and_harmless(void **state)
{
	struct run run = {
		.args = {"token", "list"},
		.answers = {OK("{\"items\":["
			       "{\"id\":\"" ID "1\",\"name\":\"\\u001b[31mx\",\"scope\":\"read\","
			       "\"created_at\":\"2026-01-31T18:00:00Z\",\"expires_at\":null},"
			       "{\"id\":\"" ID "2\",\"name\":\"longer name\",\"scope\":\"admin\","
			       "\"created_at\":\"2026-01-31T18:00:00Z\","
			       "\"expires_at\":\"2026-02-28T18:00:00Z\"}],\"next\":null}")},
	};

	(void)state;
	run_program(&run);
	expect_status(&run, 0);
	assert_string_equal(
		run.out.data,
		"TOKEN                                 NAME         SCOPE  MADE                 "
		"EXPIRES\n" ID "1  ?[31mx       read   2026-01-31 18:00:00  never\n" ID
		"2  longer name  admin  2026-01-31 18:00:00  2026-02-28 18:00:00\n");
	run_fini(&run);
}

static void show_tells_the_story(void **state)
{
	struct run run = {
		.args = {"show", ID "1"},
		.answers = {OK(ALERT(ID "1", "open")),
			    OK("{\"items\":[{\"id\":\"" ID "2\",\"alert_id\":\"" ID "1\","
			       "\"contact_id\":null,\"number\":\"+4930111\",\"trunk\":\"direct\","
			       "\"state\":\"ended\",\"result\":\"busy\",\"cause\":{\"sip\":486,"
			       "\"q850\":17,\"text\":\"Busy Here\"},\"placed_at\":null,"
			       "\"ringing_at\":null,\"answered_at\":null,\"ended_at\":null,"
			       "\"spoken_ms\":0,\"keys\":\"\"}],\"next\":null}")},
	};

	(void)state;
	run_program(&run);
	expect_status(&run, 0);
	contains(&run.asked, "GET /v1/alerts/" ID "1 HTTP");
	contains(&run.asked, "GET /v1/calls?alert_id=" ID "1&limit=500 HTTP");
	contains(&run.out, "alert " ID "1  open\n");
	contains(&run.out, "  labels       host=db1\n");
	contains(&run.out, "18:00:02.500  +2.5 s       call.ended         called Alice: busy (486) "
			   "(calling again in 20 s)\n");
	contains(&run.out, "direct  ended  busy                  486 Busy Here, Q.850 17\n");
	run_fini(&run);
}

static void json_is_the_daemons(void **state)
{
	struct run run = {.args = {"--json", "show", ID "1"},
			  .answers = {OK(ALERT(ID "1", "open"))}};

	(void)state;
	run_program(&run);
	expect_status(&run, 0);
	assert_string_equal(run.out.data, ALERT(ID "1", "open") "\n");
	assert_int_equal(run.connections, 1);
	run_fini(&run);
}

/* ---- ids ---- */

static void a_beginning_is_enough_if_there_is_one(void **state)
{
	struct run run = {
		.args = {"ack", "01890000-12", "--by", "Eve"},
		.answers = {OK("{\"items\":[" ALERT("01890000-1134-7000-8000-000000000009",
						    "open") "," ALERT(ID "1",
								      "open") "],\"next\":null}"),
			    OK(ALERT(ID "1", "acknowledged"))},
	};

	(void)state;
	run_program(&run);
	expect_status(&run, 0);
	/* 0x018900001200 ms to 0x0189000012ff ms after 1970 */
	contains(&run.asked, "GET /v1/alerts?since=2023-06-28T03%3A15%3A51.936000Z&"
			     "until=2023-06-28T03%3A15%3A52.192000Z&limit=500 HTTP");
	contains(&run.asked, "POST /v1/alerts/" ID "1/acknowledge HTTP");
	contains(&run.asked, "{\"by\":\"Eve\"}");
	assert_string_equal(run.out.data, "alert " ID "1 acknowledged\n");
	run_fini(&run);
}

static void two_that_begin_alike_are_refused(void **state)
{
	struct run run = {
		.args = {"ack", "0189"},
		.answers = {OK("{\"items\":[" ALERT(ID "2", "open") "],\"next\":\"c\"}"),
			    OK("{\"items\":[" ALERT(ID "1", "open") "],\"next\":null}")},
	};

	(void)state;
	run_program(&run);
	expect_status(&run, 1);
	contains(&run.asked, "&cursor=c HTTP");
	contains(&run.err, "more than one alert begins with 0189");
	assert_int_equal(run.connections, 2);
	run_fini(&run);
}

static void last_is_the_newest(void **state)
{
	struct run run = {
		.args = {"cancel", "last"},
		.answers = {OK("{\"items\":[" ALERT(ID "2", "open") "],\"next\":null}"),
			    OK(ALERT(ID "2", "cancelled"))},
	};

	(void)state;
	run_program(&run);
	expect_status(&run, 0);
	contains(&run.asked, "GET /v1/alerts?limit=1 HTTP");
	contains(&run.asked, "POST /v1/alerts/" ID "2/cancel HTTP");
	run_fini(&run);
}

/* ---- what goes wrong ---- */

static void a_problem_is_told_with_its_field(void **state)
{
	struct run run = {
		.args = {"alert", "--to", "x", "Fire"},
		.answers = {PROBLEM(
			"422 Unprocessable Content",
			"{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\","
			"\"status\":422,\"detail\":\"one\",\"field\":\"target\","
			"\"errors\":[{\"field\":\"target\",\"detail\":\"is \\u0007bad\"},"
			"{\"field\":\"voice\",\"detail\":\"voice is worse\"}]}")},
	};

	(void)state;
	run_program(&run);
	expect_status(&run, 1);
	assert_string_equal(run.out.data, "");
	assert_string_equal(run.err.data, "tocsin: target: is ?bad\ntocsin: voice is worse\n");
	run_fini(&run);
}

static void what_is_no_tocsind_is_told(void **state)
{
	struct run html = {.args = {"alerts"}, .answers = {OK("<html>")}};
	struct run moved = {.args = {"alerts"},
			    .answers = {"302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"}};
	struct run cut = {.args = {"alerts"},
			  .answers = {"200 OK\r\nContent-Length: 50\r\n\r\n{\"items\":["}};

	(void)state;
	run_program(&html);
	expect_status(&html, 1);
	contains(&html.err, "not JSON");
	run_program(&moved);
	expect_status(&moved, 1); /* a token is not carried elsewhere */
	contains(&moved.err, "302");
	run_program(&cut);
	expect_status(&cut, 3);
	run_fini(&html);
	run_fini(&moved);
	run_fini(&cut);
}

static void a_daemon_that_is_away_is_3(void **state)
{
	static const char *const commands[][4] = {
		{"alerts"}, {"watch"}, {"show", "x"}, {"ack", "last"}, {"alert", "--to", "1", "x"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct run run = {.env = {"TOCSIN_URL=unix:/nonexistent/socket"}};

		memcpy(run.args, commands[i], sizeof(commands[i]));
		run_program(&run);
		expect_status(&run, 3);
		contains(&run.err, "No such file or directory");
		run_fini(&run);
	}
}

static void wrong_usage_is_2_and_asks_nobody(void **state)
{
	static const char *const commands[][6] = {
		{NULL},
		{"wibble"},
		{"alert"},
		{"alert", "text"},
		{"alert", "--to"},
		{"alert", "--to", "1"},
		{"alert", "--to", "1", "two", "words"},
		{"alert", "--to", "1", "x", "--label", "novalue"},
		{"alert", "--to", "\xff", "x"},
		{"show"},
		{"alerts", "--wibble"},
		{"alerts", "--json=yes"},
		{"alerts", "extra"},
		{"token"},
		{"token", "wibble"},
		{"token", "add", "x"},
		{"--token", "secret", "alerts"},
		{"--url", "ftp://x", "alerts"},
		{"--url", "unix:relative", "alerts"},
		{"--token-file", "/nonexistent", "alerts"},
		{"--token-file", "/dev/null", "alerts"},
		{"say", "x"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct run run = {.args = {NULL}};

		memcpy(run.args, commands[i], sizeof(commands[i]));
		run_program(&run);
		expect_status(&run, 2);
		assert_string_equal(run.out.data, "");
		contains(&run.err, "tocsin: ");
		lacks(&run.err, "secret");
		assert_int_equal(run.connections, 0);
		run_fini(&run);
	}
}

static void every_command_has_help(void **state)
{
	static const char *const commands[][2] = {
		{NULL},           {"alert"},         {"alerts"},          {"show"},  {"ack"},
		{"resolve"},      {"cancel"},        {"escalate"},        {"calls"}, {"watch"},
		{"trunks"},       {"voices"},        {"plugins"},         {"say"},   {"token"},
		{"token", "add"}, {"token", "list"}, {"token", "delete"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct run run = {.args = {"--help", commands[i][0], commands[i][1]}};

		run_program(&run);
		expect_status(&run, 0);
		contains(&run.out, "usage: tocsin ");
		if (commands[i][0])
			contains(&run.out, commands[i][0]);
		assert_string_equal(run.err.data, "");
		run_fini(&run);
	}
}

/* ---- waiting, watching, hearing ---- */

static void wait_ends_as_the_alert_does(void **state)
{
	static const struct {
		const char *answer;
		int status;
	} ends[] = {
		{OK(ALERT(ID "1", "acknowledged")), 0},
		{OK(ALERT(ID "1", "resolved")), 0},
		{OK(ALERT(ID "1", "exhausted")), 4},
		{OK(ALERT(ID "1", "cancelled")), 4},
		{PROBLEM("404 Not Found", "{\"detail\":\"there is no such alert\"}"), 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct run run = {
			.args = {"alert", "--wait", "--to", "1", "Fire"},
			.answers = {OK("{\"id\":\"" ID "1\",\"state\":\"open\"}"),
				    OK(ALERT(ID "1", "open")), ends[i].answer},
		};

		run_program(&run);
		expect_status(&run, ends[i].status);
		assert_int_equal(run.connections, 3);
		/* each line of the timeline is told once */
		assert_non_null(strstr(run.out.data, "called Alice"));
		assert_null(strstr(strstr(run.out.data, "called Alice") + 1, "called Alice"));
		run_fini(&run);
	}
}

#define STREAM(events) "200 OK\r\nContent-Type: text/event-stream\r\n\r\n" events

static void watch_goes_on_where_it_was(void **state)
{
	struct run run = {
		.args = {"watch", "--after", "4"},
		.answers = {STREAM(":\n\nid: 5\nevent: call.ended\ndata: "
				   "{\"at\":\"2026-01-31T18:00:00Z\","
				   "\"alert_id\":\"" ID
				   "1\",\"text\":\"called\",\"reason\":\"why\"}\n\n"
				   "id: 6\ndata: half"),
			    STREAM("id: 6\nevent: x\ndata: {\"at\":\"2026-01-31T18:00:01Z\","
				   "\"text\":\"six\"}\n\n"),
			    STREAM("")},
		.stop_after = 3,
	};

	(void)state;
	run_program(&run);
	expect_status(&run, 1000 + SIGTERM);
	contains(&run.asked, "GET /v1/events?after=4 HTTP");
	contains(&run.asked, "Last-Event-ID: 5\r\n");
	contains(&run.asked, "Last-Event-ID: 6\r\n");
	assert_string_equal(run.out.data,
			    "18:00:00.000  01890000-1234-7000  call.ended         "
			    "called (why)\n"
			    "18:00:01.000                      x                  six\n");
	contains(&run.err, "the connection is lost, trying again");
	contains(&run.err, "connected again");
	run_fini(&run);
}

static void watch_that_is_refused_ends(void **state)
{
	struct run run = {
		.args = {"watch"},
		.answers = {PROBLEM("401 Unauthorized", "{\"detail\":\"a token is needed\"}")},
	};

	(void)state;
	run_program(&run);
	expect_status(&run, 1);
	contains(&run.err, "a token is needed");
	run_fini(&run);
}

static void say_writes_what_comes(void **state)
{
	char *path = tc_asprintf("%s/x.wav", folder);
	struct run run = {.args = {"say", "Hello", "-o", path, "--language", "en"},
			  .answers = {"200 OK\r\nContent-Type: audio/wav\r\n\r\nRIFFsound"}};
	struct tc_buf wav = {0};

	(void)state;
	run_program(&run);
	expect_status(&run, 0);
	contains(&run.asked, "POST /v1/speech HTTP");
	contains(&run.asked, "{\"text\":\"Hello\",\"language\":\"en\"}");
	slurp("x.wav", &wav);
	assert_string_equal(wav.data, "RIFFsound");
	tc_buf_fini(&wav);
	run_fini(&run);
	free(path);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(where, sizeof(where), "unix:%s/sock", folder);
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"in", "out", "err", "sock", "token", "x.wav"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alert_sends_what_it_was_told),
		cmocka_unit_test(text_comes_from_the_standard_input),
		cmocka_unit_test(the_token_goes_into_the_header_only),
		cmocka_unit_test(a_token_file_comes_first),
		cmocka_unit_test(lists_are_aligned_and_harmless),
		cmocka_unit_test(show_tells_the_story),
		cmocka_unit_test(json_is_the_daemons),
		cmocka_unit_test(a_beginning_is_enough_if_there_is_one),
		cmocka_unit_test(two_that_begin_alike_are_refused),
		cmocka_unit_test(last_is_the_newest),
		cmocka_unit_test(a_problem_is_told_with_its_field),
		cmocka_unit_test(what_is_no_tocsind_is_told),
		cmocka_unit_test(a_daemon_that_is_away_is_3),
		cmocka_unit_test(wrong_usage_is_2_and_asks_nobody),
		cmocka_unit_test(every_command_has_help),
		cmocka_unit_test(wait_ends_as_the_alert_does),
		cmocka_unit_test(watch_goes_on_where_it_was),
		cmocka_unit_test(watch_that_is_refused_ends),
		cmocka_unit_test(say_writes_what_comes),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
