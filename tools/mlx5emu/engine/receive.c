/* SPDX-License-Identifier: MIT */
#include "receive.h"
#include "explain.h"
#include "fault.h"
#include "memory.h"
#include "qp.h"
#include "relay.h"
#include "report.h"
#include "trace.h"
#include "vendor.h"

#include <stdio.h>
#include <string.h>

static uint8_t not_ready(const struct emu_qp *qp)
{
	return (uint8_t)(EMU_AETH_RNR | qp->attr.min_rnr_timer);
}

static uint8_t ready_shared(struct emu_qp *qp)
{
	const int posted = emu_srq_posted(qp->srq);

	if (posted > 0)
		return EMU_AETH_ACK;
	if (posted == 0)
		return not_ready(qp);
	emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
	return EMU_AETH_NAK_REMOTE_OPERATION;
}

static void report_record(const struct emu_qp *qp, uint32_t word, bool back)
{
	const struct emu_responder *resp = &qp->resp;
	const uint16_t record = (uint16_t)word;

	if (word > UINT16_MAX)
		emu_report("QP 0x%06x: receive doorbell record is 0x%x, expected 16 bits", qp->qpn,
			   word);
	else if (back)
		emu_report("QP 0x%06x: receive doorbell record is %u, expected %u or more: it went "
			   "back",
			   qp->qpn, record, resp->record);
	else
		emu_report(
			"QP 0x%06x: receive doorbell record is %u, expected at most %u: the ring "
			"has %u receives, and WQE %u was not taken",
			qp->qpn, record, (uint16_t)(resp->head + qp->init.rq_wqe_count),
			qp->init.rq_wqe_count, resp->head);
}

/* Whether the record of the own ring is one to go on with; of one that is wrong, it says so once. */
static bool record_ok(struct emu_qp *qp, uint32_t word)
{
	struct emu_responder *resp = &qp->resp;
	const uint16_t record = (uint16_t)word, posted = (uint16_t)(record - resp->head);
	const bool possible = posted <= qp->init.rq_wqe_count;
	const bool back = possible ? posted < (uint16_t)(resp->record - resp->head) :
				     (int16_t)(record - resp->record) < 0;
	const bool wrong = !possible || back || word > UINT16_MAX;

	if (wrong && !resp->record_told && (!possible || emu.strict != EMU_STRICT_OFF)) {
		resp->record_told = true;
		report_record(qp, word, back);
	}
	if (possible)
		resp->record = record;
	return !wrong || (possible && !emu_strict_refuses(emu.strict));
}

uint8_t emu_receive_ready(struct emu_qp *qp)
{
	uint32_t word;

	if (qp->srq)
		return ready_shared(qp);
	if (qp->init.rq_wqe_count == 0)
		return not_ready(qp);
	word = emu_qp_dbrec_word(qp, EMU_DBREC_RQ);
	if (record_ok(qp, word))
		return (uint16_t)word == qp->resp.head ? not_ready(qp) : EMU_AETH_ACK;
	emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
	return EMU_AETH_NAK_REMOTE_OPERATION;
}

void emu_receive_settle(struct emu_qp *qp)
{
	const struct iovec at = { &qp->dbrec[EMU_DBREC_RQ], sizeof(emu_be32) };
	emu_be32 word = { 0 };

	if (qp->init.rq_wqe_count && qp->attr.qp_state != EMU_QPS_RESET &&
	    emu.strict != EMU_STRICT_OFF && emu_memory_read(&word, &at, 1, sizeof(word)) == 0)
		(void)record_ok(qp, emu_get32(word));
}

