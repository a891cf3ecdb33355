/* SPDX-License-Identifier: MIT */
/*
 * Posting to the send queue.
 *
 * Two bodies, for lists and for inline payload, which the compiler specialises for each operation
 * and doorbell: every slot of the two tables is a function of its own without a test of either.
 * What fits one block is built in registers; the rest leaves by one call to a shared function.
 */
#include "bf.h"

#define BV_ALWAYS_INLINE inline __attribute__((always_inline))
#define BV_NOINLINE __attribute__((noinline))

/* What a post asks for besides its payload and target; fits one register. */
struct sq_op {
	uint32_t imm;
	uint8_t opcode;
	uint8_t flags;
};

static BV_ALWAYS_INLINE bool sq_full(const struct bv_channel *ch)
{
	return ch->sq_posted - ch->sq_done == ch->max_send;
}

/* The fm_ce_se byte. An unsignaled work is signaled all the same when too many came before it. */
static BV_ALWAYS_INLINE uint32_t sq_fm_ce_se(struct mlx5_sq *sq, unsigned flags)
{
	uint32_t ce = PRM_CTRL_CQ_UPDATE;

	static_assert(BV_FENCE << 6 == PRM_CTRL_FENCE && BV_SOLICITED >> 1 == PRM_CTRL_SOLICITED,
		      "flags move into place by a shift");
	if (flags & BV_UNSIGNALED && ++sq->unsignaled < sq->signal_every)
		ce = 0;
	else
		sq->unsignaled = 0;
	return ce | (flags & BV_FENCE) << 6 | (flags & BV_SOLICITED) >> 1;
}

/* Counts the work whose WQE starts at the producer index. Returns its number. */
static BV_ALWAYS_INLINE int64_t sq_account(struct mlx5_channel *c, unsigned ds)
{
	struct mlx5_sq *sq = &c->sq;
	const uint64_t number = c->base.sq_posted;

	sq->work_at[sq->pi & sq->mask] = (uint32_t)number;
	sq->pi = (uint16_t)(sq->pi + wqe_blocks(ds));
	c->base.sq_posted = number + 1;
	return (int64_t)number;
}

/* A WQE of one block. @nseg: how many of its segments the ring must get. */
static BV_ALWAYS_INLINE int64_t sq_post_block(struct mlx5_channel *c, const struct wqebb *bb,
					      unsigned nseg, bool blueflame)
{
	struct prm_seg *const wqe = wqe_at(&c->sq, c->sq.pi);
	int64_t number;

	for (unsigned i = 0; i < nseg; i++)
		wqe[i] = bb->seg[i];
	number = sq_account(c, PRM_WQEBB_DS);
	if (blueflame)
		bf_ring_block(&c->sq, bb);
	else
		bf_ring_doorbell(&c->sq, bb->seg[0]);
	return number;
}

/* The header of a WQE in the ring, but for the control segment. Returns its segments. */
static BV_ALWAYS_INLINE unsigned sq_put_head(struct prm_seg *wqe, const struct bv_remote *remote)
{
	if (!remote)
		return 1;
	wqe[1] = prm_raddr(remote->addr, remote->rkey);
	return 2;
}

/* Completes a WQE of @ds segments in the ring with its control segment, and posts it. */
static BV_ALWAYS_INLINE int64_t sq_post_wqe(struct mlx5_channel *c, struct prm_seg *wqe,
					    unsigned ds, struct sq_op op)
{
	struct mlx5_sq *const sq = &c->sq;
	int64_t number;

	wqe[0] =
		prm_ctrl(sq->pi, op.opcode, sq->qpn_shifted, ds, sq_fm_ce_se(sq, op.flags), op.imm);
	number = sq_account(c, ds);
	bf_ring_wqe(sq, wqe, ds);
	return number;
}

static BV_NOINLINE int64_t sq_list_long(struct mlx5_channel *c, const struct mlx5_sge *sg,
					unsigned nsge, const struct bv_remote *remote,
					struct sq_op op)
{
	struct prm_seg *const wqe = wqe_at(&c->sq, c->sq.pi);
	const unsigned head = sq_put_head(wqe, remote);

	return sq_post_wqe(c, wqe, head + wqe_put_list(&c->sq, wqe + head, sg, nsge), op);
}

static BV_NOINLINE int64_t sq_inline_long(struct mlx5_channel *c, const void *buf, size_t len,
					  const struct bv_remote *remote, struct sq_op op)
{
	struct prm_seg *const wqe = wqe_at(&c->sq, c->sq.pi);
	const unsigned head = sq_put_head(wqe, remote);

	return sq_post_wqe(c, wqe, head + wqe_put_inline(&c->sq, wqe + head, buf, len), op);
}

/* @remote is NULL for a send: known where this is expanded, as are @blueflame and the opcode. */
static BV_ALWAYS_INLINE int64_t sq_list(struct bv_channel *ch, const void *list, unsigned nsge,
					const struct bv_remote *remote, struct sq_op op,
					bool blueflame)
{
	struct mlx5_channel *const c = to_mlx5(ch);
	const struct mlx5_sge *const sg = list;
	struct mlx5_sq *const sq = &c->sq;
	struct wqebb bb = { 0 };
	unsigned ds = 1;

	assert(nsge <= ch->max_send_sge && !(op.flags & ~BV_POST_FLAGS));
	if (bvi_unlikely(sq_full(ch)))
		return -EAGAIN;
	if (bvi_unlikely(nsge != 1 || !sg->length))
		return sq_list_long(c, sg, nsge, remote, op);
	if (remote)
		bb.seg[ds++] = prm_raddr(remote->addr, remote->rkey);
	bb.seg[ds++] = wqe_data(sg);
	bb.seg[0] =
		prm_ctrl(sq->pi, op.opcode, sq->qpn_shifted, ds, sq_fm_ce_se(sq, op.flags), op.imm);
	return sq_post_block(c, &bb, ds, blueflame);
}

