/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "grh.h"
#include "qp.h"
#include "receive.h"

/*
 * Datagrams that arrive (IBA vol 1 section 9.8.3). Each is a message of its own, with the GRH as the
 * first 40 bytes of its payload on this fabric as in the receiver's buffer. What does not fit the
 * queue pair is dropped without a word to anybody (9.6.1.4.2 destination, 9.6.1.5.1 Q_Key); a
 * receive that is too short fails (11.6.2 "local length error"), which ends the queue pair.
 */

/* For this port, or for a group that the queue pair is in. */
static bool addressed(const struct emu_qp *qp, const struct emu_packet *p, enum emu_roce_type *type)
{
	const struct emu_device_config *config = &qp->dev->config;
	uint8_t gid[16];

	if (p->dst_qpn == EMU_MULTICAST_QPN) {
		*type = emu_grh_destination(p->payload, gid);
		return emu_mcast_member(qp, gid);
	}
	if (config->infiniband)
		return emu_grh_accept_lid(config, p->payload, emu_lrh_unpack(p->raddr));
	return emu_grh_accept(config, p->payload, type);
}

/* What the completion says of the way that it came. */
static const char *address(const struct emu_qp *qp, const struct emu_packet *p,
			   struct emu_completion *c)
{
	const bool infiniband = qp->dev->config.infiniband;
	const struct emu_lrh lrh = emu_lrh_unpack(p->raddr);
	enum emu_roce_type type = EMU_ROCE_V1;
	bool grh;

	if (!addressed(qp, p, &type))
		return "its destination address is not of this port";
	grh = !infiniband || emu_grh_present(p->payload);
	c->slid = infiniband ? lrh.slid : 0;
	c->flags_rqpn = (uint32_t)grh << EMU_CQE_GRH_SHIFT |
			(infiniband ? lrh.sl : (uint32_t)type) << EMU_CQE_ROCE_SHIFT | p->src_qpn;
	return NULL;
}

static const char *refuse(struct emu_qp *qp, const struct emu_packet *p, struct emu_completion *c)
{
	const char *why;

	if (p->qkey != qp->attr.qkey)
		return "its Q_Key is another one";
	why = address(qp, p, c);
	if (why)
		return why;
	if (emu_fault_request(qp, p) != EMU_AETH_ACK)
		return "a fault of the plan";
	if (emu_receive_take(qp) != EMU_AETH_ACK)
		return "no receive is posted";
	return NULL;
}

void emu_datagram_receive(struct emu_qp *qp, const struct emu_packet *p)
{
	const bool imm = p->flags & EMU_WIRE_IMM;
	struct emu_completion c = {
		.opcode = imm ? EMU_CQE_RESP_SEND_IMM : EMU_CQE_RESP_SEND,
		.solicited = p->flags & EMU_WIRE_SOLICITED,
		.byte_cnt = p->length,
		.imm = imm ? p->imm : 0,
	};
	const char *why;

	if (!emu_responder_listens(qp))
		return;
	why = refuse(qp, p, &c);
	if (why) {
		emu.counters.datagrams_dropped++;
		emu_info("QP 0x%06x: datagram of QP 0x%06x dropped: %s", qp->qpn, p->src_qpn, why);
		return;
	}
	qp->resp.received = 0;
	if (emu_receive_scatter(qp, p->payload, p->length, false) != EMU_AETH_ACK)
		return;
	emu_receive_done(qp, &c);
	emu_receive_complete(qp);
}
