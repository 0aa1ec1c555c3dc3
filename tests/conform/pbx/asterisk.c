/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts and ends the Asterisk. How one is made and configured is told in tests/lib/asterisk.
 */
#include "asterisk.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#define RTP_FIRST 20000 /* below the ephemeral range */
#define RTP_COUNT 200
#define RTP_RANGES 50

struct asterisk {
	pid_t pid;
	char *script, *tree, *suite, *dir; /* owned */
	unsigned http, sip;
	int major;
};

/* Start argv; its output goes to the file log, or where ours goes. */
static pid_t start(char *const argv[], const char *log)
{
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (log) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
			_exit(127);
	} else {
		dup2(STDERR_FILENO, STDOUT_FILENO); /* ours is the list of tests */
	}
	execv(argv[0], argv);
	_exit(127);
}

static bool ran(char *const argv[])
{
	int status;

	return waitpid(start(argv, NULL), &status, 0) > 0 && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

/* A port that is free now, by UDP and by TCP. */
static unsigned free_port(void)
{
	for (int tries = 0; tries < 100; tries++) {
		struct sockaddr_in in = {.sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof(in);
		int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		bool good = tcp >= 0 && udp >= 0 && !bind(tcp, (struct sockaddr *)&in, len) &&
			    !getsockname(tcp, (struct sockaddr *)&in, &len) &&
			    !bind(udp, (struct sockaddr *)&in, len);

		close(tcp);
		close(udp);
		if (good)
			return ntohs(in.sin_port);
	}
	abort();
}

static void read_major(struct asterisk *a)
{
	char *name = tc_asprintf("%s/tree", a->dir), tree[400], line[600];
	FILE *f = fopen(name, "r");

	free(name);
	if (!f || !fgets(tree, sizeof(tree), f))
		abort();
	fclose(f);
	tree[strcspn(tree, "\n")] = '\0';
	name = tc_asprintf("%s/about", tree);
	f = fopen(name, "r");
	free(name);
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "version='", 9))
			a->major = (int)strtol(line + 9, NULL, 10);
	if (!f || !a->major)
		abort();
	fclose(f);
}

struct asterisk *asterisk_new(const char *dir)
{
	const char *srcdir = getenv("TOCSIN_SRCDIR"), *suite = getenv("TOCSIN_CONFORM_SUITE");
	struct asterisk *a = tc_alloc(sizeof(*a));
	unsigned first = RTP_FIRST + (unsigned)getpid() % RTP_RANGES * RTP_COUNT;
	char http[12], sip[12], rtp[24];

	a->script = tc_asprintf("%s/tests/lib/asterisk", srcdir ? srcdir : ".");
	a->tree = tc_asprintf("%s-tree", a->script);
	a->suite = tc_strdup(suite ? suite : "sid");
	a->dir = tc_asprintf("%s/asterisk", dir);
	a->http = free_port();
	a->sip = free_port();
	snprintf(http, sizeof(http), "%u", a->http);
	snprintf(sip, sizeof(sip), "%u", a->sip);
	snprintf(rtp, sizeof(rtp), "%u-%u", first, first + RTP_COUNT - 1);
	if (mkdir(a->dir, 0755))
		abort();
	char *log = tc_asprintf("%s/stdout", a->dir);
	char *const tree[] = {a->tree, a->suite, NULL};
	char *const run[] = {a->script, a->suite, a->dir, http, sip, rtp, NULL};
	char *const ready[] = {a->script, (char *)"--ready", a->dir, (char *)"20", NULL};
	char *const app[] = {a->script, (char *)"--cli",
			     a->dir,    (char *)"dialplan set global APP conform",
			     NULL};

	if (!ran(tree))
		abort(); /* it has said why */
	setenv("RIG_T1", "100", 1);
	a->pid = start(run, log);
	if (!ran(ready) || !ran(app)) {
		fprintf(stderr, "no Asterisk: see %s\n", log);
		kill(a->pid, SIGKILL);
		abort();
	}
	read_major(a);
	free(log);
	return a;
}

void asterisk_free(struct asterisk *a)
{
	if (!a)
		return;
	kill(a->pid, SIGKILL); /* it has nothing to save */
	waitpid(a->pid, NULL, 0);
	char *const rm[] = {(char *)"/bin/rm", (char *)"-rf", a->dir, NULL};
	ran(rm);
	free(a->script);
	free(a->tree);
	free(a->suite);
	free(a->dir);
	free(a);
}

char *asterisk_settings(const struct asterisk *a, unsigned phone_port)
{
	return tc_asprintf("{\"url\": \"http://127.0.0.1:%u/ari\", \"user\": \"tocsin\", "
			   "\"password\": \"b3ll-ringer\", \"media_dir\": \"%s/cache\", "
			   "\"endpoint\": \"PJSIP/any/sip:{number}@127.0.0.1:%u\", "
			   "\"max_calls\": 100, \"app\": \"conform\"}",
			   a->http, a->dir, phone_port);
}

char *asterisk_dial(const struct asterisk *a)
{
	return tc_asprintf("%u 4711", a->sip);
}

int asterisk_major(const struct asterisk *a)
{
	return a->major;
}
