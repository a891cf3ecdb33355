/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C, which guards the binary forms: any error burst of up to 32 bits is found, so any flipped
 * bit is.
 */
#ifndef BV_CORE_CRC32C_H
#define BV_CORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t bvi_crc32c(const void *data, size_t size);

#endif
