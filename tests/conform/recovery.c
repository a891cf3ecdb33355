/* SPDX-License-Identifier: MIT */
/*
 * After an error, or before the end: drained, reset and connected again, closed, probed.
 */
#include "link.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	RECEIVES = 5,
	FIRST_RECEIVE_STEP = 65536,
};

static bool one_channel(const struct link *link)
{
	return link->a.side == link->b.side && link->a.slot == link->b.slot;
}

static void post_receives(struct end *end, unsigned n)
{
	const struct post recv = post_recv8(end);

	for (unsigned i = 0; i < n; i++)
		end_post(end, &recv);
}

static void drain(const struct end *end)
{
	assert_int_equal(side_recover(end->side, end->slot, RECOVER_DRAIN, WAIT_NS, NULL), 0);
}

/* A loopback fails at its responder's half first, and then knows no cause. */
static void break_it(struct link *link)
{
	struct post bad = post_write8(link, 0);
	struct bv_wc wc;

	bad.remote.rkey ^= 0xffffff00;
	end_post(&link->a, &bad);
	end_reap(&link->a, false, 1, &wc);
	if (!one_channel(link))
		assert_int_equal(wc.status, BV_STATUS_REMOTE_ACCESS_ERROR);
}

/* The handles of receives go on behind a gap. */
static void reset_end(struct end *end, unsigned dropped)
{
	int64_t *next = &end->side->next_recv[end->slot];
	const struct bv_endpoint before = end->endpoint;
	struct side_state state;

	assert_int_equal(side_recover(end->side, end->slot, RECOVER_RESET, 0, &end->endpoint),
			 dropped);
	assert_int_equal(end->endpoint.qpn, before.qpn);
	assert_int_not_equal(end->endpoint.psn, before.psn);
	*next = (*next | (FIRST_RECEIVE_STEP - 1)) + 1;
	end_state(end, &state);
	assert_int_equal(state.state, BV_CHANNEL_PREPARED);
	assert_int_equal(state.failed, 0);
	assert_int_equal(state.flushed, 0);
	assert_int_equal(state.info.peer_qpn, 0);
}

static void reset_both(struct link *link, unsigned dropped_a, unsigned dropped_b)
{
	reset_end(&link->a, dropped_a);
	if (one_channel(link))
		link->b.endpoint = link->a.endpoint;
	else
		reset_end(&link->b, dropped_b);
}

/* Messages and writes go through, and nothing else arrives. */
static void use(struct link *link)
{
	const struct post send = post_of(link, OP_SEND_IMM, 0), write = post_write8(link, 0);
	struct bv_wc wc[4];
	int64_t first, received;

	received = link->b.side->next_recv[link->b.slot];
	post_receives(&link->b, 2);
	first = end_post(&link->a, &send);
	end_post(&link->a, &write);
	end_post(&link->a, &send);
	end_reap(&link->a, false, 3, wc);
	expect_sent(&wc[0], first, OP_SEND_IMM, 0);
	expect_sent(&wc[1], first + 1, OP_WRITE, 0);
	expect_sent(&wc[2], first + 2, OP_SEND_IMM, 0);
	end_reap(&link->b, true, 2, wc);
	expect_received(&wc[0], received, OP_SEND_IMM, 8, 0xfeedf00d);
	expect_received(&wc[1], received + 1, OP_SEND_IMM, 8, 0xfeedf00d);
	end_reap_none(&link->a, false, 0);
	end_reap_none(&link->b, true, 0);
}

