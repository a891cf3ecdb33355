/* SPDX-License-Identifier: MIT */
/*
 * The peer goes away: its channel is destroyed, or its process killed.
 */
#include "link.h"

#include <string.h>

#include "pause.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A process of its own, so that killing it leaves the others alone. */
static struct side victim = { .fd = -1 };

static int stop_victim(void **state)
{
	side_stop(&victim);
	return world_reset(state);
}

/* Gives up after a quarter of a second, so that a busy machine is no reason to. */
static struct bv_channel_attr impatient(void)
{
	struct bv_channel_attr attr = link_attr();

	attr.ack_timeout = bv_ack_timeout_code(60 * BV_MSEC);
	attr.retry = 3;
	return attr;
}

static void expect_no_answer(struct link *link, int64_t bad)
{
	struct side_state state;

	end_state(&link->a, &state);
	assert_int_equal(state.state, BV_CHANNEL_ERROR);
	assert_int_equal(state.failed, 1);
	assert_int_equal(state.error.work, bad);
	assert_int_equal(state.error.status, BV_STATUS_RETRY_EXCEEDED_ERROR);
	assert_int_equal(bv_status_class(state.error.status), BV_CLASS_TRANSPORT);
	expect_word(state.text, bv_status_name(BV_STATUS_RETRY_EXCEEDED_ERROR));
}

static void post_and_expect_no_answer(struct link *link, enum op op)
{
	const struct post post = post_of(link, op, 0);
	const struct post recv = post_recv8(&link->a);
	int64_t work;
	struct bv_wc wc[2];

	end_post(&link->a, &recv);
	work = end_post(&link->a, &post);
	end_post(&link->a, &post);
	end_reap(&link->a, false, 2, wc);
	expect_failed(&wc[0], work, BV_STATUS_RETRY_EXCEEDED_ERROR);
	expect_failed(&wc[1], work + 1, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	end_reap(&link->a, true, 1, wc);
	assert_int_equal(wc[0].status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	expect_no_answer(link, work);
	end_refused(&link->a, &post, -EIO);
}

static void peer_destroyed(void **state)
{
	static const enum op ops[] = { OP_WRITE, OP_SEND_INLINE, OP_READ };
	const struct bv_channel_attr attr = impatient();
	struct link link;

	for (unsigned i = 0; i < COUNT(ops); i++) {
		link_up(&link, &attr, &attr);
		assert_int_equal(side_destroy(link.b.side, link.b.slot), 0);
		post_and_expect_no_answer(&link, ops[i]);
		world_reset(state);
	}
}

/* Receives that were outstanding when their channel went: the memory is the caller's again. */
static void destroyed_receives_stay_empty(void **state)
{
	const struct bv_channel_attr attr = impatient();
	struct link link;
	struct list target;
	struct post recv;

	(void)state;
	link_up(&link, &attr, &attr);
	target = end_piece(&link.b, 8192, 8);
	end_fill(&link.b, &target, SEED_GUARD);
	recv = post_recv8(&link.b);
	end_post(&link.b, &recv);
	assert_int_equal(side_destroy(link.b.side, link.b.slot), 0);
	post_and_expect_no_answer(&link, OP_SEND);
	end_check(&link.b, &target, SEED_GUARD, 0);
}

static void start_victim(struct link *link)
{
	const struct bv_channel_attr attr = impatient();

	link_create(link, &attr, &attr);
	assert_int_equal(side_start_process(&victim, options.program), 0);
	assert_int_equal(side_open(&victim, options.device, options.peer_provider), 0);
	link->b.side = &victim;
	assert_int_equal(side_create(&victim, link->b.slot, &attr, &link->b.endpoint), 0);
	link_connect(link);
}

static void peer_killed(void **state)
{
	struct link link;
	struct post post;
	struct bv_wc wc;

	(void)state;
	start_victim(&link);
	post = post_write8(&link, 0);
	end_post(&link.a, &post);
	end_reap(&link.a, false, 1, &wc);
	expect_sent(&wc, 0, OP_WRITE, 0);
	side_kill(&victim);
	post_and_expect_no_answer(&link, OP_WRITE);
}

/* Nothing is outstanding, so nobody would notice: asking tells, within the time that was configured. */
static void peer_killed_while_idle(void **state)
{
	const int64_t before = pause_now();
	struct side_state end;
	struct link link;

	(void)state;
	start_victim(&link);
	assert_int_equal(side_recover(link.a.side, link.a.slot, RECOVER_PROBE, WAIT_NS, NULL), 0);
	side_kill(&victim);
	assert_int_equal(side_recover(link.a.side, link.a.slot, RECOVER_PROBE, WAIT_NS, NULL),
			 -EIO);
	assert_true(pause_now() - before < WAIT_NS / 2);
	end_state(&link.a, &end);
	assert_int_equal(end.error.status, BV_STATUS_RETRY_EXCEEDED_ERROR);
}

/* Killed in the middle of traffic: every work ends, the good ones first. */
static void peer_killed_in_traffic(void **state)
{
	struct side_state end;
	struct bv_wc wc[64];
	struct link link;
	struct post post;
	unsigned good = 0;

	(void)state;
	start_victim(&link);
	post = post_write8(&link, 0);
	post.list = end_piece(&link.a, 4096, 1 << 20);
	post.remote = end_remote(&link.b, ARENA_HALF + 4096, 1 << 20);
	for (unsigned i = 0; i < COUNT(wc); i++)
		end_post(&link.a, &post);
	side_kill(&victim);
	end_reap(&link.a, false, COUNT(wc), wc);
	while (good < COUNT(wc) && wc[good].status == BV_STATUS_SUCCESS) {
		expect_sent(&wc[good], good, OP_WRITE, 0);
		good++;
	}
	if (good == COUNT(wc))
		return;
	expect_failed(&wc[good], good, BV_STATUS_RETRY_EXCEEDED_ERROR);
	for (unsigned i = good + 1; i < COUNT(wc); i++)
		expect_failed(&wc[i], i, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	end_state(&link.a, &end);
	assert_int_equal(end.flushed, COUNT(wc) - 1 - good);
	expect_no_answer(&link, good);
}

static const struct test tests[] = {
	CONFORM(peer_destroyed, "B7 a work ends when nobody answers any more"),
	CONFORM(destroyed_receives_stay_empty, "buffers come back with the channel"),
};

static const struct test process_tests[] = {
	TEST(peer_killed, "B7 nobody answers", NULL, stop_victim),
	TEST(peer_killed_while_idle, "a probe finds out", NULL, stop_victim),
	TEST(peer_killed_in_traffic, "B7 every work ends, in order", NULL, stop_victim),
};

GROUP(gone, tests, .two_ends = true);
GROUP(killed, process_tests, .two_ends = true, .process = true);
