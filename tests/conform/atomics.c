/* SPDX-License-Identifier: MIT */
/*
 * Fetch-and-add, compare-and-swap: values, what is refused here and what the peer refuses; and
 * chains: one doorbell, partial acceptance. End A is in this process, so its channel is used directly.
 */
#include <string.h>

#define MLX5EMU_WEAK
#include "device.h"
#include "link.h"
#include "local.h"
#include "mlx5emu.h"
#include "pause.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	RESULT = 4096, /* in end A's half of the arena */
	COUNTER = 64,  /* within the region that grants atomics */
	REGION = 4096,
	MR_ATOMIC = 1,
};

struct bench {
	struct link link;
	struct bv_channel *ch;
	struct bv_scatter result;
	struct bv_remote counter;
	uint64_t *old;
};

static struct bv_scatter eight(const struct link *link, uint64_t **at)
{
	const struct local_mr *mr = &link->a.side->local->mr[MR_ARENA];

	*at = (uint64_t *)(void *)(mr->base + link->a.base + RESULT);
	return bv_scatter_unchecked(&mr->keys, *at, sizeof(**at));
}

static void bench_up(struct bench *b, const struct bv_channel_attr *attr, unsigned access)
{
	struct bv_remote region;

	link_up(&b->link, attr, attr);
	b->ch = b->link.a.side->local->ch[b->link.a.slot];
	b->result = eight(&b->link, &b->old);
	if (side_reg_own(b->link.b.side, MR_ATOMIC, REGION, access, &region) < 0)
		fail_msg("region: %s", b->link.b.side->text);
	assert_int_equal(bv_remote_slice(&region, COUNTER, 8, &b->counter), 0);
}

static struct bv_channel_attr with_atomics(void)
{
	struct bv_channel_attr attr = link_attr();

	attr.access |= BV_ACCESS_REMOTE_ATOMIC;
	return attr;
}

static void done(struct bench *b, int64_t work, enum bv_op op)
{
	struct bv_wc wc;

	assert_true(work >= 0);
	b->link.a.side->next_send[b->link.a.slot] = work + 1;
	end_reap(&b->link.a, false, 1, &wc);
	assert_int_equal(wc.work, work);
	assert_int_equal(wc.status, BV_STATUS_SUCCESS);
	assert_int_equal(wc.op, op);
	assert_int_equal(wc.bytes, 8);
	assert_int_equal(wc.flags, 0);
}

static void sums_and_swaps(void **state)
{
	const uint64_t adds[] = { 0, 1, UINT64_C(0x0123456789abcdef), UINT64_MAX, 7 };
	const struct bv_channel_attr attr = with_atomics();
	const unsigned access = BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC;
	struct bench b;
	uint64_t value;

	(void)state;
	bench_up(&b, &attr, access);
	memset(&value, 0xee, sizeof(value)); /* what GUARD_BYTE leaves there */
	done(&b, bv_post_fetch_add(b.ch, &b.result, &b.counter, 0, 0), BV_OP_FETCH_ADD);
	value = *b.old;
	for (unsigned i = 0; i < COUNT(adds); i++) {
		done(&b, bv_post_fetch_add(b.ch, &b.result, &b.counter, adds[i], 0),
		     BV_OP_FETCH_ADD);
		assert_true(*b.old == value);
		value += adds[i];
	}
	/* Of another value: nothing changes, and the old one comes back. */
	done(&b, bv_post_compare_swap(b.ch, &b.result, &b.counter, value + 1, 42, 0),
	     BV_OP_COMPARE_SWAP);
	assert_true(*b.old == value);
	done(&b, bv_post_compare_swap(b.ch, &b.result, &b.counter, value, 42, 0),
	     BV_OP_COMPARE_SWAP);
	assert_true(*b.old == value);
	done(&b, bv_post_compare_swap(b.ch, &b.result, &b.counter, 42, 43, 0), BV_OP_COMPARE_SWAP);
	assert_true(*b.old == 42);
}

