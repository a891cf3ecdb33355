/* SPDX-License-Identifier: MIT */
/*
 * Exchanges over a descriptor whose peer has said everything before, on a libc that fails: each end
 * has its error, nothing is left open, and the channel is PREPARED as before or was stopped.
 */
#include "host.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/frame.h"

static struct bv_device *dev;
static struct bv_pd *pd;
static struct bv_channel *ch;
static int fd[2];

static int setup(void **state)
{
	host_reset(state);
	ch = fake_channel(NULL, &dev, &pd);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	return 0;
}

static void leave(void)
{
	if (fd[1] >= 0)
		close(fd[1]);
	fd[1] = -1;
}

static int teardown(void **state)
{
	leave();
	close(fd[0]);
	bv_channel_destroy(ch);
	bv_pd_free(pd);
	bv_close(dev);
	return host_check(state);
}

#define exchange_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void renew(void)
{
	leave();
	close(fd[0]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	if (bv_channel_state(ch) != BV_CHANNEL_PREPARED)
		assert_true(bv_channel_reset(ch) >= 0);
}

/* What the peer says. */
static void say_hello(void)
{
	const struct bv_endpoint peer = fake_peer();
	const struct bv_exchange nothing = { 0 };
	uint8_t frame[256];
	const size_t size = bvi_hello_size(&nothing);

	assert_true(size <= sizeof(frame));
	assert_int_equal(bvi_hello_encode(&peer, &nothing, frame), 0);
	assert_int_equal(write(fd[1], frame, size), size);
}

static void say_ready(void)
{
	uint8_t frame[BVI_FRAME_SMALL];
	const size_t size = bvi_ready_encode(frame);

	assert_int_equal(write(fd[1], frame, size), size);
}

static void say_all(void)
{
	say_hello();
	say_ready();
}

static int meet(void)
{
	return bv_exchange_fd(ch, fd[0], NULL, BV_FOREVER);
}

/* The text of the FAILED that the peer finds behind our HELLO. */
static const char *told(char text[BVI_FRAME_REASON_MAX + 1])
{
	const struct bv_exchange nothing = { 0 };
	const size_t hello = bvi_hello_size(&nothing);
	uint8_t bytes[1024];
	const ssize_t n = read(fd[1], bytes, sizeof(bytes));
	const size_t size = (size_t)n - hello;

	assert_true(n > (ssize_t)(hello + BVI_FRAME_HEADER));
	assert_int_equal(bvi_frame_size(bytes + hello), size);
	assert_int_equal(bvi_frame_type(bytes + hello, size), BVI_FRAME_FAILED);
	return bvi_failed_text(bytes + hello, size, text);
}

static void succeeds(void **state)
{
	(void)state;
	say_all();
	assert_int_equal(meet(), 0);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_READY);
}