static BV_ALWAYS_INLINE int64_t sq_inline(struct bv_channel *ch, const void *buf, size_t len,
					  const struct bv_remote *remote, struct sq_op op,
					  bool blueflame)
{
	struct mlx5_channel *const c = to_mlx5(ch);
	struct mlx5_sq *const sq = &c->sq;
	const unsigned head = remote ? 2 : 1;
	struct wqebb bb;

	assert(len <= ch->max_inline && !(op.flags & ~BV_POST_FLAGS));
	if (bvi_unlikely(sq_full(ch)))
		return -EAGAIN;
	if (bvi_unlikely(len - 1 >= WQEBB_INLINE_MAX(head)))
		return sq_inline_long(c, buf, len, remote, op);
	if (remote)
		bb.seg[1] = prm_raddr(remote->addr, remote->rkey);
	wqebb_put_inline(&bb, head, buf, len);
	bb.seg[0] = prm_ctrl(sq->pi, op.opcode, sq->qpn_shifted, head + prm_inline_ds(len),
			     sq_fm_ce_se(sq, op.flags), op.imm);
	return sq_post_block(c, &bb, PRM_WQEBB_DS, blueflame);
}

/* The nine slots of one table. */
#define SQ_OP(name, imm) ((struct sq_op){ imm, PRM_OPCODE_##name, (uint8_t)flags })
#define SQ_SLOTS(variant, blueflame)                                                              \
	static int64_t send_##variant(struct bv_channel *ch, const struct bv_gather *sg,          \
				      unsigned nsge, unsigned flags)                              \
	{                                                                                         \
		return sq_list(ch, sg, nsge, NULL, SQ_OP(SEND, 0), blueflame);                    \
	}                                                                                         \
	static int64_t send_imm_##variant(struct bv_channel *ch, const struct bv_gather *sg,      \
					  unsigned nsge, uint32_t imm, unsigned flags)            \
	{                                                                                         \
		return sq_list(ch, sg, nsge, NULL, SQ_OP(SEND_IMM, imm), blueflame);              \
	}                                                                                         \
	static int64_t send_inline_##variant(struct bv_channel *ch, const void *buf, size_t len,  \
					     unsigned flags)                                      \
	{                                                                                         \
		return sq_inline(ch, buf, len, NULL, SQ_OP(SEND, 0), blueflame);                  \
	}                                                                                         \
	static int64_t send_inline_imm_##variant(struct bv_channel *ch, const void *buf,          \
						 size_t len, uint32_t imm, unsigned flags)        \
	{                                                                                         \
		return sq_inline(ch, buf, len, NULL, SQ_OP(SEND_IMM, imm), blueflame);            \
	}                                                                                         \
	static int64_t write_##variant(struct bv_channel *ch, const struct bv_gather *sg,         \
				       unsigned nsge, const struct bv_remote *remote,             \
				       unsigned flags)                                            \
	{                                                                                         \
		return sq_list(ch, sg, nsge, remote, SQ_OP(WRITE, 0), blueflame);                 \
	}                                                                                         \
	static int64_t write_imm_##variant(struct bv_channel *ch, const struct bv_gather *sg,     \
					   unsigned nsge, const struct bv_remote *remote,         \
					   uint32_t imm, unsigned flags)                          \
	{                                                                                         \
		return sq_list(ch, sg, nsge, remote, SQ_OP(WRITE_IMM, imm), blueflame);           \
	}                                                                                         \
	static int64_t write_inline_##variant(struct bv_channel *ch, const void *buf, size_t len, \
					      const struct bv_remote *remote, unsigned flags)     \
	{                                                                                         \
		return sq_inline(ch, buf, len, remote, SQ_OP(WRITE, 0), blueflame);               \
	}                                                                                         \
	static int64_t write_inline_imm_##variant(struct bv_channel *ch, const void *buf,         \
						  size_t len, const struct bv_remote *remote,     \
						  uint32_t imm, unsigned flags)                   \
	{                                                                                         \
		return sq_inline(ch, buf, len, remote, SQ_OP(WRITE_IMM, imm), blueflame);         \
	}                                                                                         \
	static int64_t read_##variant(struct bv_channel *ch, const struct bv_scatter *sg,         \
				      unsigned nsge, const struct bv_remote *remote,              \
				      unsigned flags)                                             \
	{                                                                                         \
		return sq_list(ch, sg, nsge, remote, SQ_OP(READ, 0), blueflame);                  \
	}                                                                                         \
	const struct bv_channel_ops bvi_mlx5_ops_##variant = {                                    \
		.post_send = send_##variant,                                                      \
		.post_send_imm = send_imm_##variant,                                              \
		.post_send_inline = send_inline_##variant,                                        \
		.post_send_inline_imm = send_inline_imm_##variant,                                \
		.post_write = write_##variant,                                                    \
		.post_write_imm = write_imm_##variant,                                            \
		.post_write_inline = write_inline_##variant,                                      \
		.post_write_inline_imm = write_inline_imm_##variant,                              \
		.post_read = read_##variant,                                                      \
		.post_recv = bvi_mlx5_post_recv,                                                  \
		.poll_send = bvi_mlx5_poll_send,                                                  \
		.poll_recv = bvi_mlx5_poll_recv,                                                  \
	}

SQ_SLOTS(blueflame, true);
SQ_SLOTS(doorbell, false);
