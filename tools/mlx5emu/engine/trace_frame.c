/* SPDX-License-Identifier: MIT */
#include "trace.h"
#include "../fabric/ip.h"
#include "../trace/frame.h"
#include "../trace/pcapng.h"
#include "grh.h"
#include "qp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Packets, as lines and as frames. A datagram of the fabric stands for several packets (wire.h);
 * each gets a line and a frame of its own. Frames are those that leave, as captured at their source:
 * one that is lost on its way is there, with a comment.
 */

static bool is_eui64(const uint8_t gid[16])
{
	return gid[0] == 0xfe && gid[11] == 0xff && gid[12] == 0xfe;
}

/* The port's address behind a GID: by the run's list, else as an EUI-64 tells it (RFC 4291). */
static void find_mac(const struct emu_device *dev, const uint8_t gid[16], uint8_t mac[6])
{
	memset(mac, 0, 6);
	if (dev->config.mac_of_gid && dev->config.mac_of_gid(gid, mac))
		return;
	if (!is_eui64(gid))
		return;
	memcpy(mac, gid + 8, 3);
	memcpy(mac + 3, gid + 13, 3);
	mac[0] ^= 2;
}

static void by_address(const struct emu_qp *qp, struct emu_route *r)
{
	const struct emu_av *av = &qp->attr.av;
	const struct emu_device_config *config = &qp->dev->config;

	if (av->sgid_index < config->ngids) {
		memcpy(r->sgid, config->gid[av->sgid_index].raw, 16);
		r->link = config->gid[av->sgid_index].v2 ? EMU_LINK_ROCE_V2 : EMU_LINK_ROCE_V1;
	}
	if (config->infiniband) {
		r->link = EMU_LINK_IB;
		r->global = av->is_global;
		r->slid = config->lid;
		r->dlid = av->dlid;
		r->sl = av->sl;
	}
	memcpy(r->dgid, av->dgid, 16);
	r->flow_label = av->flow_label;
	r->tclass = av->traffic_class;
	r->hop_limit = av->hop_limit;
}

/* The GRH that travels with a datagram, in one of the forms that grh.c makes. */
static void by_grh(const uint8_t *grh, struct emu_route *r)
{
	enum {
		IPV4_AT = 20,
		NEXT_IBA = 0x1b,
	};

	if (grh[0] >> 4 == 6) {
		r->link = grh[6] == NEXT_IBA ? EMU_LINK_ROCE_V1 : EMU_LINK_ROCE_V2;
		r->tclass = (uint8_t)(grh[0] << 4 | grh[1] >> 4);
		r->flow_label = (uint32_t)(grh[1] & 15) << 16 | (uint32_t)grh[2] << 8 | grh[3];
		r->hop_limit = grh[7];
		memcpy(r->sgid, grh + 8, 16);
		memcpy(r->dgid, grh + 24, 16);
		return;
	}
	r->link = EMU_LINK_ROCE_V2;
	r->tclass = grh[IPV4_AT + 1];
	r->hop_limit = grh[IPV4_AT + 8];
	emu_ip_map_v4(grh + IPV4_AT + 12, r->sgid);
	emu_ip_map_v4(grh + IPV4_AT + 16, r->dgid);
}

static void by_lid(const struct emu_packet *p, struct emu_route *r)
{
	const struct emu_lrh lrh = emu_lrh_unpack(p->raddr);

	r->global = emu_grh_present(p->payload);
	if (r->global)
		by_grh(p->payload, r);
	r->sl = lrh.sl;
	r->slid = lrh.slid;
	r->dlid = lrh.dlid;
	r->link = EMU_LINK_IB;
}

