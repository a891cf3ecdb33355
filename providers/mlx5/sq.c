/* SPDX-License-Identifier: MIT */
/*
 * Posting to the send queue.
 *
 * One element, and eight bytes inline, go by the short ways of pin_mlx5.h. All else goes the long way
 * here: lists, payload of any length, immediates, atomics, by plain.h as far as they are plain. What is
 * not, with flags or to be refused, is written where it lies, and rung from there. So is everything of
 * channels whose registers are not what the short ways write to.
 */
#include "plain.h"

/* What a post asks for besides its payload and target. */
struct sq_op {
	unsigned opcode;
	unsigned flags;
	uint32_t imm;
	uint64_t how; /* of its completion: bits 63:16 of @what */
};

static inline struct sq_op sq_op(uint64_t what, bool with_imm, uint32_t imm)
{
	static_assert(PRM_OPCODE_WRITE_IMM == (PRM_OPCODE_WRITE | 1) &&
			      PRM_OPCODE_SEND_IMM == (PRM_OPCODE_SEND | 1),
		      "immediates are odd");
	return (struct sq_op){ (unsigned)bvi_what_op(what) | with_imm, bvi_what_flags(what), imm,
			       what & ~UINT64_C(0xffff) };
}

static_assert((int)BV_OP_WRITE == PRM_OPCODE_WRITE && (int)BV_OP_SEND == PRM_OPCODE_SEND &&
		      (int)BV_OP_READ == PRM_OPCODE_READ &&
		      (int)BV_OP_COMPARE_SWAP == PRM_OPCODE_COMPARE_SWAP &&
		      (int)BV_OP_FETCH_ADD == PRM_OPCODE_FETCH_ADD,
	      "an operation is its opcode");

/* The fm_ce_se byte of work @number. Of unsignaled ones in a row, one in signal_every is signaled. */
static uint32_t sq_fm_ce_se(struct mlx5_channel *c, int64_t number, unsigned flags)
{
	const uint32_t fm_ce_se = (flags & BV_FENCE) << 6 | (flags & BV_SOLICITED) >> 1;

	static_assert(BV_FENCE << 6 == PRM_CTRL_FENCE && BV_SOLICITED >> 1 == PRM_CTRL_SOLICITED,
		      "flags move into place by a shift");
	if (!(flags & BV_UNSIGNALED))
		return fm_ce_se | PRM_CTRL_CQ_UPDATE;
	if (number != c->last_unsignaled + 1)
		c->unsignaled = 0;
	c->last_unsignaled = number;
	if (++c->unsignaled < c->signal_every)
		return fm_ce_se;
	c->unsignaled = 0;
	return fm_ce_se | PRM_CTRL_CQ_UPDATE;
}

/* Works that wait for a doorbell never complete: the queue would stay full. */
static BV_COLD_PATH int64_t sq_full(struct bv_channel *ch)
{
	bvi_mlx5_flush(ch);
	return -EAGAIN;
}

/* The header of a WQE in the ring, but for the control segment. Returns its segments. */
static inline unsigned sq_put_head(struct prm_seg *wqe, const struct bv_remote *remote)
{
	if (!remote)
		return 1;
	wqe[1] = prm_raddr(remote->addr, remote->rkey);
	return 2;
}

/* Completes a WQE of @ds segments in the ring with its control segment, and posts it. */
static inline int64_t sq_post_wqe(struct bv_channel *ch, struct prm_seg *wqe, unsigned ds,
				  struct sq_op op)
{
	struct mlx5_channel *const c = to_mlx5(ch);
	struct bvi_mlx5_send *const send = bvi_mlx5_send_of(ch);
	const unsigned pi = send->pi;
	const bool alone = bv_from_be32(*bvi_mlx5_post_of(ch)->dbrec) == pi;
	struct bvi_mlx5_done *const done = mlx5_done(ch, pi);
	const int64_t number = (int64_t)ch->sq_posted++;

	wqe[0] = prm_ctrl((uint16_t)pi, op.opcode, c->qpn << 8, ds,
			  sq_fm_ce_se(c, number, op.flags), op.imm);
	*done = (struct bvi_mlx5_done){ number, op.how };
	c->last = (uint16_t)pi;
	send->pi = (uint16_t)(pi + wqe_blocks(ds));
	if (!(op.flags & BV_MORE))
		bf_ring(ch, send->pi, wqe, ds, alone);
	else if (ch->gate == BVI_GATE_OPEN)
		ch->gate = BVI_GATE_MORE;
	return number;
}