uint8_t emu_receive_take_empty(struct emu_qp *qp)
{
	struct emu_responder *resp = &qp->resp;
	uint8_t rc;

	if (resp->has_rwqe)
		return EMU_AETH_ACK;
	rc = emu_receive_ready(qp);
	if (rc != EMU_AETH_ACK)
		return rc;
	if (!qp->srq) {
		resp->rwqe_index = resp->head++;
	} else if (emu_srq_take(qp->srq, &resp->rwqe_index) < 0) {
		emu_qp_fatal(qp, EMU_EVENT_QP_FATAL);
		return EMU_AETH_NAK_REMOTE_OPERATION;
	}
	resp->has_rwqe = true;
	resp->taken = 0;
	emu.counters.receives++;
	qp->stat->work.receives++;
	emu_fault_taken(qp);
	return qp->attr.qp_state == EMU_QPS_ERR ? EMU_AETH_NAK_REMOTE_OPERATION : EMU_AETH_ACK;
}

static const uint8_t *segments(const struct emu_qp *qp, uint32_t *size)
{
	const uint16_t index = qp->resp.rwqe_index;

	if (qp->srq)
		return emu_srq_segments(qp->srq, index, size);
	*size = 1u << qp->init.rq_stride_shift;
	return qp->rq + (size_t)(index & (uint16_t)(qp->init.rq_wqe_count - 1)) * *size;
}

bool emu_receive_read(const struct emu_qp *qp, struct emu_rwqe *out)
{
	struct emu_wqe_error error;
	uint32_t size;
	const uint8_t *wqe = segments(qp, &size);

	return emu_rwqe_parse(wqe, size, qp->resp.rwqe_index, qp->qpn, out, &error) == 0;
}

uint8_t emu_receive_take(struct emu_qp *qp)
{
	struct emu_responder *resp = &qp->resp;
	struct emu_wqe_error error;
	const uint8_t *wqe;
	uint32_t size;
	uint8_t rc;

	if (resp->has_rwqe)
		return EMU_AETH_ACK;
	rc = emu_receive_take_empty(qp);
	if (rc != EMU_AETH_ACK)
		return rc;
	wqe = segments(qp, &size);
	if (emu_rwqe_parse(wqe, size, resp->rwqe_index, qp->qpn, &resp->rwqe, &error) == 0) {
		resp->taken = resp->rwqe.nseg * EMU_DS;
		memcpy(resp->bytes, wqe, resp->taken);
		if (emu_trace_on())
			emu_trace_receive(qp, resp->rwqe_index, &resp->rwqe);
		return EMU_AETH_ACK;
	}
	if (emu_trace_on())
		emu_trace_refused(qp, resp->rwqe_index, error.text);
	emu.counters.illegal_wqes++;
	emu_report_receive(wqe, size, error.text);
	emu_receive_failed(qp, error.syndrome, EMU_VENDOR_LOCAL_QP_OPERATION);
	return EMU_AETH_NAK_REMOTE_OPERATION;
}

/* IBA vol 1 section 9.9.3: too long is an invalid request for the sender, a length error here. */
static uint8_t too_long(struct emu_qp *qp, uint32_t length)
{
	const struct emu_responder *resp = &qp->resp;
	char text[EMU_WQE_ERROR_TEXT];
	uint32_t size;
	const uint8_t *wqe = segments(qp, &size);

	snprintf(text, sizeof(text),
		 "QP 0x%06x receive WQE %u: a message of %llu bytes or more, expected at most %llu",
		 qp->qpn, resp->rwqe_index, (unsigned long long)(resp->received + length),
		 (unsigned long long)resp->rwqe.length);
	emu_report_receive_error(wqe, size, text);
	emu_receive_failed(qp, EMU_SYN_LOCAL_LENGTH, EMU_VENDOR_LOCAL_LENGTH);
	return EMU_AETH_NAK_INVALID_REQUEST;
}

/* A shared queue's WQEs name keys of its own protection domain (IBA vol 1 section 10.2.9). */
static const struct emu_pd *domain(const struct emu_qp *qp)
{
	return qp->srq ? qp->srq->pd : qp->pd;
}

