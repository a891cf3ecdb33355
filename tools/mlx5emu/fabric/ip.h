/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FABRIC_IP_H
#define MLX5EMU_FABRIC_IP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * IP as RoCE has it (IBA vol 1 annex A17): every address is a GID, one of IPv4 mapped into IPv6 (RFC 4291
 * section 2.5.5.2).
 */

static inline bool emu_ip_is_v4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

static inline void emu_ip_map_v4(const uint8_t v4[4], uint8_t address[16])
{
	memset(address, 0, 10);
	memset(address + 10, 0xff, 2);
	memcpy(address + 12, v4, 4);
}

/* RFC 791: the one's complement of the one's complement sum; the field for it is zero. */
static inline uint16_t emu_ip_checksum(const uint8_t header[20])
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

#endif
