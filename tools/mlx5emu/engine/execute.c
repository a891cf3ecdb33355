/* SPDX-License-Identifier: MIT */
#include "explain.h"
#include "memory.h"
#include "mr.h"
#include "qp.h"
#include "receive.h"
#include "report.h"

#include <string.h>

/*
 * What requests do to this process: memory, receive queue, completions. Each function checks all
 * before it changes anything, as far as the kernel lets it know.
 */

static void complete_receive(struct emu_qp *qp, enum emu_cqe_opcode opcode,
			     const struct emu_packet *p, uint32_t bytes)
{
	struct emu_completion c = {
		.opcode = opcode,
		.solicited = p->flags & EMU_WIRE_SOLICITED,
		.byte_cnt = bytes,
		.imm = p->flags & EMU_WIRE_IMM ? p->imm : 0,
	};

	if (p->flags & EMU_WIRE_INVALIDATE)
		c.imm = htobe32(p->rkey);
	emu_receive_done(qp, &c);
}

/* ---- SEND ---- */

static enum emu_cqe_opcode send_opcode(const struct emu_packet *p)
{
	if (p->flags & EMU_WIRE_INVALIDATE)
		return EMU_CQE_RESP_SEND_INV;
	return p->flags & EMU_WIRE_IMM ? EMU_CQE_RESP_SEND_IMM : EMU_CQE_RESP_SEND;
}

/* The key goes before the message is complete (IBA vol 1 section 9.4.1.1.3). */
static uint8_t invalidate(struct emu_qp *qp, const struct emu_packet *p)
{
	const char *why;

	if (!(p->flags & EMU_WIRE_INVALIDATE))
		return EMU_AETH_ACK;
	why = emu_invalidate(qp, emu_responder_pd(qp, p->srqn), p->rkey);
	if (!why)
		return EMU_AETH_ACK;
	emu_warn("QP 0x%06x: remote invalidation of key 0x%x: %s", qp->qpn, p->rkey, why);
	return EMU_AETH_NAK_REMOTE_ACCESS;
}

uint8_t emu_execute_send(struct emu_qp *qp, const struct emu_packet *p)
{
	const bool whole = p->flags & EMU_WIRE_FIRST && p->flags & EMU_WIRE_LAST;
	struct emu_responder *resp = &qp->resp;
	uint8_t rc;

	if (p->flags & EMU_WIRE_FIRST) {
		rc = emu_receive_take(qp);
		if (rc != EMU_AETH_ACK)
			return rc;
		resp->message = EMU_WIRE_SEND;
		resp->received = 0;
	}
	rc = emu_receive_scatter(qp, p->payload, p->length, whole);
	if (rc != EMU_AETH_ACK)
		return rc;
	if (!(p->flags & EMU_WIRE_LAST))
		return EMU_AETH_ACK;
	rc = invalidate(qp, p);
	if (rc != EMU_AETH_ACK)
		return rc;
	resp->message = 0;
	complete_receive(qp, send_opcode(p), p, (uint32_t)resp->received);
	return EMU_AETH_ACK;
}

/* ---- WRITE ---- */

static uint8_t refuse_access(const struct emu_qp *qp, const char *operation,
			     const struct emu_key_use *use, uint32_t rkey, uint64_t va,
			     uint64_t length, const char *why)
{
	char text[EMU_WQE_ERROR_TEXT];

	emu_explain_remote(use, rkey, va, length, why, text, sizeof(text));
	emu_report_remote("QP 0x%06x: %s by QP 0x%06x: %s", qp->qpn, operation, qp->attr.dest_qpn,
			  text);
	return EMU_AETH_NAK_REMOTE_ACCESS;
}

static struct emu_key_use use_of(const struct emu_qp *qp, const struct emu_packet *p,
				 uint32_t access)
{
	return (struct emu_key_use){
		.pd = emu_responder_pd(qp, p->srqn),
		.qpn = qp->qpn,
		.access = access,
	};
}

/* The whole range at the first packet; a zero-length write needs no key (9.7.4.1.5). */
static uint8_t begin_write(struct emu_qp *qp, const struct emu_packet *p)
{
	struct emu_responder *resp = &qp->resp;
	const struct emu_key_use use = use_of(qp, p, EMU_ACCESS_REMOTE_WRITE);
	const char *why = NULL;

	if (p->dma_len)
		why = emu_key_pieces(&use, p->rkey, p->raddr, p->dma_len, NULL);
	if (why)
		return refuse_access(qp, "write", &use, p->rkey, p->raddr, p->dma_len, why);
	resp->message = EMU_WIRE_WRITE;
	resp->received = 0;
	resp->va = p->raddr;
	resp->rkey = p->rkey;
	resp->dma_len = p->dma_len;
	return EMU_AETH_ACK;
}

