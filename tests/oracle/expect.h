/* SPDX-License-Identifier: MIT */
/*
 * Comparing what the two queue pairs wrote: rings, doorbell records, doorbell registers; and what
 * their completions say.
 */
#ifndef BV_TESTS_ORACLE_EXPECT_H
#define BV_TESTS_ORACLE_EXPECT_H

#include "cases.h"

/* Before posting: both rings from block @index on, and both halves of both registers, hold the same. */
void expect_prepare_send(const struct twin *t, uint32_t index);
void expect_prepare_recv(const struct twin *t, uint32_t index);

/* After posting: they still do, but for the QPN and the padding of inline payload. Returns blocks used. */
unsigned expect_same_send(const struct twin *t, uint32_t index, const struct request *r);
void expect_same_recv(const struct twin *t, uint32_t index);

/* After running the device: the same completions, @sends of the send queue. */
void expect_same_completions(const struct twin *t, const struct request *r, int sends);

#endif
