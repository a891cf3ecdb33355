/* SPDX-License-Identifier: MIT */
#ifndef BV_TESTS_FUZZ_ARENA_H
#define BV_TESTS_FUZZ_ARENA_H

#include <stddef.h>
#include <stdint.h>

/*
 * The memory of a fuzzed program, at a fixed address so that inputs can name it: all that the device may
 * touch. arena.c takes the places of engine/memory.c and uverbs/user.c, for which every other address
 * is one that is not mapped: inputs are full of addresses, and some are those of the fuzzer's own heap.
 */
enum {
	ARENA_BASE = 0x10000000,
	ARENA_SIZE = 1 << 18,
};

/* All zeros: only the pages that somebody asked for are written. */
void arena_reset(void);

/* @size bytes of it, which must lie inside. */
uint8_t *arena_at(uint32_t offset, uint32_t size);

#endif