/* ---- the long ways ---- */

static BV_NOINLINE int64_t list_any(struct bv_channel *ch, const struct mlx5_sge *sg,
				    const struct bv_remote *remote, uint64_t what, bool with_imm,
				    uint32_t imm)
{
	const unsigned nsge = bvi_what_n(what, BVI_SHORT_LIST);
	struct prm_seg *const wqe = wqe_at(ch, bvi_mlx5_send_of(ch)->pi);
	unsigned ds;

	if (bvi_unlikely(!bvi_list_fits_channel(ch, sg, nsge)))
		return bvi_refuse_list(ch, nsge);
	if (bvi_unlikely(ch->sq_posted == ch->sq_limit))
		return sq_full(ch);
	ds = sq_put_head(wqe, remote);
	ds += wqe_put_list(ch, wqe + ds, sg, nsge);
	return sq_post_wqe(ch, wqe, ds, sq_op(what, with_imm, imm));
}

static BV_NOINLINE int64_t inline_any(struct bv_channel *ch, const void *buf,
				      const struct bv_remote *remote, uint64_t what, bool with_imm,
				      uint32_t imm)
{
	const unsigned len = bvi_what_n(what, BVI_SHORT_INLINE);
	struct prm_seg *const wqe = wqe_at(ch, bvi_mlx5_send_of(ch)->pi);
	unsigned ds;

	if (bvi_unlikely(len > ch->max_inline))
		return bvi_refuse_length(ch, len);
	if (bvi_unlikely(ch->sq_posted == ch->sq_limit))
		return sq_full(ch);
	ds = sq_put_head(wqe, remote);
	ds += wqe_put_inline(ch, wqe + ds, buf, len);
	return sq_post_wqe(ch, wqe, ds, sq_op(what, with_imm, imm));
}

/* A list is checked while it is written: what is refused then lies where nothing is yet. */
BVI_INLINE int64_t sq_list(struct bv_channel *ch, const struct mlx5_sge *sg, bool rdma,
			   const struct bv_remote *remote, uint64_t what, bool with_imm,
			   uint32_t imm)
{
	const unsigned nsge = bvi_what_n(what, BVI_SHORT_LIST), head = rdma ? 2 : 1;
	const struct mlx5_sge *end;
	const struct plain_place to = plain_next(ch);
	bvi_v16 *seg = to.wqe + head;
	uint64_t bytes = 0;
	int64_t number;
	unsigned ds;

	/* Without elements the list may be NULL. */
	if (bvi_unlikely(nsge - 1 >= ch->max_send_sge || !plain_is_straight(ch, to, head + nsge)))
		return list_any(ch, sg, remote, what, with_imm, imm);
	if (rdma)
		to.wqe[1] = bvi_seg_remote(ch, remote, true);
	for (end = sg + nsge; sg != end; sg++) {
		if (bvi_unlikely(!sg->length))
			continue;
		bytes += sg->length;
		*seg++ = bvi_seg_data(ch, sg, true);
	}
	/* One without payload, too: its doorbell is another. */
	if (bvi_unlikely(bytes - 1 >= ch->max_msg))
		return list_any(ch, end - nsge, remote, what, with_imm, imm);
	ds = (unsigned)(seg - to.wqe);
	number = plain_take(ch, to, wqe_blocks(ds), plain_ctrl(ch, what, to.pi, ds, with_imm, imm),
			    what);
	plain_ring_straight(ch, to, ds);
	return number;
}

/* One element with an immediate. */
BVI_INLINE int64_t sq_one_imm(struct bv_channel *ch, const struct mlx5_sge *sg, bool rdma,
			      const struct bv_remote *remote, uint64_t what, uint32_t imm)
{
	const bvi_v16 none = { 0, 0 };
	bvi_v16 block[4] = { none, none, none, none };

	if (rdma)
		block[1] = bvi_seg_remote(ch, remote, true);
	block[rdma ? 2 : 1] = bvi_seg_data(ch, sg, true);
	return plain_post_block(ch, block, rdma ? 3 : 2, what, true, imm);
}

