/* SPDX-License-Identifier: MIT */
/*
 * Posting works that take none of the short ways, and still are plain: they ask for nothing by flags,
 * and there is room. Each long way (long.h) asks that first, and leaves what is not to a function that takes
 * anything (sq.c). A WQE that has more than a block must be straight for it: not come upon the ring's end.
 */
#ifndef BV_PROVIDERS_MLX5_PLAIN_H
#define BV_PROVIDERS_MLX5_PLAIN_H

#include "bf.h"

/* sq.c: what is not plain */
int64_t bvi_mlx5_list_any(struct bv_channel *ch, const struct mlx5_sge *sg,
			  const struct bv_remote *remote, uint64_t what, bool with_imm,
			  uint32_t imm);
int64_t bvi_mlx5_inline_any(struct bv_channel *ch, const void *buf, const struct bv_remote *remote,
			    uint64_t what, bool with_imm, uint32_t imm);
bvi_post_fn bvi_mlx5_any_list, bvi_mlx5_any_inline;
bvi_post_other_fn bvi_mlx5_atomic_any, bvi_mlx5_other_any;

/* plain.c: the long ways of BlueFlame registers */
bvi_post_other_fn bvi_mlx5_list, bvi_mlx5_atomic, bvi_mlx5_other;
bvi_post_imm_fn bvi_mlx5_list_imm, bvi_mlx5_inline_imm;

#define BVI_MLX5_LONG_IMM .post_imm = bvi_mlx5_list_imm, .post_inline_imm = bvi_mlx5_inline_imm

/* short.c */
bvi_post_fn bvi_mlx5_write_one_more, bvi_mlx5_write_inline8_more, bvi_mlx5_send_one_more,
	bvi_mlx5_send_inline8_more;

/* All that can be asked for with eight bytes inline. */
static inline uint64_t short_inline8(bool rdma, unsigned flags)
{
	return bvi_what(rdma ? BV_OP_WRITE : BV_OP_SEND, BVI_SHORT_INLINE, BVI_SHORT_INLINE, flags);
}

/* The longest payload and list that fit a BlueFlame register beside two segments. */
#define PLAIN_INLINE_MAX (BVI_MLX5_BF - 2 * PRM_DS - PRM_INLINE_HEAD)
#define PLAIN_LIST_MAX (BVI_MLX5_BF / PRM_DS - 2)

/* The length or count that @what has, and flags in bits that it has not. */
BVI_INLINE unsigned plain_n(uint64_t what, unsigned usual)
{
	const uint16_t n = (uint16_t)(what ^ usual << 4);

	return (uint16_t)(n >> 4 | n << 12);
}

/* Of inline payload; 0 is not plain, either. */
BVI_INLINE bool plain_takes_inline(struct bv_channel *ch, unsigned n)
{
	return bvi_likely(n - 1 < bvi_mlx5_send_of(ch)->max_inline) && bvi_mlx5_has_room(ch);
}

/* A list of which no element is empty, and none so long that the sum could be too long for a port. */
BVI_INLINE bool plain_takes_list(struct bv_channel *ch, unsigned nsge)
{
	const unsigned max = bvi_mlx5_post_of(ch)->ctrl_mask[BVI_MLX5_MAX_LIST] & ~BVI_MLX5_MASKED;

	return bvi_likely(nsge - 1 < max) && bvi_mlx5_has_room(ch);
}

BVI_INLINE bool plain_takes_piece(const struct mlx5_sge *sge)
{
	return bvi_likely(sge->length - 1 < BVI_MLX5_MSG / PLAIN_LIST_MAX);
}

BVI_INLINE bvi_v16 plain_ctrl(struct bv_channel *ch, uint64_t what, uint64_t pi, unsigned ds,
			      bool with_imm, uint32_t imm)
{
	const uint64_t how = what & ~UINT64_C(0xffff), odd = with_imm ? UINT64_C(1) << 16 : 0;
	const bvi_v16 ctrl = bvi_seg_ctrl(ch, how + odd, pi, ds, 0);

	if (!with_imm)
		return ctrl;
	return ctrl | bvi_v16_of(0, (uint64_t)bv_to_be32(imm).be << 32);
}

/* Where the next WQE goes: its block, free-running, and 16 times that in the ring. */
struct plain_place {
	uint32_t pi;
	uint32_t at;
	bvi_v16 *wqe;
};

BVI_INLINE struct plain_place plain_next(struct bv_channel *ch)
{
	const struct bvi_mlx5_send *const send = bvi_mlx5_send_of(ch);
	const uint32_t pi = send->pi, at = pi << 4 & send->places;

	return (struct plain_place){
		pi, at, (bvi_v16 *)(void *)(bvi_mlx5_post_of(ch)->ring + (uint64_t)at * 4)
	};
}

/* Whether @blocks fit before the end of the ring. */
static inline bool plain_is_straight(struct bv_channel *ch, struct plain_place to, unsigned blocks)
{
	const uint32_t last = bvi_mlx5_send_of(ch)->places & ~(0xffu << BVI_MLX5_OWNER_SHIFT);

	return bvi_likely(to.at + (blocks - 1) * (uint32_t)sizeof(struct bvi_mlx5_done) <= last);
}

/* Takes the place for a WQE that is straight, with its control segment. Returns the work's number. */
BVI_INLINE int64_t plain_take(struct bv_channel *ch, struct plain_place to, unsigned blocks,
			      bvi_v16 ctrl, uint64_t what)
{
	const int64_t number = (int64_t)ch->sq_posted++;
	uint64_t at = to.at;
	struct bvi_mlx5_done *const done = bvi_mlx5_done_at(ch, &at);

	done->work = number;
	done->how = what & ~UINT64_C(0xffff);
	to.wqe[0] = ctrl;
	bvi_mlx5_send_of(ch)->pi = (uint16_t)(to.pi + blocks);
	return number;
}

#endif
