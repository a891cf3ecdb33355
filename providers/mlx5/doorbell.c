/* SPDX-License-Identifier: MIT */
/*
 * The short and long ways of registers that are not BlueFlame: a doorbell is the first eight bytes of the WQE, which
 * the device fetches from the ring. Such a register is not cached (bf.h), has one place for doorbells, and needs
 * no fence behind them.
 */
#include "plain.h"

/* @ctrl: control segment of the last WQE before @pi */
BVI_INLINE void ring_word(struct bv_channel *ch, unsigned pi, bvi_v16 ctrl)
{
	const bv_be64 word = { ctrl[0] };

	bv_mmio_write64(bf_begin(ch, pi), word);
}

BVI_INLINE void long_ring(struct bv_channel *ch, unsigned pi, const bvi_v16 *block, unsigned blocks)
{
	(void)blocks;
	ring_word(ch, pi, block[0]);
}

BVI_INLINE void long_ring_straight(struct bv_channel *ch, struct plain_place to, unsigned blocks)
{
	(void)blocks;
	ring_word(ch, bvi_mlx5_send_of(ch)->pi, to.wqe[0]);
}

#define LONG_LINKAGE static
#define LONG(name) doorbell_##name
#include "long.h"

BVI_INLINE int64_t ring(struct bv_channel *ch, struct bvi_mlx5_added added)
{
	ring_word(ch, bvi_mlx5_send_of(ch)->pi, added.ctrl);
	return added.number;
}

BVI_INLINE int64_t one(struct bv_channel *ch, const void *sg, bool rdma,
		       const struct bv_remote *remote, uint64_t what)
{
	return ring(ch, bvi_mlx5_add_one(ch, sg, rdma, remote, what, 0));
}

BVI_INLINE int64_t inline8(struct bv_channel *ch, const void *buf, bool rdma,
			   const struct bv_remote *remote, uint64_t what)
{
	const struct bvi_mlx5_added added = bvi_mlx5_add_block(ch, rdma, remote, what, 0);
	uint64_t at = added.at;

	bvi_mlx5_put(added.ring, &at, rdma ? 2 : 1, bvi_seg_inline8(buf));
	return ring(ch, added);
}

#define SHORT_TARGET
#include "short.h"

BVI_MLX5_TABLES(doorbell, SHORT_SENDS, LONG_SENDS);
