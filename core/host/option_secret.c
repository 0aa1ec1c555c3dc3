/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binder's secrets: the value itself, or a file or a variable of the environment that holds
 * it. What is read here never gets into a fault.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/binder.h"
#include "host/config.h"

#define SECRET_MAX_BYTES 65536

#define FAULT(...) binder_fault(b, path, ERRORS_AT_VALUE, __VA_ARGS__)

/* Length of the name in front of _file or _env; 0 if it has neither. */
static size_t form_stem(const char *key)
{
	size_t len = strlen(key);

	if (len > 5 && !strcmp(key + len - 5, "_file"))
		return len - 5;
	if (len > 4 && !strcmp(key + len - 4, "_env"))
		return len - 4;
	return 0;
}

bool option_secret_form(const struct tc_option *table, const char *key)
{
	size_t stem = form_stem(key);

	for (; stem && table->name; table++) {
		if (table->type == TC_SECRET && strlen(table->name) == stem &&
		    !strncmp(table->name, key, stem))
			return true;
	}
	return false;
}

/* A relative path is meant from the folder of the configuration file. Owned by the caller. */
static char *beside_config(const struct binder *b, const char *name)
{
	const char *config = yaml_file(errors_doc(b->errs));
	const char *slash = strrchr(config, '/');

	if (*name == '/' || !slash)
		return tc_strdup(name);
	return tc_asprintf("%.*s/%s", (int)(slash - config), config, name);
}

/* Bytes read, at most size, or a negative errno. Waits for nothing: no FIFO, no device. */
static ssize_t file_read(const char *name, char *buf, size_t size)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = 0, got = 1;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		n = -errno;
	else if (!S_ISREG(st.st_mode))
		n = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	while (n >= 0 && got > 0 && (size_t)n < size) {
		got = read(fd, buf + n, size - (size_t)n);
		n = got < 0 ? -errno : n + got;
	}
	close(fd);
	return n;
}

static const char *from_file(struct binder *b, const struct binder_path *path, const json_t *value)
{
	const char *name = binder_text(b, path, value), *secret = NULL;
	char *full, *buf;
	ssize_t n;

	if (!name)
		return NULL;
	full = beside_config(b, name);
	buf = tc_alloc(SECRET_MAX_BYTES + 1);
	n = file_read(full, buf, SECRET_MAX_BYTES + 1);
	if (n == -EINVAL)
		FAULT("%s is not a regular file", full);
	else if (n < 0)
		FAULT("%s cannot be read: %s", full, tc_strerror((int)n));
	else if (n > SECRET_MAX_BYTES)
		FAULT("%s is larger than a secret can be (64k)", full);
	if (n > 0 && buf[n - 1] == '\n')
		n -= n > 1 && buf[n - 2] == '\r' ? 2 : 1;
	if (n >= 0 && n <= SECRET_MAX_BYTES)
		secret = binder_bytes(b, path, buf, (size_t)n);
	explicit_bzero(buf, SECRET_MAX_BYTES + 1);
	free(buf);
	free(full);
	return secret;
}

static const char *from_env(struct binder *b, const struct binder_path *path, const json_t *value)
{
	const char *name = binder_text(b, path, value);
	const char *secret = name ? getenv(name) : NULL;

	if (name && !secret)
		FAULT("the environment variable %s is not set", name);
	return secret ? binder_bytes(b, path, secret, strlen(secret)) : NULL;
}

const char *binder_secret(struct binder *b, const struct tc_option *o,
			  const struct binder_path *path, const json_t *object, bool *given)
{
	static const struct {
		const char *suffix;
		const char *(*read)(struct binder *, const struct binder_path *, const json_t *);
	} forms[] = {{"", binder_text}, {"_file", from_file}, {"_env", from_env}};
	size_t n_forms = b->source == BINDER_YAML ? 3 : 1, found = 0;
	const char *secret = NULL;

	for (size_t i = 0; i < n_forms; i++) {
		char *name = tc_asprintf("%s%s", o->name, forms[i].suffix);
		struct binder_path at = {.up = path->up, .key = name};
		const json_t *value = json_object_get(object, name);

		if (value && !json_is_null(value) && ++found > 1)
			binder_fault(b, &at, ERRORS_AT_KEY,
				     "only one of %s, %s_file and %s_env can be given", o->name,
				     o->name, o->name);
		else if (found == 1 && value && !json_is_null(value))
			secret = forms[i].read(b, &at, value);
		free(name);
	}
	*given = found > 0;
	return secret && binder_range(b, o, path, (int64_t)strlen(secret)) ? secret : NULL;
}
