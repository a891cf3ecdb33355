/* SPDX-License-Identifier: MIT */
/*
 * Exchanges with whatever a socket may hold: each ends with a clear error and by its deadline, and the
 * channel is as good as before.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int fd[2];

static int setup(void **state)
{
	rig_setup(state);
	pair_sockets(fd);
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return rig_teardown(state);
}

#define pair_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void renew_pair(void)
{
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	pair_sockets(fd);
}

static void tell(const void *bytes, size_t size)
{
	assert_int_equal(send(fd[1], bytes, size, MSG_NOSIGNAL), size);
}

static void leave(void)
{
	close(fd[1]);
	fd[1] = -1;
}

/* Side a's exchange, with everything that the peer will ever say sent before. */
static int meet(struct bv_exchange *data, int64_t timeout)
{
	const int64_t begin = now_ns();
	const int rc = bv_exchange_fd(a.ch, fd[0], data, timeout);

	assert_true(now_ns() - begin <= timeout + SLACK);
	if (rc < 0)
		assert_int_equal(bv_last_error()->code, rc);
	return rc;
}

static void silent(void **state)
{
	const int64_t begin = now_ns();

	(void)state;
	assert_int_equal(meet(NULL, SHORT), -ETIMEDOUT);
	assert_text("the peer says nothing");
	assert_true(now_ns() - begin >= SHORT);
	assert_int_equal(meet(NULL, 0), -ETIMEDOUT);
	assert_int_equal(meet(NULL, -1), -ETIMEDOUT);
	assert_unharmed();
}

static void garbage(void **state)
{
	uint8_t noise[4096];

	(void)state;
	tell("GET / HTTP/1.1\r\n", 16);
	assert_int_equal(meet(NULL, LONG), -EBADMSG);
	assert_text("no bareverbs exchange: it began with 0x47455420");
	srand(1);
	for (int round = 0; round < 50; round++) {
		renew_pair();
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (uint8_t)rand();
		tell(noise, sizeof(noise));
		assert_int_equal(meet(NULL, LONG), -EBADMSG);
	}
	assert_unharmed();
}

/* Closing after each byte of what a good peer says. */
static void gone_at_each_byte(void **state)
{
	uint8_t hello[HELLO_MAX];
	const size_t size = hello_of(&b, NULL, hello);

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		renew_pair();
		tell(hello, cut);
		leave();
		assert_int_equal(meet(NULL, LONG), -ECONNRESET);
		assert_text("closed the connection");
	}
	assert_unharmed();
}

