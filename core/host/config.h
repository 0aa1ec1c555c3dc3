/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file: YAML to a JSON document that remembers lines, and from there to typed
 * structs.
 */
#ifndef CORE_HOST_CONFIG_H
#define CORE_HOST_CONFIG_H

#include <tocsin/option.h>

/* A parsed file: the document and the place of each of its values. */
struct yaml_doc;

/*
 * Parse a YAML file. Scalars stay text (plain null becomes JSON null): the tables give them their
 * types.
 *
 * errs    receives "file:line:column: ..." faults: syntax, doubled keys, aliases and tags (not
 *         supported)
 * result  NULL when it could not be read to its end. Other faults leave a document, without what
 *         was wrong, so that the tables can find the rest: tc_errors_count() tells
 */
struct yaml_doc *yaml_load(const char *path, struct tc_errors *errs);
/* As yaml_load() for text in memory; name stands for the file in faults. */
struct yaml_doc *yaml_parse(const char *name, const char *text, size_t len, struct tc_errors *errs);
/* Release it; NULL is fine. (libyaml exports a function called yaml_free.) */
void yaml_close(struct yaml_doc *doc);
/* The document; borrowed. An empty file is JSON null. */
json_t *yaml_root(const struct yaml_doc *doc);
/* The name of the file, as given to yaml_load(). */
const char *yaml_file(const struct yaml_doc *doc);
/*
 * Path of a value from the root ("trunks[0]", "" for the root): by its address or, for a copy of
 * an object, by that of its values. NULL when it is not of this document.
 */
const char *yaml_path(const struct yaml_doc *doc, const json_t *node);
/*
 * Line and column (1-based) of the value at a path or, with key, of its key; false when there is
 * no such path.
 */
bool yaml_place(const struct yaml_doc *doc, const char *path, bool key, unsigned *line,
		unsigned *column);
/*
 * Make faults that tc_options_fill() finds in this document carry its places, and let it read
 * values from text and secrets from X_file and X_env. Undo with NULL.
 */
void errors_set_doc(struct tc_errors *errs, const struct yaml_doc *doc);
/*
 * The document is a query string: all values are text, numbers and truth values are read from it.
 */
void errors_set_lenient(struct tc_errors *errs, bool lenient);
/* Where the next tc_errors_add(errs, field, ...) stands: field is looked up below this object. */
void errors_set_object(struct tc_errors *errs, const json_t *object);
/*
 * As tc_options_fill() for an object that has other keys beside those of the table.
 *
 * skip  names of the other keys ("name", "plugin"), NULL-terminated; or NULL
 */
int options_fill(const struct tc_option *table, const json_t *object, const char *const *skip,
		 void *out, void **memory, struct tc_errors *errs);
/* Print all, one a line, to a stream (FILE *); sorted by place. */
void errors_print(const struct tc_errors *errs, void *file);
/* The name in the table that is nearest to a misspelt one, or NULL: "did you mean". */
const char *option_nearest(const struct tc_option *table, const char *name);
/* Print a table for people (--describe): name, type, default, range, help. */
void option_describe(const struct tc_option *table, void *file);
/* A table as a JSON Schema object, for /v1/openapi.json; new reference. */
json_t *option_schema(const struct tc_option *table);
/*
 * A document that fits a table with all of its fields: those that were not given, or null, have
 * their default, or what is empty of their type. Secrets are left as they are. New reference.
 */
json_t *option_complete(const struct tc_option *table, const json_t *object);

/*
 * One plugin instance as it stands in the file: an object with text "name" and "plugin"; borrowed.
 */
struct config_instance {
	const json_t *settings;
};

/* Sections of tocsin.yaml that the core itself reads (design, section 8). */
struct config_http {
	struct tc_strings listen;
	const char *public_url;
	int64_t max_body;
};

/* Calls that come in. */
struct config_inbound {
	bool enabled;
	int64_t max_calls;       /* at one time */
	struct tc_strings allow; /* beginnings of numbers; none = all may call */
	const char *country_code;
	bool known_numbers;
	bool pin_from_anywhere;
	int64_t pin_tries, pin_timeout;
	int64_t flood_calls, flood_window;
	int64_t recent, max_alerts;
};

