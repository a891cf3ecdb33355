/* SPDX-License-Identifier: MIT */
#include "frame.h"
#include "../fabric/ip.h"

#include <endian.h>
#include <string.h>

/*
 * Headers by IBA vol 1 chapter 7 (LRH 7.7, GRH 8.3), chapter 9 (BTH 9.2, extended headers 9.3, ICRC
 * 7.8.1), annex A16 (RoCE) and A17 (RoCE v2). The ICRC was held against frames that adapters sent.
 */

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_ROCE = 0x8915,
	ROCE_PORT = 4791,
	IP_UDP = 17,
	NEXT_IBA = 0x1b,
	LNH_BTH = 2, /* of the LRH: what follows */
	LNH_GRH = 3,
	BTH_SIZE = 12,
	DEFAULT_HOPS = 64,
};

/* Bits 4:0 of the opcode of each transport, IBA vol 1 table 38. */
enum {
	OP_SEND_FIRST = 0x00,
	OP_WRITE_FIRST = 0x06,
	OP_READ_REQUEST = 0x0c,
	OP_READ_RESPONSE_FIRST = 0x0d,
	OP_ACK = 0x11,
	OP_ATOMIC_ACK = 0x12,
	OP_COMPARE_SWAP = 0x13,
	OP_FETCH_ADD = 0x14,
	OP_SEND_LAST_INV = 0x16,
	OP_SEND_ONLY_INV = 0x17,
};

/* Behind the first of a kind: middle, last, last with immediate, only, only with immediate. */
enum { MIDDLE = 1, LAST, LAST_IMM, ONLY, ONLY_IMM, RESPONSE_ONLY = 3 };

static const char *const names[][0x20] = {
#define NAMES(t)                                                                                 \
	{                                                                                        \
		t "_SEND_FIRST", t "_SEND_MIDDLE", t "_SEND_LAST", t "_SEND_LAST_IMM",           \
			t "_SEND_ONLY", t "_SEND_ONLY_IMM", t "_WRITE_FIRST", t "_WRITE_MIDDLE", \
			t "_WRITE_LAST", t "_WRITE_LAST_IMM", t "_WRITE_ONLY",                   \
			t "_WRITE_ONLY_IMM", t "_READ_REQUEST", t "_READ_RESPONSE_FIRST",        \
			t "_READ_RESPONSE_MIDDLE", t "_READ_RESPONSE_LAST",                      \
			t "_READ_RESPONSE_ONLY", t "_ACK", t "_ATOMIC_ACK", t "_COMPARE_SWAP",   \
			t "_FETCH_ADD", NULL, t "_SEND_LAST_INV", t "_SEND_ONLY_INV"             \
	}
	[EMU_SERVICE_RC] = NAMES("RC"),
	[EMU_SERVICE_UC] = NAMES("UC"),
	[EMU_SERVICE_UD] = NAMES("UD"),
	[EMU_SERVICE_XRC] = NAMES("XRC"),
};

const char *emu_bth_name(uint8_t opcode)
{
	const unsigned service = opcode >> 5;
	const char *name = NULL;

	if (service < sizeof(names) / sizeof(*names))
		name = names[service][opcode & 0x1f];
	return name ? name : "?";
}

static bool is_ud(const struct emu_packet *p)
{
	return p->service == EMU_SERVICE_UD;
}

uint32_t emu_frame_count(const struct emu_packet *p)
{
	return emu_packets_in(p);
}

uint32_t emu_frame_payload(const struct emu_packet *p, uint32_t index, const uint8_t **at)
{
	const uint32_t mtu = emu_mtu_bytes(p->mtu);
	uint32_t left;

	if (is_ud(p)) {
		*at = p->payload + EMU_WIRE_GRH;
		return p->length - EMU_WIRE_GRH;
	}
	*at = p->payload ? p->payload + (size_t)index * mtu : NULL;
	left = p->length - index * mtu;
	return left < mtu ? left : mtu;
}

/* ---- opcodes ---- */

