/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAULTS_DEVICE_H
#define TESTS_FAULTS_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

/* The emulated device under the test: its faults and what it counted. */

/* Ends the program, as a skip, when there is no such device. */
void device_need(void);

/* Replaces the plan of this process; an open device. */
void device_plan(const char *plan);
uint64_t device_hits(unsigned rule);

/* Nothing was written into a buffer that had been given back, and no WQE was illegal. */
void device_check(void);

/* After the last device was closed: no queue, region or domain of it was left. */
void device_check_closed(void);

/*
 * Does all that can be done now, in any mode; false when there was nothing. What the device would
 * still do to buffers that came back, it has done afterwards, but for packets that a plan delays.
 */
bool device_step(void);

/* For loops that wait: lets the device, or whoever else, go on. */
void device_idle(void);

/*
 * From begin to end, a thread steps a device that the test steps else: for calls that wait in the library
 * themselves. Time stands still meanwhile.
 */
void device_steps_begin(void);
void device_steps_end(void);

/*
 * What such a loop may last by: the clock of a device that the test steps, which a busy host does not move;
 * else the host's.
 */
int64_t device_time(void);

/* Of `mlx5emu run --manual`: its clock, which nothing else moves. */
void device_need_manual(void);
void device_advance(int64_t ns);
int64_t device_now(void);

/* Open file descriptors of this process. */
unsigned device_files(void);

#endif
