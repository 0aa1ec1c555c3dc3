/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two hash tables over the same contacts: by id, and by name.
 */
#include "oncall/contact_index.h"

#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#define SIZE_FIRST 64

/* FNV-1a, 64 bits (draft-eastlake-fnv). */
static size_t slot_of(const struct contact_index *index, const char *key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
	return (size_t)(hash ^ hash >> 32) & (index->size - 1);
}

static void link_in(struct contact_index *index, struct contact *c)
{
	struct contact **id = &index->by_id[slot_of(index, c->id)];
	struct contact **name = &index->by_name[slot_of(index, c->name)];

	c->next_id = *id;
	*id = c;
	c->next_name = *name;
	*name = c;
}

static void grow(struct contact_index *index)
{
	struct contact_index old = *index;

	index->size = old.size ? 2 * old.size : SIZE_FIRST;
	index->by_id = tc_calloc(index->size, sizeof(struct contact *));
	index->by_name = tc_calloc(index->size, sizeof(struct contact *));
	for (size_t i = 0; i < old.size; i++) {
		struct contact *c = old.by_id[i], *next;

		for (; c; c = next) {
			next = c->next_id;
			link_in(index, c);
		}
	}
	free(old.by_id);
	free(old.by_name);
}

void contact_index_add(struct contact_index *index, struct contact *contact)
{
	if (index->n++ == index->size)
		grow(index);
	link_in(index, contact);
}

void contact_index_del(struct contact_index *index, struct contact *contact)
{
	struct contact **id = &index->by_id[slot_of(index, contact->id)];
	struct contact **name = &index->by_name[slot_of(index, contact->name)];

	while (*id != contact)
		id = &(*id)->next_id;
	*id = contact->next_id;
	while (*name != contact)
		name = &(*name)->next_name;
	*name = contact->next_name;
	index->n--;
}

struct contact *contact_index_id(const struct contact_index *index, const char *id)
{
	struct contact *c = index->size ? index->by_id[slot_of(index, id)] : NULL;

	while (c && strcmp(c->id, id) != 0)
		c = c->next_id;
	return c;
}

struct contact *contact_index_name(const struct contact_index *index, const char *name)
{
	struct contact *c = index->size ? index->by_name[slot_of(index, name)] : NULL;

	while (c && strcmp(c->name, name) != 0)
		c = c->next_name;
	return c;
}

void contact_index_fini(struct contact_index *index)
{
	free(index->by_id);
	free(index->by_name);
	*index = (struct contact_index){0};
}
