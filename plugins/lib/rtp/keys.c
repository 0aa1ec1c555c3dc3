/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys, frame by frame. */
#include "keys.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define RATE    8000
#define ON      8  /* frames that a key is pressed: 160 ms */
#define ENDS    3  /* its last packet is sent so often; source: RFC 4733 2.5.1.4 */
#define PERIOD  15 /* frames from one key to the next */
#define VOLUME  10 /* -10 dBm0 */
#define LOUD    7000.0
#define END_BIT 0x80

/* RFC 4733, table 3: events 0 to 15. */
static const char names[] = "0123456789*#ABCD";

/* ITU-T Q.23; columns, rows. */
static const double high_hz[] = {1209, 1336, 1477, 1633}, low_hz[] = {697, 770, 852, 941};
static const char pad[] = "123A456B789C*0#D";

bool keys_valid(const char *keys)
{
	size_t n = strlen(keys);

	return n > 0 && n <= KEYS_MAX && strspn(keys, names) == n;
}

int keys_press(struct keys *k, const char *keys)
{
	size_t n = strlen(k->wait), more = strlen(keys);

	if (n + more > KEYS_MAX)
		return -EBUSY;
	memcpy(k->wait + n, keys, more + 1);
	return 0;
}

static void put_event(uint8_t *payload, char key, unsigned tick)
{
	bool end = tick >= ON - 1;
	unsigned duration = FRAME * (end ? ON : tick + 1);

	payload[0] = (uint8_t)(strchr(names, key) - names);
	payload[1] = (uint8_t)((end ? END_BIT : 0) | VOLUME);
	payload[2] = (uint8_t)(duration >> 8);
	payload[3] = (uint8_t)duration;
}

static void put_tones(uint8_t *payload, char key, unsigned tick, enum g711_law law)
{
	size_t at = (size_t)(strchr(pad, key) - pad);
	double high = 2 * M_PI * high_hz[at % 4] / RATE, low = 2 * M_PI * low_hz[at / 4] / RATE;
	int16_t pcm[FRAME];

	for (unsigned i = 0; i < FRAME; i++) {
		double t = tick * FRAME + i;
		pcm[i] = (int16_t)(LOUD * (sin(high * t) + sin(low * t)));
	}
	g711_encode(law, pcm, payload, FRAME);
}

struct keys_frame keys_next(struct keys *k, bool events, enum g711_law law, uint8_t *payload)
{
	struct keys_frame frame = {0};
	unsigned tick = k->tick;
	char key = k->wait[0];

	if (!key)
		return frame;
	if (events && tick < ON - 1 + ENDS) {
		frame.event = true;
		frame.begins = tick == 0;
		frame.samples = tick * FRAME;
		put_event(payload, key, tick);
	} else if (!events && tick < ON) {
		frame.tones = true;
		put_tones(payload, key, tick, law);
	}
	if (++k->tick == PERIOD) {
		k->tick = 0;
		memmove(k->wait, k->wait + 1, strlen(k->wait));
	}
	return frame;
}
