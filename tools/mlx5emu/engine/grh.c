/* SPDX-License-Identifier: MIT */
#include "grh.h"
#include "../fabric/bytes.h"
#include "../fabric/ip.h"
#include "wqe_parse.h"

#include <string.h>

enum {
	IP_UDP = 17,
	NEXT_IBA = 0x1b, /* "IBA transport", IBA vol 1 section 8.3 */
	IPV4_AT = 20,    /* of the IPv4 header */
	SGID_AT = 8,
	DGID_AT = 24,
	UDP_BYTES = 8,
	TRANSPORT_BYTES = 12 + 8 + 4, /* BTH, DETH, ICRC */
};

/* The low half of @value. */
static void put16(uint8_t *at, uint32_t value)
{
	emu_bytes_put16(at, (uint16_t)value);
}

static void make_ipv4(const uint8_t sgid[16], const struct emu_ud_av *av, uint32_t payload,
		      uint8_t *ip)
{
	ip[0] = 0x45;
	ip[1] = av->tclass;
	put16(ip + 2, 20 + UDP_BYTES + TRANSPORT_BYTES + payload);
	ip[6] = 0x40; /* do not fragment */
	ip[8] = av->hop_limit;
	ip[9] = IP_UDP;
	memcpy(ip + 12, sgid + 12, 4);
	memcpy(ip + 16, av->dgid + 12, 4);
	put16(ip + 10, emu_ip_checksum(ip));
}

void emu_grh_make(const struct emu_device_config *config, const struct emu_ud_av *av,
		  uint32_t payload, uint8_t grh[EMU_GRH_BYTES])
{
	const struct emu_gid *source = &config->gid[av->sgid_index];
	const uint32_t flow = (uint32_t)av->tclass << 20 | av->flow_label;

	memset(grh, 0, EMU_GRH_BYTES);
	if (!av->grh) /* its place is undefined then (IBA vol 1 section 11.4.1.2) */
		return;
	if (source->v2 && emu_ip_is_v4(source->raw)) {
		make_ipv4(source->raw, av, payload, grh + IPV4_AT);
		return;
	}
	put16(grh, 0x6000 | flow >> 16);
	put16(grh + 2, flow);
	put16(grh + 4, payload + TRANSPORT_BYTES + (source->v2 ? UDP_BYTES : 0));
	grh[6] = source->v2 ? IP_UDP : NEXT_IBA;
	grh[7] = av->hop_limit;
	memcpy(grh + SGID_AT, source->raw, 16);
	memcpy(grh + DGID_AT, av->dgid, 16);
}

enum emu_roce_type emu_grh_destination(const uint8_t grh[EMU_GRH_BYTES], uint8_t gid[16])
{
	if (grh[0] >> 4 != 6) {
		emu_ip_map_v4(grh + IPV4_AT + 16, gid);
		return EMU_ROCE_V2_IPV4;
	}
	memcpy(gid, grh + DGID_AT, 16);
	return grh[6] == NEXT_IBA ? EMU_ROCE_V1 : EMU_ROCE_V2_IPV6;
}

uint64_t emu_lrh_pack(const struct emu_device_config *config, const struct emu_ud_av *av)
{
	return config->infiniband ?
		       (uint64_t)av->sl << 32 | (uint32_t)config->lid << 16 | av->dlid :
		       0;
}

struct emu_lrh emu_lrh_unpack(uint64_t packed)
{
	return (struct emu_lrh){
		.sl = packed >> 32 & 0xf,
		.slid = (uint16_t)(packed >> 16),
		.dlid = (uint16_t)packed,
	};
}

bool emu_grh_present(const uint8_t grh[EMU_GRH_BYTES])
{
	return grh[0] >> 4 == 6;
}

bool emu_grh_accept_lid(const struct emu_device_config *config, const uint8_t grh[EMU_GRH_BYTES],
			struct emu_lrh lrh)
{
	if (!emu_grh_present(grh))
		return lrh.dlid == config->lid;
	for (unsigned i = 0; i < config->ngids; i++)
		if (memcmp(config->gid[i].raw, grh + DGID_AT, 16) == 0)
			return true;
	return false;
}

bool emu_grh_accept(const struct emu_device_config *config, const uint8_t grh[EMU_GRH_BYTES],
		    enum emu_roce_type *type)
{
	uint8_t gid[16];
	const enum emu_roce_type found = emu_grh_destination(grh, gid);

	for (unsigned i = 0; i < config->ngids; i++) {
		if (config->gid[i].v2 == (found != EMU_ROCE_V1) &&
		    memcmp(config->gid[i].raw, gid, sizeof(gid)) == 0) {
			*type = found;
			return true;
		}
	}
	return false;
}
