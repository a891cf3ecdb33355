/* SPDX-License-Identifier: MIT */
/*
 * Arming completion queues: the device raises an event at the next completion behind the consumer
 * index that it is armed with. That index is ours, which libmlx5 does not know, so its
 * ibv_req_notify_cq() is of no use here. As in mlx5_arm_cq() of libmlx5 (cq.c):
 *
 *	record: sn, index | fence | register: sn, index, CQN
 *
 * The sequence number moves on with each event that was taken, which tells a new request from one
 * that was answered. The register is shared by all queues of the context; a single store needs no
 * lock. Nothing tells how it is mapped, so that the store is followed by a fence, too.
 */
#include <bareverbs/hw/barrier.h>
#include <bareverbs/hw/mmio.h>

#include "channel.h"

static void arm(const struct mlx5_cq *cq, const struct bvi_mlx5_cqe *next, uint32_t events,
		bool solicited)
{
	const uint32_t word = (events & 3) << PRM_CQ_ARM_SN_SHIFT |
			      (solicited ? PRM_CQ_ARM_SOLICITED : 0u) |
			      (mlx5_cq_index(cq, next) & PRM_CQ_CI_MASK);

	bv_dbrec_write(cq->dbrec + PRM_CQ_DBREC_ARM, bv_to_be32(word));
	bv_dbrec_before_doorbell();
	bv_mmio_write64(cq->arm, bv_to_be32x2(word, cq->cqn));
	bv_doorbell_flush();
}

int bvi_mlx5_arm(struct bv_channel *ch, unsigned queues)
{
	const struct mlx5_channel *const c = to_mlx5(ch);

	if (queues & BV_WAKE_SEND)
		arm(&c->send_cq, bvi_mlx5_send_of(ch)->cqe, c->core.send_wakes, false);
	if (queues & BV_WAKE_RECV)
		arm(&c->recv_cq, bvi_mlx5_poll_recv_of(ch)->cqe, c->core.recv_wakes,
		    queues & BV_WAKE_SOLICITED);
	return 0;
}
