/* SPDX-License-Identifier: MIT */
/*
 * Reaping completions.
 *
 *	  owner 1     owner 1     owner 0 ...          (lap 1 has owner 0, lap 2 owner 1, ...)
 *	| reaped    | ready     | not written in this lap |
 *	             ^ next                            ^ end
 *
 * A completion is ours when its owner bit is that of the lap. One load of its last word tells that,
 * the opcode and the WQE's index. Each queue has its completion queue to itself, so that nothing
 * needs to be looked up.
 *
 * The pollers themselves take a single plain success, the most frequent case by far. Bursts, and
 * whatever is no plain success, leave by a call. A completion that makes no sense is not taken: the completion queue stays
 * broken there, and every later call says so.
 */
#include "core/hw/barrier.h"
#include "core/hw/mmio.h"
#include "channel.h"

#define BV_COLD_PATH __attribute__((cold, noinline))

static const uint8_t status_of_syndrome[] = {
	[PRM_SYNDROME_LOCAL_LENGTH] = BV_STATUS_LOCAL_LENGTH_ERROR,
	[PRM_SYNDROME_LOCAL_QP_OPERATION] = BV_STATUS_LOCAL_QP_OPERATION_ERROR,
	[PRM_SYNDROME_LOCAL_PROTECTION] = BV_STATUS_LOCAL_PROTECTION_ERROR,
	[PRM_SYNDROME_FLUSH] = BV_STATUS_WORK_REQUEST_FLUSH_ERROR,
	[PRM_SYNDROME_MW_BIND] = BV_STATUS_MEMORY_WINDOW_BIND_ERROR,
	[PRM_SYNDROME_BAD_RESPONSE] = BV_STATUS_BAD_RESPONSE_ERROR,
	[PRM_SYNDROME_LOCAL_ACCESS] = BV_STATUS_LOCAL_ACCESS_ERROR,
	[PRM_SYNDROME_REMOTE_INVALID_REQUEST] = BV_STATUS_REMOTE_INVALID_REQUEST_ERROR,
	[PRM_SYNDROME_REMOTE_ACCESS] = BV_STATUS_REMOTE_ACCESS_ERROR,
	[PRM_SYNDROME_REMOTE_OPERATION] = BV_STATUS_REMOTE_OPERATION_ERROR,
	[PRM_SYNDROME_RETRY_EXCEEDED] = BV_STATUS_RETRY_EXCEEDED_ERROR,
	[PRM_SYNDROME_RNR_RETRY_EXCEEDED] = BV_STATUS_RNR_RETRY_EXCEEDED_ERROR,
	[PRM_SYNDROME_REMOTE_ABORTED] = BV_STATUS_REMOTE_ABORT_ERROR,
};

/* What is known of a success by its opcode alone; laid out like the end of what it goes into. */
struct kind {
	uint32_t vendor_err;
	uint8_t status;
	uint8_t op; /* BV_OP_NONE: no success */
	uint8_t flags;
	uint8_t reserved;
};

#define KIND_FITS(type)                                                                  \
	(offsetof(type, vendor_err) + sizeof(struct kind) == sizeof(type) &&             \
	 offsetof(type, op) == offsetof(type, vendor_err) + offsetof(struct kind, op) && \
	 offsetof(type, flags) == offsetof(type, vendor_err) + offsetof(struct kind, flags))
static_assert(KIND_FITS(struct bv_wc) && KIND_FITS(struct bvi_recv_result),
	      "a kind is copied as one");

/* By WQE opcode; the device repeats ours, which are all below 32. */
static const struct kind send_kinds[32] = {
	[PRM_OPCODE_WRITE] = { .op = BV_OP_WRITE },
	[PRM_OPCODE_WRITE_IMM] = { .op = BV_OP_WRITE },
	[PRM_OPCODE_SEND] = { .op = BV_OP_SEND },
	[PRM_OPCODE_SEND_IMM] = { .op = BV_OP_SEND },
	[PRM_OPCODE_READ] = { .op = BV_OP_READ },
	[PRM_OPCODE_COMPARE_SWAP] = { .op = BV_OP_COMPARE_SWAP },
	[PRM_OPCODE_FETCH_ADD] = { .op = BV_OP_FETCH_ADD },
};

