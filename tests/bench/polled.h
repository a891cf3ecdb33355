/* SPDX-License-Identifier: MIT */
/*
 * What a program reads of a completion by ibv_start_poll(): number, status and opcode; of receives also bytes, and
 * the immediate in host order. For the two ways to call that are compared: in the loop, and in functions.
 */
#ifndef BV_TESTS_BENCH_POLLED_H
#define BV_TESTS_BENCH_POLLED_H

#include <endian.h>
#include <infiniband/verbs.h>

#include "bench.h"

struct polled {
	uint64_t wr_id;
	uint32_t bytes;
	uint32_t imm;
	enum ibv_wc_status status;
	enum ibv_wc_opcode opcode;
	unsigned flags;
};

static inline void polled_sent(struct ibv_cq_ex *cq, struct polled *to)
{
	to->wr_id = cq->wr_id;
	to->status = cq->status;
	to->opcode = ibv_wc_read_opcode(cq);
}

static inline void polled_received(struct ibv_cq_ex *cq, struct polled *to)
{
	to->wr_id = cq->wr_id;
	to->status = cq->status;
	to->opcode = ibv_wc_read_opcode(cq);
	to->bytes = ibv_wc_read_byte_len(cq);
	to->flags = ibv_wc_read_wc_flags(cq);
	if (to->flags & IBV_WC_WITH_IMM)
		to->imm = be32toh(ibv_wc_read_imm_data(cq));
}

static inline struct bench_seen polled_seen(const struct polled *c)
{
	return (struct bench_seen){
		.good = c->status == IBV_WC_SUCCESS,
		.bytes = c->bytes,
		.has_imm = c->flags & IBV_WC_WITH_IMM,
		.imm = c->imm,
	};
}

#endif
