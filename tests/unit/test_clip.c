/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clips: limits from outside, counting from several threads.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <tocsin/audio.h>

static void is_zeroed(void **state)
{
	struct tc_clip *clip = tc_clip_new(8000, 4000);

	(void)state;
	assert_non_null(clip);
	assert_int_equal(clip->rate_hz, 8000);
	assert_int_equal(clip->samples, 4000);
	assert_int_equal(tc_clip_ms(clip), 500);
	assert_string_equal(clip->key, "");
	for (size_t i = 0; i < clip->samples; i++)
		assert_int_equal(clip->pcm[i], 0);
	tc_clip_unref(clip);
	tc_clip_unref(NULL);
}

static void limits(void **state)
{
	(void)state;
	assert_null(tc_clip_new(7999, 1));
	assert_null(tc_clip_new(48001, 1));
	assert_null(tc_clip_new(0, 1));
	assert_null(tc_clip_new(8000, 8000u * 3600 + 1));
	assert_null(tc_clip_new(8000, SIZE_MAX));
	assert_null(tc_clip_new(8000, SIZE_MAX / 2));
}

static void *take_and_give(void *arg)
{
	struct tc_clip *clip = arg;
	long sum = 0;

	for (int i = 0; i < 10000; i++) {
		tc_clip_ref(clip);
		sum += clip->pcm[i % 100];
		tc_clip_unref(clip);
	}
	tc_clip_unref(clip);
	return (void *)sum;
}

/*
 * Each thread owns one reference; the last one frees it (a sanitizer sees a leak, a second free,
 * a race).
 */
static void counting(void **state)
{
	struct tc_clip *clip = tc_clip_new(8000, 100);
	pthread_t threads[4];

	(void)state;
	clip->pcm[7] = 1;
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, take_and_give, tc_clip_ref(clip)), 0);
	for (int i = 0; i < 4; i++) {
		void *sum;

		pthread_join(threads[i], &sum);
		assert_int_equal((long)sum, 100);
	}
	assert_int_equal(clip->refs, 1);
	tc_clip_unref(clip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_zeroed),
		cmocka_unit_test(limits),
		cmocka_unit_test(counting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
