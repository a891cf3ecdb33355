/* SPDX-License-Identifier: MIT */
#include "soak/side.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FLUSH_MS = 10000 };

static void post_receive(struct side *side, unsigned qp, unsigned slot)
{
	rig_post_receive(&side->rig, qp, slot, 1 + (unsigned)(soak_random(&side->random) % 3));
	side->slot_posted[slot] = true;
}

/* At once, or when the queue is half empty. */
static void refill(struct side *side, unsigned qp)
{
	struct responder *const r = &side->responder[qp];
	const unsigned depth = side->plan->rq_depth;

	if (side->plan->lazy && r->receives - r->arrived > depth / 2)
		return;
	while (r->receives - r->arrived < depth)
		post_receive(side, qp, qp * SLOTS_OF_QP + r->receives++ % depth);
}

void responder_init(struct side *side)
{
	uint8_t *const source = malloc(SOURCE);

	check(source, "no memory");
	source_fill(source, side->plan->seed, !side->index);
	memset(side->rig.memory->receive, FILL, MAX_RECEIVES * side->rig.slot);
	for (unsigned i = 0; i < side->plan->nqp; i++) {
		stream_init(&side->responder[i].stream, side->plan, !side->index, i, source,
			    malloc(WINDOW));
		check(side->responder[i].stream.window, "no memory");
		if (!side->plan->srq)
			refill(side, i);
	}
	if (side->plan->srq)
		for (unsigned i = 0; i < side->plan->nqp * side->plan->rq_depth; i++)
			post_receive(side, 0, i);
}

void responder_round(struct side *side)
{
	for (unsigned i = 0; i < side->plan->nqp; i++) {
		struct responder *const r = &side->responder[i];

		memset(side->rig.memory->window[i], FILL, WINDOW);
		memset(r->seen, 0, sizeof(r->seen));
		stream_round(&r->stream);
		r->n = r->next = 0;
		while (r->n < MAX_WORKS && stream_next(&r->stream, &r->work[r->n]))
			r->n++;
	}
}

static unsigned find_qp(const struct side *side, uint32_t qpn)
{
	for (unsigned i = 0; i < side->plan->nqp; i++)
		if (side->rig.qp[i]->qp_num == qpn)
			return i;
	soak_fail("a receive of queue pair 0x%x", qpn);
}

static void check_slot(struct side *side, unsigned qp, uint64_t slot)
{
	struct responder *const r = &side->responder[qp];

	check(slot < MAX_RECEIVES && side->slot_posted[slot], "receive %llu came twice",
	      (unsigned long long)slot);
	side->slot_posted[slot] = false;
	if (side->plan->srq)
		return;
	check(slot == qp * SLOTS_OF_QP + r->arrived % side->plan->rq_depth,
	      "queue pair %u: receive %llu came out of order", qp, (unsigned long long)slot);
	r->arrived++;
}

static bool window_right(const struct side *side, unsigned qp, const struct work *w)
{
	return memcmp(side->rig.memory->window[qp] + w->at,
		      side->responder[qp].stream.window + w->at, w->len) == 0;
}

/* RC: the next one in order. What was written before it is there. */
static const struct work *next_in_order(struct side *side, unsigned qp)
{
	struct responder *const r = &side->responder[qp];

	for (; r->next < r->n; r->next++) {
		const struct work *const w = &r->work[r->next];

		check(w->kind != WRITE || window_right(side, qp, w),
		      "queue pair %u: work %u is not written, and a later one has come", qp,
		      w->seq);
		if (work_arrives(w))
			return &r->work[r->next++];
	}
	soak_fail("queue pair %u: more has come than was sent", qp);
}

/* UC, UD: what is lost is lost; the rest comes once, and in order where the service keeps it. */
static const struct work *next_by_number(struct side *side, unsigned qp, uint32_t seq)
{
	struct responder *const r = &side->responder[qp];

	check(seq < r->n, "queue pair %u: nobody sent %u", qp, seq);
	check(side->plan->disorder || !r->seen[seq], "queue pair %u: %u came twice", qp, seq);
	check(side->plan->disorder || side->plan->transport == SOAK_UD || seq >= r->next,
	      "queue pair %u: %u came behind %u", qp, seq, r->next);
	r->next = seq;
	r->seen[seq] = true;
	return &r->work[seq];
}

static void check_bytes(struct side *side, unsigned qp, const struct work *w, uint8_t *place)
{
	const uint32_t grh = side->plan->transport == SOAK_UD ? GRH : 0;
	static const uint8_t fill[GAP] = { FILL, FILL, FILL, FILL, FILL, FILL, FILL, FILL,
					   FILL, FILL, FILL, FILL, FILL, FILL, FILL, FILL };
	const uint32_t len = w->kind == WRITE_IMM ? 0 : w->len + grh;

	if (w->kind == WRITE_IMM)
		check(window_right(side, qp, w), "queue pair %u, work %u: wrong bytes written", qp,
		      w->seq);
	else
		check(memcmp(place + grh, side->responder[qp].stream.source + w->from, w->len) == 0,
		      "queue pair %u, work %u: wrong bytes received", qp, w->seq);
	/* UC leaves what it began to receive and then dropped */
	if (side->plan->transport != SOAK_UC)
		check(memcmp(place + len, fill, GAP) == 0,
		      "queue pair %u, work %u: bytes behind the end", qp, w->seq);
	memset(place, FILL, len);
}

