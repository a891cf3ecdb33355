/* SPDX-License-Identifier: MIT */
/*
 * The checks of debug builds.
 *
 *	caller -> table of the channel -> [ checks ] -> table of the provider
 *
 * Each channel has copies of the provider's three tables in which the slots that matter lead here. A
 * slot that is not known here stays the provider's, unchecked. What is outstanding is kept in two
 * rings of elements; counters are kept a second time, because regions are released by any thread and
 * the channel's own counters are its thread's alone. All of it is under the lock of the channel's
 * checks. Order of locks: the device's list of channels, then a channel's checks.
 */
#include "debug.h"

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
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 512
/* One table for each state, and that of chains. */
#define CHAIN (BV_CHANNEL_ERROR + 1)
#define TABLES (CHAIN + 1)

/* An outstanding work; its elements are in the ring's array. */
struct tracked {
	uint32_t nsge;
	bool writes; /* into these elements */
};

struct ring {
	const char *name;
	uint64_t done, posted;
	uint64_t mask;
	uint32_t max_sge;
	struct tracked *work;
	struct bv_scatter *sge; /* max_sge for each place */
};

struct bvi_debug {
	atomic_flag lock;
	struct bv_channel_ops ops[TABLES];
	const struct bv_channel_ops *real[TABLES];
	pthread_t owner;
	bool owned;
	unsigned scopes;
	struct ring send, recv;
};

/* A finding on its way out of the lock. */
struct finding {
	unsigned check; /* 0: none */
	char text[TEXT_MAX];
};

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

static void deliver(const struct finding *finding)
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

static bool wanted(const struct finding *finding, unsigned check)
{
	return !finding->check && atomic_load_explicit(&checks, memory_order_relaxed) & check;
}

static uint64_t thread_id(pthread_t thread)
{
	return (uint64_t)thread;
}

/* Held for a few lines, and hardly ever wanted by two: no call of the fast path takes a mutex. */
static void lock(struct bvi_debug *debug)
{
	while (atomic_flag_test_and_set_explicit(&debug->lock, memory_order_acquire))
		sched_yield();
}

static void unlock(struct bvi_debug *debug)
{
	atomic_flag_clear_explicit(&debug->lock, memory_order_release);
}

static struct bvi_debug *debug_of(const struct bv_channel *ch)
{
	return ch->core->debug;
}

static const struct bv_channel_ops *real_of(const struct bv_channel *ch)
{
	const bool chained = ch->ops == &debug_of(ch)->ops[CHAIN];

	return debug_of(ch)->real[chained ? CHAIN : ch->core->state];
}

static bool idle(const struct bvi_debug *debug)
{
	return debug->send.done == debug->send.posted && debug->recv.done == debug->recv.posted &&
	       debug->scopes == 0;
}

