/* SPDX-License-Identifier: MIT */
/*
 * The clock that samples are taken with: the TSC where the CPU says that it runs at one rate in
 * every power state, else CLOCK_MONOTONIC. Ticks of two processes are never compared.
 */
#ifndef BV_TOOLS_BV_CLOCK_H
#define BV_TOOLS_BV_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct clock_info {
	bool tsc;
	const char *source;
	double ns_per_tick;
	uint64_t overhead; /* ticks between two readings in a row: the median of many */
};

/* What clock_ticks() reads; set by clock_init(), then constant. */
extern struct clock_info clock_info;

/* Chooses the clock and measures its rate; takes 50 ms. */
void clock_init(void);

/* CLOCK_MONOTONIC, for deadlines. */
static inline int64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static inline uint64_t clock_ticks(void)
{
#ifdef __x86_64__
	if (clock_info.tsc)
		return __builtin_ia32_rdtsc();
#endif
	return (uint64_t)clock_ns();
}

#endif