struct config_call {
	int64_t ring_timeout;
	struct tc_map keys; /* key -> acknowledge|escalate|resolve|repeat|silence */
	int64_t repeat_message;
	int64_t attempts;
	bool until_reached;
	int64_t pin_tries, pin_timeout;
	int64_t window;
	struct {
		int64_t busy, no_answer, rejected, unreachable, congestion, machine;
		int64_t heard, unheard, failed;
	} redial;
	struct {
		int64_t busy, no_answer, rejected, unreachable, congestion, machine;
		int64_t heard, unheard, failed;
	} most; /* calls that may end so; 0 = only attempts counts */
	struct {
		int64_t calls, within; /* calls 0 = no limit */
	} per_person;
	int64_t max_concurrent;
	int trunk_order; /* enum config_trunk_order */
	struct config_inbound inbound;
};

enum config_trunk_order { TRUNKS_IN_ORDER, TRUNKS_ROUND_ROBIN };

/*
 * What is said to those who call: templates over {{name}}, {{number}}, {{count}}, and of an alert
 * over its own words and {{index}}.
 */
struct config_inbound_prompts {
	const char *welcome, *pin, *wrong_pin, *unknown, *count, *one, *none;
	const char *alert, *menu, *exhausted_menu;
	const char *acknowledged_alert, *acknowledged_menu;
	const char *over, *end, *more, *failed;
};

/*
 * What is said in a call that tells several alerts: templates over {{count}} and {{critical}}, and
 * of an alert over its own words and {{index}}.
 */
struct config_bundle_prompts {
	const char *greeting, *alert, *menu, *next, *end, *acknowledged_all;
};

/* Escalation (core/alert, core/oncall). */
struct config_escalation {
	const char *default_schedule; /* its name: what "oncall" means */
	const char *fallback;         /* target when one leads to nobody; NULL = none */
	int64_t ack_timeout;          /* an acknowledgement expires; 0 = never */
};

/* Alarms about ourselves: trunks, carriers, the store. */
struct config_self_alarms {
	const char *target;           /* NULL = none are raised */
	int64_t after;                /* how long something is down before */
};

/* What is said in a test call. */
struct config_test_prompts {
	const char *greeting, *ask, *confirmed;
};

/* A call that comes back to us, now and then. */
struct config_loop_test {
	const char *name, *trunk, *number;
	const char *called;           /* the number as it comes in; NULL = number */
	const char *at;               /* "03:30"; NULL = at any time */
	int64_t every, retry;         /* retry: after one that failed */
	int64_t alarm_after;          /* so many failed in a row */
};

/* What counts as a problem for readiness. */
struct config_readiness {
	int64_t unproven;             /* so long without a call that reached somebody; 0 = never */
};

/*
 * What is said around the message: templates over the alert ({{message}}, {{severity}},
 * {{labels.x}}).
 */
struct config_prompts {
	const char *language; /* of these texts */
	const char *greeting, *menu, *acknowledged, *escalated, *resolved, *unknown_key, *goodbye;
	const char *pin, *wrong_pin, *locked; /* to a contact with a PIN, before a key counts */
	int64_t pause; /* ms between repetitions */
	struct config_test_prompts test;
	struct config_bundle_prompts bundle;
	struct config_inbound_prompts inbound;
};

struct config_log {
	int level;
	int format; /* text, json */
};

struct config {
	const char *node;
	const char *state_dir;
	struct config_log log;
	struct config_http http;
	const json_t *store;     /* instance settings, "name" optional; NULL = sqlite, as it is */
	struct tc_list trunks;   /* of struct config_instance */
	struct tc_list voices;
	struct tc_list carriers;
	struct tc_list triggers;
	struct config_call call;
	struct config_escalation escalation;
	struct config_self_alarms self_alarms;
	struct config_readiness readiness;
	struct tc_list test_calls; /* of struct config_loop_test */
	struct config_prompts prompts;
	int64_t prompt_cache_size; /* bytes */
	/* what holds it all */
	struct yaml_doc *doc;    /* owned */
	void *memory;            /* owned */
};

/* The core's own table (for --describe core, the manual page). */
extern const struct tc_option config_table[];

/*
 * Read and validate the file, the core's sections only (instances are checked by instance_new()).
 *
 * errs    faults that are added later carry places of this file, until errors_set_doc(errs, NULL):
 *         call that before config_free() if errs lives on
 * result  NULL after faults were added
 */
struct config *config_load(const char *path, struct tc_errors *errs);
/*
 * As config_load(), but a configuration with faults is returned too, so that its instances can be
 * checked and all faults be reported at once. Never to be run when tc_errors_count() > 0. Its
 * lists hold only instances that have a name and a plugin.
 *
 * result  NULL when the file could not be read to its end
 */
struct config *config_read(const char *path, struct tc_errors *errs);
void config_free(struct config *cfg);

#endif
