/* SPDX-License-Identifier: MIT */
/*
 * Two ends of an exchange in one process.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct end a, b;

static struct bv_device *dev;
static struct bv_pd *pd;

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * BV_SEC + now.tv_nsec;
}

int rig_main(int argc, char **argv, int (*look)(void), const struct CMUnitTest *tests, size_t n)
{
	const struct bv_open_opts opts = { .provider = argc > 1 ? argv[1] : NULL };
	int rc;

	if (bv_open(NULL, &opts, &dev) < 0 || bv_pd_alloc(dev, &pd) < 0) {
		fprintf(stderr, "%s\n", bv_last_error()->text);
		return 1;
	}
	rc = look ? look() : 0;
	if (rc == 0)
		rc = _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
	bv_pd_free(pd);
	bv_close(dev);
	return rc;
}

static void renew(struct end *end, const char *peer)
{
	/* The first packet must do: a peer that is not ready yet would be an error at once. */
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;

	attr.rnr_retry = 0;
	if (peer)
		assert_int_equal(bv_gid_parse(peer, attr.peer_gid), 0);
	bv_channel_destroy(end->ch);
	end->ch = NULL;
	assert_int_equal(bv_channel_create(pd, &attr, &end->ch), 0);
}

void end_renew(struct end *end)
{
	renew(end, NULL);
}

void end_renew_other_gid(struct end *end)
{
	renew(end, "fe80::1");
}

static void end_setup(struct end *end)
{
	memset(end, 0, sizeof(*end));
	end->fd = -1;
	end->timeout = LONG;
	assert_int_equal(
		bv_mr_reg(pd, end->memory, sizeof(end->memory), BV_ACCESS_SHARED, &end->mr), 0);
	end_renew(end);
}

int rig_setup(void **state)
{
	(void)state;
	end_setup(&a);
	end_setup(&b);
	return 0;
}

int rig_teardown(void **state)
{
	(void)state;
	bv_channel_destroy(a.ch);
	bv_channel_destroy(b.ch);
	bv_mr_dereg(a.mr);
	bv_mr_dereg(b.mr);
	return 0;
}

static void *run(void *argument)
{
	struct end *end = argument;
	const struct timespec delay = { .tv_sec = end->delay / BV_SEC,
					.tv_nsec = end->delay % BV_SEC };

	nanosleep(&delay, NULL);
	if (end->cm)
		end->rc = bv_exchange_cm(end->ch, end->address, end->role, end->data, end->timeout);
	else if (end->address)
		end->rc =
			bv_exchange_tcp(end->ch, end->address, end->role, end->data, end->timeout);
	else
		end->rc = bv_exchange_fd(end->ch, end->fd, end->data, end->timeout);
	if (end->rc < 0)
		snprintf(end->text, sizeof(end->text), "%s", bv_last_error()->text);
	return NULL;
}

void end_start(struct end *end)
{
	assert_int_equal(pthread_create(&end->thread, NULL, run, end), 0);
}

int end_join(struct end *end)
{
	assert_int_equal(pthread_join(end->thread, NULL), 0);
	return end->rc;
}

void pair_sockets(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
}

void free_address(const char *host, int family, char text[64])
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at = { .any.sa_family = (sa_family_t)family };
	socklen_t size = family == AF_INET ? sizeof(at.v4) : sizeof(at.v6);
	const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, &at.any, size) < 0) {
		if (fd >= 0)
			close(fd);
		text[0] = '\0';
		return;
	}
	assert_int_equal(getsockname(fd, &at.any, &size), 0);
	snprintf(text, 64, "%s:%u", host,
		 ntohs(family == AF_INET ? at.v4.sin_port : at.v6.sin6_port));
	close(fd);
}

static void write_word(struct end *from, struct end *to, const struct bv_remote *remote)
{
	const uint64_t word = 0x1234567890abcdefu;
	struct bv_wc wc;
	int64_t work;

	to->memory[0] = 0;
	work = bv_post_write_inline(from->ch, &word, sizeof(word), remote, 0);
	assert_true(work >= 0);
	assert_int_equal(bv_wait(from->ch, work, LONG, &wc), 0);
	assert_int_equal(wc.status, BV_STATUS_SUCCESS);
	assert_int_equal(to->memory[0], word);
}

void assert_connected(const struct bv_remote *of_a, const struct bv_remote *of_b)
{
	assert_int_equal(bv_channel_state(a.ch), BV_CHANNEL_READY);
	assert_int_equal(bv_channel_state(b.ch), BV_CHANNEL_READY);
	write_word(&a, &b, of_b);
	write_word(&b, &a, of_a);
}

/* Whoever looks once says it, and then has no time to hear the answer. */
size_t hello_of(struct end *end, struct bv_exchange *data, uint8_t hello[HELLO_MAX])
{
	int own[2];
	ssize_t size;

	pair_sockets(own);
	assert_int_equal(bv_exchange_fd(end->ch, own[0], data, 0), -ETIMEDOUT);
	assert_int_equal(bv_channel_state(end->ch), BV_CHANNEL_PREPARED);
	size = recv(own[1], hello, HELLO_MAX, MSG_DONTWAIT);
	assert_in_range(size, 88, HELLO_MAX);
	close(own[0]);
	close(own[1]);
	return (size_t)size;
}

/* CRC-32C, bit by bit: another one than the library's. */
void hello_seal(uint8_t *frame, size_t size)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < size - 4; i++) {
		crc ^= frame[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	crc = htonl(~crc);
	memcpy(frame + size - 4, &crc, 4);
}

void assert_unharmed(void)
{
	int own[2];

	assert_int_equal(bv_channel_state(a.ch), BV_CHANNEL_PREPARED);
	pair_sockets(own);
	a.fd = own[0];
	b.fd = own[1];
	a.data = b.data = NULL;
	a.address = b.address = NULL;
	end_start(&b);
	end_start(&a);
	assert_int_equal(end_join(&a), 0);
	assert_int_equal(end_join(&b), 0);
	close(own[0]);
	close(own[1]);
}
