/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_CQ_CHECK_H
#define MLX5EMU_ENGINE_CQ_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a program owes a completion queue: a consumer index that is behind what was written, and arms
 * whose doorbell says what their record does. An arm:
 *
 *	31:30 0 | sn 29:28 | 27:25 0 | solicited only 24 | consumer index 23:0
 *
 * sn counts the events that the program has taken from its channel. Any number of them may lie there
 * untaken, so that no sn is wrong.
 */
struct emu_cq;
struct emu_uar;

/* An arm doorbell as it lies in memory, before the records are read. */
void emu_arm_check(const struct emu_uar *uar, uint64_t value);

/*
 * False when the record of the consumer index is ahead of all that was written, or went back; told once.
 * For queues that cannot overrun, alone: of others nobody reads it.
 */
bool emu_cq_consumed_ok(struct emu_cq *cq);

/* An arm record that was moved without its doorbell: after @patience ns. */
void emu_arm_check_silent(struct emu_cq *cq, uint64_t patience);

/* Looks at both records for a last time, as the queue goes. */
void emu_cq_settle(struct emu_cq *cq);

#endif
