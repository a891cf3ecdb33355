/* SPDX-License-Identifier: MIT */
/*
 * Reaping completions.
 *
 *	  owner 1     owner 1     owner 0 ...          (lap 1 has owner 0, lap 2 owner 1, ...)
 *	| reaped    | ready     | not written in this lap |
 *	             ^ next                            ^ end
 *
 * A completion is ours when its owner bit is that of the lap; entries never written have the opcode
 * "invalid". One load of its last word tells that, the opcode and the WQE's index. Each queue has
 * its completion queue to itself, so that nothing needs to be looked up.
 *
 * What is not a plain success leaves by a call. A completion that makes no sense is not taken: the
 * completion queue stays broken there, and every later call says so.
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

/* By WQE opcode; the device repeats ours, which all are below 32. */
static const uint8_t op_of_wqe[32] = {
	[PRM_OPCODE_WRITE] = BV_OP_WRITE, [PRM_OPCODE_WRITE_IMM] = BV_OP_WRITE,
	[PRM_OPCODE_SEND] = BV_OP_SEND,   [PRM_OPCODE_SEND_IMM] = BV_OP_SEND,
	[PRM_OPCODE_READ] = BV_OP_READ,
};

/* By completion opcode; BV_OP_NONE is no successful receive. */
static const struct {
	uint8_t op;
	uint8_t flags;
} recv_of_cqe[16] = {
	[PRM_CQE_RESP_SEND] = { BV_OP_RECV, 0 },
	[PRM_CQE_RESP_SEND_IMM] = { BV_OP_RECV, BV_WC_IMM },
	[PRM_CQE_RESP_WRITE_IMM] = { BV_OP_RECV_WRITE_IMM, BV_WC_IMM },
};

static inline uint64_t cqe_tail(const struct prm_cqe *cqe)
{
	return bv_from_be64(bv_dma_read64(&cqe->tail));
}

static inline bool cqe_is_ready(const struct mlx5_cq *cq, uint64_t tail)
{
	const uint8_t op_own = prm_tail_op_own(tail);

	return !((op_own ^ cq->owner) & PRM_CQE_OWNER) && op_own >> 4 != PRM_CQE_INVALID;
}

static inline void cq_advance(struct mlx5_cq *cq)
{
	cq->ci++;
	if (bvi_unlikely(++cq->next == cq->end)) {
		cq->next = cq->end - cq->count;
		cq->owner ^= PRM_CQE_OWNER;
	}
}

/*
 * Tells the device how far we are. It compares this with its own index to detect an overrun, which
 * credits rule out; so it needs no order with anything.
 */
static inline void cq_update(const struct mlx5_cq *cq)
{
	bv_dbrec_write(cq->dbrec, bv_to_be32(cq->ci & PRM_CQ_CI_MASK));
}

