/* SPDX-License-Identifier: MIT */
/*
 * From a completion of libibverbs to one of ours; for both ways of polling.
 */
#ifndef BV_PROVIDERS_VERBS_COMPLETION_H
#define BV_PROVIDERS_VERBS_COMPLETION_H

#include <endian.h>

#include "core/provider.h"

static BV_COLD __attribute__((unused)) void
verbs_failed(struct bv_channel *ch, const struct ibv_wc *from, int64_t work, struct bv_wc *wc)
{
	*wc = (struct bv_wc){
		.work = work,
		.vendor_err = from->vendor_err,
		.status = (uint8_t)from->status,
	};
	bvi_channel_failed(ch, wc);
}

static inline void verbs_send_done(struct bv_channel *ch, const struct ibv_wc *from,
				   struct bv_wc *wc)
{
	const uint64_t number = from->wr_id;

	ch->sq_done = number + 1;
	if (bvi_unlikely(from->status != IBV_WC_SUCCESS)) {
		verbs_failed(ch, from, (int64_t)number, wc);
		return;
	}
	*wc = (struct bv_wc){ .work = (int64_t)number, .op = BV_OP_SEND };
	if (from->opcode == IBV_WC_RDMA_WRITE) {
		wc->op = BV_OP_WRITE;
	} else if (from->opcode == IBV_WC_RDMA_READ) {
		wc->op = BV_OP_READ;
		wc->bytes = from->byte_len;
	}
}

static inline void verbs_recv_done(struct bv_channel *ch, const struct ibv_wc *from,
				   struct bv_wc *wc)
{
	const uint64_t number = from->wr_id;
	const int64_t work = (int64_t)number | BV_WORK_RECV;

	ch->rq_done = number + 1;
	if (bvi_unlikely(from->status != IBV_WC_SUCCESS)) {
		verbs_failed(ch, from, work, wc);
	} else {
		*wc = (struct bv_wc){ .work = work, .bytes = from->byte_len, .op = BV_OP_RECV };
		if (from->opcode == IBV_WC_RECV_RDMA_WITH_IMM)
			wc->op = BV_OP_RECV_WRITE_IMM;
		if (from->wc_flags & IBV_WC_WITH_IMM) {
			wc->flags = BV_WC_IMM;
			wc->imm = be32toh(from->imm_data);
		}
	}
	bvi_recv_result_store(ch, number, wc);
}

#endif
