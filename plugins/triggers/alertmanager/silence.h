/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Acknowledgements written back: silences in Alertmanager, by its API (version 2). All: loop
 * thread.
 */
#ifndef ALERTMANAGER_SILENCE_H
#define ALERTMANAGER_SILENCE_H

#include <tocsin/trigger.h>

#include "route.h"

struct silences;

/* NULL when none are to be made. cfg is borrowed. */
struct silences *silences_new(struct tc_instance *self, const struct am_config *cfg);
/* What is under way is completed with -ECANCELED. NULL is fine. */
void silences_free(struct silences *silences);

/*
 * As decided() of struct tc_trigger_ops: makes a silence when the alert was acknowledged and that
 * is wanted, and removes it when it is open again, or over.
 */
int silences_decided(struct silences *silences, struct tc_op *op,
		     const struct tc_decision *decision);

void silences_status(const struct silences *silences, struct tc_status *out);

#endif
