/* SPDX-License-Identifier: MIT */
/*
 * Posting anything to the send queue: with flags, without room, at the end of the ring, with a register of any kind; and
 * refusing what must be refused. WQEs are written where they lie, and rung from there.
 *
 * Most works take a shorter way: one element, and eight bytes inline, the short ways (short.h); other lists
 * and payload, immediates and atomics those of plain.c, as far as they are plain.
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
	struct bvi_mlx5_done *const done = mlx5_done(ch, pi);
	const int64_t number = (int64_t)ch->sq_posted++;

	wqe[0] = prm_ctrl((uint16_t)pi, op.opcode, c->qpn << 8, ds,
			  sq_fm_ce_se(c, number, op.flags), op.imm);
	*done = (struct bvi_mlx5_done){ number, op.how };
	send->pi = (uint16_t)(pi + wqe_blocks(ds));
	if (!(op.flags & BV_MORE))
		bf_ring(ch, send->pi, wqe);
	return number;
}

int64_t bvi_mlx5_list_any(struct bv_channel *ch, const struct mlx5_sge *sg,
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

int64_t bvi_mlx5_inline_any(struct bv_channel *ch, const void *buf, const struct bv_remote *remote,
			    uint64_t what, bool with_imm, uint32_t imm)
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

int64_t bvi_mlx5_atomic_any(struct bv_channel *ch, const void *result,
			    const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
			    uint64_t compare)
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

int64_t bvi_mlx5_other_any(struct bv_channel *ch, const void *payload,
			   const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
			   uint64_t compare)
{
	return bvi_post_other_by(bvi_mlx5_any_list, bvi_mlx5_any_inline, bvi_mlx5_atomic_any, ch,
				 payload, remote, what, swap_add, compare);
}

int64_t bvi_mlx5_any_list(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			  uint64_t what)
{
	return bvi_mlx5_list_any(ch, sg, remote, what, false, 0);
}

int64_t bvi_mlx5_any_inline(struct bv_channel *ch, const void *buf, const struct bv_remote *remote,
			    uint64_t what)
{
	return bvi_mlx5_inline_any(ch, buf, remote, what, false, 0);
}

static int64_t any_list_imm(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			    uint64_t what, uint32_t imm)
{
	return bvi_mlx5_list_any(ch, sg, remote, what, true, imm);
}

static int64_t any_inline_imm(struct bv_channel *ch, const void *buf,
			      const struct bv_remote *remote, uint64_t what, uint32_t imm)
{
	return bvi_mlx5_inline_any(ch, buf, remote, what, true, imm);
}

#define SQ_SENDS                                                                        \
	.post_one = bvi_mlx5_any_list, .post_inline8 = bvi_mlx5_any_inline,             \
	.write_one_more = bvi_mlx5_any_list, .write_inline8_more = bvi_mlx5_any_inline, \
	.send_one_more = bvi_mlx5_any_list, .send_inline8_more = bvi_mlx5_any_inline,   \
	.post_other = bvi_mlx5_other_any, .post_imm = any_list_imm,                     \
	.post_inline_imm = any_inline_imm

BVI_MLX5_TABLES(any, SQ_SENDS);

/* The first block of the last WQE, where its number is; in others of its blocks are those of works long gone. */
static unsigned sq_last(const struct mlx5_channel *c)
{
	struct bv_channel *const ch = c->base;
	const unsigned pi = bvi_mlx5_send_of(ch)->pi;
	unsigned blocks = 1;

	while (mlx5_done(ch, pi - blocks)->work + 1 != (int64_t)ch->sq_posted &&
	       blocks <= mlx5_sq_mask(ch))
		blocks++;
	return pi - blocks;
}

int bvi_mlx5_flush(struct bv_channel *ch)
{
	const unsigned pi = bvi_mlx5_send_of(ch)->pi;

	if (bv_from_be32(*bvi_mlx5_post_of(ch)->dbrec) != pi)
		bf_ring(ch, pi, wqe_at(ch, sq_last(to_mlx5(ch))));
	return 0;
}

uint32_t bvi_mlx5_channel_unsignaled(const struct bv_channel *ch)
{
	const struct mlx5_channel *const c = to_mlx5(ch);
	const struct prm_seg *const last = wqe_at(c->base, sq_last(c));

	return bvi_sq_outstanding(ch) > 0 && !(bv_from_be64(last->w[1]) >> 32 & PRM_CTRL_CQ_UPDATE);
}

void bvi_mlx5_sq_init(struct bv_channel *ch, uint32_t qpn, uint32_t blocks,
		      const struct bv_channel_attr *attr)
{
	/* Bytes that a shuffle takes; Z: 0. Of a control segment: pi, opcode, ds | QPN, fm_ce_se. */
	enum { Z = BVI_MLX5_MASKED };
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
	send->max_inline = (uint8_t)(attr->max_inline < PLAIN_INLINE_MAX ? attr->max_inline :
									   PLAIN_INLINE_MAX);
	send->room = (uint16_t)(attr->max_send + 1);
	memcpy(post->ctrl_mask, ctrl, sizeof(ctrl));
	post->ctrl_mask[BVI_MLX5_MAX_LIST] |= (uint8_t)(attr->max_send_sge < PLAIN_LIST_MAX ?
								attr->max_send_sge :
								PLAIN_LIST_MAX);
	memcpy(post->seg_mask, seg, sizeof(seg));
	for (uint32_t i = 0; i < blocks; i++)
		mlx5_done(ch, i)->work = -1;
}
