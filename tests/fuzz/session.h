/* SPDX-License-Identifier: MIT */
#ifndef BV_TESTS_FUZZ_SESSION_H
#define BV_TESTS_FUZZ_SESSION_H

#include <stdint.h>

/*
 * The run of a fuzzed program, two devices in manual mode, in the place of uverbs/session.c: what a user may
 * ask of `mlx5emu run` besides, an input chooses. The device takes notice when it is opened first.
 */

enum { SESSION_DEVICES = 2, SESSION_SLOT = 1, SESSION_OTHER_SLOT };

/* What SESSION_SLOT and SESSION_OTHER_SLOT are slots of. */
#define SESSION_RUN "fuzz"

enum {
	SESSION_STRICT = 3, /* enum emu_run_strict */
	SESSION_TRACE = 1 << 2,
	SESSION_PCAP = 1 << 3,
	SESSION_LOG = 1 << 4, /* at its highest level */
};

/* As before the first input: strict, silent and without a fault. */
void session_reset(void);
void session_choose(unsigned options);

/* One more rule of a table, of whose numbers one is @number; nothing when the plan is full. */
void session_add_fault(uint8_t rule, uint8_t number);
void session_clear_faults(void);

#endif
