/* SPDX-License-Identifier: MIT */
/*
 * Polling through ibv_poll_cq().
 *
 * Drivers leave fields of an ibv_wc alone that the operation has no use for: nothing is read but
 * what is known to be written. And a failing ibv_poll_cq() does not say how many entries it had
 * filled before (libmlx5 returns -2 instead of the count), so every entry is marked as empty when
 * it has been read; those that lost the mark have been filled.
 */
#include "channel.h"

/* Fills v->wc. Returns the count; -1 also after a failure that filled none. */
static inline int poll_burst(struct verbs_channel *v, struct ibv_cq *cq, unsigned max)
{
	int n = ibv_poll_cq(cq, (int)(max < VERBS_BURST ? max : VERBS_BURST), v->wc);

	if (bvi_likely(n >= 0))
		return n;
	for (n = 0; n < VERBS_BURST && v->wc[n].wr_id != VERBS_NO_WORK; n++)
		;
	return n ? n : -1;
}

static BV_COLD void failed(struct bv_channel *ch, const struct ibv_wc *from, int64_t work,
			   struct bv_wc *wc)
{
	*wc = (struct bv_wc){
		.work = work,
		.vendor_err = from->vendor_err,
		.status = (uint8_t)from->status,
	};
	bvi_channel_failed(ch, wc);
}

static inline void send_done(struct bv_channel *ch, const struct ibv_wc *from, struct bv_wc *wc)
{
	const uint64_t number = from->wr_id;

	ch->sq_done = number + 1;
	if (bvi_unlikely(from->status != IBV_WC_SUCCESS)) {
		failed(ch, from, (int64_t)number, wc);
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

static inline void recv_done(struct bv_channel *ch, const struct ibv_wc *from, struct bv_wc *wc)
{
	const uint64_t number = from->wr_id;
	const int64_t work = (int64_t)number | BV_WORK_RECV;

	ch->rq_done = number + 1;
	if (bvi_unlikely(from->status != IBV_WC_SUCCESS)) {
		failed(ch, from, work, wc);
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

int bvi_verbs_poll_send(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct verbs_channel *v = to_verbs(ch);
	unsigned n = 0;
	int got;

	do {
		got = poll_burst(v, v->send_cq, max - n);
		for (int i = 0; i < got; i++) {
			send_done(ch, &v->wc[i], &wc[n++]);
			v->wc[i].wr_id = VERBS_NO_WORK;
		}
	} while (got == VERBS_BURST && n < max);
	return n || got >= 0 ? (int)n : -EIO;
}

int bvi_verbs_poll_recv(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	struct verbs_channel *v = to_verbs(ch);
	unsigned n = 0;
	int got;

	do {
		got = poll_burst(v, v->recv_cq, max - n);
		for (int i = 0; i < got; i++) {
			recv_done(ch, &v->wc[i], &wc[n++]);
			v->wc[i].wr_id = VERBS_NO_WORK;
		}
	} while (got == VERBS_BURST && n < max);
	return n || got >= 0 ? (int)n : -EIO;
}