static uint8_t store(struct emu_qp *qp, const struct emu_packet *p)
{
	const struct emu_responder *resp = &qp->resp;
	const uint64_t va = resp->va + resp->received;
	const struct emu_key_use use = use_of(qp, p, EMU_ACCESS_REMOTE_WRITE);
	struct emu_pieces *pieces = emu_no_pieces();
	const char *why;

	if (p->length == 0)
		return EMU_AETH_ACK;
	if (!emu_owner_may_store(qp, p->psn))
		return EMU_AETH_NAK_REMOTE_OPERATION;
	why = emu_key_pieces(&use, resp->rkey, va, p->length, pieces);
	if (!why && emu_memory_write(pieces->iov, pieces->n, p->payload, p->length) < 0)
		why = EMU_NOT_MAPPED;
	return why ? refuse_access(qp, "write", &use, resp->rkey, va, p->length, why) :
		     EMU_AETH_ACK;
}

uint8_t emu_execute_write(struct emu_qp *qp, const struct emu_packet *p)
{
	struct emu_responder *resp = &qp->resp;
	const bool last = p->flags & EMU_WIRE_LAST;
	uint8_t rc;

	/* Before anything of this datagram counts: the receive that the immediate needs. */
	if (p->flags & EMU_WIRE_IMM) {
		rc = emu_receive_ready(qp);
		if (rc != EMU_AETH_ACK)
			return rc;
	}
	if (p->flags & EMU_WIRE_FIRST) {
		rc = begin_write(qp, p);
		if (rc != EMU_AETH_ACK)
			return rc;
	}
	if (p->length > resp->dma_len - resp->received ||
	    last != (resp->received + p->length == resp->dma_len))
		return EMU_AETH_NAK_INVALID_REQUEST;
	rc = store(qp, p);
	if (rc != EMU_AETH_ACK)
		return rc;
	resp->received += p->length;
	if (last)
		resp->message = 0;
	if (!(p->flags & EMU_WIRE_IMM))
		return EMU_AETH_ACK;
	rc = emu_receive_take_empty(qp);
	if (rc == EMU_AETH_ACK)
		complete_receive(qp, EMU_CQE_RESP_WRITE_IMM, p, resp->dma_len);
	return rc;
}

/* ---- READ and atomics ---- */

static void remember(struct emu_qp *qp, const struct emu_executed *e)
{
	struct emu_responder *resp = &qp->resp;

	resp->executed[resp->next_executed] = *e;
	resp->next_executed = (resp->next_executed + 1) % EMU_MAX_RD_ATOM;
}

uint8_t emu_execute_read_allowed(struct emu_qp *qp, const struct emu_packet *p)
{
	const struct emu_key_use use = use_of(qp, p, EMU_ACCESS_REMOTE_READ);
	const char *why = NULL;

	if (p->dma_len)
		why = emu_key_pieces(&use, p->rkey, p->raddr, p->dma_len, NULL);
	return why ? refuse_access(qp, "read", &use, p->rkey, p->raddr, p->dma_len, why) :
		     EMU_AETH_ACK;
}

void emu_execute_read_answer(struct emu_qp *qp, const struct emu_packet *p)
{
	remember(qp, &(struct emu_executed){
			     .valid = true,
			     .psn = p->psn,
			     .npsn = emu_packets(p->dma_len, p->mtu),
			     .va = p->raddr,
			     .rkey = p->rkey,
			     .length = p->dma_len,
		     });
	emu_answer_add(qp, &(struct emu_answer){
				   .kind = EMU_ANSWER_READ,
				   .psn = p->psn,
				   .va = p->raddr,
				   .rkey = p->rkey,
				   .length = p->dma_len,
				   .srqn = p->srqn,
			   });
}

uint8_t emu_execute_read(struct emu_qp *qp, const struct emu_packet *p)
{
	const uint8_t syndrome = emu_execute_read_allowed(qp, p);

	if (syndrome == EMU_AETH_ACK)
		emu_execute_read_answer(qp, p);
	return syndrome;
}

