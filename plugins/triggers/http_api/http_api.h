/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the trigger http_api: what its files share.
 */
#ifndef HTTP_API_H
#define HTTP_API_H

#include <tocsin/http.h>
#include <tocsin/trigger.h>

struct api {
	struct tc_instance *self;
	struct tc_http_route route;
	uint64_t taken, refused, callbacks;
};

/* Add the routes for a PBX's dialplan. 0 | -EEXIST another instance has them */
int callbacks_add(struct api *api);

#endif
