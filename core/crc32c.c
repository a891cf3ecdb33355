/* SPDX-License-Identifier: MIT */
/*
 * CRC-32C (Castagnoli) bit by bit: tens of bytes per connection need no table.
 */
#include "crc32c.h"

/* RFC 3720, appendix B.4: polynomial 0x1edc6f41, reflected. */
#define POLYNOMIAL 0x82f63b78u

uint32_t bvi_crc32c(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
	}
	return ~crc;
}
