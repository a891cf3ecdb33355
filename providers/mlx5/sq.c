/* SPDX-License-Identifier: MIT */
/*
 * Posting to the send queue.
 *
 * Three bodies, for lists, inline payload and atomics, which the compiler specialises for each
 * operation and doorbell: every slot of the tables is a function of its own without a test of either.
 * One element, or eight bytes inline, are built in registers; the rest leaves by one call to a
 * function that all share.
 *
 * A work posted with BV_MORE stays without a doorbell, and changes the channel's table to that of
 * chains: there the next post without the flag rings, for all of them, and changes it back. So a post
 * that rings for itself never asks whether others wait. A chain is rung with eight bytes: BlueFlame
 * would bring the device its last WQE before the others.
 */
#include "bf.h"

/* How a post rings; also the table that it is of. */
enum doorbell {
	BLUEFLAME,
	DOORBELL,
	CHAIN,
};

/* Beside BV_POST_FLAGS: the work is behind others that wait for a doorbell. */
#define SQ_CHAINED 0x80u

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
	if (bvi_unlikely(flags & (BV_UNSIGNALED | BV_FENCE | BV_SOLICITED))) {
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

/* Rings for all WQEs, of which @wqe is the last. Returns its work's number. */
static BV_NOINLINE int64_t sq_ring_chain(struct mlx5_channel *c, const struct prm_seg *wqe)
{
	bf_ring_doorbell(&c->sq, c->sq.pi, *wqe);
	c->unrung = NULL;
	/* Not so after an error. */
	if (c->base.ops == c->core.chain)
		c->base.ops = c->core.ready;
	return (int64_t)c->base.sq_posted - 1;
}

/* The end of a post of @wqe that does not ring for itself alone; the same. */
static BV_NOINLINE int64_t sq_chain(struct mlx5_channel *c, const struct prm_seg *wqe,
				    unsigned flags)
{
	if (!(flags & BV_MORE))
		return sq_ring_chain(c, wqe);
	c->unrung = wqe;
	c->base.ops = c->core.chain;
	return (int64_t)c->base.sq_posted - 1;
}

int bvi_mlx5_flush(struct bv_channel *ch)
{
	struct mlx5_channel *const c = to_mlx5(ch);

	if (c->unrung)
		sq_ring_chain(c, c->unrung);
	return 0;
}

/* Works that wait for a doorbell never complete: the queue would stay full. */
static BV_ALWAYS_INLINE int64_t sq_is_full(struct bv_channel *ch, enum doorbell doorbell)
{
	if (doorbell == CHAIN)
		bvi_mlx5_flush(ch);
	return -EAGAIN;
}

/* A WQE of one block, of which the ring must get @ds segments, 2 to 4. */
static BV_ALWAYS_INLINE int64_t sq_post_block(struct mlx5_channel *c, unsigned pi,
					      const struct wqebb *bb, unsigned ds, unsigned flags,
					      enum doorbell doorbell)
{
	struct prm_seg *const wqe = wqe_at(&c->sq, pi);
	const uint64_t number = c->base.sq_posted;

	wqe[0] = bb->seg[0];
	wqe[1] = bb->seg[1];
	if (ds > 2)
		wqe[2] = bb->seg[2];
	if (ds > 3)
		wqe[3] = bb->seg[3];
	pi = sq_account(c, pi, ds);
	if (doorbell == CHAIN && !(flags & BV_MORE))
		return sq_ring_chain(c, wqe);
	if (doorbell == CHAIN)
		c->unrung = wqe;
	else if (doorbell == BLUEFLAME)
		bf_ring_block(&c->sq, pi, bb);
	else
		bf_ring_doorbell(&c->sq, pi, bb->seg[0]);
	return (int64_t)number;
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
	unsigned next;

	wqe[0] = prm_ctrl((uint16_t)pi, op.opcode, sq->qpn_shifted, ds, sq_fm_ce_se(sq, op.flags),
			  op.imm);
	next = sq_account(c, pi, ds);
	if (bvi_unlikely(op.flags & (BV_MORE | SQ_CHAINED)))
		return sq_chain(c, wqe, op.flags);
	bf_ring_wqe(sq, next, wqe, ds);
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
					 enum doorbell doorbell)
{
	struct mlx5_sq *const sq = &c->sq;
	const unsigned pi = sq->pi;
	const unsigned ds = rdma ? 3 : 2;
	const struct prm_seg none = { 0 };
	const struct prm_seg ctrl = prm_ctrl((uint16_t)pi, op.opcode, sq->qpn_shifted, ds,
					     sq_fm_ce_se(sq, op.flags), op.imm);

	if (rdma) {
		const struct prm_seg raddr = prm_raddr(remote->addr, remote->rkey);

		return sq_post_block(c, pi, &(struct wqebb){ { ctrl, raddr, payload, none } }, ds,
				     op.flags, doorbell);
	}
	return sq_post_block(c, pi, &(struct wqebb){ { ctrl, payload, none, none } }, ds, op.flags,
			     doorbell);
}

/*
 * Whether a work leaves the short way. The first one of a chain does, so that a post which rings for
 * itself has one thing to ask; those behind it have the table of chains.
 */
static BV_ALWAYS_INLINE bool sq_starts_chain(struct sq_op op, enum doorbell doorbell)
{
	return doorbell != CHAIN && op.flags & BV_MORE;
}

static BV_ALWAYS_INLINE unsigned sq_chained(enum doorbell doorbell)
{
	return doorbell == CHAIN ? SQ_CHAINED : 0;
}

static BV_ALWAYS_INLINE int64_t sq_list(struct bv_channel *ch, const void *list, unsigned nsge,
					bool rdma, const struct bv_remote *remote, struct sq_op op,
					enum doorbell doorbell)
{
	struct mlx5_channel *const c = to_mlx5(ch);
	const struct mlx5_sge *const sg = list;

	assert(nsge <= ch->max_send_sge && !(op.flags & ~BV_POST_FLAGS));
	if (bvi_unlikely(sq_full(ch)))
		return sq_is_full(ch, doorbell);
	if (bvi_unlikely(nsge != 1 || !sg->length || sq_starts_chain(op, doorbell))) {
		op.flags |= sq_chained(doorbell);
		return sq_list_long(c, sg, nsge, remote, sq_op_pack(op));
	}
	return sq_short(c, wqe_data(sg), rdma, remote, op, doorbell);
}

static BV_ALWAYS_INLINE int64_t sq_inline(struct bv_channel *ch, const void *buf, size_t len,
					  bool rdma, const struct bv_remote *remote,
					  struct sq_op op, enum doorbell doorbell)
{
	struct mlx5_channel *const c = to_mlx5(ch);

	assert(len <= ch->max_inline && !(op.flags & ~BV_POST_FLAGS));
	if (bvi_unlikely(sq_full(ch)))
		return sq_is_full(ch, doorbell);
	if (bvi_unlikely(len != 8 || sq_starts_chain(op, doorbell))) {
		op.flags |= sq_chained(doorbell);
		return sq_inline_long(c, buf, len, remote, sq_op_pack(op));
	}
	return sq_short(c, wqe_inline8(buf), rdma, remote, op, doorbell);
}

static BV_NOINLINE int64_t sq_atomic_first(struct mlx5_channel *c, const void *result,
					   const struct bv_remote *remote, struct prm_seg atomic,
					   uint64_t op)
{
	struct prm_seg *const wqe = wqe_at(&c->sq, c->sq.pi);

	sq_put_head(wqe, remote);
	wqe[2] = atomic;
	wqe[3] = wqe_data(result);
	return sq_post_wqe(c, wqe, 4, sq_op_unpack(op));
}

/* One block: | control | remote address | atomic | where the old value goes | */
static BV_ALWAYS_INLINE int64_t sq_atomic(struct bv_channel *ch, const void *result,
					  const struct bv_remote *remote, struct prm_seg atomic,
					  struct sq_op op, enum doorbell doorbell)
{
	struct mlx5_channel *const c = to_mlx5(ch);
	struct mlx5_sq *const sq = &c->sq;
	const unsigned pi = sq->pi;

	assert(!(remote->addr % 8) && !(op.flags & ~BV_POST_FLAGS));
	if (bvi_unlikely(sq_full(ch)))
		return sq_is_full(ch, doorbell);
	if (bvi_unlikely(sq_starts_chain(op, doorbell)))
		return sq_atomic_first(c, result, remote, atomic, sq_op_pack(op));
	return sq_post_block(c, pi,
			     &(struct wqebb){ { prm_ctrl((uint16_t)pi, op.opcode, sq->qpn_shifted,
							 4, sq_fm_ce_se(sq, op.flags), 0),
						prm_raddr(remote->addr, remote->rkey), atomic,
						wqe_data(result) } },
			     4, op.flags, doorbell);
}

/* The slots of one table. */
#define SQ_OP(name, imm) ((struct sq_op){ PRM_OPCODE_##name, flags, imm })
#define SQ_SLOTS(variant, doorbell)                                                                \
	static int64_t send_##variant(struct bv_channel *ch, const struct bv_gather *sg,           \
				      unsigned nsge, unsigned flags)                               \
	{                                                                                          \
		return sq_list(ch, sg, nsge, false, NULL, SQ_OP(SEND, 0), doorbell);               \
	}                                                                                          \
	static int64_t send_imm_##variant(struct bv_channel *ch, const struct bv_gather *sg,       \
					  unsigned nsge, uint32_t imm, unsigned flags)             \
	{                                                                                          \
		return sq_list(ch, sg, nsge, false, NULL, SQ_OP(SEND_IMM, imm), doorbell);         \
	}                                                                                          \
	static int64_t send_inline_##variant(struct bv_channel *ch, const void *buf, size_t len,   \
					     unsigned flags)                                       \
	{                                                                                          \
		return sq_inline(ch, buf, len, false, NULL, SQ_OP(SEND, 0), doorbell);             \
	}                                                                                          \
	static int64_t send_inline_imm_##variant(struct bv_channel *ch, const void *buf,           \
						 size_t len, uint32_t imm, unsigned flags)         \
	{                                                                                          \
		return sq_inline(ch, buf, len, false, NULL, SQ_OP(SEND_IMM, imm), doorbell);       \
	}                                                                                          \
	static int64_t write_##variant(struct bv_channel *ch, const struct bv_gather *sg,          \
				       unsigned nsge, const struct bv_remote *remote,              \
				       unsigned flags)                                             \
	{                                                                                          \
		return sq_list(ch, sg, nsge, true, remote, SQ_OP(WRITE, 0), doorbell);             \
	}                                                                                          \
	static int64_t write_imm_##variant(struct bv_channel *ch, const struct bv_gather *sg,      \
					   unsigned nsge, const struct bv_remote *remote,          \
					   uint32_t imm, unsigned flags)                           \
	{                                                                                          \
		return sq_list(ch, sg, nsge, true, remote, SQ_OP(WRITE_IMM, imm), doorbell);       \
	}                                                                                          \
	static int64_t write_inline_##variant(struct bv_channel *ch, const void *buf, size_t len,  \
					      const struct bv_remote *remote, unsigned flags)      \
	{                                                                                          \
		return sq_inline(ch, buf, len, true, remote, SQ_OP(WRITE, 0), doorbell);           \
	}                                                                                          \
	static int64_t write_inline_imm_##variant(struct bv_channel *ch, const void *buf,          \
						  size_t len, const struct bv_remote *remote,      \
						  uint32_t imm, unsigned flags)                    \
	{                                                                                          \
		return sq_inline(ch, buf, len, true, remote, SQ_OP(WRITE_IMM, imm), doorbell);     \
	}                                                                                          \
	static int64_t read_##variant(struct bv_channel *ch, const struct bv_scatter *sg,          \
				      unsigned nsge, const struct bv_remote *remote,               \
				      unsigned flags)                                              \
	{                                                                                          \
		return sq_list(ch, sg, nsge, true, remote, SQ_OP(READ, 0), doorbell);              \
	}                                                                                          \
	static int64_t fetch_add_##variant(struct bv_channel *ch, const struct bv_scatter *result, \
					   const struct bv_remote *remote, uint64_t add,           \
					   unsigned flags)                                         \
	{                                                                                          \
		return sq_atomic(ch, result, remote, prm_atomic(add, 0), SQ_OP(FETCH_ADD, 0),      \
				 doorbell);                                                        \
	}                                                                                          \
	static int64_t compare_swap_##variant(struct bv_channel *ch,                               \
					      const struct bv_scatter *result,                     \
					      const struct bv_remote *remote, uint64_t compare,    \
					      uint64_t swap, unsigned flags)                       \
	{                                                                                          \
		return sq_atomic(ch, result, remote, prm_atomic(swap, compare),                    \
				 SQ_OP(COMPARE_SWAP, 0), doorbell);                                \
	}                                                                                          \
	const struct bv_channel_ops bvi_mlx5_ops_##variant = {                                     \
		.post_send = send_##variant,                                                       \
		.post_send_imm = send_imm_##variant,                                               \
		.post_send_inline = send_inline_##variant,                                         \
		.post_send_inline_imm = send_inline_imm_##variant,                                 \
		.post_write = write_##variant,                                                     \
		.post_write_imm = write_imm_##variant,                                             \
		.post_write_inline = write_inline_##variant,                                       \
		.post_write_inline_imm = write_inline_imm_##variant,                               \
		.post_read = read_##variant,                                                       \
		.post_fetch_add = fetch_add_##variant,                                             \
		.post_compare_swap = compare_swap_##variant,                                       \
		.post_recv = bvi_mlx5_post_recv,                                                   \
		.flush = bvi_mlx5_flush,                                                           \
		.poll_send = bvi_mlx5_poll_send,                                                   \
		.poll_recv = bvi_mlx5_poll_recv,                                                   \
		.arm = bvi_mlx5_arm,                                                               \
	}

SQ_SLOTS(blueflame, BLUEFLAME);
SQ_SLOTS(doorbell, DOORBELL);
SQ_SLOTS(chain, CHAIN);
