/* SPDX-License-Identifier: MIT */
/*
 * Posting receives.
 *
 *	stride n & mask:  | data segment | ... | end of list | (unused) |
 *
 * The device takes strides in order, up to the count in the doorbell record; there is no register
 * to ring. The list is written as libmlx5 does (mlx5_post_recv() in qp.c): empty elements are left
 * out, and an end follows unless all places are taken.
 */
#include "core/hw/barrier.h"
#include "core/hw/mmio.h"
#include "wqe.h"

/* The stride of a list of any length. */
static __attribute__((noinline)) void rq_put_list(const struct mlx5_rq *rq, struct prm_seg *seg,
						  const struct mlx5_sge *sge, unsigned nsge)
{
	unsigned used = 0;

	for (unsigned i = 0; i < nsge; i++) {
		if (sge[i].length)
			seg[used++] = wqe_data(&sge[i]);
	}
	if (used < rq->max_seg)
		seg[used] = prm_list_end();
}

int64_t bvi_mlx5_post_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge)
{
	struct mlx5_rq *const rq = &to_mlx5(ch)->rq;
	const struct mlx5_sge *const sge = (const void *)sg;
	const uint64_t number = ch->rq_posted;
	struct prm_seg *seg;

	assert(nsge <= ch->max_recv_sge);
	if (bvi_unlikely(number - ch->rq_done == ch->max_recv))
		return -EAGAIN;
	seg = (struct prm_seg *)(void *)(rq->ring + ((number & rq->mask) << rq->stride_shift));
	if (bvi_likely(nsge == 1 && sge->length && rq->max_seg > 1)) {
		seg[0] = wqe_data(sge);
		seg[1] = prm_list_end();
	} else {
		rq_put_list(rq, seg, sge, nsge);
	}
	ch->rq_posted = number + 1;
	bv_wqe_before_dbrec();
	bv_dbrec_write(rq->dbrec, bv_to_be32((uint32_t)(number + 1) & 0xffff));
	return (int64_t)number | BV_WORK_RECV;
}
