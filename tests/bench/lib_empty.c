/* SPDX-License-Identifier: MIT */
/* The loops of the other libraries around nothing: what the harness costs. */
#include "bench.h"

#include <stdlib.h>

struct bench_side {
	struct bench_base base;
};

/* Stands for the result of a call. */
static inline int nothing(int result)
{
	__asm__ volatile("" : "+r"(result)::"memory");
	return result;
}

static unsigned one_by_one(struct bench_side *side, unsigned n)
{
	unsigned i;

	(void)side;
	for (i = 0; i < n; i++) {
		if (nothing(0) < 0)
			break;
	}
	return i;
}

static unsigned polls(struct bench_side *side, unsigned n)
{
	unsigned i;

	(void)side;
	for (i = 0; i < n; i++) {
		if (nothing(1) != 1)
			break;
	}
	return i;
}

static unsigned chains(struct bench_side *side, unsigned n)
{
	unsigned i;

	(void)side;
	for (i = 0; i < n; i += BENCH_CHAIN) {
		if (nothing(0) < 0)
			break;
	}
	return i;
}

/* Each work of a chain is asked for its result, too. */
static unsigned write_chain(struct bench_side *side, unsigned n)
{
	int result = 0;
	unsigned i;

	(void)side;
	for (i = 0; i < n; i += BENCH_CHAIN) {
#pragma GCC unroll 16
		for (unsigned work = 0; work < BENCH_CHAIN; work++) {
			result = nothing(result);
			if (result < 0)
				return i;
		}
	}
	return i;
}

static struct bench_side *open_side(char *why, size_t size)
{
	struct bench_side *side = calloc(1, sizeof(*side));

	(void)why;
	(void)size;
	if (side)
		side->base.about = "loops around nothing";
	return side;
}

static void close_side(struct bench_side *side)
{
	free(side);
}

static void seen(const struct bench_side *side, struct bench_seen *out)
{
	(void)side;
	*out = (struct bench_seen){ .good = true };
}

const struct bench_library bench_empty = {
	.name = "empty",
	.open = open_side,
	.close = close_side,
	.seen = seen,
	.run = {
		[BENCH_WRITE_INLINE_8] = one_by_one,
		[BENCH_WRITE_INLINE_28] = one_by_one,
		[BENCH_WRITE_INLINE_64] = one_by_one,
		[BENCH_WRITE_SGE_1] = one_by_one,
		[BENCH_WRITE_SGE_4] = one_by_one,
		[BENCH_SEND_INLINE_8] = one_by_one,
		[BENCH_READ] = one_by_one,
		[BENCH_FETCH_ADD] = one_by_one,
		[BENCH_WRITE_CHAIN] = write_chain,
		[BENCH_RECV] = one_by_one,
		[BENCH_RECV_CHAIN] = chains,
		[BENCH_POLL_SEND] = polls,
		[BENCH_POLL_RECV] = polls,
		[BENCH_POLL_SEND_BURST] = chains,
		[BENCH_POLL_RECV_BURST] = chains,
		[BENCH_POLL_EMPTY] = polls,
		[BENCH_POLL_RECV_INLINE] = polls,
		[BENCH_POLL_RECV_INPLACE] = polls,
		[BENCH_POLL_RECV_INLINE_BURST] = chains,
		[BENCH_POLL_RECV_INPLACE_BURST] = chains,
		[BENCH_SEND_IMM] = one_by_one,
	},
};
