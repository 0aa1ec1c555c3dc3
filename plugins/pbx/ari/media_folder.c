/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files in a shared folder: written whole or not at all, touched when used, pruned when not.
 */
#include "media_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>
#include <tocsin/op.h>
#include <tocsin/prompt.h>

#include "rtp/resample.h"

#define NAME_SIZE 65
#define SUFFIX    ".wav"
#define TEMP      ".tocsin-"
#define RATE_HZ   8000
#define DEPTH     2000                     /* jobs that may wait */
#define FRESH_US  (INT64_C(600) * 1000000) /* so long a file is believed to be there */
#define PRUNE_MS  (INT64_C(3600) * 1000)
#define UNUSED_S  (7 * 24 * 3600)
#define LEFT_S    3600 /* a file that was being written when somebody died */

/* A sound that was wanted lately. */
struct known {
	char name[NAME_SIZE]; /* first: key of the tree */
	TAILQ_ENTRY(known) link;
	int64_t seen_us; /* it was there; 0: it is being written */
};

struct folder {
	struct tc_instance *self;
	const char *dir;
	folder_done_fn done;
	void *arg;
	struct tc_lane *lane;
	struct tc_timer *prune;
	void *by_name;           /* tsearch of struct known */
	TAILQ_HEAD(, known) all; /* the oldest first */
};

struct job {
	struct folder *folder;
	struct tc_clip *clip; /* one reference; NULL: no sound to be written */
	char name[NAME_SIZE];
	int err;
};

/* ---- in the lane ---- */

static struct job *job_new(struct folder *folder, struct tc_clip *clip)
{
	struct job *job = tc_alloc(sizeof(*job));

	job->folder = folder;
	job->clip = clip ? tc_clip_ref(clip) : NULL;
	return job;
}

