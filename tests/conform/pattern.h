/* SPDX-License-Identifier: MIT */
/*
 * Bytes that tell where they came from: a pattern is a stream that depends on a seed, laid over the
 * pieces of a list one after the other.
 */
#ifndef TESTS_CONFORM_PATTERN_H
#define TESTS_CONFORM_PATTERN_H

#include "side.h"

#define GUARD_BYTE 0xc3

void pattern_fill(uint8_t *at, size_t length, uint32_t seed, uint64_t position);
/* The index of the first byte that differs, or -1. */
int64_t pattern_find(const uint8_t *at, size_t length, uint32_t seed, uint64_t position);

/*
 * @n pieces of MR_ARENA with @total bytes in all, from @base on, each between its own guards and at
 * an odd address. Uneven: some pieces are empty if there are three or more. @salt varies the split.
 */
void list_place(struct list *list, uint64_t base, unsigned n, uint32_t total, unsigned salt);

#endif
