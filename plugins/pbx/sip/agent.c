/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user agent: its signalling thread, the commands that reach it, its limits and its health.
 * Calls are leg.c's.
 */
#include "stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "leg.h"
#include "rescue.h"
#include "upkeep.h"

#define DEBUG_MODULE "tocsin" /* re_dbg.h asks for both */
#define DEBUG_LEVEL  0
#include <re_dbg.h>

#define FILES_MAX   65536
#define CLIPS_BYTES (64u * 1024 * 1024)
#define CLOSE_MS    5000
#define CALLS_FLOOR 64 /* the plugin's own bound is never below */
#define HASH_SIZE   4096
#define EXPEDITED   0xb8 /* DSCP 46, as RFC 4594 4.1 wants it for telephony */

/* ---- figures and health ---- */

static void set_figures(struct agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	agent->figures.queued = agent->n_queued;
	agent->figures.incoming = agent->n_incoming;
	agent->figures.closing = agent->n_legs - agent->n_live;
	agent->figures.clips_bytes = clips_bytes(agent->clips);
	pthread_mutex_unlock(&agent->lock);
}

struct agent_figures agent_figures(struct agent *agent)
{
	struct agent_figures f;

	pthread_mutex_lock(&agent->lock);
	f = agent->figures;
	f.calls = agent->calls;
	f.up = agent->state == AGENT_UP;
	pthread_mutex_unlock(&agent->lock);
	f.pacer = pacer_figures(agent->pacer);
	return f;
}

void agent_dropped(struct agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	agent->figures.dropped++;
	pthread_mutex_unlock(&agent->lock);
}

void agent_set_health(struct agent *agent, bool healthy, const char *why)
{
	pthread_mutex_lock(&agent->lock);
	agent->figures.healthy = healthy;
	tc_strcopy(agent->figures.why, sizeof(agent->figures.why), why);
	pthread_mutex_unlock(&agent->lock);
	tc_pbx_health(agent->self, healthy, why);
}

void agent_set_registered(struct agent *agent, bool registered)
{
	pthread_mutex_lock(&agent->lock);
	agent->figures.registered = registered;
	pthread_mutex_unlock(&agent->lock);
}

/* ---- places ---- */

int agent_admit(struct agent *agent)
{
	int err = 0;

	pthread_mutex_lock(&agent->lock);
	if (agent->state != AGENT_UP)
		err = -EHOSTDOWN;
	else if (agent->calls >= agent->bound)
		err = -EBUSY;
	else
		agent->calls++;
	pthread_mutex_unlock(&agent->lock);
	return err;
}

void agent_release(struct agent *agent)
{
	pthread_mutex_lock(&agent->lock);
	agent->calls--;
	pthread_mutex_unlock(&agent->lock);
}

/* ---- the queue of INVITEs ---- */

/* The core keeps to calls_per_second; this bound is what the stack itself can carry. */
#define INVITES_PER_SECOND 400.0
#define INVITES_BURST      100.0

bool agent_take_token(struct agent *agent)
{
	uint64_t now = tmr_jiffies();

	agent->tokens += INVITES_PER_SECOND * (double)(now - agent->filled_ms) / 1000.0;
	if (agent->tokens > INVITES_BURST)
		agent->tokens = INVITES_BURST;
	agent->filled_ms = now;
	if (agent->tokens < 1)
		return false;
	agent->tokens -= 1;
	return true;
}

static void on_queue(void *arg)
{
	agent_run_queue(arg);
}

void agent_run_queue(struct agent *agent)
{
	struct leg *leg;

	if (!agent->sip)
		return; /* the transports are not open yet: the calls wait for them */
	while ((leg = TAILQ_FIRST(&agent->queue))) {
		if (!agent_take_token(agent)) {
			tmr_start(&agent->tmr_queue, 5, on_queue, agent);
			break;
		}
		leg_invite(leg);
	}
}

/* ---- addresses ---- */

struct sockaddr_in agent_sockaddr(const struct sa *sa)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(sa_port(sa)),
				 .sin_addr.s_addr = htonl(sa_in(sa))};

	return in;
}

int agent_rtp_socket(struct agent *agent, uint16_t *port)
{
	unsigned pairs = (unsigned)(agent->rtp_max - agent->rtp_min) / 2 + 1;
	struct sockaddr_in in = agent_sockaddr(&agent->local);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int tos = EXPEDITED;

	if (fd < 0)
		return -errno;
	/* A wish that routers may heed; without it sound goes all the same. */
	setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	for (unsigned i = 0; i < pairs; i++) {
		uint16_t at = agent->rtp_next;

		agent->rtp_next = at + 2 > agent->rtp_max ? agent->rtp_min : (uint16_t)(at + 2);
		in.sin_port = htons(at);
		if (!bind(fd, (struct sockaddr *)&in, sizeof(in))) {
			*port = at;
			return fd;
		}
	}
	close(fd);
	return -EADDRINUSE;
}

