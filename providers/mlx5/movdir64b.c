/* SPDX-License-Identifier: MIT */
/*
 * The short ways with MOVDIR64B, which brings a block from the ring to BlueFlame as one write of 64 bytes: it is
 * neither taken apart nor combined with others (Intel SDM volume 2, MOVDIR64B). Like all stores to write-combining
 * memory it needs the fence between it and what it tells of.
 */
#include "simd.h"

#ifdef MLX5_SIMD

#include <immintrin.h>

#define SHORT_TARGET __attribute__((target("movdir64b")))
#define INLINE_MOVDIR64B static inline SHORT_TARGET __attribute__((always_inline))

INLINE_MOVDIR64B int64_t ring(struct bv_channel *ch, struct bvi_mlx5_added added)
{
	uint8_t *const bf = bf_begin(ch, bvi_mlx5_send_of(ch)->pi);

	_movdir64b(bf, bvi_mlx5_in_block(added.ring, &added.at, 0));
	bf_end(ch, bf);
	return added.number;
}

INLINE_MOVDIR64B int64_t one(struct bv_channel *ch, const void *sg, bool rdma,
			     const struct bv_remote *remote, uint64_t what)
{
	return ring(ch, bvi_mlx5_add_one(ch, sg, rdma, remote, what, 0));
}

INLINE_MOVDIR64B int64_t inline8(struct bv_channel *ch, const void *buf, bool rdma,
				 const struct bv_remote *remote, uint64_t what)
{
	const struct bvi_mlx5_added added = bvi_mlx5_add_block(ch, rdma, remote, what, 0);
	uint64_t at = added.at;

	bvi_mlx5_put(added.ring, &at, rdma ? 2 : 1, bvi_seg_inline8(buf));
	return ring(ch, added);
}

#include "short.h"

BVI_MLX5_TABLES(movdir64b, SHORT_SENDS, .post_other = bvi_mlx5_other, BVI_MLX5_LONG_IMM);

#endif
