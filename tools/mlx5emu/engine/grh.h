/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_GRH_H
#define MLX5EMU_ENGINE_GRH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "prm.h"

/*
 * The 40 bytes that a datagram's receiver finds in front of the payload (IBA vol 1 section 11.4.1.2;
 * RoCE: annex A16 and A17):
 *
 *	RoCE v1, v2 over IPv6	| version, class, flow 4 | length 2 | next 1 | hops 1 | SGID | DGID |
 *	RoCE v2 over IPv4	| undefined, here 0: 20 | IPv4 header 20                            |
 */
enum {
	EMU_GRH_BYTES = 40,
};

struct emu_ud_av;

/* @payload: bytes of the datagram. The source is row @av->sgid_index of @config's table. */
void emu_grh_make(const struct emu_device_config *config, const struct emu_ud_av *av,
		  uint32_t payload, uint8_t grh[EMU_GRH_BYTES]);

/* The destination, and of which kind the datagram is. */
enum emu_roce_type emu_grh_destination(const uint8_t grh[EMU_GRH_BYTES], uint8_t gid[16]);

/* Whether the datagram is for an address in @config's table; @type tells of which kind it is. */
bool emu_grh_accept(const struct emu_device_config *config, const uint8_t grh[EMU_GRH_BYTES],
		    enum emu_roce_type *type);

/* The same on InfiniBand, where a LID may be all. */
struct emu_datagram_source {
	bool grh;
	uint16_t slid; /* without a GRH */
};
bool emu_grh_accept_lid(const struct emu_device_config *config, const uint8_t grh[EMU_GRH_BYTES],
			struct emu_datagram_source *source);

#endif
