/* SPDX-License-Identifier: MIT */
/*
 * Compressed receive completions.
 *
 *	| title: n | minis 0..7 | as it was | ... | minis 8..15 | as it was | ...
 *	  i          i+1                            i+8
 *
 * The device writes a block of n completions as a title, which says what they have in common, and eight bytes
 * for each (PRM, "CQE compression"; Linux, mlx5e_decompress_cqes_start() in en_rx.c). It writes nothing into
 * the other entries, whose owner bits are of some lap before: the reader has to set them, or it would take
 * them for written two laps later.
 *
 * There are two ways. Bursts decode minis where they are, and mark the entries with the one format that a
 * 64-byte entry never has; whoever asks for a result once more finds the mini from there. The title remains
 * the next entry until all of its block is taken, so that whoever knows of plain ones alone leaves it to
 * us. In all other cases the entries, or those that are left, become what they would be without
 * compression, and are polled like any others.
 *
 * A mark lies in the last byte of an entry, which is of a mini where the entry is an array: it moves to that
 * mini's first byte, where only a hash was.
 */
#include "cqe.h"

enum {
	MARK = PRM_CQE_SCATTER_64,
	LAST = PRM_MINIS - 1,
};

/* The ring is const for those who read it, and the program's own memory. */
static struct prm_cqe *own(const struct bvi_mlx5_cqe *cqe)
{
	return (struct prm_cqe *)(uintptr_t)cqe;
}

static uint8_t *op_own_of(const struct bvi_mlx5_cqe *cqe)
{
	return (uint8_t *)(own(cqe) + 1) - 1;
}

static const struct bvi_mlx5_cqe *entry(const struct mlx5_cq *cq, size_t index)
{
	return &cq->ring[index & (cq->count - 1)];
}

/* The array with the mini of completion @i, in entries from the title on. */
static unsigned array_of(unsigned i)
{
	return i < PRM_MINIS ? 1 : i - i % PRM_MINIS;
}

/* @touched: completions of it were taken before. */
static void minis_load(const struct bvi_mlx5_cqe *array, bool touched,
		       struct prm_mini_cqe mini[PRM_MINIS])
{
	memcpy(mini, array, PRM_MINIS * sizeof(mini[0]));
	if (touched)
		memcpy((uint8_t *)&mini[LAST].byte_cnt + 3, mini[LAST].rsvd0, 1);
}

bool bvi_mlx5_expand(const struct mlx5_cq *cq, const struct bvi_mlx5_cqe *title, uint32_t owner,
		     unsigned from)
{
	const size_t first = (size_t)(title - cq->ring);
	const uint32_t n = bv_from_be32(title->byte_cnt);
	const struct bvi_mlx5_cqe *cqe =
		title + from; /* in the ring, as a part is taken only of what is */
	uint8_t op_own = (uint8_t)((bvi_mlx5_cqe_op_own(title) & 0xf0u) | owner);
	const bv_be32 imm = title->imm;
	struct prm_mini_cqe mini[PRM_MINIS];

	if (n < 2 || n > cq->count)
		return false;
	for (unsigned i = from; i < n; i++) {
		if (i == from || i % PRM_MINIS == 0)
			minis_load(entry(cq, first + array_of(i)), i % PRM_MINIS, mini);
		own(cqe)->imm = imm;
		own(cqe)->byte_cnt = mini[i % PRM_MINIS].byte_cnt;
		*op_own_of(cqe) = op_own;
		if (++cqe == cq->ring + cq->count) {
			cqe = cq->ring;
			op_own ^= PRM_CQE_OWNER; /* the next lap begins */
		}
	}
	return true;
}

/*
 * Decodes all minis of an array that was not touched, and marks the entries from @first on. @what: flags, op
 * and an immediate, which all have in common; @number: of the first
 */
BVI_INLINE void take_array(const struct bvi_mlx5_cqe *array, const struct bvi_mlx5_cqe *first,
			   struct bv_wc *wc, uint64_t number, uint8_t mark, bvi_v16 what)
{
	const bvi_v16_unaligned *const pairs = (const bvi_v16_unaligned *)(const void *)array;
	const bvi_v16 minis[] = { pairs[0], pairs[1], pairs[2], pairs[3] };
	struct prm_mini_cqe *const last = (struct prm_mini_cqe *)(void *)own(array) + LAST;

	last->rsvd0[0] = *op_own_of(array);
#pragma GCC unroll 8
	for (unsigned k = 0; k < PRM_MINIS; k++) {
		mlx5_received_mini(minis[k / 2], k % 2, what, number + k, &wc[k]);
		*op_own_of(&first[k]) = mark;
	}
}

/* Completions @i to @end - 1 of a block, which are of one array. */
static BV_NOINLINE void take_some(const struct bvi_mlx5_cqe *title, unsigned i, unsigned end,
				  struct bv_wc *wc, uint64_t number, uint8_t mark, bvi_v16 what)
{
	const struct bvi_mlx5_cqe *const array = title + array_of(i);
	struct prm_mini_cqe mini[PRM_MINIS];
	bvi_v16 pair;