/* The number of the work whose WQE starts at the block that a completion names. */
static inline uint64_t sq_number(const struct mlx5_channel *c, uint64_t tail)
{
	const uint64_t done = c->base.sq_done;
	const uint32_t low = c->sq.work_at[prm_tail_wqe_index(tail) & c->sq.mask];

	return done + (uint32_t)(low - (uint32_t)done);
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

static BV_COLD_PATH int recv_unusual(struct mlx5_channel *c, const struct prm_cqe *cqe,
				     uint64_t tail, struct bv_wc *wc)
{
	struct bv_channel *ch = &c->base;
	const uint64_t number = ch->rq_done;

	if (prm_tail_op_own(tail) >> 4 != PRM_CQE_RESP_ERR || number >= ch->rq_posted)
		return -EIO;
	cqe_error(cqe, wc, (int64_t)number | BV_WORK_RECV);
	ch->rq_done = number + 1;
	bvi_recv_result_store(ch, number, wc);
	bvi_channel_failed(ch, wc);
	return 1;
}

static inline void send_done(struct mlx5_channel *c, const struct prm_cqe *cqe, uint64_t tail,
			     struct bv_wc *wc)
{
	const unsigned opcode = prm_tail_wqe_opcode(tail);
	const uint64_t number = sq_number(c, tail);

	assert(number < c->base.sq_posted);
	*wc = (struct bv_wc){
		.work = (int64_t)number,
		.bytes = opcode == PRM_OPCODE_READ ? bv_from_be32(cqe->byte_cnt) : 0,
		.op = op_of_wqe[opcode % 32],
	};
	c->base.sq_done = number + 1;
}

/* What is ours, but not plainly a success. Returns 1 when delivered, -EIO when it makes no sense. */
static BV_COLD_PATH int send_unusual(struct mlx5_channel *c, const struct prm_cqe *cqe,
				     uint64_t tail, struct bv_wc *wc)
{
	const uint64_t number = sq_number(c, tail);
	const unsigned opcode = prm_tail_op_own(tail) >> 4;

	if (number >= c->base.sq_posted)
		return -EIO;
	if (opcode == PRM_CQE_REQ && !(tail & PRM_CQE_SCATTER)) {
		send_done(c, cqe, tail, wc);
		return 1;
	}
	if (opcode != PRM_CQE_REQ_ERR)
		return -EIO;
	cqe_error(cqe, wc, (int64_t)number);
	c->base.sq_done = number + 1;
	bvi_channel_failed(&c->base, wc);
	return 1;
}

int bvi_mlx5_poll_send(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct mlx5_channel *const c = to_mlx5(ch);
	struct mlx5_cq *const cq = &c->send_cq;
	unsigned n = 0;
	int rc = 0;

	while (n < max) {
		const struct prm_cqe *const cqe = cq->next;
		const uint64_t tail = cqe_tail(cqe);

		if (bvi_likely(prm_tail_op_own(tail) == (PRM_CQE_REQ << 4 | cq->owner))) {
			bv_owner_before_cqe(); /* the length, and the memory that a read filled */
			send_done(c, cqe, tail, &wc[n]);
		} else if (!cqe_is_ready(cq, tail)) {
			break;
		} else {
			bv_owner_before_cqe(); /* the syndrome */
			rc = send_unusual(c, cqe, tail, &wc[n]);
			if (rc < 0)
				break;
		}
		cq_advance(cq);
		n++;
	}
	if (!n)
		return rc;
	cq_update(cq);
	return (int)n;
}

static inline void recv_done(struct mlx5_channel *c, const struct prm_cqe *cqe, unsigned opcode,
			     struct bv_wc *wc)
{
	struct bv_channel *const ch = &c->base;
	const uint64_t number = ch->rq_done;

	assert(number < ch->rq_posted);
	*wc = (struct bv_wc){
		.work = (int64_t)number | BV_WORK_RECV,
		.bytes = bv_from_be32(cqe->byte_cnt),
		.imm = recv_of_cqe[opcode].flags & BV_WC_IMM ? bv_from_be32(cqe->imm) : 0,
		.op = recv_of_cqe[opcode].op,
		.flags = recv_of_cqe[opcode].flags,
	};
	ch->rq_done = number + 1;
	bvi_recv_result_store(ch, number, wc);
}

int bvi_mlx5_poll_recv(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct mlx5_channel *const c = to_mlx5(ch);
	struct mlx5_cq *const cq = &c->recv_cq;
	unsigned n = 0;
	int rc = 0;

	while (n < max) {
		const struct prm_cqe *const cqe = cq->next;
		const uint64_t tail = cqe_tail(cqe);
		const unsigned opcode = prm_tail_op_own(tail) >> 4;

		if (!cqe_is_ready(cq, tail))
			break;
		bv_owner_before_cqe(); /* length and immediate, and the memory that arrived */
		if (bvi_likely(recv_of_cqe[opcode].op && !(tail & PRM_CQE_SCATTER))) {
			recv_done(c, cqe, opcode, &wc[n]);
		} else {
			rc = recv_unusual(c, cqe, tail, &wc[n]);
			if (rc < 0)
				break;
		}
		cq_advance(cq);
		n++;
	}
	if (!n)
		return rc;
	cq_update(cq);
	return (int)n;
}
