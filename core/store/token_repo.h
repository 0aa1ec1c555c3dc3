/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * API tokens in the store: only their SHA-256 is kept.
 */
#ifndef CORE_STORE_TOKEN_REPO_H
#define CORE_STORE_TOKEN_REPO_H

#include <tocsin/defs.h>

struct db;

struct token_row {
	char id[TC_ID_SIZE];
	const char *name, *scope; /* scope: read alert admin */
	unsigned char hash[32];
	int64_t created_us;
	int64_t expires_us;       /* 0 = never */
};

void token_row_fini(struct token_row *row);

int token_insert(struct db *db, const struct token_row *row); /* -EEXIST: the name is taken */
int token_list(struct db *db, int (*fn)(const struct token_row *row, void *arg), void *arg);
int token_delete(struct db *db, const char *id); /* -ENOENT */

#endif
