/* SPDX-License-Identifier: MIT */
/*
 * Deadlines: sums saturate, so that no time-out wraps into the past.
 */
#include "clock.h"

#include <time.h>

int64_t bvi_clock_ns(void)
{
	struct timespec now;

	/* Cannot fail: the clock exists on every Linux, and the pointer is good. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * BV_SEC + now.tv_nsec;
}

struct bvi_deadline bvi_deadline_after(int64_t timeout_ns)
{
	struct bvi_deadline deadline = { .at = 0, .looks = 0 };
	int64_t now;

	if (timeout_ns <= 0)
		return deadline;
	now = bvi_clock_ns();
	deadline.at = timeout_ns < BV_FOREVER - now ? now + timeout_ns : BV_FOREVER;
	return deadline;
}

bool bvi_deadline_passed(struct bvi_deadline *deadline)
{
	if (deadline->at <= 0)
		return true;
	if (deadline->at == BV_FOREVER || ++deadline->looks % BVI_CLOCK_POLLS != 0)
		return false;
	return bvi_clock_ns() >= deadline->at;
}
