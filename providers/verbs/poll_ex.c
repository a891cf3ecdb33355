/* SPDX-License-Identifier: MIT */
/*
 * Polling through the extended completion queue: fields are read one by one, and only those that
 * are needed. A queue made for a single thread is polled without a lock, which ibv_poll_cq() of
 * libmlx5 always takes; and what was reaped before the queue broke is not lost.
 */
#include <errno.h>

#include "channel.h"
#include "completion.h"

/* The completion that the queue stands at. */
static inline struct ibv_wc current(struct ibv_cq_ex *cq, bool recv)
{
	struct ibv_wc entry = { .wr_id = cq->wr_id, .status = cq->status };

	if (bvi_unlikely(entry.status != IBV_WC_SUCCESS)) {
		entry.vendor_err = ibv_wc_read_vendor_err(cq);
		return entry;
	}
	entry.opcode = ibv_wc_read_opcode(cq);
	if (recv || entry.opcode == IBV_WC_RDMA_READ)
		entry.byte_len = ibv_wc_read_byte_len(cq);
	if (recv)
		entry.wc_flags = ibv_wc_read_wc_flags(cq);
	if (entry.wc_flags & IBV_WC_WITH_IMM)
		entry.imm_data = ibv_wc_read_imm_data(cq);
	return entry;
}

static inline int poll_ex(struct bv_channel *ch, struct ibv_cq_ex *cq, bool recv, struct bv_wc *wc,
			  unsigned max)
{
	struct ibv_poll_cq_attr attr = { 0 };
	unsigned n = 0;
	int rc;

	rc = ibv_start_poll(cq, &attr);
	if (rc != 0)
		return rc == ENOENT ? 0 : -EIO;
	do {
		const struct ibv_wc entry = current(cq, recv);

		if (recv)
			verbs_recv_done(ch, &entry, &wc[n]);
		else
			verbs_send_done(ch, &entry, &wc[n]);
		n++;
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