/* Inline payload of any length for which there is no shorter way. */
static BV_NOINLINE int64_t inline_straight(struct bv_channel *ch, const void *buf,
					   const struct bv_remote *remote, uint64_t what,
					   bool with_imm, uint32_t imm)
{
	const unsigned len = bvi_what_n(what, BVI_SHORT_INLINE), head = remote ? 2 : 1;
	const unsigned ds = head + prm_inline_ds(len);
	const struct plain_place to = plain_next(ch);
	int64_t number;

	if (bvi_unlikely(!plain_is_straight(ch, to, ds)))
		return inline_any(ch, buf, remote, what, with_imm, imm);
	number = plain_take(ch, to, wqe_blocks(ds), plain_ctrl(ch, what, to.pi, ds, with_imm, imm),
			    what);
	if (remote)
		to.wqe[1] = bvi_seg_remote(ch, remote, true);
	wqe_put_inline_straight(to.wqe + head, to.wqe + ds - 1, buf, len);
	plain_ring_straight(ch, to, ds);
	return number;
}

/* Inline payload that takes more than a block: two, usually. */
BVI_INLINE int64_t sq_inline_two(struct bv_channel *ch, const uint8_t *buf, bool rdma,
				 const struct bv_remote *remote, uint64_t what, bool with_imm,
				 uint32_t imm)
{
	const unsigned len = bvi_what_n(what, BVI_SHORT_INLINE), head = rdma ? 2 : 1;
	const unsigned left = len - wqe_block_inline(head);
	const struct plain_place to = plain_next(ch);
	const bvi_v16 none = { 0, 0 };
	bvi_v16 block[8];

	if (bvi_unlikely(left > PRM_WQEBB || !plain_is_straight(ch, to, 2 * PRM_WQEBB_DS)))
		return inline_straight(ch, buf, remote, what, with_imm, imm);
	block[1] = rdma ? bvi_seg_remote(ch, remote, true) : none;
	block[head] = wqe_inline_first(wqe_load(buf), len);
#pragma GCC unroll 4
	for (unsigned i = head + 1; i < PRM_WQEBB_DS; i++)
		block[i] = wqe_load(buf + (i - head) * PRM_DS - PRM_INLINE_HEAD);
	wqe_inline_second(block + PRM_WQEBB_DS, buf + wqe_block_inline(head), left);
	return plain_post_two(ch, to, block, PRM_WQEBB_DS + (left + PRM_DS - 1) / PRM_DS, what,
			      with_imm, imm);
}

static BV_NOINLINE int64_t write_inline_two(struct bv_channel *ch, const void *buf,
					    const struct bv_remote *remote, uint64_t what)
{
	return sq_inline_two(ch, buf, true, remote, what, false, 0);
}

static BV_NOINLINE int64_t send_inline_two(struct bv_channel *ch, const void *buf, uint64_t what)
{
	return sq_inline_two(ch, buf, false, NULL, what, false, 0);
}

static BV_NOINLINE int64_t imm_inline_two(struct bv_channel *ch, const void *buf,
					  const struct bv_remote *remote, uint64_t what,
					  uint32_t imm)
{
	if (!remote)
		return sq_inline_two(ch, buf, false, NULL, what, true, imm);
	return sq_inline_two(ch, buf, true, remote, what, true, imm);
}

BVI_INLINE int64_t sq_inline(struct bv_channel *ch, const void *buf, bool rdma,
			     const struct bv_remote *remote, uint64_t what, bool with_imm,
			     uint32_t imm)
{
	const unsigned len = bvi_what_n(what, BVI_SHORT_INLINE), head = rdma ? 2 : 1;
	const bvi_v16 none = { 0, 0 };
	struct wqe_payload p;

	if (bvi_unlikely(len - 1 >= ch->max_inline))
		return inline_any(ch, buf, remote, what, with_imm, imm);
	if (len > wqe_block_inline(head) && with_imm)
		return imm_inline_two(ch, buf, remote, what, imm);
	if (len > wqe_block_inline(head))
		return rdma ? write_inline_two(ch, buf, remote, what) :
			      send_inline_two(ch, buf, what);
	p = wqe_inline_block(buf, len, head);
	if (rdma) {
		const bvi_v16 block[4] = { none, bvi_seg_remote(ch, remote, true), p.seg[0],
					   p.seg[1] };

		return plain_post_block(ch, block, head + p.ds, what, with_imm, imm);
	}
	return plain_post_block(ch, (const bvi_v16[4]){ none, p.seg[0], p.seg[1], p.seg[2] },
				head + p.ds, what, with_imm, imm);
}

