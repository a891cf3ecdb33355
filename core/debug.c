/* SPDX-License-Identifier: MIT */
/*
 * The checks of debug builds.
 *
 *	caller -> table of checks -> [ provider's calls, put in force for as long as it is called ]
 *
 * The table that is in force is kept here, and the channel has ours in its place: every call notes what
 * is outstanding and goes on. The gates are closed, so that a program that has short ways inline comes
 * here, too. What is outstanding is kept in two rings of elements, which at the end of each call follow
 * the channel's counters: what was done is gone, and so is what was withdrawn. The counters are kept a
 * second time, because regions are released by any thread and the channel's own are its thread's
 * alone. All of it is under the lock of the channel's checks. Order of locks: the device's list of
 * channels, then a channel's checks.
 */
#include "debug.h"

#include "debug_state.h"
#include "error.h"
#include "pd.h"
#include "provider.h"

#ifdef NDEBUG

bool bv_debug_set(unsigned checks, void (*report)(unsigned check, const char *text))
{
	(void)checks, (void)report;
	return false;
}

void bv_channel_hand_over(struct bv_channel *ch)
{
	(void)ch;
}

#else

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One checked call, between begin and end. */
struct call {
	struct bv_channel *ch;
	const char *name;
	struct finding finding;
};

static atomic_uint checks = BV_DEBUG_DEFAULT;
static _Atomic(void (*)(unsigned, const char *)) handler;

bool bv_debug_set(unsigned wanted, void (*report)(unsigned check, const char *text))
{
	atomic_store(&checks, wanted);
	atomic_store(&handler, report);
	return true;
}

void bvi_debug_deliver(const struct finding *finding)
{
	void (*report)(unsigned, const char *) = atomic_load(&handler);

	if (!finding->check)
		return;
	if (report) {
		report(finding->check, finding->text);
		return;
	}
	fprintf(stderr, "bareverbs: %s\n", finding->text);
	abort();
}

bool bvi_debug_wanted(const struct finding *finding, unsigned check)
{
	return !finding->check && atomic_load_explicit(&checks, memory_order_relaxed) & check;
}

static uint64_t thread_id(pthread_t thread)
{
	return (uint64_t)thread;
}

static uint64_t number_of(uint64_t receive)
{
	return receive & ~(uint64_t)BV_WORK_RECV;
}

static bool idle(const struct bvi_debug *debug)
{
	return debug->send.done == debug->send.posted && debug->recv.done == debug->recv.posted &&
	       debug->scopes == 0;
}

/* Who calls? */
static void check_owner(const struct bv_channel *ch, const char *call, struct finding *finding)
{
	struct bvi_debug *debug = bvi_debug_of(ch);
	const pthread_t self = pthread_self();

	if (debug->owned && !pthread_equal(debug->owner, self) && !idle(debug) &&
	    bvi_debug_wanted(finding, BV_DEBUG_THREAD)) {
		finding->check = BV_DEBUG_THREAD;
		snprintf(finding->text, sizeof(finding->text),
			 "%s: channel qpn 0x%x is thread 0x%" PRIx64 "'s, with %" PRIu64
			 " works of the send queue, %" PRIu64
			 " receives and %u scopes open; thread 0x%" PRIx64
			 " must not use it: bv_channel_hand_over() it first",
			 call, ch->core->local.qpn, thread_id(debug->owner),
			 debug->send.posted - debug->send.done,
			 debug->recv.posted - debug->recv.done, debug->scopes, thread_id(self));
	}
	debug->owner = self;
	debug->owned = true;
}

/* The same numbers mean the same bytes, unless @iova and by another key. */
static bool overlap(const struct bv_scatter *a, const struct bv_scatter *b, bool iova)
{
	return a->length && b->length && a->addr < b->addr + b->length &&
	       b->addr < a->addr + a->length && (!iova || a->lkey == b->lkey);
}

