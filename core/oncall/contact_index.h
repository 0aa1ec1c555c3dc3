/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contacts found by id and by name. Who owns them, and in which order they are, is the directory's.
 */
#ifndef CORE_ONCALL_CONTACT_INDEX_H
#define CORE_ONCALL_CONTACT_INDEX_H

#include "oncall/directory.h"

/* Zeroed is empty. */
struct contact_index {
	struct contact **by_id, **by_name; /* owned; chains */
	size_t size, n;                    /* size: a power of two, or 0 */
};

void contact_index_add(struct contact_index *index, struct contact *contact);
/* One that is there. */
void contact_index_del(struct contact_index *index, struct contact *contact);
struct contact *contact_index_id(const struct contact_index *index, const char *id);
struct contact *contact_index_name(const struct contact_index *index, const char *name);
/* Empty it; the contacts stay. */
void contact_index_fini(struct contact_index *index);

#endif
