/* SPDX-License-Identifier: MIT */
/*
 * What a work was, read back from the ring where it was posted: nothing is kept for it.
 *
 * A place of a ring is written anew only after its completion was taken and another work was posted
 * there, and in the error state none is posted: what failed is there until the queue pair is reset.
 */
#include <errno.h>

#include "wqe.h"

static const struct {
	uint8_t op;
	bool has_imm;
	bool has_remote;
} opcodes[] = {
	[PRM_OPCODE_WRITE] = { BV_OP_WRITE, false, true },
	[PRM_OPCODE_WRITE_IMM] = { BV_OP_WRITE, true, true },
	[PRM_OPCODE_SEND] = { BV_OP_SEND, false, false },
	[PRM_OPCODE_SEND_IMM] = { BV_OP_SEND, true, false },
	[PRM_OPCODE_READ] = { BV_OP_READ, false, true },
	[PRM_OPCODE_COMPARE_SWAP] = { BV_OP_COMPARE_SWAP, false, true },
	[PRM_OPCODE_FETCH_ADD] = { BV_OP_FETCH_ADD, false, true },
};

/* 32-bit word @i of a segment. */
static uint32_t seg_word(const struct prm_seg *seg, unsigned i)
{
	const uint64_t pair = bv_from_be64(seg->w[i / 2]);

	return (uint32_t)(i % 2 ? pair : pair >> 32);
}

static void add_range(struct bv_work_info *info, const struct prm_seg *seg)
{
	const struct bv_work_range range = {
		.addr = bv_from_be64(seg->w[1]),
		.length = seg_word(seg, 0),
		.lkey = seg_word(seg, 1),
	};

	if (info->nshown < BV_WORK_RANGES)
		info->range[info->nshown++] = range;
	info->nranges++;
	info->bytes += range.length;
}

/*
 * The first block of work @number. Blocks within WQEs hold numbers of earlier laps: what lies there must
 * also be the control segment of that block.
 */
static const struct prm_seg *find(const struct mlx5_channel *c, uint64_t number)
{
	struct bv_channel *const ch = c->base;

	const unsigned mask = mlx5_sq_mask(ch);

	for (unsigned block = 0; block <= mask; block++) {
		const struct prm_seg *const wqe = wqe_at(ch, block);
		const unsigned index = seg_word(wqe, 0) >> 8 & mask;

		if (mlx5_done(ch, block)->work == (int64_t)number && index == block &&
		    seg_word(wqe, 1) >> 8 == c->qpn)
			return wqe;
	}
	return NULL;
}

static const struct prm_seg *after(struct bv_channel *ch, const struct prm_seg *seg)
{
	return ++seg == wqe_ring_end(ch) ? wqe_ring(ch) : seg;
}

static int describe_send(const struct mlx5_channel *c, uint64_t number, struct bv_work_info *info)
{
	struct bv_channel *const ch = c->base;
	const struct prm_seg *seg = find(c, number);
	const uint32_t inline_bit = prm_inline_head(0);
	unsigned opcode, left;

	if (!seg)
		return -ENOENT;
	opcode = seg_word(seg, 0) & 0xff;
	left = (seg_word(seg, 1) & PRM_WQE_DS_MAX) - 1;
	if (opcode >= sizeof(opcodes) / sizeof(opcodes[0]) || !opcodes[opcode].op)
		return -ENOENT;
	info->op = (enum bv_op)opcodes[opcode].op;
	info->has_imm = opcodes[opcode].has_imm;
	if (info->has_imm)
		info->imm = seg_word(seg, 3);
	seg = after(ch, seg);
	if (opcodes[opcode].has_remote) {
		info->remote_addr = bv_from_be64(seg->w[0]);
		info->rkey = seg_word(seg, 2);
		seg = after(ch, seg);
		left--;
	}
	if (info->op == BV_OP_COMPARE_SWAP || info->op == BV_OP_FETCH_ADD) {
		seg = after(ch, seg);
		left--;
	}
	if (left && seg_word(seg, 0) & inline_bit) {
		info->is_inline = true;
		info->bytes = seg_word(seg, 0) & ~inline_bit;
		return 0;
	}
	for (; left; left--, seg = after(ch, seg))
		add_range(info, seg);
	return 0;
}

static int describe_recv(const struct mlx5_channel *c, uint64_t number, struct bv_work_info *info)
{
	const struct bvi_mlx5_recv *const rq = bvi_mlx5_recv_of(c->base);
	const struct prm_seg *seg =
		(const void *)(rq->ring + (size_t)(number & rq->mask) * rq->stride);

	info->op = BV_OP_RECV;
	for (unsigned i = 0; i < c->max_seg && seg_word(&seg[i], 0); i++)
		add_range(info, &seg[i]);
	return 0;
}

int bvi_mlx5_describe(const struct bv_channel *ch, int64_t work, struct bv_work_info *info)
{
	const struct mlx5_channel *const c = to_mlx5(ch);

	*info = (struct bv_work_info){ .op = BV_OP_NONE };
	if (work & BV_WORK_RECV)
		return describe_recv(c, (uint64_t)work, info);
	return (uint64_t)work < ch->sq_posted ? describe_send(c, (uint64_t)work, info) : -ENOENT;
}
