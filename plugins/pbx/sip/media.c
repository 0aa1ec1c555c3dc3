/* SPDX-License-Identifier: BSD-2-Clause */
/* SDP with libre's encoder, RTP reception on an own socket, SRTP by SDES. */
#include "media.h"

#include <string.h>
#include <unistd.h>

#include <openssl/rand.h>

#include <tocsin/alloc.h>
#include <tocsin/log.h>

#include "amd/level.h"
#include "dtmf.h"
#include "goertzel.h"

#define SUITE    "AES_CM_128_HMAC_SHA1_80"
#define KEY_SIZE 30
#define EVENT_PT "101"
static const char event_name[] = "telephone-event";

struct media {
	struct agent *agent;
	const struct media_events *events;
	void *arg;
	int fd;
	struct sdp_session *sdp;
	struct sdp_media *m;
	struct stream *stream;
	struct srtp *rx, *tx; /* tx: the pacing thread's, once the stream runs */
	uint8_t tx_key[KEY_SIZE];
	bool started, latched, inband;
	uint32_t signal_ip;
	struct sockaddr_in source; /* where RTP comes from, once latched */
	struct dtmf dtmf;
	struct goertzel tones;
	struct level level;
	struct amd *amd; /* owned; NULL = nobody asks, or all was told */
	struct tmr tmr_silence;
	uint64_t started_ms; /* by tmr_jiffies() */
	bool sequence;       /* seq is known */
	uint16_t seq;        /* the newest one of sound */
};

/* ---- receiving ---- */

static void take_key(struct media *media, enum dtmf_source source, char key)
{
	if (key && dtmf_take(&media->dtmf, source, key, tc_now_us()))
		media->events->key(media->arg, key);
}

void media_info_key(struct media *media, char key)
{
	if (media->started)
		take_key(media, DTMF_INFO, key);
}

/*
 * RTP is taken from the address of the SDP, or from where the answer came (a phone behind NAT),
 * and then from the first of these only; what comes from elsewhere may be anybody's.
 */
static void aim(struct media *media);

static bool from_peer(struct media *media, const struct sockaddr_in *src)
{
	uint32_t ip = ntohl(src->sin_addr.s_addr);

	if (media->latched)
		return src->sin_addr.s_addr == media->source.sin_addr.s_addr &&
		       src->sin_port == media->source.sin_port;
	const struct sa *told = sdp_media_raddr(media->m);
	if (ip != sa_in(told) && ip != media->signal_ip)
		return false;
	media->latched = true;
	media->source = *src;
	if (ip != sa_in(told))
		aim(media); /* what the SDP told leads nowhere from here */
	return true;
}

/* ---- who has answered ---- */

static void give_up_guessing(struct media *media)
{
	tmr_cancel(&media->tmr_silence);
	free(media->amd);
	media->amd = NULL;
}

static int64_t since_answer_ms(const struct media *media)
{
	return (int64_t)(tmr_jiffies() - media->started_ms);
}

static void guess(struct media *media, const int16_t *pcm, size_t n)
{
	amd_feed_at(media->amd, since_answer_ms(media), pcm, n);
	if (amd_is_over(media->amd))
		give_up_guessing(media);
}

static void on_silence(void *arg)
{
	struct media *media = arg;

	amd_silence(media->amd, since_answer_ms(media));
	if (amd_is_over(media->amd))
		give_up_guessing(media);
	else
		tmr_start(&media->tmr_silence, AMD_LOOK_MS, on_silence, media);
}

static void start_guessing(struct media *media)
{
	if (!media->agent->cfg->detect || !media->events->guess)
		return;
	media->amd = tc_alloc(sizeof(*media->amd));
	amd_init(media->amd, &media->agent->cfg->talk, media->events->guess, media->arg);
	media->started_ms = tmr_jiffies();
	tmr_start(&media->tmr_silence, AMD_LOOK_MS, on_silence, media);
}

/* ---- sound ---- */

static void listen_to_tones(struct media *media, const int16_t *pcm, size_t len)
{
	char keys[8];

	size_t n = goertzel_feed(&media->tones, pcm, len, keys, sizeof(keys));
	for (size_t i = 0; i < n; i++)
		take_key(media, DTMF_INBAND, keys[i]);
}