static void drain_ends_everything(void **state)
{
	struct side_state end;
	struct link link;
	struct bv_wc wc;

	(void)state;
	need_live_device();
	link_up(&link, NULL, NULL);
	post_receives(&link.b, RECEIVES);
	drain(&link.b);
	end_state(&link.b, &end);
	assert_int_equal(end.state, BV_CHANNEL_ERROR);
	assert_int_equal(end.error.status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(end.flushed, RECEIVES - 1);
	for (unsigned i = 0; i < RECEIVES; i++) {
		assert_int_equal(side_test(link.b.side, link.b.slot, BV_WORK_RECV | i, &wc), -EIO);
		assert_int_equal(wc.status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	}
	drain(&link.b);
	end_reap_none(&link.b, true, 0);
}

static void drain_names_itself(void **state)
{
	const struct post recv = { .op = OP_RECV };
	struct link link;

	(void)state;
	link_up(&link, NULL, NULL);
	drain(&link.b);
	end_refused(&link.b, &recv, -EIO);
	expect_word(link.b.side->text, "drained");
	expect_word(link.b.side->text, "bv_channel_reset");
}

static void first_cause_is_kept(void **state)
{
	struct side_state end;
	struct link link;

	(void)state;
	if (options.topology == TOPOLOGY_LOOPBACK) {
		skip_because("a loopback fails at its responder's half first");
	}
	link_up(&link, NULL, NULL);
	post_receives(&link.a, RECEIVES);
	break_it(&link);
	drain(&link.a);
	end_state(&link.a, &end);
	assert_int_equal(end.error.work, 0);
	assert_int_equal(end.error.status, BV_STATUS_REMOTE_ACCESS_ERROR);
	assert_int_equal(end.flushed, RECEIVES);
}

/* What the device does not end is dropped: the buffers come back all the same. */
static void drain_drops_what_hangs(void **state)
{
	struct link link;
	struct post send;
	struct bv_wc wc;
	int64_t work;
	int rc;

	(void)state;
	link_up(&link, NULL, NULL);
	post_receives(&link.a, RECEIVES);
	send = post_of(&link, OP_WRITE, 0);
	work = end_post(&link.a, &send);
	rc = side_recover(link.a.side, link.a.slot, RECOVER_DRAIN, 0, NULL);
	assert_true(rc == 0 || rc == -ETIMEDOUT);
	rc = side_test(link.a.side, link.a.slot, work, &wc);
	assert_true(rc == 1 || (rc == -EIO && wc.status == BV_STATUS_WORK_REQUEST_FLUSH_ERROR));
	for (unsigned i = 0; i < RECEIVES; i++)
		assert_int_equal(side_test(link.a.side, link.a.slot, BV_WORK_RECV | i, &wc), -EIO);
	reset_both(&link, 0, 0);
	link_connect(&link);
	use(&link);
}

static void reset_after_error(void **state)
{
	const unsigned rounds = options.reduced ? 4 : 40;
	struct link link;
	struct bv_wc wc;
	int64_t old;

	(void)state;
	link_up(&link, NULL, NULL);
	for (unsigned i = 0; i < rounds; i++) {
		use(&link);
		post_receives(&link.b, RECEIVES);
		break_it(&link);
		old = link.a.side->next_send[link.a.slot] - 1;
		reset_both(&link, one_channel(&link) ? RECEIVES : 0, RECEIVES);
		assert_int_equal(side_test(link.a.side, link.a.slot, old, &wc), -ESTALE);
		post_receives(&link.a, 1); /* before connecting */
		link_connect(&link);
		if (one_channel(&link))
			break_it(&link);
		else
			use(&link);
		reset_both(&link, 1, 0);
		link_connect(&link);
	}
}

/* A loaded channel: completions of before the reset never come after it. */
static void reset_under_load(void **state)
{
	const unsigned rounds = options.reduced ? 3 : 30;
	struct link link;
	struct post post;

	(void)state;
	link_up(&link, NULL, NULL);
	for (unsigned i = 0; i < rounds; i++) {
		post = post_write8(&link, i % 2 ? BV_UNSIGNALED : 0);
		for (unsigned n = 0; n < 20 + i; n++)
			end_post(&link.a, &post);
		post_receives(&link.b, 3);
		reset_both(&link, one_channel(&link) ? 3 : 0, 3);
		link_connect(&link);
		use(&link);
	}
}

static void reset_before_connect(void **state)
{
	struct link link;

	(void)state;
	link_create(&link, NULL, NULL);
	post_receives(&link.b, 2);
	reset_both(&link, one_channel(&link) ? 2 : 0, 2);
	reset_both(&link, 0, 0);
	link_connect(&link);
	use(&link);
}

static void probe_answers(void **state)
{
	struct link link;
	int64_t *next;

	(void)state;
	need_live_device();
	link_up(&link, NULL, NULL);
	next = &link.a.side->next_send[link.a.slot];
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(
			side_recover(link.a.side, link.a.slot, RECOVER_PROBE, WAIT_NS, NULL), 0);
		(*next)++;
		use(&link);
	}
}

/* The probe takes its place in a full queue, too. */
static void probe_in_full_queue(void **state)
{
	struct link link;
	struct post post;

	(void)state;
	need_live_device();
	link_up(&link, NULL, NULL);
	post = post_write8(&link, BV_UNSIGNALED);
	for (unsigned i = 0; i < link.a.info.max_send; i++)
		end_post(&link.a, &post);
	assert_int_equal(side_recover(link.a.side, link.a.slot, RECOVER_PROBE, WAIT_NS, NULL), 0);
}

static void close_refuses(void **state)
{
	struct link link;
	struct bv_wc wc;
	struct post post;

	(void)state;
	need_live_device();
	link_up(&link, NULL, NULL);
	post_receives(&link.a, 1);
	assert_int_equal(side_recover(link.a.side, link.a.slot, RECOVER_CLOSE, 0, NULL), -EBUSY);
	expect_word(link.a.side->text, "1 receives");
	post = post_write8(&link, 0);
	end_post(&link.a, &post);
	end_reap(&link.a, false, 1, &wc);
	expect_sent(&wc, 0, OP_WRITE, 0);
	assert_int_equal(side_recover(link.a.side, link.a.slot, RECOVER_CLOSE, WAIT_NS, NULL), 0);
}

/* Unsignaled works at the end are waited for, too; failures are told. */
static void close_waits(void **state)
{
	struct list source, target;
	struct link link;
	struct post post;

	need_live_device();
	link_up(&link, NULL, NULL);
	source = end_piece(&link.a, 4096, 8);
	target = end_piece(&link.b, 4096, 8);
	end_fill(&link.a, &source, 7);
	end_fill(&link.b, &target, SEED_GUARD);
	post = post_write8(&link, BV_UNSIGNALED);
	end_post(&link.a, &post);
	assert_int_equal(side_recover(link.a.side, link.a.slot, RECOVER_CLOSE, WAIT_NS, NULL), 0);
	end_check(&link.b, &target, 7, 8);
	world_reset(state);
	link_up(&link, NULL, NULL);
	post.remote.rkey ^= 0xffffff00;
	end_post(&link.a, &post);
	assert_int_equal(side_recover(link.a.side, link.a.slot, RECOVER_CLOSE, WAIT_NS, NULL),
			 -EIO);
}

static const struct test tests[] = {
	CONFORM(drain_ends_everything, "B7 nothing is outstanding after a drain"),
	CONFORM(drain_names_itself, "a refusal says why the channel stopped"),
	CONFORM(first_cause_is_kept, "the first cause outlives a drain"),
	CONFORM(drain_drops_what_hangs, "B7 buffers come back at the deadline"),
	CONFORM(reset_after_error, "B18 reset, posted and connected again, with a new PSN"),
	CONFORM(reset_under_load, "no completion of before a reset comes after it"),
	CONFORM(reset_before_connect, "reset in PREPARED drops receives, and says how many"),
	CONFORM(probe_answers, "a probe needs no receive and no memory"),
	CONFORM(probe_in_full_queue, "a probe finds a place in a full queue"),
	CONFORM(close_refuses, "17.1 teardown under works is refused when told to"),
	CONFORM(close_waits, "17.1 teardown waits for works when told to"),
};

GROUP(recovery, tests);