/* Each piece takes its own room in the socket. */
static void peer_reads(void)
{
	uint8_t bytes[64];

	while (recv(fd[1], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

/* However few bytes the kernel takes and gives at a time. */
static void in_pieces(void **state)
{
	(void)state;
	host.before_poll = peer_reads;
	for (host.at_most = 1; host.at_most < 9; host.at_most++) {
		say_all();
		assert_int_equal(meet(), 0);
		renew();
	}
}

static void peer_comes_later(void)
{
	host.before_poll = say_ready;
	say_hello();
}

/* An interrupted call is made again. */
static void interrupted(void **state)
{
	static const enum host_call calls[] = { HOST_SEND, HOST_RECV, HOST_POLL };

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		host.before_poll = peer_comes_later;
		host_fail(calls[i], 1, EINTR);
		assert_int_equal(meet(), 0);
		assert_true(host_failed(calls[i]));
		renew();
	}
}

/* Before the queue pair was touched the channel is as it was; a second exchange succeeds. */
static void fails_before_connecting(void **state)
{
	static const struct {
		enum host_call call;
		int in, error, rc;
		const char *text;
	} cases[] = {
		{ HOST_MALLOC, 1, ENOMEM, -ENOMEM, "exchange: no memory for 88 bytes" },
		{ HOST_MALLOC, 2, ENOMEM, -ENOMEM, "no memory for a frame of 88 bytes" },
		{ HOST_SEND, 1, EIO, -EIO, "the peer cannot be told: Input/output error" },
		{ HOST_RECV, 1, EIO, -EIO, "the peer cannot be heard: Input/output error" },
		{ HOST_RECV, 1, ECONNRESET, -ECONNRESET, "the peer closed the connection" },
		{ HOST_RECV, 2, ECONNRESET, -ECONNRESET, "in the middle of a frame, after 12 " },
		{ HOST_GETSOCKOPT, 1, ENOTSOCK, -ENOTSOCK, "bv_exchange_fd: descriptor " },
		{ HOST_GETPEERNAME, 1, ENOTCONN, -ENOTCONN, "endpoint is not connected" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say_all();
		host_fail(cases[i].call, cases[i].in, cases[i].error);
		assert_int_equal(meet(), cases[i].rc);
		assert_text(cases[i].text);
		assert_true(host_failed(cases[i].call));
		assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
		assert_int_equal(fake.qp_mask[IBV_QPS_RTR], 0);
		renew();
	}
	say_all();
	assert_int_equal(meet(), 0);
}

/* Nothing is there to hear yet, and waiting for it fails. */
static void cannot_wait(void **state)
{
	(void)state;
	host_fail(HOST_POLL, 1, ENOMEM);
	assert_int_equal(meet(), -ENOMEM);
	assert_text("exchange: cannot wait: Cannot allocate memory");
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
}

static void leave_before(void)
{
	host.before_poll = NULL;
	leave();
}

/* Afterwards it is stopped, and tells why: the peer may be READY, or not. */
static void fails_after_connecting(void **state)
{
	static const struct {
		enum host_call call;
		int in, error, rc;
	} cases[] = {
		{ HOST_SEND, 2, EIO, -EIO },         { HOST_RECV, 3, ENOBUFS, -ENOBUFS },
		{ HOST_MALLOC, 3, ENOMEM, -ENOMEM }, { HOST_POLL, 1, ENOMEM, -ENOMEM },
		{ HOST_CALLS, 0, 0, -ECONNRESET },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say_hello();
		if (cases[i].call == HOST_CALLS)
			host.before_poll = leave_before;
		else
			host_fail(cases[i].call, cases[i].in, cases[i].error);
		if (cases[i].call == HOST_MALLOC || cases[i].call == HOST_RECV)
			say_ready();
		assert_int_equal(meet(), cases[i].rc);
		assert_int_equal(bv_channel_state(ch), BV_CHANNEL_ERROR);
		assert_int_equal(bv_post_send(ch, NULL, 0, 0), -EIO);
		assert_text("its peer did not become ready in the exchange");
		renew();
	}
}

/* The peer is told what this side could not do, and it is in its log. */
static void peer_is_told(void **state)
{
	char text[BVI_FRAME_REASON_MAX + 1];

	(void)state;
	say_hello();
	fake.modify_errno[IBV_QPS_RTR] = ENETUNREACH;
	assert_int_equal(meet(), -ENETUNREACH);
	assert_string_equal(told(text), bv_last_error()->text);
	fake.modify_errno[IBV_QPS_RTR] = 0;
	renew();
	assert_int_equal(write(fd[1], "SSH-2.0-OpenSSH\n", 16), 16);
	assert_int_equal(meet(), -EBADMSG);
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
}

/* Who left may have said why before: that is the error, not the pipe that broke. */
static void peer_told_before_it_left(void **state)
{
	static const int errors[] = { EPIPE, ECONNRESET };
	uint8_t frame[BVI_FRAME_SMALL];
	const size_t size = bvi_failed_encode(-ENOMEM, "out of \x1b[31mmemory", frame);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(write(fd[1], frame, size), size);
		host_fail(HOST_SEND, 1, errors[i]);
		assert_int_equal(meet(), -ECONNABORTED);
		assert_text("exchange: the peer gave up: out of ?[31mmemory");
		renew();
		leave();
		host_fail(HOST_SEND, 1, errors[i]);
		assert_int_equal(meet(), -ECONNRESET);
		assert_text("the peer closed the connection");
		renew();
	}
}

/* It gave up before it had heard us out: there is nobody to tell the rest. */
static void peer_gives_up_early(void **state)
{
	static const uint8_t blob[BV_EXCHANGE_BLOB_MAX];
	struct bv_exchange data = { .blob = blob, .blob_size = sizeof(blob) };
	uint8_t frame[BVI_FRAME_SMALL];
	const size_t size = bvi_failed_encode(-ENOMEM, "no disk", frame);
	const int small = 1;

	(void)state;
	assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	assert_int_equal(write(fd[1], frame, size), size);
	assert_int_equal(bv_exchange_fd(ch, fd[0], &data, BV_FOREVER), -ECONNABORTED);
	assert_text("the peer gave up: no disk");
	/* A whole HELLO is no reason to stop. */
	renew();
	assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	say_all();
	host.before_poll = peer_reads;
	assert_int_equal(bv_exchange_fd(ch, fd[0], &data, BV_FOREVER), 0);
}

/* By the deadline it says how far it came. */
static void deadlines(void **state)
{
	static const uint8_t blob[BV_EXCHANGE_BLOB_MAX];
	struct bv_exchange data = { .blob = blob, .blob_size = sizeof(blob) };
	const int small = 1;

	(void)state;
	fake.tick = BV_MSEC;
	assert_int_equal(bv_exchange_fd(ch, fd[0], NULL, 20 * BV_MSEC), -ETIMEDOUT);
	assert_text("the peer says nothing");
	renew();
	assert_int_equal(write(fd[1], "BVEX\0\1", 6), 6);
	assert_int_equal(bv_exchange_fd(ch, fd[0], NULL, 20 * BV_MSEC), -ETIMEDOUT);
	assert_text("the peer is too slow, 6 bytes of a frame are here");
	renew();
	assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	assert_int_equal(bv_exchange_fd(ch, fd[0], &data, 20 * BV_MSEC), -ETIMEDOUT);
	assert_text("exchange: the peer takes no more, ");
	assert_int_equal(bv_channel_state(ch), BV_CHANNEL_PREPARED);
}

static void no_stream_socket(void **state)
{
	int other;

	(void)state;
	assert_int_equal(bv_exchange_fd(ch, -1, NULL, 0), -EBADF);
	assert_text("bv_exchange_fd: descriptor -1: Bad file descriptor");
	other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bv_exchange_fd(ch, other, NULL, 0), -EOPNOTSUPP);
	assert_text("is no stream socket");
	close(other);
	other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bv_exchange_fd(ch, other, NULL, 0), -ENOTCONN);
	close(other);
}

