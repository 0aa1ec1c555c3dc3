/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * URL and token; see target.h.
 */
#include "target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "format.h"

#define DEFAULT_URL "unix:" TC_RUN_DIR "/api.sock"
enum { TOKEN_MAX = 1024 };

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* ---- the URL ---- */

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* The host of "http://HOST..." is this machine. */
static bool is_near(const char *url)
{
	static const char *const names[] = {"localhost", "127.", "[::1]"};
	const char *host = strstr(url, "://") + 3;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (begins(host, names[i]))
			return true;
	return false;
}

static bool take_url(struct target *target, const char *url)
{
	size_t len;

	target->url = format_clean(url);
	if (begins(url, "unix:")) {
		url += strlen("unix:");
		if (*url != '/' || strlen(url) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
			fprintf(stderr,
				"tocsin: %s: an absolute path of at most 107 bytes is "
				"wanted behind unix:\n",
				target->url);
			return false;
		}
		target->socket = format_text("%s", url);
		target->base = format_text("http://localhost");
		target->near = true;
		return true;
	}
	if (!begins(url, "http://") && !begins(url, "https://")) {
		fprintf(stderr,
			"tocsin: %s: not a URL like http://HOST:PORT, https://HOST or "
			"unix:/PATH\n",
			target->url);
		return false;
	}
	for (len = strlen(url); len && url[len - 1] == '/'; len--)
		;
	target->base = format_text("%.*s", (int)len, url);
	target->near = is_near(url);
	return true;
}

/* ---- the token ---- */

/* Never shown, also not in a complaint. */
static bool take_token(struct target *target, const char *token, const char *from)
{
	size_t len = strcspn(token, "\r\n"), rest = len + strspn(token + len, "\r\n \t");

	if (!len || token[rest] ||
	    strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			  "0123456789-._~+/=") < len) {
		fprintf(stderr, "tocsin: %s does not hold a token (one word on one line)\n", from);
		return false;
	}
	target->token = format_text("%.*s", (int)len, token);
	return true;
}

static bool read_token(struct target *target, const char *path)
{
	char text[TOKEN_MAX + 1];
	FILE *file = fopen(path, "re");
	bool good;
	size_t n;

	if (!file) {
		fprintf(stderr, "tocsin: the token file %s cannot be read: %s\n", path,
			strerror(errno));
		return false;
	}
	n = fread(text, 1, TOKEN_MAX, file);
	text[n] = '\0';
	fclose(file);
	good = strlen(text) == n && take_token(target, text, path);
	explicit_bzero(text, sizeof(text));
	return good;
}

bool target_find(struct target *target, const char *url, const char *token_file)
{
	const char *token = environment("TOCSIN_TOKEN");

	if (!url)
		url = environment("TOCSIN_URL");
	if (!take_url(target, url ? url : DEFAULT_URL))
		return false;
	if (!token_file)
		token_file = environment("TOCSIN_TOKEN_FILE");
	if (token_file)
		return read_token(target, token_file);
	return !token || take_token(target, token, "TOCSIN_TOKEN");
}

void target_fini(struct target *target)
{
	if (target->token)
		explicit_bzero(target->token, strlen(target->token));
	free(target->token);
	free(target->url);
	free(target->base);
	free(target->socket);
}