void responder_arrive(struct side *side, const struct ibv_wc *wc)
{
	const unsigned qp = find_qp(side, wc->qp_num);
	const struct work *w;
	uint32_t len;

	check(wc->status == IBV_WC_SUCCESS, "queue pair %u: a receive ended with %s", qp,
	      ibv_wc_status_str(wc->status));
	check_slot(side, qp, wc->wr_id);
	w = side->plan->transport == SOAK_RC ? next_in_order(side, qp) :
					       next_by_number(side, qp, be32toh(wc->imm_data));
	len = w->len + (side->plan->transport == SOAK_UD ? GRH : 0);
	check(wc->opcode == (w->kind == WRITE_IMM ? IBV_WC_RECV_RDMA_WITH_IMM : IBV_WC_RECV),
	      "queue pair %u, work %u: opcode %u", qp, w->seq, (unsigned)wc->opcode);
	check(wc->byte_len == len, "queue pair %u, work %u: %u bytes came, not %u", qp, w->seq,
	      wc->byte_len, len);
	check(w->kind == SEND ||
		      (wc->wc_flags & IBV_WC_WITH_IMM && be32toh(wc->imm_data) == w->imm),
	      "queue pair %u, work %u: immediate 0x%x, not 0x%x", qp, w->seq, be32toh(wc->imm_data),
	      w->imm);
	check_bytes(side, qp, w, rig_receive_slot(&side->rig, (unsigned)wc->wr_id));
	side->arrivals++;
	if (side->plan->srq)
		post_receive(side, qp, (unsigned)wc->wr_id);
	else
		refill(side, qp);
}

static void check_reliable(struct side *side, unsigned qp)
{
	struct responder *const r = &side->responder[qp];

	for (; r->next < r->n; r->next++)
		check(!work_arrives(&r->work[r->next]), "queue pair %u: work %u has not come", qp,
		      r->work[r->next].seq);
	check(memcmp(side->rig.memory->window[qp], r->stream.window, WINDOW) == 0,
	      "queue pair %u: wrong bytes in the window", qp);
	check(memcmp(side->rig.memory->word[qp], r->stream.word, sizeof(r->stream.word)) == 0,
	      "queue pair %u: wrong words", qp);
}

static void check_unreliable(struct side *side, unsigned qp)
{
	const uint8_t *const is = side->rig.memory->window[qp];
	const uint8_t *const wanted = side->responder[qp].stream.window;

	for (size_t i = 0; i < WINDOW; i++)
		check(is[i] == FILL || is[i] == wanted[i], "queue pair %u: a wrong byte at %zu", qp,
		      i);
}

void responder_check_round(struct side *side)
{
	uint64_t shared = 0;

	for (unsigned i = 0; i < side->plan->nqp; i++) {
		shared += side->responder[i].stream.shared;
		if (side->plan->transport == SOAK_RC)
			check_reliable(side, i);
		else
			check_unreliable(side, i);
	}
	check(side->rig.memory->shared == shared, "the shared word is %llu, not %llu",
	      (unsigned long long)side->rig.memory->shared, (unsigned long long)shared);
}

static void flush_one(struct side *side, unsigned qp)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };
	struct responder *const r = &side->responder[qp];
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct ibv_wc wc;
	int n = 0;

	must(ibv_modify_qp(side->rig.qp[qp], &attr, IBV_QP_STATE) == 0);
	while (r->arrived != r->receives) {
		for (unsigned i = 0;
		     i < FLUSH_MS && (n = ibv_poll_cq(side->rig.cq[1], 1, &wc)) == 0; i++)
			nanosleep(&ms, NULL);
		check(n == 1, "queue pair %u: %u receives did not come back", qp,
		      r->receives - r->arrived);
		check(wc.status == IBV_WC_WR_FLUSH_ERR, "queue pair %u: %s instead of a flush", qp,
		      ibv_wc_status_str(wc.status));
		check_slot(side, qp, wc.wr_id);
	}
}

void responder_check_flush(struct side *side)
{
	struct ibv_wc wc;

	if (!side->plan->srq)
		for (unsigned i = 0; i < side->plan->nqp; i++)
			flush_one(side, i);
	for (unsigned i = 0; i < 2; i++)
		check(ibv_poll_cq(side->rig.cq[i], 1, &wc) == 0,
		      "a completion too many: wr_id 0x%llx, %s", (unsigned long long)wc.wr_id,
		      ibv_wc_status_str(wc.status));
}
