/* SPDX-License-Identifier: MIT */
#include "memory.h"
#include "qp.h"
#include "timer.h"
#include "vendor.h"

#include <string.h>

/*
 * What comes back to a requester: acknowledges, responses, time-outs (IBA vol 1 section 9.7.5.2 and
 * 9.9.2.4). A response with PSN p acknowledges everything before p; if that would skip a read
 * whose response has not come, the response was lost and the read is asked again ("implied NAK").
 */

static void progress(struct emu_qp *qp)
{
	struct emu_requester *req = &qp->req;

	req->retries = 0;
	req->rnr_retries = 0;
	req->implied_nak = false;
	if (req->una == req->sent || qp->attr.timeout == 0)
		emu_timer_ack(qp, 0);
	else
		emu_timer_ack(qp, emu_now_ns() + emu_ack_timeout_ns(qp->attr.timeout));
}

/* The fetched WQE that owns @psn; NULL when there is none. */
static struct emu_swqe *find(struct emu_requester *req, uint32_t psn, uint32_t *position)
{
	for (uint32_t i = req->head; i != req->tail; i++) {
		struct emu_swqe *w = emu_swqe_at(req, i);
		const int32_t offset = emu_psn_diff(psn, w->psn);

		if (offset >= 0 && (uint32_t)offset < w->npsn) {
			*position = i;
			return w;
		}
	}
	return NULL;
}

void emu_requester_go_back(struct emu_qp *qp)
{
	struct emu_requester *req = &qp->req;
	uint32_t position;
	const struct emu_swqe *w = find(req, req->una, &position);

	if (!w || req->una == req->sent)
		return;
	req->cur = position;
	req->cur_packets = (uint32_t)emu_psn_diff(req->una, w->psn);
	/* Everything from here on is asked again, and nothing before it is outstanding. */
	req->reads = 0;
	emu.counters.retransmissions++;
	qp->stat->work.retransmissions++;
	emu_debug("QP 0x%06x: back to PSN %u", qp->qpn, req->una);
	emu_qp_kick(qp);
}

/* Counts one retry against retry_cnt; false when the QP just failed of it. */
static bool spend_retry(struct emu_qp *qp)
{
	struct emu_requester *req = &qp->req;
	struct emu_swqe *w;
	uint32_t position;

	if (req->retries++ < qp->attr.retry_cnt)
		return true;
	w = find(req, req->una, &position);
	if (w) {
		emu_warn("QP 0x%06x WQE %u %s: no answer from QP 0x%06x after %u retries", qp->qpn,
			 w->index, emu_opcode_name(w->opcode), qp->attr.dest_qpn,
			 qp->attr.retry_cnt);
		emu_swqe_fail(w, EMU_SYN_RETRY_EXCEEDED, EMU_VENDOR_RETRY_EXCEEDED);
	}
	emu_requester_retire(qp);
	return false;
}

/* Acknowledges all before @psn. False: a read's response is missing, and it was asked again. */
static bool acknowledge(struct emu_qp *qp, uint32_t psn)
{
	struct emu_requester *req = &qp->req;
	const uint32_t before = req->una;
	bool complete = true;

	for (uint32_t i = req->head; i != req->tail; i++) {
		struct emu_swqe *w = emu_swqe_at(req, i);
		const uint32_t behind = emu_psn_add(w->psn, w->npsn);

		if (w->done || w->npsn == 0)
			continue;
		if (emu_psn_diff(psn, w->psn) <= 0)
			break;
		if (emu_swqe_reads(w)) {
			complete = emu_psn_diff(req->una, w->psn) >= 0 && req->una == psn;
			if (!complete && emu_psn_diff(w->psn, req->una) > 0)
				req->una = w->psn;
			break;
		}
		req->una = emu_psn_diff(psn, behind) < 0 ? psn : behind;
		if (req->una != behind)
			break;
		w->done = true;
	}
	if (req->una != before)
		progress(qp);
	/* Once: whatever else is on its way says the same, and the timer covers a second loss. */
	if (!complete && !req->implied_nak) {
		req->implied_nak = true;
		if (spend_retry(qp))
			emu_requester_go_back(qp);
	}
	return complete;
}

static void remote_error(struct emu_qp *qp, uint32_t psn, enum emu_syndrome status, uint8_t vendor)
{
	uint32_t position;
	struct emu_swqe *w = find(&qp->req, psn, &position);

	if (w)
		emu_swqe_fail(w, status, vendor);
}