static int64_t long_list(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			 uint64_t what)
{
	if (!plain_is(ch, what))
		return list_any(ch, sg, remote, what, false, 0);
	if (!remote)
		return sq_list(ch, sg, false, NULL, what, false, 0);
	return sq_list(ch, sg, true, remote, what, false, 0);
}

static BV_NOINLINE int64_t list_imm(struct bv_channel *ch, const void *sg,
				    const struct bv_remote *remote, uint64_t what, uint32_t imm)
{
	return remote ? sq_list(ch, sg, true, remote, what, true, imm) :
			sq_list(ch, sg, false, NULL, what, true, imm);
}

static int64_t post_imm(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			uint64_t what, uint32_t imm)
{
	if (!plain_is(ch, what))
		return list_any(ch, sg, remote, what, true, imm);
	if ((uint16_t)what != 0 || !bvi_mlx5_takes_element(sg))
		return list_imm(ch, sg, remote, what, imm);
	if (!remote)
		return sq_one_imm(ch, sg, false, NULL, what, imm);
	return sq_one_imm(ch, sg, true, remote, what, imm);
}

static BV_NOINLINE int64_t send_inline_plain(struct bv_channel *ch, const void *buf, uint64_t what)
{
	return sq_inline(ch, buf, false, NULL, what, false, 0);
}

static int64_t long_inline(struct bv_channel *ch, const void *buf, const struct bv_remote *remote,
			   uint64_t what)
{
	if (!plain_is(ch, what))
		return inline_any(ch, buf, remote, what, false, 0);
	if (!remote)
		return send_inline_plain(ch, buf, what);
	return sq_inline(ch, buf, true, remote, what, false, 0);
}

static int64_t post_inline_imm(struct bv_channel *ch, const void *buf,
			       const struct bv_remote *remote, uint64_t what, uint32_t imm)
{
	if (!plain_is(ch, what))
		return inline_any(ch, buf, remote, what, true, imm);
	if (!remote)
		return sq_inline(ch, buf, false, NULL, what, true, imm);
	return sq_inline(ch, buf, true, remote, what, true, imm);
}

static BV_NOINLINE int64_t atomic_any(struct bv_channel *ch, const struct bv_scatter *result,
				      const struct bv_remote *remote, uint64_t what,
				      uint64_t swap_add, uint64_t compare)
{
	struct prm_seg *const wqe = wqe_at(ch, bvi_mlx5_send_of(ch)->pi);

	if (bvi_unlikely(!ch->max_send_sge))
		return bvi_refuse_list(ch, 1);
	if (bvi_unlikely(ch->sq_posted == ch->sq_limit))
		return sq_full(ch);
	sq_put_head(wqe, remote);
	wqe[2] = prm_atomic(swap_add, compare);
	wqe[3] = wqe_data((const void *)result);
	return sq_post_wqe(ch, wqe, 4, sq_op(what, false, 0));
}

/* One block: | control | remote address | atomic | where the old value goes | */
static int64_t post_atomic(struct bv_channel *ch, const struct bv_scatter *result,
			   const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
			   uint64_t compare)
{
	what |= (uint64_t)sizeof(uint64_t) << 32;
	if (!plain_is(ch, what))
		return atomic_any(ch, result, remote, what, swap_add, compare);
	return plain_post_block(
		ch,
		(const bvi_v16[4]){ { 0, 0 },
				    bvi_seg_remote(ch, remote, true),
				    bvi_v16_of(bv_to_be64(swap_add).be, bv_to_be64(compare).be),
				    bvi_seg_data(ch, result, true) },
		4, what, false, 0);
}

static bvi_post_fn end_one, end_inline8;

/* What the short way leaves: to the end of a chain, or to the long way. */
static inline int64_t left_one(struct bv_channel *ch, const void *sg,
			       const struct bv_remote *remote, uint64_t what, bool more)
{
	return !more && ch->gate == BVI_GATE_MORE ? end_one(ch, sg, remote, what) :
						    long_list(ch, sg, remote, what);
}

