/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "qp.h"
#include "receive.h"
#include "relay.h"

/*
 * Order and errors of a responder (IBA vol 1 section 9.7.4.1, the checks from top to bottom as in
 * figure 80, and 9.9.3 responder errors); the effects are in execute.c.
 */

void emu_responder_clear(struct emu_responder *resp)
{
	*resp = (struct emu_responder){ 0 };
}

static uint32_t packets_of(const struct emu_packet *p)
{
	switch (p->opcode) {
	case EMU_WIRE_SEND:
	case EMU_WIRE_WRITE:
		return emu_packets(p->length, p->mtu);
	case EMU_WIRE_READ:
		return emu_packets(p->dma_len, p->mtu);
	default:
		return 1;
	}
}

static bool is_message(const struct emu_packet *p)
{
	return p->opcode == EMU_WIRE_SEND || p->opcode == EMU_WIRE_WRITE;
}

static struct emu_srq *find_srq(const struct emu_qp *qp, uint32_t srqn)
{
	struct emu_srq *srq = emu_srq_find_any(srqn);

	return srq && srq->xrcd && srq->xrcd->domain == qp->xrcd->domain ? srq : NULL;
}

static void explain_srq(const struct emu_qp *qp, uint32_t srqn)
{
	emu_warn("QP 0x%06x: SRQ %u is none of the queue pair's XRC domain", qp->qpn, srqn);
}

const struct emu_pd *emu_responder_pd(const struct emu_qp *qp, uint32_t srqn)
{
	const struct emu_srq *srq = qp->xrcd ? find_srq(qp, srqn) : NULL;

	return srq ? srq->pd : qp->pd;
}

/* Annex A14: one queue for all packets of a message, whichever process has it. */
static bool one_srq(const struct emu_qp *qp, const struct emu_packet *p)
{
	return !qp->resp.message || qp->resp.srqn == p->srqn;
}

/* Annex A14: the queue exists in the target's domain, and is the one that the message began with. */
static bool bind_srq(struct emu_qp *qp, const struct emu_packet *p)
{
	struct emu_srq *srq;

	if (!qp->xrcd)
		return true;
	srq = find_srq(qp, p->srqn);
	if (!srq)
		explain_srq(qp, p->srqn);
	if (!srq || (qp->resp.message && srq != qp->srq))
		return false;
	qp->srq = srq;
	qp->resp.srqn = p->srqn;
	return true;
}

bool emu_responder_size_ok(const struct emu_qp *qp, const struct emu_packet *p)
{
	const uint8_t mtu = (uint8_t)qp->attr.path_mtu;
	const uint32_t most = emu_mtu_bytes(p->mtu < mtu ? p->mtu : mtu);

	return p->mtu == mtu || !is_message(p) ||
	       (p->flags & EMU_WIRE_FIRST && p->flags & EMU_WIRE_LAST && p->length <= most);
}

/* Opcode sequence and length rules (9.7.4.1.2, 9.7.4.1.6), access of the queue (9.7.4.1.4). */
static bool request_ok(const struct emu_qp *qp, const struct emu_packet *p)
{
	const struct emu_responder *resp = &qp->resp;
	const uint32_t access = qp->attr.access_flags;

	if (!emu_responder_size_ok(qp, p))
		return false;
	if (is_message(p)) {
		if (!(p->flags & EMU_WIRE_FIRST) != (resp->message == p->opcode))
			return false;
		return p->opcode == EMU_WIRE_SEND || (access & EMU_ACCESS_REMOTE_WRITE);
	}
	if (resp->message || resp->reads_owed >= qp->attr.max_dest_rd_atomic)
		return false;
	return access &
	       (p->opcode == EMU_WIRE_READ ? EMU_ACCESS_REMOTE_READ : EMU_ACCESS_REMOTE_ATOMIC);
}

static uint8_t execute(struct emu_qp *qp, const struct emu_packet *p)
{
	switch (p->opcode) {
	case EMU_WIRE_SEND:
		return emu_execute_send(qp, p);
	case EMU_WIRE_WRITE:
		return emu_execute_write(qp, p);
	case EMU_WIRE_READ:
		return emu_execute_read(qp, p);
	default:
		return emu_execute_atomic(qp, p);
	}
}

static void nak(struct emu_qp *qp, uint32_t psn, uint8_t syndrome)
{
	qp->resp.nak_sent = true;
	emu_answer_aeth(qp, psn, syndrome);
}

/* 9.9.3.1 class C: the NAK leaves, then the queue pair is in error. */
static void fail(struct emu_qp *qp, const struct emu_packet *p, uint8_t syndrome)
{
	emu_warn("QP 0x%06x: request of QP 0x%06x, opcode %d PSN %u, answered with NAK 0x%02x",
		 qp->qpn, p->src_qpn, (int)p->opcode, p->psn, syndrome);
	emu.counters.remote_naks++;
	nak(qp, p->psn, syndrome);
	if (syndrome == EMU_AETH_NAK_REMOTE_ACCESS)
		emu_qp_fatal(qp, EMU_EVENT_QP_ACCESS_ERR);
	else if (syndrome == EMU_AETH_NAK_INVALID_REQUEST && qp->attr.qp_state != EMU_QPS_ERR)
		emu_qp_fatal(qp, EMU_EVENT_QP_REQ_ERR);
	else
		emu_qp_fail(qp);
}

