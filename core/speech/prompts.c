/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is put up, the latest last; names and signatures. The files are the cache's.
 */
#include "speech/prompts.h"

#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>
#include <tocsin/prompt.h>

#include "host/host.h"
#include "host/loop.h"
#include "speech/speech.h"
#include "speech/wav.h"

#define SECRET_BYTES 32
#define SIGNATURE    32 /* hexadecimal digits: 128 bits */
#define MEMORY_MAX   ((size_t)64 * 1024 * 1024)
#define KEEP_US      (INT64_C(3600) * 1000000)
#define YOUNG_US     (INT64_C(300) * 1000000) /* these stay, whatever memory they take */
#define DAY_US       (INT64_C(86400) * 1000000)

struct published {
	char name[PROMPT_NAME_SIZE]; /* first: key of the tree */
	TAILQ_ENTRY(published) link;
	struct tc_clip *clip; /* one reference */
	int64_t at_us;
};

struct prompts {
	struct loop *loop;
	struct speech *speech;
	unsigned char secret[SECRET_BYTES];
	char *url;                    /* owned; without a final slash, or NULL */
	void *by_name;                /* tsearch of struct published */
	TAILQ_HEAD(, published) list; /* in order of at_us */
	size_t bytes;
};

/* ---- the secret ---- */

static int make_secret(const char *path, unsigned char *secret)
{
	char *temp = tc_asprintf("%s.XXXXXX", path);
	int fd, err = 0;

	if (RAND_bytes(secret, SECRET_BYTES) != 1) {
		free(temp);
		return -EIO;
	}
	fd = mkostemp(temp, O_CLOEXEC); /* 0600 */
	if (fd < 0 || write(fd, secret, SECRET_BYTES) != SECRET_BYTES || fsync(fd))
		err = errno ? -errno : -EIO;
	if (fd >= 0)
		close(fd);
	if (!err && rename(temp, path))
		err = -errno;
	if (err && fd >= 0)
		unlink(temp);
	free(temp);
	return err;
}

static int load_secret(const char *dir, unsigned char *secret)
{
	char *path = tc_asprintf("%s/prompt.key", dir);
	unsigned char raw[SECRET_BYTES + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, raw, sizeof(raw));
	int err = n < 0 ? -errno : 0;

	if (n == SECRET_BYTES) {
		memcpy(secret, raw, SECRET_BYTES);
	} else if (!err) {
		tc_log(NULL, TC_LOG_WARN,
		       "%s was damaged and is made anew: prompts get other addresses", path);
		err = -ENOENT;
	}
	if (fd >= 0)
		close(fd);
	if (err == -ENOENT)
		err = make_secret(path, secret);
	if (err)
		tc_log(NULL, TC_LOG_ERROR, "%s cannot be used: %s", path, tc_strerror(err));
	OPENSSL_cleanse(raw, sizeof(raw));
	free(path);
	return err;
}

/* ---- names and signatures ---- */

static void to_hex(const unsigned char *raw, size_t n, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[raw[i] >> 4];
		text[2 * i + 1] = digits[raw[i] & 15];
	}
	text[2 * n] = '\0';
}

static bool is_name(const char *s)
{
	return strspn(s, "0123456789abcdef") == PROMPT_NAME_SIZE - 1 && !s[PROMPT_NAME_SIZE - 1];
}

void tc_prompt_name(const struct tc_clip *clip, char name[65])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *md;
	unsigned len;

	if (is_name(clip->key)) {
		memcpy(name, clip->key, PROMPT_NAME_SIZE);
		return;
	}
	md = EVP_MD_CTX_new();
	if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL) ||
	    !EVP_DigestUpdate(md, &clip->rate_hz, sizeof(clip->rate_hz)) ||
	    !EVP_DigestUpdate(md, clip->pcm, clip->samples * sizeof(clip->pcm[0])) ||
	    !EVP_DigestFinal_ex(md, hash, &len))
		abort();
	EVP_MD_CTX_free(md);
	to_hex(hash, (PROMPT_NAME_SIZE - 1) / 2, name);
}

static void sign(const struct prompts *prompts, const char *name, int64_t day,
		 char signature[SIGNATURE + 1])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	char text[PROMPT_NAME_SIZE + 24];
	int n = snprintf(text, sizeof(text), "%s|%lld", name, (long long)day);
	unsigned len;

	if (!HMAC(EVP_sha256(), prompts->secret, SECRET_BYTES, (const unsigned char *)text,
		  (size_t)n, mac, &len))
		abort();
	to_hex(mac, SIGNATURE / 2, signature);
}

/* Yesterday's is good, too: it was given shortly before midnight. And the clock may be set back. */
bool prompts_signed(const struct prompts *prompts, const char *name, const char *signature)
{
	int64_t today = loop_wall_us(prompts->loop) / DAY_US;
	char good[SIGNATURE + 1];
	bool found = false;

	if (!is_name(name) || strlen(signature) != SIGNATURE)
		return false;
	for (int64_t day = today - 1; day <= today + 1; day++) {
		sign(prompts, name, day, good);
		found |= !CRYPTO_memcmp(good, signature, SIGNATURE);
	}
	return found;
}

