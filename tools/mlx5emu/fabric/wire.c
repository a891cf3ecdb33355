/* SPDX-License-Identifier: MIT */
#include "wire.h"
#include "bytes.h"

#include <stdbool.h>
#include <string.h>

/*
 * Header layout, bytes:
 *
 *	 0 magic   2 version  3 opcode   4 flags  5 mtu  6 syndrome  7 service
 *	 8 source QPN    12 destination QPN    16 PSN    20 payload length
 *	24 raddr         32 rkey   36 dma_len  40 imm    44 qkey, srqn, msn
 *	48 compare       56 swap_add  64 P_Key   66 zero
 */
enum {
	WIRE_MAGIC = 0x4d35,
	WIRE_VERSION = 4,
	WIRE_PKEY_BASE = 0x7fff, /* of partition 0 there is none: IBA vol 1 section 10.9.1 */
	WIRE_MASK24 = 0xffffff,
	WIRE_MAX_MESSAGE = 1 << 30,
};

/* What a word means that no two kinds of packet have in common. */
static uint32_t word_44(const struct emu_packet *packet)
{
	if (packet->opcode >= EMU_WIRE_ACK)
		return packet->msn;
	return packet->service == EMU_SERVICE_XRC ? packet->srqn : packet->qkey;
}

void emu_wire_encode(const struct emu_packet *packet, uint8_t header[EMU_WIRE_HEADER])
{
	memset(header, 0, EMU_WIRE_HEADER);
	emu_bytes_put16(header, WIRE_MAGIC);
	header[2] = WIRE_VERSION;
	header[3] = (uint8_t)packet->opcode;
	header[4] = packet->flags;
	header[5] = packet->mtu;
	header[6] = packet->syndrome;
	header[7] = (uint8_t)packet->service;
	emu_bytes_put32(header + 8, packet->src_qpn);
	emu_bytes_put32(header + 12, packet->dst_qpn);
	emu_bytes_put32(header + 16, packet->psn);
	emu_bytes_put32(header + 20, packet->length);
	emu_bytes_put64(header + 24, packet->raddr);
	emu_bytes_put32(header + 32, packet->rkey);
	emu_bytes_put32(header + 36, packet->dma_len);
	emu_bytes_put32(header + 40, packet->imm);
	emu_bytes_put32(header + 44, word_44(packet));
	emu_bytes_put64(header + 48, packet->compare);
	emu_bytes_put64(header + 56, packet->swap_add);
	emu_bytes_put16(header + 64, packet->pkey);
}

static bool carries_data(enum emu_wire_opcode opcode)
{
	return opcode == EMU_WIRE_SEND || opcode == EMU_WIRE_WRITE ||
	       opcode == EMU_WIRE_READ_RESPONSE;
}

/* Which flags an opcode may have. */
static uint8_t legal_flags(enum emu_wire_opcode opcode)
{
	switch (opcode) {
	case EMU_WIRE_SEND:
		return EMU_WIRE_FIRST | EMU_WIRE_LAST | EMU_WIRE_SOLICITED | EMU_WIRE_IMM |
		       EMU_WIRE_INVALIDATE;
	case EMU_WIRE_WRITE:
		return EMU_WIRE_FIRST | EMU_WIRE_LAST | EMU_WIRE_SOLICITED | EMU_WIRE_IMM;
	case EMU_WIRE_READ_RESPONSE:
		return EMU_WIRE_FIRST | EMU_WIRE_LAST;
	default:
		return 0;
	}
}

static const char *check_payload(const struct emu_packet *p)
{
	const bool last = p->flags & EMU_WIRE_LAST;

	if (!carries_data(p->opcode))
		return p->length ? "payload where the opcode has none" : NULL;
	if (p->length > EMU_WIRE_MAX_PAYLOAD)
		return "payload too long";
	if (!last && (p->length == 0 || p->length % emu_mtu_bytes(p->mtu)))
		return "packet that is not the last is no multiple of the MTU";
	if (p->service == EMU_SERVICE_UD && p->length - EMU_WIRE_GRH > emu_mtu_bytes(p->mtu))
		return "datagram longer than the MTU";
	if (!last && (p->flags & (EMU_WIRE_IMM | EMU_WIRE_SOLICITED | EMU_WIRE_INVALIDATE)))
		return "immediate, invalidation or solicited event before the last packet";
	if ((p->flags & EMU_WIRE_IMM) && (p->flags & EMU_WIRE_INVALIDATE))
		return "immediate and invalidation";
	return NULL;
}

