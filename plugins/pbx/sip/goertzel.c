/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Eight Goertzel filters over blocks of 102 samples; a key is what two blocks in a row agree
 * upon.
 */
#include "goertzel.h"

#include <stdbool.h>
#include <string.h>

/* 2 cos(2 pi f / 8000) for 697 770 852 941, 1209 1336 1477 1633 Hz. */
static const float coefficient[8] = {
	1.7077378f, 1.6452810f, 1.5686870f, 1.4782046f,
	1.1641037f, 0.9963702f, 0.7986184f, 0.5685327f,
};

static const char pad[4][4] = {
	{'1', '2', '3', 'A'},
	{'4', '5', '6', 'B'},
	{'7', '8', '9', 'C'},
	{'*', '0', '#', 'D'},
};

/*
 * A tone of amplitude a has a power of (a N / 2)^2 in its bin; -38 dBm0 is the least that
 * counts (a = 57).
 */
#define LEAST_POWER (57.0f * 57.0f * GOERTZEL_BLOCK * GOERTZEL_BLOCK / 4)
#define TWIST_HIGH  6.3f  /* 8 dB: how much stronger the high tone may be ... */
#define TWIST_LOW   6.3f  /* ... and the low one; lines damp high tones more */
#define OTHERS      6.3f  /* 8 dB above the others of its group */
#define OF_ALL      0.70f /* the two tones hold this part of all the energy */
#define STEADY      2.0f  /* 3 dB: two blocks of a key sound alike, those of a voice seldom */

static float power(const struct goertzel *g, int i)
{
	return g->v1[i] * g->v1[i] + g->v2[i] * g->v2[i] - coefficient[i] * g->v1[i] * g->v2[i];
}

/* The strongest of four that stands out from the others, or -1. */
static int strongest(const float *p)
{
	int best = 0;

	for (int i = 1; i < 4; i++) {
		if (p[i] > p[best])
			best = i;
	}
	for (int i = 0; i < 4; i++) {
		if (i != best && p[i] * OTHERS > p[best])
			return -1;
	}
	return p[best] >= LEAST_POWER ? best : -1;
}

/* What this block says: a key, or 0; and how strong its tones are. */
static char judge(const struct goertzel *g, float *strength)
{
	float p[8];

	for (int i = 0; i < 8; i++)
		p[i] = power(g, i);
	int low = strongest(p), high = strongest(p + 4);
	if (low < 0 || high < 0)
		return 0;
	float l = p[low], h = p[4 + high];
	*strength = l + h;
	if (h > l * TWIST_HIGH || l > h * TWIST_LOW)
		return 0;
	/* N/2 times the energy of a pure tone is its power in the bin. */
	if (l + h < OF_ALL * g->energy * GOERTZEL_BLOCK / 2)
		return 0;
	return pad[low][high];
}

/* The end of a block: a key begins when two blocks agree, and ends when two do not show it. */
static char turn(struct goertzel *g)
{
	float strength = 0;
	char now = judge(g, &strength), begun = 0;
	bool steady = strength <= g->power * STEADY && g->power <= strength * STEADY;

	if (now == g->block && now != g->key && (!now || steady)) {
		g->key = now;
		begun = now;
	}
	g->block = now;
	g->power = strength;
	memset(g->v1, 0, sizeof(g->v1));
	memset(g->v2, 0, sizeof(g->v2));
	g->energy = 0;
	g->n = 0;
	return begun;
}

size_t goertzel_feed(struct goertzel *g, const int16_t *pcm, size_t n, char *keys, size_t max)
{
	size_t found = 0;

	for (size_t s = 0; s < n; s++) {
		float x = pcm[s];
		for (int i = 0; i < 8; i++) {
			float v = x + coefficient[i] * g->v1[i] - g->v2[i];
			g->v2[i] = g->v1[i];
			g->v1[i] = v;
		}
		g->energy += x * x;
		if (++g->n < GOERTZEL_BLOCK)
			continue;
		char key = turn(g);
		if (key && found < max)
			keys[found++] = key;
	}
	return found;
}
