/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Digest challenges and answers. libre has its own, but takes MD5 only, and only when it stands
 * first.
 */
#include "digest.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#define HEX_SIZE (2 * EVP_MAX_MD_SIZE + 1)

/*
 * The next name=value of a list of parameters; moves *p behind it. The value is copied without
 * its quotes. result: 1 found, 0 end, -EBADMSG
 */
static int next_param(const char **p, const char *end, char *name, size_t name_size, char *value,
		      size_t value_size)
{
	const char *s = *p;
	size_t n = 0;

	while (s < end && (isspace((unsigned char)*s) || *s == ','))
		s++;
	if (s == end)
		return 0;
	for (; s < end && *s != '=' && !isspace((unsigned char)*s); s++) {
		if (n + 1 < name_size)
			name[n++] = *s;
	}
	name[n] = '\0';
	while (s < end && isspace((unsigned char)*s))
		s++;
	if (s == end || *s != '=')
		return -EBADMSG;
	for (s++; s < end && isspace((unsigned char)*s); s++)
		;
	bool quoted = s < end && *s == '"';
	s += quoted;
	for (n = 0; s < end && (quoted ? *s != '"' : *s != ',' && !isspace((unsigned char)*s));
	     s++) {
		if (quoted && *s == '\\' && s + 1 < end)
			s++;
		if (n + 1 >= value_size)
			return -EBADMSG;
		value[n++] = *s;
	}
	value[n] = '\0';
	if (quoted && s++ >= end)
		return -EBADMSG;
	*p = s;
	return 1;
}

/* Whether a list by commas has the word. */
static bool has_word(const char *list, const char *word)
{
	for (;;) {
		list += strspn(list, ", ");
		size_t len = strcspn(list, ", ");
		if (len == 0)
			return false;
		if (len == strlen(word) && strncasecmp(list, word, len) == 0)
			return true;
		list += len;
	}
}

static void set_text(char *dst, size_t size_bytes, const char *src)
{
	snprintf(dst, size_bytes, "%s", src);
}

static int set_param(struct digest *d, const char *name, const char *value)
{
	if (strcasecmp(name, "realm") == 0) {
		if (strlen(value) >= sizeof(d->realm))
			return -EBADMSG;
		set_text(d->realm, sizeof(d->realm), value);
	} else if (strcasecmp(name, "nonce") == 0) {
		set_text(d->nonce, sizeof(d->nonce), value);
	} else if (strcasecmp(name, "opaque") == 0) {
		if (strlen(value) >= sizeof(d->opaque))
			return -EBADMSG;
		set_text(d->opaque, sizeof(d->opaque), value);
	} else if (strcasecmp(name, "stale") == 0) {
		d->stale = strcasecmp(value, "true") == 0;
	} else if (strcasecmp(name, "qop") == 0) {
		if (!has_word(value, "auth"))
			return -ENOTSUP;
		d->qop = true;
	} else if (strcasecmp(name, "algorithm") == 0) {
		d->named = true;
		d->algorithm = strcasecmp(value, "SHA-256") == 0 ? DIGEST_SHA256
			       : strcasecmp(value, "MD5") == 0   ? DIGEST_MD5
								 : DIGEST_NONE;
	}
	return 0;
}

int digest_challenge(struct digest *d, const char *value, size_t len, bool proxy)
{
	const char *p = value, *end = value + len;
	struct digest new = {.algorithm = DIGEST_MD5, .proxy = proxy};
	char name[32], text[sizeof(new.nonce)];
	int err;

	while (p < end && isspace((unsigned char)*p))
		p++;
	if (end - p < 7 || strncasecmp(p, "Digest", 6) != 0 || !isspace((unsigned char)p[6]))
		return -ENOTSUP;
	p += 7;
	while ((err = next_param(&p, end, name, sizeof(name), text, sizeof(text))) > 0) {
		err = set_param(&new, name, text);
		if (err)
			return err;
	}
	if (err)
		return err;
	if (!new.nonce[0])
		return -EBADMSG;
	if (new.algorithm == DIGEST_NONE)
		return -ENOTSUP;
	if (new.algorithm > d->algorithm)
		*d = new;
	return 0;
}

/*
 * The hash of what the format makes, in hexadecimal. The text may hold the password: it is
 * wiped.
 */
__attribute__((format(printf, 3, 4))) static int hash(const struct digest *d, char hex[HEX_SIZE],
						      const char *fmt, ...)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned md_len = 0;
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(text))
		return -ENOSPC;
	const EVP_MD *type = d->algorithm == DIGEST_SHA256 ? EVP_sha256() : EVP_md5();
	int ok = EVP_Digest(text, (size_t)len, md, &md_len, type, NULL);
	explicit_bzero(text, sizeof(text));
	if (!ok)
		return -ENOTSUP;
	for (unsigned i = 0; i < md_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
	return 0;
}

/* A value inside quotes. */
static int add_quoted(char *buf, size_t size_bytes, int at, const char *name, const char *value)
{
	if (at < 0 || (size_t)at >= size_bytes)
		return -ENOSPC;
	int n = snprintf(buf + at, size_bytes - (size_t)at, "%s=\"", name);
	if (n < 0 || (size_t)(at += n) >= size_bytes)
		return -ENOSPC;
	for (; *value; value++) {
		if ((size_t)at + 3 >= size_bytes)
			return -ENOSPC;
		if (*value == '"' || *value == '\\')
			buf[at++] = '\\';
		buf[at++] = *value;
	}
	buf[at++] = '"';
	buf[at] = '\0';
	return at;
}

int digest_answer(struct digest *d, const char *user, const char *password, const char *method,
		  const char *uri, uint64_t cnonce, char *buf, size_t size_bytes)
{
	char ha1[HEX_SIZE], ha2[HEX_SIZE], response[HEX_SIZE], tail[192] = "";
	int err;

	d->nc++;
	err = hash(d, ha1, "%s:%s:%s", user, d->realm, password);
	if (!err)
		err = hash(d, ha2, "%s:%s", method, uri);
	if (err)
		return err;
	if (d->qop) {
		err = hash(d, response, "%s:%s:%08x:%016" PRIx64 ":auth:%s", ha1, d->nonce, d->nc,
			   cnonce, ha2);
		snprintf(tail, sizeof(tail), ", qop=auth, nc=%08x, cnonce=\"%016" PRIx64 "\"",
			 d->nc, cnonce);
	} else {
		err = hash(d, response, "%s:%s:%s", ha1, d->nonce, ha2);
	}
	if (err)
		return err;
	int at = snprintf(buf, size_bytes, "%sAuthorization: Digest ", d->proxy ? "Proxy-" : "");
	at = add_quoted(buf, size_bytes, at, "username", user);
	at = add_quoted(buf, size_bytes, at, ", realm", d->realm);
	at = add_quoted(buf, size_bytes, at, ", nonce", d->nonce);
	at = add_quoted(buf, size_bytes, at, ", uri", uri);
	at = add_quoted(buf, size_bytes, at, ", response", response);
	if (d->opaque[0])
		at = add_quoted(buf, size_bytes, at, ", opaque", d->opaque);
	if (at < 0)
		return at;
	const char *algorithm = !d->named                       ? ""
				: d->algorithm == DIGEST_SHA256 ? ", algorithm=SHA-256"
								: ", algorithm=MD5";
	int n = snprintf(buf + at, size_bytes - (size_t)at, "%s%s\r\n", algorithm, tail);
	return n > 0 && (size_t)(at + n) < size_bytes ? at + n : -ENOSPC;
}
