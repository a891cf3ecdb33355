/* SPDX-License-Identifier: MIT */
/*
 * Ending works and starting again, where the device does not do what it is asked.
 */
#include "fake.h"

#include <errno.h>

#include <bareverbs/recovery.h>

#define COUNT 3

static struct bv_channel *ch;

static int start(void **state)
{
	const struct bv_endpoint peer = fake_peer();
	int rc;

	rc = fake_reset(state);
	fake.tick = BV_MSEC;
	fake.qp_state = IBV_QPS_ERR;
	ch = fake_lone_channel(NULL);
	return rc < 0 ? rc : bv_channel_connect(ch, &peer);
}

static int stop(void **state)
{
	bv_channel_destroy(ch);
	return fake_check(state);
}

static void post_some(void)
{
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(bv_post_send(ch, NULL, 0, 0), i);
		assert_int_equal(bv_post_recv(ch, NULL, 0), i | BV_WORK_RECV);
	}
}

/* Everything ended, and tells that it was flushed. */
static void expect_flushed(void)
{
	struct bv_wc wc;

	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_ERROR);
	for (int64_t i = 0; i < COUNT; i++) {
		assert_int_equal(bv_test(ch, i, &wc), -EIO);
		assert_int_equal(wc.status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
		assert_int_equal(bv_test(ch, i | BV_WORK_RECV, &wc), -EIO);
		assert_int_equal(wc.status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	}
	assert_int_equal(bv_channel_error(ch, &wc), 1);
	assert_int_equal(bv_channel_flushed(ch), 2 * COUNT - 1);
}

/* The queue pair did not become INIT: whatever state it is in, the next reset starts from RESET. */
static void reset_can_be_repeated(void **state)
{
	(void)state;
	fake.modify_errno[IBV_QPS_INIT] = EINVAL;
	assert_int_equal(bv_channel_reset(ch), -EINVAL);
	assert_text("INIT");
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_ERROR);
	fake.modify_errno[IBV_QPS_INIT] = 0;
	fake.qp_mask[IBV_QPS_RESET] = 0;
	assert_int_equal(bv_channel_reset(ch), 0);
	assert_int_equal(fake.qp_mask[IBV_QPS_RESET], IBV_QP_STATE);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
}

/* ... but a queue pair that is in RESET is not moved there again. */
static void never_reset_to_reset(void **state)
{
	(void)state;
	fake.qp_state = IBV_QPS_RESET;
	fake.modify_errno[IBV_QPS_INIT] = EINVAL;
	assert_int_equal(bv_channel_reset(ch), -EINVAL);
	fake.modify_errno[IBV_QPS_INIT] = 0;
	fake.qp_mask[IBV_QPS_RESET] = 0;
	fake.qp_mask[IBV_QPS_ERR] = 0;
	assert_int_equal(bv_channel_drain(ch, 0), 0);
	assert_int_equal(bv_channel_reset(ch), 0);
	assert_int_equal(fake.qp_mask[IBV_QPS_RESET], 0);
	assert_int_equal(fake.qp_mask[IBV_QPS_ERR], 0);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
}

/* Nobody knows where it stands: it is moved to RESET once more. */
static void reset_of_an_unknown_state(void **state)
{
	(void)state;
	fake.qp_state = IBV_QPS_RESET;
	fake.query_qp_errno = EIO;
	fake.modify_errno[IBV_QPS_INIT] = EINVAL;
	assert_int_equal(bv_channel_reset(ch), -EINVAL);
	fake.modify_errno[IBV_QPS_INIT] = 0;
	fake.qp_mask[IBV_QPS_RESET] = 0;
	assert_int_equal(bv_channel_reset(ch), 0);
	assert_int_equal(fake.qp_mask[IBV_QPS_RESET], IBV_QP_STATE);
}

static void reset_is_refused(void **state)
{
	(void)state;
	post_some();
	fake.modify_errno[IBV_QPS_RESET] = EIO;
	assert_int_equal(bv_channel_reset(ch), -EIO);
	assert_text("RESET");
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
	fake.modify_errno[IBV_QPS_RESET] = 0;
	assert_int_equal(bv_channel_reset(ch), COUNT);
	assert_int_equal(bv_post_recv(ch, NULL, 0), BV_WORK_RECV | 65536);
	assert_int_equal(bv_channel_reset(NULL), -EINVAL);
}

static void no_random_numbers(void **state)
{
	(void)state;
	fake.random_errno = ENOSYS;
	assert_int_equal(bv_channel_reset(ch), -ENOSYS);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_ERROR);
	fake.random_errno = 0;
	assert_int_equal(bv_channel_reset(ch), 0);
}

