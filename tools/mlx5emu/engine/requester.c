/* SPDX-License-Identifier: MIT */
#include "explain.h"
#include "fault.h"
#include "qp.h"
#include "report.h"
#include "timer.h"
#include "trace.h"
#include "vendor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Fetching, choosing and completing; see requester.h. What goes out is in requester_send.c, what
 * comes back in requester_ack.c.
 */

enum {
	BUDGET = 16,      /* datagrams per turn, so that QPs share the device */
	WINDOW = 1 << 22, /* PSNs in flight: half of what a 24-bit compare can tell */
};

int emu_requester_init(struct emu_requester *req, uint32_t blocks)
{
	if (blocks == 0)
		return 0;
	req->wqe = calloc(blocks, sizeof(*req->wqe));
	req->wqe_mask = blocks - 1;
	return req->wqe ? 0 : -ENOMEM;
}

static void drop_head(struct emu_requester *req)
{
	struct emu_swqe *w = emu_swqe_at(req, req->head);

	free(w->seg);
	w->seg = NULL;
	free(w->umr);
	w->umr = NULL;
	if (req->cur == req->head) {
		req->cur++;
		req->cur_packets = 0;
	}
	req->head++;
}

void emu_requester_clear(struct emu_requester *req)
{
	struct emu_swqe *ring = req->wqe;
	const uint32_t mask = req->wqe_mask;

	while (req->head != req->tail)
		drop_head(req);
	*req = (struct emu_requester){ .wqe = ring, .wqe_mask = mask };
}

void emu_requester_fini(struct emu_requester *req)
{
	emu_requester_clear(req);
	free(req->wqe);
}

/* ---- fetching ---- */

/* Blocks that the device holds: oldest WQE not completed up to the doorbell record. */
static bool record_ok(const struct emu_qp *qp, uint16_t limit)
{
	const struct emu_requester *req = &qp->req;
	const uint16_t oldest = emu_requester_oldest(req);
	const uint16_t held = (uint16_t)(limit - oldest);

	if (held <= qp->init.sq_wqebb_count && held >= (uint16_t)(req->limit - oldest))
		return true;
	if ((int16_t)(limit - req->limit) < 0)
		emu_report(
			"QP 0x%06x: send doorbell record is %u, expected %u or more: it went back",
			qp->qpn, limit, req->limit);
	else
		emu_report(
			"QP 0x%06x: send doorbell record is %u, expected at most %u: the ring has "
			"%u blocks, and WQE %u is not done",
			qp->qpn, limit, (uint16_t)(oldest + qp->init.sq_wqebb_count),
			qp->init.sq_wqebb_count, oldest);
	return false;
}

void emu_requester_doorbell(struct emu_qp *qp)
{
	const uint16_t limit = emu_qp_dbrec(qp, EMU_DBREC_SQ);
	const enum emu_qp_state state = qp->attr.qp_state;

	if (limit == qp->req.limit || qp->init.sq_wqebb_count == 0)
		return;
	if (state < EMU_QPS_RTS) {
		emu_warn("QP 0x%06x: send doorbell in state %d ignored", qp->qpn, (int)state);
		return;
	}
	if (!record_ok(qp, limit)) {
		emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
		return;
	}
	qp->req.limit = limit;
	qp->stat->work.doorbells++;
	emu_qp_kick(qp);
}

void emu_swqe_fail(struct emu_swqe *w, enum emu_syndrome status, uint8_t vendor)
{
	if (w->status)
		return;
	w->status = status;
	w->vendor = vendor;
}

/* Keeps what the ring said: the program may not touch the slot, but a bad one might. */
static int keep(struct emu_swqe *w, const struct emu_wqe *wqe)
{
	const size_t segs = wqe->nseg * sizeof(*w->seg);
	const size_t room = w->in_cqe ? EMU_CQE_SCATTER_MAX : 0;

	w->seg = malloc(segs + wqe->size + room);
	if (!w->seg)
		return -ENOMEM;
	memcpy(w->seg, wqe->seg, segs);
	w->nseg = wqe->nseg;
	w->bytes = (uint8_t *)w->seg + segs;
	memcpy(w->bytes, wqe->bytes, wqe->size);
	w->size = wqe->size;
	w->result = w->bytes + wqe->size;
	return 0;
}

/* False: no memory. */
static bool copy_umr(struct emu_swqe *w, const struct emu_wqe *wqe)
{
	if (wqe->opcode != EMU_OP_UMR)
		return true;
	w->umr = malloc(sizeof(*w->umr));
	if (w->umr)
		*w->umr = wqe->umr;
	return w->umr;
}

