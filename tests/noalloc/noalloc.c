/* SPDX-License-Identifier: MIT */
/*
 * Between connect and destroy, posting and polling allocate nothing, take no lock and make no
 * system call: all operations, each provider, rings come round, full queues and waits included.
 *
 * The device is opened and connected by the main thread. A thread of its own is watched while it
 * uses the channels. It spins where others would sleep.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bareverbs/bareverbs.h>

#include "count.h"

enum {
	EXIT_SKIP = 77,
	QUEUE = 64,
	ROUNDS = 200, /* of 12 sends and 8 receives: every ring comes round */
	PIECES = 4,
	BYTES = 4096,
};

struct end {
	struct bv_channel *ch;
	struct bv_endpoint ep;
	_Alignas(8) uint8_t memory[BYTES];
	struct bv_mr *mr;
};

static struct bv_device *dev;
static struct bv_pd *pd;
static struct end a, b;

/* What the watched thread found. */
static struct counts control, used;
static const char *failure;

static int die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, bv_last_error()->text);
	return EXIT_FAILURE;
}

static bool open_end(struct end *end)
{
	const char *const completions = getenv("BV_TEST_COMPLETIONS");
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;

	if (completions)
		attr.completions = (unsigned)atoi(completions);
	attr.max_send = QUEUE;
	attr.max_recv = QUEUE;
	attr.rnr_retry = BV_RNR_RETRY_FOREVER;
	attr.access |= BV_ACCESS_REMOTE_ATOMIC;
	return bv_mr_reg(pd, end->memory, BYTES, BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC,
			 &end->mr) == 0 &&
	       bv_channel_create(pd, &attr, &end->ch) == 0 &&
	       bv_channel_endpoint(end->ch, &end->ep) == 0;
}

static void close_end(struct end *end)
{
	bv_channel_destroy(end->ch);
	bv_mr_dereg(end->mr);
}

/* The counters count: one of each is seen as one of each. */
static void count_deliberately(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	void *volatile memory;

	memory = malloc(16);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	syscall(SYS_getppid);
	control = count_read();
	free(memory);
	count_reset();
}

static bool expect(bool good, const char *what)
{
	if (!good && !failure)
		failure = what;
	return good;
}

/* Twelve works, eight of which take a receive. */
static int64_t post_all(void)
{
	const struct bv_remote remote = bv_mr_remote(b.mr);
	struct bv_gather from[PIECES];
	struct bv_scatter to[PIECES];
	int64_t bad = 0;

	for (unsigned i = 0; i < PIECES; i++) {
		from[i] = bv_gather_unchecked(a.mr, a.memory + 64 * i, i * 7);
		to[i] = bv_scatter_unchecked(a.mr, a.memory + 1024 + 64 * i, i * 7);
	}
	for (unsigned i = 0; i < 8; i++) {
		struct bv_scatter into = bv_scatter_unchecked(b.mr, b.memory + 2048, 512);

		bad |= bv_post_recv(b.ch, &into, 1);
	}
	bad |= bv_post_send(a.ch, from, PIECES, BV_UNSIGNALED);
	bad |= bv_post_send(a.ch, NULL, 0, 0);
	bad |= bv_post_send_imm(a.ch, from, 1, 1, BV_SOLICITED);
	bad |= bv_post_send_imm(a.ch, NULL, 0, 2, BV_UNSIGNALED);
	bad |= bv_post_send_inline(a.ch, a.memory, 33, 0);
	bad |= bv_post_send_inline_imm(a.ch, a.memory, 128, 3, 0);
	bad |= bv_post_write(a.ch, from, PIECES, &remote, BV_FENCE);
	bad |= bv_post_write_imm(a.ch, from, PIECES, &remote, 4, 0);
	bad |= bv_post_write_inline(a.ch, a.memory, 8, &remote, BV_UNSIGNALED);
	bad |= bv_post_write_inline_imm(a.ch, a.memory, 0, &remote, 5, 0);
	bad |= bv_post_read(a.ch, to, PIECES, &remote, 0);
	bad |= bv_post_write_unchecked(a.ch, from, 1, &remote, 0);
	return bad;
}

/* A chain with one doorbell, and a batch that has atomics in it. */
static int64_t post_chains(void)
{
	const struct bv_remote remote = bv_mr_remote(b.mr);
	const struct bv_gather from = bv_gather_unchecked(a.mr, a.memory, 64);
	const struct bv_scatter result = bv_scatter_unchecked(a.mr, a.memory + 1024, 8);
	const struct bv_request requests[] = {
		{ .op = BV_REQUEST_WRITE, .gather = &from, .nsge = 1, .remote = &remote },
		{ .op = BV_REQUEST_FETCH_ADD, .scatter = &result, .remote = &remote, .add = 1 },
		{ .op = BV_REQUEST_COMPARE_SWAP, .scatter = &result, .remote = &remote },
	};
	int64_t bad = 0;

	bad |= bv_post_write_inline(a.ch, a.memory, 8, &remote, BV_MORE);
	bad |= bv_post_write_inline(a.ch, a.memory, 100, &remote, BV_MORE | BV_UNSIGNALED);
	bad |= bv_flush(a.ch);
	bad |= bv_post_fetch_add(a.ch, &result, &remote, 1, 0);
	bad |= bv_post_compare_swap(a.ch, &result, &remote, 1, 2, BV_FENCE);
	return bad | bv_post_batch(a.ch, requests, 3);
}

