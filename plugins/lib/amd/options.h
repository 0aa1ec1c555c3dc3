/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings that each trunk with an estimate of its own has, for its option table.
 */
#ifndef AMD_OPTIONS_H
#define AMD_OPTIONS_H

#include <tocsin/option.h>

#include "talk.h"

/* Within the trunk's struct: bool detect, and struct talk_settings talk. */
#define AMD_OPTIONS(config, detect, talk)                                                          \
	{.name = "detect_machine",                                                                 \
	 .type = TC_BOOL,                                                                          \
	 .offset = offsetof(config, detect),                                                       \
	 .def = "false",                                                                           \
	 .help = "guess whether a human or an answering machine has answered, and wait for its "   \
		 "beep"},                                                                          \
		{.name = "machine_after",                                                          \
		 .type = TC_DURATION,                                                              \
		 .offset = offsetof(config, talk.machine_after_ms),                                \
		 .def = "1800ms",                                                                  \
		 .min = 500,                                                                       \
		 .max = 20000,                                                                     \
		 .help = "detect_machine: so much speech without a pause is a machine's"},         \
		{.name = "machine_words",                                                          \
		 .type = TC_INT,                                                                   \
		 .offset = offsetof(config, talk.machine_words),                                   \
		 .def = "5",                                                                       \
		 .min = 2,                                                                         \
		 .max = 100,                                                                       \
		 .help = "detect_machine: so many words without a pause are a machine's"},         \
		{.name = "human_silence",                                                          \
		 .type = TC_DURATION,                                                              \
		 .offset = offsetof(config, talk.human_silence_ms),                                \
		 .def = "800ms",                                                                   \
		 .min = 200,                                                                       \
		 .max = 5000,                                                                      \
		 .help = "detect_machine: so long a silence after a few words is a human's"},      \
		{.name = "unsure_after",                                                           \
		 .type = TC_DURATION,                                                              \
		 .offset = offsetof(config, talk.unsure_after_ms),                                 \
		 .def = "4s",                                                                      \
		 .min = 1000,                                                                      \
		 .max = 60000,                                                                     \
		 .help = "detect_machine: when nothing is said for so long, nothing is guessed"},  \
		{.name = "greeting_silence",                                                       \
		 .type = TC_DURATION,                                                              \
		 .offset = offsetof(config, talk.greeting_silence_ms),                             \
		 .def = "2s",                                                                      \
		 .min = 500,                                                                       \
		 .max = 10000,                                                                     \
		 .help = "detect_machine: so long a silence of a machine is taken for its beep"},  \
		{.name = "word_length",                                                            \
		 .type = TC_DURATION,                                                              \
		 .offset = offsetof(config, talk.word_ms),                                         \
		 .def = "100ms",                                                                   \
		 .min = 20,                                                                        \
		 .max = 1000,                                                                      \
		 .help = "detect_machine: what is shorter is no word"},                            \
	{                                                                                          \
		.name = "voice_level", .type = TC_INT,                                             \
		.offset = offsetof(config, talk.voice_level), .def = "-42", .min = -70,            \
		.max = -10,                                                                        \
		.help = "detect_machine: what is less loud than this (dBov) is no speech"          \
	}

#endif
