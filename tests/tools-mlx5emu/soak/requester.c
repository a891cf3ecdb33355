/* SPDX-License-Identifier: MIT */
#include "soak/side.h"

#include <stdlib.h>
#include <string.h>

enum { CHAIN = 4 };

void requester_init(struct side *side)
{
	for (unsigned i = 0; i < side->plan->nqp; i++) {
		struct requester *const r = &side->requester[i];

		stream_init(&r->stream, side->plan, side->index, i, side->rig.memory->source,
			    malloc(WINDOW));
		r->shadow = malloc(SINK);
		check(r->stream.window && r->shadow, "no memory");
	}
}

void requester_round(struct side *side)
{
	for (unsigned i = 0; i < side->plan->nqp; i++) {
		struct requester *const r = &side->requester[i];

		stream_round(&r->stream);
		memset(r->shadow, FILL, SINK);
		memset(side->rig.memory->sink[i], FILL, SINK);
		r->more = true;
	}
}

/* What is to be found in the sink. Windows change with later works, so it is taken down now. */
static void expect_result(struct side *side, unsigned qp, const struct work *w,
			  const uint8_t *peer_source)
{
	struct requester *const r = &side->requester[qp];

	if (w->kind == READ)
		memcpy(r->shadow + w->sink, peer_source + w->from, w->len);
	else if (work_reads(w))
		memcpy(r->shadow + w->sink, r->stream.window + w->at, w->len);
	else if (work_is_atomic(w) && w->kind != ADD_SHARED)
		memcpy(r->shadow + w->sink, &w->old, sizeof(w->old));
}

/* The number of them. */
static unsigned post_some(struct side *side, unsigned qp)
{
	struct requester *const r = &side->requester[qp];
	const uint8_t *const peer_source = side->responder[qp].stream.source;
	const unsigned most = 1 + (unsigned)(soak_random(&side->random) % CHAIN);
	struct work works[CHAIN];
	unsigned n = 0;

	while (r->more && n < most && r->posted + n - r->done < side->plan->sq_depth) {
		r->more = stream_next(&r->stream, &works[n]);
		if (!r->more)
			break;
		expect_result(side, qp, &works[n], peer_source);
		r->ring[(r->posted + n) % RING] = works[n];
		n++;
	}
	if (n > 0)
		rig_post(&side->rig, qp, works, n);
	r->posted += n;
	return n;
}

bool requester_post(struct side *side)
{
	const unsigned nqp = side->plan->nqp, first = (unsigned)(soak_random(&side->random) % nqp);

	for (unsigned i = 0; i < nqp; i++)
		if (post_some(side, (first + i) % nqp) > 0)
			return true;
	return false;
}

bool requester_idle(const struct side *side)
{
	for (unsigned i = 0; i < side->plan->nqp; i++)
		if (side->requester[i].more || side->requester[i].posted != side->requester[i].done)
			return false;
	return true;
}

static enum ibv_wc_opcode opcode(const struct work *w)
{
	if (work_reads(w))
		return IBV_WC_RDMA_READ;
	if (w->kind == SWAP)
		return IBV_WC_COMP_SWAP;
	if (work_is_atomic(w))
		return IBV_WC_FETCH_ADD;
	return w->kind == SEND || w->kind == SEND_IMM ? IBV_WC_SEND : IBV_WC_RDMA_WRITE;
}

/* Each value is found once, since each addition is of 1. */
static void check_shared(struct side *side, struct requester *r, unsigned qp, const struct work *w)
{
	uint64_t old;

	memcpy(&old, side->rig.memory->sink[qp] + w->sink, sizeof(old));
	check(old < MAX_SHARED && !side->shared_seen[old],
	      "queue pair %u, work %u: a shared word was %llu before, %s", qp, w->seq,
	      (unsigned long long)old, old < MAX_SHARED ? "for the second time" : "too much");
	side->shared_seen[old] = true;
	side->shared_done++;
	memcpy(r->shadow + w->sink, &old, sizeof(old));
}

static void check_result(struct side *side, unsigned qp, const struct work *w)
{
	struct requester *const r = &side->requester[qp];

	if (w->kind < READ)
		return;
	if (w->kind == ADD_SHARED)
		check_shared(side, r, qp, w);
	check(memcmp(side->rig.memory->sink[qp] + w->sink, r->shadow + w->sink, w->len + GAP) == 0,
	      "queue pair %u, work %u of kind %u: wrong bytes came back", qp, w->seq, w->kind);
}

void requester_complete(struct side *side, const struct ibv_wc *wc)
{
	const unsigned qp = (unsigned)(wc->wr_id >> 32);
	const uint32_t seq = (uint32_t)wc->wr_id;
	struct requester *r;
	const struct work *w;

	check(qp < side->plan->nqp, "a completion of queue pair %u", qp);
	check(wc->status == IBV_WC_SUCCESS, "queue pair %u, work %u: %s, vendor error 0x%x", qp,
	      seq, ibv_wc_status_str(wc->status), wc->vendor_err);
	r = &side->requester[qp];
	do {
		check(r->done != r->posted, "queue pair %u: work %u completed twice", qp, seq);
		w = &r->ring[r->done++ % RING];
		check_result(side, qp, w);
		side->works++;
		side->bytes += w->len;
	} while (!w->signaled);
	check(w->seq == seq, "queue pair %u: work %u completed, and it was the turn of %u", qp, seq,
	      w->seq);
	check(wc->opcode == opcode(w), "queue pair %u, work %u: opcode %u", qp, seq,
	      (unsigned)wc->opcode);
	check(wc->qp_num == side->rig.qp[qp]->qp_num, "queue pair %u, work %u: number 0x%x", qp,
	      seq, wc->qp_num);
	check(w->kind < READ || wc->byte_len == w->len, "queue pair %u, work %u: %u bytes, not %u",
	      qp, seq, wc->byte_len, w->len);
}

void requester_check_round(struct side *side)
{
	for (unsigned i = 0; i < side->plan->nqp; i++)
		check(memcmp(side->rig.memory->sink[i], side->requester[i].shadow, SINK) == 0,
		      "queue pair %u: bytes between results", i);
	for (unsigned i = 0; i < side->shared_done; i++)
		check(side->shared_seen[i], "nobody found %u in the shared word", i);
}