static void check_overlap_ring(const struct ring *ring, const char *call,
			       const struct bv_scatter *sg, bool iova, struct finding *finding)
{
	for (uint64_t n = ring->done; n < ring->posted; n++) {
		const struct tracked *work = &ring->work[n & ring->mask];
		const struct bv_scatter *other = bvi_debug_elements(ring, n);

		for (uint32_t i = 0; work->writes && i < work->nsge; i++) {
			if (!overlap(sg, &other[i], iova))
				continue;
			finding->check = BV_DEBUG_OVERLAP;
			snprintf(finding->text, sizeof(finding->text),
				 "%s: %u bytes at 0x%" PRIx64 " overlap %u bytes at 0x%" PRIx64
				 " of %s %" PRIu64
				 ", which is outstanding: what arrives in both is lost",
				 call, sg->length, sg->addr, other[i].length, other[i].addr,
				 ring->name, n);
			return;
		}
	}
}

static void check_overlap(const struct bvi_debug *debug, struct call *in,
			  const struct bv_scatter *sg, unsigned nsge)
{
	const bool iova = atomic_load_explicit(&in->ch->core->pd->iova, memory_order_relaxed);
	struct finding *finding = &in->finding;
	const char *call = in->name;

	for (unsigned i = 0; i < nsge; i++) {
		for (unsigned j = 0; j < i && bvi_debug_wanted(finding, BV_DEBUG_OVERLAP); j++) {
			if (!overlap(&sg[i], &sg[j], iova))
				continue;
			finding->check = BV_DEBUG_OVERLAP;
			snprintf(finding->text, sizeof(finding->text),
				 "%s: elements %u and %u of the list overlap at 0x%" PRIx64, call,
				 j, i, sg[i].addr);
		}
		if (bvi_debug_wanted(finding, BV_DEBUG_OVERLAP))
			check_overlap_ring(&debug->send, call, &sg[i], iova, finding);
		if (bvi_debug_wanted(finding, BV_DEBUG_OVERLAP))
			check_overlap_ring(&debug->recv, call, &sg[i], iova, finding);
	}
}

static const struct bv_channel_ops checked;

static void begin(struct call *call)
{
	bvi_debug_lock(bvi_debug_of(call->ch));
	call->finding.check = 0;
	check_owner(call->ch, call->name, &call->finding);
	bvi_calls_set(call->ch, bvi_debug_of(call->ch)->real);
	call->ch->gate = bvi_debug_of(call->ch)->gate;
}

/* The channel's counters now. Works that were not noted have no elements; withdrawn ones are gone. */
static void follow(struct ring *ring, uint64_t posted, uint64_t done)
{
	while (ring->posted < posted)
		ring->work[ring->posted++ & ring->mask] = (struct tracked){ 0 };
	ring->posted = posted;
	ring->done = done;
}

static void finish(struct call *call)
{
	struct bv_channel *ch = call->ch;
	struct bvi_debug *debug = bvi_debug_of(ch);

	follow(&debug->send, ch->sq_posted, bvi_sq_done(ch));
	follow(&debug->recv, number_of(ch->rq_posted), number_of(ch->rq_done));
	debug->real = ch->ops;
	debug->gate = ch->gate;
	bvi_calls_set(ch, &checked);
	bvi_debug_unlock(debug);
	bvi_debug_deliver(&call->finding);
}

static void note(struct ring *ring, uint64_t number, const void *sg, unsigned nsge, bool writes)
{
	struct tracked *work = &ring->work[number & ring->mask];

	follow(ring, number, ring->done);
	*work = (struct tracked){ .nsge = nsge < ring->max_sge ? nsge : ring->max_sge,
				  .writes = writes };
	if (work->nsge)
		memcpy(bvi_debug_elements(ring, number), sg,
		       work->nsge * sizeof(struct bv_scatter));
	ring->posted = number + 1;
}

static int64_t end_send(struct call *call, int64_t work, const void *sg, unsigned nsge, bool writes)
{
	struct bvi_debug *debug = bvi_debug_of(call->ch);

	if (work >= 0 && writes)
		check_overlap(debug, call, sg, nsge);
	if (work >= 0)
		note(&debug->send, (uint64_t)work, sg, nsge, writes);
	finish(call);
	return work;
}

static int64_t end_recv(struct call *call, int64_t work, const struct bv_scatter *sg, unsigned nsge)
{
	struct bvi_debug *debug = bvi_debug_of(call->ch);

	if (work >= 0) {
		check_overlap(debug, call, sg, nsge);
		note(&debug->recv, number_of((uint64_t)work), sg, nsge, true);
	}
	finish(call);
	return work;
}

#define CALL(ch, name)                            \
	struct call call = { (ch), name, { 0 } }; \
	begin(&call)

