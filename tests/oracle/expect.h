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

/* After posting: they still do, but for the QPN and the padding of inline payload. */
void expect_same_send(const struct twin *t, uint32_t index, const struct request *r);
void expect_same_recv(const struct twin *t, uint32_t index);

/*
 * The same of a chain at block @index. Its doorbell tells of the last request, by eight bytes or by a
 * copy of it: what the device is told is the same.
 */
void expect_prepare_chain(const struct twin *t);
void expect_untold_chain(const struct twin *t, uint32_t index);
void expect_same_chain(const struct twin *t, uint32_t index, const struct request *r, unsigned n);

/* After running the device: the same completions, @sends of the send queue. */
void expect_same_completions(const struct twin *t, const struct request *r, int sends);
void expect_same_chain_completions(const struct twin *t, const struct request *r, unsigned n);

#endif
