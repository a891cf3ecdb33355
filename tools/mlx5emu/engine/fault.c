/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "mr.h"
#include "qp.h"
#include "receive.h"
#include "timer.h"
#include "trace.h"

#include <errno.h>

/* The hooks of packets, requests, WQEs and completions. */

enum {
	OVERTAKE_NS = 1000000, /* what waits to be overtaken leaves by then in any case */
};

/* ---- asking ---- */

static uint32_t packet_bit(const struct emu_packet *p)
{
	switch (p->opcode) {
	case EMU_WIRE_SEND:
		return EMU_FAULT_OP_SEND;
	case EMU_WIRE_WRITE:
		return EMU_FAULT_OP_WRITE;
	case EMU_WIRE_READ:
		return EMU_FAULT_OP_READ;
	case EMU_WIRE_COMPARE_SWAP:
		return EMU_FAULT_OP_CAS;
	case EMU_WIRE_FETCH_ADD:
		return EMU_FAULT_OP_FAA;
	case EMU_WIRE_READ_RESPONSE:
		return EMU_FAULT_OP_READ_RESPONSE;
	case EMU_WIRE_ATOMIC_ACK:
		return EMU_FAULT_OP_ATOMIC_RESPONSE;
	default:
		return p->syndrome == EMU_AETH_ACK ? EMU_FAULT_OP_ACK : EMU_FAULT_OP_NAK;
	}
}

static uint32_t transport_bit(enum emu_wire_service service)
{
	switch (service) {
	case EMU_SERVICE_UC:
		return EMU_FAULT_UC;
	case EMU_SERVICE_UD:
		return EMU_FAULT_UD;
	case EMU_SERVICE_XRC:
		return EMU_FAULT_XRC;
	default:
		return EMU_FAULT_RC;
	}
}

static uint32_t work_bit(uint8_t opcode)
{
	switch (opcode) {
	case EMU_OP_UMR:
		return EMU_FAULT_OP_UMR;
	case EMU_OP_SEND:
	case EMU_OP_SEND_IMM:
	case EMU_OP_SEND_INVAL:
		return EMU_FAULT_OP_SEND;
	case EMU_OP_WRITE:
	case EMU_OP_WRITE_IMM:
		return EMU_FAULT_OP_WRITE;
	case EMU_OP_READ:
		return EMU_FAULT_OP_READ;
	case EMU_OP_ATOMIC_CS:
		return EMU_FAULT_OP_CAS;
	case EMU_OP_ATOMIC_FA:
		return EMU_FAULT_OP_FAA;
	default:
		return EMU_FAULT_OP_NOP;
	}
}

static struct emu_fault_event packet_event(enum emu_fault_point point, const struct emu_packet *p,
					   bool in)
{
	return (struct emu_fault_event){
		.point = point,
		.opcode = packet_bit(p),
		.transport = transport_bit(p->service),
		.in = in,
		.qpn = p->src_qpn,
		.peer_qpn = p->dst_qpn,
		.psn = p->psn,
		.packets = emu_packets_in(p),
		.now_ns = emu_now_ns(),
	};
}

/* ---- packets ---- */

struct fate {
	unsigned copies; /* 0 = lost */
	uint64_t delay;
	uint64_t overtake;
};

static struct fate judge(const struct emu_packet *p, bool in)
{
	const struct emu_fault_event event = packet_event(EMU_FAULT_PACKET, p, in);
	struct fate fate = { .copies = 1 };
	const struct emu_fault_rule *r;
	unsigned at = 0;

	while (emu_fault_about(EMU_FAULT_PACKET) && (r = emu_fault_next(&event, &at))) {
		if (r->action == EMU_FAULT_LOSE)
			fate.copies = 0;
		else if (r->action == EMU_FAULT_DUPLICATE && fate.copies)
			fate.copies++;
		else if (r->action == EMU_FAULT_DELAY)
			fate.delay += r->by;
		else if (r->action == EMU_FAULT_REORDER)
			fate.overtake = r->by;
	}
	return fate;
}

static const char *fate_name(const struct fate *fate)
{
	if (fate->copies != 1)
		return fate->copies ? "sent twice" : "sent and lost";
	if (fate->delay)
		return "sent and delayed";
	return fate->overtake ? "sent and overtaken" : "sent";
}

