/* SPDX-License-Identifier: MIT */
/*
 * Polling through the extended completion queue: fields are read one by one, and only those that
 * are needed. A queue made for a single thread is polled without a lock, which ibv_poll_cq() of
 * libmlx5 always takes; and what was reaped before the queue broke is not lost.
 *
 * Polls of one leave the driver between ibv_start_poll() and ibv_end_poll(), where the next completion is found by
 * ibv_next_poll(): so one is handed over before the device is told that it was taken, and of several that wait it
 * is told once. A poll that finds none does that, or one of a batch's end, as the queue has no more room than for
 * those; and whatever else is done with the queue does it before.
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
	ch->sq_limit = number + to_verbs(ch)->sq_room;
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

static BV_COLD __attribute__((noinline)) int broken(void)
{
	return -EIO;
}

/* What a poll returns that found none, of what the driver did. A constant in the usual case: no sum is made of both. */
static inline int none(int rc)
{
	return bvi_likely(rc == ENOENT) ? 0 : broken();
}

/* Whether some are left of a batch. By all bits that they can have: a compare with 0 would need a register. */
static inline bool has_begun(uint32_t left)
{
	assert(left <= VERBS_BATCH);
	return left & (2 * VERBS_BATCH - 1);
}

static inline void end(struct verbs_channel *v, struct ibv_cq_ex *cq, uint32_t *left)
{
	*left = 0;
	v->cq_fn.end(cq);
}

void bvi_verbs_poll_end(struct verbs_channel *v, unsigned queues)
{
	if (queues & BV_WAKE_SEND && has_begun(v->send_left))
		end(v, v->send_cq_ex, &v->send_left);
	if (queues & BV_WAKE_RECV && has_begun(v->recv_left))
		end(v, v->recv_cq_ex, &v->recv_left);
}

/* Apart, so that polls which find one need no register for @rc. */
static __attribute__((noinline)) int no_more(struct verbs_channel *v, struct ibv_cq_ex *cq,
					     uint32_t *left, int rc)
{
	end(v, cq, left);
	return none(rc);
}

/* The first completion of a poll: of the batch that has begun, or of another. */
static inline int first(struct verbs_channel *v, struct ibv_cq_ex *cq, const uint32_t *left)
{
	return has_begun(*left) ? v->cq_fn.next(cq) : v->cq_fn.start(cq, &v->poll);
}

static inline int found_none(struct verbs_channel *v, struct ibv_cq_ex *cq, uint32_t *left, int rc)
{
	return has_begun(*left) ? no_more(v, cq, left, rc) : none(rc);
}

/* All that there are, up to @max. If the queue is broken then, the next call meets it again. */
int bvi_verbs_poll_send_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct verbs_channel *const v = to_verbs(ch);
	struct ibv_cq_ex *const cq = v->send_cq_ex;
	const int rc = first(v, cq, &v->send_left);
	unsigned n = 0;

	if (rc)
		return found_none(v, cq, &v->send_left, rc);
	do
		send_done(ch, cq, &wc[n]);
	while (++n < max && ibv_next_poll(cq) == 0);
	end(v, cq, &v->send_left);
	return (int)n;
}

int bvi_verbs_poll_recv_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct verbs_channel *const v = to_verbs(ch);
	struct bv_wc *const last = wc + max;
	struct bv_wc *at = wc;
	const int rc = first(v, v->recv_cq_ex, &v->recv_left);

	if (rc)
		return found_none(v, v->recv_cq_ex, &v->recv_left, rc);
	do
		recv_done(ch, &at);
	while (++at < last && v->cq_fn.next(v->recv_cq_ex) == 0);
	end(v, v->recv_cq_ex, &v->recv_left);
	return (int)(at - wc);
}

typedef void done_fn(struct bv_channel *ch, struct bv_wc *const *to);

/* The usual poll takes one; only the channel stays in a register then. */
static inline __attribute__((always_inline)) int poll_one(struct bv_channel *ch, struct bv_wc *wc,
							  struct ibv_cq_ex *const *cq,
							  uint32_t *left, done_fn *done)
{
	struct verbs_channel *const v = to_verbs(ch);
	int rc;

	v->wc_out = wc;
	if (has_begun(*left)) {
		rc = v->cq_fn.next(*cq);
		if (rc)
			return no_more(v, *cq, left, rc);
	} else {
		rc = v->cq_fn.start(*cq, &v->poll);
		if (rc)
			return none(rc);
		*left = v->batch;
	}
	done(ch, &v->wc_out);
	if (--*left == 0)
		v->cq_fn.end(*cq);
	return 1;
}

static inline __attribute__((always_inline)) void send_one_done(struct bv_channel *ch,
								struct bv_wc *const *to)
{
	send_done(ch, to_verbs(ch)->send_cq_ex, *to);
}

int bvi_verbs_poll_send_one_ex(struct bv_channel *ch, struct bv_wc *wc)
{
	struct verbs_channel *const v = to_verbs(ch);

	return poll_one(ch, wc, &v->send_cq_ex, &v->send_left, send_one_done);
}

int bvi_verbs_poll_recv_one_ex(struct bv_channel *ch, struct bv_wc *wc)
{
	struct verbs_channel *const v = to_verbs(ch);

	return poll_one(ch, wc, &v->recv_cq_ex, &v->recv_left, recv_done);
}
