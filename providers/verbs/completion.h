/* SPDX-License-Identifier: MIT */
/*
 * From a completion of libibverbs to one of ours; for both ways of polling.
 */
#ifndef BV_PROVIDERS_VERBS_COMPLETION_H
#define BV_PROVIDERS_VERBS_COMPLETION_H

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "posted.h"

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

/*
 * A handle means all works before it, so completions must come in the order of their works: those before @place
 * that are outstanding asked for none.
 */
static inline bool verbs_in_order(const struct bv_channel *ch, const struct verbs_posted *place)
{
	const struct verbs_channel *const v = to_verbs_const(ch);
	const uint64_t number = verbs_number(place);

	for (uint64_t i = bvi_sq_done(ch); i < number; i++) {
		if (!(verbs_kind(verbs_posted_send(v, i)) & VERBS_UNSIGNALED))
			return false;
	}
	return number >= bvi_sq_done(ch) && number < ch->sq_posted;
}

/* A success; its place has what it says, and the number of the work that will be posted there. */
static inline void verbs_sent(struct bv_channel *ch, struct verbs_posted *place, struct bv_wc *wc)
{
	const size_t said = offsetof(struct bv_wc, imm);
	uint64_t limit;

	assert(verbs_in_order(ch, place));
	memcpy(wc, place, said);
	memset((char *)wc + said, 0, sizeof(*wc) - said);
	limit = place->number + to_verbs(ch)->sq_room;
	ch->sq_limit = limit;
	place->number = limit - 1;
}

/* @imm: network order; counts if @wc_flags say so */
static inline void verbs_received(struct bv_wc *wc, uint64_t number, enum ibv_wc_opcode opcode,
				  uint32_t bytes, unsigned wc_flags, uint32_t imm)
{
	const bool with_imm = wc_flags & IBV_WC_WITH_IMM;

	*wc = (struct bv_wc){
		.work = (int64_t)number,
		.bytes = bytes,
		.imm = with_imm ? be32toh(imm) : 0,
		.op = opcode == IBV_WC_RECV_RDMA_WITH_IMM ? BV_OP_RECV_WRITE_IMM : BV_OP_RECV,
		.flags = with_imm ? BV_WC_IMM : 0,
	};
}

static inline void verbs_keep_result(struct verbs_channel *v, const struct bv_wc *wc)
{
	struct verbs_result *result =
		&v->posted_recv[(uint64_t)wc->work & v->posted_recv_mask].result;

	memcpy(result, &wc->reserved, sizeof(*result));
}

#endif