/* IBA vol 1 section 9.7.5.2.8: wait as long as the responder asked, then start over at the NAK. */
static void receiver_not_ready(struct emu_qp *qp, uint32_t psn, uint8_t code)
{
	enum {
		INFINITE = 7,
	};
	struct emu_requester *req = &qp->req;

	if (qp->attr.rnr_retry != INFINITE && req->rnr_retries >= qp->attr.rnr_retry) {
		emu_warn("QP 0x%06x: receiver not ready after %u retries", qp->qpn,
			 qp->attr.rnr_retry);
		remote_error(qp, psn, EMU_SYN_RNR_RETRY_EXCEEDED, EMU_VENDOR_RNR_RETRY_EXCEEDED);
		return;
	}
	req->rnr_retries++;
	qp->stat->work.rnr_naks_received++;
	emu_timer_ack(qp, 0);
	emu_timer_rnr(qp, emu_now_ns() + emu_rnr_wait_ns(code, req->rnr_retries));
	emu_debug("QP 0x%06x: receiver not ready at PSN %u, retry %u", qp->qpn, psn,
		  req->rnr_retries);
}

static void negative(struct emu_qp *qp, uint32_t psn, uint8_t syndrome)
{
	switch (syndrome) {
	case EMU_AETH_NAK_PSN_SEQUENCE:
		if (spend_retry(qp))
			emu_requester_go_back(qp);
		break;
	case EMU_AETH_NAK_INVALID_REQUEST:
		remote_error(qp, psn, EMU_SYN_REMOTE_INVALID_REQUEST,
			     EMU_VENDOR_REMOTE_INVALID_REQUEST);
		break;
	case EMU_AETH_NAK_REMOTE_ACCESS:
		remote_error(qp, psn, EMU_SYN_REMOTE_ACCESS, EMU_VENDOR_REMOTE_ACCESS);
		break;
	case EMU_AETH_NAK_REMOTE_OPERATION:
		remote_error(qp, psn, EMU_SYN_REMOTE_OPERATION, EMU_VENDOR_REMOTE_OPERATION);
		break;
	default:
		emu.counters.datagrams_dropped++;
		break;
	}
}

static void receive_aeth(struct emu_qp *qp, const struct emu_packet *p)
{
	if (p->syndrome == EMU_AETH_ACK) {
		acknowledge(qp, emu_psn_add(p->psn, 1));
		return;
	}
	if (!acknowledge(qp, p->psn))
		return;
	if ((p->syndrome & ~EMU_AETH_RNR_TIMER) == EMU_AETH_RNR)
		receiver_not_ready(qp, p->psn, p->syndrome & EMU_AETH_RNR_TIMER);
	else
		negative(qp, p->psn, p->syndrome);
}

static void scatter(struct emu_qp *qp, struct emu_swqe *w, uint32_t offset, const void *from,
		    uint32_t size)
{
	const struct emu_key_use use = { .pd = qp->pd,
					 .qpn = qp->qpn,
					 .access = EMU_ACCESS_LOCAL_WRITE };
	struct emu_pieces *pieces = emu_no_pieces();
	const char *why;

	if (!emu_owner_may_write(qp, &qp->sq_owner, "send", w->index)) {
		emu_swqe_fail(w, EMU_SYN_LOCAL_QP_OPERATION, EMU_VENDOR_LOCAL_QP_OPERATION);
		return;
	}
	why = emu_segments_iov(&use, w->seg, w->nseg, w->bytes, offset, size, pieces);
	if (!why && w->in_cqe)
		memcpy(w->result + offset, from, size);
	else if (!why && emu_memory_write(pieces->iov, pieces->n, from, size) < 0)
		why = EMU_NOT_MAPPED;
	if (!why)
		return;
	emu_swqe_protect(qp, w, &use, why);
}

/* The response continues at una, which belongs to a read or atomic under way; else NULL. */
static struct emu_swqe *expect_response(struct emu_qp *qp, const struct emu_packet *p, bool atomic)
{
	uint32_t position;
	struct emu_swqe *w;

	if (!acknowledge(qp, p->psn) || qp->req.una != p->psn)
		return NULL;
	w = find(&qp->req, p->psn, &position);
	if (!w || !emu_swqe_reads(w) || (w->opcode != EMU_OP_READ) != atomic || w->status)
		return NULL;
	return w;
}

static void finish(struct emu_qp *qp, struct emu_swqe *w, uint32_t packets)
{
	struct emu_requester *req = &qp->req;

	req->una = emu_psn_add(req->una, packets);
	if (req->una == emu_psn_add(w->psn, w->npsn)) {
		w->done = true;
		if (req->reads)
			req->reads--;
	}
	progress(qp);
}

