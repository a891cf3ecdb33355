/* SPDX-License-Identifier: MIT */
/*
 * Telling the device about a WQE.
 *
 * The order is: WQE in the ring | doorbell record | doorbell register. The register takes either
 * the first eight bytes of the WQE (the device then fetches it from the ring) or the whole WQE, in
 * 64-byte lines, written in ascending order: BlueFlame, which saves the fetch. It has two halves,
 * used in turn, so that a new doorbell is not combined with the one before it.
 *
 * The register belongs to this channel alone (its thread domain), hence no lock. Which of the two
 * ways is taken follows libmlx5 (post_send_db() in qp.c): BlueFlame if the WQE fits and is longer
 * than its control segment.
 */
#ifndef BV_PROVIDERS_MLX5_BF_H
#define BV_PROVIDERS_MLX5_BF_H

#include "core/hw/barrier.h"
#include "core/hw/mmio.h"
#include "wqe.h"

static inline void bf_write_seg(uint8_t *reg, struct prm_seg seg)
{
	bv_mmio_write64(reg, seg.w[0]);
	bv_mmio_write64(reg + 8, seg.w[1]);
}

/* Sets the record to @pi, the block after the last WQE. */
static inline void bf_record(const struct mlx5_sq *sq, unsigned pi)
{
	bv_wqe_before_dbrec();
	bv_dbrec_write(sq->dbrec, bv_to_be32(pi & 0xffff));
	bv_dbrec_before_doorbell();
}

static inline void bf_other_half(struct mlx5_sq *sq, uint8_t *bf)
{
	sq->bf = (uint8_t *)((uintptr_t)bf ^ sq->bf_size);
}

/* Eight bytes; they do not fill a line, hence the flush. */
static inline void bf_ring_doorbell(struct mlx5_sq *sq, unsigned pi, struct prm_seg ctrl)
{
	uint8_t *const bf = sq->bf;

	bf_record(sq, pi);
	bv_mmio_write64(bf, ctrl.w[0]);
	bv_doorbell_flush();
	bf_other_half(sq, bf);
}

/* A WQE of one block, from registers. */
static inline void bf_ring_block(struct mlx5_sq *sq, unsigned pi, const struct wqebb *bb)
{
	uint8_t *const bf = sq->bf;

	bf_record(sq, pi);
	bf_write_seg(bf, bb->seg[0]);
	bf_write_seg(bf + PRM_DS, bb->seg[1]);
	bf_write_seg(bf + 2 * PRM_DS, bb->seg[2]);
	bf_write_seg(bf + 3 * PRM_DS, bb->seg[3]);
	bv_blueflame_flush();
	bf_other_half(sq, bf);
}

/* A WQE of any length, from the ring. */
static inline void bf_ring_wqe(struct mlx5_sq *sq, unsigned pi, const struct prm_seg *wqe,
			       unsigned ds)
{
	const struct prm_seg *const end = wqe_ring_end(sq);
	uint8_t *const bf = sq->bf;

	if (bvi_unlikely(ds <= 1 || ds > sq->bf_ds)) {
		bf_ring_doorbell(sq, pi, *wqe);
		return;
	}
	bf_record(sq, pi);
	for (unsigned block = 0; block < wqe_blocks(ds); block++) {
		bv_mmio_copy64(bf + block * PRM_WQEBB, wqe);
		wqe += PRM_WQEBB_DS;
		if (bvi_unlikely(wqe == end))
			wqe = sq->ring;
	}
	bv_blueflame_flush();
	bf_other_half(sq, bf);
}

#endif
