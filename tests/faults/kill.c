/* SPDX-License-Identifier: MIT */
/*
 * kill PROVIDER POINTS: the peer dies by SIGKILL in the middle of traffic, at a packet that is
 * drawn anew each time, from a sequence that repeats. This side's works all end, once, in order and
 * by the deadline: with success, then one with "retry exceeded", then flushes.
 *
 * Both sides step their devices themselves (`mlx5emu run --manual`), and the clock of this one moves
 * only once the peer is dead. So no peer is given up because the host is busy, and the time from the
 * death to the failure is the retry budget to the tick. The peer is made by fork() before this
 * process opens a device, and kills itself by a fault plan.
 *
 * A side's memory, in works of BYTES each but for the first page and the last eight bytes:
 *
 *	| what the peer's writes come to | own[DEPTH] | free | what the peer reads[DEPTH] | counter |
 */
#include "device.h"
#include "pair.h"

#include <errno.h>
#include <poll.h>
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
	OWN = 4096,
	READ = MEMORY / 2,
	COUNTER = MEMORY - 8,
	FARTHEST = 400, /* packets until the kill */
	ACK_TIMEOUT = 13,
	RETRIES = 7,
	BORN = 0xa5, /* what a side's memory is full of at first */
	CANARY = 0xc4,
};

#define ROUND_NS (INT64_C(4096) << ACK_TIMEOUT) /* IBA vol 1, 9.7.6.1.3 */
#define BUDGET_NS ((RETRIES + 1) * ROUND_NS)
#define TICK_NS BV_MSEC
#define PATIENCE_S 100 /* of the host, in its own time */

static const char *provider;

struct side {
	struct bv_device *dev;
	struct bv_pd *pd;
	struct bv_mr *mr;
	struct bv_channel *ch;
	struct bv_remote peer;
	uint8_t *memory;
	int64_t begin; /* by the device's clock */
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
	const unsigned access = BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC;
	struct bv_channel_attr attr = pair_attr();
	struct hello own, other;
	char c = 0;

	attr.max_send = DEPTH;
	attr.ack_timeout = ACK_TIMEOUT;
	attr.retry = RETRIES;
	*s = (struct side){ .fd = fd, .memory = aligned_alloc(4096, MEMORY) };
	expect(s->memory != NULL, "memory");
	memset(s->memory, BORN, MEMORY);
	memset(s->memory + COUNTER, 0, MEMORY - COUNTER);
	expect_rc(bv_open(NULL, &(struct bv_open_opts){ .provider = provider }, &s->dev), NULL,
		  "open the device");
	device_need_manual();
	s->begin = device_now();
	expect_rc(bv_pd_alloc(s->dev, &s->pd), NULL, "protection domain");
	expect_rc(bv_mr_reg(s->pd, s->memory, MEMORY, access, &s->mr), NULL, "register");
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
	device_check_closed();
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
		if (rc != -EAGAIN)
			expect_rc(rc, s.ch, "the peer lives until its packet");
		if (!device_step() && bv_poll_send(s.ch, wc, DEPTH) <= 0)
			sched_yield();
	}
}

/* ---- this side ---- */

static uint8_t *own(const struct side *s, unsigned i)
{
	return s->memory + OWN + (size_t)(i % DEPTH) * BYTES;
}

static int64_t post(struct side *s, unsigned i)
{
	const size_t at = (size_t)(i % DEPTH) * BYTES;
	const struct bv_remote written = bv_remote_slice_unchecked(&s->peer, OWN + at, BYTES);
	const struct bv_remote read = bv_remote_slice_unchecked(&s->peer, READ + at, BYTES);
	const struct bv_remote counter = bv_remote_slice_unchecked(&s->peer, COUNTER, 8);

	memset(own(s, i), 0, BYTES);
	switch (i % 4) {
	case 0:
		return bv_post_read(s->ch, &bv_scatter(s->mr, own(s, i), BYTES), 1, &read, 0);
	case 1:
		return bv_post_fetch_add(s->ch, &bv_scatter(s->mr, own(s, i), 8), &counter, 1, 0);
	default:
		return bv_post_write(s->ch, &bv_gather(s->mr, own(s, i), BYTES), 1, &written, 0);
	}
}

static bool is_all(const uint8_t *at, size_t size, uint8_t value)
{
	return at[0] == value && memcmp(at, at + 1, size - 1) == 0;
}

/* What a work that succeeded has brought: one more of each atomic before it. */
static void check_brought(const struct side *s, unsigned i)
{
	uint64_t count;

	memcpy(&count, own(s, i), sizeof(count));
	if (i % 4 == 0)
		expect(is_all(own(s, i), BYTES, BORN), "the bytes of a read");
	if (i % 4 == 1)
		expect(count == i / 4, "each atomic is executed once");
}

static bool peer_is_dead(const struct side *s)
{
	struct pollfd pfd = { .fd = s->fd };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP);
}

/* Only a dead peer is waited for in the device's time; the host's is unlimited, but for alarm(). */
static void pass_time(const struct side *s)
{
	if (device_step())
		return;
	if (peer_is_dead(s))
		device_advance(TICK_NS);
	else
		sched_yield();
	expect(device_now() - s->begin <= BUDGET_NS + (RETRIES + 1) * TICK_NS,
	       "every work ends within the retry time");
}

/* Reaps until all that was posted has ended; keeps the queue full until the first failure. */
static void work_until_failure(struct side *s)
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

			expect(wc[k].work == done, "each work completes once, in order");
			if (!failed && wc[k].status == BV_STATUS_SUCCESS) {
				check_brought(s, done++);
				continue;
			}
			expect(wc[k].status == wanted, "retry exceeded, then flushes");
			failed = true;
			done++;
		}
		if (n == 0)
			pass_time(s);
	}
	expect(device_now() - s->begin >= BUDGET_NS, "no peer is given up before the retry time");
}

/* Whatever is still on its way, or comes in another retry time: the buffers are ours. */
static void expect_still(struct side *s)
{
	const int64_t end = device_now() + BUDGET_NS;
	struct bv_event event;
	struct bv_wc wc;

	memset(s->memory, CANARY, MEMORY);
	while (device_step() || device_now() < end)
		device_advance(TICK_NS);
	expect(is_all(s->memory, MEMORY, CANARY), "nothing writes into buffers that came back");
	expect(bv_poll(s->ch, &wc, 1) <= 0, "no completion is left");
	expect(bv_device_event(s->dev, &event) == 0, "a peer's death is no event");
	expect(bv_channel_state(s->ch) == BV_CHANNEL_ERROR, "the channel is in error");
}

static void die_at(unsigned packet)
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
	alarm(PATIENCE_S);
	side_open(&s, fds[0]);
	work_until_failure(&s);
	expect_still(&s);
	expect(waitpid(pid, &status, 0) == pid, "wait for the peer");
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the peer was killed");
	side_close(&s);
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
