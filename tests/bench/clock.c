/* SPDX-License-Identifier: MIT */
/* The rate of the ticks is measured against CLOCK_MONOTONIC. */
#include "bench.h"

#include <stdlib.h>
#include <time.h>

#define CALIBRATE_NS 50000000
#define SAMPLES 1001

double bench_ns_per_tick = 1;
uint64_t bench_clock_overhead;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void bench_clock_init(void)
{
	const struct timespec pause = { .tv_nsec = CALIBRATE_NS };
	static uint64_t sample[SAMPLES];
	uint64_t ticks = bench_ticks(), ns = now_ns();

	nanosleep(&pause, NULL);
	ticks = bench_ticks() - ticks;
	ns = now_ns() - ns;
	bench_ns_per_tick = (double)ns / (double)ticks;
	for (int i = 0; i < SAMPLES; i++) {
		const uint64_t before = bench_ticks();

		sample[i] = bench_ticks() - before;
	}
	qsort(sample, SAMPLES, sizeof(sample[0]), compare);
	bench_clock_overhead = sample[SAMPLES / 2];
}
