/* SPDX-License-Identifier: MIT */
/*
 * Posting to the send queue.
 *
 * Two bodies, for lists and for inline payload, which the compiler specialises for each operation
 * and doorbell: every slot of the two tables is a function of its own without a test of either.
 * One element, or eight bytes inline, are built in registers; the rest leaves by one call to a
 * function that all share.
 */
#include "bf.h"

#define BV_ALWAYS_INLINE inline __attribute__((always_inline))
#define BV_NOINLINE __attribute__((noinline))

/* What a post asks for besides its payload and target. */
struct sq_op {
	unsigned opcode;
	unsigned flags;
	uint32_t imm;
};

/* The same in one register, for the functions that are called. */
static BV_ALWAYS_INLINE uint64_t sq_op_pack(struct sq_op op)
{
	return (uint64_t)op.imm << 32 | op.flags << 8 | op.opcode;
}

static BV_ALWAYS_INLINE struct sq_op sq_op_unpack(uint64_t op)
{
	return (struct sq_op){ op & 0xff, (op >> 8) & 0xff, (uint32_t)(op >> 32) };
}

static BV_ALWAYS_INLINE bool sq_full(const struct bv_channel *ch)
{
	return ch->sq_posted - ch->sq_done == ch->max_send;
}

/* The fm_ce_se byte. An unsignaled work is signaled all the same when too many came before it. */
static BV_ALWAYS_INLINE uint32_t sq_fm_ce_se(struct mlx5_sq *sq, unsigned flags)
{
	uint32_t fm_ce_se = PRM_CTRL_CQ_UPDATE;

	static_assert(BV_FENCE << 6 == PRM_CTRL_FENCE && BV_SOLICITED >> 1 == PRM_CTRL_SOLICITED,
		      "flags move into place by a shift");
	if (bvi_unlikely(flags)) {
		if (flags & BV_UNSIGNALED && ++sq->unsignaled < sq->signal_every)
			return (flags & BV_FENCE) << 6 | (flags & BV_SOLICITED) >> 1;
		fm_ce_se |= (flags & BV_FENCE) << 6 | (flags & BV_SOLICITED) >> 1;
	}
	sq->unsignaled = 0;
	return fm_ce_se;
}

/* Counts the work whose WQE of @ds segments starts at @pi. Returns the index behind it. */
static BV_ALWAYS_INLINE uint16_t sq_account(struct mlx5_channel *c, unsigned pi, unsigned ds)
{
	const uint16_t next = (uint16_t)(pi + wqe_blocks(ds));

	c->sq.work_at[pi & c->sq.mask] = (uint32_t)c->base.sq_posted;
	c->sq.pi = next;
	c->base.sq_posted++;
	return next;
}

/* A WQE of one block, of which the ring must get @ds segments, 2 or 3. */
static BV_ALWAYS_INLINE void sq_post_block(struct mlx5_channel *c, unsigned pi,
					   const struct wqebb *bb, unsigned ds, bool blueflame)
{
	struct prm_seg *const wqe = wqe_at(&c->sq, pi);

	wqe[0] = bb->seg[0];
	wqe[1] = bb->seg[1];
	if (ds > 2)
		wqe[2] = bb->seg[2];
	pi = sq_account(c, pi, ds);
	if (blueflame)
		bf_ring_block(&c->sq, pi, bb);
	else
		bf_ring_doorbell(&c->sq, pi, bb->seg[0]);
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
	const uint64_t number = c->base.sq_posted;
	const unsigned pi = sq->pi;

	wqe[0] = prm_ctrl((uint16_t)pi, op.opcode, sq->qpn_shifted, ds, sq_fm_ce_se(sq, op.flags),
			  op.imm);
	bf_ring_wqe(sq, sq_account(c, pi, ds), wqe, ds);
	return (int64_t)number;
}

static BV_NOINLINE int64_t sq_list_long(struct mlx5_channel *c, const struct mlx5_sge *sg,
					unsigned nsge, const struct bv_remote *remote, uint64_t op)
{
	struct prm_seg *const wqe = wqe_at(&c->sq, c->sq.pi);
	const unsigned head = sq_put_head(wqe, remote);
	const unsigned ds = head + wqe_put_list(&c->sq, wqe + head, sg, nsge);

	return sq_post_wqe(c, wqe, ds, sq_op_unpack(op));
}

static BV_NOINLINE int64_t sq_inline_long(struct mlx5_channel *c, const void *buf, size_t len,
					  const struct bv_remote *remote, uint64_t op)
{
	struct prm_seg *const wqe = wqe_at(&c->sq, c->sq.pi);
	const unsigned head = sq_put_head(wqe, remote);
	const unsigned ds = head + wqe_put_inline(&c->sq, wqe + head, buf, len);

	return sq_post_wqe(c, wqe, ds, sq_op_unpack(op));
}

