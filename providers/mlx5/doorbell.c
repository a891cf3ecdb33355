/* SPDX-License-Identifier: MIT */
/*
 * The short ways of registers that are not BlueFlame: a doorbell is the first eight bytes of the WQE, which
 * the device fetches from the ring. Such a register is not cached (bf.h), has one place for doorbells, and needs
 * no fence behind them.
 */
#define SHORT_TARGET
#include "plain.h"

BVI_INLINE int64_t ring(struct bv_channel *ch, struct bvi_mlx5_added added)
{
	uint8_t *const reg = bf_begin(ch, bvi_mlx5_send_of(ch)->pi);
	const bv_be64 word = { added.ctrl[0] };

	bv_mmio_write64(reg, word);
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

#include "short.h"

BVI_MLX5_TABLES(doorbell, SHORT_SENDS, BVI_MLX5_LONG_SENDS);