/* By completion opcode. */
static const struct kind recv_kinds[16] = {
	[PRM_CQE_RESP_SEND] = { .op = BV_OP_RECV },
	[PRM_CQE_RESP_SEND_IMM] = { .op = BV_OP_RECV, .flags = BV_WC_IMM },
	[PRM_CQE_RESP_WRITE_IMM] = { .op = BV_OP_RECV_WRITE_IMM, .flags = BV_WC_IMM },
};

static inline uint64_t cqe_tail(const struct prm_cqe *cqe)
{
	return bv_from_be64(bv_dma_read64(&cqe->tail));
}

/* Not written in this lap: the owner bit is that of the lap before. */
static inline bool cq_empty(const struct mlx5_cq *cq, uint64_t tail)
{
	return (tail ^ cq->owner) & PRM_CQE_OWNER;
}

static inline const struct prm_cqe *cq_after(struct mlx5_cq *cq, const struct prm_cqe *cqe)
{
	if (bvi_likely(++cqe != cq->end))
		return cqe;
	cq->owner ^= PRM_CQE_OWNER;
	return cqe - cq->count;
}

/*
 * @n completions have been taken, up to @next. The device compares the record with its own index to
 * detect an overrun, which credits rule out; so it needs no order with anything.
 */
static inline void cq_advance(struct mlx5_cq *cq, const struct prm_cqe *next, unsigned n)
{
	cq->next = next;
	cq->ci += n;
	bv_dbrec_write(cq->dbrec, bv_to_be32(cq->ci & PRM_CQ_CI_MASK));
}

static inline void wc_set(struct bv_wc *wc, uint64_t work, uint32_t bytes, uint32_t imm,
			  const struct kind *kind)
{
	wc->work = (int64_t)work;
	wc->bytes = bytes;
	wc->imm = imm;
	memcpy((char *)wc + offsetof(struct bv_wc, vendor_err), kind, sizeof(*kind));
}

/* The number of the work whose WQE starts at the block that a completion names; @done is sq_done. */
static inline uint64_t sq_number(const struct mlx5_sq *sq, uint64_t done, uint64_t tail)
{
	return done + (uint32_t)(sq->work_at[prm_tail_wqe_index(tail) & sq->mask] - (uint32_t)done);
}

static void cqe_error(const struct prm_cqe *cqe, struct bv_wc *wc, int64_t work)
{
	const uint64_t stamp = bv_from_be64(cqe->stamp);
	const size_t syndrome = stamp & 0xff;

	*wc = (struct bv_wc){ .work = work, .vendor_err = (stamp >> 8) & 0xff };
	if (syndrome < sizeof(status_of_syndrome))
		wc->status = status_of_syndrome[syndrome];
	if (!wc->status)
		wc->status = BV_STATUS_GENERAL_ERROR;
}

/* Ours, a success, and nothing scattered into it; "solicited" is not for requesters. */
static inline bool send_is_success(const struct mlx5_cq *cq, uint64_t tail)
{
	return prm_tail_op_own(tail) == (PRM_CQE_REQ << 4 | cq->owner);
}

/* Delivers a success. Returns what sq_done is then; @done is what it was. */
static inline uint64_t send_done(const struct mlx5_channel *c, const struct prm_cqe *cqe,
				 uint64_t tail, uint64_t done, struct bv_wc *wc)
{
	const uint64_t number = sq_number(&c->sq, done, tail);
	const unsigned opcode = prm_tail_wqe_opcode(tail);
	uint32_t bytes = 0;

	assert(number < c->base.sq_posted);
	bv_owner_before_cqe(); /* the length, and the memory that a read filled */
	static_assert(PRM_OPCODE_READ < PRM_OPCODE_COMPARE_SWAP &&
			      PRM_OPCODE_COMPARE_SWAP < PRM_OPCODE_FETCH_ADD,
		      "what fetches comes last");
	if (opcode >= PRM_OPCODE_READ)
		bytes = opcode == PRM_OPCODE_READ ? bv_from_be32(cqe->byte_cnt) : 8;
	wc_set(wc, number, bytes, 0, &send_kinds[opcode % 32]);
	return number + 1;
}