static void arguments(void **state)
{
	const struct bv_endpoint peer = fake_peer();
	struct bv_remote regions[1];
	uint8_t blob[1];
	const struct {
		struct bv_exchange data;
		const char *text;
	} cases[] = {
		{ { .nregions = BV_EXCHANGE_REGIONS_MAX + 1, .regions = regions }, "nregions is" },
		{ { .blob_size = BV_EXCHANGE_BLOB_MAX + 1, .blob = blob }, "blob_size is" },
		{ { .nregions = 1 }, "its pointer is NULL" },
		{ { .blob_size = 1 }, "its pointer is NULL" },
		{ { .max_peer_regions = 1 }, "its pointer is NULL" },
		{ { .max_peer_blob = 1 }, "its pointer is NULL" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bv_exchange data = cases[i].data;

		assert_int_equal(bv_exchange_fd(ch, fd[0], &data, 0), -EINVAL);
		assert_text(cases[i].text);
	}
	assert_int_equal(bv_exchange_fd(NULL, fd[0], NULL, 0), -EINVAL);
	assert_text("the channel is NULL");
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	assert_int_equal(bv_exchange_fd(ch, fd[0], NULL, 0), -EINVAL);
	assert_text("the channel is READY, it must be PREPARED");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		exchange_test(succeeds),         exchange_test(in_pieces),
		exchange_test(interrupted),      exchange_test(fails_before_connecting),
		exchange_test(cannot_wait),      exchange_test(fails_after_connecting),
		exchange_test(peer_is_told),     exchange_test(peer_told_before_it_left),
		exchange_test(deadlines),        exchange_test(peer_gives_up_early),
		exchange_test(no_stream_socket), exchange_test(arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
