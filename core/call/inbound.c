/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that come in. As long as nobody serves them, none is answered.
 */
#include "call/inbound.h"

#include <stdlib.h>

#include "call/call.h"

struct inbound {
	struct caller *caller;
	const struct inbound_ops *ops;
	void *arg;
};

struct inbound *inbound_new(struct caller *caller)
{
	struct inbound *in = tc_alloc(sizeof(*in));

	in->caller = caller;
	return in;
}

void inbound_free(struct inbound *in)
{
	free(in);
}

void caller_serve(struct caller *caller, const struct inbound_ops *ops, void *arg)
{
	caller->inbound->ops = ops;
	caller->inbound->arg = arg;
}

bool inbound_event(struct inbound *in, struct trunk *trunk, const struct tc_pbx_event *event)
{
	(void)in;
	if (event->type != TC_PBX_INCOMING)
		return false;
	trunk_hangup(trunk, event->call_id);
	return true;
}

bool inbound_confirm(struct inbound *in, const char *call_id, const char *prompt)
{
	(void)in;
	(void)call_id;
	(void)prompt;
	return false;
}

void inbound_listed(struct caller *caller, const char *call_id, int err,
		    const struct inbound_alert *alerts, size_t n)
{
	(void)caller;
	(void)call_id;
	(void)err;
	(void)alerts;
	(void)n;
}

void inbound_warm(struct inbound *in)
{
	(void)in;
}