/* Until the channel's sends are done and @receives have come. */
static bool reap(struct bv_channel *ch, unsigned round, unsigned receives)
{
	const int64_t last = bv_last_posted(ch);
	struct bv_wc wc[16];

	while ((last >= 0 && !bv_work_done(ch, last)) || receives > 0) {
		const int n = round % 2 ? bv_poll(ch, wc, 16) : bv_poll(ch, wc, 1);

		if (!expect(n >= 0, "poll"))
			return false;
		for (int i = 0; i < n; i++) {
			receives -= (wc[i].work & BV_WORK_RECV) != 0;
			if (!expect(wc[i].status == BV_STATUS_SUCCESS, "a work failed"))
				return false;
		}
	}
	return true;
}

static bool use_waits(void)
{
	const struct bv_remote remote = bv_mr_remote(b.mr);
	const struct bv_gather from = bv_gather_unchecked(a.mr, a.memory, 8);
	const struct bv_scatter into = bv_scatter_unchecked(a.mr, a.memory, 8);
	struct bv_wc wc;
	int64_t work;

	if (!expect(bv_write(a.ch, &from, 1, &remote, 60 * BV_SEC) == 0, "bv_write") ||
	    !expect(bv_read(a.ch, &into, 1, &remote, 60 * BV_SEC) == 0, "bv_read"))
		return false;
	work = bv_post_recv(b.ch, NULL, 0);
	if (!expect(bv_test(b.ch, work, &wc) == 0, "bv_test") ||
	    !expect(bv_wait(b.ch, work, 10 * BV_USEC, &wc) == -ETIMEDOUT, "time-out") ||
	    !expect(bv_send_imm(a.ch, NULL, 0, 7, 60 * BV_SEC) == 0, "bv_send_imm"))
		return false;
	return expect(bv_wait(b.ch, work, 60 * BV_SEC, &wc) == 0 && wc.imm == 7, "bv_wait");
}

static bool fill_queue(void)
{
	const struct bv_remote remote = bv_mr_remote(b.mr);
	int64_t work;

	for (unsigned i = 0; i <= QUEUE; i++) {
		work = bv_post_write_inline(a.ch, &i, sizeof(i), &remote, BV_UNSIGNALED);
		if (!expect(work == -EAGAIN ? i == QUEUE : i < QUEUE && work >= 0, "full queue"))
			return false;
	}
	/* The last of them may be unsignaled: one more to wait for. */
	do {
		struct bv_wc wc;

		if (!expect(bv_poll_send(a.ch, &wc, 1) >= 0, "poll"))
			return false;
		work = bv_post_write_inline(a.ch, &remote, 8, &remote, 0);
	} while (work == -EAGAIN);
	return reap(a.ch, 0, 0);
}

static bool one_round(unsigned round)
{
	return expect(post_all() >= 0, "post") && reap(a.ch, round, 0) && reap(b.ch, round, 8) &&
	       expect(post_chains() >= 0, "chains") && reap(a.ch, round, 0) && use_waits() &&
	       fill_queue();
}

/* The first allocation of a thread makes its arena: that is not what is counted. */
static void warm_up(void)
{
	void *volatile memory = malloc(16);

	free(memory);
}

static void *watched(void *argument)
{
	(void)argument;
	warm_up();
	if (count_begin() < 0) {
		failure = "seccomp";
		return NULL;
	}
	count_deliberately();
	for (unsigned round = 0; !failure && round < ROUNDS; round++)
		one_round(round);
	used = count_read();
	count_exit_thread();
}

static bool report(const char *provider)
{
	Dl_info where = { .dli_fname = "nothing" };

	printf("%s: %d rounds: %lu allocations, %lu locks, %lu system calls\n", provider, ROUNDS,
	       used.allocations, used.locks, used.syscalls);
	if (used.first_call && dladdr(used.first_call, &where) == 0)
		where.dli_sname = NULL;
	if (control.allocations != 1 || control.locks != 1 || control.syscalls != 1) {
		fprintf(stderr, "the counters do not count: %lu %lu %lu\n", control.allocations,
			control.locks, control.syscalls);
		return false;
	}
	if (used.allocations || used.locks || used.syscalls)
		fprintf(stderr, "first allocation or lock in %s (%s), first system call %d\n",
			where.dli_fname, where.dli_sname ? where.dli_sname : "?",
			used.first_syscall);
	return !used.allocations && !used.locks && !used.syscalls;
}

static int run(const char *provider)
{
	pthread_t thread;

	if (!open_end(&a) || !open_end(&b))
		return die("channel");
	if (bv_channel_connect(a.ch, &b.ep) < 0 || bv_channel_connect(b.ch, &a.ep) < 0)
		return die("connect");
	if (count_prepare() < 0 || pthread_create(&thread, NULL, watched, NULL) != 0)
		return die("thread");
	pthread_join(thread, NULL);
	if (failure && strcmp(failure, "seccomp") == 0) {
		printf("skipped: this kernel gives no seccomp filter to count system calls with\n");
		return EXIT_SKIP;
	}
	if (failure) {
		fprintf(stderr, "%s: %s (%s)\n", provider, failure, bv_error_text(a.ch));
		return EXIT_FAILURE;
	}
	return report(provider) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const struct bv_open_opts opts = { .provider = argc > 1 ? argv[1] : "verbs" };
	int rc;

	if (bv_open(NULL, &opts, &dev) < 0 || bv_pd_alloc(dev, &pd) < 0)
		return die("open");
	rc = run(opts.provider);
	close_end(&a);
	close_end(&b);
	bv_pd_free(pd);
	bv_close(dev);
	return rc;
}
