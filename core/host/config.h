/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file: YAML to a JSON document that remembers lines, and from there to typed structs.
 */
#ifndef CORE_HOST_CONFIG_H
#define CORE_HOST_CONFIG_H

#include <tocsin/option.h>

/* A parsed file: the document and the place of each of its values. */
struct yaml_doc;

/*
 * Parse a YAML file. Scalars stay text (plain null becomes JSON null): the tables give them their types.
 *
 * errs    receives "file:line:column: ..." faults: syntax, doubled keys, aliases and tags (not supported)
 * result  NULL when there was a fault
 */
struct yaml_doc *yaml_load(const char *path, struct tc_errors *errs);
void yaml_free(struct yaml_doc *doc);
/* The document; borrowed. */
json_t *yaml_root(const struct yaml_doc *doc);
/* Make faults that tc_options_fill() finds in this document carry its places. Undo with NULL. */
void errors_set_doc(struct tc_errors *errs, const struct yaml_doc *doc);
/* Where the next tc_errors_add(errs, field, ...) stands: field is looked up below this object. */
void errors_set_object(struct tc_errors *errs, const json_t *object);
/* Print all, one a line, to a stream; sorted by place. */
void errors_print(const struct tc_errors *errs, void *file);
/* The name in the table that is nearest to a misspelt one, or NULL: "did you mean". */
const char *option_nearest(const struct tc_option *table, const char *name);
/* Print a table for people (--describe): name, type, default, range, help. */
void option_describe(const struct tc_option *table, void *file);
/* A table as a JSON Schema object, for /v1/openapi.json; new reference. */
json_t *option_schema(const struct tc_option *table);

/* Sections of tocsin.yaml that the core itself reads (design, section 8). */
struct config_http {
	struct tc_strings listen;
	const char *public_url;
	int64_t max_body;
};

struct config_call {
	int64_t ring_timeout;
	struct tc_map keys; /* key -> acknowledge|escalate|resolve|repeat */
	int64_t repeat_message;
	int64_t attempts;
	int64_t window;
	struct {
		int64_t busy, no_answer, rejected, unreachable, congestion, machine, heard, unheard, failed;
	} redial;
	int64_t max_concurrent;
};

/* What is said around the message: templates over the alert ({{message}}, {{severity}}, {{labels.x}}). */
struct config_prompts {
	const char *language; /* of these texts */
	const char *greeting, *menu, *acknowledged, *escalated, *resolved, *unknown_key, *goodbye;
	int64_t pause; /* ms between repetitions */
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
	const json_t *store;     /* instance settings; NULL = sqlite with its defaults */
	struct tc_list trunks;   /* of struct config_instance */
	struct tc_list voices;
	struct tc_list carriers;
	struct tc_list triggers;
	struct config_call call;
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
 * result  NULL after faults were added
 */
struct config *config_load(const char *path, struct tc_errors *errs);
void config_free(struct config *cfg);

#endif
