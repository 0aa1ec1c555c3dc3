/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hands of the script: what telephones, trunks, the voice and the store do.
 */
#include <string.h>

#include <tocsin/alloc.h>
#include <tocsin/trigger.h>

#include "call/page.h"
#include "call/trunk.h"
#include "scenario/private.h"

static bool report(struct world *w, struct fake_call *c, struct tc_pbx_event *event)
{
	tc_strcopy(event->call_id, sizeof(event->call_id), c->id);
	if (event->type == TC_PBX_ENDED) {
		c->ended = true;
		event->total_ms = c->total_ms;
	} else if (event->type == TC_PBX_RESUMED || event->type == TC_PBX_RELEASED) {
		c->items = 0;
	}
	/* only the trunk that has the call is heeded */
	for (unsigned i = 0; i < fakes.trunks; i++)
		tc_pbx_event(fakes.trunk[i], event);
	world_settle(w);
	return true;
}

bool world_report(struct world *w, const char *number, struct tc_pbx_event *event)
{
	struct fake_call *c = fake_call_find(number);

	return c && (event->end == TC_PBX_END_GONE || !c->ended) && report(w, c, event);
}

bool world_adopt(struct world *w, const char *number, const char *state)
{
	static const struct {
		const char *name;
		enum tc_pbx_event_type event;
	} all[] = {{"ringing", TC_PBX_RINGING},
		   {"answered", TC_PBX_ANSWERED},
		   {"released", TC_PBX_RELEASED}};
	struct fake_call *c = fake_call_find(number);

	(void)w;
	for (size_t i = 0; c && i < sizeof(all) / sizeof(*all); i++) {
		if (strcmp(all[i].name, state) != 0)
			continue;
		c->adopt = all[i].event;
		return true;
	}
	return false;
}

void world_found(struct world *w, const char *number, bool early)
{
	struct fake_call *c = fake_call_find(number);
	struct tc_pbx_event e = {.type = TC_PBX_FOUND};

	if (!c)
		c = fake_call_new("01900000-0000-7000-8000-000000000000", number);
	if (early) {
		tc_strcopy(fakes.found, sizeof(fakes.found), c->id);
		return;
	}
	tc_strcopy(e.call_id, sizeof(e.call_id), c->id);
	tc_pbx_event(fakes.trunk[0], &e);
	world_settle(w);
}

const char *world_callback(struct world *w, const char *number, const char *what)
{
	struct fake_call *c = fake_call_find(number);
	int err = tc_call_callback(w->trigger, c ? c->id : "none",
				   strcmp(what, "heard") ? TC_CALL_ACKNOWLEDGE : TC_CALL_HEARD);

	world_settle(w);
	return !err ? "ok" : err == -ENOENT ? "unknown" : err == -EALREADY ? "already" : "early";
}

bool world_note(struct world *w, const char *number, const char *json)
{
	struct fake_call *c = fake_call_find(number);

	if (c)
		tc_pbx_note(fakes.trunk[0], c->id, json_loads(json, 0, NULL));
	world_settle(w);
	return c != NULL;
}

unsigned world_live(struct world *w, const char *trunk)
{
	size_t queued, live;

	if (trunk)
		return trunks_find(w->lines, trunk)->live;
	caller_figures(w->caller, &queued, &live);
	return (unsigned)live;
}

bool world_played(struct world *w, const char *number, int n)
{
	struct fake_call *c = fake_call_find(number);
	uint32_t play_id = c ? c->play_id : 0;

	if (!c || c->ended || !c->items)
		return false;
	while (n-- && c->done < c->items && c->play_id == play_id && !c->ended) {
		struct tc_pbx_event e = {.type = TC_PBX_PLAYED,
					 .play_id = play_id,
					 .item = c->done,
					 .item_ms = c->item_ms[c->done],
					 .whole = true};

		c->total_ms += c->item_ms[c->done++];
		e.total_ms = c->total_ms;
		report(w, c, &e);
	}
	return true;
}

void world_health(struct world *w, const char *trunk, bool healthy)
{
	for (unsigned i = 0; i < fakes.trunks; i++)
		if (!strcmp(tc_instance_name(fakes.trunk[i]), trunk))
			tc_pbx_health(fakes.trunk[i], healthy, "says the script");
	world_settle(w);
}

void world_refuse(struct world *w, const char *trunk)
{
	for (unsigned i = 0; i < fakes.trunks; i++)
		if (!strcmp(tc_instance_name(fakes.trunk[i]), trunk))
			fakes.refuse = tc_instance_name(fakes.trunk[i]);
	(void)w;
}

void world_forget_ends(void)
{
	fakes.forgets = true;
}

void world_voice(struct world *w, const char *how)
{
	fakes.mute = !strcmp(how, "fails");
	fakes.slow = !strcmp(how, "slow");
	if (!fakes.slow)
		fake_release();
	if (w->running)
		world_settle(w);
}

void world_store(struct world *w, const char *how)
{
	atomic_store(&fakes.store_locked, !strcmp(how, "locked"));
	atomic_store(&fakes.store_unsure, !strcmp(how, "unsure"));
	(void)w;
}
