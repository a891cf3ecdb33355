/* SPDX-License-Identifier: MIT */
/*
 * Telling the device about a WQE that lies in the ring.
 *
 * The order is: WQE in the ring | doorbell record | doorbell register. The register takes either
 * the first eight bytes of the WQE (the device then fetches it from the ring) or the whole WQE, in
 * 64-byte lines, written in ascending order: BlueFlame, which saves the fetch. It has two halves,
 * used in turn, so that a new doorbell is not combined with the one before it.
 *
 * The register belongs to this channel alone (its thread domain), hence no lock. Which of the two
 * ways is taken follows libmlx5 (post_send_db() in qp.c): BlueFlame if the WQE fits, is longer
 * than its control segment, and is the only one that the doorbell tells of.
 */
#ifndef BV_PROVIDERS_MLX5_BF_H
#define BV_PROVIDERS_MLX5_BF_H

#include "wqe.h"

/* The record, up to @pi. Returns the register; what goes there comes next. */
BVI_INLINE uint8_t *bf_begin(struct bv_channel *ch, unsigned pi)
{
	const struct bvi_mlx5_post *const post = bvi_mlx5_post_of(ch);

	bv_wqe_before_dbrec();
	bv_dbrec_write(post->dbrec, bv_to_be32(pi & 0xffff));
	bv_dbrec_before_doorbell();
	return post->bf;
}

/* Rings for all WQEs up to @pi, of which @wqe, of @ds segments, is the last, and @alone or not. */
static inline void bf_ring(struct bv_channel *ch, unsigned pi, const struct prm_seg *wqe,
			   unsigned ds, bool alone)
{
	const struct mlx5_channel *const c = to_mlx5(ch);
	const struct prm_seg *const end = wqe_ring_end(ch);
	uint8_t *const bf = bf_begin(ch, pi);

	bvi_mlx5_post_of(ch)->bf = (uint8_t *)((uintptr_t)bf ^ c->bf_size);
	if (ch->gate == BVI_GATE_MORE)
		ch->gate = BVI_GATE_OPEN;
	if (bvi_unlikely(ds <= 1 || ds > c->bf_ds || !alone)) {
		bv_mmio_write64(bf, wqe->w[0]);
		bv_doorbell_flush();
		return;
	}
	for (unsigned block = 0; block < wqe_blocks(ds); block++) {
		bv_mmio_copy64(bf + block * PRM_WQEBB, wqe);
		wqe += PRM_WQEBB_DS;
		if (bvi_unlikely(wqe == end))
			wqe = wqe_ring(ch);
	}
	bv_blueflame_flush();
}

/*
 * What follows a WQE that came while the gate was open: it was alone, and a register with halves of BVI_MLX5_BF
 * bytes has all of it.
 */
BVI_INLINE void bf_end(struct bv_channel *ch, uint8_t *bf)
{
	bv_blueflame_flush();
	bvi_mlx5_post_of(ch)->bf = (uint8_t *)((uintptr_t)bf ^ BVI_MLX5_BF);
}

#endif
