/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading UTF-8 strictly. Nothing about what characters mean.
 */
#include <tocsin/utf8.h>

size_t tc_utf8_decode(const char *s, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *u = (const unsigned char *)s;
	size_t len = 2;
	uint32_t c;

	if (u[0] < 0x80) {
		*code = u[0];
		return 1;
	}
	if (u[0] < 0xc0 || u[0] >= 0xf8)
		return 0;
	while (u[0] & (0x80 >> len))
		len++;
	c = u[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return len;
}
