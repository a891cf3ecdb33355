/* SPDX-License-Identifier: MIT */
/*
 * From a completion of libibverbs to one of ours; for both ways of polling.
 */
#ifndef BV_PROVIDERS_VERBS_COMPLETION_H
#define BV_PROVIDERS_VERBS_COMPLETION_H

#include <assert.h>
#include <endian.h>

#include "core/provider.h"

static BV_COLD __attribute__((noinline, unused)) void
verbs_failed(struct bv_channel *ch, int64_t work, enum ibv_wc_status status, uint32_t vendor_err,
	     struct bv_wc *wc)
{
	*wc = (struct bv_wc){
		.work = work,
		.vendor_err = vendor_err,
		.status = (uint8_t)status,
	};
	bvi_channel_failed(ch, wc);
}

/* Whether a length belongs to it: drivers say eight for atomics, or nothing (rxe). */
static inline bool verbs_fetched(enum ibv_wc_opcode opcode)
{
	static_assert(IBV_WC_SEND < IBV_WC_RDMA_READ && IBV_WC_RDMA_WRITE < IBV_WC_RDMA_READ &&
			      IBV_WC_RDMA_READ < IBV_WC_COMP_SWAP &&
			      IBV_WC_COMP_SWAP < IBV_WC_FETCH_ADD,
		      "what fetches comes last");
	return opcode >= IBV_WC_RDMA_READ;
}

/* @bytes: of what it fetched, else 0 */
static inline void verbs_sent(struct bv_wc *wc, uint64_t number, enum ibv_wc_opcode opcode,
			      uint32_t bytes)
{
	static const uint8_t ops[] = {
		[IBV_WC_SEND] = BV_OP_SEND,           [IBV_WC_RDMA_WRITE] = BV_OP_WRITE,
		[IBV_WC_RDMA_READ] = BV_OP_READ,      [IBV_WC_COMP_SWAP] = BV_OP_COMPARE_SWAP,
		[IBV_WC_FETCH_ADD] = BV_OP_FETCH_ADD,
	};

	assert((unsigned)opcode < sizeof(ops));
	*wc = (struct bv_wc){ .work = (int64_t)number, .bytes = bytes, .op = ops[opcode] };
}

/* @imm: network order; counts if @wc_flags say so */
static inline void verbs_received(struct bv_wc *wc, uint64_t number, enum ibv_wc_opcode opcode,
				  uint32_t bytes, unsigned wc_flags, uint32_t imm)
{
	const bool with_imm = wc_flags & IBV_WC_WITH_IMM;

	*wc = (struct bv_wc){
		.work = (int64_t)number | BV_WORK_RECV,
		.bytes = bytes,
		.imm = with_imm ? be32toh(imm) : 0,
		.op = opcode == IBV_WC_RECV_RDMA_WITH_IMM ? BV_OP_RECV_WRITE_IMM : BV_OP_RECV,
		.flags = with_imm ? BV_WC_IMM : 0,
	};
}

#endif
