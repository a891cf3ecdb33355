/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_TRACE_FRAME_H
#define MLX5EMU_TRACE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../fabric/wire.h"

/*
 * A packet of the fabric as the frame that an adapter would put on a link. The fabric itself moves
 * no such frames; they exist for those who look. Pure functions, without state.
 *
 *	RoCE v2     Ethernet 14 | IPv4 20 or IPv6 40 | UDP 8 | BTH ... payload, pad | ICRC 4
 *	RoCE v1     Ethernet 14 | GRH 40                     | BTH ... payload, pad | ICRC 4
 *	InfiniBand  LRH 8       | GRH 40, if any             | BTH ... payload, pad | ICRC 4 | VCRC 2
 */

enum emu_link {
	EMU_LINK_ROCE_V1,
	EMU_LINK_ROCE_V2,
	EMU_LINK_IB,
};

struct emu_route {
	enum emu_link link;
	bool global; /* InfiniBand: with a GRH; RoCE always has one in some form */
	uint8_t smac[6], dmac[6];
	uint16_t slid, dlid;
	uint8_t sl;
	uint8_t sgid[16], dgid[16]; /* an IPv4-mapped pair makes RoCE v2 over IPv4 */
	uint32_t flow_label;
	uint8_t tclass, hop_limit;
};

enum {
	EMU_FRAME_MAX = 14 + 40 + 8 + 12 + 8 + 4 + 28 + 4096 + 3 + 4 + 2,
};

/* The number in the BTH of packet @index of those that @packet stands for. */
uint8_t emu_bth_opcode(const struct emu_packet *packet, uint32_t index);

/* "RC_SEND_FIRST"; "?" for none. */
const char *emu_bth_name(uint8_t opcode);

/* How many packets the datagram stands for, and the payload of one of them. */
uint32_t emu_frame_count(const struct emu_packet *packet);
uint32_t emu_frame_payload(const struct emu_packet *packet, uint32_t index, const uint8_t **at);

/*
 * Packet @index as a frame; returns its size. packet->payload as after emu_wire_decode(); of UD the
 * GRH in front of it is left out, @route tells it.
 */
size_t emu_frame_make(const struct emu_route *route, const struct emu_packet *packet,
		      uint32_t index, uint8_t out[EMU_FRAME_MAX]);

/* CRC-32 of Ethernet, one's complement still to be taken; starts with UINT32_MAX. */
uint32_t emu_crc32(uint32_t crc, const uint8_t *data, size_t size);

#endif