/* "bv_post_send" and so on. */
static const char *call_name(uint64_t what)
{
	switch (bvi_what_op(what)) {
	case BV_OP_SEND:
		return "bv_post_send";
	case BV_OP_WRITE:
		return "bv_post_write";
	default:
		return "bv_post_read";
	}
}

static int64_t post(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
		    uint64_t what)
{
	const unsigned nsge = bvi_what_n(what, BVI_SHORT_LIST);

	CALL(ch, call_name(what));
	return end_send(&call, bvi_post(ch, sg, remote, what), sg, nsge,
			bvi_what_op(what) == BV_OP_READ);
}

static int64_t post_imm(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			uint64_t what, uint32_t imm)
{
	const unsigned nsge = bvi_what_n(what, BVI_SHORT_LIST);

	CALL(ch, call_name(what));
	return end_send(&call, ch->ops->post_imm(ch, sg, remote, what, imm), sg, nsge, false);
}

static int64_t post_inline(struct bv_channel *ch, const void *buf, const struct bv_remote *remote,
			   uint64_t what)
{
	CALL(ch, call_name(what));
	return end_send(&call, bvi_post_inline(ch, buf, remote, what), NULL, 0, false);
}

static int64_t post_inline_imm(struct bv_channel *ch, const void *buf,
			       const struct bv_remote *remote, uint64_t what, uint32_t imm)
{
	CALL(ch, call_name(what));
	return end_send(&call, ch->ops->post_inline_imm(ch, buf, remote, what, imm), NULL, 0,
			false);
}

static int64_t post_atomic(struct bv_channel *ch, const void *result,
			   const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
			   uint64_t compare)
{
	CALL(ch, "bv_post_fetch_add or bv_post_compare_swap");
	return end_send(&call, ch->post_other(ch, result, remote, what, swap_add, compare), result,
			1, true);
}

static int64_t post_other(struct bv_channel *ch, const void *payload,
			  const struct bv_remote *remote, uint64_t what, uint64_t swap_add,
			  uint64_t compare)
{
	return bvi_post_other_by(post, post_inline, post_atomic, ch, payload, remote, what,
				 swap_add, compare);
}

static int64_t post_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge)
{
	CALL(ch, "bv_post_recv");
	return end_recv(&call, ch->ops->post_recv(ch, sg, nsge), sg, nsge);
}

static int post_recv_many(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n)
{
	int posted;

	CALL(ch, "bv_post_recv_many");
	posted = ch->ops->post_recv_many(ch, sg, n);
	for (int i = 0; i < posted; i++) {
		check_overlap(bvi_debug_of(ch), &call, &sg[i], 1);
		note(&bvi_debug_of(ch)->recv, number_of(ch->rq_posted) - (unsigned)(posted - i),
		     &sg[i], 1, true);
	}
	finish(&call);
	return posted;
}

static int end(struct call *call, int rc)
{
	finish(call);
	return rc;
}

static int flush(struct bv_channel *ch)
{
	CALL(ch, "bv_flush");
	return end(&call, ch->ops->flush(ch));
}

static int poll_send_one(struct bv_channel *ch, struct bv_wc *wc)
{
	CALL(ch, "bv_poll_send");
	return end(&call, ch->ops->poll_send_one(ch, wc));
}

static int poll_send(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	CALL(ch, "bv_poll_send");
	return end(&call, ch->ops->poll_send(ch, wc, max));
}

static int poll_recv_one(struct bv_channel *ch, struct bv_wc *wc)
{
	CALL(ch, "bv_poll_recv");
	return end(&call, ch->ops->poll_recv_one(ch, wc));
}

static int poll_recv(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	CALL(ch, "bv_poll_recv");
	return end(&call, ch->ops->poll_recv(ch, wc, max));
}

static int poll_recv_inplace(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
			     unsigned max)
{
	CALL(ch, "bv_poll_recv_inplace");
	return end(&call, ch->ops->poll_recv_inplace(ch, wc, payload, max));
}

/* These two neither post nor reap. */
static void recv_result(const struct bv_channel *ch, uint64_t number, struct bv_wc *wc)
{
	bvi_debug_of(ch)->real->recv_result(ch, number, wc);
}

static int arm(struct bv_channel *ch, unsigned queues)
{
	return bvi_debug_of(ch)->real->arm(ch, queues);
}