void emu_swqe_compare(const struct emu_qp *qp, struct emu_swqe *w)
{
	const struct emu_wqe_ring ring = emu_qp_ring(qp);
	uint8_t now[EMU_WQE_MAX_BYTES];
	char text[EMU_WQE_ERROR_TEXT];
	unsigned at = 0;

	if (emu.strict == EMU_STRICT_OFF || w->size == 0)
		return;
	emu_wqe_linearise(&ring, w->index, now, w->size);
	if (memcmp(now, w->bytes, w->size) == 0)
		return;
	while (now[at] == w->bytes[at])
		at++;
	snprintf(
		text, sizeof(text),
		"QP 0x%06x WQE %u %s: byte +%02x is 0x%02x, expected 0x%02x as the device read it: "
		"changed before its completion",
		qp->qpn, w->index, emu_opcode_name(w->opcode), at, now[at], w->bytes[at]);
	emu_report_changed(qp, w->bytes, now, w->size, text);
	if (emu_strict_refuses(emu.strict))
		emu_swqe_fail(w, EMU_SYN_LOCAL_QP_OPERATION, EMU_VENDOR_LOCAL_QP_OPERATION);
}

void emu_swqe_protect(const struct emu_qp *qp, struct emu_swqe *w, const struct emu_key_use *use,
		      const char *why)
{
	char text[EMU_WQE_ERROR_TEXT];

	emu_explain_segments(use, w->seg, w->nseg, why, text, sizeof(text));
	emu_report_error(qp, w->index, "%s", text);
	emu_swqe_fail(w, EMU_SYN_LOCAL_PROTECTION, EMU_VENDOR_LOCAL_PROTECTION_SEND);
}

/* All keys at once, before the first byte leaves (IBA vol 1 section 9.9.2.1). */
static void check_keys(const struct emu_qp *qp, struct emu_swqe *w)
{
	const struct emu_key_use use = {
		.pd = qp->pd,
		.qpn = qp->qpn,
		.access = emu_swqe_reads(w) ? EMU_ACCESS_LOCAL_WRITE : 0,
	};
	const char *why = emu_segments_iov(&use, w->seg, w->nseg, w->bytes, 0, w->length, NULL);

	if (why)
		emu_swqe_protect(qp, w, &use, why);
}

/* A slow device: nothing starts before @ns have passed. */
static void rest(struct emu_qp *qp, uint64_t ns)
{
	if (ns)
		emu_timer_slow(qp, emu_now_ns() + ns);
}

/* A datagram is one packet, so that the port's MTU bounds it (IBA vol 1 section 9.8.3.1). */
static bool too_long(const struct emu_qp *qp, struct emu_swqe *w)
{
	const uint32_t most = emu_mtu_bytes(emu_qp_mtu(qp));

	if (qp->transport->connected || w->length <= most)
		return false;
	emu_report_error(qp, w->index, "length is %u, expected at most %u, the port's MTU",
			 w->length, most);
	emu_swqe_fail(w, EMU_SYN_LOCAL_LENGTH, EMU_VENDOR_LOCAL_LENGTH);
	return true;
}

/* The table is the port's; an entry may have gone since the address was made. */
static bool no_source(const struct emu_qp *qp, struct emu_swqe *w)
{
	if (qp->transport->connected || w->opcode == EMU_OP_NOP || !w->av.grh ||
	    w->av.sgid_index < qp->dev->config.ngids)
		return false;
	emu_report_error(qp, w->index, "av.grh_gid_fl names source GID %u, expected below %u",
			 w->av.sgid_index, qp->dev->config.ngids);
	emu_swqe_fail(w, EMU_SYN_LOCAL_QP_OPERATION, EMU_VENDOR_LOCAL_QP_OPERATION);
	return true;
}

static uint32_t packets(const struct emu_qp *qp, const struct emu_wqe *wqe)
{
	switch (wqe->opcode) {
	case EMU_OP_NOP:
	case EMU_OP_UMR:
		return 0;
	case EMU_OP_ATOMIC_CS:
	case EMU_OP_ATOMIC_FA:
		return 1;
	default:
		return qp->transport->connected ? emu_packets(wqe->length, emu_qp_mtu(qp)) : 1;
	}
}

