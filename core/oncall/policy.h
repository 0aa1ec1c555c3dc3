/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Escalation policies: whom to reach, one step after the other. What is given from outside, and
 * what the alert layer reads.
 */
#ifndef CORE_ONCALL_POLICY_H
#define CORE_ONCALL_POLICY_H

#include "oncall/document.h"

struct policy_step {
	struct tc_strings targets; /* anything but a policy: "schedule:ID", "contact:ID", numbers */
	const char *strategy;      /* "call" ... */
	int64_t wait_ms;           /* how long the step has; 0 = until all its people were tried */
	bool all_must_acknowledge; /* else one is enough */
};

/* The fields of the table, and what compile makes: the same, with its own memory. */
struct policy_fields {
	const char *name;
	struct tc_list steps;      /* of struct policy_step, 1..50 */
	int64_t repeat;            /* how often all steps are gone through once more, 0..100 */
	struct tc_list final;      /* of struct policy_step, none or one: after the last round */
	int64_t ack_timeout_ms;    /* an acknowledgement expires; 0 = never; -1 = as
				      escalation.ack_timeout says */
};

struct policy {
	struct policy_fields fields;
	void *memory;
};

extern const struct document_kind policy_kind;

#endif
