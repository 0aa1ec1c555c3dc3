/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words for severities that Alertmanager, Grafana, Zabbix, Nagios and syslog use, in order.
 */
#include "call/severity.h"

#include <stddef.h>
#include <strings.h>

#define UNKNOWN 3

int severity_rank(const char *severity)
{
	static const struct {
		const char *word;
		int rank;
	} words[] = {
		{"emergency", 0}, {"disaster", 0}, {"fatal", 0},         {"critical", 1},
		{"page", 1},      {"high", 2},     {"major", 2},         {"error", 2},
		{"average", 3},   {"warning", 3},  {"warn", 3},          {"medium", 3},
		{"minor", 4},     {"low", 4},      {"notice", 5},        {"info", 5},
		{"debug", 6},     {"none", 6},     {"information", 5},   {"informational", 5},
	};

	for (size_t i = 0; severity && i < sizeof(words) / sizeof(*words); i++)
		if (!strcasecmp(words[i].word, severity))
			return words[i].rank;
	return UNKNOWN;
}
