/* SPDX-License-Identifier: MIT */
/*
 * What was posted at one place of a queue, as libibverbs cannot be asked later. Written by each post,
 * read only for texts of errors (posted.c). One cache line: two elements, and what the rest of a list
 * sums up to.
 */
#ifndef BV_PROVIDERS_VERBS_POSTED_H
#define BV_PROVIDERS_VERBS_POSTED_H

#include "channel.h"

/* Elements of a work that are kept one by one. */
#define VERBS_POSTED_SGE 2

struct verbs_posted {
	struct ibv_sge sge[VERBS_POSTED_SGE];
	struct verbs_target to;
	uint32_t rest; /* bytes: of inline payload, or of a list behind what @sge has */
	uint32_t what; /* VERBS_POSTED_* */
	uint64_t unused;
};

static_assert(sizeof(struct verbs_posted) == 64, "one cache line a work");

/* @what: elements, operation, and how it went. */
#define VERBS_POSTED_NSGE 0xffffu
#define VERBS_POSTED_OP_SHIFT 16
#define VERBS_POSTED_OP 0xff0000u
#define VERBS_POSTED_IMM (1u << 24)
#define VERBS_POSTED_INLINE (1u << 25)
#define VERBS_POSTED_SIGNALED (1u << 26)

/* libibverbs takes lists without const, and does not write to them. */
static inline struct ibv_sge *verbs_sge(const void *list)
{
	union {
		const void *from;
		struct ibv_sge *to;
	} cast = { .from = list };

	return cast.to;
}

/* posted.c: a list of another length than one. */
void bvi_verbs_keep_list(struct verbs_posted *posted, const struct ibv_sge *sge, unsigned nsge);

/* Sets @posted's list and what; @what without the number of elements. */
static inline void verbs_keep(struct verbs_posted *posted, const struct ibv_sge *sge, unsigned nsge,
			      uint32_t what)
{
	posted->what = what | nsge;
	if (what & VERBS_POSTED_INLINE)
		posted->rest = sge->length;
	else if (bvi_likely(nsge == 1))
		posted->sge[0] = *sge;
	else
		bvi_verbs_keep_list(posted, sge, nsge);
}

#endif
