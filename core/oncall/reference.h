/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * References of documents to contacts and to each other: "contact:alice", "schedule:ID". They may
 * be given by name, and are kept by id.
 */
#ifndef CORE_ONCALL_REFERENCE_H
#define CORE_ONCALL_REFERENCE_H

#include <jansson.h>

#include <tocsin/defs.h>

struct oncall;

/* "contact:", "schedule:" or "policy:" and something behind it. */
bool reference_valid(const char *text);

/*
 * Whom a reference means.
 *
 * id      receives the id; "" = there is none of that name
 * result  whether there is one
 */
bool reference_find(const struct oncall *oncall, const char *text, char id[TC_ID_SIZE]);

/* Whether a reference means the same as another one, which is by id: "contact:ID". */
bool reference_same(const struct oncall *oncall, const char *text, const char *by_id);

/*
 * Put ids in place of names in a document, as far as they are known: in the lists "members" and
 * "targets" at any depth, which have whole references, and in the members "contact", which may do
 * without "contact:".
 */
void reference_keep(const struct oncall *oncall, json_t *body);

#endif