static unsigned place(const struct emu_packet *p, uint32_t index)
{
	const bool first = index == 0 && (p->flags & EMU_WIRE_FIRST);
	const bool last = index + 1 == emu_frame_count(p) && (p->flags & EMU_WIRE_LAST);
	const bool imm = last && (p->flags & EMU_WIRE_IMM);

	if (first && last)
		return imm ? ONLY_IMM : ONLY;
	if (last)
		return imm ? LAST_IMM : LAST;
	return first ? 0 : MIDDLE;
}

static unsigned response_place(const struct emu_packet *p, uint32_t index)
{
	const unsigned at = place(p, index);

	return at == ONLY ? RESPONSE_ONLY : at;
}

static bool invalidates(const struct emu_packet *p, uint32_t index)
{
	return (p->flags & EMU_WIRE_INVALIDATE) && place(p, index) >= LAST;
}

static unsigned low_bits(const struct emu_packet *p, uint32_t index)
{
	switch (p->opcode) {
	case EMU_WIRE_SEND:
		if (invalidates(p, index))
			return place(p, index) == ONLY ? OP_SEND_ONLY_INV : OP_SEND_LAST_INV;
		return OP_SEND_FIRST + place(p, index);
	case EMU_WIRE_WRITE:
		return OP_WRITE_FIRST + place(p, index);
	case EMU_WIRE_READ:
		return OP_READ_REQUEST;
	case EMU_WIRE_COMPARE_SWAP:
		return OP_COMPARE_SWAP;
	case EMU_WIRE_FETCH_ADD:
		return OP_FETCH_ADD;
	case EMU_WIRE_READ_RESPONSE:
		return OP_READ_RESPONSE_FIRST + response_place(p, index);
	case EMU_WIRE_ATOMIC_ACK:
		return OP_ATOMIC_ACK;
	default:
		return OP_ACK;
	}
}

uint8_t emu_bth_opcode(const struct emu_packet *p, uint32_t index)
{
	return (uint8_t)((unsigned)p->service << 5 | low_bits(p, index));
}

/* ---- bytes ---- */

static uint8_t *put8(uint8_t *at, unsigned value)
{
	*at = (uint8_t)value;
	return at + 1;
}

static uint8_t *put16(uint8_t *at, unsigned value)
{
	return put8(put8(at, value >> 8), value);
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put16(put16(at, value >> 16), value & 0xffff);
}

static uint8_t *put64(uint8_t *at, uint64_t value)
{
	return put32(put32(at, (uint32_t)(value >> 32)), (uint32_t)value);
}

static uint8_t *put(uint8_t *at, const void *from, size_t size)
{
	if (size)
		memcpy(at, from, size);
	return at + size;
}

uint32_t emu_crc32(uint32_t crc, const uint8_t *data, size_t size)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return crc;
}

/* CRC-16 of IBA vol 1 section 7.8.2: polynomial 0x100b, from the lowest bit of each byte on. */
static uint16_t vcrc(const uint8_t *data, size_t size)
{
	uint16_t crc = UINT16_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc >> 1 ^ (crc & 1 ? 0xd008 : 0));
	}
	return (uint16_t)~crc;
}

/* ---- transport headers ---- */

static bool acknowledged(const struct emu_packet *p)
{
	return p->service == EMU_SERVICE_RC || p->service == EMU_SERVICE_XRC;
}

static bool is_request(const struct emu_packet *p)
{
	return p->opcode < EMU_WIRE_ACK;
}

/* The acknowledge is asked for with the last packet of a request, as this device answers them. */
static bool asks_for_ack(const struct emu_packet *p, unsigned at)
{
	if (!acknowledged(p) || !is_request(p))
		return false;
	return (p->opcode != EMU_WIRE_SEND && p->opcode != EMU_WIRE_WRITE) || at >= LAST;
}

static uint8_t *put_bth(uint8_t *at, const struct emu_packet *p, uint32_t index, unsigned pad)
{
	const unsigned where = place(p, index);
	const bool solicited = where >= LAST && (p->flags & EMU_WIRE_SOLICITED);
	const uint32_t psn = (p->psn + index) & 0xffffff;

	at = put8(at, emu_bth_opcode(p, index));
	at = put8(at, (solicited ? 0x80u : 0) | 0x40 /* migrated */ | pad << 4);
	at = put16(at, p->pkey);
	at = put32(at, p->dst_qpn);
	return put32(at, (asks_for_ack(p, where) ? 1u << 31 : 0) | psn);
}

