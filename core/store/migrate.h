/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Versioned migrations: the schema, step by step, applied at start-up.
 */
#ifndef CORE_STORE_MIGRATE_H
#define CORE_STORE_MIGRATE_H

struct db;

/* The version that this program needs. */
int migrate_version(void);

/*
 * Bring the database to this program's version, in one transaction per step.
 *
 * fault   receives why not
 * errors  -EPROTO the database is newer than the program: nothing was touched
 */
int migrate_run(struct db *db, char *fault, unsigned long size_bytes);

#endif
