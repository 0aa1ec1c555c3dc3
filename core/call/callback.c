/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a PBX's own dialplan says of a call that it has, by a trigger: heard, acknowledged.
 */
#include "call/call.h"

static int heard(struct call *call)
{
	if (rides_heard(call))
		return 0;
	rides_hear(call);
	call_record(call, "call.heard", NULL, NULL,
		    "%s heard the message, says the PBX's dialplan", call_whom(call));
	return 0;
}

int call_callback(struct caller *caller, const char *call_id, enum tc_call_callback what)
{
	struct call *call = caller_find(caller, call_id);

	if (!call && !caller->all_known)
		return -EAGAIN; /* it may be in the store */
	if (!call || call->state == CALL_ENDED || !call->originated)
		return -ENOENT;
	return what == TC_CALL_HEARD ? heard(call) : ack_callback(call);
}

int tc_call_callback(struct tc_instance *self, const char *call_id, enum tc_call_callback what)
{
	struct caller *caller = caller_of(self);

	return caller ? call_callback(caller, call_id, what) : -EAGAIN;
}