static uint8_t *put_aeth(uint8_t *at, const struct emu_packet *p)
{
	const uint32_t syndrome = p->opcode == EMU_WIRE_ACK ? p->syndrome : EMU_AETH_ACK;

	return put32(at, syndrome << 24 | p->msn);
}

static uint8_t *put_reth(uint8_t *at, const struct emu_packet *p)
{
	return put32(put32(put64(at, p->raddr), p->rkey), p->dma_len);
}

static uint8_t *put_atomic(uint8_t *at, const struct emu_packet *p)
{
	at = put32(put64(at, p->raddr), p->rkey);
	return put64(put64(at, p->swap_add), p->compare);
}

static uint8_t *put_extended(uint8_t *at, const struct emu_packet *p, uint32_t index)
{
	const unsigned where = place(p, index);
	const bool first = where == 0 || where >= ONLY;

	if (is_ud(p))
		at = put32(put32(at, p->qkey), p->src_qpn);
	if (p->service == EMU_SERVICE_XRC && is_request(p))
		at = put32(at, p->srqn);
	if (p->opcode == EMU_WIRE_READ || (p->opcode == EMU_WIRE_WRITE && first))
		at = put_reth(at, p);
	if (p->opcode == EMU_WIRE_COMPARE_SWAP || p->opcode == EMU_WIRE_FETCH_ADD)
		at = put_atomic(at, p);
	if (p->opcode == EMU_WIRE_READ_RESPONSE ? where != MIDDLE : !is_request(p))
		at = put_aeth(at, p);
	if (p->opcode == EMU_WIRE_ATOMIC_ACK)
		at = put64(at, p->compare);
	if (where == LAST_IMM || where == ONLY_IMM)
		at = put(at, &p->imm, sizeof(p->imm));
	if (invalidates(p, index))
		at = put32(at, p->rkey);
	return at;
}

static size_t make_transport(uint8_t *out, const struct emu_packet *p, uint32_t index)
{
	const uint8_t *payload = NULL;
	const uint32_t size = emu_frame_payload(p, index, &payload);
	const unsigned pad = (4 - size % 4) % 4;
	uint8_t *at = put_extended(put_bth(out, p, index, pad), p, index);

	at = put(at, payload, size);
	memset(at, 0, pad);
	return (size_t)(at + pad - out);
}

/* ---- network headers ---- */

static unsigned hops(const struct emu_route *r)
{
	return r->hop_limit ? r->hop_limit : DEFAULT_HOPS;
}

static uint8_t *put_ipv4(uint8_t *at, const struct emu_route *r, size_t size)
{
	uint8_t *const header = at;

	at = put16(put16(at, 0x4500u | r->tclass), (unsigned)size + 20);
	at = put32(at, 0x4000); /* do not fragment */
	at = put16(put8(put8(at, hops(r)), IP_UDP), 0);
	at = put(at, r->sgid + 12, 4);
	at = put(at, r->dgid + 12, 4);
	(void)put16(header + 10, emu_ip_checksum(header));
	return at;
}

/* The GRH has the form of an IPv6 header (IBA vol 1 section 8.3). */
static uint8_t *put_ipv6(uint8_t *at, const struct emu_route *r, size_t size, unsigned next)
{
	at = put32(at, 6u << 28 | (uint32_t)r->tclass << 20 | (r->flow_label & 0xfffff));
	at = put8(put8(put16(at, (unsigned)size), next), hops(r));
	return put(put(at, r->sgid, 16), r->dgid, 16);
}

/* The port by the kernel's rdma_get_udp_sport(), as drivers choose it. */
static unsigned source_port(const struct emu_route *r, const struct emu_packet *p)
{
	uint64_t product = (uint64_t)p->src_qpn * p->dst_qpn;
	uint32_t label = r->flow_label & 0xfffff;

	if (!label) {
		product ^= product >> 20;
		product ^= product >> 40;
		label = (uint32_t)product & 0xfffff;
	}
	return ((label & 0x3fff) ^ (label >> 14)) | 0xc000;
}

