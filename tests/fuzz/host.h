/* SPDX-License-Identifier: MIT */
#ifndef BV_TESTS_FUZZ_HOST_H
#define BV_TESTS_FUZZ_HOST_H

#include <stdbool.h>

/*
 * The host of a fuzzed device: descriptors without a kernel. Opening and closing a device took sixty system calls,
 * ten times what the input itself costs; here a descriptor is a place in a table. host.c takes the place of
 * uverbs/libc.c, and of the calls that CMakeLists.txt wraps, for the numbers and paths that are its own. No
 * descriptor of the fuzzer can be met, whatever number an input names.
 */

/* No descriptor is open, and the pages of the device are zeros. */
void host_reset(void);

/* Whether the device has left a descriptor of its own open. */
bool host_private_any(void);

/* The paths below @dir do not exist. */
void host_hide(const char *dir);

#endif
