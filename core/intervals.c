/* SPDX-License-Identifier: MIT */
#include "intervals.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int bvi_intervals_init(struct bvi_intervals *set, uint32_t max)
{
	set->n = 0;
	set->max = max;
	set->at = calloc(max, sizeof(struct bvi_interval *));
	set->reach = calloc(max, sizeof(*set->reach));
	if (set->at && set->reach)
		return 0;
	bvi_intervals_fini(set);
	return -ENOMEM;
}

void bvi_intervals_fini(struct bvi_intervals *set)
{
	free(set->at);
	free(set->reach);
	set->at = NULL;
	set->reach = NULL;
}

/* The number of intervals that begin at @first or before. */
static uint32_t begin_until(const struct bvi_intervals *set, uint64_t first)
{
	uint32_t low = 0, high = set->n;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (set->at[middle]->first <= first)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void update_reach(struct bvi_intervals *set, uint32_t from)
{
	uint64_t reach = from ? set->reach[from - 1] : 0;

	for (uint32_t i = from; i < set->n; i++) {
		if (set->at[i]->last > reach)
			reach = set->at[i]->last;
		set->reach[i] = reach;
	}
}

void bvi_intervals_add(struct bvi_intervals *set, struct bvi_interval *interval)
{
	const uint32_t i = begin_until(set, interval->first);

	assert(set->n < set->max);
	memmove(&set->at[i + 1], &set->at[i], (set->n - i) * sizeof(set->at[0]));
	set->at[i] = interval;
	set->n++;
	update_reach(set, i);
}

void bvi_intervals_remove(struct bvi_intervals *set, const struct bvi_interval *interval)
{
	uint32_t i = begin_until(set, interval->first);

	do {
		assert(i > 0);
		i--;
	} while (set->at[i] != interval);
	set->n--;
	memmove(&set->at[i], &set->at[i + 1], (set->n - i) * sizeof(set->at[0]));
	update_reach(set, i);
}

struct bvi_interval *bvi_intervals_find(const struct bvi_intervals *set, uint64_t first,
					uint64_t last, bool enclosing, bvi_interval_wanted *wanted,
					unsigned detail)
{
	const uint64_t reach = enclosing ? last : first;
	uint32_t i = begin_until(set, enclosing ? first : last);

	while (i > 0 && set->reach[i - 1] >= reach) {
		i--;
		if (set->at[i]->last >= reach && (!wanted || wanted(set->at[i], detail)))
			return set->at[i];
	}
	return NULL;
}