/* Takes one completion that is no plain success. Returns 1; 0 there is none; -EIO. */
static BV_COLD_PATH int send_unusual(struct mlx5_channel *c, struct bv_wc *wc)
{
	const struct prm_cqe *const cqe = c->send_cq.next;
	const uint64_t tail = cqe_tail(cqe);
	const unsigned opcode = prm_tail_op_own(tail) >> 4;
	const uint64_t number = sq_number(&c->sq, c->base.sq_done, tail);

	if (cq_empty(&c->send_cq, tail))
		return 0;
	bv_owner_before_cqe(); /* the syndrome */
	if (number >= c->base.sq_posted)
		return -EIO;
	if (opcode == PRM_CQE_REQ && !(tail & PRM_CQE_SCATTER))
		send_done(c, cqe, tail, c->base.sq_done, wc);
	else if (opcode == PRM_CQE_REQ_ERR)
		cqe_error(cqe, wc, (int64_t)number);
	else
		return -EIO;
	c->base.sq_done = number + 1;
	if (wc->status)
		bvi_channel_failed(&c->base, wc);
	cq_advance(&c->send_cq, cq_after(&c->send_cq, cqe), 1);
	return 1;
}

/* Goes on behind @n that have been taken. Returns how many there are then, or -EIO if none. */
static BV_COLD_PATH int send_all_unusual(struct mlx5_channel *c, struct bv_wc *wc, unsigned n,
					 unsigned max)
{
	int rc = 1;

	while (n < max && rc == 1) {
		rc = send_unusual(c, &wc[n]);
		n += rc == 1;
	}
	return n ? (int)n : rc;
}

static __attribute__((noinline)) int send_burst(struct mlx5_channel *c, struct bv_wc *wc,
						unsigned max)
{
	struct mlx5_cq *const cq = &c->send_cq;
	const struct prm_cqe *cqe = cq->next;
	uint64_t tail = cqe_tail(cqe);
	uint64_t done = c->base.sq_done;
	struct bv_wc *out = wc;

	do {
		done = send_done(c, cqe, tail, done, out++);
		cqe = cq_after(cq, cqe);
		tail = cqe_tail(cqe);
	} while (out != wc + max && send_is_success(cq, tail));
	c->base.sq_done = done;
	cq_advance(cq, cqe, (unsigned)(out - wc));
	if (out != wc + max && bvi_unlikely(!cq_empty(cq, tail)))
		return send_all_unusual(c, wc, (unsigned)(out - wc), max);
	return (int)(out - wc);
}

int bvi_mlx5_poll_send(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct mlx5_channel *const c = to_mlx5(ch);
	struct mlx5_cq *const cq = &c->send_cq;
	const struct prm_cqe *const cqe = cq->next;
	const uint64_t tail = cqe_tail(cqe);

	if (bvi_unlikely(!send_is_success(cq, tail)))
		return cq_empty(cq, tail) ? 0 : send_all_unusual(c, wc, 0, max);
	if (max > 1)
		return send_burst(c, wc, max);
	ch->sq_done = send_done(c, cqe, tail, ch->sq_done, wc);
	cq_advance(cq, cq_after(cq, cqe), 1);
	return 1;
}

/*
 * Ours, a success, and nothing scattered into it. The opcodes of these are 1, 2 and 3, so that a mask
 * tells; "solicited" may be set or not.
 */
static inline bool recv_is_success(const struct mlx5_cq *cq, uint64_t tail)
{
	const unsigned opcodes = PRM_CQE_RESP_SEND_IMM << 4;

	static_assert((PRM_CQE_RESP_SEND_IMM | PRM_CQE_RESP_SEND | PRM_CQE_RESP_WRITE_IMM) == 3,
		      "two bits");
	return !((tail ^ cq->owner) & 0xff & ~(opcodes | PRM_CQE_SE)) && tail & opcodes;
}

