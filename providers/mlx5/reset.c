/* SPDX-License-Identifier: MIT */
/*
 * Starting the queues of a channel anew, after its QP went to RESET.
 *
 * The device then counts WQEs of both queues from zero again, and expects records of zero (libmlx5,
 * mlx5_modify_qp() in verbs.c). Its completion queues live on: their index goes on, and completions
 * of works that are forgotten now may still lie there. libmlx5 does not clean queues that were
 * taken over (MLX5_CQ_FLAGS_DV_OWNED in __mlx5_cq_clean(), cq.c), so they are skipped here.
 */
#include <bareverbs/hw/barrier.h>
#include <bareverbs/hw/mmio.h>

#include "channel.h"

/* Posts and polls go past libmlx5: nothing is begun there. */
void bvi_mlx5_channel_before_reset(struct bv_channel *ch)
{
	(void)ch;
}

void bvi_mlx5_channel_reset(struct bv_channel *ch)
{
	struct mlx5_channel *const c = to_mlx5(ch);

	/* No QP writes to the queues any more: what has the owner of this lap is all there is. */
	bvi_mlx5_discard(ch);
	c->recv_ci = mlx5_cq_index(&c->recv_cq, bvi_mlx5_poll_recv_of(ch)->cqe);
	bvi_mlx5_send_of(ch)->pi = 0;
	c->unsignaled = 0;
	bv_dbrec_write(bvi_mlx5_post_of(ch)->dbrec, bv_to_be32(0));
	bv_dbrec_write(bvi_mlx5_recv_of(ch)->dbrec, bv_to_be32(0));
}
