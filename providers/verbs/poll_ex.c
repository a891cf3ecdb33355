/* SPDX-License-Identifier: MIT */
/*
 * Polling through the extended completion queue: fields are read one by one, and only those that
 * are needed. A queue made for a single thread is polled without a lock, which ibv_poll_cq() of
 * libmlx5 always takes; and what was reaped before the queue broke is not lost.
 *
 * Polls of one receive leave the driver between ibv_start_poll() and ibv_end_poll(), where the next is found by
 * ibv_next_poll(): so a message is handed over before the device is told that its completion was taken, and of
 * several that wait it is told once. A poll that finds none does that, or one of a batch's end, as the queue has no
 * more room than for those; and whatever else is done with the queue does it before.
 */
#include <errno.h>

#include "channel.h"
#include "completion.h"

void bvi_verbs_cq_functions_set(struct verbs_channel *v)
{
	const struct ibv_cq_ex *cq = v->recv_cq_ex;

	v->cq_fn = (struct verbs_cq_functions){
		.start = cq->start_poll,
		.next = cq->next_poll,
		.end = cq->end_poll,
		.read_bytes = cq->read_byte_len,
		.read_flags = cq->read_wc_flags,
		.read_opcode = cq->read_opcode,
		.read_imm = cq->read_imm_data,
	};
}

/* The queues are looked up anew, so that no caller has to read what it does not need itself. */
static BV_COLD __attribute__((noinline)) void send_failed(struct bv_channel *ch, struct bv_wc *wc)
{
	struct ibv_cq_ex *const cq = to_verbs(ch)->send_cq_ex;
	const uint64_t number = verbs_number(verbs_place_of(cq->wr_id));

	assert(verbs_in_order(ch, verbs_place_of(cq->wr_id)));
	ch->sq_limit = number + ch->sq_room;
	verbs_failed(ch, (int64_t)number, cq->status, ibv_wc_read_vendor_err(cq), wc);
}

static BV_COLD __attribute__((noinline)) void recv_failed(struct bv_channel *ch, struct bv_wc *wc)
{
	struct ibv_cq_ex *const cq = to_verbs(ch)->recv_cq_ex;
	const uint64_t number = ch->rq_done++;

	ch->rq_limit++;
	verbs_failed(ch, (int64_t)number, cq->status, ibv_wc_read_vendor_err(cq), wc);
	verbs_keep_result(to_verbs(ch), wc);
}

/*
 * The short way of posting goes as far as there are places, if it is open: up to the one that is free now, unless it
 * goes up to the end of the ring already. It is closed, if the difference is that of a whole address.
 */
static inline void plain_up_to(struct verbs_channel *v, struct verbs_posted *place)
{
	if (bvi_unlikely((uintptr_t)place - (uintptr_t)v->plain_end < v->posted_size))
		v->plain_end = place + 1;
}

static inline __attribute__((always_inline)) void send_done(struct bv_channel *ch,
							    struct ibv_cq_ex *cq, struct bv_wc *wc)
{
	struct verbs_posted *const place = verbs_place_of(cq->wr_id);

	if (bvi_unlikely(cq->status != IBV_WC_SUCCESS)) {
		send_failed(ch, wc);
		return;
	}
	verbs_sent(ch, place, wc);
	plain_up_to(to_verbs(ch), place);
}

/* What struct bv_wc and struct verbs_result begin their equal ends with, as one store; constants. */
static inline __attribute__((always_inline)) void tell_op(void *end, enum bv_op op, unsigned flags)
{
	const uint8_t bytes[4] = { 0, (uint8_t)flags, (uint8_t)op, BV_STATUS_SUCCESS };

	static_assert(offsetof(struct verbs_result, bytes) == sizeof(bytes), "up to there");
	memcpy(end, bytes, sizeof(bytes));
}

/* The immediate, and no vendor_err behind it, as one store. */
static inline void tell_imm(struct bv_wc *wc, uint32_t imm)
{
	const uint64_t both = htole64(le32toh(imm));

	static_assert(offsetof(struct bv_wc, vendor_err) == offsetof(struct bv_wc, imm) + 4 &&
			      offsetof(struct bv_wc, imm) + 8 == sizeof(*wc),
		      "the last two");
	memcpy((char *)wc + offsetof(struct bv_wc, imm), &both, sizeof(both));
}