/* B5, B7: flushes that never come. */
static void drain_of_a_silent_device(void **state)
{
	(void)state;
	post_some();
	assert_int_equal(bv_channel_drain(ch, BV_MSEC), -ETIMEDOUT);
	assert_int_equal(fake.qp_mask[IBV_QPS_ERR], IBV_QP_STATE);
	assert_int_equal(fake.qp_mask[IBV_QPS_RESET], IBV_QP_STATE);
	expect_flushed();
	assert_int_equal(bv_post_recv_many(ch, NULL, 1), -EIO);
	assert_text("bv_post_recv_many");
}

/* What had come before keeps its result. */
static void received_before_the_drain(void **state)
{
	struct bv_wc wc;

	(void)state;
	post_some();
	fake_complete_recv(ch, 7, BV_STATUS_SUCCESS);
	assert_int_equal(bv_poll_recv(ch, &wc, 1), 1);
	assert_int_equal(bv_channel_drain(ch, BV_MSEC), -ETIMEDOUT);
	assert_int_equal(bv_test(ch, BV_WORK_RECV, &wc), 1);
	assert_int_equal(wc.bytes, 7);
	assert_int_equal(bv_test(ch, 1 | BV_WORK_RECV, &wc), -EIO);
}

/* B5: the completion queue says nothing any more. */
static void drain_of_a_broken_queue(void **state)
{
	(void)state;
	post_some();
	fake_break(ch);
	assert_int_equal(bv_channel_drain(ch, BV_FOREVER), -EIO);
	assert_text("broken");
	expect_flushed();
}

/* Receives alone are outstanding, and theirs is the queue that is broken. */
static void drain_of_a_broken_receive_queue(void **state)
{
	(void)state;
	assert_int_equal(bv_post_recv(ch, NULL, 0), BV_WORK_RECV);
	fake_break(ch);
	assert_int_equal(bv_channel_drain(ch, BV_FOREVER), -EIO);
	assert_text("broken");
	assert_int_equal(bv_test(ch, BV_WORK_RECV, NULL), -EIO);
}

static void drain_without_the_error_state(void **state)
{
	(void)state;
	post_some();
	fake.modify_errno[IBV_QPS_ERR] = EIO;
	assert_int_equal(bv_channel_drain(ch, BV_FOREVER), -EIO);
	expect_flushed();
}

static void drain_of_a_dead_device(void **state)
{
	(void)state;
	post_some();
	fake.modify_errno[IBV_QPS_ERR] = EIO;
	fake.modify_errno[IBV_QPS_RESET] = EACCES;
	assert_int_equal(bv_channel_drain(ch, BV_FOREVER), -EACCES);
	assert_int_equal(bvi_sq_outstanding(ch), COUNT);
	assert_int_equal(bv_channel_drain(NULL, 0), -EINVAL);
}

/* B5: a scope never leaves the device with its buffers, unless nobody can take them away. */
static void scope_on_a_broken_queue(void **state)
{
	struct bv_scope s;

	(void)state;
	bv_scope_begin(&s, ch, 0);
	post_some();
	fake_break(ch);
	assert_int_equal(bv_scope_end(&s, BV_FOREVER), -ETIMEDOUT);
	assert_text("3 works");
	assert_int_equal(s.failed, 2 * COUNT);
	assert_int_equal(s.nerrors, 2 * COUNT);
	assert_int_equal(s.errors[COUNT].work, BV_WORK_RECV);
	expect_flushed();
}

static void scope_on_a_dead_device(void **state)
{
	struct bv_scope s;

	(void)state;
	bv_scope_begin(&s, ch, BV_MANUAL);
	post_some();
	fake.modify_errno[IBV_QPS_ERR] = EIO;
	fake.modify_errno[IBV_QPS_RESET] = EIO;
	assert_int_equal(bv_scope_end(&s, 0), -ENOTRECOVERABLE);
	assert_int_equal(bv_scope_result(&s), -ENOTRECOVERABLE);
	assert_text("RESET");
}

/* All failures are counted, the first are kept, and told as far as the provider can. */
static void scope_with_many_failures(void **state)
{
	const uint32_t count = BV_SCOPE_ERRORS + 2;
	struct bv_scope s;

	(void)state;
	bv_scope_begin(&s, ch, 0);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(bv_post_send(ch, NULL, 0, 0), i);
		fake_complete_send(ch, i,
				   i ? BV_STATUS_WORK_REQUEST_FLUSH_ERROR :
				       BV_STATUS_REMOTE_ACCESS_ERROR);
	}
	assert_int_equal(bv_post_recv(ch, NULL, 0), BV_WORK_RECV);
	fake_complete_recv(ch, 5, BV_STATUS_SUCCESS);
	assert_int_equal(bv_scope_result(&s), -EBUSY);
	assert_int_equal(bv_scope_end(&s, BV_SEC), -EIO);
	assert_int_equal(bv_scope_end(&s, BV_SEC), -EIO);
	assert_int_equal(s.failed, count); /* the receive succeeded */
	assert_int_equal(s.nerrors, BV_SCOPE_ERRORS);
	assert_int_equal(s.errors[0].status, BV_STATUS_REMOTE_ACCESS_ERROR);
	assert_int_equal(s.errors[0].op, BV_OP_NONE);
}