static const struct bv_channel_ops checked = {
	.post_one = post,
	.post_inline8 = post_inline,
	.write_one_more = post,
	.write_inline8_more = post_inline,
	.send_one_more = post,
	.send_inline8_more = post_inline,
	.post_other = post_other,
	.post_imm = post_imm,
	.post_inline_imm = post_inline_imm,
	.post_recv = post_recv,
	.post_recv_many = post_recv_many,
	.flush = flush,
	.poll_send_one = poll_send_one,
	.poll_recv_one = poll_recv_one,
	.poll_send = poll_send,
	.poll_recv = poll_recv,
	.poll_recv_inplace = poll_recv_inplace,
	.recv_result = recv_result,
	.arm = arm,
};

/* From malloc, so that tests which count our callocs need not know of the checks. */
static bool ring_init(struct ring *ring, const char *name, uint32_t works, uint32_t max_sge)
{
	size_t places = 1;

	while (places < works)
		places *= 2;
	ring->name = name;
	ring->mask = places - 1;
	ring->max_sge = max_sge ? max_sge : 1;
	ring->work = malloc(places * sizeof(*ring->work));
	ring->sge = malloc(places * ring->max_sge * sizeof(*ring->sge));
	return ring->work && ring->sge;
}

static void debug_free(struct bvi_debug *debug)
{
	free(debug->send.work);
	free(debug->send.sge);
	free(debug->recv.work);
	free(debug->recv.sge);
	free(debug);
}

void bvi_debug_attach(struct bv_channel *ch)
{
	struct bvi_debug *debug = malloc(sizeof(*debug));
	bool complete;

	if (!debug)
		return;
	memset(debug, 0, sizeof(*debug));
	atomic_flag_clear(&debug->lock);
	complete = ring_init(&debug->send, "send-queue work", ch->max_send, ch->max_send_sge);
	complete &= ring_init(&debug->recv, "receive", ch->max_recv, ch->max_recv_sge);
	if (!complete) {
		debug_free(debug);
		return;
	}
	ch->core->debug = debug;
}

void bvi_debug_watch(struct bv_channel *ch)
{
	if (!bvi_debug_of(ch))
		return;
	bvi_debug_of(ch)->real = ch->ops;
	bvi_debug_of(ch)->gate = ch->gate;
	bvi_calls_set(ch, &checked);
}

void bvi_debug_detach(struct bv_channel *ch)
{
	if (bvi_debug_of(ch))
		debug_free(bvi_debug_of(ch));
	ch->core->debug = NULL;
}

void bvi_debug_forget(struct bv_channel *ch)
{
	struct bvi_debug *debug = bvi_debug_of(ch);

	if (!debug)
		return;
	bvi_debug_lock(debug);
	follow(&debug->send, ch->sq_posted, ch->sq_posted);
	follow(&debug->recv, number_of(ch->rq_posted), number_of(ch->rq_posted));
	bvi_debug_unlock(debug);
}

void bv_channel_hand_over(struct bv_channel *ch)
{
	struct bvi_debug *debug = bvi_debug_of(ch);

	if (!debug)
		return;
	bvi_debug_lock(debug);
	debug->owned = false;
	bvi_debug_unlock(debug);
}

uint64_t bvi_debug_scope_begin(struct bv_channel *ch)
{
	if (bvi_debug_of(ch)) {
		CALL(ch, "bv_scope_begin");
		bvi_debug_of(ch)->scopes++;
		finish(&call);
	}
	return thread_id(pthread_self());
}

void bvi_debug_scope_end(struct bv_channel *ch, uint64_t thread)
{
	const uint64_t self = thread_id(pthread_self());

	if (!bvi_debug_of(ch))
		return;
	CALL(ch, "bv_scope_end");
	if (thread != self && bvi_debug_wanted(&call.finding, BV_DEBUG_THREAD)) {
		call.finding.check = BV_DEBUG_THREAD;
		snprintf(
			call.finding.text, sizeof(call.finding.text),
			"bv_scope_end: the scope on channel qpn 0x%x was begun by thread 0x%" PRIx64
			", and thread 0x%" PRIx64 " must not end it",
			ch->core->local.qpn, thread, self);
	}
	bvi_debug_of(ch)->scopes--;
	finish(&call);
}

#endif
