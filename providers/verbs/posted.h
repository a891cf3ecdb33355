/* SPDX-License-Identifier: MIT */
/*
 * What was posted at one place of a queue, as libibverbs cannot be asked later. Written by each post,
 * read only for texts of errors (posted.c). One cache line: two elements, and what the rest of a list
 * sums up to. Of a receive, its element is also what the driver gets.
 */
#ifndef BV_PROVIDERS_VERBS_POSTED_H
#define BV_PROVIDERS_VERBS_POSTED_H

#include "channel.h"

/* Elements of a work that are kept one by one. */
#define VERBS_POSTED_SGE 2

struct verbs_posted {
	struct ibv_sge sge[VERBS_POSTED_SGE];
	struct verbs_target to;
	uint32_t rest; /* bytes of a list behind what @sge has */
	uint32_t what; /* VERBS_POSTED_* */
	uint64_t unused;
};

static_assert(sizeof(struct verbs_posted) == 64, "one cache line a work");

/* @what: elements, or bytes of inline payload; operation; and how it went. */
#define VERBS_POSTED_N 0xffffu
#define VERBS_POSTED_OP_SHIFT 16
#define VERBS_POSTED_OP 0xff0000u
#define VERBS_POSTED_IMM (1u << 24)
#define VERBS_POSTED_INLINE (1u << 25)
#define VERBS_POSTED_SIGNALED (1u << 26)

/* @wr asks for one element, sge[0]. */
struct verbs_received {
	struct ibv_sge sge[VERBS_POSTED_SGE];
	struct ibv_recv_wr wr;
};

static_assert(sizeof(struct verbs_received) == 64, "one cache line a receive");

/* Of the last receive at a place that did not have one element. */
struct verbs_recv_list {
	uint64_t number;
	uint32_t nsge;
	uint32_t rest; /* bytes behind what @sge has */
};

/* How a receive ended; @imm only if @flags say so, @vendor_err only of a failure. */
struct verbs_result {
	uint8_t reserved;
	uint8_t flags;
	uint8_t op;
	uint8_t status;
	uint32_t bytes;
	uint32_t imm;
	uint32_t vendor_err;
};

static_assert(sizeof(struct verbs_result) ==
		      sizeof(struct bv_wc) - offsetof(struct bv_wc, reserved),
	      "what struct bv_wc has behind the number");

/* libibverbs takes lists without const, and does not write to them. */
static inline struct ibv_sge *verbs_sge(const void *list)
{
	union {
		const void *from;
		struct ibv_sge *to;
	} cast = { .from = list };

	return cast.to;
}

/* The place of the work with @wr_id: eight numbers of those apart, and eight times as many bytes. */
static inline struct verbs_posted *verbs_posted_at(const struct verbs_channel *v, uint64_t wr_id)
{
	const size_t offset = (uint32_t)(wr_id * 8) & v->posted_send_mask;

	static_assert(sizeof(struct verbs_posted) == 8 * 8, "for each number");
	return (struct verbs_posted *)(void *)((char *)v->posted_send + offset);
}

static inline struct verbs_posted *verbs_posted_send(const struct verbs_channel *v, uint64_t number)
{
	return verbs_posted_at(v, verbs_wr_id(number, BV_OP_WRITE));
}

/* Copies the first elements; returns the sum of what is behind them. */
static inline uint32_t verbs_keep_elements(struct ibv_sge *kept, const struct ibv_sge *sge,
					   unsigned nsge)
{
	uint32_t rest = 0;

	for (unsigned i = 0; i < nsge; i++) {
		if (i < VERBS_POSTED_SGE)
			kept[i] = sge[i];
		else
			rest += sge[i].length;
	}
	return rest;
}

#endif
