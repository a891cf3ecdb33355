/* SPDX-License-Identifier: MIT */
/*
 * The long ways: lists, payload of any length, immediates and atomics, as far as they are plain (plain.h).
 *
 * The file that includes this has the policy, what the register gets: long_ring(), of one or two blocks that are in
 * registers, and long_ring_straight(), of what lies in the ring. LONG(name) is what it calls them, and LONG_LINKAGE static, if they
 * are.
 *
 * A WQE of one or two blocks is built in registers, stored into the ring, and rung from the registers. A longer one,
 * and a list, is written to the ring.
 */
#ifndef BV_PROVIDERS_MLX5_LONG_H
#define BV_PROVIDERS_MLX5_LONG_H

#include "plain.h"

/* Posts a WQE of one block, of @ds segments, of which @block has all but the first. */
BVI_INLINE int64_t plain_post_block(struct bv_channel *ch, bvi_v16 block[4], unsigned ds,
				    uint64_t what, bool with_imm, uint32_t imm)
{
	struct bvi_mlx5_send *const send = bvi_mlx5_send_of(ch);
	const int64_t number = (int64_t)ch->sq_posted;
	const uint64_t pi = send->pi;
	const uint16_t next = (uint16_t)(pi + 1);
	uint8_t *const ring = bvi_mlx5_post_of(ch)->ring;
	uint64_t at;

	block[0] = plain_ctrl(ch, what, pi, ds, with_imm, imm);
	at = bvi_mlx5_note(ch, what & ~UINT64_C(0xffff), pi);
#pragma GCC unroll 4
	for (unsigned i = 0; i < PRM_WQEBB_DS; i++)
		bvi_mlx5_put(ring, &at, i, block[i]);
	ch->sq_posted++;
	send->pi = next;
	long_ring(ch, next, block, 1);
	return number;
}

/* Posts a WQE of two blocks, which is straight; of @block all is set but the first segment. */
BVI_INLINE int64_t plain_post_two(struct bv_channel *ch, struct plain_place to, bvi_v16 block[8],
				  unsigned ds, uint64_t what, bool with_imm, uint32_t imm)
{
	int64_t number;

	block[0] = plain_ctrl(ch, what, to.pi, ds, with_imm, imm);
	number = plain_take(ch, to, 2, block[0], what);
#pragma GCC unroll 8
	for (unsigned i = 1; i < 2 * PRM_WQEBB_DS; i++)
		to.wqe[i] = block[i];
	long_ring(ch, to.pi + 2, block, 2);
	return number;
}

/* A list is checked while it is written: what is refused then lies where nothing is yet. */
BVI_INLINE int64_t plain_list(struct bv_channel *ch, const struct mlx5_sge *sg, unsigned nsge,
			      bool rdma, const struct bv_remote *remote, uint64_t what,
			      bool with_imm, uint32_t imm)
{
	const unsigned head = rdma ? 2 : 1, ds = head + nsge, blocks = wqe_blocks(ds);
	const struct mlx5_sge *const end = sg + nsge;
	const struct plain_place to = plain_next(ch);
	bvi_v16 *seg = to.wqe + head;
	int64_t number;

	if (bvi_unlikely(!plain_is_straight(ch, to, blocks)))
		return bvi_mlx5_list_any(ch, sg, remote, what, with_imm, imm);
	if (rdma)
		to.wqe[1] = bvi_seg_remote(ch, remote, true);
	do {
		if (!plain_takes_piece(sg))
			return bvi_mlx5_list_any(ch, end - nsge, remote, what, with_imm, imm);
		*seg++ = bvi_seg_data(ch, sg++, true);
	} while (sg != end);
	number = plain_take(ch, to, blocks, plain_ctrl(ch, what, to.pi, ds, with_imm, imm), what);
	long_ring_straight(ch, to, blocks);
	return number;
}

static BV_NOINLINE int64_t send_list_plain(struct bv_channel *ch, const void *sg, unsigned nsge,
					   uint64_t what)
{
	return plain_list(ch, sg, nsge, false, NULL, what, false, 0);
}

/* Whatever it is, if it is no list that is plain. */
LONG_LINKAGE BV_NOINLINE int64_t LONG(list)(struct bv_channel *ch, const void *sg,
					    const struct bv_remote *remote, uint64_t what,
					    uint64_t swap_add, uint64_t compare)
{
	const unsigned n = plain_n(what, BVI_SHORT_LIST);

	if (!plain_takes_list(ch, n))
		return bvi_mlx5_other_any(ch, sg, remote, what, swap_add, compare);
	if (!remote)
		return send_list_plain(ch, sg, n, what);
	return plain_list(ch, sg, n, true, remote, what, false, 0);
}

