/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests and WebSockets over TLS: whose certificates are trusted, and for whom. The peer is a
 * server of this test, with certificates made here.
 */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <tocsin/alloc.h>

#include "rest/rest.h"
#include "socket.h"
#include "unit/host_rig.h"
#include "unit/tcp_peer.h"
#include "unit/ws_peer.h"

#define TIMEOUT_MS 20000
#define BIG        300000

struct fixture {
	struct host_rig host;
	struct tc_instance *self;
	struct tcp_peer *peer;
	SSL_CTX *server;
	char ca[64]; /* file with the server's certificate */
};

/* ---- certificates ---- */

static X509 *certificate(EVP_PKEY *key, const char *names, int days)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -2 * 86400);
	X509_gmtime_adj(X509_getm_notAfter(cert), days * 86400L);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1,
				   0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, key);
	assert_non_null(san);
	X509_add_ext(cert, san, -1);
	X509_EXTENSION_free(san);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	return cert;
}

/* names: "DNS:localhost,IP:127.0.0.1" */
static void use_certificate(struct fixture *f, const char *names, int days)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = certificate(key, names, days);
	FILE *file;

	SSL_CTX_free(f->server);
	f->server = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(f->server, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(f->server, key), 1);
	file = fopen(f->ca, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, cert), 1);
	fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* ---- the server: a WebSocket if asked for one, that sends two messages; else 200 ---- */

static bool read_head(SSL *ssl, char *head, size_t size_bytes)
{
	for (size_t n = 0; n + 1 < size_bytes; n++) {
		if (SSL_read(ssl, head + n, 1) != 1)
			return false;
		head[n + 1] = '\0';
		if (n >= 3 && !memcmp(head + n - 3, "\r\n\r\n", 4))
			return true;
	}
	return false;
}

static void speak(SSL *ssl, const char *answer)
{
	static const char head[10] = {(char)0x81,       127,      0, 0, 0, 0, 0, (char)(BIG >> 16),
				      (char)(BIG >> 8), (char)BIG};
	char *big = tc_alloc(BIG), rest[100];

	memset(big, 'x', BIG);
	SSL_write(ssl, answer, (int)strlen(answer));
	SSL_write(ssl, "\x81\x05hello", 7);
	SSL_write(ssl, head, sizeof(head));
	SSL_write(ssl, big, BIG);
	free(big);
	while (SSL_read(ssl, rest, sizeof(rest)) > 0)
		;
}

