/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cases that are not in conform_pbx.c itself, and what all of them share.
 */
#ifndef CONFORM_PBX_CASES_H
#define CONFORM_PBX_CASES_H

#include "rig.h"

/* Wait until the telephone with this number has seen what ok() asks for. */
void await_phone(const char *number, bool (*ok)(const struct phone_view *v), const char *what);
bool is_quiet(const struct phone_view *v);      /* and has been called */
bool does_not_ring(const struct phone_view *v); /* and may never have rung at all */
bool is_up(const struct phone_view *v);
bool rings(const struct phone_view *v);

/* Operations of rig.self. */
int hang_up(const char *call_id);
int play(const char *call_id, uint32_t play_id, const struct tc_pbx_item *items, size_t n);

/* incoming.c */
void takes_a_call(void **state);
void declines_a_call(void **state);
void notices_a_caller_giving_up(void **state);
void notices_a_caller_hanging_up(void **state);
void hangs_up_in_the_moment_of_the_answer(void **state);
void ends_a_call_that_nobody_takes(void **state);

/* recover.c */
void leaves_no_call_behind(void **state);
void recovers_a_call_that_rings(void **state);
void recovers_a_call_of_which_nothing_is_known(void **state);
void recovers_a_call_that_talks(void **state);
void recovers_a_call_that_is_answered_meanwhile(void **state);
void knows_when_nothing_is_left(void **state);

/* machine.c */
void tells_a_machine_and_its_beep(void **state);
void tells_a_machine_without_a_beep(void **state);
void tells_a_human(void **state);
void tells_nothing_of_who_is_silent(void **state);
void guesses_only_where_it_is_asked(void **state);
void measures_the_level(void **state);
void presses_keys(void **state);

#endif
