/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side of a WebSocket; see ws_peer.h. No test stands here.
 */
#include "unit/ws_peer.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/alloc.h>

#include "unit/tcp_peer.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 1.3 */

char *ws_peer_answer(const char *head, const char *protocol)
{
	static const char field[] = "\r\nSec-WebSocket-Key: ";
	const char *key = strcasestr(head, field);
	unsigned char digest[EVP_MAX_MD_SIZE];
	char *both, accept[64], *answer;
	unsigned len = 0;

	if (!key)
		return NULL;
	key += strlen(field);
	both = tc_asprintf("%.*s%s", (int)strcspn(key, "\r"), key, GUID);
	EVP_Digest(both, strlen(both), digest, &len, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *)accept, digest, (int)len);
	answer = tc_asprintf("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s%s%s\r\n",
			     accept, protocol ? "Sec-WebSocket-Protocol: " : "",
			     protocol ? protocol : "", protocol ? "\r\n" : "");
	free(both);
	return answer;
}

bool ws_peer_accept(int fd, char *head, size_t size_bytes, const char *protocol)
{
	char *answer;
	bool ok;

	if (!tcp_peer_head(fd, head, size_bytes))
		return false;
	answer = ws_peer_answer(head, protocol);
	ok = answer && tcp_peer_write(fd, answer, strlen(answer));
	free(answer);
	return ok;
}

bool ws_peer_send(int fd, enum ws_op op, bool final, const void *data, size_t len)
{
	unsigned char *frame = tc_alloc(len + 10);
	size_t head = 2;
	bool ok;

	frame[0] = (unsigned char)(op | (final ? 0x80 : 0));
	if (len < 126) {
		frame[1] = (unsigned char)len;
	} else if (len < 65536) {
		frame[1] = 126;
		head = 4;
	} else {
		frame[1] = 127;
		head = 10;
	}
	for (size_t i = 2; i < head; i++)
		frame[i] = (unsigned char)((uint64_t)len >> (8 * (head - 1 - i)));
	if (len)
		memcpy(frame + head, data, len);
	ok = tcp_peer_write(fd, frame, head + len);
	free(frame);
	return ok;
}

bool ws_peer_receive(int fd, struct ws_frame *frame)
{
	unsigned char head[2], size[8], mask[4] = {0};
	uint64_t len = 0;
	size_t size_len;

	if (!tcp_peer_read(fd, head, 2))
		return false;
	len = head[1] & 0x7f;
	size_len = len < 126 ? 0 : len == 126 ? 2 : 8;
	if (!tcp_peer_read(fd, size, size_len))
		return false;
	if (size_len)
		len = 0;
	for (size_t i = 0; i < size_len; i++)
		len = len << 8 | size[i];
	frame->masked = head[1] & 0x80;
	if (frame->masked && !tcp_peer_read(fd, mask, 4))
		return false;
	frame->op = (enum ws_op)(head[0] & 0xf);
	frame->final = head[0] & 0x80;
	frame->len = (size_t)len;
	frame->data = tc_try_alloc(frame->len + 1);
	if (!frame->data || !tcp_peer_read(fd, frame->data, frame->len)) {
		free(frame->data);
		return false;
	}
	for (size_t i = 0; i < frame->len; i++)
		frame->data[i] = (char)(frame->data[i] ^ mask[i % 4]);
	return true;
}
