/* SPDX-License-Identifier: MIT */
#include "pair.h"

#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	GUARD = 0xee,
	CANARY = 0xc4,
	INLINE_MOST = 64,
};

#define DRAIN_NS (10 * BV_SEC)

void expect_rc(int64_t rc, const struct bv_channel *ch, const char *what)
{
	if (rc < 0)
		fprintf(stderr, "%s: %lld: %s\n", what, (long long)rc, bv_error_text(ch));
	expect(rc >= 0, what);
}

int64_t pair_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * BV_SEC + ts.tv_nsec;
}

/* xorshift64* (Vigna 2016) */
uint64_t pair_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717) >> 16;
}

uint8_t *pair_own(const struct pair_end *e, unsigned slot)
{
	return e->memory + (size_t)slot * PAIR_BYTES;
}

uint8_t *pair_slot_open(const struct pair_end *e, unsigned slot)
{
	return pair_own(e, PAIR_SLOTS + slot);
}

static uint64_t *counter(const struct pair_end *e)
{
	return (uint64_t *)(void *)pair_own(e, 2 * PAIR_SLOTS + PAIR_RECVS);
}

static uint8_t *received(const struct pair_end *e, unsigned position)
{
	return pair_own(e, 2 * PAIR_SLOTS + position % PAIR_RECVS);
}

/* ---- bytes ---- */

static uint8_t pattern(uint32_t seed, uint32_t i)
{
	return (uint8_t)(seed + i * 7 + (i >> 8) * 13);
}

static void fill(uint8_t *at, const struct pair_work *w)
{
	for (uint32_t i = 0; i < w->length; i++)
		at[i] = pattern(w->seed, i);
	memset(at + w->length, GUARD, PAIR_BYTES - w->length);
}

static bool is_atomic(enum pair_op op)
{
	return op == PAIR_FETCH_ADD || op == PAIR_COMPARE_SWAP;
}

static void check_found(const uint8_t *at, const struct pair_work *w)
{
	expect(memcmp(at, &w->found, sizeof(w->found)) == 0,
	       "an atomic finds what the one before it left");
	for (uint32_t i = sizeof(w->found); i < PAIR_BYTES; i++)
		expect(at[i] == GUARD, "the bytes behind the old value are untouched");
}

static void check_bytes(const uint8_t *at, const struct pair_work *w)
{
	for (uint32_t i = 0; i < w->length; i++)
		expect(at[i] == pattern(w->seed, i), "the bytes of a message");
	for (uint32_t i = w->length; i < PAIR_BYTES; i++)
		expect(at[i] == GUARD, "the bytes behind a message are untouched");
}

/* ---- making and connecting ---- */

struct bv_channel_attr pair_attr(void)
{
	const char *const completions = getenv("BV_TEST_COMPLETIONS");
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;

	attr.max_send = PAIR_SLOTS;
	attr.max_recv = PAIR_RECVS;
	attr.max_send_sge = 1;
	attr.max_recv_sge = 1;
	attr.max_inline = INLINE_MOST;
	attr.mtu = 1024;
	attr.rd_atomic = 4;
	attr.access |= BV_ACCESS_REMOTE_ATOMIC;
	attr.retry = 7;
	attr.rnr_retry = BV_RNR_RETRY_FOREVER;
	attr.min_rnr_timer = bv_rnr_timer_code(100 * BV_USEC);
	attr.ack_timeout = 12;
	if (completions)
		attr.completions = (unsigned)atoi(completions);
	return attr;
}

static void post_receive(struct pair_end *e)
{
	const unsigned position = e->last_receive++;
	uint8_t *at = received(e, position);
	int64_t handle;

	memset(at, GUARD, PAIR_BYTES);
	handle = bv_post_recv(e->ch, &bv_scatter(e->mr, at, PAIR_BYTES), 1);
	expect_rc(handle, e->ch, "post a receive");
	e->receive[position % PAIR_RECVS] = handle;
}