static inline void recv_done(struct bv_channel *ch, const struct prm_cqe *cqe, uint64_t number,
			     uint64_t tail, struct bv_wc *wc)
{
	const struct kind *const kind = &recv_kinds[prm_tail_op_own(tail) >> 4];
	struct bvi_recv_result *kept = &ch->recv_results[number & ch->recv_result_mask];
	uint32_t bytes;
	uint32_t imm;

	assert(number < ch->rq_posted);
	bv_owner_before_cqe(); /* length and immediate, and the memory that arrived */
	bytes = bv_from_be32(cqe->byte_cnt);
	imm = kind->flags & BV_WC_IMM ? bv_from_be32(cqe->imm) : 0;
	wc_set(wc, number | BV_WORK_RECV, bytes, imm, kind);
	/* bvi_recv_result_store(), from the registers at hand. */
	kept->bytes = bytes;
	kept->imm = imm;
	memcpy((char *)kept + offsetof(struct bvi_recv_result, vendor_err), kind, sizeof(*kind));
}

/* As send_unusual(). */
static BV_COLD_PATH int recv_unusual(struct mlx5_channel *c, struct bv_wc *wc)
{
	struct bv_channel *const ch = &c->base;
	const struct prm_cqe *const cqe = c->recv_cq.next;
	const uint64_t tail = cqe_tail(cqe);
	const uint64_t number = ch->rq_done;

	if (cq_empty(&c->recv_cq, tail))
		return 0;
	bv_owner_before_cqe(); /* the syndrome */
	if (number >= ch->rq_posted)
		return -EIO;
	if (recv_is_success(&c->recv_cq, tail)) {
		recv_done(ch, cqe, number, tail, wc);
	} else if (prm_tail_op_own(tail) >> 4 == PRM_CQE_RESP_ERR) {
		cqe_error(cqe, wc, (int64_t)number | BV_WORK_RECV);
		bvi_recv_result_store(ch, number, wc);
		bvi_channel_failed(ch, wc);
	} else {
		return -EIO;
	}
	ch->rq_done = number + 1;
	cq_advance(&c->recv_cq, cq_after(&c->recv_cq, cqe), 1);
	return 1;
}

/* As send_all_unusual(). */
static BV_COLD_PATH int recv_all_unusual(struct mlx5_channel *c, struct bv_wc *wc, unsigned n,
					 unsigned max)
{
	int rc = 1;

	while (n < max && rc == 1) {
		rc = recv_unusual(c, &wc[n]);
		n += rc == 1;
	}
	return n ? (int)n : rc;
}

static __attribute__((noinline)) int recv_burst(struct mlx5_channel *c, struct bv_wc *wc,
						unsigned max)
{
	struct bv_channel *const ch = &c->base;
	struct mlx5_cq *const cq = &c->recv_cq;
	const struct prm_cqe *cqe = cq->next;
	uint64_t tail = cqe_tail(cqe);
	uint64_t number = ch->rq_done;
	struct bv_wc *out = wc;

	do {
		recv_done(ch, cqe, number++, tail, out++);
		cqe = cq_after(cq, cqe);
		tail = cqe_tail(cqe);
	} while (out != wc + max && recv_is_success(cq, tail));
	ch->rq_done = number;
	cq_advance(cq, cqe, (unsigned)(out - wc));
	if (out != wc + max && bvi_unlikely(!cq_empty(cq, tail)))
		return recv_all_unusual(c, wc, (unsigned)(out - wc), max);
	return (int)(out - wc);
}

int bvi_mlx5_poll_recv(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct mlx5_channel *const c = to_mlx5(ch);
	struct mlx5_cq *const cq = &c->recv_cq;
	const struct prm_cqe *const cqe = cq->next;
	const uint64_t tail = cqe_tail(cqe);

	if (bvi_unlikely(!recv_is_success(cq, tail)))
		return cq_empty(cq, tail) ? 0 : recv_all_unusual(c, wc, 0, max);
	if (max > 1)
		return recv_burst(c, wc, max);
	recv_done(ch, cqe, ch->rq_done, tail, wc);
	ch->rq_done++;
	cq_advance(cq, cq_after(cq, cqe), 1);
	return 1;
}