static void each_bit_flipped(void **state)
{
	uint8_t hello[HELLO_MAX];
	const size_t size = hello_of(&b, NULL, hello);

	(void)state;
	for (size_t bit = 0; bit < 8 * size; bit++) {
		int rc;

		renew_pair();
		hello[bit / 8] ^= (uint8_t)(1u << bit % 8);
		tell(hello, size);
		leave();
		hello[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rc = meet(NULL, LONG);
		/* A length that became longer is waited for; another version is said to be one. */
		assert_true(rc == -EBADMSG || rc == -ECONNRESET ||
			    (rc == -EPROTO && bit / 8 >= 4 && bit / 8 <= AT_VERSION));
	}
	assert_unharmed();
}

/* The n-th byte is @value, and the checksum fits. */
static int altered(size_t at, uint8_t value)
{
	uint8_t hello[HELLO_MAX];
	const size_t size = hello_of(&b, NULL, hello);

	renew_pair();
	hello[at] = value;
	hello_seal(hello, size);
	tell(hello, size);
	leave();
	return meet(NULL, LONG);
}

static void sealed_but_wrong(void **state)
{
	(void)state;
	assert_int_equal(altered(AT_VERSION, 9), -EPROTO);
	assert_text("exchange of version 9; this library has version 1");
	assert_int_equal(altered(AT_ENDPOINT_VERSION, 7), -EBADMSG); /* its own checksum */
	assert_int_equal(altered(AT_TYPE, 0), -EBADMSG);
	assert_int_equal(altered(AT_TYPE, 2), -EBADMSG); /* READY has no body */
	assert_int_equal(altered(AT_TYPE, 4), -EBADMSG);
	assert_int_equal(altered(AT_NREGIONS + 3, 1), -EBADMSG); /* a region more than there is */
	assert_text("1 regions and 0 bytes has 0 bytes for them");
	assert_int_equal(altered(AT_NREGIONS, 0xff), -EBADMSG);
	assert_int_equal(altered(AT_BLOB_SIZE, 0xff), -EBADMSG);
	assert_unharmed();
}

/* 4 GiB announced: nothing of it is allocated or waited for. */
static void huge_length(void **state)
{
	uint8_t hello[HELLO_MAX];

	(void)state;
	hello_of(&b, NULL, hello);
	memset(hello + AT_LENGTH, 0xff, 4);
	tell(hello, 12);
	assert_int_equal(meet(NULL, LONG), -EBADMSG);
	assert_text("4294967295 bytes");
	assert_unharmed();
}

static atomic_bool stop;

/* One byte now and then, and never the last. */
static void *drip(void *argument)
{
	const struct timespec pause = { .tv_nsec = 2 * BV_MSEC };
	const uint8_t *hello = argument;

	for (size_t i = 0; !atomic_load(&stop) && i < 80; i++) {
		send(fd[1], hello + i, 1, MSG_NOSIGNAL);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void slow_drip(void **state)
{
	uint8_t hello[HELLO_MAX];
	pthread_t thread;

	(void)state;
	hello_of(&b, NULL, hello);
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, drip, hello), 0);
	assert_int_equal(meet(NULL, SHORT), -ETIMEDOUT);
	assert_text("too slow");
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_unharmed();
}

/* A peer that never reads: what we say stays in the socket, then in our hands. */
static void takes_nothing(void **state)
{
	static uint8_t blob[BV_EXCHANGE_BLOB_MAX];
	struct bv_exchange data = { .blob = blob, .blob_size = sizeof(blob) };
	const int little = 1;

	(void)state;
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
	setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	assert_int_equal(meet(&data, SHORT), -ETIMEDOUT);
	assert_text("the peer takes no more");
	assert_unharmed();
}

static void no_room(void **state)
{
	struct bv_remote regions[2] = { bv_mr_remote(b.mr), bv_mr_remote(b.mr) }, room;
	struct bv_exchange tells = {
		.regions = regions, .nregions = 2, .blob = "1", .blob_size = 1
	};
	struct bv_exchange hears = { .peer_regions = &room, .max_peer_regions = 1 };

	(void)state;
	a.fd = fd[0];
	a.data = &hears;
	b.fd = fd[1];
	b.data = &tells;
	end_start(&b);
	end_start(&a);
	assert_int_equal(end_join(&a), -EMSGSIZE);
	assert_non_null(strstr(a.text, "2 regions, and there is room for 1"));
	/* Both logs tell it. */
	assert_int_equal(end_join(&b), -ECONNABORTED);
	assert_non_null(strstr(b.text, "the peer gave up: exchange: the peer tells 2 regions"));
	assert_int_equal(hears.npeer_regions, 0);
	renew_pair();
	end_renew(&b);
	a.fd = fd[0];
	b.fd = fd[1];
	tells.nregions = 1;
	end_start(&b);
	end_start(&a);
	assert_int_equal(end_join(&a), -EMSGSIZE);
	assert_non_null(strstr(a.text, "blob of 1 bytes"));
	end_join(&b);
	end_renew(&b);
	assert_unharmed();
}

/* The peer says who it is, and then not that it is ready. */
static void never_ready(void **state)
{
	struct bv_scatter recv = bv_scatter(a.mr, a.memory, 64);
	uint8_t hello[HELLO_MAX];
	const size_t size = hello_of(&b, NULL, hello);
	struct bv_wc wc;
	int64_t work;

	(void)state;
	work = bv_post_recv(a.ch, &recv, 1);
	assert_true(work >= 0);
	tell(hello, size);
	assert_int_equal(meet(NULL, SHORT), -ETIMEDOUT);
	/* What was posted comes back. */
	assert_int_equal(bv_channel_state(a.ch), BV_CHANNEL_ERROR);
	assert_int_equal(bv_wait(a.ch, work, LONG, &wc), -EIO);
	assert_int_equal(wc.status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	assert_int_equal(meet(NULL, LONG), -EINVAL);
	assert_text("is ERROR, it must be PREPARED");
	assert_int_equal(bv_channel_reset(a.ch), 0);
	renew_pair();
	tell(hello, size);
	leave();
	assert_int_equal(meet(NULL, LONG), -ECONNRESET);
	end_renew(&a);
	renew_pair();
	tell(hello, size);
	tell(hello, size);
	assert_int_equal(meet(NULL, LONG), -EBADMSG);
	assert_text("a frame of type 1 where 2 was due");
}

/* A reason that plays with the terminal is printed with question marks. */
static void rude_reason(void **state)
{
	uint8_t frame[40] = { 'B', 'V', 'E', 'X', 0, 1, 0, 3, 0, 0, 0, 24, 0, 0, 0, 5 };

	(void)state;
	memcpy(frame + 16, "no\033[2Jdisk\n\200today", 18);
	frame[34] = frame[35] = '.';
	hello_seal(frame, sizeof(frame));
	tell(frame, sizeof(frame));
	assert_int_equal(meet(NULL, LONG), -ECONNABORTED);
	assert_text("the peer gave up: no?[2Jdisk\n?today");
	assert_unharmed();
}

/* Both find out by themselves, both before anything is connected. */
static void cannot_reach_each_other(void **state)
{
	(void)state;
	end_renew_other_gid(&b);
	a.fd = fd[0];
	b.fd = fd[1];
	end_start(&a);
	end_start(&b);
	assert_int_equal(end_join(&a), -EPROTONOSUPPORT);
	assert_int_equal(end_join(&b), -EPROTONOSUPPORT);
	assert_non_null(strstr(a.text, "not of one IP version"));
	assert_int_equal(bv_channel_state(b.ch), BV_CHANNEL_PREPARED);
	end_renew(&b);
	assert_unharmed();
}

static void ignore(int signal)
{
	(void)signal;
}

/* Signals shorten no wait, and prolong none. */
static void interrupted(void **state)
{
	const struct sigaction action = { .sa_handler = ignore };
	const struct timespec pause = { .tv_nsec = 10 * BV_MSEC };
	struct sigaction before;
	const int64_t begin = now_ns();

	(void)state;
	sigaction(SIGUSR1, &action, &before);
	a.fd = fd[0];
	a.timeout = 300 * BV_MSEC;
	end_start(&a);
	for (int i = 0; i < 20; i++) {
		pthread_kill(a.thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	assert_int_equal(end_join(&a), -ETIMEDOUT);
	assert_true(now_ns() - begin >= 300 * BV_MSEC);
	sigaction(SIGUSR1, &before, NULL);
	assert_unharmed();
}

static void arguments(void **state)
{
	struct bv_remote region = bv_mr_remote(a.mr);
	struct bv_exchange data = { .regions = &region, .nregions = BV_EXCHANGE_REGIONS_MAX + 1 };
	const int packets = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int alone = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bv_exchange_fd(NULL, fd[0], NULL, 0), -EINVAL);
	assert_int_equal(meet(&data, 0), -EINVAL);
	assert_text("nregions is 1025; the limit is 1024");
	data = (struct bv_exchange){ .blob = "", .blob_size = BV_EXCHANGE_BLOB_MAX + 1 };
	assert_int_equal(meet(&data, 0), -EINVAL);
	assert_text("blob_size is 65537");
	data = (struct bv_exchange){ .nregions = 1 };
	assert_int_equal(meet(&data, 0), -EINVAL);
	data = (struct bv_exchange){ .blob_size = 1 };
	assert_int_equal(meet(&data, 0), -EINVAL);
	data = (struct bv_exchange){ .max_peer_regions = 1 };
	assert_int_equal(meet(&data, 0), -EINVAL);
	data = (struct bv_exchange){ .max_peer_blob = 1 };
	assert_int_equal(meet(&data, 0), -EINVAL);
	assert_text("its pointer is NULL");
	assert_int_equal(bv_exchange_fd(a.ch, -1, NULL, 0), -EBADF);
	assert_int_equal(bv_exchange_fd(a.ch, STDIN_FILENO, NULL, 0), -ENOTSOCK);
	assert_int_equal(bv_exchange_fd(a.ch, packets, NULL, 0), -EOPNOTSUPP);
	assert_int_equal(bv_exchange_fd(a.ch, alone, NULL, 0), -ENOTCONN);
	close(packets);
	close(alone);
	assert_unharmed();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		pair_test(silent),
		pair_test(garbage),
		pair_test(gone_at_each_byte),
		pair_test(each_bit_flipped),
		pair_test(sealed_but_wrong),
		pair_test(huge_length),
		pair_test(slow_drip),
		pair_test(takes_nothing),
		pair_test(no_room),
		pair_test(never_ready),
		pair_test(rude_reason),
		pair_test(cannot_reach_each_other),
		pair_test(interrupted),
		pair_test(arguments),
	};

	return rig_main(argc, argv, NULL, tests, sizeof(tests) / sizeof(tests[0]));
}