/* A responder with another MTU makes other packets, but of what is one for both. */
static bool cut_alike(const struct emu_packet *p, const struct emu_swqe *w, uint8_t mtu)
{
	const uint32_t most = emu_mtu_bytes(p->mtu < mtu ? p->mtu : mtu);

	return p->mtu == mtu || (p->length == w->length && p->length <= most);
}

static void receive_read(struct emu_qp *qp, const struct emu_packet *p)
{
	const uint8_t mtu = (uint8_t)qp->attr.path_mtu;
	struct emu_swqe *w = expect_response(qp, p, false);
	uint32_t offset, left;

	if (!w)
		return;
	offset = (uint32_t)emu_psn_diff(p->psn, w->psn) * emu_mtu_bytes(mtu);
	left = w->length - offset;
	/* IBA vol 1 section 9.7.5.2.2: a response of the wrong size is a bad one. */
	if (!cut_alike(p, w, mtu) || p->length > left ||
	    !(p->flags & EMU_WIRE_LAST) != (p->length < left)) {
		emu_warn("QP 0x%06x: read response of %u bytes where %u are left", qp->qpn,
			 p->length, left);
		emu_swqe_fail(w, EMU_SYN_BAD_RESPONSE, 0);
		return;
	}
	scatter(qp, w, offset, p->payload, p->length);
	if (!w->status)
		finish(qp, w, emu_packets(p->length, mtu));
}

static void receive_atomic(struct emu_qp *qp, const struct emu_packet *p)
{
	struct emu_swqe *w = expect_response(qp, p, true);

	if (!w)
		return;
	scatter(qp, w, 0, &p->compare, sizeof(p->compare));
	if (!w->status)
		finish(qp, w, 1);
}

void emu_requester_receive(struct emu_qp *qp, const struct emu_packet *p)
{
	const struct emu_requester *req = &qp->req;

	if (qp->attr.qp_state != EMU_QPS_RTS && qp->attr.qp_state != EMU_QPS_SQD)
		return;
	/* Of an earlier transmission, or of nothing that was ever asked ("ghost"). */
	if (emu_psn_diff(p->psn, req->una) < 0 || emu_psn_diff(p->psn, req->sent) >= 0) {
		emu_trace("QP 0x%06x: response to PSN %u ignored", qp->qpn, p->psn);
		return;
	}
	/* While an RNR timer runs, only the responder's past answers can still arrive. */
	if (req->rnr_deadline)
		return;
	switch (p->opcode) {
	case EMU_WIRE_ACK:
		receive_aeth(qp, p);
		break;
	case EMU_WIRE_READ_RESPONSE:
		receive_read(qp, p);
		break;
	default:
		receive_atomic(qp, p);
		break;
	}
	emu_requester_retire(qp);
	emu_qp_kick(qp);
}

/*
 * Nothing is out that could be answered: the wire is busy with other queues, or the peer's process has no
 * processor. Its adapter would have taken the request; who takes nothing for so long is gone.
 */
static bool waits_its_turn(struct emu_qp *qp)
{
	enum {
		PATIENCE_S = 10,
	};
	struct emu_requester *req = &qp->req;
	const uint64_t taken = emu_fabric_taken(emu.fabric, emu_qpn_slot(qp->attr.dest_qpn));
	const uint64_t now = emu_now_ns();

	if (!req->blocked || req->cur == req->tail ||
	    emu_psn_add(emu_swqe_at(req, req->cur)->psn, req->cur_packets) != req->una)
		return false;
	if (taken != req->taken)
		emu_requester_turn_from(qp);
	return now - req->turn_since < PATIENCE_S * UINT64_C(1000000000);
}

void emu_requester_ack_timeout(struct emu_qp *qp)
{
	if (qp->req.una == qp->req.sent && qp->req.cur == qp->req.tail)
		return;
	if (waits_its_turn(qp)) {
		emu_timer_ack(qp, emu_now_ns() + emu_ack_timeout_ns(qp->attr.timeout));
		return;
	}
	emu.counters.timeouts++;
	qp->stat->work.timeouts++;
	emu_debug("QP 0x%06x: no acknowledge of PSN %u in time", qp->qpn, qp->req.una);
	if (!spend_retry(qp))
		return;
	emu_timer_ack(qp, emu_now_ns() + emu_ack_timeout_ns(qp->attr.timeout));
	emu_requester_go_back(qp);
}

void emu_requester_rnr_timeout(struct emu_qp *qp)
{
	emu_requester_go_back(qp);
}
