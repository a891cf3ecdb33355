/* SPDX-License-Identifier: MIT */
/*
 * Telling the device about WQEs that lie in the ring.
 *
 * The order is: WQEs in the ring | doorbell record | doorbell register. The register takes the first
 * eight bytes of the last WQE (the device then fetches all from the ring) or, where it is BlueFlame, the
 * whole WQE, in 64-byte lines, written in ascending order, which saves the fetch if it is the next that
 * the device wants. It has two halves, used in turn, so that a new doorbell is not combined with the one
 * before it.
 *
 * One fence is enough for whole lines: they leave the CPU by themselves (barrier.h). Eight bytes in
 * write-combining memory would wait there, and need another fence behind them. So all doorbells of a
 * BlueFlame register are whole lines, also those that tell of several WQEs, by the last of them; the
 * device compares its index with that of the WQE that it wants next, and fetches what it was not given.
 * libmlx5 writes eight bytes there (post_send_db() in qp.c: a copy would bring nothing), UCX the last WQE
 * (uct_rc_mlx5_base_ep_put_sgl_zcopy()). Two cases remain: a register that is not BlueFlame is not
 * cached and not combined either, so that eight bytes leave at once; and a WQE longer than a half of a
 * BlueFlame register, which takes both fences.
 *
 * A BlueFlame register belongs to this channel alone (its thread domain), hence no lock. Several channels
 * may share an uncached one, as eight bytes are one store.
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

/* Eight bytes of the last WQE. Outside of what writes whole lines, which this is the exception of. */
static BV_COLD_PATH void bf_ring_word(const struct mlx5_channel *c, uint8_t *bf, bv_be64 word)
{
	bv_mmio_write64(bf, word);
	if (c->bf_size)
		bv_doorbell_flush();
}

/* Rings for all WQEs up to @pi, of which @wqe is the last. */
static inline void bf_ring(struct bv_channel *ch, unsigned pi, const struct prm_seg *wqe)
{
	const struct mlx5_channel *const c = to_mlx5(ch);
	const struct prm_seg *const end = wqe_ring_end(ch);
	const unsigned ds = prm_ctrl_ds(wqe);
	uint8_t *const bf = bf_begin(ch, pi);

	bvi_mlx5_post_of(ch)->bf = (uint8_t *)((uintptr_t)bf ^ c->bf_size);
	if (bvi_unlikely(ds > c->bf_ds)) {
		bf_ring_word(c, bf, wqe->w[0]);
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

/* What follows a WQE that a register with halves of BVI_MLX5_BF bytes has all of. */
BVI_INLINE void bf_end(struct bv_channel *ch, uint8_t *bf)
{
	bv_blueflame_flush();
	bvi_mlx5_post_of(ch)->bf = (uint8_t *)((uintptr_t)bf ^ BVI_MLX5_BF);
}

#endif
