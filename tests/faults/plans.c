/* SPDX-License-Identifier: MIT */
/*
 * Bad wires and failing devices under bareverbs: `plans PROVIDER bad|refusals|device`.
 *
 * bad: what the protocol must make good. All works succeed, nothing is lost or repeated.
 * refusals: what it must report. The works before the fault succeed, the one that meets it fails
 * with its status, the ones behind are flushed; afterwards the channels connect again.
 * device: completions that never come. Waits end by their deadline, and everything comes apart.
 *
 * The first two are run under `mlx5emu run --manual`: a busy host makes no port come up before it went
 * down, and uses no retries up. The last one waits in the library, which steps no device.
 */
#include "device.h"
#include "pair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *provider;

struct world {
	struct bv_device *dev;
	struct bv_pd *pd;
	struct pair pair;
};

static void world_open(struct world *w, const struct bv_channel_attr *attr)
{
	expect_rc(bv_open(NULL, &(struct bv_open_opts){ .provider = provider }, &w->dev), NULL,
		  "open the device");
	expect_rc(bv_pd_alloc(w->dev, &w->pd), NULL, "protection domain");
	pair_open(&w->pair, w->pd, attr, 0x5eed);
}

static void world_close(struct world *w)
{
	pair_close(&w->pair);
	device_check();
	bv_pd_free(w->pd);
	bv_close(w->dev);
	device_check_closed();
}

/* ---- bad wires ---- */

static const struct {
	const char *plan;
	unsigned works;
} bad[] = {
	{ "", 2000 },
	{ "lose rate=1%", 2000 },
	{ "lose rate=1%; lose rate=1% direction=in", 1000 },
	{ "lose every=7 opcode=ack", 300 },
	{ "lose rate=10% opcode=read-response", 300 },
	{ "lose rate=20% opcode=atomic-response", 500 },
	{ "lose rate=20% opcode=cas,faa", 500 },
	{ "duplicate rate=50% opcode=cas,faa; duplicate rate=50% opcode=atomic-response", 1000 },
	{ "delay rate=20% by=40ms opcode=atomic-response; reorder rate=20% opcode=cas,faa", 300 },
	{ "duplicate rate=20%; duplicate rate=20% direction=in", 1000 },
	{ "delay rate=5% by=300us", 1000 },
	{ "delay rate=3% by=25ms", 500 },
	{ "reorder rate=3% by=3; reorder rate=3% direction=in", 500 },
	{ "rnr rate=50%", 500 },
	{ "rnr nth=1..200", 400 },
	{ "slow by=100us rate=20%", 500 },
	{ "full on=packet every=200 for=3ms", 1000 },
	{ "port-down on=wqe nth=20; port-up at=60ms", 1000 },
	{ "lose rate=1%; duplicate rate=2%; delay rate=2% by=1ms; reorder rate=1%; rnr rate=5%",
	  1000 },
};

static void run_bad(void)
{
	const struct bv_channel_attr attr = pair_attr();
	struct world w;

	world_open(&w, &attr);
	for (size_t i = 0; i < COUNT(bad); i++) {
		const int64_t begin = device_time();

		device_plan(bad[i].plan);
		/* A fast run may end before a fault that is due at a time. */
		do
			pair_run(&w.pair, bad[i].works, 60 * BV_SEC);
		while (*bad[i].plan && device_hits(0) == 0 && device_time() - begin < 10 * BV_SEC);
		printf("%-60s %4llu times, %5lld ms\n", bad[i].plan,
		       (unsigned long long)device_hits(0),
		       (long long)(device_time() - begin) / BV_MSEC);
		fflush(stdout);
		expect(!*bad[i].plan || device_hits(0) > 0, "the fault happened");
		device_plan("");
	}
	world_close(&w);
}

/* ---- refusals ---- */

enum {
	WRITES = 8,
	BAD = 4, /* from 0: the one that meets the fault */
	BYTES = 3000,
};

static const struct refusal {
	const char *plan;
	enum bv_status status;
	bool sends;
	bool peer_fails;
} refusals[] = {
	{ "nak error=operation nth=5", BV_STATUS_REMOTE_OPERATION_ERROR, false, true },
	{ "nak error=access nth=5", BV_STATUS_REMOTE_ACCESS_ERROR, false, true },
	{ "nak error=request nth=5", BV_STATUS_REMOTE_INVALID_REQUEST_ERROR, false, true },
	{ "nak error=operation nth=5", BV_STATUS_REMOTE_OPERATION_ERROR, true, true },
	{ "revoke opcode=write nth=5", BV_STATUS_REMOTE_ACCESS_ERROR, false, true },
	{ "revoke on=wqe nth=5", BV_STATUS_LOCAL_PROTECTION_ERROR, false, false },
	{ "lose opcode=write nth=13..", BV_STATUS_RETRY_EXCEEDED_ERROR, false, false },
	{ "rnr nth=5..", BV_STATUS_RNR_RETRY_EXCEEDED_ERROR, true, false },
	{ "port-down on=completion nth=4", BV_STATUS_RETRY_EXCEEDED_ERROR, false, false },
};

static int64_t post_one(struct pair *p, unsigned i, bool send)
{
	struct pair_end *e = &p->end[0];
	const struct bv_remote at = bv_remote_slice_unchecked(
		&e->peer, (uint64_t)(PAIR_SLOTS + i) * PAIR_BYTES, PAIR_BYTES);
	const struct bv_gather g = bv_gather(e->mr, pair_own(e, i), BYTES);
	int64_t work;

	memset(pair_own(e, i), (int)(i + 1), BYTES);
	memset(pair_slot_open(&p->end[1], i), 0, BYTES);
	work = send ? bv_post_send(e->ch, &g, 1, 0) : bv_post_write(e->ch, &g, 1, &at, 0);
	expect_rc(work, e->ch, "post");
	return work;
}

