/* SPDX-License-Identifier: BSD-2-Clause */
/* Levels of sound, and the loudest half second of it. What the sound is, is not known here. */
#include "level.h"

#include <math.h>

#define FULL 32767.0

static int64_t squares(const int16_t *pcm, size_t n)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (int32_t)pcm[i] * pcm[i];
	return sum;
}

double level_mean(const int16_t *pcm, size_t n)
{
	return n ? (double)squares(pcm, n) / (double)n : 0;
}

int level_dbov(double mean_square)
{
	double db = mean_square > 0 ? 10 * log10(mean_square / (FULL * FULL)) : -127;

	return db < -127 ? -127 : db > 0 ? 0 : (int)lrint(db);
}

double level_square(double dbov)
{
	return FULL * FULL * pow(10, dbov / 10);
}

static void end_window(struct level *level)
{
	double mean = (double)level->sum / LEVEL_WINDOW;

	/* silence was heard as well: not nothing */
	if (mean > level->most || !(level->most > 0))
		level->most = mean > 0 ? mean : 1e-9;
	level->sum = 0;
	level->n = 0;
}

void level_feed(struct level *level, const int16_t *pcm, size_t n)
{
	while (n > 0) {
		size_t part = LEVEL_WINDOW - level->n < n ? LEVEL_WINDOW - level->n : n;

		level->sum += squares(pcm, part);
		level->n += part;
		pcm += part;
		n -= part;
		if (level->n == LEVEL_WINDOW)
			end_window(level);
	}
}

int level_loudest(const struct level *level)
{
	int dbov = level_dbov(level->most);

	if (!(level->most > 0))
		return 0;
	return dbov > -1 ? -1 : dbov;
}