static void connect_both(struct pair *p)
{
	struct bv_endpoint ep[2];

	for (unsigned i = 0; i < 2; i++)
		p->end[i].counter = *counter(&p->end[!i]);
	for (unsigned i = 0; i < 2; i++)
		expect_rc(bv_channel_endpoint(p->end[i].ch, &ep[i]), p->end[i].ch, "endpoint");
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned n = 0; n < PAIR_RECVS; n++)
			post_receive(&p->end[i]);
		expect_rc(bv_channel_connect(p->end[i].ch, &ep[!i]), p->end[i].ch, "connect");
	}
}

void pair_open(struct pair *p, struct bv_pd *pd, const struct bv_channel_attr *attr, uint64_t seed)
{
	memset(p, 0, sizeof(*p));
	p->random = seed | 1;
	for (unsigned i = 0; i < 2; i++) {
		struct pair_end *e = &p->end[i];

		e->memory = aligned_alloc(4096, PAIR_MEMORY);
		expect(e->memory != NULL, "memory");
		memset(e->memory, GUARD, PAIR_MEMORY);
		expect_rc(bv_mr_reg(pd, e->memory, PAIR_MEMORY,
				    BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC, &e->mr),
			  NULL, "register");
		expect_rc(bv_channel_create(pd, attr, &e->ch), NULL, "channel");
	}
	p->end[0].peer = bv_mr_remote(p->end[1].mr);
	p->end[1].peer = bv_mr_remote(p->end[0].mr);
	connect_both(p);
}

void pair_close(struct pair *p)
{
	for (unsigned i = 0; i < 2; i++)
		bv_channel_destroy(p->end[i].ch);
	for (unsigned i = 0; i < 2; i++) {
		bv_mr_dereg(p->end[i].mr);
		free(p->end[i].memory);
	}
}

/* ---- works ---- */

static struct bv_remote remote_slot(const struct pair_end *e, unsigned slot)
{
	return bv_remote_slice_unchecked(&e->peer, (uint64_t)(PAIR_SLOTS + slot) * PAIR_BYTES,
					 PAIR_BYTES);
}

/* One swap in four finds another value than it asks for, and must change nothing. */
static int64_t post_atomic(struct pair_end *e, struct pair_work *w)
{
	const struct bv_remote at = bv_remote_slice_unchecked(
		&e->peer, (uint64_t)(2 * PAIR_SLOTS + PAIR_RECVS) * PAIR_BYTES, sizeof(w->found));
	const struct bv_scatter result = bv_scatter(e->mr, pair_own(e, w->slot), sizeof(w->found));
	const uint64_t value = (uint64_t)w->seed << 32 | w->imm;

	memset(pair_own(e, w->slot), GUARD, PAIR_BYTES);
	w->found = e->counter;
	if (w->op == PAIR_FETCH_ADD) {
		e->counter += value;
		return bv_post_fetch_add(e->ch, &result, &at, value, 0);
	}
	if (w->seed % 4 == 0)
		return bv_post_compare_swap(e->ch, &result, &at, ~w->found, value, 0);
	e->counter = value;
	return bv_post_compare_swap(e->ch, &result, &at, w->found, value, 0);
}

static int64_t post(struct pair_end *e, struct pair_end *peer, struct pair_work *w)
{
	const struct bv_remote remote = remote_slot(e, w->slot);
	uint8_t *own = pair_own(e, w->slot), *open = pair_slot_open(peer, w->slot);

	if (is_atomic(w->op))
		return post_atomic(e, w);
	if (w->op == PAIR_READ) {
		fill(open, w);
		memset(own, GUARD, PAIR_BYTES);
		return bv_post_read(e->ch, &bv_scatter(e->mr, own, w->length), 1, &remote, 0);
	}
	fill(own, w);
	switch (w->op) {
	case PAIR_SEND:
		return bv_post_send_imm(e->ch, &bv_gather(e->mr, own, w->length), 1, w->imm, 0);
	case PAIR_SEND_INLINE:
		return bv_post_send_inline_imm(e->ch, own, w->length, w->imm, 0);
	case PAIR_WRITE:
		memset(open, GUARD, PAIR_BYTES);
		return bv_post_write(e->ch, &bv_gather(e->mr, own, w->length), 1, &remote, 0);
	default:
		memset(open, GUARD, PAIR_BYTES);
		return bv_post_write_imm(e->ch, &bv_gather(e->mr, own, w->length), 1, &remote,
					 w->imm, 0);
	}
}