/* Atomic to all that this device does: every access to program memory holds the engine lock. */
static bool modify_memory(const struct emu_pieces *at, const struct emu_packet *p, uint64_t *found)
{
	uint64_t value;

	if (emu_memory_read(found, at->iov, at->n, sizeof(*found)) < 0)
		return false;
	if (p->opcode == EMU_WIRE_FETCH_ADD)
		value = *found + p->swap_add;
	else if (*found == p->compare)
		value = p->swap_add;
	else
		return true;
	return emu_memory_write(at->iov, at->n, &value, sizeof(value)) == 0;
}

uint8_t emu_execute_atomic_memory(struct emu_qp *qp, const struct emu_packet *p, uint64_t *found)
{
	const struct emu_key_use use = use_of(qp, p, EMU_ACCESS_REMOTE_ATOMIC);
	struct emu_pieces *at = emu_no_pieces();
	const char *why;

	/* IBA vol 1 section 9.4.5 (atomics): the address is naturally aligned. */
	if (p->raddr % sizeof(*found)) {
		emu_report_remote("QP 0x%06x: atomic by QP 0x%06x: raddr is 0x%llx, expected a "
				  "multiple of 8",
				  qp->qpn, p->src_qpn, (unsigned long long)p->raddr);
		return EMU_AETH_NAK_INVALID_REQUEST;
	}
	why = emu_key_pieces(&use, p->rkey, p->raddr, sizeof(*found), at);
	if (!why && !modify_memory(at, p, found))
		why = EMU_NOT_MAPPED;
	return why ? refuse_access(qp, "atomic", &use, p->rkey, p->raddr, sizeof(*found), why) :
		     EMU_AETH_ACK;
}

void emu_execute_atomic_answer(struct emu_qp *qp, const struct emu_packet *p, uint64_t found)
{
	remember(qp, &(struct emu_executed){
			     .valid = true,
			     .atomic = true,
			     .psn = p->psn,
			     .npsn = 1,
			     .va = p->raddr,
			     .rkey = p->rkey,
			     .value = found,
		     });
	emu_answer_add(qp, &(struct emu_answer){
				   .kind = EMU_ANSWER_ATOMIC,
				   .psn = p->psn,
				   .value = found,
			   });
}

uint8_t emu_execute_atomic(struct emu_qp *qp, const struct emu_packet *p)
{
	uint64_t found = 0;
	const uint8_t syndrome = emu_execute_atomic_memory(qp, p, &found);

	if (syndrome == EMU_AETH_ACK)
		emu_execute_atomic_answer(qp, p, found);
	return syndrome;
}

static void read_again(struct emu_qp *qp, const struct emu_executed *e, const struct emu_packet *p)
{
	/* The rest of the same read and nothing else (9.7.4.3.1). */
	const uint64_t skipped =
		(uint64_t)(uint32_t)emu_psn_diff(p->psn, e->psn) * emu_mtu_bytes(p->mtu);

	if (p->opcode != EMU_WIRE_READ || p->rkey != e->rkey || p->raddr != e->va + skipped ||
	    p->dma_len != e->length - skipped)
		return;
	emu_answer_add(qp, &(struct emu_answer){
				   .kind = EMU_ANSWER_READ,
				   .duplicate = true,
				   .psn = p->psn,
				   .va = p->raddr,
				   .rkey = p->rkey,
				   .length = p->dma_len,
				   .srqn = p->srqn,
			   });
}

/* From the newest back: an entry may be so old that its sequence numbers are in use again. */
void emu_execute_again(struct emu_qp *qp, const struct emu_packet *p)
{
	for (unsigned i = 1; i <= EMU_MAX_RD_ATOM; i++) {
		const struct emu_executed *e =
			&qp->resp.executed[(qp->resp.next_executed + EMU_MAX_RD_ATOM - i) %
					   EMU_MAX_RD_ATOM];
		const int32_t offset = emu_psn_diff(p->psn, e->psn);

		if (!e->valid || offset < 0 || (uint32_t)offset >= e->npsn)
			continue;
		if (!e->atomic) {
			read_again(qp, e, p);
		} else if (p->opcode != EMU_WIRE_READ) {
			emu_answer_add(qp, &(struct emu_answer){
						   .kind = EMU_ANSWER_ATOMIC,
						   .duplicate = true,
						   .psn = p->psn,
						   .value = e->value,
					   });
		}
		return;
	}
	emu.counters.datagrams_dropped++;
}