static inline int64_t left_inline8(struct bv_channel *ch, const void *buf,
				   const struct bv_remote *remote, uint64_t what, bool more)
{
	return !more && ch->gate == BVI_GATE_MORE ? end_inline8(ch, buf, remote, what) :
						    long_inline(ch, buf, remote, what);
}

/* All that can be asked for with eight bytes inline. */
static inline uint64_t what_inline8(bool rdma, bool more)
{
	return bvi_what(rdma ? BV_OP_WRITE : BV_OP_SEND, BVI_SHORT_INLINE, BVI_SHORT_INLINE,
			more ? BV_MORE : 0);
}

/*
 * The short ways. Writes and sends have functions of their own, for the compiler mixes what it finds in
 * one with what it finds in the other. Those of a chain need not look at the gate: their pointers are in
 * force only while it is not closed.
 */
#define SHORT_WAYS(name, rdma, suffix, more, takes)                                               \
	static BV_NOINLINE int64_t name##_one##suffix(struct bv_channel *ch, const void *sg,      \
						      const struct bv_remote *remote,             \
						      uint64_t what)                              \
	{                                                                                         \
		if (!(takes) || !bvi_mlx5_takes_element(sg))                                      \
			return left_one(ch, sg, remote, what, more);                              \
		return bvi_mlx5_post_one(ch, sg, rdma, remote, what, more);                       \
	}                                                                                         \
	static BV_NOINLINE int64_t name##_inline8##suffix(struct bv_channel *ch, const void *buf, \
							  const struct bv_remote *remote,         \
							  uint64_t what)                          \
	{                                                                                         \
		if (!(takes))                                                                     \
			return left_inline8(ch, buf, remote, what, more);                         \
		return bvi_mlx5_post_inline8(ch, buf, rdma, remote, what_inline8(rdma, more),     \
					     more);                                               \
	}
SHORT_WAYS(send, false, , false, bvi_mlx5_takes(ch, false))
SHORT_WAYS(send, false, _more, true, bvi_mlx5_has_room(ch))
SHORT_WAYS(write, true, _more, true, bvi_mlx5_has_room(ch))

static int64_t post_one(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			uint64_t what)
{
	if (bvi_unlikely(!remote))
		return send_one(ch, sg, remote, what);
	if (!bvi_mlx5_takes(ch, false) || !bvi_mlx5_takes_element(sg))
		return left_one(ch, sg, remote, what, false);
	return bvi_mlx5_post_one(ch, sg, true, remote, what, false);
}

static int64_t post_inline8(struct bv_channel *ch, const void *buf, const struct bv_remote *remote,
			    uint64_t what)
{
	if (bvi_unlikely(!remote))
		return send_inline8(ch, buf, remote, what);
	if (!bvi_mlx5_takes(ch, false))
		return left_inline8(ch, buf, remote, what, false);
	return bvi_mlx5_post_inline8(ch, buf, true, remote, what_inline8(true, false), false);
}

/* Rings for all of a chain, with the control segment of its last work. */
static inline int64_t ring_chain(struct bv_channel *ch, struct bvi_mlx5_added last)
{
	uint8_t *const bf = bf_begin(ch, bvi_mlx5_send_of(ch)->pi);
	const bv_be64 doorbell = { last.ctrl[0] };

	bvi_mlx5_post_of(ch)->bf = (uint8_t *)((uintptr_t)bf ^ BVI_MLX5_BF);
	ch->gate = BVI_GATE_OPEN;
	bv_mmio_write64(bf, doorbell);
	bv_doorbell_flush();
	return last.number;
}

/* The last work of a chain. */
static BV_NOINLINE int64_t end_one(struct bv_channel *ch, const void *sg,
				   const struct bv_remote *remote, uint64_t what)
{
	if (!bvi_mlx5_has_room(ch) || !bvi_mlx5_takes_element(sg))
		return long_list(ch, sg, remote, what);
	if (remote)
		return ring_chain(ch, bvi_mlx5_add_one(ch, sg, true, remote, what, 0));
	return ring_chain(ch, bvi_mlx5_add_one(ch, sg, false, remote, what, 0));
}