/* Who calls? */
static void check_owner(const struct bv_channel *ch, const char *call, struct finding *finding)
{
	struct bvi_debug *debug = debug_of(ch);
	const pthread_t self = pthread_self();

	if (debug->owned && !pthread_equal(debug->owner, self) && !idle(debug) &&
	    wanted(finding, BV_DEBUG_THREAD)) {
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

static struct bv_scatter *elements(const struct ring *ring, uint64_t number)
{
	return ring->sge + (number & ring->mask) * ring->max_sge;
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
		const struct bv_scatter *other = elements(ring, n);

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
		for (unsigned j = 0; j < i && wanted(finding, BV_DEBUG_OVERLAP); j++) {
			if (!overlap(&sg[i], &sg[j], iova))
				continue;
			finding->check = BV_DEBUG_OVERLAP;
			snprintf(finding->text, sizeof(finding->text),
				 "%s: elements %u and %u of the list overlap at 0x%" PRIx64, call,
				 j, i, sg[i].addr);
		}
		if (wanted(finding, BV_DEBUG_OVERLAP))
			check_overlap_ring(&debug->send, call, &sg[i], iova, finding);
		if (wanted(finding, BV_DEBUG_OVERLAP))
			check_overlap_ring(&debug->recv, call, &sg[i], iova, finding);
	}
}

static void begin(struct call *call)
{
	lock(debug_of(call->ch));
	call->finding.check = 0;
	check_owner(call->ch, call->name, &call->finding);
}

static void finish(struct call *call)
{
	unlock(debug_of(call->ch));
	deliver(&call->finding);
}

/* Works that an unchecked slot posted are there, without elements. */
static void catch_up(struct ring *ring, uint64_t posted)
{
	while (ring->posted < posted)
		ring->work[ring->posted++ & ring->mask] = (struct tracked){ 0 };
}

static void note(struct ring *ring, uint64_t number, const void *sg, unsigned nsge, bool writes)
{
	struct tracked *work = &ring->work[number & ring->mask];

	catch_up(ring, number);
	*work = (struct tracked){ .nsge = nsge < ring->max_sge ? nsge : ring->max_sge,
				  .writes = writes };
	if (work->nsge)
		memcpy(elements(ring, number), sg, work->nsge * sizeof(struct bv_scatter));
	ring->posted = number + 1;
}

static int64_t end_send(struct call *call, int64_t work, const void *sg, unsigned nsge, bool writes)
{
	struct bvi_debug *debug = debug_of(call->ch);

	if (work >= 0 && writes)
		check_overlap(debug, call, sg, nsge);
	if (work >= 0)
		note(&debug->send, (uint64_t)work, sg, nsge, writes);
	finish(call);
	return work;
}

static int64_t end_recv(struct call *call, int64_t work, const struct bv_scatter *sg, unsigned nsge)
{
	struct bvi_debug *debug = debug_of(call->ch);

	if (work >= 0) {
		check_overlap(debug, call, sg, nsge);
		note(&debug->recv, (uint64_t)(work & ~BV_WORK_RECV), sg, nsge, true);
	}
	finish(call);
	return work;
}

#define CALL(ch, name)                            \
	struct call call = { (ch), name, { 0 } }; \
	begin(&call)

static int64_t post_send(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			 unsigned flags)
{
	CALL(ch, "bv_post_send");
	return end_send(&call, real_of(ch)->post_send(ch, sg, nsge, flags), sg, nsge, false);
}

static int64_t post_send_imm(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			     uint32_t imm, unsigned flags)
{
	CALL(ch, "bv_post_send_imm");
	return end_send(&call, real_of(ch)->post_send_imm(ch, sg, nsge, imm, flags), sg, nsge,
			false);
}

static int64_t post_send_inline(struct bv_channel *ch, const void *buf, size_t len, unsigned flags)
{
	CALL(ch, "bv_post_send_inline");
	return end_send(&call, real_of(ch)->post_send_inline(ch, buf, len, flags), NULL, 0, false);
}

static int64_t post_send_inline_imm(struct bv_channel *ch, const void *buf, size_t len,
				    uint32_t imm, unsigned flags)
{
	CALL(ch, "bv_post_send_inline_imm");
	return end_send(&call, real_of(ch)->post_send_inline_imm(ch, buf, len, imm, flags), NULL, 0,
			false);
}

static int64_t post_write(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			  const struct bv_remote *remote, unsigned flags)
{
	CALL(ch, "bv_post_write");
	return end_send(&call, real_of(ch)->post_write(ch, sg, nsge, remote, flags), sg, nsge,
			false);
}

static int64_t post_write_imm(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			      const struct bv_remote *remote, uint32_t imm, unsigned flags)
{
	CALL(ch, "bv_post_write_imm");
	return end_send(&call, real_of(ch)->post_write_imm(ch, sg, nsge, remote, imm, flags), sg,
			nsge, false);
}

static int64_t post_write_inline(struct bv_channel *ch, const void *buf, size_t len,
				 const struct bv_remote *remote, unsigned flags)
{
	CALL(ch, "bv_post_write_inline");
	return end_send(&call, real_of(ch)->post_write_inline(ch, buf, len, remote, flags), NULL, 0,
			false);
}

static int64_t post_write_inline_imm(struct bv_channel *ch, const void *buf, size_t len,
				     const struct bv_remote *remote, uint32_t imm, unsigned flags)
{
	CALL(ch, "bv_post_write_inline_imm");
	return end_send(&call, real_of(ch)->post_write_inline_imm(ch, buf, len, remote, imm, flags),
			NULL, 0, false);
}

static int64_t post_read(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge,
			 const struct bv_remote *remote, unsigned flags)
{
	CALL(ch, "bv_post_read");
	return end_send(&call, real_of(ch)->post_read(ch, sg, nsge, remote, flags), sg, nsge, true);
}

static int64_t post_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge)
{
	CALL(ch, "bv_post_recv");
	return end_recv(&call, real_of(ch)->post_recv(ch, sg, nsge), sg, nsge);
}

static int poll_send(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	int n;

	CALL(ch, "bv_poll_send");
	n = real_of(ch)->poll_send(ch, wc, max);
	catch_up(&debug_of(ch)->send, ch->sq_posted);
	debug_of(ch)->send.done = ch->sq_done;
	finish(&call);
	return n;
}

static int poll_recv(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	int n;

	CALL(ch, "bv_poll_recv");
	n = real_of(ch)->poll_recv(ch, wc, max);
	catch_up(&debug_of(ch)->recv, ch->rq_posted);
	debug_of(ch)->recv.done = ch->rq_done;
	finish(&call);
	return n;
}

/* Slots that we do not know are left as they are. */
static void wrap(struct bvi_debug *debug, unsigned index, const struct bv_channel_ops **table)
{
	struct bv_channel_ops *ops = &debug->ops[index];

	debug->real[index] = *table;
	*ops = **table;
	ops->post_send = post_send;
	ops->post_send_imm = post_send_imm;
	ops->post_send_inline = post_send_inline;
	ops->post_send_inline_imm = post_send_inline_imm;
	ops->post_write = post_write;
	ops->post_write_imm = post_write_imm;
	ops->post_write_inline = post_write_inline;
	ops->post_write_inline_imm = post_write_inline_imm;
	ops->post_read = post_read;
	ops->post_recv = post_recv;
	ops->poll_send = poll_send;
	ops->poll_recv = poll_recv;
	*table = ops;
}

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
	wrap(debug, BV_CHANNEL_PREPARED, &ch->core->prepared);
	wrap(debug, BV_CHANNEL_READY, &ch->core->ready);
	wrap(debug, BV_CHANNEL_ERROR, &ch->core->error);
	if (ch->core->chain)
		wrap(debug, CHAIN, &ch->core->chain);
	ch->core->debug = debug;
}

