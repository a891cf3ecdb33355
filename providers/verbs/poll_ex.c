/* SPDX-License-Identifier: MIT */
/*
 * Polling through the extended completion queue: fields are read one by one, and only those that
 * are needed. A queue made for a single thread is polled without a lock, which ibv_poll_cq() of
 * libmlx5 always takes; and what was reaped before the queue broke is not lost.
 */
#include <errno.h>

#include "channel.h"
#include "completion.h"

static inline void send_done(struct bv_channel *ch, struct ibv_cq_ex *cq, struct bv_wc *wc)
{
	const uint64_t number = cq->wr_id;

	ch->sq_done = number + 1;
	if (bvi_unlikely(cq->status != IBV_WC_SUCCESS)) {
		verbs_failed(ch, (int64_t)number, cq->status, ibv_wc_read_vendor_err(cq), wc);
	} else {
		const enum ibv_wc_opcode opcode = ibv_wc_read_opcode(cq);

		if (bvi_unlikely(verbs_fetched(opcode)))
			verbs_sent(wc, number, opcode,
				   opcode == IBV_WC_RDMA_READ ? ibv_wc_read_byte_len(cq) : 8);
		else
			verbs_sent(wc, number, opcode, 0);
	}
}

static inline void recv_done(struct bv_channel *ch, struct ibv_cq_ex *cq, struct bv_wc *wc)
{
	const uint64_t number = cq->wr_id;

	ch->rq_done = number + 1;
	if (bvi_unlikely(cq->status != IBV_WC_SUCCESS)) {
		verbs_failed(ch, (int64_t)number | BV_WORK_RECV, cq->status,
			     ibv_wc_read_vendor_err(cq), wc);
	} else {
		const unsigned flags = ibv_wc_read_wc_flags(cq);
		const bool with_imm = flags & IBV_WC_WITH_IMM;

		verbs_received(wc, number, ibv_wc_read_opcode(cq), ibv_wc_read_byte_len(cq), flags,
			       with_imm ? ibv_wc_read_imm_data(cq) : 0);
	}
	bvi_recv_result_store(ch, number, wc);
}

static inline int poll_ex(struct bv_channel *ch, struct ibv_cq_ex *cq, bool recv, struct bv_wc *wc,
			  unsigned max)
{
	struct ibv_poll_cq_attr attr = { 0 };
	const int rc = ibv_start_poll(cq, &attr);
	unsigned n = 0;

	if (rc != 0)
		return rc == ENOENT ? 0 : -EIO;
	do {
		if (recv)
			recv_done(ch, cq, &wc[n++]);
		else
			send_done(ch, cq, &wc[n++]);
	} while (n < max && ibv_next_poll(cq) == 0);
	/* If the queue is broken here, the next call meets it again. */
	ibv_end_poll(cq);
	return (int)n;
}

int bvi_verbs_poll_send_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	return poll_ex(ch, to_verbs(ch)->send_cq_ex, false, wc, max);
}

int bvi_verbs_poll_recv_ex(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	return poll_ex(ch, to_verbs(ch)->recv_cq_ex, true, wc, max);
}