/* One copy waits; any others go their way at once. */
static void hold(struct fate *fate, const uint8_t *datagram, size_t size, bool in, unsigned slot)
{
	const struct emu_held what = {
		.in = in,
		.slot = slot,
		.due_ns = emu_now_ns() + (fate->delay ? fate->delay : OVERTAKE_NS),
		.overtake = fate->overtake,
	};

	if (fate->copies && (fate->delay || fate->overtake) &&
	    emu_hold_add(&emu.fault.hold, &what, datagram, size) == 0)
		fate->copies--;
}

int emu_fault_send(struct emu_qp *qp, const struct emu_packet *p, bool keep)
{
	const unsigned slot = emu_qpn_slot(p->dst_qpn);
	const size_t size = EMU_WIRE_HEADER + p->length;
	struct fate fate;

	keep = keep || qp->leaves;
	/* A port that is down is the end of the wire: nobody hears that nothing arrives. */
	if (!qp->dev->port_active || qp->dev->fatal || !emu_qp_port_takes(qp, p))
		return 0;
	emu_wire_encode(p, emu.tx);
	if (!emu_fault_about(EMU_FAULT_PACKET) && !emu_trace_on())
		return emu_fabric_send(emu.fabric, slot, emu.tx, size, keep);
	/* Judged and seen once: what passes leaves or waits in the fabric, and is not offered again. */
	if (!keep && !emu_fabric_clear(emu.fabric, slot))
		return -EAGAIN;
	fate = judge(p, false);
	/* Before it can arrive, so that no answer is seen before its question. */
	if (emu_trace_on())
		emu_trace_sent(qp, p, emu.tx + EMU_WIRE_HEADER, fate_name(&fate));
	hold(&fate, emu.tx, size, false, slot);
	for (unsigned i = 0; i < fate.copies; i++)
		(void)emu_fabric_send(emu.fabric, slot, emu.tx, size, true);
	if (fate.copies)
		emu_hold_passed(&emu.fault.hold, false, slot);
	return 0;
}

unsigned emu_fault_receive(const struct emu_qp *qp, const struct emu_packet *p,
			   const uint8_t *datagram, size_t size, unsigned slot)
{
	struct fate fate;

	if (!qp->dev->port_active)
		return 0;
	if (!emu_fault_about(EMU_FAULT_PACKET))
		return 1;
	fate = judge(p, true);
	hold(&fate, datagram, size, true, slot);
	if (fate.copies)
		emu_hold_passed(&emu.fault.hold, true, slot);
	return fate.copies;
}

uint32_t emu_fault_payload(uint8_t mtu)
{
	const uint32_t one_packet = 1u << EMU_FAULT_PACKET | 1u << EMU_FAULT_REQUEST |
				    1u << EMU_FAULT_READY;

	if (emu.fault.active && (emu.fault.faults.points & one_packet))
		return emu_mtu_bytes(mtu);
	return EMU_WIRE_MAX_PAYLOAD;
}

/* ---- requests at the responder ---- */

static uint8_t nak_of(enum emu_fault_nak nak)
{
	switch (nak) {
	case EMU_FAULT_NAK_ACCESS:
		return EMU_AETH_NAK_REMOTE_ACCESS;
	case EMU_FAULT_NAK_REQUEST:
		return EMU_AETH_NAK_INVALID_REQUEST;
	default:
		return EMU_AETH_NAK_REMOTE_OPERATION;
	}
}

/* The peer learns of it as of any responder that is broken (IBA vol 1 section 9.7.5.2.8). */
static uint8_t abort_request(struct emu_qp *qp)
{
	emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
	return EMU_AETH_NAK_REMOTE_OPERATION;
}

static uint8_t begin_request(struct emu_qp *qp, const struct emu_packet *p)
{
	const struct emu_fault_event event = packet_event(EMU_FAULT_REQUEST, p, true);
	const struct emu_fault_rule *r;
	uint8_t syndrome = EMU_AETH_ACK;
	unsigned at = 0;

	while ((r = emu_fault_next(&event, &at))) {
		if (r->action == EMU_FAULT_NAK)
			syndrome = nak_of(r->nak);
		else if (r->action == EMU_FAULT_REVOKE && p->opcode != EMU_WIRE_SEND)
			emu_mr_revoke(p->rkey);
		else if (r->action == EMU_FAULT_QP_ERROR)
			syndrome = abort_request(qp);
	}
	return syndrome;
}