static void accept_wqe(struct emu_qp *qp, struct emu_swqe *w, const struct emu_wqe *wqe)
{
	*w = (struct emu_swqe){
		.opcode = wqe->opcode,
		.fence = wqe->fence,
		.signaled = wqe->signaled,
		.solicited = wqe->solicited,
		.index = wqe->index,
		.psn = qp->req.next_psn,
		.imm = wqe->imm,
		.rkey = wqe->rkey,
		.length = wqe->length,
		.raddr = wqe->raddr,
		.compare = wqe->compare,
		.swap_add = wqe->swap_add,
		.av = wqe->av,
		.srqn = wqe->srqn,
	};
	w->npsn = packets(qp, wqe);
	w->in_cqe = w->signaled && emu_swqe_reads(w) && w->length > 0 &&
		    w->length <= qp->init.scatter_req;
	emu.counters.wqes++;
	qp->stat->work.wqes++;
	if (emu_trace_on())
		emu_trace_wqe(qp, wqe);
	emu_debug("QP 0x%06x WQE %u %s: %u bytes, PSN %u", qp->qpn, w->index,
		  emu_opcode_name(w->opcode), w->length, w->psn);
	if (!copy_umr(w, wqe) || keep(w, wqe) < 0) {
		w->nseg = 0;
		emu_swqe_fail(w, EMU_SYN_LOCAL_QP_OPERATION, EMU_VENDOR_LOCAL_QP_OPERATION);
		return;
	}
	if (emu_swqe_reads(w) && qp->attr.max_rd_atomic == 0) {
		emu_report_error(
			qp, w->index,
			"ctrl.opcode is 0x%x, expected none that reads: max_rd_atomic is 0",
			(unsigned)w->opcode);
		emu_swqe_fail(w, EMU_SYN_LOCAL_QP_OPERATION, EMU_VENDOR_LOCAL_QP_OPERATION);
		return;
	}
	if (too_long(qp, w) || no_source(qp, w))
		return;
	rest(qp, emu_fault_wqe(qp, w));
	if (qp->attr.qp_state == EMU_QPS_ERR) /* by a fault */
		emu_swqe_fail(w, EMU_SYN_FLUSH, EMU_VENDOR_FLUSH);
	check_keys(qp, w);
	qp->req.next_psn = emu_psn_add(w->psn, w->npsn);
}

static void refuse_wqe(struct emu_swqe *w, const struct emu_wqe *wqe,
		       const struct emu_wqe_error *error)
{
	const bool length = error->syndrome == EMU_SYN_LOCAL_LENGTH;

	emu.counters.illegal_wqes++;
	*w = (struct emu_swqe){ .opcode = wqe->opcode, .index = wqe->index };
	emu_swqe_fail(w, error->syndrome,
		      length ? EMU_VENDOR_LOCAL_LENGTH : EMU_VENDOR_LOCAL_QP_OPERATION);
}

static void fetch(struct emu_qp *qp)
{
	struct emu_requester *req = &qp->req;
	struct emu_swqe *w = emu_swqe_at(req, req->tail);
	struct emu_wqe_error error;
	const uint16_t posted = (uint16_t)(req->limit - req->fetch);
	const struct emu_wqe_ring ring = emu_qp_ring(qp);
	const int rc = emu_wqe_parse(&ring, req->fetch, posted, &emu.wqe, &error);

	if (error.text[0])
		emu_report_wqe(qp, req->fetch, error.text);
	if (error.text[0] && emu_trace_on())
		emu_trace_refused(qp, req->fetch, error.text);
	if (rc == 0)
		accept_wqe(qp, w, &emu.wqe);
	else
		refuse_wqe(w, &emu.wqe, &error);
	req->tail++;
	req->fetch = (uint16_t)(req->fetch + (emu.wqe.blocks < posted ? emu.wqe.blocks : posted));
}

/* ---- what may be sent now ---- */

/* Whether the rules of order and the peer's limits let this WQE start or go on. */
static bool may_send(const struct emu_qp *qp, const struct emu_swqe *w)
{
	const struct emu_requester *req = &qp->req;
	const bool starts = req->cur_packets == 0;

	/* IBA vol 1 section 10.8.3.3: a fenced request waits for earlier reads and atomics. */
	if (starts && w->fence == EMU_FM_FENCE && req->reads)
		return false;
	if (starts && (w->fence == EMU_FM_FENCE_ALL || w->fence == EMU_FM_STRONG_ORDER) &&
	    req->head != req->cur)
		return false;
	if (emu_swqe_reads(w) && req->reads >= qp->attr.max_rd_atomic)
		return false;
	/* After an RNR NAK one message asks whether there is a receive: what follows would be dropped. */
	if (starts && req->rnr_retries && w->psn != req->una)
		return false;
	return emu_psn_diff(emu_psn_add(w->psn, req->cur_packets), req->una) < WINDOW;
}

/* The WQE to send from, fetched if need be; NULL when there is none or it must not be sent. */
static struct emu_swqe *sendable(struct emu_qp *qp)
{
	struct emu_requester *req = &qp->req;
	struct emu_swqe *w;