/* More than the peer serves at a time, by the library's waits, and both signaled and not. */
static void many_in_flight(void **state)
{
	const struct bv_channel_attr attr = with_atomics();
	struct bench b;
	struct bv_wc wc;
	int64_t work = 0;

	(void)state;
	bench_up(&b, &attr, BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC);
	done(&b, bv_post_fetch_add(b.ch, &b.result, &b.counter, 0, 0), BV_OP_FETCH_ADD);
	const uint64_t first = *b.old;
	for (unsigned i = 0; i < 1000; i++) {
		do {
			work = bv_post_fetch_add(b.ch, &b.result, &b.counter, 3,
						 i % 2 ? BV_UNSIGNALED : BV_FENCE);
			if (work == -EAGAIN) {
				assert_true(bv_poll_send(b.ch, &wc, 1) >= 0);
				pause_once();
			}
		} while (work == -EAGAIN);
		assert_true(work >= 0);
	}
	work = bv_post_fetch_add(b.ch, &b.result, &b.counter, 0, 0);
	while (!bv_work_done(b.ch, work)) {
		if (bv_poll_send(b.ch, &wc, 1) == 1)
			assert_int_equal(wc.status, BV_STATUS_SUCCESS);
		pause_once();
	}
	assert_true(*b.old == first + 3000);
}

static void refused(struct bench *b, const struct bv_scatter *result,
		    const struct bv_remote *remote, unsigned flags, int rc, const char *word)
{
	assert_int_equal(bv_post_fetch_add(b->ch, result, remote, 1, flags), rc);
	expect_word(bv_last_error()->text, word);
	assert_int_equal(bv_post_compare_swap(b->ch, result, remote, 1, 2, flags), rc);
	expect_word(bv_last_error()->text, word);
}

static void atomics_refused_here(void **state)
{
	struct bv_channel_attr attr = with_atomics();
	struct bv_scatter result;
	struct bv_remote remote;
	struct bench b;

	(void)state;
	bench_up(&b, &attr, BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC);
	result = b.result;
	result.length = 7;
	refused(&b, &result, &b.counter, 0, -EINVAL, "8 bytes");
	result.length = 16;
	refused(&b, &result, &b.counter, 0, -EINVAL, "8 bytes");
	remote = b.counter;
	remote.length = 7;
	refused(&b, &b.result, &remote, 0, -ERANGE, "remote region");
	remote = b.counter;
	remote.addr += 4;
	refused(&b, &b.result, &remote, 0, -EINVAL, "multiple of 8");
	refused(&b, &b.result, &b.counter, 0x40, -EINVAL, "flags");
	done(&b, bv_post_fetch_add(b.ch, &b.result, &b.counter, 1, 0), BV_OP_FETCH_ADD);
	assert_int_equal(bv_last_posted(b.ch), 0);
	world_reset(state);
	attr.rd_atomic = 0;
	bench_up(&b, &attr, BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC);
	refused(&b, &b.result, &b.counter, 0, -EOPNOTSUPP, "rd_atomic");
}

static void expect_denied(struct bench *b)
{
	struct bv_wc wc;

	assert_true(bv_post_fetch_add(b->ch, &b->result, &b->counter, 1, 0) >= 0);
	end_reap(&b->link.a, false, 1, &wc);
	/* In a loopback the responder's queue is the requester's, and its error flushes first. */
	assert_true(wc.status == BV_STATUS_REMOTE_ACCESS_ERROR ||
		    wc.status == BV_STATUS_REMOTE_INVALID_REQUEST_ERROR ||
		    (options.topology == TOPOLOGY_LOOPBACK &&
		     wc.status == BV_STATUS_WORK_REQUEST_FLUSH_ERROR));
}

/* The peer grants nothing by default: neither its channel nor its region. */
static void atomics_need_rights(void **state)
{
	struct bv_channel_attr attr = with_atomics();
	struct bench b;

	bench_up(&b, &attr, BV_ACCESS_SHARED);
	expect_denied(&b);
	world_reset(state);
	attr = link_attr();
	bench_up(&b, &attr, BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC);
	expect_denied(&b);
}

/* ---- chains ---- */

static uint64_t doorbells(void)
{
	struct mlx5emu_counters counters = { 0 };

	if (mlx5emu_counters)
		mlx5emu_counters(&counters, sizeof(counters));
	return counters.doorbells;
}

static void fill_requests(struct bench *b, struct bv_request *requests, unsigned n,
			  const uint64_t *payload)
{
	for (unsigned i = 0; i < n; i++)
		requests[i] = (struct bv_request){
			.op = BV_REQUEST_WRITE_INLINE,
			.buf = payload,
			.len = i % 3 ? 8 : 20,
			.remote = &b->counter,
		};
}

