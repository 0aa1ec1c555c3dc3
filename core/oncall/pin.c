/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PINs of contacts. The hash keeps them out of sight of those who see a database or a copy of it,
 * not out of reach of those who try all: there are too few for that, whatever the hash.
 */
#include "oncall/pin.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#define SALT_BYTES 16

_Static_assert(PIN_KEPT_SIZE == 2 * SALT_BYTES + 1 + 2 * SHA256_DIGEST_LENGTH + 1, "hexadecimal");

bool pin_valid(const char *digits)
{
	size_t len = strlen(digits);

	return len >= PIN_MIN && len <= PIN_MAX && strspn(digits, "0123456789") == len;
}

static void add_hex(char *to, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	*to = '\0';
}

/* salt: 2 * SALT_BYTES characters; it may be the beginning of kept */
static void hash(const char *salt, const char *digits, char kept[PIN_KEPT_SIZE])
{
	unsigned char out[SHA256_DIGEST_LENGTH], text[2 * SALT_BYTES + PIN_MAX];
	size_t len = strlen(digits);

	assert(len <= PIN_MAX);
	memcpy(text, salt, 2 * SALT_BYTES);
	memcpy(text + 2 * SALT_BYTES, digits, len);
	SHA256(text, 2 * SALT_BYTES + len, out);
	memmove(kept, salt, 2 * SALT_BYTES);
	kept[2 * SALT_BYTES] = '$';
	add_hex(kept + 2 * SALT_BYTES + 1, out, sizeof(out));
	OPENSSL_cleanse(text, sizeof(text));
}

int pin_keep(const char *digits, char kept[PIN_KEPT_SIZE])
{
	unsigned char salt[SALT_BYTES];
	char text[2 * SALT_BYTES + 1];

	if (getrandom(salt, sizeof(salt), 0) != sizeof(salt))
		return -EIO;
	add_hex(text, salt, sizeof(salt));
	hash(text, digits, kept);
	return 0;
}

bool pin_matches(const char *kept, const char *digits)
{
	char mine[PIN_KEPT_SIZE];

	if (strlen(kept) != PIN_KEPT_SIZE - 1 || !pin_valid(digits))
		return false; /* somebody wrote into the table by hand */
	hash(kept, digits, mine);
	return !CRYPTO_memcmp(kept, mine, PIN_KEPT_SIZE - 1);
}