static BV_NOINLINE int64_t list_imm_plain(struct bv_channel *ch, const void *sg,
					  const struct bv_remote *remote, uint64_t what,
					  uint32_t imm)
{
	const unsigned n = plain_n(what, BVI_SHORT_LIST);

	return remote ? plain_list(ch, sg, n, true, remote, what, true, imm) :
			plain_list(ch, sg, n, false, NULL, what, true, imm);
}

/* One element with an immediate. */
BVI_INLINE int64_t plain_one_imm(struct bv_channel *ch, const struct mlx5_sge *sg, bool rdma,
				 const struct bv_remote *remote, uint64_t what, uint32_t imm)
{
	const bvi_v16 none = { 0, 0 };
	bvi_v16 block[4] = { none, none, none, none };

	if (rdma)
		block[1] = bvi_seg_remote(ch, remote, true);
	block[rdma ? 2 : 1] = bvi_seg_data(ch, sg, true);
	return plain_post_block(ch, block, rdma ? 3 : 2, what, true, imm);
}

LONG_LINKAGE int64_t LONG(list_imm)(struct bv_channel *ch, const void *sg,
				    const struct bv_remote *remote, uint64_t what, uint32_t imm)
{
	const unsigned n = plain_n(what, BVI_SHORT_LIST);

	if (!plain_takes_list(ch, n))
		return bvi_mlx5_list_any(ch, sg, remote, what, true, imm);
	if (n != 1 || !bvi_mlx5_takes_element(sg))
		return list_imm_plain(ch, sg, remote, what, imm);
	if (!remote)
		return plain_one_imm(ch, sg, false, NULL, what, imm);
	return plain_one_imm(ch, sg, true, remote, what, imm);
}

/* Inline payload of any length for which there is no shorter way. */
static BV_NOINLINE int64_t inline_straight(struct bv_channel *ch, const void *buf,
					   const struct bv_remote *remote, uint64_t what,
					   bool with_imm, uint32_t imm)
{
	const unsigned len = bvi_what_n(what, BVI_SHORT_INLINE), head = remote ? 2 : 1;
	const unsigned ds = head + prm_inline_ds(len), blocks = wqe_blocks(ds);
	const struct plain_place to = plain_next(ch);
	int64_t number;

	if (bvi_unlikely(!plain_is_straight(ch, to, blocks)))
		return bvi_mlx5_inline_any(ch, buf, remote, what, with_imm, imm);
	number = plain_take(ch, to, blocks, plain_ctrl(ch, what, to.pi, ds, with_imm, imm), what);
	if (remote)
		to.wqe[1] = bvi_seg_remote(ch, remote, true);
	wqe_put_inline_straight(to.wqe + head, to.wqe + ds - 1, buf, len);
	long_ring_straight(ch, to, blocks);
	return number;
}

/* Inline payload that takes more than a block: two, usually. */
BVI_INLINE int64_t plain_inline_two(struct bv_channel *ch, const uint8_t *buf, bool rdma,
				    const struct bv_remote *remote, uint64_t what, bool with_imm,
				    uint32_t imm)
{
	const size_t len = bvi_what_n(what, BVI_SHORT_INLINE);
	const unsigned head = rdma ? 2 : 1;
	const size_t left = len - wqe_block_inline(head);
	const struct plain_place to = plain_next(ch);
	const bvi_v16 none = { 0, 0 };
	bvi_v16 block[8];

	if (bvi_unlikely(left > PRM_WQEBB || !plain_is_straight(ch, to, 2)))
		return inline_straight(ch, buf, remote, what, with_imm, imm);
	block[1] = rdma ? bvi_seg_remote(ch, remote, true) : none;
	block[head] = wqe_inline_first(wqe_load(buf), len);
#pragma GCC unroll 4
	for (unsigned i = head + 1; i < PRM_WQEBB_DS; i++)
		block[i] = wqe_load(buf + (i - head) * PRM_DS - PRM_INLINE_HEAD);
	wqe_inline_second(block + PRM_WQEBB_DS, buf + wqe_block_inline(head), left);
	return plain_post_two(ch, to, block,
			      PRM_WQEBB_DS + (unsigned)((left + PRM_DS - 1) / PRM_DS), what,
			      with_imm, imm);
}

static BV_NOINLINE int64_t write_inline_two(struct bv_channel *ch, const void *buf,
					    const struct bv_remote *remote, uint64_t what)
{
	return plain_inline_two(ch, buf, true, remote, what, false, 0);
}

static BV_NOINLINE int64_t send_inline_two(struct bv_channel *ch, const void *buf, uint64_t what)
{
	return plain_inline_two(ch, buf, false, NULL, what, false, 0);
}

