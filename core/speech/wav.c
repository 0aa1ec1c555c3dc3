/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * WAV by libsndfile, always by way of memory. Nothing about where files lie, or why.
 */
#include "speech/wav.h"

#include <fcntl.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tocsin/alloc.h>

#define HEADER_MAX 1024               /* bytes: more than libsndfile writes */
#define FILE_MAX   (64 * 1024 * 1024) /* bytes: more than an hour at 8 kHz */

/* Memory that libsndfile takes for a file. */
struct memory {
	unsigned char *data;
	sf_count_t len, cap, at;
};

static sf_count_t memory_length(void *arg)
{
	return ((struct memory *)arg)->len;
}

static sf_count_t memory_seek(sf_count_t offset, int whence, void *arg)
{
	struct memory *m = arg;
	sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? m->at : m->len;

	if (from + offset < 0 || from + offset > m->cap)
		return -1;
	m->at = from + offset;
	return m->at;
}

static sf_count_t memory_read(void *to, sf_count_t n, void *arg)
{
	struct memory *m = arg;

	if (n > m->len - m->at)
		n = m->len > m->at ? m->len - m->at : 0;
	memcpy(to, m->data + m->at, (size_t)n);
	m->at += n;
	return n;
}

static sf_count_t memory_write(const void *from, sf_count_t n, void *arg)
{
	struct memory *m = arg;

	if (n > m->cap - m->at)
		n = m->cap - m->at;
	memcpy(m->data + m->at, from, (size_t)n);
	m->at += n;
	if (m->at > m->len)
		m->len = m->at;
	return n;
}

static sf_count_t memory_tell(void *arg)
{
	return ((struct memory *)arg)->at;
}

static SNDFILE *memory_open(struct memory *m, int mode, SF_INFO *info)
{
	SF_VIRTUAL_IO io = {
		.get_filelen = memory_length,
		.seek = memory_seek,
		.read = memory_read,
		.write = memory_write,
		.tell = memory_tell,
	};

	return sf_open_virtual(&io, mode, info, m);
}

int wav_format(const struct tc_clip *clip, void **data, size_t *len)
{
	SF_INFO info = {
		.samplerate = (int)clip->rate_hz,
		.channels = 1,
		.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16,
	};
	size_t cap = HEADER_MAX + clip->samples * sizeof(clip->pcm[0]);
	struct memory m = {.data = tc_try_alloc(cap), .cap = (sf_count_t)cap};
	sf_count_t samples = (sf_count_t)clip->samples;
	SNDFILE *file;
	bool good;

	if (!m.data)
		return -ENOMEM;
	file = memory_open(&m, SFM_WRITE, &info);
	good = file && sf_write_short(file, clip->pcm, samples) == samples;
	if (file && sf_close(file))
		good = false;
	if (!good) {
		free(m.data);
		return -EIO;
	}
	*data = m.data;
	*len = (size_t)m.len;
	return 0;
}

static uint32_t little_endian(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* libsndfile takes a file that was cut short for a shorter one: the length in its head tells. */
static bool is_whole(const void *data, size_t len)
{
	const unsigned char *p = data;

	return len >= 12 && !memcmp(p, "RIFF", 4) && little_endian(p + 4) == len - 8;
}

int wav_parse(const void *data, size_t len, struct tc_clip **clip)
{
	SF_INFO info = {0};
	struct memory m = {
		.data = (unsigned char *)data, /* is only read */
		.len = (sf_count_t)len,
		.cap = (sf_count_t)len,
	};
	struct tc_clip *made = NULL;
	int err = -EINVAL;
	SNDFILE *file;

	if (!is_whole(data, len))
		return -EINVAL;
	file = memory_open(&m, SFM_READ, &info);
	if (!file || info.channels != 1 || info.frames < 1 ||
	    info.format != (SF_FORMAT_WAV | SF_FORMAT_PCM_16))
		goto out;
	err = -ENOMEM;
	made = tc_clip_new((uint32_t)info.samplerate, (size_t)info.frames);
	if (!made)
		goto out;
	err = sf_read_short(file, made->pcm, info.frames) == info.frames ? 0 : -EINVAL;
out:
	if (file)
		sf_close(file);
	if (err)
		tc_clip_unref(made);
	else
		*clip = made;
	return err;
}

static int read_all(int fd, unsigned char *data, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(fd, data + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EINVAL;
		got += (size_t)n;
	}
	return 0;
}

int wav_load(const char *path, struct tc_clip **clip)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	unsigned char *data = NULL;
	struct stat st;
	int err;

	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) ? -errno : 0;
	if (!err && (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX))
		err = -EINVAL;
	if (!err) {
		data = tc_try_alloc((size_t)st.st_size);
		err = data ? read_all(fd, data, (size_t)st.st_size) : -ENOMEM;
	}
	close(fd);
	if (!err)
		err = wav_parse(data, (size_t)st.st_size, clip);
	free(data);
	return err;
}

static int write_all(int fd, const unsigned char *data, size_t len)
{
	for (size_t put = 0; put < len;) {
		ssize_t n = write(fd, data + put, len - put);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		put += (size_t)n;
	}
	return 0;
}

int wav_save(const char *path, const struct tc_clip *clip, size_t *size)
{
	const char *slash = strrchr(path, '/');
	char *temp =
		tc_asprintf("%.*s" WAV_TEMP "XXXXXX", slash ? (int)(slash + 1 - path) : 0, path);
	void *data = NULL;
	size_t len = 0;
	int fd = -1;
	int err = wav_format(clip, &data, &len);

	if (err)
		goto out;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		goto out;
	}
	err = write_all(fd, data, len);
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temp, path))
		err = -errno;
	if (err)
		unlink(temp);
	else if (size)
		*size = len;
out:
	free(data);
	free(temp);
	return err;
}
