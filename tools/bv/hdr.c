/* SPDX-License-Identifier: MIT */
/* A counter is one increment; everything that walks or divides happens at the report. */
#include "hdr.h"

#include <stdlib.h>

struct hdr *hdr_new(void)
{
	/* Most counters stay zero, and calloc() leaves the pages they are on untouched. */
	struct hdr *hdr = calloc(1, sizeof(*hdr));

	if (hdr != NULL)
		hdr->min = UINT64_MAX;
	return hdr;
}

void hdr_free(struct hdr *hdr)
{
	free(hdr);
}

uint64_t hdr_middle(size_t index)
{
	unsigned shift;
	uint64_t first;

	if (index < 2 * HDR_HALF)
		return index;
	shift = (unsigned)(index / HDR_HALF) - 1;
	first = (uint64_t)(index - shift * HDR_HALF) << shift;
	return first + (((uint64_t)1 << shift) - 1) / 2;
}

/* ceil(count * num / den) with no product above den^2. */
static uint64_t rank_of(uint64_t count, uint64_t num, uint64_t den)
{
	const uint64_t rank = count / den * num + (count % den * num + den - 1) / den;

	return rank > 0 ? rank : 1;
}

uint64_t hdr_quantile(const struct hdr *hdr, uint64_t num, uint64_t den)
{
	const uint64_t rank = rank_of(hdr->count, num, den);
	uint64_t seen = 0;
	uint64_t value;

	if (hdr->count == 0)
		return 0;
	if (num == 0)
		return hdr->min;
	if (rank == hdr->count)
		return hdr->max;
	for (size_t i = 0; i < HDR_COUNTERS; i++) {
		seen += hdr->counter[i];
		if (seen < rank)
			continue;
		value = hdr_middle(i);
		if (value < hdr->min)
			return hdr->min;
		return value < hdr->max ? value : hdr->max;
	}
	return hdr->max;
}