	minis_load(array, i % PRM_MINIS, mini);
	if (i % PRM_MINIS == 0)
		((struct prm_mini_cqe *)(void *)own(array))[LAST].rsvd0[0] = *op_own_of(array);
	for (; i < end; i++) {
		memcpy(&pair, &mini[i % PRM_MINIS & ~1u], sizeof(pair));
		mlx5_received_mini(pair, i % 2, what, number++, wc++);
		*op_own_of(title + i) = mark;
	}
	*op_own_of(array) = mark;
}

static uint8_t mark_of(unsigned opcode, uint32_t owner)
{
	return (uint8_t)(opcode | MARK | owner);
}

/* A title of which completions were taken before has the bit that those which wake have: to be looked at. */
static void title_set(const struct bvi_mlx5_cqe *title, unsigned opcode, uint32_t owner, bool part)
{
	*op_own_of(title) =
		(uint8_t)(opcode | PRM_CQE_COMPRESSED | owner | (part ? (unsigned)PRM_CQE_SE : 0u));
}

/* A block that is next, as a whole in @max, and not the last of its half of the ring; its size, or 0. */
BVI_INLINE unsigned take_whole(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);
	const struct bvi_mlx5_cqe *const title = recv->cqe;
	const struct bvi_mlx5_cqe *first = title, *array = title + 1;
	const uint32_t owner = recv->owner;
	const unsigned state = bvi_mlx5_cqe_op_own(title) ^ owner;
	const unsigned left = mlx5_short_way(title, recv->stop);
	uint64_t number = ch->rq_done;
	unsigned n, to_do;
	uint8_t mark;
	bvi_v16 what;

	if (bvi_unlikely((state & 0xcf) != PRM_CQE_COMPRESSED || state < 0x10))
		return 0;
	bv_owner_before_cqe(); /* count and minis */
	n = bv_from_be32(title->byte_cnt);
	if (bvi_unlikely(n < 2 || n > max || n > left))
		return 0;
	what = mlx5_block_kind(title, state & 0x30);
	mark = mark_of(state & 0x30, owner);
	ch->rq_limit += n;
	recv->cqe = title + n;
	for (to_do = n; to_do >= PRM_MINIS; to_do -= PRM_MINIS) {
		take_array(array, first, wc, number, mark, what);
		array = first += PRM_MINIS;
		wc += PRM_MINIS;
		number += PRM_MINIS;
	}
	if (to_do)
		take_some(title, n - to_do, n, wc, number, mark, what);
	ch->rq_done = number + to_do;
	title_set(title, state & 0x30, owner, false);
	return n;
}

unsigned bvi_mlx5_take_block(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct mlx5_channel *const c = to_mlx5(ch);
	const struct bvi_mlx5_poll_recv *const recv = bvi_mlx5_poll_recv_of(ch);
	const struct bvi_mlx5_cqe *const title = recv->cqe;
	const unsigned state = bvi_mlx5_cqe_op_own(title) ^ recv->owner;
	const unsigned opcode = state & 0xf0;
	const unsigned taken = c->block_taken;
	unsigned n, all, i = taken;

	if ((state & ~(0xf0u | PRM_CQE_SE)) != PRM_CQE_COMPRESSED || !bvi_mlx5_is_received(opcode))
		return 0;
	bv_owner_before_cqe(); /* count and minis */
	all = bv_from_be32(title->byte_cnt);
	if (all < 2 || all > c->recv_cq.count - (size_t)(title - c->recv_cq.ring))
		return 0;
	n = all - taken < max ? all - taken : max;
	while (i < taken + n) {
		const unsigned of_array = i - i % PRM_MINIS + PRM_MINIS;
		const unsigned to = of_array < taken + n ? of_array : taken + n;

		take_some(title, i, to, wc + (i - taken), ch->rq_done + (i - taken),
			  mark_of(opcode, recv->owner), mlx5_block_kind(title, opcode));
		i = to;
	}
	ch->rq_done += n;
	ch->rq_limit += n;
	c->block_taken = i < all ? i : 0;
	title_set(title, opcode, recv->owner, c->block_taken);
	if (!c->block_taken)
		bvi_mlx5_recv_advance(ch, all);
	return n;
}

int bvi_mlx5_poll_recv_blocks(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	const unsigned n = take_whole(ch, wc, max);

	return bvi_likely(n == max) ? (int)n : bvi_mlx5_poll_recv_mixed(ch, wc, max, n);
}

bool bvi_mlx5_marked(const struct mlx5_cq *cq, uint32_t index, struct bvi_mlx5_cqe *as)
{
	struct prm_mini_cqe mini[PRM_MINIS];
	uint32_t i = 0;

	while ((bvi_mlx5_cqe_op_own(entry(cq, index - i)) & PRM_CQE_SCATTER) == MARK)
		i++;
	if ((bvi_mlx5_cqe_op_own(entry(cq, index - i)) & PRM_CQE_SCATTER) != PRM_CQE_COMPRESSED)
		return false;
	*as = *entry(cq, index - i);
	minis_load(entry(cq, index - i + array_of(i)), true, mini);
	as->byte_cnt = mini[i % PRM_MINIS].byte_cnt;
	return true;
}
