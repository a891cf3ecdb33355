/* SPDX-License-Identifier: MIT */
/*
 * The long ways of registers with BlueFlame halves of BVI_MLX5_BF bytes, which get all of a WQE.
 */
#include "plain.h"

/* Blocks that are in registers. */
BVI_INLINE void long_ring(struct bv_channel *ch, unsigned pi, const bvi_v16 *block, unsigned blocks)
{
	uint8_t *const bf = bf_begin(ch, pi);

#pragma GCC unroll 8
	for (unsigned i = 0; i < blocks * PRM_WQEBB_DS; i++)
		bv_mmio_write128(bf + i * PRM_DS, block[i]);
	bf_end(ch, bf);
}

/* All of it lies in the ring. */
BVI_INLINE void long_ring_straight(struct bv_channel *ch, struct plain_place to, unsigned blocks)
{
	uint8_t *const bf = bf_begin(ch, bvi_mlx5_send_of(ch)->pi);
	const size_t size = (size_t)blocks * PRM_WQEBB;
	size_t at = 0;

	do {
		bv_mmio_copy64(bf + at, (const uint8_t *)to.wqe + at);
		at += PRM_WQEBB;
	} while (at != size);
	bf_end(ch, bf);
}

#define LONG_LINKAGE
#define LONG(name) bvi_mlx5_##name
#include "long.h"