static uint8_t *put_udp(uint8_t *at, const struct emu_route *r, const struct emu_packet *p,
			size_t size)
{
	at = put16(put16(at, source_port(r, p)), ROCE_PORT);
	return put16(put16(at, (unsigned)size), 0); /* no checksum: the ICRC covers it */
}

/*
 * Everything before the BTH; @size bytes from the BTH to the ICRC follow. *@network: the first byte that
 * the ICRC sees.
 */
static uint8_t *put_network(uint8_t *at, const struct emu_route *r, const struct emu_packet *p,
			    size_t size, uint8_t **network)
{
	const bool ipv4 = emu_ip_is_v4(r->sgid) && emu_ip_is_v4(r->dgid);

	if (r->link == EMU_LINK_IB) {
		const size_t words = (8 + (r->global ? 40u : 0u) + size) / 4;

		*network = at;
		at = put16(at, (unsigned)r->sl << 4 | (unsigned)(r->global ? LNH_GRH : LNH_BTH));
		at = put16(put16(put16(at, r->dlid), (unsigned)words), r->slid);
		return r->global ? put_ipv6(at, r, size, NEXT_IBA) : at;
	}
	at = put(put(at, r->dmac, 6), r->smac, 6);
	*network = at + 2;
	if (r->link == EMU_LINK_ROCE_V1)
		return put_ipv6(put16(at, ETHERTYPE_ROCE), r, size, NEXT_IBA);
	if (ipv4)
		at = put_ipv4(put16(at, ETHERTYPE_IPV4), r, 8 + size);
	else
		at = put_ipv6(put16(at, ETHERTYPE_IPV6), r, 8 + size, IP_UDP);
	return put_udp(at, r, p, 8 + size);
}

/*
 * IBA vol 1 section 7.8.1 and annex A17.3.3: fields that may change on the way count as ones, and so
 * does an LRH that is not there.
 */
static uint32_t icrc(const struct emu_route *r, const uint8_t *network, const uint8_t *bth,
		     const uint8_t *end)
{
	static const uint8_t no_lrh[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t head[8 + 40 + 8 + BTH_SIZE];
	const size_t before = (size_t)(bth - network);
	uint8_t *ip = head;
	uint32_t crc = UINT32_MAX;

	memcpy(head, network, before + BTH_SIZE);
	head[before + 4] = 0xff; /* BTH: FECN, BECN, reserved */
	if (r->link == EMU_LINK_IB) {
		head[0] |= 0xf0; /* virtual lane */
		ip = head + 8;
	} else {
		crc = emu_crc32(crc, no_lrh, sizeof(no_lrh));
	}
	if (ip < head + before && ip[0] >> 4 == 4) {
		ip[1] = ip[8] = ip[10] = ip[11] = 0xff;
	} else if (ip < head + before) {
		ip[0] |= 0x0f;
		ip[1] = ip[2] = ip[3] = ip[7] = 0xff;
	}
	if (r->link == EMU_LINK_ROCE_V2)
		head[before - 2] = head[before - 1] = 0xff; /* UDP checksum */
	crc = emu_crc32(crc, head, before + BTH_SIZE);
	return ~emu_crc32(crc, bth + BTH_SIZE, (size_t)(end - bth) - BTH_SIZE);
}

size_t emu_frame_make(const struct emu_route *r, const struct emu_packet *p, uint32_t index,
		      uint8_t out[EMU_FRAME_MAX])
{
	uint8_t transport[BTH_SIZE + 8 + 4 + 28 + 4096 + 3];
	const size_t size = make_transport(transport, p, index);
	uint8_t *network = out;
	uint8_t *bth = put_network(out, r, p, size + sizeof(uint32_t), &network);
	uint8_t *at = put(bth, transport, size);
	/* Its lowest byte is sent first (7.8.1). */
	const uint32_t crc = htole32(icrc(r, network, bth, at));

	at = put(at, &crc, sizeof(crc));
	if (r->link == EMU_LINK_IB) {
		const uint16_t check = htole16(vcrc(out, (size_t)(at - out)));

		at = put(at, &check, sizeof(check));
	}
	return (size_t)(at - out);
}
