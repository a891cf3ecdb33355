/* SPDX-License-Identifier: MIT */
/*
 * Receives that are read where they lie (bv_poll_recv_inplace), by channels of all kinds of completions.
 */
#include "ends.h"

#include <string.h>

#include "pause.h"

enum {
	DEPTH = 8, /* receives that may be outstanding */
	BURST = 5,
	SLOTS = 2 * DEPTH,
	SLOT = 128,
	RECEIVED = 2048, /* in the memory: slots of receives */
	MESSAGES = 200,
	UNTOUCHED = 0xee,
};

static const unsigned kinds[] = { 0, BV_COMPLETIONS_INLINE,
				  BV_COMPLETIONS_INLINE | BV_COMPLETIONS_COMPRESSED |
					  BV_COMPLETIONS_UNCHECKED };
static const unsigned sizes[] = { 1, 8, 31, 32, 33, 0, 12, 100, 24 };

struct message {
	const uint8_t *at;
	unsigned size;
};

/* Both channels anew. Whether short messages are put into completions. */
static bool connect_with(unsigned completions)
{
	struct bv_channel_attr attr = link_attr();
	struct bv_channel_info info;

	bv_channel_destroy(e.a);
	bv_channel_destroy(e.b);
	e.a = e.b = NULL;
	attr.max_recv = DEPTH;
	attr.max_recv_sge = 1;
	attr.completions = completions;
	assert_int_equal(bv_channel_create(e.pd, &attr, &e.a), 0);
	assert_int_equal(bv_channel_create(e.pd, &attr, &e.b), 0);
	ends_connect();
	bv_channel_query(e.b, &info);
	return strstr(info.data_path, "short payloads");
}

static unsigned size_of(unsigned i)
{
	return sizes[i % (sizeof(sizes) / sizeof(sizes[0]))];
}

static uint8_t byte_of(unsigned i, unsigned k)
{
	return (uint8_t)(i * 31 + k);
}

static uint8_t *slot_of(unsigned i)
{
	return memory + RECEIVED + (size_t)(i % SLOTS) * SLOT;
}

static void send_one(unsigned i)
{
	uint8_t *const from = memory + (size_t)(i % DEPTH) * SLOT;
	const struct bv_gather gather = bv_gather_unchecked(e.mr, from, size_of(i));
	const struct bv_scatter scatter = bv_scatter_unchecked(e.mr, slot_of(i), SLOT);

	for (unsigned k = 0; k < size_of(i); k++)
		from[k] = byte_of(i, k);
	memset(slot_of(i), UNTOUCHED, SLOT);
	assert_true(bv_post_recv(e.b, &scatter, 1) >= 0);
	assert_true(bv_post_send_imm(e.a, &gather, 1, i, 0) >= 0);
}

/* All @n sends are done, and so their receives are there. */
static void finish_sends(unsigned n)
{
	const int64_t end = pause_now() + WAIT_NS;
	struct bv_wc wc[BURST];

	while (n) {
		const int got = bv_poll_send(e.a, wc, n);

		assert_true(got >= 0);
		for (int i = 0; i < got; i++)
			assert_int_equal(wc[i].status, BV_STATUS_SUCCESS);
		n -= (unsigned)got;
		pause_once();
		assert_true(pause_now() < end);
	}
}

static void expect_bytes(const struct message *m, unsigned i)
{
	for (unsigned k = 0; k < m->size; k++)
		assert_int_equal(m->at[k], byte_of(i, k));
}

/* In its buffer, or in a completion; then its buffer is as it was. */
static bool expect_message(const struct bv_wc *wc, const void *payload, unsigned i,
			   struct message *m)
{
	const uint8_t *const slot = slot_of(i);

	assert_int_equal(wc->status, BV_STATUS_SUCCESS);
	assert_int_equal(wc->bytes, size_of(i));
	assert_int_equal(wc->imm, i);
	*m = (struct message){ payload, wc->bytes };
	expect_bytes(m, i);
	if (payload == slot || !wc->bytes)
		return false;
	for (unsigned k = 0; k < SLOT; k++)
		assert_int_equal(slot[k], UNTOUCHED);
	return true;
}

