/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAULTS_DEVICE_H
#define TESTS_FAULTS_DEVICE_H

#include <stdint.h>

/* The emulated device under the test: its faults and what it counted. */

/* Ends the program, as a skip, when there is no such device. */
void device_need(void);

/* Replaces the plan of this process; an open device. */
void device_plan(const char *plan);
uint64_t device_hits(unsigned rule);

/* Nothing was written into a buffer that had been given back, and no WQE was illegal. */
void device_check(void);

/* Open file descriptors of this process. */
unsigned device_files(void);

#endif
