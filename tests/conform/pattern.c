/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <string.h>

static uint8_t pattern_byte(uint32_t seed, uint64_t position)
{
	const uint64_t x = (position + 1) * UINT64_C(0x9e3779b97f4a7c15) ^
			   (uint64_t)seed * UINT64_C(0xd6e8feb86659fd93);

	return (uint8_t)(x >> 56 ^ x >> 24);
}

void pattern_fill(uint8_t *at, size_t length, uint32_t seed, uint64_t position)
{
	if (seed == SEED_GUARD) {
		memset(at, GUARD_BYTE, length);
		return;
	}
	for (size_t i = 0; i < length; i++)
		at[i] = pattern_byte(seed, position + i);
}

int64_t pattern_find(const uint8_t *at, size_t length, uint32_t seed, uint64_t position)
{
	for (size_t i = 0; i < length; i++) {
		const uint8_t want = seed == SEED_GUARD ? GUARD_BYTE :
							  pattern_byte(seed, position + i);

		if (at[i] != want)
			return (int64_t)i;
	}
	return -1;
}

static uint32_t piece_length(unsigned i, unsigned n, uint32_t total, uint32_t left, unsigned salt)
{
	uint32_t length;

	if (i == n - 1)
		return left;
	if (n >= 3 && (i + salt) % 3 == 1)
		return 0;
	length = (uint32_t)(1 + (i * 7919u + salt * 104729u) % (2 * total / n + 1));
	return length < left ? length : left;
}

void list_place(struct list *list, uint64_t base, unsigned n, uint32_t total, unsigned salt)
{
	uint64_t at = base;
	uint32_t left = total;

	list->n = n;
	for (unsigned i = 0; i < n; i++) {
		at += GUARD_BYTES + (i * 3 + salt) % 8;
		list->piece[i].mr = MR_ARENA;
		list->piece[i].offset = at;
		list->piece[i].length = piece_length(i, n, total, left, salt);
		left -= list->piece[i].length;
		at += list->piece[i].length + GUARD_BYTES;
	}
}