bool agent_is_peer(const struct agent *agent, const struct sa *src)
{
	uint32_t ip = sa_in(src);

	if (sa_af(src) != AF_INET)
		return false;
	for (unsigned i = 0; i < agent->n_peers; i++)
		if (agent->peers[i] == ip)
			return true;
	for (size_t i = 0; i < agent->n_networks; i++)
		if ((ip & agent->networks[i].mask) ==
		    (agent->networks[i].ip & agent->networks[i].mask))
			return true;
	return false;
}

/* ---- closing ---- */

static void finished(struct agent *agent)
{
	tmr_cancel(&agent->tmr_close);
	re_cancel();
}

static void on_close_deadline(void *arg)
{
	struct agent *agent = arg;

	tc_log(agent->self, TC_LOG_WARN, "closing: not all far ends have answered");
	finished(agent);
}

void agent_count(struct agent *agent)
{
	set_figures(agent);
	if (agent->closing && agent->n_live == 0 && rescue_idle(agent) &&
	    upkeep_idle(agent->upkeep))
		finished(agent);
}

static void close_all(struct agent *agent)
{
	struct leg *leg, *next;

	agent->closing = true;
	tmr_start(&agent->tmr_close, CLOSE_MS, on_close_deadline, agent);
	for (leg = TAILQ_FIRST(&agent->legs); leg; leg = next) {
		next = TAILQ_NEXT(leg, link);
		leg_hangup(leg);
	}
	upkeep_close(agent->upkeep);
	agent_count(agent);
}

/* ---- commands ---- */

static void set_state(struct agent *agent, int state, int err)
{
	pthread_mutex_lock(&agent->lock);
	agent->state = state;
	agent->err = err;
	pthread_cond_broadcast(&agent->changed);
	pthread_mutex_unlock(&agent->lock);
}

/*
 * The addresses behind the names: open the transports the first time, later only note what has
 * changed.
 */
static void on_resolved(struct agent *agent, const struct resolved *r)
{
	uint16_t port = agent->proxy.host[0] ? agent->proxy.port : agent->uri.port;
	char text[48];
	int err;

	sa_set_in(&agent->next, r->next_ip, sip_transp_port(agent->tp, port));
	memcpy(agent->peers, r->peers, sizeof(agent->peers));
	agent->n_peers = r->n;
	if (agent->sip)
		return;
	sa_set_in(&agent->local, r->local_ip, agent->listen_port);
	err = transport_open(agent);
	if (err) {
		set_state(agent, AGENT_FAILED, err);
		agent_set_health(agent, false, tc_strerror(err));
		return;
	}
	re_snprintf(text, sizeof(text), "%s %J", transport_name(agent), &agent->local);
	pthread_mutex_lock(&agent->lock);
	tc_strcopy(agent->figures.local, sizeof(agent->figures.local), text);
	pthread_mutex_unlock(&agent->lock);
	upkeep_start(agent->upkeep);
	set_state(agent, AGENT_UP, 0);
	rescue_run_all(agent);
	agent_run_queue(agent);
}

static void execute(struct agent *agent, const struct command *c)
{
	struct leg *leg = leg_find(agent, c->call_id);

	switch (c->type) {
	case COMMAND_CALL:
		leg_new(agent, c);
		agent_run_queue(agent);
		agent_count(agent);
		break;
	case COMMAND_PLAY:
		if (leg)
			leg_play(leg, c);
		break;
	case COMMAND_HANGUP:
		if (leg)
			leg_hangup(leg);
		break;
	case COMMAND_ANSWER:
		if (leg)
			leg_answer(leg);
		break;
	case COMMAND_PRESS:
		if (leg)
			leg_press(leg, c);
		break;
	case COMMAND_RECOVER:
		if (leg)
			leg_adopt(leg);
		else
			rescue_new(agent, c);
		break;
	case COMMAND_RESOLVED:
		on_resolved(agent, &c->resolved);
		break;
	case COMMAND_CLOSE:
		close_all(agent);
		break;
	}
}

static void command_free(struct command *c)
{
	for (size_t i = 0; i < c->n; i++)
		tc_clip_unref(c->items[i].clip);
	free(c->items);
	free(c);
}