static BV_NOINLINE int64_t imm_inline_two(struct bv_channel *ch, const void *buf,
					  const struct bv_remote *remote, uint64_t what,
					  uint32_t imm)
{
	if (!remote)
		return plain_inline_two(ch, buf, false, NULL, what, true, imm);
	return plain_inline_two(ch, buf, true, remote, what, true, imm);
}

BVI_INLINE int64_t plain_inline_block(struct bv_channel *ch, const void *buf, size_t len, bool rdma,
				      const struct bv_remote *remote, uint64_t what, bool with_imm,
				      uint32_t imm)
{
	const unsigned head = rdma ? 2 : 1;
	const struct wqe_payload p = wqe_inline_block(buf, len, head);
	const bvi_v16 none = { 0, 0 };

	if (rdma) {
		bvi_v16 block[4] = { none, bvi_seg_remote(ch, remote, true), p.seg[0], p.seg[1] };

		return plain_post_block(ch, block, head + p.ds, what, with_imm, imm);
	}
	return plain_post_block(ch, (bvi_v16[4]){ none, p.seg[0], p.seg[1], p.seg[2] }, head + p.ds,
				what, with_imm, imm);
}

LONG_LINKAGE int64_t LONG(inline_imm)(struct bv_channel *ch, const void *buf,
				      const struct bv_remote *remote, uint64_t what, uint32_t imm)
{
	const unsigned len = plain_n(what, BVI_SHORT_INLINE);

	if (!plain_takes_inline(ch, len))
		return bvi_mlx5_inline_any(ch, buf, remote, what, true, imm);
	if (len > wqe_block_inline(remote ? 2 : 1))
		return imm_inline_two(ch, buf, remote, what, imm);
	if (!remote)
		return plain_inline_block(ch, buf, len, false, NULL, what, true, imm);
	return plain_inline_block(ch, buf, len, true, remote, what, true, imm);
}

static BV_NOINLINE int64_t send_inline_plain(struct bv_channel *ch, const void *buf, size_t len,
					     uint64_t what)
{
	if (len > wqe_block_inline(1))
		return send_inline_two(ch, buf, what);
	return plain_inline_block(ch, buf, len, false, NULL, what, false, 0);
}

/* Shorter payload has less than eight bytes in the second segment beside a remote address (wqe_last()). */
#define INLINE_SHORT (PRM_DS - PRM_INLINE_HEAD + 8)

static BV_NOINLINE int64_t write_inline_short(struct bv_channel *ch, const void *buf, size_t len,
					      const struct bv_remote *remote, uint64_t what)
{
	return plain_inline_block(ch, buf, len, true, remote, what, false, 0);
}

/* One block: | control | remote address | atomic | where the old value goes | */
LONG_LINKAGE BV_NOINLINE int64_t LONG(atomic)(struct bv_channel *ch, const void *result,
					      const struct bv_remote *remote, uint64_t what,
					      uint64_t swap_add, uint64_t compare)
{
	if (!bvi_mlx5_has_room(ch))
		return bvi_mlx5_atomic_any(ch, result, remote, what, swap_add, compare);
	return plain_post_block(
		ch,
		(bvi_v16[4]){ { 0, 0 },
			      bvi_seg_remote(ch, remote, true),
			      bvi_v16_of(bv_to_be64(swap_add).be, bv_to_be64(compare).be),
			      bvi_seg_data(ch, result, true) },
		4, what, false, 0);
}

/* Without a count, a length and flags it is an atomic: the short ways have the others of which that is said. */
LONG_LINKAGE int64_t LONG(other)(struct bv_channel *ch, const void *payload,
				 const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
				 uint64_t compare)
{
	const size_t len = plain_n(what, BVI_SHORT_INLINE | BVI_WHAT_INLINE >> 4);

	if (!(what & BVI_WHAT_INLINE)) {
		if ((uint16_t)what)
			return LONG(list)(ch, payload, remote, what, swap_add, compare);
		return LONG(atomic)(ch, payload, remote, what, swap_add, compare);
	}
	if (!plain_takes_inline(ch, (unsigned)len))
		return bvi_mlx5_any_inline(ch, payload, remote, what);
	if (!remote)
		return send_inline_plain(ch, payload, len, what);
	if (len > wqe_block_inline(2))
		return write_inline_two(ch, payload, remote, what);
	if (len < INLINE_SHORT)
		return write_inline_short(ch, payload, len, remote, what);
	return plain_inline_block(ch, payload, len, true, remote, what, false, 0);
}

#define LONG_SENDS \
	.post_other = LONG(other), .post_imm = LONG(list_imm), .post_inline_imm = LONG(inline_imm)

#endif