void bvi_debug_detach(struct bv_channel *ch)
{
	if (debug_of(ch))
		debug_free(debug_of(ch));
	ch->core->debug = NULL;
}

void bvi_debug_forget(struct bv_channel *ch)
{
	struct bvi_debug *debug = debug_of(ch);

	if (!debug)
		return;
	lock(debug);
	debug->send.done = debug->send.posted = ch->sq_posted;
	debug->recv.done = debug->recv.posted = ch->rq_posted;
	unlock(debug);
}

void bv_channel_hand_over(struct bv_channel *ch)
{
	struct bvi_debug *debug = debug_of(ch);

	if (!debug)
		return;
	lock(debug);
	debug->owned = false;
	unlock(debug);
}

uint64_t bvi_debug_scope_begin(struct bv_channel *ch)
{
	if (debug_of(ch)) {
		CALL(ch, "bv_scope_begin");
		debug_of(ch)->scopes++;
		finish(&call);
	}
	return thread_id(pthread_self());
}

void bvi_debug_scope_end(struct bv_channel *ch, uint64_t thread)
{
	const uint64_t self = thread_id(pthread_self());

	if (!debug_of(ch))
		return;
	CALL(ch, "bv_scope_end");
	if (thread != self && wanted(&call.finding, BV_DEBUG_THREAD)) {
		call.finding.check = BV_DEBUG_THREAD;
		snprintf(
			call.finding.text, sizeof(call.finding.text),
			"bv_scope_end: the scope on channel qpn 0x%x was begun by thread 0x%" PRIx64
			", and thread 0x%" PRIx64 " must not end it",
			ch->core->local.qpn, thread, self);
	}
	debug_of(ch)->scopes--;
	finish(&call);
}

/* The first outstanding work of @ring with an element of @mr, or any if it is NULL. */
static bool uses(const struct ring *ring, const struct bv_mr *mr, uint64_t *number)
{
	for (uint64_t n = ring->done; n < ring->posted; n++) {
		const struct bv_scatter *sge = elements(ring, n);
		const uint32_t nsge = ring->work[n & ring->mask].nsge;

		for (uint32_t i = 0; mr && i < nsge; i++)
			if (sge[i].length && sge[i].lkey == mr->lkey) {
				*number = n;
				return true;
			}
		if (!mr) {
			*number = n;
			return true;
		}
	}
	return false;
}

static void describe(const struct bv_channel *ch, const struct ring *ring, uint64_t number,
		     const struct bv_mr *mr, struct finding *finding)
{
	finding->check = BV_DEBUG_IN_USE;
	if (mr)
		snprintf(finding->text, sizeof(finding->text),
			 "bv_mr_dereg: the region of %" PRIu64 " bytes at 0x%" PRIx64
			 " (lkey 0x%x) is in use by %s %" PRIu64
			 " of channel qpn 0x%x: wait for it, or destroy the channel first",
			 mr->length, mr->addr, mr->lkey, ring->name, number, ch->core->local.qpn);
	else
		snprintf(finding->text, sizeof(finding->text),
			 "bv_pd_free: the protection domain is in use by %s %" PRIu64
			 " of channel qpn 0x%x: wait for it, or destroy the channel first",
			 ring->name, number, ch->core->local.qpn);
}

static void check_channel(struct bv_channel *ch, const struct bv_mr *mr, struct finding *finding)
{
	struct bvi_debug *debug = debug_of(ch);
	uint64_t number;

	if (!debug)
		return;
	lock(debug);
	if (uses(&debug->send, mr, &number))
		describe(ch, &debug->send, number, mr, finding);
	else if (uses(&debug->recv, mr, &number))
		describe(ch, &debug->recv, number, mr, finding);
	unlock(debug);
}

static void check_release(const struct bv_pd *pd, const struct bv_mr *mr)
{
	struct bvi_events *events = &pd->device->events;
	struct finding finding = { 0 };
	struct bv_channel *ch;

	pthread_mutex_lock(&events->lock);
	for (ch = events->channels; ch && wanted(&finding, BV_DEBUG_IN_USE);
	     ch = ch->core->next_channel)
		if (ch->core->pd == pd)
			check_channel(ch, mr, &finding);
	pthread_mutex_unlock(&events->lock);
	deliver(&finding);
}

void bvi_debug_mr_release(const struct bv_pd *pd, const struct bv_mr *mr)
{
	check_release(pd, mr);
}

void bvi_debug_pd_release(const struct bv_pd *pd)
{
	check_release(pd, NULL);
}

#endif