static void take_sound(struct media *media, const struct rtp_header *hdr, const uint8_t *code,
		       size_t len)
{
	int16_t pcm[480];

	/* Doubled, or too late to be put where it belongs. */
	if (media->sequence && (int16_t)(hdr->seq - media->seq) <= 0 &&
	    (int16_t)(hdr->seq - media->seq) > -50)
		return;
	media->sequence = true;
	media->seq = hdr->seq;
	if (len > sizeof(pcm) / sizeof(*pcm))
		len = sizeof(pcm) / sizeof(*pcm);
	g711_decode((enum g711_law)hdr->pt, code, pcm, len);
	level_feed(&media->level, pcm, len);
	if (media->amd)
		guess(media, pcm, len);
	if (media->inband && media->dtmf.best == DTMF_INBAND)
		listen_to_tones(media, pcm, len);
}

static void take_packet(struct media *media, uint8_t *packet, size_t len)
{
	struct mbuf mb = {.buf = packet, .size = len, .end = len};
	struct rtp_header hdr;

	if (media->rx && srtp_decrypt(media->rx, &mb))
		return;
	mb.pos = 0;
	if (rtp_hdr_decode(&hdr, &mb) || hdr.ver != 2)
		return;
	const uint8_t *payload = mbuf_buf(&mb);
	size_t n = mbuf_get_left(&mb);
	if (hdr.pad) {
		if (n == 0 || payload[n - 1] > n)
			return;
		n -= payload[n - 1];
	}
	/* After a re-INVITE the numbers may be others: look them up each time. */
	const struct sdp_format *format = sdp_media_lformat(media->m, hdr.pt);
	if (format && format->name && !strcasecmp(format->name, event_name))
		take_key(media, DTMF_EVENT,
			 dtmf_event(&media->dtmf, hdr.ssrc, hdr.ts, hdr.m, payload, n));
	else if (hdr.pt == G711_ULAW || hdr.pt == G711_ALAW)
		take_sound(media, &hdr, payload, n);
}

static void on_packet(int flags, void *arg)
{
	struct media *media = arg;
	uint8_t packet[1500];
	struct sockaddr_in src = {0};

	(void)flags;
	/* A bounded number, so that one flooded call cannot keep the thread. */
	for (int i = 0; i < 16; i++) {
		socklen_t src_len = sizeof(src);
		ssize_t n = recvfrom(media->fd, packet, sizeof(packet), MSG_DONTWAIT,
				     (struct sockaddr *)&src, &src_len);
		if (n < 0)
			return;
		if (n >= RTP_HEADER_SIZE && media->started && from_peer(media, &src))
			take_packet(media, packet, (size_t)n);
	}
}

/* ---- sending ---- */

/* On the pacing thread. */
static int seal(void *arg, uint8_t *packet, size_t *len, size_t cap)
{
	struct media *media = arg;
	struct mbuf mb = {.buf = packet, .size = cap, .end = *len};
	int err = srtp_encrypt(media->tx, &mb);

	*len = mb.end;
	return err;
}

/*
 * The codec that the far end prefers of those that both know. The two have their numbers for ever
 * (RFC 3551), so that many leave out the rtpmap, and libre then knows no name.
 */
static bool pick_law(const struct media *media, enum g711_law *law)
{
	const struct le *le;

	for (le = list_head(sdp_media_format_lst(media->m, false)); le; le = le->next) {
		const struct sdp_format *format = le->data;
		if (format->pt == G711_ULAW && media->agent->pcmu) {
			*law = G711_ULAW;
			return true;
		}
		if (format->pt == G711_ALAW && media->agent->pcma) {
			*law = G711_ALAW;
			return true;
		}
	}
	return false;
}

/*
 * Send to where the SDP says; if RTP comes from another address, to there (symmetric RTP, RFC
 * 4961): the SDP of a phone behind NAT tells one that only it can reach. 0.0.0.0 is the hold of old
 * phones.
 */
