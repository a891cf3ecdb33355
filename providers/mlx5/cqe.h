/* SPDX-License-Identifier: MIT */
/*
 * Receives of one kind: bursts of them are mostly of one opcode, which then is looked at once.
 *
 * What a completion of such a kind says, all but its number, lies in 16 bytes: moved to their places, in
 * the CPU's order, they are the rest of the struct bv_wc.
 */
#ifndef BV_MLX5_CQE_H
#define BV_MLX5_CQE_H

#include "channel.h"

static_assert(offsetof(struct bvi_mlx5_cqe, imm) == 36 &&
		      offsetof(struct bvi_mlx5_cqe, byte_cnt) == 44,
	      "places in the 16 bytes from 32 on");
static_assert(offsetof(struct bv_wc, reserved) == 8 && offsetof(struct bv_wc, bytes) == 12 &&
		      offsetof(struct bv_wc, imm) == 16 && sizeof(struct bv_wc) == 24,
	      "places in the 16 bytes from 8 on");

struct mlx5_recv_kind {
	uint8_t shuffle[16]; /* from which byte of the completion's 16 each is taken; 0x80: a 0 */
	bvi_v16 how;         /* flags and op */
};

#define BYTES 15, 14, 13, 12
#define IMM 7, 6, 5, 4
#define NONE 0x80, 0x80, 0x80, 0x80
#define HOW(flags, op)                                           \
	{                                                        \
		(uint32_t)(flags) << 8 | (uint32_t)(op) << 16, 0 \
	}

/* The kind of @state, which bvi_mlx5_is_received(). */
BVI_INLINE const struct mlx5_recv_kind *mlx5_recv_kind(unsigned state)
{
	static const _Alignas(32) struct mlx5_recv_kind kinds[] = {
		[PRM_CQE_RESP_WRITE_IMM] = { { NONE, BYTES, IMM, NONE },
					     HOW(BV_WC_IMM, BV_OP_RECV_WRITE_IMM) },
		[PRM_CQE_RESP_SEND] = { { NONE, BYTES, NONE, NONE }, HOW(0, BV_OP_RECV) },
		[PRM_CQE_RESP_SEND_IMM] = { { NONE, BYTES, IMM, NONE },
					    HOW(BV_WC_IMM, BV_OP_RECV) },
	};

	return &kinds[state >> 4];
}

#undef BYTES
#undef IMM
#undef HOW

/* As bvi_mlx5_received(); @how: that of @kind, kept in a register */
BVI_INLINE void mlx5_received_as(const struct mlx5_recv_kind *kind, bvi_v16 how,
				 const struct bvi_mlx5_cqe *cqe, uint64_t number, struct bv_wc *wc)
{
#ifdef __x86_64__
	const bvi_v16 v = *(const bvi_v16_unaligned *)(const void *)((const uint8_t *)cqe + 32);
	const bvi_v16 what = bvi_shuffle(v, kind->shuffle);
#else
	const uint32_t imm = kind->shuffle[8] == 0x80 ? 0 : bv_from_be32(cqe->imm);
	const bvi_v16 what = bvi_v16_of((uint64_t)bv_from_be32(cqe->byte_cnt) << 32, imm);
#endif

	wc->work = (int64_t)number;
	*(bvi_v16_unaligned *)(void *)((uint8_t *)wc + 8) = what | how;
}

/* The completions of @n receives were taken by the short way; @next is behind them. */
BVI_INLINE void mlx5_recv_took(struct bv_channel *ch, const struct bvi_mlx5_cqe *next, uint64_t n)
{
	ch->rq_done += n;
	ch->rq_limit += n;
	bvi_mlx5_poll_recv_of(ch)->cqe = next;
}

/* Receives' completions from @cqe on that the short way may take. */
static inline unsigned mlx5_short_way(const struct bvi_mlx5_cqe *cqe, uint32_t stop)
{
	return (stop - (uint32_t)(uintptr_t)cqe) / (uint32_t)sizeof(*cqe) - 1;
}

/* Those of sends; fewer where @stop does not tell more apart. */
static inline unsigned mlx5_short_way_send(const struct bvi_mlx5_cqe *cqe, uint16_t stop)
{
	return (uint16_t)(stop - (uint16_t)(uintptr_t)(cqe + 1)) / (unsigned)sizeof(*cqe);
}

/* What the completions of a block have in common, in the places of a struct bv_wc's last 16 bytes. */
BVI_INLINE bvi_v16 mlx5_block_kind(const struct bvi_mlx5_cqe *title, unsigned opcode)
{
	const struct mlx5_recv_kind *const kind = mlx5_recv_kind(opcode);
	const uint64_t imm = kind->shuffle[8] == 0x80 ? 0 : bv_from_be32(title->imm);

	return kind->how | bvi_v16_of(0, imm);
}

/* One of the two mini completions of @pair; the first, or the @second. */
BVI_INLINE void mlx5_received_mini(bvi_v16 pair, bool second, bvi_v16 what, uint64_t number,
				   struct bv_wc *wc)
{
#ifdef __x86_64__
	static const _Alignas(16) uint8_t shuffles[2][16] = {
		{ NONE, 7, 6, 5, 4, NONE, NONE },
		{ NONE, 15, 14, 13, 12, NONE, NONE },
	};
	const bvi_v16 bytes = bvi_shuffle(pair, shuffles[second]);
#else
	const bvi_v16 bytes = bvi_v16_of(bv_from_be64((bv_be64){ pair[second] }) << 32, 0);
#endif

	wc->work = (int64_t)number;
	*(bvi_v16_unaligned *)(void *)((uint8_t *)wc + 8) = bytes | what;
}

#undef NONE

#endif
