/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rig of the unit tests, here too: the daemon's rooms and an HTTP client.
 */
#include "unit/api_rig.c"
#include "unit/http_client.c"