static void serve(struct tcp_peer *peer, int fd, unsigned n, void *arg)
{
	static const char page[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
	struct fixture *f = arg;
	SSL *ssl = SSL_new(f->server);
	char head[2000], *answer;

	(void)peer;
	(void)n;
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		while (read_head(ssl, head, sizeof(head))) {
			answer = ws_peer_answer(head, "ari");
			if (answer)
				speak(ssl, answer);
			else
				SSL_write(ssl, page, sizeof(page) - 1);
			free(answer);
		}
	SSL_free(ssl);
}

/* ---- the clients ---- */

static int setup(void **state)
{
	struct fixture *f = tc_alloc(sizeof(*f));
	int fd;

	host_rig_init(&f->host, LOOP_REAL);
	f->self = host_rig_instance(&f->host, &host_rig_plugin, "pbx", NULL);
	assert_int_equal(instance_open(f->self), 0);
	tc_strcopy(f->ca, sizeof(f->ca), "/tmp/test-ari-tls-XXXXXX");
	fd = mkstemp(f->ca);
	assert_true(fd >= 0);
	close(fd);
	use_certificate(f, "DNS:localhost,IP:127.0.0.1", 10);
	f->peer = tcp_peer_new(serve, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tcp_peer_free(f->peer);
	host_rig_fini(&f->host);
	SSL_CTX_free(f->server);
	unlink(f->ca);
	free(f);
	return 0;
}

struct heard {
	int opened, texts, closed, status, err;
	size_t bytes;
	bool there;
	char why[300];
};

static void opened(void *arg)
{
	((struct heard *)arg)->opened++;
}

static void text(void *arg, const char *data, size_t len)
{
	struct heard *h = arg;

	(void)data;
	h->bytes += len;
	h->there = ++h->texts == 2;
}

static void closed(void *arg, int status, const char *why)
{
	struct heard *h = arg;

	h->closed++;
	h->status = status;
	h->there = true;
	tc_strcopy(h->why, sizeof(h->why), why);
}

static void done(void *arg, const struct rest_reply *reply)
{
	struct heard *h = arg;

	h->status = reply->status;
	h->err = reply->err;
	h->there = true;
	tc_strcopy(h->why, sizeof(h->why), reply->text);
}

/* Open it, and wait for both messages or its end. */
static struct heard connect_to(struct fixture *f, const char *host, const char *ca)
{
	static const struct socket_events events = {opened, text, NULL, closed};
	struct sockets *sockets = sockets_new(f->self, ca);
	char *url = tc_asprintf("wss://%s:%u/events", host, tcp_peer_port(f->peer));
	struct socket_target target = {.url = url,
				       .protocol = "ari",
				       .user = "u",
				       .password = "p",
				       .timeout_ms = TIMEOUT_MS};
	struct heard h = {0};

	socket_open(sockets, &target, &events, &h);
	host_rig_wait(&f->host, &h.there);
	sockets_free(sockets);
	free(url);
	return h;
}

static struct heard ask(struct fixture *f, const char *host, const char *ca)
{
	char *url = tc_asprintf("https://%s:%u/ari", host, tcp_peer_port(f->peer));
	struct rest_settings settings = {
		.url = url, .user = "u", .password = "p", .tls_ca = ca, .connections = 2};
	struct rest *rest = rest_new(f->self, &settings);
	struct heard h = {0};

	rest_send(rest, REST_NORMAL, "POST", "/x", NULL, TIMEOUT_MS, done, &h);
	host_rig_wait(&f->host, &h.there);
	if (h.status == 200) {
		h = (struct heard){0}; /* again, over the kept connection */
		rest_send(rest, REST_NORMAL, "GET", "/y", NULL, TIMEOUT_MS, done, &h);
		host_rig_wait(&f->host, &h.there);
	}
	rest_free(rest);
	free(url);
	return h;
}

static void trusted(struct fixture *f, const char *host)
{
	unsigned before = tcp_peer_count(f->peer);
	struct heard h = connect_to(f, host, f->ca);

	assert_string_equal(h.why, "");
	assert_int_equal(h.opened, 1);
	assert_int_equal(h.texts, 2);
	assert_int_equal(h.bytes, BIG + 5);
	h = ask(f, host, f->ca);
	assert_string_equal(h.why, "200 OK");
	assert_int_equal(tcp_peer_count(f->peer), before + 2);
}

/* why: in the text of both */
static void refused(struct fixture *f, const char *host, const char *ca, const char *why)
{
	struct heard h = connect_to(f, host, ca);

	assert_int_equal(h.opened, 0);
	assert_int_equal(h.closed, 1);
	assert_int_equal(h.status, 0);
	if (!strstr(h.why, why))
		fail_msg("socket: '%s', not '%s'", h.why, why);
	h = ask(f, host, ca);
	assert_int_equal(h.err, -EPROTO);
}

static void who_is_known_is_trusted(void **state)
{
	struct fixture *f = *state;

	trusted(f, "localhost");
	trusted(f, "127.0.0.1");
}

static void who_is_not_known_is_refused(void **state)
{
	struct fixture *f = *state;

	refused(f, "localhost", NULL, "self"); /* by the system's certificates */
	use_certificate(f, "DNS:localhost", 10);
	trusted(f, "localhost");
	refused(f, "127.0.0.1", f->ca, "IP address mismatch");
	use_certificate(f, "DNS:other.example", 10);
	refused(f, "localhost", f->ca, "mismatch");
	use_certificate(f, "DNS:localhost", -1);
	refused(f, "localhost", f->ca, "expired");
}

static void speak_first(struct tcp_peer *peer, int fd, unsigned n, void *arg)
{
	char byte;

	(void)peer;
	(void)n;
	(void)arg;
	tcp_peer_write(fd, "220 mail.example ESMTP\r\n", 24);
	while (tcp_peer_read(fd, &byte, 1))
		;
}

static void who_does_not_speak_tls_is_refused(void **state)
{
	struct fixture *f = *state;

	tcp_peer_free(f->peer);
	f->peer = tcp_peer_new(speak_first, NULL);
	refused(f, "localhost", f->ca, "the TLS handshake failed");
}

static void a_file_without_certificates_is_told(void **state)
{
	struct fixture *f = *state;
	struct heard h = connect_to(f, "localhost", "/nonexistent");

	assert_int_equal(h.closed, 1);
	assert_string_equal(h.why, "/nonexistent: no certificates can be read from it");
	assert_int_equal(ask(f, "localhost", "/nonexistent").err, -EPROTO);
	assert_int_equal(tcp_peer_count(f->peer), 1);
}

/* Contexts of several instances, made while others shake hands. */
static void instances_do_not_disturb_each_other(void **state)
{
	static const struct socket_events events = {opened, text, NULL, closed};
	struct fixture *f = *state;
	char *url = tc_asprintf("wss://localhost:%u/events", tcp_peer_port(f->peer));
	struct socket_target target = {.url = url, .protocol = "ari", .timeout_ms = TIMEOUT_MS};
	struct sockets *sockets[8];
	struct heard h[8] = {{0}};

	for (int i = 0; i < 8; i++)
		sockets[i] = sockets_new(f->self, f->ca);
	for (int round = 0; round < 3; round++) {
		memset(h, 0, sizeof(h));
		for (int i = 0; i < 8; i++)
			socket_open(sockets[i], &target, &events, &h[i]);
		for (int i = 0; i < 8; i++) {
			host_rig_wait(&f->host, &h[i].there);
			assert_string_equal(h[i].why, "");
			assert_int_equal(h[i].texts, 2);
		}
	}
	for (int i = 0; i < 8; i++)
		sockets_free(sockets[i]);
	free(url);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(who_is_known_is_trusted),
		TEST(who_is_not_known_is_refused),
		TEST(who_does_not_speak_tls_is_refused),
		TEST(a_file_without_certificates_is_told),
		TEST(instances_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
