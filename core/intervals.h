/* SPDX-License-Identifier: MIT */
/*
 * Intervals of addresses that may overlap, for lookups by what encloses or overlaps a range.
 *
 * An array sorted by the first byte, and beside it how far any interval up to each place reaches. A
 * search starts at the last interval that begins early enough and walks back until none before it
 * reaches the range. Adding and removing move the tail, which costs less than the registration that
 * goes with either. Not thread-safe: the owner's lock guards it.
 */
#ifndef BV_CORE_INTERVALS_H
#define BV_CORE_INTERVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of the owner's object; both ends belong to it. */
struct bvi_interval {
	uint64_t first, last;
};

struct bvi_intervals {
	struct bvi_interval **at;
	uint64_t *reach; /* reach[i]: the greatest last of at[0..i] */
	uint32_t n, max;
};

/* Room for @max intervals; 0 or -ENOMEM, no text. */
int bvi_intervals_init(struct bvi_intervals *set, uint32_t max);
void bvi_intervals_fini(struct bvi_intervals *set);

/* There must be room; the same bounds may be there more than once. */
void bvi_intervals_add(struct bvi_intervals *set, struct bvi_interval *interval);
void bvi_intervals_remove(struct bvi_intervals *set, const struct bvi_interval *interval);

/*
 * The first interval that overlaps [first, last], or with @enclosing contains all of it, and that
 * @wanted accepts; NULL: none.
 */
typedef bool bvi_interval_wanted(const struct bvi_interval *interval, unsigned detail);
struct bvi_interval *bvi_intervals_find(const struct bvi_intervals *set, uint64_t first,
					uint64_t last, bool enclosing, bvi_interval_wanted *wanted,
					unsigned detail);

#endif