/* Which opcodes a transport has (IBA vol 1 section 9.2.1, table 35). */
static const char *check_service(const struct emu_packet *p)
{
	const uint8_t whole = EMU_WIRE_FIRST | EMU_WIRE_LAST;

	if (p->qkey && p->service != EMU_SERVICE_UD)
		return "Q_Key without DETH";
	if (p->flags & EMU_WIRE_INVALIDATE && p->service != EMU_SERVICE_RC &&
	    p->service != EMU_SERVICE_XRC)
		return "invalidation that the transport does not have";
	switch (p->service) {
	case EMU_SERVICE_RC:
		return NULL;
	case EMU_SERVICE_XRC:
		return p->srqn > WIRE_MASK24 ? "SRQ number where none can be" : NULL;
	case EMU_SERVICE_UC:
		return p->opcode > EMU_WIRE_WRITE ? "opcode that UC does not have" : NULL;
	case EMU_SERVICE_UD:
		if (p->opcode != EMU_WIRE_SEND || (p->flags & whole) != whole)
			return "opcode that UD does not have";
		return p->length < EMU_WIRE_GRH ? "datagram without GRH" : NULL;
	default:
		return "unknown transport";
	}
}

static const char *check_fields(const struct emu_packet *p)
{
	const char *wrong = check_service(p);

	if (wrong)
		return wrong;
	if (p->opcode < EMU_WIRE_SEND || p->opcode > EMU_WIRE_ATOMIC_ACK)
		return "unknown opcode";
	if (p->flags & ~legal_flags(p->opcode))
		return "flag that the opcode cannot have";
	if (p->mtu < 1 || p->mtu > 5)
		return "MTU code out of range";
	if (p->src_qpn > WIRE_MASK24 || p->dst_qpn > WIRE_MASK24 || p->psn > WIRE_MASK24)
		return "QPN or PSN wider than 24 bits";
	if (!(p->pkey & WIRE_PKEY_BASE))
		return "P_Key of no partition";
	if (p->msn > WIRE_MASK24)
		return "message number wider than 24 bits";
	if (p->dma_len > WIRE_MAX_MESSAGE)
		return "DMA length out of range";
	if (p->dma_len && p->raddr > UINT64_MAX - p->dma_len)
		return "remote range wraps around";
	if (p->syndrome && p->opcode != EMU_WIRE_ACK)
		return "syndrome without AETH";
	return check_payload(p);
}

const char *emu_wire_decode(const uint8_t *datagram, size_t size, struct emu_packet *out)
{
	struct emu_packet p;
	const char *wrong;

	if (size < EMU_WIRE_HEADER)
		return "shorter than its header";
	if (emu_bytes_get16(datagram) != WIRE_MAGIC || datagram[2] != WIRE_VERSION)
		return "not of this protocol version";
	p = (struct emu_packet){
		.opcode = (enum emu_wire_opcode)datagram[3],
		.flags = datagram[4],
		.mtu = datagram[5],
		.syndrome = datagram[6],
		.service = (enum emu_wire_service)datagram[7],
		.src_qpn = emu_bytes_get32(datagram + 8),
		.dst_qpn = emu_bytes_get32(datagram + 12),
		.psn = emu_bytes_get32(datagram + 16),
		.length = emu_bytes_get32(datagram + 20),
		.raddr = emu_bytes_get64(datagram + 24),
		.rkey = emu_bytes_get32(datagram + 32),
		.dma_len = emu_bytes_get32(datagram + 36),
		.imm = emu_bytes_get32(datagram + 40),
		.compare = emu_bytes_get64(datagram + 48),
		.swap_add = emu_bytes_get64(datagram + 56),
		.pkey = emu_bytes_get16(datagram + 64),
		.payload = datagram + EMU_WIRE_HEADER,
	};
	if (p.length != size - EMU_WIRE_HEADER)
		return "payload length differs from the datagram";
	if (p.opcode >= EMU_WIRE_ACK)
		p.msn = emu_bytes_get32(datagram + 44);
	else if (p.service == EMU_SERVICE_XRC)
		p.srqn = emu_bytes_get32(datagram + 44);
	else
		p.qkey = emu_bytes_get32(datagram + 44);
	wrong = check_fields(&p);
	if (wrong)
		return wrong;
	*out = p;
	return NULL;
}
