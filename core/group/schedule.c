/* SPDX-License-Identifier: MIT */
/*
 * The three algorithms: each tells the next step from its number alone, so that nothing is kept.
 */
#include "schedule.h"

/* Round r: tell who is 2^r ahead, wait for who is 2^r behind. After it one knows of 2^(r+1) members. */
static bool dissemination(uint32_t n, uint32_t place, uint32_t number,
			  struct bvi_barrier_step *step)
{
	const uint64_t distance = number < 64 ? UINT64_C(1) << number / 2 : n;

	if (distance >= n)
		return false;
	step->tells = number % 2 == 0;
	step->place = (uint32_t)((place + (step->tells ? distance : n - distance)) % n);
	return true;
}

/* Wait for the children, tell the parent, wait for it, tell the children. */
static bool tree(uint32_t n, uint32_t place, uint32_t number, struct bvi_barrier_step *step)
{
	const uint32_t first = 2 * place + 1;
	const uint32_t children = first >= n ? 0 : first + 1 < n ? 2 : 1;
	const uint32_t up = place == 0 ? 0 : 2;

	if (number < children)
		*step = (struct bvi_barrier_step){ false, first + number };
	else if (number < children + up)
		*step = (struct bvi_barrier_step){ number == children, (place - 1) / 2 };
	else if (number < children + up + children)
		*step = (struct bvi_barrier_step){ true, first + number - children - up };
	else
		return false;
	return true;
}

static bool linear(uint32_t n, uint32_t place, uint32_t number, struct bvi_barrier_step *step)
{
	const uint32_t others = n - 1;

	if (place > 0) {
		*step = (struct bvi_barrier_step){ number == 0, 0 };
		return number < 2;
	}
	*step = (struct bvi_barrier_step){ number >= others,
					   1 + (number < others ? number : number - others) };
	return number < 2 * others;
}

bool bvi_barrier_step(enum bv_barrier_algorithm algorithm, uint32_t n, uint32_t place,
		      uint32_t number, struct bvi_barrier_step *step)
{
	switch (algorithm) {
	case BV_BARRIER_TREE:
		return tree(n, place, number, step);
	case BV_BARRIER_LINEAR:
		return linear(n, place, number, step);
	case BV_BARRIER_DISSEMINATION:
	default:
		return dissemination(n, place, number, step);
	}
}

const char *bvi_barrier_algorithm_name(enum bv_barrier_algorithm algorithm)
{
	switch (algorithm) {
	case BV_BARRIER_DISSEMINATION:
		return "dissemination";
	case BV_BARRIER_TREE:
		return "tree";
	case BV_BARRIER_LINEAR:
		return "linear";
	default:
		return NULL;
	}
}