/*
 * The acknowledge goes out before the completion shows: a program that leaves at once upon its last
 * completion must not take the acknowledge with it.
 */
static void complete(struct emu_qp *qp)
{
	if (!qp->resp.completes)
		return;
	emu_responder_run(qp);
	emu_receive_complete(qp);
}

/* The request that was expected has been executed, or was not. */
static void conclude(struct emu_qp *qp, const struct emu_packet *p, uint8_t syndrome)
{
	struct emu_responder *resp = &qp->resp;
	const uint32_t next = emu_psn_add(resp->epsn, packets_of(p));

	if (syndrome == EMU_AETH_ACK) {
		resp->epsn = next;
		if (!is_message(p) || (p->flags & EMU_WIRE_LAST))
			resp->msn = emu_psn_add(resp->msn, 1);
		if (is_message(p))
			emu_answer_aeth(qp, emu_psn_add(next, EMU_PSN_MASK), EMU_AETH_ACK);
		complete(qp);
	} else if ((syndrome & ~EMU_AETH_RNR_TIMER) == EMU_AETH_RNR) {
		emu.counters.rnr_naks++;
		qp->stat->work.rnr_naks_sent++;
		nak(qp, resp->epsn, syndrome);
	} else {
		fail(qp, p, syndrome);
	}
}

static void receive_expected(struct emu_qp *qp, const struct emu_packet *p)
{
	const bool ok = request_ok(qp, p) && one_srq(qp, p);
	uint8_t syndrome = EMU_AETH_NAK_INVALID_REQUEST;

	qp->resp.nak_sent = false;
	if (ok && emu_relay_wanted(qp, p->srqn)) {
		emu_relay_request(qp, p);
		return;
	}
	if (ok && bind_srq(qp, p)) {
		syndrome = emu_fault_request(qp, p);
		if (syndrome == EMU_AETH_ACK)
			syndrome = execute(qp, p);
	}
	conclude(qp, p, syndrome);
}

void emu_responder_relayed(struct emu_qp *qp, const struct emu_packet *p, uint8_t syndrome,
			   uint64_t value)
{
	struct emu_responder *resp = &qp->resp;

	if ((syndrome & ~EMU_AETH_RNR_TIMER) == EMU_AETH_RNR)
		syndrome = (uint8_t)(EMU_AETH_RNR | qp->attr.min_rnr_timer);
	if (syndrome == EMU_AETH_ACK && is_message(p)) {
		resp->message = p->flags & EMU_WIRE_LAST ? 0 : p->opcode;
		resp->srqn = p->srqn;
	} else if (syndrome == EMU_AETH_ACK && p->opcode == EMU_WIRE_READ) {
		emu_execute_read_answer(qp, p);
	} else if (syndrome == EMU_AETH_ACK) {
		emu_execute_atomic_answer(qp, p, value);
	}
	conclude(qp, p, syndrome);
}

/* Begins before the expected PSN. What is new in it counts, the rest was done before (9.7.5.1.4). */
static void receive_duplicate(struct emu_qp *qp, const struct emu_packet *p)
{
	const uint32_t old = (uint32_t)emu_psn_diff(qp->resp.epsn, p->psn);
	struct emu_packet rest = *p;

	if (!is_message(p)) {
		emu_execute_again(qp, p);
		return;
	}
	if (old >= packets_of(p)) {
		emu_answer_aeth(qp, emu_psn_add(qp->resp.epsn, EMU_PSN_MASK), EMU_AETH_ACK);
		return;
	}
	rest.psn = qp->resp.epsn;
	rest.flags &= (uint8_t)~EMU_WIRE_FIRST;
	rest.length -= old * emu_mtu_bytes(p->mtu);
	rest.payload += (size_t)old * emu_mtu_bytes(p->mtu);
	receive_expected(qp, &rest);
}

bool emu_responder_listens(struct emu_qp *qp)
{
	const enum emu_qp_state state = qp->attr.qp_state;

	if (state < EMU_QPS_RTR || state > EMU_QPS_SQE) {
		emu.counters.datagrams_dropped++;
		emu_debug("QP 0x%06x: request in state %d dropped", qp->qpn, (int)state);
		return false;
	}
	if (state == EMU_QPS_RTR && !qp->established && qp->transport->connected) {
		qp->established = true;
		emu_raise(qp->dev, EMU_EVENT_COMM_EST, qp->init.cookie, 0);
	}
	return true;
}

void emu_responder_receive(struct emu_qp *qp, const struct emu_packet *p)
{
	struct emu_responder *resp = &qp->resp;
	int32_t ahead;

	if (!emu_responder_listens(qp))
		return;
	if (EMU_ANSWERS - (resp->last_answer - resp->first_answer) < EMU_ANSWERS_RESERVE) {
		emu.counters.datagrams_dropped++;
		return;
	}
	if (emu_relay_waits(qp)) {
		emu_relay_later(qp, p);
		return;
	}
	ahead = emu_psn_diff(p->psn, resp->epsn);
	if (ahead == 0) {
		receive_expected(qp, p);
	} else if (ahead < 0) {
		receive_duplicate(qp, p);
	} else if (!resp->nak_sent) {
		emu.counters.sequence_naks++;
		nak(qp, resp->epsn, EMU_AETH_NAK_PSN_SEQUENCE);
	}
}