/* A success. Inline for each operation: so it is a constant, and no immediate need be stored. */
static inline __attribute__((always_inline)) void
received(struct bv_channel *ch, struct bv_wc *wc, uint32_t imm, enum bv_op op, unsigned flags)
{
	struct verbs_channel *const v = to_verbs(ch);
	const uint64_t number = ch->rq_done;
	struct verbs_result *const result = &verbs_received_at(v->recv_cq_ex->wr_id)->result;
	const uint32_t bytes = v->bytes;

	wc->work = (int64_t)number;
	tell_op((char *)wc + offsetof(struct bv_wc, reserved), op, flags);
	wc->bytes = bytes;
	tell_imm(wc, imm);
	ch->rq_done++;
	ch->rq_limit++;
	tell_op(result, op, flags);
	result->bytes = bytes;
	if (flags & BV_WC_IMM)
		result->imm = imm;
}

/* @to: where the completion is told. What is read early waits in memory: no call must spare a register for it. */
static inline __attribute__((always_inline)) void recv_done(struct bv_channel *ch,
							    struct bv_wc *const *to)
{
	struct verbs_channel *const v = to_verbs(ch);

	if (bvi_unlikely(v->recv_cq_ex->status != IBV_WC_SUCCESS)) {
		recv_failed(ch, *to);
		return;
	}
	v->bytes = v->cq_fn.read_bytes(v->recv_cq_ex);
	if (!(v->cq_fn.read_flags(v->recv_cq_ex) & IBV_WC_WITH_IMM)) {
		received(ch, *to, 0, BV_OP_RECV, 0);
		return;
	}
	/* Nobody writes without one, so only now the driver must be asked which of the two it is. */
	if (v->cq_fn.read_opcode(v->recv_cq_ex) == IBV_WC_RECV_RDMA_WITH_IMM)
		received(ch, *to, be32toh(v->cq_fn.read_imm(v->recv_cq_ex)), BV_OP_RECV_WRITE_IMM,
			 BV_WC_IMM);
	else
		received(ch, *to, be32toh(v->cq_fn.read_imm(v->recv_cq_ex)), BV_OP_RECV, BV_WC_IMM);
}

/* What a poll returns that found none, of what the driver did. */
static inline int none(int rc)
{
	return bvi_likely(rc == ENOENT) ? 0 : -EIO;
}

/* All that there are, up to @max. If the queue is broken then, the next call meets it again. */
int bvi_verbs_poll_send_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct ibv_cq_ex *const cq = to_verbs(ch)->send_cq_ex;
	const int rc = ibv_start_poll(cq, &to_verbs(ch)->poll);
	unsigned n = 0;

	if (rc)
		return none(rc);
	do
		send_done(ch, cq, &wc[n]);
	while (++n < max && ibv_next_poll(cq) == 0);
	ibv_end_poll(cq);
	return (int)n;
}

static inline void recv_end(struct verbs_channel *v)
{
	v->recv_left = 0;
	v->cq_fn.end(v->recv_cq_ex);
}

void bvi_verbs_poll_recv_end(struct verbs_channel *v)
{
	if (v->recv_left)
		recv_end(v);
}

/* The same in the middle of a batch; apart, so that the other way needs no register for @rc. */
static __attribute__((noinline)) int no_more(struct verbs_channel *v, int rc)
{
	recv_end(v);
	return none(rc);
}

int bvi_verbs_poll_recv_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct verbs_channel *const v = to_verbs(ch);
	struct bv_wc *const end = wc + max;
	struct bv_wc *at = wc;
	const int rc = v->recv_left ? v->cq_fn.next(v->recv_cq_ex) :
				      v->cq_fn.start(v->recv_cq_ex, &v->poll);

	if (rc)
		return v->recv_left ? no_more(v, rc) : none(rc);
	do
		recv_done(ch, &at);
	while (++at < end && v->cq_fn.next(v->recv_cq_ex) == 0);
	recv_end(v);
	return (int)(at - wc);
}

/* The usual poll takes one; only the channel stays in a register then. */
int bvi_verbs_poll_send_one_ex(struct bv_channel *ch, struct bv_wc *wc)
{
	struct verbs_channel *const v = to_verbs(ch);
	int rc;

	v->wc_out = wc;
	rc = v->cq_fn.start(v->send_cq_ex, &v->poll);
	if (rc)
		return none(rc);
	send_done(ch, v->send_cq_ex, v->wc_out);
	v->cq_fn.end(v->send_cq_ex);
	return 1;
}

int bvi_verbs_poll_recv_one_ex(struct bv_channel *ch, struct bv_wc *wc)
{
	struct verbs_channel *const v = to_verbs(ch);
	int rc;

	v->wc_out = wc;
	if (v->recv_left) {
		rc = v->cq_fn.next(v->recv_cq_ex);
		if (rc)
			return no_more(v, rc);
	} else {
		rc = v->cq_fn.start(v->recv_cq_ex, &v->poll);
		if (rc)
			return none(rc);
		v->recv_left = v->recv_batch;
	}
	recv_done(ch, &v->wc_out);
	if (--v->recv_left == 0)
		v->cq_fn.end(v->recv_cq_ex);
	return 1;
}
