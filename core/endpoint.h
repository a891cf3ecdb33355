/* SPDX-License-Identifier: MIT */
/*
 * What makes an endpoint valid, in one place for encoding, decoding and connecting.
 */
#ifndef BV_CORE_ENDPOINT_H
#define BV_CORE_ENDPOINT_H

#include <stdbool.h>
#include <string.h>

#include <bareverbs/endpoint.h>

/* 0, or @code with the text that names the field that is out of its range. */
int bvi_endpoint_check(const struct bv_endpoint *ep, int code);

static inline bool bvi_gid_is_zero(const uint8_t gid[16])
{
	uint8_t bits = 0;

	for (int i = 0; i < 16; i++)
		bits |= gid[i];
	return bits == 0;
}

/* IPv4-mapped, RFC 4291, 2.5.5.2: what RoCE v2 sends as IPv4. */
static inline bool bvi_gid_is_ipv4(const uint8_t gid[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(gid, prefix, sizeof(prefix)) == 0;
}

#endif