static void add_headers(struct emu_line *line, const struct emu_packet *p, const char *name)
{
	if (strstr(name, "READ_REQUEST") ||
	    (p->opcode == EMU_WIRE_WRITE && (strstr(name, "FIRST") || strstr(name, "ONLY"))))
		emu_line_add(line, " raddr=0x%" PRIx64 " rkey=0x%x dma_len=%u", p->raddr, p->rkey,
			     p->dma_len);
	if (p->opcode == EMU_WIRE_COMPARE_SWAP || p->opcode == EMU_WIRE_FETCH_ADD)
		emu_line_add(line,
			     " raddr=0x%" PRIx64 " rkey=0x%x compare=0x%" PRIx64
			     " swap_add=0x%" PRIx64,
			     p->raddr, p->rkey, p->compare, p->swap_add);
	if (p->opcode == EMU_WIRE_ACK)
		emu_line_add(line, " syndrome=0x%02x msn=%u", p->syndrome, p->msn);
	if (p->opcode == EMU_WIRE_ATOMIC_ACK)
		emu_line_add(line, " msn=%u original=0x%" PRIx64, p->msn, p->compare);
	if (p->service == EMU_SERVICE_UD)
		emu_line_add(line, " qkey=0x%08x", p->qkey);
	if (p->srqn)
		emu_line_add(line, " srqn=%u", p->srqn);
	if (strstr(name, "_INV"))
		emu_line_add(line, " invalidate=0x%x", p->rkey);
	if (strstr(name, "_IMM"))
		emu_line_add(line, " imm=0x%08x", be32toh(p->imm));
}

static void write_lines(const struct emu_qp *qp, const struct emu_packet *p, const char *what)
{
	const uint32_t n = emu_frame_count(p);
	struct emu_line line;

	for (uint32_t i = 0; i < n; i++) {
		const char *name = emu_bth_name(emu_bth_opcode(p, i));
		const uint8_t *at;

		emu_trace_begin(&line, qp->dev);
		emu_line_add(&line,
			     " QP 0x%06x packet %s: opcode=%s src_qp=0x%06x dst_qp=0x%06x"
			     " psn=%u payload=%u",
			     qp->qpn, what, name, p->src_qpn, p->dst_qpn, emu_psn_add(p->psn, i),
			     emu_frame_payload(p, i, &at));
		add_headers(&line, p, name);
		emu_line_write(&line);
	}
}

static void write_frames(const struct emu_qp *qp, const struct emu_packet *p, const char *fate)
{
	struct emu_route route = { .global = true };
	char comment[80];
	uint8_t frame[EMU_PCAPNG_RECORD + EMU_FRAME_MAX];
	const uint32_t n = emu_frame_count(p);

	if (p->service == EMU_SERVICE_UD && qp->dev->config.infiniband)
		by_lid(p, &route);
	else if (p->service == EMU_SERVICE_UD)
		by_grh(p->payload, &route);
	else
		by_address(qp, &route);
	find_mac(qp->dev, route.sgid, route.smac);
	find_mac(qp->dev, route.dgid, route.dmac);
	snprintf(comment, sizeof(comment), "%s[%d]: QP 0x%06x, %s", program_invocation_short_name,
		 (int)getpid(), qp->qpn, fate);
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t now = emu_trace_now_ns();
		const size_t head = route.link == EMU_LINK_IB ? EMU_PCAPNG_RECORD : 0;
		const size_t size = emu_frame_make(&route, p, i, frame + head);

		if (head)
			emu_pcapng_record(frame, now, size);
		emu_trace_frame(qp->dev->config.index, now, frame, head + size, comment);
	}
}

void emu_trace_sent(const struct emu_qp *qp, const struct emu_packet *packet,
		    const uint8_t *payload, const char *fate)
{
	struct emu_packet p = *packet;

	p.payload = payload;
	if (emu_trace_sinks & EMU_TRACE_TEXT)
		write_lines(qp, &p, fate);
	if (emu_trace_sinks & EMU_TRACE_FRAMES)
		write_frames(qp, &p, fate);
}

void emu_trace_arrived(const struct emu_qp *qp, const struct emu_packet *p)
{
	if (emu_trace_sinks & EMU_TRACE_TEXT)
		write_lines(qp, p, "arrived");
}
