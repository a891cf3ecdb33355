/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FABRIC_WIRE_H
#define MLX5EMU_FABRIC_WIRE_H

#include <stddef.h>
#include <stdint.h>

/*
 * What travels between two devices of a run: one datagram = one fixed header + payload.
 *
 * A datagram stands for one or more consecutive packets of the same message as IBA vol 1 chapter 9
 * knows them: it carries the PSN of the first, and each full path MTU of payload counts as one
 * packet. So PSNs, acknowledges and retransmission are those of the specification while bulk data
 * moves in large pieces. The header has the fields of BTH, DETH, XRCETH, RETH, AtomicETH, AETH and ImmDt that
 * this fabric uses, always all of them, in network byte order.
 *
 * Decoding trusts nothing: emu_wire_decode() accepts only a header whose every field is in range
 * and consistent with the opcode and with the length of the datagram.
 */

enum emu_wire_opcode {
	EMU_WIRE_SEND = 1,      /* SEND First/Middle/Last/Only by flags */
	EMU_WIRE_WRITE,         /* RDMA WRITE likewise; raddr, rkey, dma_len in the first */
	EMU_WIRE_READ,          /* RDMA READ Request: raddr, rkey, dma_len */
	EMU_WIRE_COMPARE_SWAP,  /* raddr, rkey, compare, swap_add */
	EMU_WIRE_FETCH_ADD,     /* raddr, rkey, swap_add */
	EMU_WIRE_ACK,           /* AETH: syndrome (also NAK and RNR NAK) */
	EMU_WIRE_READ_RESPONSE, /* payload */
	EMU_WIRE_ATOMIC_ACK,    /* compare = the value found */
};

/* Of the transport, bits 7:5 of a BTH opcode (IBA vol 1 section 9.2.1, table 35). */
enum emu_wire_service {
	EMU_SERVICE_RC = 0,
	EMU_SERVICE_UC = 1,
	EMU_SERVICE_UD = 3,  /* SEND alone; its payload begins with the GRH */
	EMU_SERVICE_XRC = 5, /* as RC; each request names a shared receive queue */
};

enum {
	EMU_WIRE_FIRST = 1 << 0, /* of a message, or of the response to a read */
	EMU_WIRE_LAST = 1 << 1,
	EMU_WIRE_SOLICITED = 1 << 2,  /* BTH SE, with the last */
	EMU_WIRE_IMM = 1 << 3,        /* with the last of SEND and WRITE */
	EMU_WIRE_INVALIDATE = 1 << 4, /* with the last of SEND on RC and XRC: rkey, as in IETH */
};

enum {
	EMU_WIRE_HEADER = 72,
	EMU_WIRE_MAX_PAYLOAD = 65536,
	EMU_WIRE_GRH = 40, /* in front of a datagram's payload */
	EMU_WIRE_MAX_DATAGRAM = EMU_WIRE_HEADER + EMU_WIRE_MAX_PAYLOAD,
};

/* AETH syndromes, IBA vol 1 section 9.7.5.2.1; ACK with credit count "invalid" (no flow control). */
enum {
	EMU_AETH_ACK = 0x1f,
	EMU_AETH_RNR = 0x20, /* | RNR timer code */
	EMU_AETH_RNR_TIMER = 0x1f,
	EMU_AETH_NAK_PSN_SEQUENCE = 0x60,
	EMU_AETH_NAK_INVALID_REQUEST = 0x61,
	EMU_AETH_NAK_REMOTE_ACCESS = 0x62,
	EMU_AETH_NAK_REMOTE_OPERATION = 0x63,
};

struct emu_packet {
	enum emu_wire_opcode opcode;
	enum emu_wire_service service;
	uint8_t flags;
	uint8_t mtu; /* path MTU of the sender, enum ibv_mtu */
	uint8_t syndrome;
	uint16_t pkey;
	uint32_t src_qpn, dst_qpn;
	uint32_t psn;    /* of the first packet */
	uint32_t length; /* payload bytes */
	uint64_t raddr;  /* UD on InfiniBand: the LRH, see emu_lrh_pack() */
	uint32_t rkey;
	uint32_t dma_len;
	uint32_t imm;  /* the four bytes of the WQE, uninterpreted */
	uint32_t qkey; /* UD: DETH */
	uint32_t srqn; /* XRC requests: XRCETH (annex A14) */
	uint32_t msn;  /* answers: AETH, messages completed so far */
	uint64_t compare, swap_add;
	const uint8_t *payload; /* decode only: inside the datagram */
};

/* Bytes of a path MTU code 1..5. */
static inline uint32_t emu_mtu_bytes(uint8_t code)
{
	return 128u << code;
}

/* Packets that @length payload bytes make: an empty message is one packet. */
static inline uint32_t emu_packets(uint64_t length, uint8_t mtu)
{
	const uint32_t bytes = emu_mtu_bytes(mtu);

	return length == 0 ? 1 : (uint32_t)((length + bytes - 1) / bytes);
}

/* Packets that the datagram stands for; one of UD is a single one, whatever its GRH adds. */
static inline uint32_t emu_packets_in(const struct emu_packet *packet)
{
	return packet->service == EMU_SERVICE_UD ? 1 : emu_packets(packet->length, packet->mtu);
}

void emu_wire_encode(const struct emu_packet *packet, uint8_t header[EMU_WIRE_HEADER]);

/* NULL, or what is wrong with the datagram (a constant string). @out is written only with NULL. */
const char *emu_wire_decode(const uint8_t *datagram, size_t size, struct emu_packet *out);

#endif
