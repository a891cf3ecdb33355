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
#include "wqe.h"

static inline struct prm_seg *rq_stride(struct bv_channel *ch, uint64_t number)
{
	const struct bvi_mlx5_recv *const rq = bvi_mlx5_recv_of(ch);

	return (struct prm_seg *)(void *)(rq->ring + (size_t)(number & rq->mask) * rq->stride);
}

static void rq_put_list(struct bv_channel *ch, struct prm_seg *seg, const struct mlx5_sge *sge,
			unsigned nsge)
{
	unsigned used = 0;

	for (unsigned i = 0; i < nsge; i++) {
		if (sge[i].length)
			seg[used++] = wqe_data(&sge[i]);
	}
	if (used < to_mlx5(ch)->max_seg)
		seg[used] = prm_list_end();
}

static BV_NOINLINE int64_t rq_list(struct bv_channel *ch, const void *sg, unsigned nsge)
{
	const uint64_t number = ch->rq_posted;

	if (bvi_unlikely(nsge > ch->max_recv_sge))
		return bvi_reject_list(ch, nsge, ch->max_recv_sge, 0, NULL, 0);
	if (bvi_unlikely(number == ch->rq_limit))
		return -EAGAIN;
	rq_put_list(ch, rq_stride(ch, number), sg, nsge);
	ch->rq_posted = number + 1;
	bvi_mlx5_recv_record(ch, number + 1);
	return (int64_t)number;
}

/* Of a channel whose strides hold one element. */
int64_t bvi_mlx5_post_recv_one(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge)
{
	if (bvi_mlx5_takes_recv(ch, sg, nsge))
		return bvi_mlx5_recv_one(ch, sg);
	return rq_list(ch, sg, nsge);
}

int64_t bvi_mlx5_post_recv_list(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge)
{
	return rq_list(ch, sg, nsge);
}

/* @n receives that do not reach beyond the end of the ring. */
static inline void rq_put_run(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n)
{
	const uint32_t stride = bvi_mlx5_recv_of(ch)->stride;
	uint8_t *at = (uint8_t *)rq_stride(ch, ch->rq_posted);

	if (bvi_likely(stride == PRM_DS)) {
#pragma GCC unroll 4
		for (unsigned i = 0; i < n; i++, at += PRM_DS) {
			if (bvi_likely(sg[i].length))
				*(bvi_v16 *)(void *)at = bvi_seg_data(ch, &sg[i], false);
			else
				*(struct prm_seg *)(void *)at = prm_list_end();
		}
	} else {
		for (unsigned i = 0; i < n; i++, at += stride)
			rq_put_list(ch, (struct prm_seg *)(void *)at, (const void *)&sg[i], 1);
	}
	ch->rq_posted += n;
}

int bvi_mlx5_post_recv_many(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n)
{
	const uint64_t mask = bvi_mlx5_recv_of(ch)->mask;
	const uint64_t to_end = mask + 1 - (ch->rq_posted & mask);
	const int count = bvi_recv_count(ch, n);

	if (bvi_unlikely(count <= 0))
		return count;
	n = (unsigned)count;
	if (bvi_likely(n <= to_end)) {
		rq_put_run(ch, sg, n);
	} else {
		rq_put_run(ch, sg, (unsigned)to_end);
		rq_put_run(ch, sg + to_end, n - (unsigned)to_end);
	}
	bvi_mlx5_recv_record(ch, ch->rq_posted);
	return count;
}
