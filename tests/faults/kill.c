/* SPDX-License-Identifier: MIT */
/*
 * kill PROVIDER POINTS: the peer dies by SIGKILL in the middle of traffic, at a packet that is
 * drawn anew each time, from a sequence that repeats. This side's works all end, once, in order and
 * by the deadline: with success, then one with "retry exceeded", then flushes.
 *
 * The peer is made by fork() before this process opens a device, and kills itself by a fault plan.
 */
#include "device.h"
#include "pair.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	DEPTH = 16,
	MEMORY = 1 << 20,
	BYTES = 5000,
	FARTHEST = 400, /* packets until the kill */
	STARVED = 3,    /* exit status of a victim whose own channel failed first */
	ATTEMPTS = 3,
};

#define LIMIT_NS (5 * BV_SEC)

static const char *provider;

struct side {
	struct bv_device *dev;
	struct bv_pd *pd;
	struct bv_mr *mr;
	struct bv_channel *ch;
	struct bv_remote peer;
	uint8_t *memory;
	int fd;
};

struct hello {
	struct bv_endpoint ep;
	struct bv_remote memory;
};

static void transfer(int fd, struct hello *own, struct hello *other)
{
	expect(write(fd, own, sizeof(*own)) == sizeof(*own), "tell the peer");
	expect(read(fd, other, sizeof(*other)) == sizeof(*other), "hear of the peer");
}

static void side_open(struct side *s, int fd)
{
	struct bv_channel_attr attr = pair_attr();
	struct hello own, other;
	char c = 0;

	attr.max_send = DEPTH;
	attr.ack_timeout = 13; /* 8 times 34 ms */
	*s = (struct side){ .fd = fd, .memory = aligned_alloc(4096, MEMORY) };
	expect(s->memory != NULL, "memory");
	memset(s->memory, 0, MEMORY);
	expect_rc(bv_open(NULL, &(struct bv_open_opts){ .provider = provider }, &s->dev), NULL,
		  "open the device");
	expect_rc(bv_pd_alloc(s->dev, &s->pd), NULL, "protection domain");
	expect_rc(bv_mr_reg(s->pd, s->memory, MEMORY, BV_ACCESS_SHARED, &s->mr), NULL, "register");
	expect_rc(bv_channel_create(s->pd, &attr, &s->ch), NULL, "channel");
	expect_rc(bv_channel_endpoint(s->ch, &own.ep), s->ch, "endpoint");
	own.memory = bv_mr_remote(s->mr);
	transfer(fd, &own, &other);
	s->peer = other.memory;
	expect_rc(bv_channel_connect(s->ch, &other.ep), s->ch, "connect");
	expect(write(fd, &c, 1) == 1 && read(fd, &c, 1) == 1, "both are ready");
}

static void side_close(struct side *s)
{
	bv_channel_destroy(s->ch);
	bv_mr_dereg(s->mr);
	device_check();
	bv_pd_free(s->pd);
	bv_close(s->dev);
	free(s->memory);
	close(s->fd);
}

/* Writes back as fast as it can, so that packets of all kinds meet the end. */
static void victim(int fd, unsigned packet)
{
	struct side s;
	char plan[80];

	snprintf(plan, sizeof(plan), "kill nth=%u; kill direction=in nth=%u", packet, packet);
	side_open(&s, fd);
	device_plan(plan);
	for (;;) {
		struct bv_wc wc[DEPTH];
		int64_t rc;

		rc = bv_post_write(s.ch, &bv_gather(s.mr, s.memory, 64), 1, &s.peer, 0);
		if (rc < 0 && rc != -EAGAIN)
			_exit(STARVED);
		if (bv_poll_send(s.ch, wc, DEPTH) <= 0)
			sched_yield();
	}
}

static int64_t post(struct side *s, unsigned i)
{
	const size_t at = 4096 + (size_t)(i % DEPTH) * BYTES;
	const struct bv_remote there = bv_remote_slice_unchecked(&s->peer, at, BYTES);

	if (i % 3 == 2)
		return bv_post_read(s->ch, &bv_scatter(s->mr, s->memory + at, BYTES), 1, &there, 0);
	return bv_post_write(s->ch, &bv_gather(s->mr, s->memory + at, BYTES), 1, &there, 0);
}

/* Reaps until all that was posted has ended; keeps the queue full until the first failure. */
static void work_until_failure(struct side *s, int64_t end)
{
	unsigned posted = 0, done = 0;
	bool failed = false;
	struct bv_wc wc[4];
	int n;

	while (!failed || done < posted) {
		while (!failed && posted - done < DEPTH) {
			const int64_t work = post(s, posted);

			if (work == -EIO)
				break;
			expect_rc(work, s->ch, "post");
			expect(work == posted++, "handles count");
		}
		n = bv_poll_send(s->ch, wc, 4);
		expect_rc(n, s->ch, "poll");
		for (int k = 0; k < n; k++) {
			const enum bv_status wanted = failed ? BV_STATUS_WORK_REQUEST_FLUSH_ERROR :
							       BV_STATUS_RETRY_EXCEEDED_ERROR;

			expect(wc[k].work == done++, "each work completes once, in order");
			if (!failed && wc[k].status == BV_STATUS_SUCCESS)
				continue;
			expect(wc[k].status == wanted, "retry exceeded, then flushes");
			failed = true;
		}
		if (n == 0)
			sched_yield();
		expect(pair_now() < end, "every work ends by the deadline");
	}
	expect(bv_poll_send(s->ch, wc, 4) <= 0, "no completion is left");
}

/* False: a machine so busy that one side did not run for the other's patience, before the kill. */
static bool one_death(unsigned packet)
{
	int fds[2], status;
	struct side s;
	pid_t pid;

	expect(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "socket pair");
	pid = fork();
	expect(pid >= 0, "fork");
	if (pid == 0) {
		close(fds[0]);
		victim(fds[1], packet);
	}
	close(fds[1]);
	side_open(&s, fds[0]);
	work_until_failure(&s, pair_now() + LIMIT_NS);
	expect(waitpid(pid, &status, 0) == pid, "wait for the peer");
	expect(bv_channel_state(s.ch) == BV_CHANNEL_ERROR, "the channel is in error");
	side_close(&s);
	if (WIFEXITED(status) && WEXITSTATUS(status) == STARVED)
		return false;
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the peer was killed");
	return true;
}

static void die_at(unsigned packet)
{
	unsigned attempts = 1;

	while (!one_death(packet)) {
		printf("starved before packet %u\n", packet);
		expect(attempts++ < ATTEMPTS, "the peer lives until its packet");
	}
}

int main(int argc, char **argv)
{
	uint64_t random = 0x9e3779b97f4a7c15;
	unsigned files = 0;

	device_need();
	if (argc != 3)
		return 2;
	provider = argv[1];
	for (int i = 0; i < atoi(argv[2]); i++) {
		die_at(1 + (unsigned)(pair_random(&random) % FARTHEST));
		if (i == 0)
			files = device_files();
	}
	expect(device_files() == files, "no file descriptor is left behind");
	printf("%s deaths\n", argv[2]);
	return 0;
}