/* Into the CQE, where the queue pair has that and it fits; it is the program that scatters then. */
static bool put_in_cqe(struct emu_qp *qp, const void *from, uint32_t length)
{
	struct emu_responder *resp = &qp->resp;

	if (length == 0 || length > qp->init.scatter_res)
		return false;
	memcpy(resp->in_cqe, from, length);
	resp->scatter = (uint8_t)qp->init.scatter_res;
	return true;
}

static void explain(const struct emu_qp *qp, const struct emu_key_use *use, const char *why)
{
	const struct emu_rwqe *rwqe = &qp->resp.rwqe;
	char text[EMU_WQE_ERROR_TEXT];
	uint32_t size;
	const uint8_t *wqe = segments(qp, &size);
	const int n = snprintf(text, sizeof(text), "QP 0x%06x receive WQE %u: ", qp->qpn,
			       qp->resp.rwqe_index);

	emu_explain_segments(use, rwqe->seg, rwqe->nseg, why, text + n, sizeof(text) - (size_t)n);
	emu_report_receive_error(wqe, size, text);
}

/* Keys are checked in either case: what a device would do without need is a bug found here. */
uint8_t emu_receive_scatter(struct emu_qp *qp, const void *from, uint32_t length, bool whole)
{
	struct emu_responder *resp = &qp->resp;
	const struct emu_key_use use = { .pd = domain(qp),
					 .qpn = qp->qpn,
					 .access = EMU_ACCESS_LOCAL_WRITE };
	struct emu_pieces *pieces = emu_no_pieces();
	const char *why;

	resp->scatter = 0;
	if (length > resp->rwqe.length - resp->received)
		return too_long(qp, length);
	if (!qp->srq && !emu_owner_may_write(qp, &qp->rq_owner, "receive", resp->rwqe_index))
		return EMU_AETH_NAK_REMOTE_OPERATION;
	why = emu_segments_iov(&use, resp->rwqe.seg, resp->rwqe.nseg, NULL, resp->received, length,
			       pieces);
	if (!why && !(whole && put_in_cqe(qp, from, length)) &&
	    emu_memory_write(pieces->iov, pieces->n, from, length) < 0)
		why = EMU_NOT_MAPPED;
	if (!why) {
		resp->received += length;
		return EMU_AETH_ACK;
	}
	explain(qp, &use, why);
	emu_receive_failed(qp, EMU_SYN_LOCAL_PROTECTION, EMU_VENDOR_LOCAL_PROTECTION_RECEIVE);
	return EMU_AETH_NAK_REMOTE_OPERATION;
}

/* ---- completions ---- */

/*
 * PRM, CQE, srqn_user_index. By version 1 the user's index of whose completion it is; by version 0 the
 * number of the shared queue, or 0, and the queue pair is found by its own (in libmlx5: get_cur_rsc()).
 */
static uint32_t index_of(const struct emu_qp *qp)
{
	const struct emu_srq *srq = qp->srq;

	if (qp->dev->config.cqe_v0)
		return srq ? srq->srqn : 0;
	return srq && qp->xrcd ? srq->attr.uidx : qp->init.uidx;
}

/* Annex A14: the receive is the shared queue's business, and so is its completion. */
static void complete(struct emu_qp *qp, struct emu_completion *c)
{
	struct emu_srq *srq = qp->srq;

	if (srq)
		emu_srq_return(srq, c->wqe_counter);
	c->uidx = index_of(qp);
	emu_qp_complete(qp, srq && qp->xrcd ? srq->cq : qp->recv_cq, c);
}

void emu_receive_done(struct emu_qp *qp, const struct emu_completion *completion)
{
	struct emu_responder *resp = &qp->resp;

	resp->completion = *completion;
	resp->completion.wqe_counter = resp->rwqe_index;
	resp->completion.scatter = resp->scatter;
	if (resp->scatter)
		memcpy(resp->completion.payload, resp->in_cqe, sizeof(resp->in_cqe));
	resp->scatter = 0;
	resp->completes = true;
	resp->has_rwqe = false;
}

