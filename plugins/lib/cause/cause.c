/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of causes. What the core makes of them is its affair. */
#include "cause.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct row {
	int code;
	enum tc_pbx_end end;
};

/* "Normal, unspecified" (16, 31) and interworking (111, 127) say nothing: the status decides. */
static const struct row q850_ends[] = {
	{1, TC_PBX_END_UNREACHABLE}, {2, TC_PBX_END_UNREACHABLE},  {3, TC_PBX_END_UNREACHABLE},
	{17, TC_PBX_END_BUSY},       {18, TC_PBX_END_TIMEOUT},     {19, TC_PBX_END_TIMEOUT},
	{20, TC_PBX_END_TIMEOUT},    {21, TC_PBX_END_REJECTED},    {22, TC_PBX_END_UNREACHABLE},
	{27, TC_PBX_END_TIMEOUT},    {28, TC_PBX_END_UNREACHABLE}, {34, TC_PBX_END_CONGESTION},
	{38, TC_PBX_END_CONGESTION}, {41, TC_PBX_END_CONGESTION},  {42, TC_PBX_END_CONGESTION},
	{44, TC_PBX_END_CONGESTION}, {47, TC_PBX_END_CONGESTION},
};

static const struct row sip_ends[] = {
	{401, TC_PBX_END_TRUNK},       {402, TC_PBX_END_TRUNK},       {403, TC_PBX_END_REJECTED},
	{404, TC_PBX_END_UNREACHABLE}, {407, TC_PBX_END_TRUNK},       {408, TC_PBX_END_TIMEOUT},
	{410, TC_PBX_END_UNREACHABLE}, {480, TC_PBX_END_TIMEOUT},     {484, TC_PBX_END_UNREACHABLE},
	{486, TC_PBX_END_BUSY},        {500, TC_PBX_END_CONGESTION},  {502, TC_PBX_END_TRUNK},
	{503, TC_PBX_END_CONGESTION},  {504, TC_PBX_END_CONGESTION},  {600, TC_PBX_END_BUSY},
	{603, TC_PBX_END_REJECTED},    {604, TC_PBX_END_UNREACHABLE}, {607, TC_PBX_END_REJECTED},
	{608, TC_PBX_END_REJECTED},
};

static bool look_up(const struct row *rows, size_t n, int code, enum tc_pbx_end *end)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i].code == code) {
			*end = rows[i].end;
			return true;
		}
	}
	return false;
}

enum tc_pbx_end cause_end(int sip, int q850)
{
	enum tc_pbx_end end = TC_PBX_END_FAILED;

	/* A busy or declining phone is not made doubtful by what a gateway adds. */
	if (sip == 486 || sip == 600)
		return TC_PBX_END_BUSY;
	if (!look_up(q850_ends, sizeof(q850_ends) / sizeof(*q850_ends), q850, &end))
		look_up(sip_ends, sizeof(sip_ends) / sizeof(*sip_ends), sip, &end);
	return end;
}

int cause_reason(const char *value, size_t len)
{
	const char *end = value + len;

	for (const char *p = value; p + 5 <= end; p++) {
		if (strncasecmp(p, "Q.850", 5) != 0)
			continue;
		for (p += 5; p + 6 <= end && *p != ','; p++) {
			if (strncasecmp(p, "cause=", 6) != 0)
				continue;
			int cause = 0;
			for (p += 6; p < end && isdigit((unsigned char)*p) && cause < 1000; p++)
				cause = cause * 10 + (*p - '0');
			return cause <= 127 ? cause : 0;
		}
	}
	return 0;
}
