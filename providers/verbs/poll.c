/* SPDX-License-Identifier: MIT */
/*
 * Polling through ibv_poll_cq(), for drivers without extended completion queues (poll_ex.c).
 *
 * Drivers leave fields of an ibv_wc alone that the operation has no use for: nothing is read but
 * what is known to be written. And a failing ibv_poll_cq() does not say how many entries it had
 * filled before (libmlx5 returns -2 instead of the count), so every entry is marked as empty when
 * it has been read; those that lost the mark have been filled.
 */
#include "channel.h"
#include "completion.h"

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

static inline void send_done(struct bv_channel *ch, const struct ibv_wc *from, struct bv_wc *wc)
{
	struct verbs_posted *const place = verbs_place_of(from->wr_id);
	const uint64_t number = verbs_number(place);

	if (bvi_likely(from->status == IBV_WC_SUCCESS)) {
		verbs_sent(ch, place, wc);
		return;
	}
	assert(verbs_in_order(ch, place));
	ch->sq_limit = number + to_verbs(ch)->sq_room;
	verbs_failed(ch, (int64_t)number, from->status, from->vendor_err, wc);
}

static inline void recv_done(struct bv_channel *ch, const struct ibv_wc *from, struct bv_wc *wc)
{
	const uint64_t number = ch->rq_done++;

	ch->rq_limit++;
	if (bvi_unlikely(from->status != IBV_WC_SUCCESS))
		verbs_failed(ch, (int64_t)number, from->status, from->vendor_err, wc);
	else
		verbs_received(wc, number, from->opcode, from->byte_len, from->wc_flags,
			       from->imm_data);
	verbs_keep_result(to_verbs(ch), wc);
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

int bvi_verbs_poll_send_one(struct bv_channel *ch, struct bv_wc *wc)
{
	return bvi_verbs_poll_send(ch, wc, 1);
}

int bvi_verbs_poll_recv_one(struct bv_channel *ch, struct bv_wc *wc)
{
	return bvi_verbs_poll_recv(ch, wc, 1);
}