/* Reaps the @n messages from @first on; how many of them were in place. */
static unsigned reap(unsigned first, unsigned n, struct message *all)
{
	static const unsigned at_once[] = { 1, BURST + 1, 2 };
	const int64_t end = pause_now() + WAIT_NS;
	const void *payload[BURST + 1];
	struct bv_wc wc[BURST + 1];
	unsigned i = 0, inside = 0;

	while (i < n) {
		const int got = bv_poll_recv_inplace(e.b, wc, payload, at_once[first % 3]);

		assert_true(got >= 0);
		for (int k = 0; k < got; k++, i++)
			inside += expect_message(&wc[k], payload[k], first + i, &all[first + i]);
		pause_once();
		assert_true(pause_now() < end);
	}
	assert_int_equal(i, n);
	assert_int_equal(bv_poll_recv_inplace(e.b, wc, payload, 1), 0);
	return inside;
}

/* Each payload stays until DEPTH later receives were reaped, over several laps of every ring. */
static void payloads_stay(void **state)
{
	struct message all[MESSAGES];

	(void)state;
	for (unsigned kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		const bool may = connect_with(kinds[kind]);
		unsigned inside = 0;

		for (unsigned i = 0; i + BURST <= MESSAGES;) {
			const unsigned n = 1 + i % BURST;

			for (unsigned k = 0; k < n; k++)
				send_one(i + k);
			finish_sends(n);
			inside += reap(i, n, all);
			i += n;
			for (unsigned k = i > DEPTH ? i - DEPTH : 0; k < i; k++)
				expect_bytes(&all[k], k);
		}
		assert_true(may || inside == 0);
		/* The most of those that are short enough. */
		assert_true(!may || inside > MESSAGES / 3);
	}
}

/* Results asked for by handle, and copies by other polls, are as without it. */
static void other_ways_mix(void **state)
{
	struct message m;
	const void *payload;
	struct bv_wc wc, again;

	(void)state;
	connect_with(BV_COMPLETIONS_INLINE);
	for (unsigned i = 0; i < 4 * DEPTH; i++) {
		send_one(i);
		finish_sends(1);
		if (i % 2) {
			assert_int_equal(bv_poll_recv(e.b, &wc, 1), 1);
			expect_bytes(&(struct message){ slot_of(i), size_of(i) }, i);
		} else {
			assert_int_equal(bv_poll_recv_inplace(e.b, &wc, &payload, 1), 1);
			expect_message(&wc, payload, i, &m);
		}
		assert_int_equal(bv_test(e.b, wc.work, &again), 1);
		assert_memory_equal(&wc, &again, sizeof(wc));
	}
}

/* Flushes come by it as by any poll. */
static void failures_come(void **state)
{
	const int64_t end = pause_now() + WAIT_NS;
	const void *payload[DEPTH];
	struct bv_wc wc[DEPTH];
	int n = 0;

	(void)state;
	connect_with(BV_COMPLETIONS_INLINE);
	for (unsigned i = 0; i < 3; i++)
		receive8(e.b, RECEIVED);
	assert_true(bad_write(e.a) >= 0);
	while (n < 3) {
		const int got = bv_poll_recv_inplace(e.b, wc + n, payload, DEPTH - (unsigned)n);

		assert_true(got >= 0);
		n += got;
		pause_once();
		assert_true(pause_now() < end);
	}
	for (int i = 0; i < n; i++)
		assert_int_equal(wc[i].status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
}

static const struct test tests[] = {
	ENDS_TEST(payloads_stay, "payloads read in place stay until max_recv later receives"),
	ENDS_TEST(other_ways_mix, "... beside polls that copy, and results by handle"),
	ENDS_TEST(failures_come, "... and failures are those of any poll"),
};

GROUP(inplace, tests);
