/* SPDX-License-Identifier: MIT */
/*
 * Who tells whom in a barrier of n members, and in which order: pure functions of the algorithm, n,
 * and a member's place among the members. No ordered pair of places tells each other more than once in
 * a barrier, so one number per pair and barrier is enough.
 */
#ifndef BV_CORE_GROUP_SCHEDULE_H
#define BV_CORE_GROUP_SCHEDULE_H

#include <bareverbs/group.h>

struct bvi_barrier_step {
	bool tells;     /* tells @place; else waits until @place has told us */
	uint32_t place; /* 0..n - 1, another one than our own */
};

/* Step @number (0, 1, …) of the member at @place; false: it has left the barrier. 1 <= @n. */
bool bvi_barrier_step(enum bv_barrier_algorithm algorithm, uint32_t n, uint32_t place,
		      uint32_t number, struct bvi_barrier_step *step);

/* "dissemination", …; NULL: there is no such algorithm. */
const char *bvi_barrier_algorithm_name(enum bv_barrier_algorithm algorithm);

#endif