static bool arrives(enum pair_op op)
{
	return op == PAIR_SEND || op == PAIR_SEND_INLINE || op == PAIR_WRITE_IMM;
}

void pair_post(struct pair *p)
{
	const uint64_t r = pair_random(&p->random);
	struct pair_end *e = &p->end[r & 1], *peer = &p->end[!(r & 1)];
	struct pair_work w = {
		.op = (enum pair_op)((r >> 1) % PAIR_OPS),
		.slot = (unsigned)(r >> 8) % PAIR_SLOTS,
		.length = (uint32_t)(r >> 16) % (r >> 12 & 7 ? 600 : PAIR_BYTES + 1),
		.seed = (uint32_t)(r >> 20),
		.imm = (uint32_t)(r >> 9),
	};

	if (w.op == PAIR_SEND_INLINE)
		w.length %= INLINE_MOST + 1;
	if (e->busy[w.slot] ||
	    (arrives(w.op) && peer->last_arrival - peer->first_arrival == PAIR_ARRIVALS))
		return;
	w.handle = post(e, peer, &w);
	expect_rc(w.handle, e->ch, "post a work");
	/* A write with immediate is looked at when it arrives; its slot stays until then, too. */
	e->busy[w.slot] = w.op == PAIR_WRITE_IMM ? 2 : 1;
	e->sent[e->last_sent++ % PAIR_SLOTS] = w;
	if (arrives(w.op))
		peer->arrives[peer->last_arrival++ % PAIR_ARRIVALS] = w;
}

static void check_sent(struct pair *p, struct pair_end *e, const struct bv_wc *wc)
{
	const struct pair_work *w = &e->sent[e->first_sent % PAIR_SLOTS];
	struct pair_end *peer = e == &p->end[0] ? &p->end[1] : &p->end[0];

	expect(e->first_sent != e->last_sent && wc->work == w->handle,
	       "the completion of the oldest work");
	if (wc->status != BV_STATUS_SUCCESS)
		fprintf(stderr, "%s: %s\n", bv_status_name(wc->status), bv_error_text(e->ch));
	expect(wc->status == BV_STATUS_SUCCESS, "a work succeeds");
	if (w->op == PAIR_READ)
		check_bytes(pair_own(e, w->slot), w);
	else if (w->op == PAIR_WRITE)
		check_bytes(pair_slot_open(peer, w->slot), w);
	else if (is_atomic(w->op))
		check_found(pair_own(e, w->slot), w);
	p->atomics += is_atomic(w->op);
	e->first_sent++;
	e->busy[w->slot]--;
	p->done++;
}

static void check_arrived(struct pair *p, struct pair_end *e, const struct bv_wc *wc)
{
	const struct pair_work *w = &e->arrives[e->first_arrival % PAIR_ARRIVALS];
	struct pair_end *peer = e == &p->end[0] ? &p->end[1] : &p->end[0];
	const unsigned position = e->first_receive++;

	expect(wc->work == e->receive[position % PAIR_RECVS], "the oldest receive completes");
	expect(wc->status == BV_STATUS_SUCCESS, "a receive succeeds");
	expect(e->first_arrival != e->last_arrival, "a receive completes for something");
	expect((wc->flags & BV_WC_IMM) && wc->imm == w->imm, "the immediate");
	expect(wc->op == (w->op == PAIR_WRITE_IMM ? BV_OP_RECV_WRITE_IMM : BV_OP_RECV), "the kind");
	expect(wc->bytes == w->length, "the size");
	if (w->op == PAIR_WRITE_IMM) {
		check_bytes(pair_slot_open(e, w->slot), w);
		peer->busy[w->slot]--;
	} else {
		check_bytes(received(e, position), w);
	}
	e->first_arrival++;
	p->done++;
	post_receive(e);
}

