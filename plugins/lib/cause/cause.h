/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIP status and Q.850 cause to the reason why a call ended.
 */
#ifndef CAUSE_CAUSE_H
#define CAUSE_CAUSE_H

#include <tocsin/pbx.h>

/*
 * Why a call failed before it was answered. A Q.850 cause of the network says more than the SIP
 * status around it.
 *
 * sip     final status 300..699, or 0
 * q850    1..127, or 0
 * thread  any
 * source  RFC 3398 7.2.4.1 (Q.850 in the other direction), ITU-T Q.850, include/tocsin/pbx.h
 */
enum tc_pbx_end cause_end(int sip, int q850);

/*
 * The Q.850 cause in a Reason header (RFC 3326): 'Q.850;cause=16;text="..."', also when several
 * reasons stand in one.
 *
 * result  0 = none
 */
int cause_reason(const char *value, size_t len);

#endif
