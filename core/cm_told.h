/* SPDX-License-Identifier: MIT */
/*
 * What two sides tell each other in the private data of the connection manager. The messages carry
 * queue pairs, packet numbers and depths themselves; the rest has 56 bytes (IBTA volume 1, 12.6.5, less
 * the IP addressing of Annex A11). No input or output here.
 *
 *	0       2         3         4      5      6            7           8
 *	| "BV"  | version | regions | blob | mtu  | ack        | RNR timer | regions of 20 bytes, blob
 *	|       |         | count   | size | code | timer code | code      |
 *
 * A rejection has 0xff for the count of regions, the size of its reason for the blob, and the reason.
 */
#ifndef BV_CORE_CM_TOLD_H
#define BV_CORE_CM_TOLD_H

#include <bareverbs/exchange.h>

#define BVI_CM_HEADER 8u
#define BVI_CM_PRIVATE (BVI_CM_HEADER + BV_EXCHANGE_CM_MAX)
#define BVI_CM_REGION 20u
#define BVI_CM_REASON_MAX 128u

/* Checked; the pointers are into what it was read from. */
struct bvi_cm_told {
	uint32_t nregions;
	uint32_t blob_size;
	uint32_t mtu; /* bytes */
	uint8_t ack_timeout;
	uint8_t min_rnr_timer;
	const uint8_t *regions;
	const uint8_t *blob;
};

/* -EMSGSIZE it is more than private data holds. */
int bvi_cm_check(const struct bv_exchange *data);
void bvi_cm_encode(const struct bv_endpoint *local, const struct bv_exchange *data,
		   uint8_t bytes[BVI_CM_PRIVATE]);
/* 0; -ECONNABORTED it is a rejection, -EPROTO another version, -EBADMSG. @size: bytes there are. */
int bvi_cm_decode(const uint8_t *bytes, size_t size, struct bvi_cm_told *told);
/* -EMSGSIZE there is no room for it. */
int bvi_cm_fits(const struct bvi_cm_told *told, const struct bv_exchange *data);
void bvi_cm_deliver(const struct bvi_cm_told *told, struct bv_exchange *data);
/* Returns its bytes, BVI_CM_HEADER + BVI_CM_REASON_MAX at most. */
size_t bvi_cm_encode_rejection(const char *reason, uint8_t *bytes);

#endif
