/* SPDX-License-Identifier: MIT */
/*
 * A log-linear histogram: every value that fits into 64 bits is counted, in fixed memory, and read
 * back within 0.1 %.
 *
 *	values below 2048        one counter each: exact
 *	[2^k, 2^(k+1)), k >= 11  1024 counters of equal width
 *
 * A counter's value is given as its middle, at most 1/2048 = 0.05 % off. Minimum and maximum are
 * kept as they came.
 */
#ifndef BV_TOOLS_BV_HDR_H
#define BV_TOOLS_BV_HDR_H

#include <stddef.h>
#include <stdint.h>

#define HDR_LINEAR_BITS 11
#define HDR_HALF (1u << (HDR_LINEAR_BITS - 1))
/* The linear part, then one half for each leading bit from HDR_LINEAR_BITS to 63. */
#define HDR_COUNTERS (2u * HDR_HALF + (64u - HDR_LINEAR_BITS) * HDR_HALF)

struct hdr {
	uint64_t count;
	uint64_t min; /* UINT64_MAX while empty */
	uint64_t max;
	uint64_t counter[HDR_COUNTERS];
};

/* Return: an empty histogram, hdr_free()d by the caller; NULL without memory. */
struct hdr *hdr_new(void);
void hdr_free(struct hdr *hdr);

/* Which counter takes a value. */
static inline size_t hdr_index(uint64_t value)
{
	unsigned shift;

	if (value < 2 * HDR_HALF)
		return (size_t)value;
	shift = 64 - HDR_LINEAR_BITS - (unsigned)__builtin_clzll(value);
	return shift * HDR_HALF + (size_t)(value >> shift);
}

static inline void hdr_record(struct hdr *hdr, uint64_t value)
{
	hdr->counter[hdr_index(value)]++;
	hdr->count++;
	if (value < hdr->min)
		hdr->min = value;
	if (value > hdr->max)
		hdr->max = value;
}

/*
 * The value of rank ceil(count * num / den) in ascending order, num <= den: 999, 1000 is p99.9.
 * Rank 0 counts as 1. Return: the value, between the minimum and the maximum; 0 while empty.
 */
uint64_t hdr_quantile(const struct hdr *hdr, uint64_t num, uint64_t den);

/* The middle of what counter @index takes. */
uint64_t hdr_middle(size_t index);

#endif
