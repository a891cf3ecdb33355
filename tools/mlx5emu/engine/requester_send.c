/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "grh.h"
#include "memory.h"
#include "qp.h"
#include "timer.h"
#include "vendor.h"

#include <errno.h>

/* From a WQE to packets; requester.c decides which WQE, and when. */

void emu_requester_turn_from(struct emu_qp *qp)
{
	qp->req.taken = emu_fabric_taken(emu.fabric, emu_qpn_slot(qp->attr.dest_qpn));
	qp->req.turn_since = emu_now_ns();
}

static void start_ack_timer(struct emu_qp *qp)
{
	if (!qp->attr.timeout || qp->req.ack_deadline)
		return;
	emu_requester_turn_from(qp);
	emu_timer_ack(qp, emu_now_ns() + emu_ack_timeout_ns(qp->attr.timeout));
}

static struct emu_packet packet_for(const struct emu_qp *qp, const struct emu_swqe *w)
{
	return (struct emu_packet){
		.service = qp->transport->service,
		.mtu = emu_qp_mtu(qp),
		.pkey = emu_qp_pkey(qp),
		.src_qpn = qp->qpn,
		.dst_qpn = qp->transport->connected ? qp->attr.dest_qpn : w->av.qpn,
		.psn = emu_psn_add(w->psn, qp->req.cur_packets),
		.raddr = w->raddr,
		.rkey = w->rkey,
		.srqn = w->srqn,
	};
}

/* The payload is in emu.tx already. -EAGAIN: nothing left, try later. */
static int transmit(struct emu_qp *qp, const struct emu_packet *p, uint32_t packets)
{
	const int rc = emu_fault_send(qp, p, false);

	/* From when the first packet leaves that nothing has answered yet. */
	if (rc == 0 && p->psn == qp->req.una)
		emu_timer_ack(qp, 0);
	/* Also while nothing can leave: a peer that takes nothing for good is a lost one. */
	start_ack_timer(qp);
	if (rc < 0)
		return rc;
	emu.counters.datagrams_sent++;
	emu.counters.packets_sent += packets;
	qp->stat->work.packets_sent += packets;
	emu_trace("QP 0x%06x -> 0x%06x: opcode %d flags 0x%x PSN %u +%u, %u bytes", p->src_qpn,
		  p->dst_qpn, (int)p->opcode, p->flags, p->psn, packets, p->length);
	return 0;
}

static void advance(struct emu_qp *qp, struct emu_swqe *w, uint32_t packets)
{
	struct emu_requester *req = &qp->req;
	uint32_t behind;

	req->cur_packets += packets;
	behind = emu_psn_add(w->psn, req->cur_packets);
	if (emu_psn_diff(behind, req->sent) > 0)
		req->sent = behind;
	/* Nobody will answer: what has left is done with (IBA vol 1 section 9.8.2.1, 9.8.3.1). */
	if (!qp->transport->acknowledged)
		req->una = req->sent;
	if (req->cur_packets == w->npsn) {
		w->done = !qp->transport->acknowledged;
		req->cur++;
		req->cur_packets = 0;
	}
}

/* A read goes out as one request; after a loss it asks only for what has not arrived. */
static int send_read(struct emu_qp *qp, struct emu_swqe *w)
{
	const uint32_t offset = qp->req.cur_packets * emu_mtu_bytes((uint8_t)qp->attr.path_mtu);
	struct emu_packet p = packet_for(qp, w);
	int rc;

	p.opcode = EMU_WIRE_READ;
	p.raddr += offset;
	p.dma_len = w->length - offset;
	rc = transmit(qp, &p, 1);
	if (rc < 0)
		return rc;
	qp->req.reads++;
	advance(qp, w, w->npsn - qp->req.cur_packets);
	return 0;
}

static int send_atomic(struct emu_qp *qp, struct emu_swqe *w)
{
	struct emu_packet p = packet_for(qp, w);
	int rc;

	p.opcode = w->opcode == EMU_OP_ATOMIC_CS ? EMU_WIRE_COMPARE_SWAP : EMU_WIRE_FETCH_ADD;
	p.compare = w->compare;
	p.swap_add = w->swap_add;
	rc = transmit(qp, &p, 1);
	if (rc < 0)
		return rc;
	qp->req.reads++;
	advance(qp, w, 1);
	return 0;
}

