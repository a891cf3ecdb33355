/* SPDX-License-Identifier: MIT */
/*
 * Every request, at every place of the send ring, to libmlx5 and to our provider: the bytes must be
 * equal, and so must the completions that the device then writes.
 */
#include "tests.h"

#include <stdio.h>

#include "expect.h"
#include "places.h"

enum {
	CASES_MAX = 1024,
};

static struct request cases[CASES_MAX];
static unsigned next_shape;

static void post_receive(const struct twin *t, const struct request *r)
{
	const uint32_t place = place_recv(t);
	unsigned shape = next_shape++ % CASE_RECV_SHAPES;

	/* Shape 0 takes no bytes: for what brings none, and for writes, which go elsewhere. */
	if (!shape && r->op != ORACLE_WRITE_IMM && case_bytes(r))
		shape = next_shape++ % CASE_RECV_SHAPES;
	expect_prepare_recv(t, place);
	assert_int_equal(case_recv_theirs(t, shape), 0);
	assert_true(case_recv_ours(t, shape) >= 0);
	expect_same_recv(t, place);
}

static void post_send(const struct twin *t, const struct request *r)
{
	const uint32_t place = place_send(t);

	expect_prepare_send(t, place);
	assert_int_equal(case_post_theirs(t, r, 1), 0);
	assert_true(case_post_ours(t, r, 0) >= 0);
	expect_same_send(t, place, r);
}

static void run_one(const struct twin *t, const struct request *r)
{
	const bool unsignaled = r->flags & BV_UNSIGNALED;

	if (case_consumes_receive(r))
		post_receive(t, r);
	post_send(t, r);
	twin_run();
	expect_same_completions(t, r, unsignaled ? 0 : 1);
	if (!unsignaled)
		return;
	/* What is unsignaled completes with the next one. */
	post_send(t, &case_filler);
	twin_run();
	expect_same_completions(t, &case_filler, 1);
}

static void run(const struct twin *t, size_t i)
{
	char name[96];

	snprintf(oracle_now, sizeof(oracle_now), "at block %u: %s", place_send(t),
		 case_name(&cases[i], name, sizeof(name)));
	run_one(t, &cases[i]);
}

static void fill(const struct twin *t)
{
	run_one(t, &case_filler);
}

void every_request_at_every_place(void **state)
{
	const struct twin *const t = *state;

	at_every_place(t, cases_all(cases, CASES_MAX, t->ch->max_inline), run, fill);
}
