/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The folder of media "file": what is written into it, what is believed to be there, what goes. And
 * addresses that the ways of speech make of the trunk's.
 */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <tocsin/alloc.h>
#include <tocsin/prompt.h>

#include "media_folder.h"
#include "media_rtpchan.h"
#include "media_wschan.h"
#include "unit/host_rig.h"

#define DAY_S 86400

struct fixture {
	struct host_rig host;
	struct tc_instance *self;
	struct folder *folder;
	char dir[40];
	char told[65]; /* the newest name that was told */
	int err;
	bool done;
};

static void on_done(void *arg, const char *name, int err)
{
	struct fixture *f = arg;

	tc_strcopy(f->told, sizeof(f->told), name);
	f->err = err;
	f->done = true;
}

static int setup(void **state)
{
	struct fixture *f = tc_alloc(sizeof(*f));

	tc_strcopy(f->dir, sizeof(f->dir), "/tmp/tocsin-folder-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	host_rig_init(&f->host, LOOP_REAL);
	f->self = host_rig_instance(&f->host, &host_rig_plugin, "pbx", NULL);
	assert_int_equal(instance_open(f->self), 0);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	folder_free(f->folder);
	host_rig_fini(&f->host);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static struct tc_clip *clip_of(uint32_t rate_hz, size_t samples)
{
	struct tc_clip *clip = tc_clip_new(rate_hz, samples);

	assert_non_null(clip);
	for (size_t i = 0; i < samples; i++)
		clip->pcm[i] = (int16_t)(i % 100 * 50);
	return clip;
}

static char *path_of(struct fixture *f, const struct tc_clip *clip)
{
	char name[65];

	tc_prompt_name(clip, name);
	return tc_asprintf("%s/%s.wav", f->dir, name);
}

/* Ask, and wait until it is told. */
static void want(struct fixture *f, struct tc_clip *clip)
{
	f->done = false;
	assert_int_equal(folder_want(f->folder, clip), -EAGAIN);
	assert_int_equal(folder_want(f->folder, clip), -EAGAIN); /* is not written twice */
	assert_false(f->done);
	host_rig_wait(&f->host, &f->done);
}

static void sounds_are_written_once(void **state)
{
	struct fixture *f = *state;
	struct tc_clip *clip = clip_of(8000, 800);
	char *path = path_of(f, clip), name[65];
	unsigned char head[44];
	struct stat st;
	int fd;

	f->folder = folder_new(f->self, f->dir, on_done, f);
	want(f, clip);
	assert_int_equal(f->err, 0);
	tc_prompt_name(clip, name);
	assert_string_equal(f->told, name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(st.st_size, 44 + 1600);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, head, sizeof(head)), sizeof(head));
	close(fd);
	assert_memory_equal(head, "RIFF", 4);
	assert_int_equal(head[24] | head[25] << 8, 8000);
	assert_int_equal(folder_want(f->folder, clip), 0);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(folder_want(f->folder, clip), 0); /* it is believed to be there */
	folder_doubt(f->folder);
	want(f, clip);
	assert_int_equal(stat(path, &st), 0);

	folder_remove(f->folder, clip);
	want(f, clip); /* behind the removal */
	assert_int_equal(stat(path, &st), 0);
	tc_clip_unref(clip);
	free(path);
}

static void wide_sounds_are_made_narrow(void **state)
{
	struct fixture *f = *state;
	struct tc_clip *clip = clip_of(16000, 1600);
	char *path = path_of(f, clip);
	struct stat st;

	f->folder = folder_new(f->self, f->dir, on_done, f);
	want(f, clip);
	assert_int_equal(f->err, 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 44 + 1600);
	tc_clip_unref(clip);
	free(path);
}

static void faults_are_told(void **state)
{
	struct fixture *f = *state;
	struct tc_clip *clip = clip_of(8000, 80);
	char dir[60];

	snprintf(dir, sizeof(dir), "%s/none", f->dir);
	f->folder = folder_new(f->self, dir, on_done, f);
	want(f, clip);
	assert_int_equal(f->err, -ENOENT);
	assert_int_equal(mkdir(dir, 0755), 0);
	want(f, clip); /* nothing was believed */
	assert_int_equal(f->err, 0);
	tc_clip_unref(clip);
}

static void put(struct fixture *f, const char *name, int age_s)
{
	char path[200];
	struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	fd = open(path, O_CREAT | O_WRONLY, 0644);
	assert_true(fd >= 0);
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= age_s;
	times[1] = times[0];
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static bool there(struct fixture *f, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return access(path, F_OK) == 0;
}

static void what_is_not_used_goes(void **state)
{
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
	static const char old[] = HEX "0.wav", used[] = HEX "1.wav", fresh[] = HEX "2.wav";
	struct fixture *f = *state;
	struct tc_clip *clip = clip_of(8000, 80), *other = clip_of(8000, 81);

	memcpy(clip->key, used, 64);
	put(f, old, 8 * DAY_S);
	put(f, used, 8 * DAY_S);
	put(f, fresh, 6 * DAY_S);
	put(f, "letter.wav", 100 * DAY_S);
	put(f, HEX "0.gsm", 100 * DAY_S);
	put(f, ".tocsin-abcdef", 2 * 3600);
	put(f, ".tocsin-ghijkl", 60);
	f->folder = folder_new(f->self, f->dir, on_done, f);
	want(f, clip);  /* touches its file, in order before the pruning */
	want(f, other); /* behind the pruning, which began with the loop */
	assert_false(there(f, old));
	assert_true(there(f, used));
	assert_true(there(f, fresh));
	assert_true(there(f, "letter.wav"));
	assert_true(there(f, HEX "0.gsm"));
	assert_false(there(f, ".tocsin-abcdef"));
	assert_true(there(f, ".tocsin-ghijkl"));
	tc_clip_unref(clip);
	tc_clip_unref(other);
}

/* ---- addresses ---- */

static void is_websocket(const char *url, const char *wanted)
{
	char *made = wschan_url(url, "ID");

	assert_string_equal(made, wanted);
	free(made);
}

static void is_host(const char *url, const char *wanted)
{
	char *host = rtpnet_host(url);

	assert_string_equal(host, wanted);
	free(host);
}

static void addresses_are_made(void **state)
{
	(void)state;
	is_websocket("http://pbx:8088/ari", "ws://pbx:8088/media/ID");
	is_websocket("https://pbx/ari", "wss://pbx/media/ID");
	is_websocket("http://pbx:8088/asterisk/ari", "ws://pbx:8088/asterisk/media/ID");
	is_host("http://pbx.example:8088/ari", "pbx.example");
	is_host("https://pbx/ari", "pbx");
	is_host("http://[::1]:8088/ari", "::1");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(sounds_are_written_once),
		TEST(wide_sounds_are_made_narrow),
		TEST(faults_are_told),
		TEST(what_is_not_used_goes),
		cmocka_unit_test(addresses_are_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
