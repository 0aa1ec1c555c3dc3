/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maintenance windows: alerts that match one are stored, and nobody is called until it ends.
 */
#ifndef CORE_ONCALL_MAINTENANCE_H
#define CORE_ONCALL_MAINTENANCE_H

#include "oncall/document.h"

/* {"name","matchers":[{"label","op":"=|!=|=~|!~","value"}],"start","end","note"}; all must match.
   "severity", "source" and "target" are labels too, unless the alert has such a label */
extern const struct document_kind maintenance_kind;

/* What a matcher looks at. Borrowed; labels: an object of strings, or NULL. */
struct maintenance_alert {
	const json_t *labels;
	const char *severity, *source, *target;
};

/*
 * The window that holds an alert back at an instant and ends last; NULL: none.
 *
 * until_us  receives its end
 */
const struct document *maintenance_holds(const struct oncall *oncall,
					 const struct maintenance_alert *alert, int64_t at_us,
					 int64_t *until_us);
/* When a window begins or ends after an instant; INT64_MAX: none does. */
int64_t maintenance_next(const struct oncall *oncall, int64_t after_us);

#endif
