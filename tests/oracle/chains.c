/* SPDX-License-Identifier: MIT */
/*
 * Chains, at every place of the send ring: one ibv_post_send() of a list to libmlx5, works with
 * BV_MORE to our provider. The rings must be equal as a whole, the device must be told once and of
 * the same, and nothing may be told before.
 */
#include "tests.h"

#include <stdio.h>

#include "expect.h"
#include "places.h"

/* What chains are cut from, going round: WQEs of one, two and three blocks, with and without data. */
static const struct request pieces[] = {
	{ .op = ORACLE_WRITE },
	{ .op = ORACLE_WRITE, .inlined = true, .len = 8 },
	{ .op = ORACLE_READ, .nsge = 1 },
	{ .op = ORACLE_WRITE, .inlined = true, .len = 100 },
	{ .op = ORACLE_WRITE_IMM, .nsge = 2 },
	{ .op = ORACLE_FETCH_ADD, .flags = BV_FENCE },
	{ .op = ORACLE_WRITE, .nsge = 6, .empty = 2 },
	{ .op = ORACLE_COMPARE_SWAP },
	{ .op = ORACLE_SEND, .inlined = true, .len = 8, .flags = BV_SOLICITED },
};

enum {
	PIECES = sizeof(pieces) / sizeof(pieces[0]),
	ONE_SGE = 1, /* a receive that takes any of them */
};

static const unsigned lengths[] = { 2, 3, 5, TWIN_MAX_SEND };

struct chain {
	unsigned n;
	bool flushed; /* all have BV_MORE, and bv_flush() tells of them; else the last one does */
	struct request r[TWIN_MAX_SEND];
};

static size_t chains_count(void)
{
	return 2 * PIECES * sizeof(lengths) / sizeof(lengths[0]);
}

/* Every third is unsignaled: not so many in a row that our provider would signal by itself. */
static struct chain chain_number(size_t i)
{
	const size_t start = i / 2 % PIECES;
	struct chain c = { .n = lengths[i / (2 * PIECES)], .flushed = i % 2 };

	for (unsigned k = 0; k < c.n; k++) {
		c.r[k] = pieces[(start + k) % PIECES];
		if (k % 3 == 1 && k + 1 < c.n)
			c.r[k].flags |= BV_UNSIGNALED;
	}
	return c;
}

static void post_receives(const struct twin *t, const struct chain *c)
{
	for (unsigned k = 0; k < c->n; k++) {
		if (!case_consumes_receive(&c->r[k]))
			continue;
		assert_int_equal(case_recv_theirs(t, ONE_SGE), 0);
		assert_true(case_recv_ours(t, ONE_SGE) >= 0);
	}
}

static void post_ours(const struct twin *t, const struct chain *c, uint32_t place)
{
	const unsigned untold = c->flushed ? c->n : c->n - 1;

	for (unsigned k = 0; k < untold; k++)
		assert_true(case_post_ours(t, &c->r[k], BV_MORE) >= 0);
	expect_untold_chain(t, place);
	if (c->flushed)
		assert_int_equal(bv_flush(t->ch), 0);
	else
		assert_true(case_post_ours(t, &c->r[untold], 0) >= 0);
}

static void run_chain(const struct twin *t, const struct chain *c)
{
	const uint32_t place = place_send(t);

	post_receives(t, c);
	expect_prepare_chain(t);
	post_ours(t, c, place);
	assert_int_equal(case_post_theirs(t, c->r, c->n), 0);
	expect_same_chain(t, place, c->r, c->n);
	twin_run();
	expect_same_chain_completions(t, c->r, c->n);
}

static void run(const struct twin *t, size_t i)
{
	const struct chain c = chain_number(i);

	snprintf(oracle_now, sizeof(oracle_now), "at block %u: chain %zu of %u, %s", place_send(t),
		 i, c.n, c.flushed ? "flushed" : "the last one tells");
	run_chain(t, &c);
}

static void fill(const struct twin *t)
{
	const struct chain one = { .n = 1, .r = { case_filler } };

	run_chain(t, &one);
}

void every_chain_at_every_place(void **state)
{
	at_every_place(*state, chains_count(), run, fill);
}
