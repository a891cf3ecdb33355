/* SPDX-License-Identifier: MIT */
/*
 * The shutdown that both sides know of: two channels of this process, end B in a thread of its own.
 */
#include "ends.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pause.h"

enum {
	MESSAGES = 24,
	SHORT_NS = 2 * BV_MSEC,
};

static int fds[2];

static int start(void **state)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	return ends_start(state);
}

static int stop(void **state)
{
	close(fds[0]);
	close(fds[1]);
	return ends_stop(state);
}

static void *shut_down_b(void *result)
{
	*(int *)result = bv_channel_shutdown(e.b, fds[1], WAIT_NS);
	bv_channel_hand_over(e.b);
	return NULL;
}

static void send8(unsigned from)
{
	const struct bv_gather sg = bv_gather_unchecked(e.mr, memory + from, 8);

	assert_true(bv_post_send(e.a, &sg, 1, BV_UNSIGNALED) >= 0);
}

/* The last message is there, though its sender is gone at once. */
static void last_message_arrives(void **state)
{
	struct bv_wc wc[MESSAGES + 2];
	pthread_t thread;
	int rc = 1, n;

	(void)state;
	need_live_device();
	for (unsigned i = 0; i < MESSAGES + 2; i++)
		receive8(e.b, 1024 + 8 * i);
	bv_channel_hand_over(e.b);
	assert_int_equal(pthread_create(&thread, NULL, shut_down_b, &rc), 0);
	for (unsigned i = 0; i < MESSAGES; i++) {
		memory[8 * i] = (uint8_t)(i + 1);
		send8(8 * i);
	}
	assert_int_equal(bv_channel_shutdown(e.a, fds[0], WAIT_NS), 0);
	assert_int_equal(bvi_sq_done(e.a), e.a->sq_posted);
	bv_channel_destroy(e.a);
	e.a = NULL;
	pthread_join(thread, NULL);
	assert_int_equal(rc, 0);
	n = bv_channel_drain(e.b, WAIT_NS);
	assert_int_equal(n, 0);
	for (int64_t i = 0; i < MESSAGES; i++) {
		assert_int_equal(bv_test(e.b, i | BV_WORK_RECV, &wc[i]), 1);
		assert_int_equal(memory[1024 + 8 * i], i + 1);
	}
	for (int64_t i = MESSAGES; i < MESSAGES + 2; i++) {
		assert_int_equal(bv_test(e.b, i | BV_WORK_RECV, &wc[i]), -EIO);
		assert_int_equal(wc[i].status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	}
	assert_true(bv_post_recv(e.b, NULL, 0) < 0);
	expect_word(bv_last_error()->text, "shut down");
}

/* The peer takes its time: the call can be made again, but nothing may be posted in between. */
static void goes_on_after_a_timeout(void **state)
{
	pthread_t thread;
	int rc = 1;

	(void)state;
	need_live_device();
	write8(e.a, 0, 2048, BV_UNSIGNALED);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(bv_channel_shutdown(e.a, fds[0], SHORT_NS), -ETIMEDOUT);
	assert_int_equal(bv_channel_state(e.a), BV_CHANNEL_READY);
	assert_int_equal(pthread_create(&thread, NULL, shut_down_b, &rc), 0);
	assert_int_equal(bv_channel_shutdown(e.a, fds[0], WAIT_NS), 0);
	pthread_join(thread, NULL);
	assert_int_equal(rc, 0);
}

static void posting_in_between(void **state)
{
	(void)state;
	assert_int_equal(bv_channel_shutdown(e.a, fds[0], 0), -ETIMEDOUT);
	write8(e.a, 0, 2048, 0);
	assert_int_equal(bv_channel_shutdown(e.a, fds[0], 0), -EINVAL);
	expect_word(bv_last_error()->text, "1 works");
}

static void peer_leaves(void **state)
{
	(void)state;
	shutdown(fds[1], SHUT_WR);
	assert_int_equal(bv_channel_shutdown(e.a, fds[0], WAIT_NS), -ECONNRESET);
}

static void peer_is_gone(void **state)
{
	(void)state;
	close(fds[1]);
	fds[1] = dup(fds[0]);
	assert_true(bv_channel_shutdown(e.a, fds[0], WAIT_NS) < 0);
	assert_int_not_equal(bv_last_error()->code, -ETIMEDOUT);
}

static void peer_talks_nonsense(void **state)
{
	static const char nonsense[] = "BVFI but nothing more";

	(void)state;
	assert_int_equal(write(fds[1], nonsense, sizeof(nonsense)), sizeof(nonsense));
	assert_int_equal(bv_channel_shutdown(e.a, fds[0], WAIT_NS), -EPROTO);
}

static void not_a_socket(void **state)
{
	(void)state;
	assert_int_equal(bv_channel_shutdown(e.a, -1, WAIT_NS), -EBADF);
	assert_int_equal(bv_channel_shutdown(NULL, fds[0], WAIT_NS), -EINVAL);
}

static void after_a_failure(void **state)
{
	(void)state;
	need_live_device();
	bad_write(e.a);
	assert_int_equal(bv_channel_shutdown(e.a, fds[0], WAIT_NS), -EIO);
	assert_int_equal(bv_channel_shutdown(e.a, fds[0], WAIT_NS), -EIO);
	assert_int_equal(bv_channel_reset(e.a), 0);
	assert_int_equal(bv_channel_shutdown(e.a, fds[0], WAIT_NS), -EINVAL);
	expect_word(bv_last_error()->text, "PREPARED");
}

#define ENDING(test, guarantee) TEST(test, guarantee, start, stop)

static const struct test tests[] = {
	ENDING(last_message_arrives, "the last message is never lost"),
	ENDING(goes_on_after_a_timeout, "a shutdown can be waited for in pieces"),
	ENDING(posting_in_between, "a shutdown is the end of posting"),
	ENDING(peer_leaves, "a peer that does not shut down is noticed"),
	ENDING(peer_is_gone, "a peer that is gone is noticed"),
	ENDING(peer_talks_nonsense, "a peer of another protocol is noticed"),
	ENDING(not_a_socket, "arguments"),
	ENDING(after_a_failure, "a failed channel cannot be shut down"),
};

GROUP(endings, tests);