static void complete_error(struct emu_qp *qp, uint16_t index, enum emu_syndrome syndrome,
			   uint8_t vendor)
{
	struct emu_completion c = {
		.opcode = EMU_CQE_RESP_ERR,
		.syndrome = syndrome,
		.vendor = vendor,
		.wqe_counter = index,
	};

	complete(qp, &c);
}

/* False: the WQE is not any more what the device took. */
static bool unchanged(struct emu_qp *qp)
{
	const struct emu_responder *resp = &qp->resp;
	char text[EMU_WQE_ERROR_TEXT];
	unsigned at = 0;
	uint32_t size;
	const uint8_t *wqe = segments(qp, &size);

	if (emu.strict == EMU_STRICT_OFF || memcmp(wqe, resp->bytes, resp->taken) == 0)
		return true;
	while (wqe[at] == resp->bytes[at])
		at++;
	snprintf(text, sizeof(text),
		 "QP 0x%06x receive WQE %u: data[%u] byte +%02x is 0x%02x, expected 0x%02x as the "
		 "device read it: changed before its completion",
		 qp->qpn, resp->rwqe_index, at / EMU_DS, at % EMU_DS, wqe[at], resp->bytes[at]);
	emu_report_receive(wqe, size, text);
	return !emu_strict_refuses(emu.strict);
}

void emu_receive_complete(struct emu_qp *qp)
{
	struct emu_responder *resp = &qp->resp;

	if (!resp->completes)
		return;
	resp->completes = false;
	if (!unchanged(qp)) {
		complete_error(qp, resp->rwqe_index, EMU_SYN_LOCAL_QP_OPERATION,
			       EMU_VENDOR_LOCAL_QP_OPERATION);
		emu_qp_fail(qp);
		return;
	}
	emu_debug("QP 0x%06x receive %u: %u bytes", qp->qpn, resp->completion.wqe_counter,
		  resp->completion.byte_cnt);
	complete(qp, &resp->completion);
}

void emu_receive_failed(struct emu_qp *qp, enum emu_syndrome syndrome, uint8_t vendor)
{
	if (!qp->resp.has_rwqe)
		return;
	qp->resp.has_rwqe = false;
	emu_info("QP 0x%06x receive %u: error completion, syndrome 0x%02x", qp->qpn,
		 qp->resp.rwqe_index, syndrome);
	complete_error(qp, qp->resp.rwqe_index, syndrome, vendor);
	emu_qp_fail(qp);
}

/* IBA vol 1 section 11.6.3.2: of a shared queue's receives this queue pair will take no more. */
static void last_wqe_reached(struct emu_qp *qp)
{
	if (qp->resp.last_wqe)
		return;
	qp->resp.last_wqe = true;
	emu_raise(qp->dev, EMU_EVENT_QP_LAST_WQE_REACHED, qp->init.cookie, 0);
}

unsigned emu_receive_flush(struct emu_qp *qp)
{
	struct emu_responder *resp = &qp->resp;
	unsigned posted, n = 0;
	uint32_t word;

	if (!emu_responder_owes(resp)) /* a read that is owed has its data there */
		emu_relay_end(qp, true);
	if (resp->has_rwqe) {
		resp->has_rwqe = false;
		(void)unchanged(qp);
		complete_error(qp, resp->rwqe_index, EMU_SYN_FLUSH, EMU_VENDOR_FLUSH);
		n++;
	}
	if (qp->srq && !qp->xrcd)
		last_wqe_reached(qp);
	if (qp->srq || qp->init.rq_wqe_count == 0)
		return n;
	word = emu_qp_dbrec_word(qp, EMU_DBREC_RQ);
	(void)record_ok(qp, word);
	posted = (uint16_t)((uint16_t)word - resp->head);
	if (posted > qp->init.rq_wqe_count)
		return n;
	for (; posted > 0; posted--, n++)
		complete_error(qp, resp->head++, EMU_SYN_FLUSH, EMU_VENDOR_FLUSH);
	return n;
}
