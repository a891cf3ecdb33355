/* SPDX-License-Identifier: MIT */
/*
 * The short ways of a channel: functions for one element and for eight bytes inline, each with a doorbell of
 * its own. The file that includes this has the policy: one() and inline8(), which post what needs no second
 * look, and SHORT_TARGET, what the CPU must have. Everything else leaves to what takes anything (sq.c).
 *
 * Writes and sends have functions of their own, for the compiler mixes what it finds in one with what it
 * finds in the other. They need not look at the gate: their pointers are in force only where it may be open.
 */
#ifndef BV_PROVIDERS_MLX5_SHORT_H
#define BV_PROVIDERS_MLX5_SHORT_H

#include "plain.h"

static SHORT_TARGET BV_NOINLINE int64_t send_one(struct bv_channel *ch, const void *sg,
						 const struct bv_remote *remote, uint64_t what)
{
	if (!bvi_mlx5_has_room(ch) || !bvi_mlx5_takes_element(sg))
		return bvi_mlx5_any_list(ch, sg, remote, what);
	return bvi_mlx5_posted(one(ch, sg, false, remote, what));
}

static SHORT_TARGET int64_t post_one(struct bv_channel *ch, const void *sg,
				     const struct bv_remote *remote, uint64_t what)
{
	if (bvi_unlikely(!remote))
		return send_one(ch, sg, remote, what);
	if (!bvi_mlx5_has_room(ch) || !bvi_mlx5_takes_element(sg))
		return bvi_mlx5_any_list(ch, sg, remote, what);
	return bvi_mlx5_posted(one(ch, sg, true, remote, what));
}

static SHORT_TARGET BV_NOINLINE int64_t send_inline8(struct bv_channel *ch, const void *buf,
						     const struct bv_remote *remote, uint64_t what)
{
	if (!bvi_mlx5_has_room(ch))
		return bvi_mlx5_any_inline(ch, buf, remote, what);
	return bvi_mlx5_posted(inline8(ch, buf, false, remote, short_inline8(false, 0)));
}

static SHORT_TARGET int64_t post_inline8(struct bv_channel *ch, const void *buf,
					 const struct bv_remote *remote, uint64_t what)
{
	if (bvi_unlikely(!remote))
		return send_inline8(ch, buf, remote, what);
	if (!bvi_mlx5_has_room(ch))
		return bvi_mlx5_any_inline(ch, buf, remote, what);
	return bvi_mlx5_posted(inline8(ch, buf, true, remote, short_inline8(true, 0)));
}

#define SHORT_SENDS                                         \
	.post_one = post_one, .post_inline8 = post_inline8, \
	.write_one_more = bvi_mlx5_write_one_more,          \
	.write_inline8_more = bvi_mlx5_write_inline8_more,  \
	.send_one_more = bvi_mlx5_send_one_more, .send_inline8_more = bvi_mlx5_send_inline8_more

#endif
