/* SPDX-License-Identifier: MIT */
/*
 * soak PROVIDER SECONDS [SEED]: random works on 64 channels over a wire that loses, doubles, delays
 * and reorders; some of them drained and connected again in between. Every byte is checked.
 */
#include "device.h"
#include "pair.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAIRS = 32,
	RESET_IN = 500, /* a reset after so many looks at a pair, about */
	SEED = 1,
};

#define STALL_NS (20 * BV_SEC)

static struct pair pairs[PAIRS];

struct soak {
	uint64_t random;
	int64_t end;
	uint64_t done[PAIRS];
	int64_t moved[PAIRS];
};

/* One pair that stands still is a hang, however busy the others are. */
static void check_progress(struct soak *s, unsigned i, int64_t now)
{
	if (pairs[i].done != s->done[i] || pair_idle(&pairs[i])) {
		s->done[i] = pairs[i].done;
		s->moved[i] = now;
	}
	expect(now - s->moved[i] < STALL_NS, "no pair stands still");
}

static void one_round(struct soak *s)
{
	const int64_t now = pair_now();
	unsigned found = 0;

	for (unsigned i = 0; i < PAIRS; i++) {
		struct pair *p = &pairs[i];

		for (unsigned k = 0; k < 4; k++)
			pair_post(p);
		found += pair_poll(p);
		if (pair_random(&s->random) % RESET_IN == 0)
			pair_reset(p);
		check_progress(s, i, now);
	}
	if (found == 0)
		sched_yield();
}

static void soak(const char *provider, unsigned seconds, uint64_t seed)
{
	const struct bv_channel_attr attr = pair_attr();
	struct soak s = { .random = seed * 2 + 1, .end = pair_now() + seconds * BV_SEC };
	uint64_t works = 0, atomics = 0, resets = 0;
	char plan[200];
	struct bv_device *dev;
	struct bv_pd *pd;

	expect_rc(bv_open(NULL, &(struct bv_open_opts){ .provider = provider }, &dev), NULL,
		  "open");
	expect_rc(bv_pd_alloc(dev, &pd), NULL, "protection domain");
	for (unsigned i = 0; i < PAIRS; i++) {
		pair_open(&pairs[i], pd, &attr, seed + i * 0x9e3779b9u);
		s.moved[i] = pair_now();
	}
	snprintf(plan, sizeof(plan),
		 "seed=%llu; lose rate=1%%; duplicate rate=0.5%%; delay rate=0.5%% by=2ms;"
		 "reorder rate=0.5%%; rnr rate=0.5%%",
		 (unsigned long long)seed);
	device_plan(plan);
	while (pair_now() < s.end)
		one_round(&s);
	for (unsigned i = 0; i < PAIRS; i++)
		pair_run(&pairs[i], 1, STALL_NS);
	printf("lost %llu, doubled %llu\n", (unsigned long long)device_hits(0),
	       (unsigned long long)device_hits(1));
	for (unsigned i = 0; i < PAIRS; i++) {
		works += pairs[i].done;
		atomics += pairs[i].atomics;
		resets += pairs[i].resets;
		pair_close(&pairs[i]);
	}
	device_check();
	bv_pd_free(pd);
	bv_close(dev);
	device_check_closed();
	printf("%s: %llu works and arrivals checked, %llu of them atomics, %llu resets\n", provider,
	       (unsigned long long)works, (unsigned long long)atomics, (unsigned long long)resets);
	expect(works > 0, "something was done");
}

int main(int argc, char **argv)
{
	device_need();
	if (argc < 3)
		return 2;
	soak(argv[1], (unsigned)atoi(argv[2]), argc > 3 ? strtoull(argv[3], NULL, 0) : SEED);
	return 0;
}