uint8_t emu_fault_request(struct emu_qp *qp, const struct emu_packet *p)
{
	const bool message = p->opcode == EMU_WIRE_SEND || p->opcode == EMU_WIRE_WRITE;
	const bool begins = !message || (p->flags & EMU_WIRE_FIRST);
	/* IBA vol 1 section 9.7.5.2.8: what an RNR NAK may answer. */
	const bool needs = p->opcode == EMU_WIRE_WRITE ? p->flags & EMU_WIRE_IMM : begins;
	uint8_t syndrome = EMU_AETH_ACK;
	struct emu_fault_event event;
	unsigned at = 0;

	if (begins && emu_fault_about(EMU_FAULT_REQUEST))
		syndrome = begin_request(qp, p);
	if (syndrome != EMU_AETH_ACK || !needs || !emu_fault_about(EMU_FAULT_READY))
		return syndrome;
	event = packet_event(EMU_FAULT_READY, p, true);
	while (emu_fault_next(&event, &at))
		syndrome = (uint8_t)(EMU_AETH_RNR | qp->attr.min_rnr_timer);
	return syndrome;
}

/* ---- WQEs and completions ---- */

uint64_t emu_fault_wqe(struct emu_qp *qp, const struct emu_swqe *w)
{
	const struct emu_fault_event event = {
		.point = EMU_FAULT_WQE,
		.opcode = work_bit((uint8_t)w->opcode),
		.transport = transport_bit(qp->transport->service),
		.qpn = qp->qpn,
		.peer_qpn = qp->qpn,
		.now_ns = emu_now_ns(),
	};
	const struct emu_fault_rule *r;
	uint64_t rest = 0;
	unsigned at = 0;

	if (!emu_fault_about(EMU_FAULT_WQE))
		return 0;
	while ((r = emu_fault_next(&event, &at))) {
		if (r->action == EMU_FAULT_SLOW)
			rest += r->by;
		else if (r->action == EMU_FAULT_REVOKE && w->nseg && !w->seg[0].is_inline)
			emu_mr_revoke(w->seg[0].lkey);
		else if (r->action == EMU_FAULT_QP_ERROR)
			emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
	}
	return rest;
}

static void revoke_receive(struct emu_qp *qp)
{
	struct emu_rwqe w;

	if (emu_receive_read(qp, &w) && w.nseg)
		emu_mr_revoke(w.seg[0].lkey);
}

void emu_fault_taken(struct emu_qp *qp)
{
	const struct emu_fault_event event = {
		.point = EMU_FAULT_RECEIVE,
		.opcode = EMU_FAULT_OP_RECV,
		.transport = transport_bit(qp->transport->service),
		.qpn = qp->qpn,
		.peer_qpn = qp->qpn,
		.srqn = qp->srq ? qp->srq->srqn : 0,
		.now_ns = emu_now_ns(),
	};
	const struct emu_fault_rule *r;
	unsigned at = 0;

	while (emu_fault_about(EMU_FAULT_RECEIVE) && (r = emu_fault_next(&event, &at))) {
		if (r->action == EMU_FAULT_REVOKE)
			revoke_receive(qp);
		else if (r->action == EMU_FAULT_LIMIT && qp->srq)
			emu_srq_limit(qp->srq);
		else if (r->action == EMU_FAULT_SRQ_ERROR && qp->srq)
			emu_srq_fail(qp->srq);
		else if (r->action == EMU_FAULT_QP_ERROR)
			emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
	}
}

bool emu_fault_completion(const struct emu_cq *cq, const struct emu_completion *c)
{
	const struct emu_qp *qp = emu_qp_find_any(c->qpn);
	const bool send = c->opcode == EMU_CQE_REQ || c->opcode == EMU_CQE_REQ_ERR;
	const struct emu_fault_event event = {
		.point = EMU_FAULT_COMPLETION,
		.opcode = send ? work_bit(c->wqe_opcode) : EMU_FAULT_OP_RECV,
		.transport = qp ? transport_bit(qp->transport->service) : EMU_FAULT_TRANSPORTS,
		.cqn = cq->cqn,
		.qpn = c->qpn,
		.peer_qpn = c->qpn,
		.now_ns = emu_now_ns(),
	};
	const struct emu_fault_rule *r;
	bool overrun = false;
	unsigned at = 0;

	if (!emu_fault_about(EMU_FAULT_COMPLETION))
		return false;
	while ((r = emu_fault_next(&event, &at)))
		if (r->action == EMU_FAULT_OVERFLOW)
			overrun = true;
	return overrun;
}
