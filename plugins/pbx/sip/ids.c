/* SPDX-License-Identifier: BSD-2-Clause */
/* Tags and branches derived from the call_id. Nothing here is random or secret. */
#include "ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

uint64_t ids_derive(const char *call_id, const char *purpose, unsigned n)
{
	unsigned char text[160], hash[SHA256_DIGEST_LENGTH];
	uint64_t value = 0;

	int len = snprintf((char *)text, sizeof(text), "%.63s|%.31s|%u", call_id, purpose, n);
	SHA256(text, (size_t)len, hash);
	for (int i = 0; i < 8; i++)
		value = value << 8 | hash[i];
	return value;
}

void ids_tag(char tag[static IDS_TAG_SIZE], const char *call_id)
{
	snprintf(tag, IDS_TAG_SIZE, "%016" PRIx64, ids_derive(call_id, "tag", 1));
}

void ids_branch(char branch[static IDS_BRANCH_SIZE], const char *call_id, const char *purpose,
		unsigned n)
{
	snprintf(branch, IDS_BRANCH_SIZE, "z9hG4bK%016" PRIx64, ids_derive(call_id, purpose, n));
}
