/* SPDX-License-Identifier: MIT */
/*
 * Path MTUs: bytes outside, codes 1..5 (enum ibv_mtu) towards the device and on the wire.
 */
#ifndef BV_CORE_MTU_H
#define BV_CORE_MTU_H

#include <stdint.h>

/* 256..4096 for codes 1..5, else 0. */
static inline uint32_t bvi_mtu_bytes(unsigned int code)
{
	return code >= 1 && code <= 5 ? 128u << code : 0;
}

/* 1..5, else 0 if @bytes is no MTU. */
static inline uint8_t bvi_mtu_code(uint32_t bytes)
{
	for (uint8_t code = 1; code <= 5; code++)
		if (bvi_mtu_bytes(code) == bytes)
			return code;
	return 0;
}

#endif
