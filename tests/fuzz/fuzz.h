/* SPDX-License-Identifier: MIT */
/*
 * What a fuzz target is, and how it says that something is wrong.
 */
#ifndef BV_TESTS_FUZZ_FUZZ_H
#define BV_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#endif
