/* SPDX-License-Identifier: MIT */
/*
 * Polling through the extended completion queue: fields are read one by one, and only those that
 * are needed. A queue made for a single thread is polled without a lock, which ibv_poll_cq() of
 * libmlx5 always takes; and what was reaped before the queue broke is not lost.
 */
#include <errno.h>

#include "channel.h"
#include "completion.h"

static BV_COLD __attribute__((noinline)) void send_failed(struct bv_channel *ch,
							  struct ibv_cq_ex *cq, struct bv_wc *wc)
{
	verbs_failed(ch, (int64_t)verbs_number(cq->wr_id), cq->status, ibv_wc_read_vendor_err(cq),
		     wc);
}

static BV_COLD __attribute__((noinline)) void recv_failed(struct bv_channel *ch,
							  struct ibv_cq_ex *cq, struct bv_wc *wc)
{
	ch->rq_done = cq->wr_id + 1;
	ch->rq_limit++;
	verbs_failed(ch, (int64_t)cq->wr_id, cq->status, ibv_wc_read_vendor_err(cq), wc);
	verbs_keep_result(to_verbs(ch), wc);
}

/* Only drivers know how much a read fetched. Apart, as it must keep what others need not. */
static __attribute__((noinline)) void add_bytes(struct ibv_cq_ex *cq, struct bv_wc *wc)
{
	wc->bytes = wc->op == BV_OP_READ ? ibv_wc_read_byte_len(cq) : 8;
}

static inline void send_done(struct bv_channel *ch, struct ibv_cq_ex *cq, struct bv_wc *wc)
{
	const uint64_t number = verbs_number(cq->wr_id);
	const enum bv_op op = verbs_op(cq->wr_id);

	ch->sq_limit = number + ch->sq_room;
	if (bvi_unlikely(cq->status != IBV_WC_SUCCESS)) {
		send_failed(ch, cq, wc);
		return;
	}
	verbs_sent(wc, number, op, 0);
	if (bvi_unlikely(verbs_fetched(op)))
		add_bytes(cq, wc);
}

/* Field by field, in the order they lie in: constants among them become one store. */
static inline __attribute__((always_inline)) void
tell(struct bv_wc *wc, uint64_t number, uint32_t bytes, uint32_t imm, enum bv_op op, unsigned flags)
{
	wc->work = (int64_t)number;
	wc->reserved = 0;
	wc->flags = (uint8_t)flags;
	wc->op = (uint8_t)op;
	wc->status = BV_STATUS_SUCCESS;
	wc->bytes = bytes;
	wc->imm = imm;
	wc->vendor_err = 0;
}

/* A success, in both places that it is told in. Inline for each operation: so it is a constant. */
static inline __attribute__((always_inline)) void received(struct bv_channel *ch,
							   const struct ibv_cq_ex *cq,
							   struct bv_wc *wc, uint32_t imm,
							   enum bv_op op, unsigned flags)
{
	struct verbs_channel *const v = to_verbs(ch);
	const uint64_t number = cq->wr_id;
	const uint32_t bytes = wc->bytes;

	ch->rq_done = number + 1;
	ch->rq_limit++;
	tell(wc, number, bytes, imm, op, flags);
	tell(&v->results[number & v->posted_recv_mask], number, bytes, imm, op, flags);
}

static inline __attribute__((always_inline)) void recv_done(struct bv_channel *ch,
							    struct ibv_cq_ex *cq, struct bv_wc *wc)
{
	if (bvi_unlikely(cq->status != IBV_WC_SUCCESS)) {
		recv_failed(ch, cq, wc);
		return;
	}
	/* What is read early waits in its place: no call must spare a register for it. */
	wc->bytes = ibv_wc_read_byte_len(cq);
	if (!(ibv_wc_read_wc_flags(cq) & IBV_WC_WITH_IMM)) {
		received(ch, cq, wc, 0, BV_OP_RECV, 0);
		return;
	}
	/* Nobody writes without one, so only now the driver must be asked which of the two it is. */
	if (ibv_wc_read_opcode(cq) == IBV_WC_RECV_RDMA_WITH_IMM)
		received(ch, cq, wc, be32toh(ibv_wc_read_imm_data(cq)), BV_OP_RECV_WRITE_IMM,
			 BV_WC_IMM);
	else
		received(ch, cq, wc, be32toh(ibv_wc_read_imm_data(cq)), BV_OP_RECV, BV_WC_IMM);
}

/* All that there are, up to @max. If the queue is broken then, the next call meets it again. */
int bvi_verbs_poll_send_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct ibv_cq_ex *const cq = to_verbs(ch)->send_cq_ex;
	const int rc = ibv_start_poll(cq, &to_verbs(ch)->poll);
	unsigned n = 0;

	if (rc)
		return rc == ENOENT ? 0 : -EIO;
	do
		send_done(ch, cq, &wc[n]);
	while (++n < max && ibv_next_poll(cq) == 0);
	ibv_end_poll(cq);
	return (int)n;
}

int bvi_verbs_poll_recv_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct ibv_cq_ex *const cq = to_verbs(ch)->recv_cq_ex;
	const int rc = ibv_start_poll(cq, &to_verbs(ch)->poll);
	unsigned n = 0;

	if (rc)
		return rc == ENOENT ? 0 : -EIO;
	do
		recv_done(ch, cq, &wc[n]);
	while (++n < max && ibv_next_poll(cq) == 0);
	ibv_end_poll(cq);
	return (int)n;
}

/* The usual poll takes one; of a send, only the channel stays in a register then. */
int bvi_verbs_poll_send_one_ex(struct bv_channel *ch, struct bv_wc *wc)
{
	struct verbs_channel *const v = to_verbs(ch);
	int rc;

	v->wc_out = wc;
	rc = ibv_start_poll(v->send_cq_ex, &v->poll);
	if (rc)
		return bvi_likely(rc == ENOENT) ? 0 : -EIO;
	send_done(ch, v->send_cq_ex, v->wc_out);
	ibv_end_poll(v->send_cq_ex);
	return 1;
}

int bvi_verbs_poll_recv_one_ex(struct bv_channel *ch, struct bv_wc *wc)
{
	struct ibv_cq_ex *const cq = to_verbs(ch)->recv_cq_ex;
	const int rc = ibv_start_poll(cq, &to_verbs(ch)->poll);

	if (rc)
		return bvi_likely(rc == ENOENT) ? 0 : -EIO;
	recv_done(ch, cq, wc);
	ibv_end_poll(cq);
	return 1;
}
