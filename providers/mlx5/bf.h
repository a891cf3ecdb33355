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

/* Sets the record to the block after the last WQE. */
static inline void bf_record(struct mlx5_sq *sq)
{
	bv_wqe_before_dbrec();
	bv_dbrec_write(sq->dbrec, bv_to_be32(sq->pi));
	bv_dbrec_before_doorbell();
}

static inline void bf_other_half(struct mlx5_sq *sq)
{
	sq->bf = (uint8_t *)((uintptr_t)sq->bf ^ sq->bf_size);
}

/* Eight bytes; they do not fill a line, hence the flush. */
static inline void bf_ring_doorbell(struct mlx5_sq *sq, struct prm_seg ctrl)
{
	bf_record(sq);
	bv_mmio_write64(sq->bf, ctrl.w[0]);
	bv_doorbell_flush();
	bf_other_half(sq);
}

/* A WQE of one block, from registers. */
static inline void bf_ring_block(struct mlx5_sq *sq, const struct wqebb *bb)
{
	bf_record(sq);
	for (unsigned i = 0; i < PRM_WQEBB_DS; i++)
		bf_write_seg(sq->bf + i * PRM_DS, bb->seg[i]);
	bv_blueflame_flush();
	bf_other_half(sq);
}

/* A WQE of any length, from the ring. */
static inline void bf_ring_wqe(struct mlx5_sq *sq, const struct prm_seg *wqe, unsigned ds)
{
	const struct prm_seg *const end = wqe_ring_end(sq);
	const struct prm_seg *seg = wqe;

	if (ds <= 1 || ds > sq->bf_ds) {
		bf_ring_doorbell(sq, *wqe);
		return;
	}
	bf_record(sq);
	for (unsigned i = 0; i < wqe_blocks(ds) * PRM_WQEBB_DS; i++) {
		bf_write_seg(sq->bf + i * PRM_DS, *seg++);
		if (seg == end)
			seg = sq->ring;
	}
	bv_blueflame_flush();
	bf_other_half(sq);
}

#endif
