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

/* On InfiniBand: what the LRH says (IBA vol 1 section 7.7), in front of all packets and in no buffer. */
struct emu_lrh {
	uint8_t sl;
	uint16_t slid, dlid;
};

/* As the fabric carries it; 0 on Ethernet. */
uint64_t emu_lrh_pack(const struct emu_device_config *config, const struct emu_ud_av *av);
struct emu_lrh emu_lrh_unpack(uint64_t packed);

/* On InfiniBand, where an address may be a LID alone: whether there is a GRH, and as emu_grh_accept(). */
bool emu_grh_present(const uint8_t grh[EMU_GRH_BYTES]);
bool emu_grh_accept_lid(const struct emu_device_config *config, const uint8_t grh[EMU_GRH_BYTES],
			struct emu_lrh lrh);

#endif