/* -EFAULT: a key or a page is gone; the WQE is marked. */
static int gather(struct emu_qp *qp, struct emu_swqe *w, uint32_t offset, uint32_t size,
		  uint8_t *to)
{
	const struct emu_key_use use = { .pd = qp->pd, .qpn = qp->qpn };
	struct emu_pieces *pieces = emu_no_pieces();
	const char *why = emu_segments_iov(&use, w->seg, w->nseg, w->bytes, offset, size, pieces);

	if (!why && emu_memory_read(to, pieces->iov, pieces->n, size) < 0)
		why = EMU_NOT_MAPPED;
	if (!why)
		return 0;
	emu_swqe_protect(qp, w, &use, why);
	return -EFAULT;
}

static uint8_t last_flags(const struct emu_swqe *w)
{
	const bool imm = emu_opcode_has_imm(w->opcode);

	return (uint8_t)(EMU_WIRE_LAST | (imm ? EMU_WIRE_IMM : 0) |
			 (w->opcode == EMU_OP_SEND_INVAL ? EMU_WIRE_INVALIDATE : 0) |
			 (w->solicited ? EMU_WIRE_SOLICITED : 0));
}

static bool is_send(const struct emu_swqe *w)
{
	return w->opcode == EMU_OP_SEND || w->opcode == EMU_OP_SEND_IMM ||
	       w->opcode == EMU_OP_SEND_INVAL;
}

static int send_data(struct emu_qp *qp, struct emu_swqe *w)
{
	const uint8_t mtu = (uint8_t)qp->attr.path_mtu;
	const uint32_t offset = qp->req.cur_packets * emu_mtu_bytes(mtu);
	const uint32_t left = w->length - offset;
	const uint32_t most = emu_fault_payload(mtu);
	struct emu_packet p = packet_for(qp, w);
	int rc;

	p.opcode = is_send(w) ? EMU_WIRE_SEND : EMU_WIRE_WRITE;
	p.length = left < most ? left : most;
	p.dma_len = p.opcode == EMU_WIRE_WRITE ? w->length : 0;
	if (offset == 0)
		p.flags |= EMU_WIRE_FIRST;
	if (p.length == left) {
		p.flags |= last_flags(w);
		p.imm = p.flags & EMU_WIRE_IMM ? w->imm : 0;
	}
	rc = gather(qp, w, offset, p.length, emu.tx + EMU_WIRE_HEADER);
	if (rc == 0)
		rc = transmit(qp, &p, emu_packets(p.length, mtu));
	if (rc == 0)
		advance(qp, w, emu_packets(p.length, mtu));
	return rc;
}

/* The whole message, with its GRH as the receiver will see it. */
static int send_datagram(struct emu_qp *qp, struct emu_swqe *w)
{
	uint8_t *payload = emu.tx + EMU_WIRE_HEADER;
	struct emu_packet p = packet_for(qp, w);
	int rc;

	p.opcode = EMU_WIRE_SEND;
	p.flags = (uint8_t)(EMU_WIRE_FIRST | last_flags(w));
	p.imm = p.flags & EMU_WIRE_IMM ? w->imm : 0;
	p.qkey = w->av.qkey & (uint32_t)EMU_QKEY_OF_QP ? qp->attr.qkey : w->av.qkey;
	p.length = EMU_GRH_BYTES + w->length;
	p.raddr = emu_lrh_pack(&qp->dev->config, &w->av);
	emu_grh_make(&qp->dev->config, &w->av, w->length, payload);
	rc = gather(qp, w, 0, w->length, payload + EMU_GRH_BYTES);
	if (rc == 0)
		rc = transmit(qp, &p, 1);
	if (rc == 0)
		advance(qp, w, 1);
	return rc;
}

/* Once: it is met again when the queue goes back. */
static int update_key(struct emu_qp *qp, struct emu_swqe *w)
{
	const char *why = w->done ? NULL : emu_umr_execute(qp, w->umr);

	if (why) {
		emu_warn("QP 0x%06x WQE %u UMR of key 0x%x: %s", qp->qpn, w->index, w->umr->key,
			 why);
		emu_swqe_fail(w, EMU_SYN_MW_BIND, EMU_VENDOR_MW_BIND);
		return -EFAULT;
	}
	w->done = true;
	qp->req.cur++;
	return 0;
}

int emu_requester_send(struct emu_qp *qp, struct emu_swqe *w)
{
	switch (w->opcode) {
	case EMU_OP_UMR:
		return update_key(qp, w);
	case EMU_OP_NOP:
		w->done = true;
		qp->req.cur++;
		return 0;
	case EMU_OP_READ:
		return send_read(qp, w);
	case EMU_OP_ATOMIC_CS:
	case EMU_OP_ATOMIC_FA:
		return send_atomic(qp, w);
	default:
		return qp->transport->connected ? send_data(qp, w) : send_datagram(qp, w);
	}
}
