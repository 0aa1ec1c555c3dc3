/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transports of the user agent: UDP, TCP, and TLS that verifies the server.
 */
#include "stack.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include <tocsin/log.h>

const char *transport_name(const struct agent *agent)
{
	switch (agent->tp) {
	case SIP_TRANSP_TCP:
		return "tcp";
	case SIP_TRANSP_TLS:
		return "tls";
	default:
		return "udp";
	}
}

/*
 * libre 1.1 asks for no certificate at all: everything is set on OpenSSL's context. One trunk,
 * one server name.
 */
static int verify_server(struct agent *agent, SSL_CTX *ctx)
{
	const struct sip_config *cfg = agent->cfg;
	const char *name = cfg->tls_verify_name   ? cfg->tls_verify_name
			   : agent->proxy.host[0] ? agent->proxy.host
						  : agent->uri.host;
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
	uint32_t ip;
	uint16_t port = 0;
	int ok;

	if (cfg->tls_ca)
		ok = SSL_CTX_load_verify_locations(ctx, cfg->tls_ca, NULL);
	else
		ok = SSL_CTX_set_default_verify_paths(ctx);
	if (ok != 1) {
		tc_log(agent->self, TC_LOG_ERROR,
		       "tls_ca: the file cannot be read as certificates");
		return EINVAL;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (!target_address(name, &ip, &port))
		ok = X509_VERIFY_PARAM_set1_ip_asc(param, name);
	else
		ok = X509_VERIFY_PARAM_set1_host(param, name, 0);
	return ok == 1 ? 0 : EINVAL;
}

static int own_certificate(struct agent *agent, SSL_CTX *ctx)
{
	const struct sip_config *cfg = agent->cfg;

	if (!cfg->tls_cert)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(ctx, cfg->tls_cert) == 1 &&
	    SSL_CTX_use_PrivateKey_file(ctx, cfg->tls_key ? cfg->tls_key : cfg->tls_cert,
					SSL_FILETYPE_PEM) == 1)
		return 0;
	tc_log(agent->self, TC_LOG_ERROR,
	       "tls_cert, tls_key: cannot be read, or do not belong together");
	return EINVAL;
}

static int open_tls(struct agent *agent, const struct sa *local)
{
	SSL_CTX *ctx;
	int err = tls_alloc(&agent->tls, TLS_METHOD_SSLV23, NULL, NULL);

	if (err)
		return err;
	ctx = (SSL_CTX *)tls_openssl_context(agent->tls);
	err = verify_server(agent, ctx);
	if (!err)
		err = own_certificate(agent, ctx);
	return err ? err : sip_transp_add(agent->sip, SIP_TRANSP_TLS, local, agent->tls);
}

int transport_open(struct agent *agent)
{
	int err = sip_alloc(&agent->sip, NULL, 4096, 4096, 4096, "Tocsin", NULL, NULL);

	if (!err && agent->tp == SIP_TRANSP_TLS)
		err = open_tls(agent, &agent->local);
	else if (!err)
		err = sip_transp_add(agent->sip, agent->tp, &agent->local);
	if (!err)
		err = sip_transp_laddr(agent->sip, &agent->local, agent->tp, &agent->next);
	if (!err)
		err = inbound_listen(agent);
	if (err) {
		tc_log(agent->self, TC_LOG_ERROR, "cannot listen on %s: %s", agent->cfg->listen,
		       tc_strerror(-err));
		agent->requests = mem_deref(agent->requests);
		agent->responses = mem_deref(agent->responses);
		agent->sip = mem_deref(agent->sip);
		agent->tls = mem_deref(agent->tls);
	}
	return -err;
}