static struct command *next_command(struct agent *agent)
{
	struct command *c;

	pthread_mutex_lock(&agent->lock);
	c = STAILQ_FIRST(&agent->commands);
	if (c)
		STAILQ_REMOVE_HEAD(&agent->commands, link);
	pthread_mutex_unlock(&agent->lock);
	return c;
}

static void on_wake(int flags, void *arg)
{
	struct agent *agent = arg;
	struct command *c;
	uint64_t n;

	(void)flags;
	if (read(agent->wake_fd, &n, sizeof(n)) < 0)
		return;
	while ((c = next_command(agent))) {
		execute(agent, c);
		command_free(c);
	}
}

void agent_command(struct agent *agent, struct command *command)
{
	uint64_t one = 1;

	pthread_mutex_lock(&agent->lock);
	STAILQ_INSERT_TAIL(&agent->commands, command, link);
	pthread_mutex_unlock(&agent->lock);
	if (write(agent->wake_fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: it is awake already */
}

static void on_notify(int flags, void *arg)
{
	struct agent *agent = arg;
	struct pacer_end *end;
	uint64_t n;

	(void)flags;
	if (read(agent->notify_fd, &n, sizeof(n)) < 0)
		return;
	while ((end = pacer_take(agent->pacer))) {
		struct leg *leg = leg_find(agent, end->call_id);

		if (leg)
			leg_played(leg, end);
		free(end);
	}
}

/* ---- the thread ---- */

/* How many files libre may watch; raises the process's soft limit, since each call has a socket. */
static int file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return 1024;
	if (files.rlim_cur < FILES_MAX && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
		if (setrlimit(RLIMIT_NOFILE, &files))
			return 1024;
	}
	return files.rlim_cur < FILES_MAX ? (int)files.rlim_cur : FILES_MAX;
}

static void on_debug(int level, const char *p, size_t len, void *arg)
{
	/* what matters is reported with its call; libre's own words may name secrets */
	(void)level;
	(void)p;
	(void)len;
	(void)arg;
}

static int set_up(struct agent *agent)
{
	struct sigaction pipe_action;
	int err;

	sigaction(SIGPIPE, NULL, &pipe_action);
	err = libre_init();
	sigaction(SIGPIPE, &pipe_action, NULL); /* libre puts in one of its own */
	if (err)
		return err;
	dbg_init(DBG_WARNING, 0);
	dbg_handler_set(on_debug, NULL);
	err = re_thread_init();
	if (err)
		return err;
	fd_setsize(file_limit());
	poll_method_set(METHOD_EPOLL);
	err = hash_alloc(&agent->legs_by_id, HASH_SIZE);
	if (!err)
		err = fd_listen(agent->wake_fd, FD_READ, on_wake, agent);
	if (!err)
		err = fd_listen(agent->notify_fd, FD_READ, on_notify, agent);
	return err;
}

static void tear_down(struct agent *agent)
{
	leg_free_all(agent);
	rescue_free_all(agent);
	upkeep_free(agent->upkeep);
	tmr_cancel(&agent->tmr_queue);
	tmr_cancel(&agent->tmr_close);
	fd_close(agent->wake_fd);
	fd_close(agent->notify_fd);
	agent->requests = mem_deref(agent->requests);
	agent->responses = mem_deref(agent->responses);
	if (agent->sip)
		sip_close(agent->sip, true);
	agent->sip = mem_deref(agent->sip);
	agent->tls = mem_deref(agent->tls);
	agent->legs_by_id = mem_deref(agent->legs_by_id);
	re_thread_close();
}

static void *run(void *arg)
{
	struct agent *agent = arg;
	int err = set_up(agent);

	set_state(agent, err ? AGENT_FAILED : AGENT_WAITING, -err);
	if (!err)
		re_main(NULL); /* without signal handlers */
	tear_down(agent);
	return NULL;
}

/* ---- from the loop thread ---- */

static void read_codecs(struct agent *agent)
{
	const struct tc_strings *codecs = &agent->cfg->codecs;

	for (size_t i = 0; i < codecs->n; i++) {
		bool ulaw = !strcasecmp(codecs->v[i], "PCMU");

		if (i == 0)
			agent->pcmu_first = ulaw;
		agent->pcmu = agent->pcmu || ulaw;
		agent->pcma = agent->pcma || !ulaw;
	}
}

static void read_peers(struct agent *agent)
{
	const struct tc_strings *peers = &agent->cfg->peers;

	agent->networks = tc_calloc(peers->n, sizeof(*agent->networks));
	for (size_t i = 0; i < peers->n; i++)
		if (!target_network(peers->v[i], &agent->networks[i].ip, &agent->networks[i].mask))
			agent->n_networks = i + 1;
}

/* sip.c's check() has seen to it that all of this can be read. */
static void read_config(struct agent *agent)
{
	static const enum sip_transp transports[] = {
		[SIP_UDP] = SIP_TRANSP_UDP, [SIP_TCP] = SIP_TRANSP_TCP, [SIP_TLS] = SIP_TRANSP_TLS};
	const struct sip_config *cfg = agent->cfg;
	const char *fault;

	target_read(cfg->uri, &agent->uri, &fault);
	if (cfg->proxy)
		target_read(cfg->proxy, &agent->proxy, &fault);
	agent->tp = transports[cfg->transport];
	tc_strcopy(agent->domain, sizeof(agent->domain),
		   cfg->domain ? cfg->domain : agent->uri.host);
	tc_strcopy(agent->from_user, sizeof(agent->from_user),
		   cfg->from_user ? cfg->from_user
		   : cfg->user    ? cfg->user
				  : "tocsin");
	tc_strcopy(agent->contact_user, sizeof(agent->contact_user), agent->from_user);
	target_address(cfg->listen, &agent->listen_ip, &agent->listen_port);
	target_ports(cfg->rtp_ports, &agent->rtp_min, &agent->rtp_max);
	if (cfg->rtp_address) {
		uint16_t none = 0;

		target_address(cfg->rtp_address, &agent->rtp_ip, &none);
	}
	agent->rtp_next = agent->rtp_min;
	agent->bound = 2 * (unsigned)cfg->max_calls + CALLS_FLOOR;
	/* Those who call take no port from an alarm, as long as there are some left. */
	unsigned ports = (unsigned)(agent->rtp_max - agent->rtp_min) / 2 + 1;
	if (ports > 2 * (unsigned)cfg->max_incoming)
		ports -= (unsigned)cfg->max_incoming;
	if (agent->bound > ports)
		agent->bound = ports;
	agent->tokens = INVITES_BURST;
	read_codecs(agent);
	read_peers(agent);
}

static void agent_destroy(struct agent *agent)
{
	struct command *c;

	while ((c = next_command(agent)))
		command_free(c);
	if (agent->pacer)
		pacer_free(agent->pacer);
	clips_free(agent->clips);
	close(agent->wake_fd);
	close(agent->notify_fd);
	pthread_mutex_destroy(&agent->lock);
	pthread_cond_destroy(&agent->changed);
	free(agent->networks);
	free(agent);
}

/* Signals are the loop thread's. */
static int start_thread(struct agent *agent)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = pthread_create(&agent->thread, NULL, run, agent);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

struct agent *agent_new(struct tc_instance *self, const struct sip_config *cfg)
{
	struct agent *agent = tc_alloc(sizeof(*agent));

	agent->self = self;
	agent->cfg = cfg;
	pthread_mutex_init(&agent->lock, NULL);
	pthread_cond_init(&agent->changed, NULL);
	STAILQ_INIT(&agent->commands);
	TAILQ_INIT(&agent->legs);
	TAILQ_INIT(&agent->queue);
	TAILQ_INIT(&agent->rescues);
	agent->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	agent->notify_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	read_config(agent);
	agent->clips = clips_new(CLIPS_BYTES);
	agent->upkeep = upkeep_new(agent);
	agent->pacer = pacer_new(self, agent->notify_fd);
	if (!agent->pacer || start_thread(agent)) {
		tc_log(self, TC_LOG_ERROR, "its threads cannot be started");
		upkeep_free(agent->upkeep);
		agent_destroy(agent);
		return NULL;
	}
	pthread_setname_np(agent->thread, "sip");
	return agent;
}

void agent_free(struct agent *agent)
{
	struct command *c = tc_alloc(sizeof(*c));

	c->type = COMMAND_CLOSE;
	agent_command(agent, c);
	pthread_join(agent->thread, NULL);
	agent_destroy(agent);
}

int agent_wait(struct agent *agent, int64_t timeout_ms)
{
	struct timespec until;
	int err = 0, wait = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	pthread_mutex_lock(&agent->lock);
	while (agent->state != AGENT_UP && agent->state != AGENT_FAILED && !wait)
		wait = pthread_cond_clockwait(&agent->changed, &agent->lock, CLOCK_MONOTONIC,
					      &until);
	if (agent->state == AGENT_FAILED)
		err = agent->err;
	else if (agent->state != AGENT_UP)
		err = -ETIMEDOUT;
	pthread_mutex_unlock(&agent->lock);
	return err;
}
