/* SPDX-License-Identifier: MIT */
#ifndef BV_TESTS_FUZZ_HOST_H
#define BV_TESTS_FUZZ_HOST_H

#include <stdbool.h>
#include <stddef.h>

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

/*
 * The directory of the run. There are two files to append to in it, which look at what they are given: lines, each
 * whole and printable, and the blocks of a capture. Others of that kind are of lines, all else does not exist.
 */
#define HOST_DIR "/run/mlx5emu.fuzz"
#define HOST_LINES HOST_DIR "/lines"
#define HOST_FRAMES HOST_DIR "/frames"

/*
 * The run has one more process, which takes whatever is sent to it and says nothing but this: a datagram that
 * the device will find. Lost when too many wait.
 */
void host_arrive(const void *datagram, size_t size);
enum { HOST_DATAGRAM = 4096 };

#endif