static BV_NOINLINE int64_t end_inline8(struct bv_channel *ch, const void *buf,
				       const struct bv_remote *remote, uint64_t what)
{
	if (!bvi_mlx5_has_room(ch))
		return long_inline(ch, buf, remote, what);
	if (remote)
		return ring_chain(ch, bvi_mlx5_add_inline8(ch, buf, true, remote,
							   what_inline8(true, false), 0));
	return ring_chain(ch, bvi_mlx5_add_inline8(ch, buf, false, remote,
						   what_inline8(false, false), 0));
}

/* The block of the last WQE: the one before the next, or else where the long way left it. */
static unsigned sq_last(const struct mlx5_channel *c)
{
	struct bv_channel *const ch = c->base;
	const unsigned before = bvi_mlx5_send_of(ch)->pi - 1u;

	return mlx5_done(ch, before)->work + 1 == (int64_t)ch->sq_posted ? before : c->last;
}

int bvi_mlx5_flush(struct bv_channel *ch)
{
	const unsigned pi = bvi_mlx5_send_of(ch)->pi;

	if (bv_from_be32(*bvi_mlx5_post_of(ch)->dbrec) != pi)
		bf_ring(ch, pi, wqe_at(ch, sq_last(to_mlx5(ch))), 0, false);
	return 0;
}

uint32_t bvi_mlx5_channel_unsignaled(const struct bv_channel *ch)
{
	const struct mlx5_channel *const c = to_mlx5(ch);
	const struct prm_seg *const last = wqe_at(c->base, sq_last(c));

	return bvi_sq_outstanding(ch) > 0 && !(bv_from_be64(last->w[1]) >> 32 & PRM_CTRL_CQ_UPDATE);
}

void bvi_mlx5_sq_init(struct bv_channel *ch, uint32_t qpn, uint32_t blocks)
{
	/* Bytes that a shuffle takes; Z: 0. Of a control segment: pi, opcode, ds | QPN, fm_ce_se. */
	enum { Z = 0x80 };
	static const uint8_t ctrl[16] = { Z, 1, 0, 2, 10, 9, 8, 3, Z, Z, Z, 11, Z, Z, Z, Z };
	/*
	 * Of an element | address | length, lkey | in the order length, half an address, lkey, the other
	 * half; or, moved up by a word, of a remote address as it shall be.
	 */
	static const uint8_t seg[16] = { 11, 10, 9, 8, 7, 6, 5, 4, 15, 14, 13, 12, 3, 2, 1, 0 };
	struct bvi_mlx5_send *const send = bvi_mlx5_send_of(ch);
	struct bvi_mlx5_post *const post = bvi_mlx5_post_of(ch);

	send->qpn = qpn | (uint32_t)PRM_CTRL_CQ_UPDATE << 24;
	send->places = (blocks - 1) * (uint32_t)sizeof(struct bvi_mlx5_done);
	memcpy(post->ctrl_mask, ctrl, sizeof(ctrl));
	memcpy(post->seg_mask, seg, sizeof(seg));
	for (uint32_t i = 0; i < blocks; i++)
		mlx5_done(ch, i)->work = -1;
}

#define SQ_ALL                                                               \
	.post = long_list, .post_inline = long_inline, .post_imm = post_imm, \
	.post_inline_imm = post_inline_imm, .post_atomic = post_atomic, BVI_MLX5_REAPS
#define SQ_SHORT                                                                              \
	.post_one = post_one, .post_inline8 = post_inline8, .write_one_more = write_one_more, \
	.write_inline8_more = write_inline8_more, .send_one_more = send_one_more,             \
	.send_inline8_more = send_inline8_more, SQ_ALL
#define SQ_LONG                                                                          \
	.post_one = long_list, .post_inline8 = long_inline, .write_one_more = long_list, \
	.write_inline8_more = long_inline, .send_one_more = long_list,                   \
	.send_inline8_more = long_inline, SQ_ALL

const struct bv_channel_ops bvi_mlx5_ops_short[2] = {
	{ SQ_SHORT, BVI_MLX5_RECV_LISTS },
	{ SQ_SHORT, BVI_MLX5_RECV_ONES },
};

const struct bv_channel_ops bvi_mlx5_ops_long[2] = {
	{ SQ_LONG, BVI_MLX5_RECV_LISTS },
	{ SQ_LONG, BVI_MLX5_RECV_ONES },
};
