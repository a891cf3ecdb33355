/* SPDX-License-Identifier: MIT */
/*
 * Scopes: buffers come back on every way out. Two channels of this process, connected to each other,
 * whatever the topology.
 */
#include "ends.h"

#include <string.h>

#include "pause.h"

#define WRITES 20

static void expect_idle(const struct bv_channel *ch, enum bv_channel_state state)
{
	assert_int_equal(ch->sq_posted, bvi_sq_done(ch));
	assert_int_equal(ch->rq_posted, ch->rq_done);
	assert_int_equal(bv_channel_state(ch), state);
}

/* A write that failed: the operation is told with it. */
static void expect_listed(const struct bv_wc *wc, int64_t work, enum bv_status status)
{
	assert_int_equal(wc->work, work);
	assert_int_equal(wc->status, status);
	assert_int_equal(wc->op, BV_OP_WRITE);
}

static void everything_is_done(void **state)
{
	const struct bv_gather sg = bv_gather_unchecked(e.mr, memory, 8);
	struct bv_wc wc;
	int64_t recv = 0;

	(void)state;
	need_live_device();
	strcpy((char *)memory, "scopes!");
	BV_SCOPE(outer, e.b, WAIT_NS) {
		recv = receive8(e.b, 1024);
		BV_SCOPE(s, e.a, WAIT_NS) {
			for (unsigned i = 0; i < WRITES; i++)
				write8(e.a, 0, 2048 + 8 * i, 0);
			assert_true(bv_post_send(e.a, &sg, 1, 0) >= 0);
			assert_int_equal(bv_scope_result(&s), -EBUSY);
		}
		assert_int_equal(bv_scope_result(&s), 0);
		assert_int_equal(s.failed, 0);
		expect_idle(e.a, BV_CHANNEL_READY);
		for (unsigned i = 0; i < WRITES; i++)
			assert_memory_equal(memory + 2048 + 8 * i, "scopes!", 8);
	}
	assert_int_equal(bv_scope_result(&outer), 0);
	assert_memory_equal(memory + 1024, "scopes!", 8);
	assert_int_equal(bv_test(e.b, recv, &wc), 1);
	assert_int_equal(wc.bytes, 8);
}

static void leave_by_return(struct bv_scope *copy)
{
	BV_SCOPE(s, e.a, WAIT_NS) {
		write8(e.a, 0, 2048, BV_UNSIGNALED);
		*copy = s;
		return;
	}
}

static void every_way_out(void **state)
{
	struct bv_scope copy = { 0 };
	unsigned turns = 0;

	(void)state;
	need_live_device();
	leave_by_return(&copy);
	assert_int_equal(bv_scope_result(&copy), -EBUSY); /* taken inside */
	expect_idle(e.a, BV_CHANNEL_READY);
	BV_SCOPE(broken, e.a, WAIT_NS) {
		write8(e.a, 0, 2048, BV_UNSIGNALED);
		if (turns++ == 0)
			break;
		fail();
	}
	assert_int_equal(bv_scope_result(&broken), 0);
	expect_idle(e.a, BV_CHANNEL_READY);
	BV_SCOPE(continued, e.a, WAIT_NS) {
		turns++;
		write8(e.a, 0, 2048, 0);
		if (turns > 0)
			continue;
		fail();
	}
	assert_int_equal(turns, 2);
	assert_int_equal(bv_scope_result(&continued), 0);
	expect_idle(e.a, BV_CHANNEL_READY);
	{
		BV_SCOPE(s, e.a, WAIT_NS) {
			write8(e.a, 0, 2048, BV_UNSIGNALED);
			goto out;
		}
	}
	fail();
out:
	expect_idle(e.a, BV_CHANNEL_READY);
}