static void job_free(void *arg)
{
	struct job *job = arg;

	tc_clip_unref(job->clip);
	free(job);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Asterisk is another user: it may read them, as far as it may enter the folder. */
static int save(const char *dir, const char *path, const void *data, size_t len)
{
	char *temp = tc_asprintf("%s/" TEMP "XXXXXX", dir);
	int fd = mkostemp(temp, O_CLOEXEC), err = fd < 0 ? -errno : 0;

	if (!err)
		err = write_all(fd, data, len);
	if (!err && fchmod(fd, 0644))
		err = -errno;
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (!err && rename(temp, path))
		err = -errno;
	if (err && fd >= 0)
		unlink(temp);
	free(temp);
	return err;
}

/* The same sound at the rate that Asterisk's .wav has; one reference. */
static int at_rate(struct tc_clip *clip, struct tc_clip **out)
{
	struct tc_clip *made;
	int err;

	if (clip->rate_hz == RATE_HZ) {
		*out = tc_clip_ref(clip);
		return 0;
	}
	made = tc_clip_new(RATE_HZ, resample_length(clip->samples, clip->rate_hz));
	if (!made)
		return -ENOMEM;
	err = resample(clip->pcm, clip->samples, clip->rate_hz, made->pcm);
	if (err)
		tc_clip_unref(made);
	else
		*out = made;
	return err;
}

static int make(struct job *job)
{
	const char *dir = job->folder->dir;
	char *path = tc_asprintf("%s/%s" SUFFIX, dir, job->name);
	struct tc_clip *clip = NULL;
	void *data = NULL;
	size_t len = 0;
	int err = 0;

	/* Its time is when it was used last. */
	if (utimensat(AT_FDCWD, path, NULL, 0)) {
		err = at_rate(job->clip, &clip);
		if (!err)
			err = tc_clip_wav(clip, &data, &len);
		if (!err)
			err = save(dir, path, data, len);
	}
	tc_clip_unref(clip);
	free(data);
	free(path);
	return err;
}

static void on_made(void *arg);

static void run_make(struct tc_op *op, void *arg)
{
	struct job *job = arg;

	(void)op;
	job->err = make(job);
	tc_post(job->folder->self, on_made, job_free, job);
}

static void run_remove(struct tc_op *op, void *arg)
{
	struct job *job = arg;
	char *path = tc_asprintf("%s/%s" SUFFIX, job->folder->dir, job->name);

	(void)op;
	unlink(path);
	free(path);
	job_free(job);
}

static bool is_ours(const char *name)
{
	return strspn(name, "0123456789abcdef") == NAME_SIZE - 1 &&
	       !strcmp(name + NAME_SIZE - 1, SUFFIX);
}

/* What is neither a prompt nor left over from writing one is somebody else's: it stays. */
static void run_prune(struct tc_op *op, void *arg)
{
	struct job *job = arg;
	DIR *dir = opendir(job->folder->dir);
	time_t now = time(NULL);
	struct dirent *entry;
	struct stat st;

	(void)op;
	while (dir && (entry = readdir(dir))) {
		bool left = !strncmp(entry->d_name, TEMP, sizeof(TEMP) - 1);

		if ((left || is_ours(entry->d_name)) &&
		    !fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    S_ISREG(st.st_mode) && now - st.st_mtime > (left ? LEFT_S : UNUSED_S))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
	job_free(job);
}

/* ---- on the loop ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b); /* the name is the first member */
}

static struct known *find(struct folder *folder, const char *name)
{
	void *found = tfind(name, &folder->by_name, by_name);

	return found ? *(struct known **)found : NULL;
}

static void forget(struct folder *folder, struct known *known)
{
	tdelete(known, &folder->by_name, by_name);
	TAILQ_REMOVE(&folder->all, known, link);
	free(known);
}

/* Those that are not known to be there any more are no use. */
static void forget_old(struct folder *folder, int64_t now_us)
{
	struct known *known, *next;

	for (known = TAILQ_FIRST(&folder->all); known; known = next) {
		next = TAILQ_NEXT(known, link);
		if (known->seen_us && now_us - known->seen_us < FRESH_US)
			return;
		if (known->seen_us) /* else it is being written */
			forget(folder, known);
	}
}

static void on_made(void *arg)
{
	struct job *job = arg;
	struct folder *folder = job->folder;
	struct known *known = find(folder, job->name);
	char name[NAME_SIZE];
	int err = job->err;

	if (known && err) {
		forget(folder, known);
	} else if (known) {
		known->seen_us = tc_now_us();
		TAILQ_REMOVE(&folder->all, known, link);
		TAILQ_INSERT_TAIL(&folder->all, known, link);
	}
	memcpy(name, job->name, sizeof(name));
	job_free(job);
	folder->done(folder->arg, name, err);
}

int folder_want(struct folder *folder, struct tc_clip *clip)
{
	int64_t now_us = tc_now_us();
	struct known *known;
	struct job *job;
	char name[NAME_SIZE];

	tc_prompt_name(clip, name);
	forget_old(folder, now_us);
	known = find(folder, name);
	if (known)
		return known->seen_us ? 0 : -EAGAIN;
	job = job_new(folder, clip);
	memcpy(job->name, name, sizeof(name));
	if (tc_lane_submit(folder->lane, run_make, NULL, job)) {
		job_free(job);
		return -EBUSY;
	}
	known = tc_alloc(sizeof(*known));
	memcpy(known->name, name, sizeof(name));
	tsearch(known, &folder->by_name, by_name);
	TAILQ_INSERT_TAIL(&folder->all, known, link);
	return -EAGAIN;
}

void folder_doubt(struct folder *folder)
{
	forget_old(folder, INT64_MAX);
}

void folder_remove(struct folder *folder, const struct tc_clip *clip)
{
	struct job *job = job_new(folder, NULL);
	struct known *known;

	tc_prompt_name(clip, job->name);
	known = find(folder, job->name);
	if (known && known->seen_us)
		forget(folder, known);
	if (tc_lane_submit(folder->lane, run_remove, NULL, job))
		job_free(job); /* then it is pruned */
}

static void on_prune(void *arg)
{
	struct folder *folder = arg;
	struct job *job = job_new(folder, NULL);

	if (tc_lane_submit(folder->lane, run_prune, NULL, job))
		job_free(job);
	tc_timer_start(folder->prune, PRUNE_MS);
}

struct folder *folder_new(struct tc_instance *self, const char *dir, folder_done_fn done, void *arg)
{
	struct folder *folder = tc_alloc(sizeof(*folder));

	folder->self = self;
	folder->dir = dir;
	folder->done = done;
	folder->arg = arg;
	TAILQ_INIT(&folder->all);
	folder->lane = tc_lane_open(self, "media", 1, DEPTH);
	folder->prune = tc_timer_new(self, on_prune, folder);
	tc_timer_start(folder->prune, 0);
	return folder;
}

void folder_free(struct folder *folder)
{
	if (!folder)
		return;
	tc_lane_close(folder->lane);
	tc_timer_free(folder->prune);
	while (!TAILQ_EMPTY(&folder->all))
		forget(folder, TAILQ_FIRST(&folder->all));
	free(folder);
}