unsigned pair_poll(struct pair *p)
{
	struct bv_wc wc[8];
	unsigned total = 0;
	int n;

	for (unsigned i = 0; i < 2; i++) {
		struct pair_end *e = &p->end[i];

		n = bv_poll_send(e->ch, wc, 8);
		expect_rc(n, e->ch, "poll the send queue");
		for (int k = 0; k < n; k++)
			check_sent(p, e, &wc[k]);
		total += (unsigned)n;
		n = bv_poll_recv(e->ch, wc, 8);
		expect_rc(n, e->ch, "poll the receive queue");
		for (int k = 0; k < n; k++)
			check_arrived(p, e, &wc[k]);
		total += (unsigned)n;
	}
	return total;
}

bool pair_idle(const struct pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct pair_end *e = &p->end[i];

		if (e->first_sent != e->last_sent || e->first_arrival != e->last_arrival)
			return false;
	}
	return true;
}

void pair_run(struct pair *p, uint64_t works, int64_t timeout_ns)
{
	const int64_t end = device_time() + timeout_ns;
	const uint64_t until = p->done + works;

	while (p->done < until || !pair_idle(p)) {
		if (p->done < until)
			pair_post(p);
		if (pair_poll(p) == 0)
			device_idle();
		expect(device_time() < end, "no hang beyond the deadline");
	}
	for (unsigned i = 0; i < 2; i++)
		expect(*counter(&p->end[!i]) == p->end[i].counter, "the counter in the end");
}

/* ---- again ---- */

/* Drained: every work has ended, and the handles say so. */
static void drain(struct pair_end *e)
{
	const int64_t begin = pair_now();

	device_steps_begin();
	expect_rc(bv_channel_drain(e->ch, DRAIN_NS), e->ch, "drain");
	device_steps_end();
	expect(pair_now() - begin < DRAIN_NS + PAIR_PATIENCE_NS, "drain within its time");
	for (unsigned i = e->first_sent; i != e->last_sent; i++) {
		const struct pair_work *w = &e->sent[i % PAIR_SLOTS];

		expect(bv_work_done(e->ch, w->handle), "a drained work is done");
	}
}

static bool is_canary(const struct pair_end *e)
{
	for (unsigned i = 0; i < PAIR_MEMORY; i++)
		if (e->memory[i] != CANARY)
			return false;
	return true;
}

void pair_still(struct pair *p)
{
	struct bv_wc wc;

	for (unsigned i = 0; i < 2; i++)
		memset(p->end[i].memory, CANARY, PAIR_MEMORY);
	(void)device_step();
	for (unsigned i = 0; i < 2; i++) {
		expect(is_canary(&p->end[i]), "nothing writes into buffers that came back");
		expect(bv_poll(p->end[i].ch, &wc, 1) <= 0, "nothing completes after a drain");
	}
}

static void forget(struct pair_end *e)
{
	memset(e->memory, GUARD, PAIR_MEMORY);
	memset(e->busy, 0, sizeof(e->busy));
	e->first_sent = e->last_sent = 0;
	e->first_arrival = e->last_arrival = 0;
	e->first_receive = e->last_receive = 0;
	expect_rc(bv_channel_reset(e->ch), e->ch, "reset");
}

void pair_reset(struct pair *p)
{
	for (unsigned i = 0; i < 2; i++)
		drain(&p->end[i]);
	pair_still(p);
	for (unsigned i = 0; i < 2; i++)
		forget(&p->end[i]);
	connect_both(p);
	p->resets++;
}