static void deadline(void **state)
{
	const int64_t before = pause_now();
	int64_t recv = 0;
	struct bv_wc wc;

	(void)state;
	need_live_device();
	BV_SCOPE(s, e.b, 2 * BV_MSEC)
		recv = receive8(e.b, 1024);
	assert_int_equal(bv_scope_result(&s), -ETIMEDOUT);
	expect_word(bv_last_error()->text, "1 receives");
	assert_true(pause_now() - before < WAIT_NS);
	expect_idle(e.b, BV_CHANNEL_ERROR);
	assert_int_equal(s.failed, 1);
	assert_int_equal(s.errors[0].work, recv);
	assert_int_equal(bv_test(e.b, recv, &wc), -EIO);
	assert_int_equal(wc.status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_true(bv_post_recv(e.b, NULL, 0) < 0);
	expect_word(bv_last_error()->text, "scope");
	assert_int_equal(bv_channel_reset(e.b), 0);
	assert_int_equal(bv_channel_reset(e.a), 0);
	ends_connect();
	write8(e.a, 0, 2048, 0);
	assert_int_equal(bv_wait(e.a, bv_last_posted(e.a), WAIT_NS, NULL), 0);
}

/* What the device does not flush it is made to forget; it is stopped here. */
static void deadline_of_a_dead_device(void **state)
{
	(void)state;
	if (!pause_steps()) {
		skip_because("this device cannot be stopped");
	}
	receive8(e.b, 1024);
	BV_SCOPE(s, e.b, 0)
		receive8(e.b, 1032);
	assert_int_equal(bv_scope_result(&s), -ETIMEDOUT);
	expect_idle(e.b, BV_CHANNEL_ERROR);
	assert_int_equal(s.failed, 1);
	for (unsigned i = 0; i < 100; i++)
		pause_once();
	assert_int_equal(bv_poll(e.b, &(struct bv_wc){ 0 }, 1), 0);
}

static void failures_are_listed(void **state)
{
	int64_t bad = 0, recv = 0;

	(void)state;
	need_live_device();
	receive8(e.a, 1024); /* before the scope: none of its business */
	BV_SCOPE(s, e.a, WAIT_NS) {
		recv = receive8(e.a, 1024);
		write8(e.a, 0, 2048, 0);
		bad = bad_write(e.a);
		for (unsigned i = 0; i < WRITES; i++)
			write8(e.a, 0, 2048, 0);
	}
	assert_int_equal(bv_scope_result(&s), -EIO);
	assert_int_equal(s.failed, 1 + WRITES + 1);
	assert_int_equal(s.nerrors, BV_SCOPE_ERRORS);
	expect_listed(&s.errors[0], bad, BV_STATUS_REMOTE_ACCESS_ERROR);
	for (unsigned i = 1; i < BV_SCOPE_ERRORS; i++)
		expect_listed(&s.errors[i], bad + i, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_true(bv_work_done(e.a, recv));
}

/* Failures of works that the caller has reaped are reported all the same. */
static void reaped_failures_are_listed(void **state)
{
	struct bv_wc wc;
	int64_t bad = 0;

	(void)state;
	need_live_device();
	BV_SCOPE(s, e.a, WAIT_NS) {
		bad = bad_write(e.a);
		assert_int_equal(bv_wait(e.a, bad, WAIT_NS, &wc), -EIO);
	}
	assert_int_equal(bv_scope_result(&s), -EIO);
	assert_int_equal(s.failed, 1);
	expect_listed(&s.errors[0], bad, BV_STATUS_REMOTE_ACCESS_ERROR);
}

static void manual(void **state)
{
	(void)state;
	need_live_device();
	BV_SCOPE_MANUAL(good, e.a, WAIT_NS) {
		write8(e.a, 0, 2048, 0);
		assert_int_equal(bv_wait(e.a, bv_last_posted(e.a), WAIT_NS, NULL), 0);
	}
	assert_int_equal(bv_scope_result(&good), 0);
	BV_SCOPE_MANUAL(left, e.a, WAIT_NS)
		write8(e.a, 0, 2048, 0);
	assert_int_equal(bv_scope_result(&left), -EINPROGRESS);
	expect_word(bv_last_error()->text, "1 works");
	expect_idle(e.a, BV_CHANNEL_READY);
	assert_int_equal(left.failed, 0);
}

/* Works of before are not waited for, unless some of the scope stand behind them. */
static void only_its_own(void **state)
{
	(void)state;
	need_live_device();
	receive8(e.a, 1024);
	BV_SCOPE(s, e.a, WAIT_NS)
		write8(e.a, 0, 2048, 0);
	assert_int_equal(bv_scope_result(&s), 0);
	assert_int_equal(bv_channel_state(e.a), BV_CHANNEL_READY);
	assert_int_equal(e.a->rq_posted - e.a->rq_done, 1);
	BV_SCOPE(nothing, e.a, 0)
		;
	assert_int_equal(bv_scope_result(&nothing), 0);
}

static void ended_once(void **state)
{
	struct bv_scope s;

	(void)state;
	bv_scope_begin(&s, e.a, 0);
	assert_int_equal(bv_scope_result(&s), -EBUSY);
	assert_int_equal(bv_scope_end(&s, 0), 0);
	bad_write(e.a);
	assert_int_equal(bv_scope_end(&s, 0), 0);
}

static const struct test tests[] = {
	ENDS_TEST(everything_is_done, "SC-1 works are done when their scope is; scopes nest"),
	ENDS_TEST(every_way_out, "SC-4 break, continue, return, goto, unsignaled works last"),
	ENDS_TEST(deadline, "B7 a scope ends at its deadline, and the channel can be used again"),
	ENDS_TEST(deadline_of_a_dead_device, "B5 B7 buffers come back from a device that is stuck"),
	ENDS_TEST(failures_are_listed, "SC-1 which works failed, and how many"),
	ENDS_TEST(reaped_failures_are_listed, "SC-1 whoever reaped them"),
	ENDS_TEST(manual, "SC-2 a manual scope tells of works that were left"),
	ENDS_TEST(only_its_own, "B19 a scope is two numbers: works before it are not its own"),
	ENDS_TEST(ended_once, "a scope ends once"),
};

GROUP(scopes, tests);
