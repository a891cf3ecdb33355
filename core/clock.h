/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of polling waits. The clock is CLOCK_MONOTONIC, read in user space (vDSO), and only at
 * every BVI_CLOCK_POLLS-th look: reading it costs about as much as a poll that finds nothing.
 */
#ifndef BV_CORE_CLOCK_H
#define BV_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <bareverbs/common.h>

#define BVI_CLOCK_POLLS 32u

struct bvi_deadline {
	int64_t at; /* 0 or less: already passed; BV_FOREVER: never */
	unsigned int looks;
};

int64_t bvi_clock_ns(void);

/* A time-out of 0 or less is over at once, without a look at the clock. */
struct bvi_deadline bvi_deadline_after(int64_t timeout_ns);

bool bvi_deadline_passed(struct bvi_deadline *deadline);

#endif
