/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a call may end: the results, their names, and how they read.
 */
#ifndef CORE_CALL_RESULT_H
#define CORE_CALL_RESULT_H

/* result, its name, how it reads in a timeline: "called Alice: " ... */
#define CALL_RESULTS(X) \
	X(CALL_NO_RESULT, "", "") \
	X(CALL_ACKNOWLEDGED, "acknowledged", "acknowledged by key") \
	X(CALL_ESCALATED, "escalated", "escalated by key") \
	X(CALL_HEARD, "heard", "the message was heard, no key was pressed") \
	X(CALL_UNHEARD, "unheard", "hung up before the message was heard") \
	X(CALL_MACHINE, "machine", "a machine answered") \
	X(CALL_NO_ANSWER, "no_answer", "no answer") \
	X(CALL_BUSY, "busy", "busy") \
	X(CALL_REJECTED, "rejected", "the call was declined") \
	X(CALL_UNREACHABLE, "unreachable", "cannot be reached") \
	X(CALL_CONGESTION, "congestion", "the network is congested") \
	X(CALL_FAILED, "failed", "the call failed") \
	X(CALL_CANCELLED, "cancelled", "the call was cancelled") \
	X(CALL_LOST, "lost", "the call was lost")

enum call_result {
#define X(sym, name, text) sym,
	CALL_RESULTS(X)
#undef X
	CALL_RESULT_COUNT
};

const char *call_result_name(enum call_result result);
const char *call_result_text(enum call_result result);
/* CALL_NO_RESULT if there is no such name, or none: NULL. */
enum call_result call_result_find(const char *name);

#endif
