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
 * The first block of work @number. Blocks within WQEs hold numbers of earlier laps, and 0 if there was
 * none: what lies there must also be the control segment of that block.
 */
static const struct prm_seg *find(const struct mlx5_sq *sq, uint64_t number)
{
	for (unsigned block = 0; block <= sq->mask; block++) {
		const struct prm_seg *const wqe = wqe_at(sq, block);
		const unsigned index = seg_word(wqe, 0) >> 8 & sq->mask;
		const uint32_t qpn_shifted = seg_word(wqe, 1) & ~0xffu;

		if (sq->work_at[block] == (uint32_t)number && index == block &&
		    qpn_shifted == sq->qpn_shifted)
			return wqe;
	}
	return NULL;
}

static const struct prm_seg *after(const struct mlx5_sq *sq, const struct prm_seg *seg)
{
	return ++seg == wqe_ring_end(sq) ? sq->ring : seg;
}

static int describe_send(const struct mlx5_sq *sq, uint64_t number, struct bv_work_info *info)
{
	const struct prm_seg *seg = find(sq, number);
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
	seg = after(sq, seg);
	if (opcodes[opcode].has_remote) {
		info->remote_addr = bv_from_be64(seg->w[0]);
		info->rkey = seg_word(seg, 2);
		seg = after(sq, seg);
		left--;
	}
	if (info->op == BV_OP_COMPARE_SWAP || info->op == BV_OP_FETCH_ADD) {
		seg = after(sq, seg);
		left--;
	}
	if (left && seg_word(seg, 0) & inline_bit) {
		info->is_inline = true;
		info->bytes = seg_word(seg, 0) & ~inline_bit;
		return 0;
	}
	for (; left; left--, seg = after(sq, seg))
		add_range(info, seg);
	return 0;
}

static int describe_recv(const struct mlx5_rq *rq, uint64_t number, struct bv_work_info *info)
{
	const struct prm_seg *seg =
		(const void *)(rq->ring + ((number & rq->mask) << rq->stride_shift));

	info->op = BV_OP_RECV;
	for (unsigned i = 0; i < rq->max_seg && seg_word(&seg[i], 0); i++)
		add_range(info, &seg[i]);
	return 0;
}

int bvi_mlx5_describe(const struct bv_channel *ch, int64_t work, struct bv_work_info *info)
{
	const struct mlx5_channel *c = (const struct mlx5_channel *)(const void *)ch;

	*info = (struct bv_work_info){ .op = BV_OP_NONE };
	if (work & BV_WORK_RECV)
		return describe_recv(&c->rq, (uint64_t)(work & ~BV_WORK_RECV), info);
	return (uint64_t)work < ch->sq_posted ? describe_send(&c->sq, (uint64_t)work, info) :
						-ENOENT;
}