static void settle(struct bench *b)
{
	const int64_t last = bv_last_posted(b->ch);
	struct bv_wc wc;

	while (last >= 0 && !bv_work_done(b->ch, last)) {
		if (bv_poll_send(b->ch, &wc, 1) == 1)
			assert_int_equal(wc.status, BV_STATUS_SUCCESS);
		pause_once();
	}
}

static void batch_rings_once(void **state)
{
	const struct bv_channel_attr attr = with_atomics();
	const uint64_t payload[3] = { 1, 2, 3 };
	struct bv_request requests[16];
	struct bench b;
	uint64_t before;

	(void)state;
	bench_up(&b, &attr, BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC);
	b.counter.length = 64;
	for (unsigned round = 0; round < 20; round++) {
		fill_requests(&b, requests, COUNT(requests), payload);
		requests[3] = (struct bv_request){ .op = BV_REQUEST_FETCH_ADD,
						   .scatter = &b.result,
						   .remote = &b.counter };
		requests[9] = (struct bv_request){ .op = BV_REQUEST_READ,
						   .scatter = &b.result,
						   .nsge = 1,
						   .remote = &b.counter,
						   .flags = BV_FENCE };
		before = doorbells();
		assert_int_equal(bv_post_batch(b.ch, requests, COUNT(requests)), 16);
		assert_int_equal(bv_last_posted(b.ch), 16 * round + 15);
		settle(&b);
		/* Two processes share no counters; in one, the other end rings for nothing here. */
		if (mlx5emu_counters)
			assert_int_equal(doorbells() - before, 1);
	}
	assert_int_equal(bv_post_batch(b.ch, requests, 0), 0);
}

/* Flushed by the post without the flag, by bv_flush(), by a full queue, by a wait. */
static void chains_end(void **state)
{
	const uint64_t payload = 5;
	struct bv_channel_attr attr = link_attr();
	struct bench b;
	struct bv_wc wc;
	int64_t work = 0;

	(void)state;
	attr.max_send = 8;
	bench_up(&b, &attr, BV_ACCESS_SHARED);
	for (unsigned i = 0; i < 50; i++) {
		const uint64_t before = doorbells();

		for (unsigned j = 0; j < 3; j++)
			work = bv_post_write_inline(b.ch, &payload, 8, &b.counter,
						    BV_MORE | (i % 2 ? BV_UNSIGNALED : 0));
		if (!(i % 3))
			assert_int_equal(bv_flush(b.ch), 0);
		else
			work = bv_post_write_inline(b.ch, &payload, 8, &b.counter, 0);
		if (i % 2)
			work = bv_post_write_inline(b.ch, &payload, 8, &b.counter, 0);
		assert_true(work >= 0);
		settle(&b);
		if (mlx5emu_counters && pause_steps())
			assert_int_equal(doorbells() - before, 1 + i % 2);
	}
	/* A loop that only knows -EAGAIN and polling never wedges. */
	for (unsigned i = 0; i < 100; i++) {
		do {
			work = bv_post_write_inline(b.ch, &payload, 8, &b.counter, BV_MORE);
			assert_true(bv_poll_send(b.ch, &wc, 1) >= 0);
			pause_once();
		} while (work == -EAGAIN);
		assert_true(work >= 0);
	}
	if (pause_steps())
		assert_int_equal(bv_flush(b.ch), 0);
	else
		assert_int_equal(bv_wait(b.ch, work, WAIT_NS, &wc), 0);
	settle(&b);
}

