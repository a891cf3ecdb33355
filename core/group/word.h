/* SPDX-License-Identifier: MIT */
/*
 * Words that peers write into each other's memory, eight bytes at a multiple of eight.
 *
 *	63          32 31        16 15        0
 *	| number      | info       | check     |	little-endian
 *
 * They are read with one acquiring load (B11 of the seed read them byte by byte, with no order to
 * what follows). No specification promises that the eight bytes of a write arrive at once, though
 * devices do it: a mixture of two words fails the check, and counts as not there yet. So does zero.
 */
#ifndef BV_CORE_GROUP_WORD_H
#define BV_CORE_GROUP_WORD_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>

struct bvi_word {
	uint32_t number;
	uint16_t info;
};

static inline uint16_t bvi_word_check(struct bvi_word word)
{
	const uint64_t all = ((uint64_t)word.number << 16 | word.info) + 1;

	/* 2^64 / golden ratio: all bits of the input reach the upper ones of the product. */
	return (uint16_t)(all * UINT64_C(0x9e3779b97f4a7c15) >> 48);
}

static inline uint64_t bvi_word_pack(struct bvi_word word)
{
	return htole64((uint64_t)word.number << 32 | (uint32_t)word.info << 16 |
		       bvi_word_check(word));
}

/* False: nothing is there, or not all of it yet. */
static inline bool bvi_word_load(const uint64_t *from, struct bvi_word *word)
{
	const uint64_t raw = le64toh(__atomic_load_n(from, __ATOMIC_ACQUIRE));

	word->number = (uint32_t)(raw >> 32);
	word->info = (uint16_t)(raw >> 16);
	return (uint16_t)raw == bvi_word_check(*word);
}

/* Numbers wrap. */
static inline bool bvi_word_reached(uint32_t number, uint32_t wanted)
{
	return (int32_t)(number - wanted) >= 0;
}

#endif
