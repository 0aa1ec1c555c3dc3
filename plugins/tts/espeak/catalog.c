/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Choosing among the voices that espeak-ng has. Reading them from the library is the engine's
 * affair.
 */
#include "catalog.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How well a voice fits a language; more is better. */
enum { FITS_NOT, FITS_FAMILY, FITS_WIDER, FITS_EXACTLY };

static int same_letter(char a, char b)
{
	return (a == '_' ? '-' : tolower((unsigned char)a)) ==
	       (b == '_' ? '-' : tolower((unsigned char)b));
}

/* How many characters two tags have in common at their beginning. */
static size_t common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && same_letter(a[n], b[n]))
		n++;
	return n;
}

static bool ends_subtag(char c)
{
	return !c || c == '-' || c == '_';
}

static int fit(const char *wanted, const char *has)
{
	size_t n = common(wanted, has);
	size_t primary = strcspn(has, "-_");

	if (!wanted[n] && !has[n])
		return FITS_EXACTLY;
	if (!has[n] && ends_subtag(wanted[n]))
		return FITS_WIDER;
	return primary && n >= primary && ends_subtag(wanted[primary]) ? FITS_FAMILY : FITS_NOT;
}

static int voice_fit(const struct catalog_voice *voice, const char *language, int *priority)
{
	int best = FITS_NOT;

	*priority = INT_MAX;
	for (size_t i = 0; i < voice->n_tags; i++) {
		int f = fit(language, voice->tags[i].tag);

		if (f > best || (f == best && f && voice->tags[i].priority < *priority)) {
			best = f;
			*priority = voice->tags[i].priority;
		}
	}
	return best;
}

/* The best voice with at least this fit, or NULL. */
static const struct catalog_voice *best_fit(const struct catalog *catalog, const char *language,
					    int *best)
{
	const struct catalog_voice *found = NULL;
	int best_priority = INT_MAX;

	for (size_t i = 0; i < catalog->n_voices; i++) {
		int priority, f = voice_fit(&catalog->voices[i], language, &priority);

		if (f > *best || (f == *best && f && priority < best_priority)) {
			found = &catalog->voices[i];
			*best = f;
			best_priority = priority;
		}
	}
	return found;
}

/* The part of an id behind its folder. */
static const char *base(const char *id)
{
	const char *slash = strrchr(id, '/');

	return slash ? slash + 1 : id;
}

static const struct catalog_voice *named(const struct catalog *catalog, const char *name)
{
	int best = FITS_EXACTLY - 1;
	const struct catalog_voice *found;

	for (size_t i = 0; i < catalog->n_voices; i++)
		if (!strcasecmp(catalog->voices[i].id, name) ||
		    !strcasecmp(catalog->voices[i].name, name))
			return &catalog->voices[i];
	found = best_fit(catalog, name, &best);
	if (found && best == FITS_EXACTLY)
		return found;
	for (size_t i = 0; i < catalog->n_voices; i++)
		if (fit(name, base(catalog->voices[i].id)) == FITS_EXACTLY)
			return &catalog->voices[i];
	return NULL;
}

static const char *variant(const struct catalog *catalog, const char *name)
{
	for (size_t i = 0; i < catalog->n_variants; i++)
		if (!strcasecmp(catalog->variants[i], name))
			return catalog->variants[i];
	return NULL;
}

static int write_id(char *id, const char *voice, const char *plus, const char *of_variant)
{
	int n = snprintf(id, VOICE_ID_SIZE, "%s%s%s", voice, plus, of_variant);

	return n < VOICE_ID_SIZE ? 0 : -ENOENT;
}

int catalog_find(const struct catalog *catalog, const char *name, char *id)
{
	const char *plus = strchr(name, '+');
	const struct catalog_voice *voice;
	char bare[VOICE_ID_SIZE];
	int n = snprintf(bare, sizeof(bare), "%.*s", plus ? (int)(plus - name) : (int)sizeof(bare),
			 name);

	if (n >= (int)sizeof(bare))
		return -ENOENT;
	voice = named(catalog, bare);
	if (!voice)
		return -ENOENT;
	if (!plus)
		return write_id(id, voice->id, "", "");
	plus = variant(catalog, plus + 1);
	return plus ? write_id(id, voice->id, "+", plus) : -ENOENT;
}

int catalog_match(const struct catalog *catalog, const char *language, const char *own, char *id)
{
	int best = FITS_NOT, priority;
	const struct catalog_voice *voice = best_fit(catalog, language, &best);

	if (!voice)
		return -ENOENT;
	for (size_t i = 0; own && i < catalog->n_voices; i++) {
		const char *other = catalog->voices[i].id;
		size_t len = strlen(other);

		if (strncmp(own, other, len) || (own[len] && own[len] != '+'))
			continue;
		if (voice_fit(&catalog->voices[i], language, &priority) == best)
			return write_id(id, own, "", "");
	}
	return write_id(id, voice->id, "", "");
}

void catalog_fini(struct catalog *catalog)
{
	free(catalog->voices);
	free(catalog->variants);
	*catalog = (struct catalog){0};
}