	if (req->cur == req->tail) {
		if (req->fetch == req->limit || qp->attr.qp_state != EMU_QPS_RTS)
			return NULL;
		fetch(qp);
	}
	w = emu_swqe_at(req, req->cur);
	return w->status || req->slow_deadline || !may_send(qp, w) ? NULL : w;
}

/* ---- completing ---- */

static void complete(struct emu_qp *qp, const struct emu_swqe *w, enum emu_syndrome syndrome,
		     uint8_t vendor)
{
	struct emu_completion c = {
		.opcode = syndrome ? EMU_CQE_REQ_ERR : EMU_CQE_REQ,
		.syndrome = syndrome,
		.vendor = vendor,
		.wqe_opcode = (uint8_t)w->opcode,
		.wqe_counter = w->index,
		.uidx = qp->dev->config.cqe_v0 ? 0 : qp->init.uidx,
		/* PRM, CQE: defined for reads and atomics; whoever takes it for others shall notice. */
		.byte_cnt = emu_swqe_reads(w) ? w->length : UINT32_MAX,
	};

	if (w->in_cqe && !syndrome) {
		c.scatter = (uint8_t)qp->init.scatter_req;
		memcpy(c.payload, w->result, w->length);
	}
	if (syndrome && syndrome != EMU_SYN_FLUSH)
		emu_info("QP 0x%06x WQE %u %s: error completion, syndrome 0x%02x", qp->qpn,
			 w->index, emu_opcode_name(w->opcode), syndrome);
	emu_qp_complete(qp, qp->send_cq, &c);
}

unsigned emu_requester_retire(struct emu_qp *qp)
{
	struct emu_requester *req = &qp->req;
	unsigned n = 0;

	while (req->head != req->tail && qp->attr.qp_state != EMU_QPS_ERR &&
	       qp->attr.qp_state != EMU_QPS_SQE) {
		struct emu_swqe *w = emu_swqe_at(req, req->head);

		if (!w->done && !w->status)
			break;
		n++;
		emu_swqe_compare(qp, w);
		if (w->status) {
			complete(qp, w, w->status, w->vendor);
			drop_head(req);
			emu_qp_fail_send(qp);
			break;
		}
		if (w->signaled)
			complete(qp, w, EMU_SYN_NONE, 0);
		drop_head(req);
	}
	return n;
}

static void check_drained(struct emu_qp *qp)
{
	struct emu_requester *req = &qp->req;

	if (qp->attr.qp_state != EMU_QPS_SQD || req->drained || req->head != req->tail)
		return;
	req->drained = true;
	if (qp->attr.en_sqd_async_notify)
		emu_raise(qp->dev, EMU_EVENT_SQ_DRAINED, qp->init.cookie, 0);
}

unsigned emu_requester_run(struct emu_qp *qp)
{
	struct emu_requester *req = &qp->req;
	struct emu_swqe *w;
	unsigned n = 0;

	req->blocked = req->blocked && !qp->leaves &&
		       !emu_fabric_clear(emu.fabric, emu_qpn_slot(qp->attr.dest_qpn));
	if (qp->attr.qp_state != EMU_QPS_RTS && qp->attr.qp_state != EMU_QPS_SQD)
		return 0;
	while (n < BUDGET && !req->blocked && !req->rnr_deadline && (w = sendable(qp))) {
		const int rc = emu_requester_send(qp, w);

		req->blocked = rc == -EAGAIN;
		if (rc < 0)
			break;
		n++;
	}
	n += emu_requester_retire(qp);
	check_drained(qp);
	return n;
}

unsigned emu_requester_flush(struct emu_qp *qp)
{
	const struct emu_wqe_ring ring = emu_qp_ring(qp);
	struct emu_requester *req = &qp->req;
	unsigned n = 0;

	for (; req->head != req->tail; n++) {
		emu_swqe_compare(qp, emu_swqe_at(req, req->head));
		complete(qp, emu_swqe_at(req, req->head), EMU_SYN_FLUSH, EMU_VENDOR_FLUSH);
		drop_head(req);
	}
	for (; req->fetch != req->limit; n++) {
		struct emu_swqe w = { .index = req->fetch };
		const uint16_t posted = (uint16_t)(req->limit - req->fetch);
		uint8_t opcode;
		const uint16_t blocks = emu_wqe_blocks(&ring, req->fetch, &opcode);

		w.opcode = (enum emu_opcode)opcode;
		complete(qp, &w, EMU_SYN_FLUSH, EMU_VENDOR_FLUSH);
		req->fetch = (uint16_t)(req->fetch + (blocks < posted ? blocks : posted));
	}
	return n;
}
