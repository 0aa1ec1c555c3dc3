/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the cases share: looks at the telephones, and operations.
 */
#include "cases.h"

#include "host/host.h"

/* What a telephone must have seen. */
struct sight {
	const char *number;
	bool (*ok)(const struct phone_view *v);
};

static bool sees(void *arg)
{
	struct sight *s = arg;
	struct phone_view v = phone_view(rig.phone, s->number);

	return s->ok(&v);
}

void await_phone(const char *number, bool (*ok)(const struct phone_view *v), const char *what)
{
	struct sight s = {number, ok};

	rig_wait(sees, &s, what);
}

bool is_quiet(const struct phone_view *v)
{
	return v->calls > 0 && !v->ringing && !v->up;
}

/* It may never have rung at all. */
bool does_not_ring(const struct phone_view *v)
{
	return !v->ringing && !v->up;
}

bool is_up(const struct phone_view *v)
{
	return v->up == 1;
}

bool rings(const struct phone_view *v)
{
	return v->ringing == 1;
}

int hang_up(const char *call_id)
{
	return rig_ops(rig.self)->hangup(rig.self->state, call_id);
}

int play(const char *call_id, uint32_t play_id, const struct tc_pbx_item *items, size_t n)
{
	return rig_ops(rig.self)->play(rig.self->state, call_id, play_id, items, n);
}
