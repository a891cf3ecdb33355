/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_FAULT_DECIDE_H
#define MLX5EMU_FAULT_DECIDE_H

#include "plan.h"

/*
 * A plan at work in one process: which of its rules happen to an event.
 *
 * Each rule counts the events that its selection lets through and has a random sequence of its own,
 * made from the plan's seed, the process's slot and the rule's place in the plan. So decisions
 * depend on the events alone: not on the clock (but for after=, until=, at=), not on other rules.
 */
struct emu_fault_progress {
	uint64_t selected; /* events that the selection let through */
	uint64_t hits;     /* times that the rule happened */
	uint64_t random;
};

struct emu_faults {
	struct emu_fault_plan plan;
	struct emu_fault_progress progress[EMU_FAULT_RULES];
	uint32_t slot;
	uint64_t start_ns;
	uint32_t points; /* bit per point: some rule is about it */
};

struct emu_fault_event {
	enum emu_fault_point point;
	uint32_t opcode;    /* one EMU_FAULT_OP_* bit */
	uint32_t transport; /* one EMU_FAULT_RC... bit */
	uint32_t cqn, srqn; /* of a completion, of a receive of a shared queue */
	enum emu_fault_command command;
	bool in;
	uint32_t qpn, peer_qpn;
	uint32_t psn, packets;
	uint64_t now_ns;
};

void emu_faults_start(struct emu_faults *faults, const struct emu_fault_plan *plan, uint32_t slot,
		      uint64_t now_ns);

/*
 * The next rule, from *@at on, that happens to this event; NULL when none is left. Begin with
 * *@at = 0. One event must be asked about once: asking counts.
 */
const struct emu_fault_rule *emu_faults_next(struct emu_faults *faults,
					     const struct emu_fault_event *event, unsigned *at);

/* When the earliest at= that has not happened is due; UINT64_MAX = none. */
uint64_t emu_faults_deadline(const struct emu_faults *faults);

static inline bool emu_faults_about(const struct emu_faults *faults, enum emu_fault_point point)
{
	return faults->points & 1u << point;
}

#endif
