/* SPDX-License-Identifier: MIT */
/*
 * The handshake at the end, over a socket whose calls fail and whose bytes come as they like: what is
 * done of it is kept for the next call, and only a peer that has finished ends it.
 */
#include "host.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t record[16] = { 'B', 'V', 'F', 'I', 0, 1 };

static struct bv_device *dev;
static struct bv_pd *pd;
static struct bv_channel *ch;
static int fd[2];

static int setup(void **state)
{
	const struct bv_endpoint peer = fake_peer();

	host_reset(state);
	ch = fake_channel(NULL, &dev, &pd);
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	return 0;
}

static int teardown(void **state)
{
	close(fd[0]);
	close(fd[1]);
	bv_channel_destroy(ch);
	bv_pd_free(pd);
	bv_close(dev);
	return host_check(state);
}

#define shutdown_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void peer_finishes(void)
{
	host.before_poll = NULL;
	assert_int_equal(write(fd[1], record, sizeof(record)), sizeof(record));
}

/* Ours went out whole, and once. */
static void assert_told(void)
{
	uint8_t bytes[64];

	host.at_most = 0;
	assert_int_equal(read(fd[1], bytes, sizeof(bytes)), sizeof(record));
	assert_memory_equal(bytes, record, sizeof(record));
}

static void both_finish(void **state)
{
	struct bv_wc wc;

	(void)state;
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
	fake_complete_send(ch, 0, BV_STATUS_SUCCESS);
	host.before_poll = peer_finishes;
	assert_int_equal(bv_channel_shutdown(ch, fd[0], BV_FOREVER), 0);
	assert_told();
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_ERROR);
	assert_int_equal(bv_channel_error(ch, &wc), 0);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), -EIO);
	assert_text("it was shut down");
	assert_int_equal(bv_channel_shutdown(ch, fd[0], 0), -EIO);
	assert_text("the channel is ERROR, it must be READY");
}

/* One byte at a time, and a call for each: nothing is told twice, nothing heard twice. */
static void in_pieces(void **state)
{
	(void)state;
	host.at_most = 3;
	for (size_t i = 0; i < sizeof(record); i++) {
		assert_int_equal(bv_channel_shutdown(ch, fd[0], i % 2 ? 0 : BV_MSEC), -ETIMEDOUT);
		assert_int_equal(write(fd[1], record + i, 1), 1);
	}
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
	assert_int_equal(bv_channel_shutdown(ch, fd[0], 0), 0);
	assert_told();
}

static void interrupted(void **state)
{
	(void)state;
	host_fail(HOST_SEND, 1, EINTR);
	host_fail(HOST_RECV, 1, EINTR);
	host_fail(HOST_POLL, 1, EINTR);
	peer_finishes();
	assert_int_equal(bv_channel_shutdown(ch, fd[0], BV_FOREVER), 0);
	assert_true(host_failed(HOST_SEND) && host_failed(HOST_RECV) && host_failed(HOST_POLL));
	assert_told();
}

/* A socket that takes no more now: by the deadline it is said, and later it goes on. */
static void no_room(void **state)
{
	(void)state;
	host_fail(HOST_SEND, 1, EAGAIN);
	host_fail(HOST_POLL, 1, 0);
	assert_int_equal(bv_channel_shutdown(ch, fd[0], BV_SEC), -ETIMEDOUT);
	peer_finishes();
	assert_int_equal(bv_channel_shutdown(ch, fd[0], BV_SEC), 0);
	assert_told();
}

static void socket_fails(void **state)
{
	static const struct {
		enum host_call call;
		int error;
		const char *text;
	} cases[] = {
		{ HOST_SEND, EPIPE, "the socket to the peer: send: Broken pipe" },
		{ HOST_RECV, EIO, "the socket to the peer: recv: Input/output error" },
		{ HOST_POLL, ENOMEM, "the socket to the peer: poll: Cannot allocate memory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		host_fail(cases[i].call, 1, cases[i].error);
		assert_int_equal(bv_channel_shutdown(ch, fd[0], BV_SEC), -cases[i].error);
		assert_text(cases[i].text);
		assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
	}
	assert_int_equal(bv_channel_shutdown(ch, -1, BV_SEC), -EBADF);
	/* None of them lost or doubled what had been told. */
	peer_finishes();
	assert_int_equal(bv_channel_shutdown(ch, fd[0], BV_SEC), 0);
	assert_told();
}

static void odd_peers(void **state)
{
	(void)state;
	assert_int_equal(bv_channel_shutdown(NULL, fd[0], 0), -EINVAL);
	assert_int_equal(write(fd[1], "BVFI\0\2\0\0\0\0\0\0\0\0\0\0", 16), 16);
	assert_int_equal(bv_channel_shutdown(ch, fd[0], BV_SEC), -EPROTO);
	assert_text("something else than the record of a shutdown");
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
	assert_int_equal(bv_channel_shutdown(ch, fd[0], BV_SEC), -EINVAL);
	assert_text("1 works were posted since the peer was told");
}

static void peer_is_gone(void **state)
{
	(void)state;
	assert_int_equal(write(fd[1], record, 5), 5);
	shutdown(fd[1], SHUT_WR);
	assert_int_equal(bv_channel_shutdown(ch, fd[0], BV_SEC), -ECONNRESET);
	assert_text("the peer closed its socket before it had finished");
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
}

/* Own works come first: unfinished, nothing is told; failed, nothing is agreed. */
static void own_works(void **state)
{
	uint8_t byte;

	(void)state;
	fake.tick = BV_MSEC;
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
	assert_int_equal(bv_channel_shutdown(ch, fd[0], BV_MSEC), -ETIMEDOUT);
	assert_int_equal(recv(fd[1], &byte, 1, MSG_DONTWAIT), -1);
	fake_complete_send(ch, 0, BV_STATUS_RETRY_EXCEEDED_ERROR);
	assert_int_equal(bv_channel_shutdown(ch, fd[0], BV_MSEC), -EIO);
	assert_text("bv_channel_shutdown: a work failed");
	assert_int_equal(recv(fd[1], &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(bv_channel_reset(ch), 0);
	assert_int_equal(bv_channel_shutdown(ch, fd[0], BV_MSEC), -EINVAL);
	assert_text("the channel is PREPARED, it must be READY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shutdown_test(both_finish),  shutdown_test(in_pieces),
		shutdown_test(interrupted),  shutdown_test(no_room),
		shutdown_test(socket_fails), shutdown_test(odd_peers),
		shutdown_test(peer_is_gone), shutdown_test(own_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
