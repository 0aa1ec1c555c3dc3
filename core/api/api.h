/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The REST resources: what the daemon shows of itself and lets people do, over HTTP.
 */
#ifndef CORE_API_API_H
#define CORE_API_API_H

struct alerts;
struct api;
struct caller;
struct config;
struct host;
struct http_server;
struct journal;
struct loop;
struct oncall;
struct prompts;
struct speech;
struct store;
struct trunks;

struct api_deps {
	struct loop *loop;
	struct host *host;
	struct store *store;
	struct journal *journal;
	struct http_server *http;
	struct alerts *alerts;
	struct caller *caller;
	struct trunks *trunks;
	struct oncall *oncall;
	struct speech *speech;
	struct prompts *prompts;
	const struct config *config;
};

/*
 * Add all routes and load the tokens. ready: until api_set_ready(), /readyz says 503.
 */
struct api *api_new(const struct api_deps *deps);
void api_set_ready(struct api *api, int ready);
/* After a reload: the configuration in force. */
void api_reconfigure(struct api *api, const struct config *config);
void api_free(struct api *api);

#endif
