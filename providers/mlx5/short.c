/* SPDX-License-Identifier: MIT */
/*
 * The short ways of registers with BlueFlame halves of BVI_MLX5_BF bytes, as pin_mlx5.h has them; and, for all
 * registers, those of a chain but its last work, which ring none.
 */
#define SHORT_TARGET
#include "plain.h"

BVI_INLINE int64_t one(struct bv_channel *ch, const void *sg, bool rdma,
		       const struct bv_remote *remote, uint64_t what)
{
	return bvi_mlx5_post_one(ch, sg, rdma, remote, what, false);
}

BVI_INLINE int64_t inline8(struct bv_channel *ch, const void *buf, bool rdma,
			   const struct bv_remote *remote, uint64_t what)
{
	return bvi_mlx5_post_inline8(ch, buf, rdma, remote, what, false);
}

#include "short.h"

#define MORE(name, rdma)                                                                          \
	int64_t bvi_mlx5_##name##_one_more(struct bv_channel *ch, const void *sg,                 \
					   const struct bv_remote *remote, uint64_t what)         \
	{                                                                                         \
		if (!bvi_mlx5_has_room(ch) || !bvi_mlx5_takes_element(sg))                        \
			return bvi_mlx5_any_list(ch, sg, remote, what);                           \
		return bvi_mlx5_post_one(ch, sg, rdma, remote, what, true);                       \
	}                                                                                         \
	int64_t bvi_mlx5_##name##_inline8_more(struct bv_channel *ch, const void *buf,            \
					       const struct bv_remote *remote, uint64_t what)     \
	{                                                                                         \
		if (!bvi_mlx5_has_room(ch))                                                       \
			return bvi_mlx5_any_inline(ch, buf, remote, what);                        \
		return bvi_mlx5_post_inline8(ch, buf, rdma, remote, short_inline8(rdma, BV_MORE), \
					     true);                                               \
	}
MORE(send, false)
MORE(write, true)

BVI_MLX5_TABLES(short, SHORT_SENDS, .post_other = bvi_mlx5_other, BVI_MLX5_LONG_IMM);
