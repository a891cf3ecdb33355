/* SPDX-License-Identifier: MIT */
/*
 * What a loop of a test does while it waits for the device. A device that is stepped by hand
 * (mlx5emu run --manual) makes one step; else another thread may have the core: the device, the
 * peer and the test are often more than the machine has cores.
 */
#ifndef TESTS_CONFORM_PAUSE_H
#define TESTS_CONFORM_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

void pause_once(void);
/* Whether the device moves only when pause_once() steps it. */
bool pause_steps(void);
/* Monotonic nanoseconds; of a stepped device they are steps, so that slow tools change nothing. */
int64_t pause_now(void);

#endif