/* ---- what is put up ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static size_t bytes_of(const struct published *p)
{
	return sizeof(*p) + sizeof(*p->clip) + p->clip->samples * sizeof(p->clip->pcm[0]);
}

static void withdraw(struct prompts *prompts, struct published *p)
{
	TAILQ_REMOVE(&prompts->list, p, link);
	tdelete(p->name, &prompts->by_name, by_name);
	prompts->bytes -= bytes_of(p);
	tc_clip_unref(p->clip);
	free(p);
}

static void trim(struct prompts *prompts, int64_t now_us)
{
	struct published *p;

	while ((p = TAILQ_FIRST(&prompts->list))) {
		int64_t age_us = now_us - p->at_us;

		if (age_us < YOUNG_US || (age_us < KEEP_US && prompts->bytes <= MEMORY_MAX))
			return;
		withdraw(prompts, p);
	}
}

/* The same sound under its name as its key, so that the cache can keep it; NULL: no memory. */
static struct tc_clip *named(struct tc_clip *clip, const char *name)
{
	struct tc_clip *copy;

	if (!strcmp(clip->key, name))
		return tc_clip_ref(clip);
	copy = tc_clip_new(clip->rate_hz, clip->samples);
	if (!copy)
		return NULL;
	memcpy(copy->pcm, clip->pcm, clip->samples * sizeof(clip->pcm[0]));
	memcpy(copy->key, name, PROMPT_NAME_SIZE);
	return copy;
}

static int put_up(struct prompts *prompts, struct tc_clip *clip, const char *name)
{
	struct published **found = tfind(name, &prompts->by_name, by_name), *p;

	if (found) {
		p = *found;
		TAILQ_REMOVE(&prompts->list, p, link);
	} else {
		clip = named(clip, name);
		if (!clip)
			return -ENOMEM;
		p = tc_alloc(sizeof(*p));
		memcpy(p->name, name, sizeof(p->name));
		p->clip = clip;
		prompts->bytes += bytes_of(p);
		if (!tsearch(p, &prompts->by_name, by_name))
			abort();
		speech_keep(prompts->speech, clip);
	}
	p->at_us = loop_now_us(prompts->loop);
	TAILQ_INSERT_TAIL(&prompts->list, p, link);
	trim(prompts, p->at_us);
	return 0;
}

/*
 * The shortest address is "http://a" "/v1/prompts/" + 64 + ".wav?s=" + 32 = 123 bytes: Asterisk's
 * player cuts the path of a file in its media cache off when the address has fewer than
 * strlen(astcachedir) + 9, which is 28 for /var/cache/asterisk.
 */
int prompts_publish(struct prompts *prompts, struct tc_clip *clip, char *url)
{
	char name[PROMPT_NAME_SIZE], signature[SIGNATURE + 1];
	int err;

	if (!prompts->url)
		return -ENOTCONN;
	tc_prompt_name(clip, name);
	err = put_up(prompts, clip, name);
	if (err)
		return err;
	sign(prompts, name, loop_wall_us(prompts->loop) / DAY_US, signature);
	snprintf(url, TC_PROMPT_URL_SIZE, "%s/v1/prompts/%s.wav?s=%s", prompts->url, name,
		 signature);
	return 0;
}

struct tc_clip *prompts_find(struct prompts *prompts, const char *name)
{
	struct published **found = tfind(name, &prompts->by_name, by_name);

	return found ? tc_clip_ref((*found)->clip) : speech_find(prompts->speech, name);
}

/* ---- the whole ---- */

void prompts_reconfigure(struct prompts *prompts, const char *public_url)
{
	size_t n = public_url ? strlen(public_url) : 0;

	while (n && public_url[n - 1] == '/')
		n--;
	free(prompts->url);
	prompts->url = n ? tc_strndup(public_url, n) : NULL;
}

struct prompts *prompts_new(struct loop *loop, struct speech *speech, const char *state_dir,
			    const char *public_url)
{
	struct prompts *prompts = tc_alloc(sizeof(*prompts));

	prompts->loop = loop;
	prompts->speech = speech;
	TAILQ_INIT(&prompts->list);
	if (load_secret(state_dir, prompts->secret)) {
		free(prompts);
		return NULL;
	}
	prompts_reconfigure(prompts, public_url);
	return prompts;
}

void prompts_free(struct prompts *prompts)
{
	if (!prompts)
		return;
	while (!TAILQ_EMPTY(&prompts->list))
		withdraw(prompts, TAILQ_FIRST(&prompts->list));
	OPENSSL_cleanse(prompts->secret, sizeof(prompts->secret));
	free(prompts->url);
	free(prompts);
}

/* ---- for plugins ---- */

int tc_prompt_url(struct tc_instance *self, struct tc_clip *clip, char url[TC_PROMPT_URL_SIZE])
{
	struct prompts *prompts = host_services(self->host)->prompts;

	return prompts ? prompts_publish(prompts, clip, url) : -ENOTCONN;
}

int tc_clip_wav(const struct tc_clip *clip, void **data, size_t *len)
{
	return wav_format(clip, data, len) ? -ENOMEM : 0;
}
