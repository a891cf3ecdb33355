/* SPDX-License-Identifier: MIT */
/*
 * Building WQEs where they lie in the ring; the short ways (pin_mlx5.h) build them in registers. A WQE
 * continues at the start of the ring when it meets its end; header segments never do, as a WQE starts at
 * a block and has at most three of them.
 */
#ifndef BV_PROVIDERS_MLX5_WQE_H
#define BV_PROVIDERS_MLX5_WQE_H

#include "channel.h"

/* An element of either kind: both have this layout (asserted in channel.c), and are lists of one type here. */
struct mlx5_sge {
	uint64_t addr;
	uint32_t length;
	uint32_t lkey;
} __attribute__((may_alias));

static inline struct prm_seg wqe_data(const struct mlx5_sge *sge)
{
	return prm_data(sge->addr, sge->length, sge->lkey);
}

static inline unsigned wqe_blocks(unsigned ds)
{
	return (ds + PRM_WQEBB_DS - 1) / PRM_WQEBB_DS;
}

static inline struct prm_seg *wqe_ring(struct bv_channel *ch)
{
	return (struct prm_seg *)(void *)bvi_mlx5_post_of(ch)->ring;
}

static inline struct prm_seg *wqe_at(struct bv_channel *ch, unsigned index)
{
	return wqe_ring(ch) + (size_t)(index & mlx5_sq_mask(ch)) * PRM_WQEBB_DS;
}

static inline struct prm_seg *wqe_ring_end(struct bv_channel *ch)
{
	return wqe_ring(ch) + ((size_t)mlx5_sq_mask(ch) + 1) * PRM_WQEBB_DS;
}

/* A short memcpy, of pieces of fixed sizes that overlap: cheaper than the call for inline payload. */
static inline void wqe_copy(uint8_t *dst, const uint8_t *src, size_t len)
{
	if (len >= 16) {
		for (size_t i = 0; i < len - 16; i += 16)
			memcpy(dst + i, src + i, 16);
		memcpy(dst + len - 16, src + len - 16, 16);
	} else if (len >= 8) {
		memcpy(dst, src, 8);
		memcpy(dst + len - 8, src + len - 8, 8);
	} else if (len >= 4) {
		memcpy(dst, src, 4);
		memcpy(dst + len - 4, src + len - 4, 4);
	} else if (len) {
		dst[0] = src[0];
		dst[len / 2] = src[len / 2];
		dst[len - 1] = src[len - 1];
	}
}

/* Data segments from @seg on, empty elements left out. Returns how many. */
static inline unsigned wqe_put_list(struct bv_channel *ch, struct prm_seg *seg,
				    const struct mlx5_sge *sg, unsigned nsge)
{
	struct prm_seg *const end = wqe_ring_end(ch);
	unsigned ds = 0;

	for (unsigned i = 0; i < nsge; i++) {
		if (!sg[i].length)
			continue;
		if (seg == end)
			seg = wqe_ring(ch);
		*seg++ = wqe_data(&sg[i]);
		ds++;
	}
	return ds;
}

/* Inline data of any length from @seg on, not at the end of the ring. Returns the segments taken. */
static inline unsigned wqe_put_inline(struct bv_channel *ch, struct prm_seg *seg, const void *buf,
				      size_t len)
{
	const bv_be32 head = bv_to_be32(prm_inline_head((uint32_t)len));
	uint8_t *const dst = (uint8_t *)seg + PRM_INLINE_HEAD;
	const size_t room = (size_t)((uint8_t *)wqe_ring_end(ch) - dst);
	const unsigned ds = prm_inline_ds(len);

	if (!len)
		return 0;
	if (bvi_likely(len <= room)) {
		seg[ds - 1] = (struct prm_seg){ 0 }; /* its padding */
		memcpy(seg, &head, PRM_INLINE_HEAD);
		wqe_copy(dst, buf, len);
	} else {
		memcpy(seg, &head, PRM_INLINE_HEAD);
		wqe_copy(dst, buf, room);
		wqe_copy((uint8_t *)wqe_ring(ch), (const uint8_t *)buf + room, len - room);
	}
	return ds;
}

#endif
