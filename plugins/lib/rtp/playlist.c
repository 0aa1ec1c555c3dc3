/* SPDX-License-Identifier: BSD-2-Clause */
/* The way through a play list. */
#include "playlist.h"

#include <stdlib.h>

#include <tocsin/alloc.h>

struct playlist *playlist_new(uint32_t play_id, size_t n)
{
	struct playlist *list = tc_alloc(sizeof(*list) + n * sizeof(list->items[0]));

	list->play_id = play_id;
	list->n = n;
	return list;
}

void playlist_free(struct playlist *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->n; i++)
		coded_unref(list->items[i].coded);
	free(list);
}

bool playlist_done(const struct playlist *list)
{
	return list->at == list->n;
}

static void finish(struct playlist *list, struct playlist_end *end)
{
	const struct playlist_item *item = &list->items[list->at];

	*end = (struct playlist_end){
		.play_id = list->play_id,
		.item = (uint32_t)list->at,
		.item_ms = item->ms,
		.sound = item->coded != NULL,
	};
	list->at++;
	list->frame = 0;
}

bool playlist_skip(struct playlist *list, struct playlist_end *end)
{
	if (list->at == list->n || list->items[list->at].frames > 0)
		return false;
	finish(list, end);
	return true;
}

const uint8_t *playlist_next(struct playlist *list, int law, bool *sound, bool *ended,
			     struct playlist_end *end)
{
	*sound = *ended = false;
	if (list->at == list->n)
		return NULL;
	const struct playlist_item *item = &list->items[list->at];
	const uint8_t *frame = item->coded ? item->coded->code[law] + list->frame * FRAME : NULL;
	*sound = item->coded != NULL;
	if (++list->frame >= item->frames) {
		*ended = true;
		finish(list, end);
	}
	return frame;
}