/* A WQE of one element, or of eight bytes inline, in @payload. @remote: NULL if not @rdma. */
static BV_ALWAYS_INLINE int64_t sq_short(struct mlx5_channel *c, struct prm_seg payload, bool rdma,
					 const struct bv_remote *remote, struct sq_op op,
					 bool blueflame)
{
	struct mlx5_sq *const sq = &c->sq;
	const uint64_t number = c->base.sq_posted;
	const unsigned pi = sq->pi;
	const unsigned ds = rdma ? 3 : 2;
	const struct prm_seg none = { 0 };
	const struct prm_seg ctrl = prm_ctrl((uint16_t)pi, op.opcode, sq->qpn_shifted, ds,
					     sq_fm_ce_se(sq, op.flags), op.imm);

	if (rdma) {
		const struct prm_seg raddr = prm_raddr(remote->addr, remote->rkey);

		sq_post_block(c, pi, &(struct wqebb){ { ctrl, raddr, payload, none } }, ds,
			      blueflame);
	} else {
		sq_post_block(c, pi, &(struct wqebb){ { ctrl, payload, none, none } }, ds,
			      blueflame);
	}
	return (int64_t)number;
}

static BV_ALWAYS_INLINE int64_t sq_list(struct bv_channel *ch, const void *list, unsigned nsge,
					bool rdma, const struct bv_remote *remote, struct sq_op op,
					bool blueflame)
{
	struct mlx5_channel *const c = to_mlx5(ch);
	const struct mlx5_sge *const sg = list;

	assert(nsge <= ch->max_send_sge && !(op.flags & ~BV_POST_FLAGS));
	if (bvi_unlikely(sq_full(ch)))
		return -EAGAIN;
	if (bvi_unlikely(nsge != 1 || !sg->length))
		return sq_list_long(c, sg, nsge, remote, sq_op_pack(op));
	return sq_short(c, wqe_data(sg), rdma, remote, op, blueflame);
}

static BV_ALWAYS_INLINE int64_t sq_inline(struct bv_channel *ch, const void *buf, size_t len,
					  bool rdma, const struct bv_remote *remote,
					  struct sq_op op, bool blueflame)
{
	struct mlx5_channel *const c = to_mlx5(ch);

	assert(len <= ch->max_inline && !(op.flags & ~BV_POST_FLAGS));
	if (bvi_unlikely(sq_full(ch)))
		return -EAGAIN;
	if (bvi_unlikely(len != 8))
		return sq_inline_long(c, buf, len, remote, sq_op_pack(op));
	return sq_short(c, wqe_inline8(buf), rdma, remote, op, blueflame);
}

/* The nine slots of one table. */
#define SQ_OP(name, imm) ((struct sq_op){ PRM_OPCODE_##name, flags, imm })
#define SQ_SLOTS(variant, blueflame)                                                              \
	static int64_t send_##variant(struct bv_channel *ch, const struct bv_gather *sg,          \
				      unsigned nsge, unsigned flags)                              \
	{                                                                                         \
		return sq_list(ch, sg, nsge, false, NULL, SQ_OP(SEND, 0), blueflame);             \
	}                                                                                         \
	static int64_t send_imm_##variant(struct bv_channel *ch, const struct bv_gather *sg,      \
					  unsigned nsge, uint32_t imm, unsigned flags)            \
	{                                                                                         \
		return sq_list(ch, sg, nsge, false, NULL, SQ_OP(SEND_IMM, imm), blueflame);       \
	}                                                                                         \
	static int64_t send_inline_##variant(struct bv_channel *ch, const void *buf, size_t len,  \
					     unsigned flags)                                      \
	{                                                                                         \
		return sq_inline(ch, buf, len, false, NULL, SQ_OP(SEND, 0), blueflame);           \
	}                                                                                         \
	static int64_t send_inline_imm_##variant(struct bv_channel *ch, const void *buf,          \
						 size_t len, uint32_t imm, unsigned flags)        \
	{                                                                                         \
		return sq_inline(ch, buf, len, false, NULL, SQ_OP(SEND_IMM, imm), blueflame);     \
	}                                                                                         \
	static int64_t write_##variant(struct bv_channel *ch, const struct bv_gather *sg,         \
				       unsigned nsge, const struct bv_remote *remote,             \
				       unsigned flags)                                            \
	{                                                                                         \
		return sq_list(ch, sg, nsge, true, remote, SQ_OP(WRITE, 0), blueflame);           \
	}                                                                                         \
	static int64_t write_imm_##variant(struct bv_channel *ch, const struct bv_gather *sg,     \
					   unsigned nsge, const struct bv_remote *remote,         \
					   uint32_t imm, unsigned flags)                          \
	{                                                                                         \
		return sq_list(ch, sg, nsge, true, remote, SQ_OP(WRITE_IMM, imm), blueflame);     \
	}                                                                                         \
	static int64_t write_inline_##variant(struct bv_channel *ch, const void *buf, size_t len, \
					      const struct bv_remote *remote, unsigned flags)     \
	{                                                                                         \
		return sq_inline(ch, buf, len, true, remote, SQ_OP(WRITE, 0), blueflame);         \
	}                                                                                         \
	static int64_t write_inline_imm_##variant(struct bv_channel *ch, const void *buf,         \
						  size_t len, const struct bv_remote *remote,     \
						  uint32_t imm, unsigned flags)                   \
	{                                                                                         \
		return sq_inline(ch, buf, len, true, remote, SQ_OP(WRITE_IMM, imm), blueflame);   \
	}                                                                                         \
	static int64_t read_##variant(struct bv_channel *ch, const struct bv_scatter *sg,         \
				      unsigned nsge, const struct bv_remote *remote,              \
				      unsigned flags)                                             \
	{                                                                                         \
		return sq_list(ch, sg, nsge, true, remote, SQ_OP(READ, 0), blueflame);            \
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