static void aim(struct media *media)
{
	struct sockaddr_in to = agent_sockaddr(sdp_media_raddr(media->m));
	bool held = sdp_media_rport(media->m) == 0 || !(sdp_media_dir(media->m) & SDP_SENDONLY);
	enum g711_law law;

	if (!pick_law(media, &law))
		return;
	if (media->latched && media->source.sin_addr.s_addr != to.sin_addr.s_addr)
		to = media->source;
	stream_aim(media->stream, &to, law);
	stream_hold(media->stream, held || !to.sin_addr.s_addr);
}

/* ---- SDP ---- */

static int add_crypto(struct media *media, unsigned tag)
{
	char text[64];
	size_t n = sizeof(text) - 1;

	if (base64_encode(media->tx_key, KEY_SIZE, text, &n))
		return EINVAL;
	text[n] = '\0';
	return sdp_media_set_lattr(media->m, true, "crypto", "%u " SUITE " inline:%s", tag, text);
}

static int add_formats(struct media *media)
{
	const struct agent *agent = media->agent;
	int err = 0;

	for (int i = 0; i < 2; i++) {
		bool ulaw = (i == 0) == agent->pcmu_first;
		if (ulaw && agent->pcmu)
			err |= sdp_format_add(NULL, media->m, false, "0", "PCMU", 8000, 1, NULL,
					      NULL, NULL, false, NULL);
		if (!ulaw && agent->pcma)
			err |= sdp_format_add(NULL, media->m, false, "8", "PCMA", 8000, 1, NULL,
					      NULL, NULL, false, NULL);
	}
	err |= sdp_format_add(NULL, media->m, false, EVENT_PT, event_name, 8000, 1, NULL, NULL,
			      NULL, false, "0-15");
	return err;
}

static int make_sdp(struct media *media, uint16_t port)
{
	struct agent *agent = media->agent;
	bool srtp = agent->cfg->srtp == SIP_SRTP_MANDATORY;
	struct sa addr = agent->local;

	if (agent->rtp_ip)
		sa_set_in(&addr, agent->rtp_ip, 0);
	int err = sdp_session_alloc(&media->sdp, &addr);
	if (err)
		return err;
	err = sdp_media_add(&media->m, media->sdp, sdp_media_audio, port,
			    srtp ? sdp_proto_rtpsavp : sdp_proto_rtpavp);
	if (err)
		return err;
	err = add_formats(media);
	err |= sdp_media_set_lattr(media->m, true, "ptime", "20");
	if (!err && srtp) {
		if (RAND_bytes(media->tx_key, KEY_SIZE) != 1)
			return EIO;
		err = add_crypto(media, 1);
	}
	return err;
}

int media_open(struct media **mediap, struct agent *agent, const char *call_id,
	       const struct media_events *events, void *arg)
{
	struct media *media = tc_alloc(sizeof(*media));
	uint16_t port = 0;
	int err;

	media->agent = agent;
	media->events = events;
	media->arg = arg;
	media->fd = agent_rtp_socket(agent, &port);
	if (media->fd < 0) {
		err = media->fd;
		free(media);
		return err;
	}
	media->stream = stream_new(agent->pacer, call_id, media->fd);
	err = make_sdp(media, port);
	if (!err)
		err = fd_listen(media->fd, FD_READ, on_packet, media);
	if (!err && agent->cfg->srtp == SIP_SRTP_MANDATORY) {
		err = srtp_alloc(&media->tx, SRTP_AES_CM_128_HMAC_SHA1_80, media->tx_key, KEY_SIZE,
				 0);
		stream_seal(media->stream, seal, media);
	}
	if (err) {
		media_close(media);
		return -err;
	}
	*mediap = media;
	return 0;
}

void media_close(struct media *media)
{
	if (!media)
		return;
	give_up_guessing(media);
	stream_free(media->stream);
	fd_close(media->fd);
	close(media->fd);
	mem_deref(media->sdp);
	mem_deref(media->rx);
	mem_deref(media->tx);
	explicit_bzero(media->tx_key, sizeof(media->tx_key));
	free(media);
}

int media_offer(struct media *media, struct mbuf **sdp)
{
	return sdp_encode(sdp, media->sdp, true);
}

struct crypto {
	struct media *media;
	unsigned tag; /* of the line taken, 0 = none */
};

