/* SPDX-License-Identifier: MIT */
/*
 * Starting the queues of a channel anew, after its QP went to RESET.
 *
 * The device then counts WQEs of both queues from zero again, and expects records of zero (libmlx5,
 * mlx5_modify_qp() in verbs.c). Its completion queues live on: their index goes on, and completions
 * of works that are forgotten now may still lie there. libmlx5 does not clean queues that were
 * taken over (MLX5_CQ_FLAGS_DV_OWNED in __mlx5_cq_clean(), cq.c), so they are skipped here.
 */
#include "core/hw/barrier.h"
#include "core/hw/mmio.h"
#include "channel.h"

/* No QP writes to the queue any more: what has the owner of this lap is all there is. */
static void cq_discard(struct mlx5_cq *cq)
{
	while (!((bv_from_be64(bv_dma_read64(&cq->next->tail)) ^ cq->owner) & PRM_CQE_OWNER)) {
		cq->ci++;
		if (++cq->next == cq->end) {
			cq->next -= cq->count;
			cq->owner ^= PRM_CQE_OWNER;
		}
	}
	bv_dbrec_write(cq->dbrec, bv_to_be32(cq->ci & PRM_CQ_CI_MASK));
}

void bvi_mlx5_channel_reset(struct bv_channel *ch)
{
	struct mlx5_channel *const c = to_mlx5(ch);

	cq_discard(&c->send_cq);
	cq_discard(&c->recv_cq);
	c->sq.pi = 0;
	c->sq.unsignaled = 0;
	c->unrung = NULL;
	bv_dbrec_write(c->sq.dbrec, bv_to_be32(0));
	bv_dbrec_write(c->rq.dbrec, bv_to_be32(0));
}

uint32_t bvi_mlx5_channel_unsignaled(const struct bv_channel *ch)
{
	return ((const struct mlx5_channel *)(const void *)ch)->sq.unsignaled;
}