/* A reset inside a scope leaves nothing of before to wait for or to report. */
static void reset_inside_a_scope(void **state)
{
	const struct bv_endpoint peer = fake_peer();
	struct bv_scope s;

	(void)state;
	bv_scope_begin(&s, ch, 0);
	post_some();
	assert_int_equal(bv_channel_reset(ch), COUNT);
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	assert_int_equal(bv_scope_end(&s, 0), 0);
	assert_int_equal(s.failed, 0);
}

static void close_in_time(void **state)
{
	(void)state;
	post_some();
	assert_int_equal(bv_channel_close(NULL, 0), -EINVAL);
	assert_int_equal(bv_channel_close(ch, 0), -EBUSY);
	assert_text("3 works");
	assert_int_equal(bv_channel_close(ch, BV_MSEC), -ETIMEDOUT);
	ch = NULL;
}

static void close_when_idle(void **state)
{
	(void)state;
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
	fake_complete_send(ch, 0, BV_STATUS_SUCCESS);
	assert_int_equal(bv_channel_close(ch, 0), 0);
	ch = NULL;
}

/* Nothing would ever tell that unsignaled works are done: an empty write behind them does. */
static void unsignaled_tail(void **state)
{
	struct bv_scope s;

	(void)state;
	bv_scope_begin(&s, ch, 0);
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), 0);
	fake.unsignaled = 1;
	fake_complete_at_poll(ch, 1);
	assert_int_equal(bv_scope_end(&s, BV_SEC), 0);
	assert_string_equal(fake.post.slot, "write");
	assert_int_equal(fake.post.target.length, 0);
	assert_int_equal(fake.post.flags, 0);
	assert_int_equal(bv_last_posted(ch), 1);
}

static void close_after_a_failure(void **state)
{
	(void)state;
	post_some();
	fake_complete_send(ch, 0, BV_STATUS_REMOTE_ACCESS_ERROR);
	fake_complete_send(ch, COUNT - 1, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_channel_close(ch, BV_SEC), -EIO);
	ch = NULL;
}

static void retry_time(void **state)
{
	(void)state;
	assert_int_equal(bv_channel_retry_ns(ch), 7 * bv_ack_timeout_ns(14));
	ch->core->ack_timeout = 0;
	assert_int_equal(bv_channel_retry_ns(ch), BV_FOREVER);
}

static void probe_without_an_answer(void **state)
{
	(void)state;
	assert_int_equal(bv_channel_probe(NULL, 0), -EINVAL);
	assert_int_equal(bv_channel_probe(ch, BV_MSEC), -ETIMEDOUT);
	fake_complete_send(ch, 0, BV_STATUS_RETRY_EXCEEDED_ERROR);
	fake_complete_send(ch, 1, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(bv_channel_probe(ch, BV_MSEC), -EIO);
	assert_int_equal(bv_channel_probe(ch, BV_MSEC), -EIO);
	assert_text("ERROR");
}

static void probe_in_a_full_queue(void **state)
{
	(void)state;
	while (bv_post_send(ch, NULL, 0, 0) >= 0)
		;
	assert_int_equal(bv_channel_probe(ch, BV_MSEC), -ETIMEDOUT);
	fake_complete_at_poll(ch, 2);
	assert_int_equal(bv_channel_probe(ch, BV_MSEC), -ETIMEDOUT); /* posted now, not answered */
	fake_complete_at_poll(ch, 1);
	assert_int_equal(bv_channel_probe(ch, BV_MSEC), 0);
}

#define recovery_test(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		recovery_test(reset_can_be_repeated),
		recovery_test(never_reset_to_reset),
		recovery_test(reset_of_an_unknown_state),
		recovery_test(reset_is_refused),
		recovery_test(no_random_numbers),
		recovery_test(drain_of_a_silent_device),
		recovery_test(received_before_the_drain),
		recovery_test(drain_of_a_broken_queue),
		recovery_test(drain_of_a_broken_receive_queue),
		recovery_test(drain_without_the_error_state),
		recovery_test(drain_of_a_dead_device),
		recovery_test(scope_on_a_broken_queue),
		recovery_test(scope_on_a_dead_device),
		recovery_test(scope_with_many_failures),
		recovery_test(reset_inside_a_scope),
		recovery_test(close_in_time),
		recovery_test(close_when_idle),
		recovery_test(unsignaled_tail),
		recovery_test(close_after_a_failure),
		recovery_test(retry_time),
		recovery_test(probe_without_an_answer),
		recovery_test(probe_in_a_full_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