static bool take_crypto(const char *name, const char *value, void *arg)
{
	struct crypto *crypto = arg;
	struct pl tag, suite, key;
	uint8_t raw[64];
	size_t n = sizeof(raw);

	(void)name;
	if (re_regex(value, strlen(value), "[0-9]+ [^ ]+ inline:[^| ]+", &tag, &suite, &key) ||
	    pl_strcasecmp(&suite, SUITE) || base64_decode(key.p, key.l, raw, &n) || n != KEY_SIZE)
		return false;
	crypto->media->rx = mem_deref(crypto->media->rx);
	if (srtp_alloc(&crypto->media->rx, SRTP_AES_CM_128_HMAC_SHA1_80, raw, KEY_SIZE, 0))
		return false;
	crypto->tag = pl_u32(&tag);
	return true;
}

/* What the far end's SDP means for us; common to answers and offers. */
static int take_sdp(struct media *media, struct mbuf *sdp, bool offer)
{
	struct crypto crypto = {.media = media};
	enum g711_law law;

	if (sdp_decode(media->sdp, sdp, offer))
		return -EBADMSG;
	if (!pick_law(media, &law))
		return -ENOTSUP;
	if (sa_af(sdp_media_raddr(media->m)) != AF_INET)
		return -EAFNOSUPPORT;
	if (media->agent->cfg->srtp == SIP_SRTP_MANDATORY && sdp_media_rport(media->m)) {
		sdp_media_rattr_apply(media->m, "crypto", take_crypto, &crypto);
		if (!crypto.tag)
			return -EPROTO;
		if (offer && add_crypto(media, crypto.tag))
			return -ENOMEM;
	}
	media->inband = !sdp_media_rformat(media->m, event_name);
	return 0;
}

int media_answer(struct media *media, struct mbuf *sdp, const struct sa *signal)
{
	if (!mbuf_get_left(sdp))
		return -ENOMSG;
	int err = take_sdp(media, sdp, false);
	if (err)
		return err;
	/* An answer that declines the only medium is no answer. */
	if (!sdp_media_rport(media->m))
		return -ENOTSUP;
	if (sa_af(signal) == AF_INET)
		media->signal_ip = sa_in(signal);
	return 0;
}

int media_reoffer(struct media *media, struct mbuf *sdp, struct mbuf **answer)
{
	bool offered = mbuf_get_left(sdp) > 0;

	if (offered) {
		struct sa before = *sdp_media_raddr(media->m);
		int err = take_sdp(media, sdp, true);
		if (err)
			return err;
		if (!sa_cmp(&before, sdp_media_raddr(media->m), SA_ALL))
			media->latched = false;
		aim(media);
	}
	return sdp_encode(answer, media->sdp, !offered) ? -ENOMEM : 0;
}

int media_offered(struct media *media, struct mbuf *sdp, const struct sa *signal,
		  struct mbuf **answer)
{
	bool offered = mbuf_get_left(sdp) > 0;
	int err = media_reoffer(media, sdp, answer);

	if (err)
		return err;
	if (offered && !sdp_media_rport(media->m)) {
		*answer = mem_deref(*answer);
		return -ENOTSUP;
	}
	if (sa_af(signal) == AF_INET)
		media->signal_ip = sa_in(signal);
	return 0;
}

const char *media_fault(int err)
{
	switch (err) {
	case -ENOMSG:
		return "answered without SDP";
	case -ENOTSUP:
		return "no codec in common";
	case -EPROTO:
		return "answered without encryption";
	default:
		return "answered with a bad SDP";
	}
}

void media_start(struct media *media)
{
	aim(media);
	media->started = true;
	stream_start(media->stream);
	start_guessing(media);
}

void media_play(struct media *media, struct playlist *list)
{
	stream_play(media->stream, list);
}

uint32_t media_total_ms(struct media *media)
{
	return stream_total_ms(media->stream);
}

int media_level_dbov(const struct media *media)
{
	return level_loudest(&media->level);
}

int media_press(struct media *media, const char *keys)
{
	const struct sdp_format *event = sdp_media_rformat(media->m, event_name);

	return stream_press(media->stream, keys, event ? event->pt : KEYS_INBAND);
}
