/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Escalations in the store: how far each alert has come. What the body says is the alert layer's
 * (alert/escalation.h). All functions run on a store thread, inside a transaction.
 */
#ifndef CORE_STORE_ESCALATION_REPO_H
#define CORE_STORE_ESCALATION_REPO_H

#include <tocsin/defs.h>

struct alert_row;
struct db;

struct escalation_row {
	char alert_id[TC_ID_SIZE];
	int64_t version;        /* grows with each change; of a new one 1 */
	int64_t ack_timeout_ms; /* how long an acknowledgement lasts; 0 = for ever */
	int64_t expires_us;     /* when the one that there is does; 0 = never, or there is none */
	const char *body;       /* JSON; owned when it was read */
};

void escalation_row_fini(struct escalation_row *row);
void escalation_row_copy(struct escalation_row *to, const struct escalation_row *from);

int escalation_insert(struct db *db, const struct escalation_row *row);
/*
 * Write the version after row->version - 1, with all the rest.
 *
 * result  0 | -EALREADY it is there: a commit that was reported as lost was done | -ESTALE there is
 *         another one
 */
int escalation_put(struct db *db, const struct escalation_row *row);
/* 1 found, 0 none. */
int escalation_get(struct db *db, const char *alert_id, struct escalation_row *row);

/*
 * The alert is acknowledged: its time begins.
 *
 * body        how far it has come; NULL: as it is
 * expires_us  receives when it ends; 0 = never
 */
int escalation_acknowledged(struct db *db, const char *alert_id, const char *body, int64_t at_us,
			    int64_t *expires_us);
/* It is over: nothing expires any more. */
int escalation_over(struct db *db, const char *alert_id);

/*
 * All open alerts with their escalations, oldest first; and those acknowledged ones whose
 * acknowledgement expires: for start-up. escalation: body NULL: there is none yet.
 */
typedef int (*escalation_fn)(const struct alert_row *alert, const struct escalation_row *escalation,
			     void *arg);
int escalation_list_open(struct db *db, escalation_fn fn, void *arg);
int escalation_list_expiring(struct db *db, escalation_fn fn, void *arg);

#endif
