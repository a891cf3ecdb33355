/* SPDX-License-Identifier: MIT */
/*
 * A long mixed stream of works, the same on both sides because each work is a function of its
 * number. It goes in batches of up to FLOW_BATCH: the passive end prepares (posts receives, fills what
 * will be read), the active end posts and reaps, the passive end verifies what arrived.
 */
#ifndef TESTS_CONFORM_FLOW_H
#define TESTS_CONFORM_FLOW_H

#include "local.h"

enum {
	FLOW_BATCH = 256,
	FLOW_STRIDE = 12288, /* memory of one work of a batch on each end */
	FLOW_MAX_PIECES = 5,
};

/* Work @number: what to post, without list and remote region. */
struct flow_work {
	enum op op;
	uint32_t size;
	uint32_t imm;
	unsigned pieces;
	bool unsignaled;
};

struct flow_work flow_work(uint64_t number);
/* The memory of work @number as @pieces adjoining pieces with @size bytes in all. */
void flow_list(struct list *list, uint64_t base, uint64_t number, unsigned pieces, uint32_t size);
static inline uint32_t flow_seed(uint64_t number)
{
	return (uint32_t)number + 1;
}

/* 0, or -errno with what went wrong in @text (TEXT_BYTES). */
int flow_prepare(struct local *local, unsigned slot, uint64_t base, uint64_t first, unsigned n,
		 char *text);
int flow_verify(struct local *local, unsigned slot, uint64_t base, uint64_t first, unsigned n,
		char *text);

#endif