/* @count completions, and no more: @wc has room for one too many. */
static void reap(struct pair_end *e, struct bv_wc *wc, int count)
{
	const int64_t end = device_time() + 10 * BV_SEC;
	int n = 0;

	while (n < count) {
		const int got = bv_poll_send(e->ch, wc + n, (unsigned)(count + 1 - n));

		expect_rc(got, e->ch, "poll");
		n += got;
		if (got == 0)
			device_idle();
		expect(device_time() < end, "completions by the deadline");
	}
	expect(n == count, "one completion for each");
}

/* One after the other, so that the position of the fault is known. */
static void expect_refusal(struct pair *p, const struct refusal *r)
{
	struct pair_end *e = &p->end[0];
	struct bv_wc wc[WRITES + 1], first;
	int64_t work[WRITES];

	for (unsigned i = 0; i < BAD; i++) {
		work[i] = post_one(p, i, r->sends);
		reap(e, wc, 1);
		expect(wc[0].work == work[i] && wc[0].status == BV_STATUS_SUCCESS,
		       "before the fault");
		expect(r->sends || *pair_slot_open(&p->end[1], i) == i + 1, "its bytes");
	}
	for (unsigned i = BAD; i < WRITES; i++)
		work[i] = post_one(p, i, r->sends);
	reap(e, wc, WRITES - BAD);
	for (unsigned i = BAD; i < WRITES; i++) {
		const struct bv_wc *c = &wc[i - BAD];

		expect(c->work == work[i], "in order");
		if (c->status != (i == BAD ? r->status : BV_STATUS_WORK_REQUEST_FLUSH_ERROR))
			fprintf(stderr, "work %u: %s\n", i, bv_status_name(c->status));
		expect(c->status == (i == BAD ? r->status : BV_STATUS_WORK_REQUEST_FLUSH_ERROR),
		       "the exact status");
	}
	expect(bv_channel_error(e->ch, &first) == 1 && first.work == work[BAD] &&
		       first.status == r->status,
	       "the first failure is the error of the channel");
	expect(bv_channel_state(e->ch) == BV_CHANNEL_ERROR, "the channel is in error");
}

static void run_refusals(void)
{
	struct bv_channel_attr attr = pair_attr();
	unsigned files = 0;

	attr.retry = 1;
	attr.rnr_retry = 2;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct world w;
		int64_t begin;

		world_open(&w, &attr);
		begin = device_time();
		device_plan(r->plan);
		expect_refusal(&w.pair, r);
		device_plan("port-up");
		if (!strstr(r->plan, "revoke")) { /* no key comes back */
			pair_reset(&w.pair);
			pair_run(&w.pair, 100, 10 * BV_SEC);
		}
		printf("%-50s %5lld ms\n", r->plan, (long long)(device_time() - begin) / BV_MSEC);
		world_close(&w);
		if (i == 0)
			files = device_files();
	}
	expect(device_files() == files, "no file descriptor is left behind");
}

/* ---- devices that stop ---- */

static const char *const stops[] = {
	"fatal on=wqe nth=5",
	"overflow nth=5",
};

static void run_stop(const char *plan)
{
	const struct bv_channel_attr attr = pair_attr();
	const int64_t limit = 200 * BV_MSEC;
	int64_t begin, last = 0;
	struct world w;
	int rc;

	world_open(&w, &attr);
	device_plan(plan);
	for (unsigned i = 0; i < WRITES; i++)
		last = post_one(&w.pair, i, false);
	begin = pair_now();
	rc = bv_wait(w.pair.end[0].ch, last, limit, NULL);
	if (rc != -ETIMEDOUT)
		fprintf(stderr, "%s: wait: %d: %s\n", plan, rc, bv_error_text(w.pair.end[0].ch));
	expect(rc == -ETIMEDOUT || rc == -EIO, "no success without a completion");
	expect(pair_now() - begin < limit + PAIR_PATIENCE_NS, "the wait ends by its deadline");
	begin = pair_now();
	for (unsigned i = 0; i < 2; i++) {
		rc = bv_channel_drain(w.pair.end[i].ch, limit);
		expect(rc == 0 || rc == -ETIMEDOUT || rc == -EIO, "a drain drops what is left");
		expect(bv_work_done(w.pair.end[0].ch, last) || i, "the last work is done");
	}
	expect(pair_now() - begin < 2 * limit + PAIR_PATIENCE_NS,
	       "the drains end by their deadline");
	pair_still(&w.pair);
	world_close(&w);
	printf("%s\n", plan);
}

static void run_device(void)
{
	const struct bv_channel_attr attr = pair_attr();
	unsigned files = 0;
	struct world w;

	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT(stops); i++)
			run_stop(stops[i]);
		/* The next one that is opened is a new one, and works. */
		world_open(&w, &attr);
		pair_run(&w.pair, 100, 10 * BV_SEC);
		world_close(&w);
		if (round == 0)
			files = device_files();
	}
	expect(device_files() == files, "no file descriptor is left behind");
}

int main(int argc, char **argv)
{
	device_need();
	provider = argc == 3 ? argv[1] : "";
	if (argc == 3 && strcmp(argv[2], "bad") == 0)
		run_bad();
	else if (argc == 3 && strcmp(argv[2], "refusals") == 0)
		run_refusals();
	else if (argc == 3 && strcmp(argv[2], "device") == 0)
		run_device();
	else
		return 2;
	return 0;
}