static void batch_stops_at_the_refused(void **state)
{
	const uint64_t payload[3] = { 1, 2, 3 };
	struct bv_channel_attr attr = link_attr();
	struct bv_request requests[12];
	struct bench b;

	(void)state;
	attr.max_send = 8;
	bench_up(&b, &attr, BV_ACCESS_SHARED);
	b.counter.length = 64;
	/* A full queue: eight fit, the rest is untouched and fits afterwards. */
	fill_requests(&b, requests, COUNT(requests), payload);
	assert_int_equal(bv_post_batch(b.ch, requests, 12), 8);
	assert_int_equal(bv_post_batch(b.ch, requests + 8, 4), -EAGAIN);
	settle(&b);
	assert_int_equal(bv_post_batch(b.ch, requests + 8, 4), 4);
	settle(&b);
	/* One that is wrong: those before it are posted, and told to the device. */
	requests[2].len = 65;
	assert_int_equal(bv_post_batch(b.ch, requests, 8), 2);
	expect_word(bv_last_error()->text, "remote region");
	settle(&b);
	assert_int_equal(bv_post_batch(b.ch, requests + 2, 1), -ERANGE);
	requests[0].op = (enum bv_request_op)99;
	assert_int_equal(bv_post_batch(b.ch, requests, 1), -EINVAL);
	assert_int_equal(bv_last_posted(b.ch), 13);
}

/* Works that wait for a doorbell come back as flushes when the channel fails. */
static void chain_of_a_failed_channel(void **state)
{
	const uint64_t payload = 5;
	const struct bv_remote nowhere = { 0x1000, 0xdead00, 8 };
	struct bench b;
	struct bv_wc wc[3];

	(void)state;
	bench_up(&b, NULL, BV_ACCESS_SHARED);
	assert_int_equal(bv_post_write_inline(b.ch, &payload, 8, &nowhere, 0), 0);
	assert_int_equal(bv_post_write_inline(b.ch, &payload, 8, &b.counter, BV_MORE), 1);
	assert_int_equal(bv_post_write_inline(b.ch, &payload, 8, &b.counter, BV_MORE), 2);
	end_reap(&b.link.a, false, 3, wc);
	/*
	 * In a loopback the responder is the same queue pair, and fails before the answer comes. On
	 * soft-RoCE of Linux 6.12 either may be first.
	 */
	expect_failed(&wc[0], 0,
		      options.topology == TOPOLOGY_LOOPBACK ?
			      device_status(BV_STATUS_WORK_REQUEST_FLUSH_ERROR, wc[0].status) :
			      BV_STATUS_REMOTE_ACCESS_ERROR);
	expect_failed(&wc[1], 1, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	expect_failed(&wc[2], 2, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
}

/* Nobody asks for completions, a million times: credits come back by themselves. */
static void million_unsignaled(void **state)
{
	const unsigned total = options.reduced ? 10000 : 1000000;
	struct bench b;
	struct bv_wc wc[16];
	int64_t work;
	uint64_t last = 0, seen;

	(void)state;
	bench_up(&b, NULL, BV_ACCESS_SHARED);
	for (uint64_t i = 0; i < total; i++) {
		/* Chains of eight, to be fast; each write has a payload of its own. */
		const unsigned flags = (i + 1 < total ? BV_UNSIGNALED : 0) |
				       (i % 8 == 7 ? 0 : BV_MORE);

		while ((work = bv_post_write_inline(b.ch, &i, 8, &b.counter, flags)) == -EAGAIN) {
			const int n = bv_poll_send(b.ch, wc, 16);

			for (int j = 0; j < n; j++)
				assert_int_equal(wc[j].status, BV_STATUS_SUCCESS);
			if (n == 0)
				pause_once();
		}
		assert_int_equal(work, i);
		last = i;
	}
	/* And the last one is what the peer has. */
	settle(&b);
	work = bv_post_read(b.ch, &b.result, 1, &b.counter, BV_FENCE);
	assert_true(work >= 0);
	settle(&b);
	memcpy(&seen, b.old, sizeof(seen));
	assert_true(seen == last);
}

static const struct test tests[] = {
	CONFORM(sums_and_swaps, "atomics: values in host order, the old one comes back"),
	CONFORM(many_in_flight, "atomics: each takes effect once, signaled or not"),
	CONFORM(atomics_refused_here, "atomics: 8 bytes, aligned, possible; texts say so"),
	CONFORM(atomics_need_rights, "atomics: channel and region must grant them"),
	CONFORM(batch_rings_once, "R16 a batch is one doorbell"),
	CONFORM(chains_end, "BV_MORE: nothing waits for ever"),
	CONFORM(batch_stops_at_the_refused, "R16 how many were accepted, the rest untouched"),
	CONFORM(chain_of_a_failed_channel, "BV_MORE: an error rings, all come back"),
	CONFORM(million_unsignaled, "a queue never wedges"),
};

GROUP(atomics, tests);
