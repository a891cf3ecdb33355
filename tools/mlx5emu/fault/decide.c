/* SPDX-License-Identifier: MIT */
#include "decide.h"

/* splitmix64 (Steele, Lea, Flood 2014): any seed will do, neighbours give unrelated sequences. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void emu_faults_start(struct emu_faults *faults, const struct emu_fault_plan *plan, uint32_t slot,
		      uint64_t now_ns)
{
	*faults = (struct emu_faults){ .plan = *plan, .slot = slot, .start_ns = now_ns };
	for (unsigned i = 0; i < plan->nrules; i++) {
		uint64_t state = plan->seed;

		state = next_random(&state) ^ slot;
		state = next_random(&state) ^ i;
		faults->progress[i].random = next_random(&state);
		faults->points |= 1u << plan->rule[i].on;
	}
}

static bool same_qpn(const struct emu_fault_rule *r, const struct emu_fault_event *e)
{
	return !r->has_qpn || r->qpn == e->qpn || r->qpn == e->peer_qpn;
}

/* An event may stand for several consecutive packets. */
static bool same_psn(const struct emu_fault_rule *r, const struct emu_fault_event *e)
{
	return !r->has_psn || ((r->psn - e->psn) & 0xffffff) < e->packets;
}

static bool selected(const struct emu_faults *f, const struct emu_fault_rule *r,
		     const struct emu_fault_event *e)
{
	const uint64_t since = e->now_ns - f->start_ns;

	if (r->on != e->point || (r->slot && r->slot != f->slot))
		return false;
	if (r->on == EMU_FAULT_TIME)
		return since >= r->at_ns;
	if (r->on == EMU_FAULT_PACKET && r->in != e->in)
		return false;
	if (r->on == EMU_FAULT_COMMAND && !(r->commands >> e->command & 1))
		return false;
	if (!(r->transports & e->transport) || (r->cqn && r->cqn != e->cqn) ||
	    (r->srqn && r->srqn != e->srqn))
		return false;
	return (r->opcodes & e->opcode) && same_qpn(r, e) && same_psn(r, e) &&
	       since >= r->after_ns && since < r->until_ns;
}

static bool happens(struct emu_faults *f, unsigned i, const struct emu_fault_event *e)
{
	const struct emu_fault_rule *r = &f->plan.rule[i];
	struct emu_fault_progress *p = &f->progress[i];

	if (r->on == EMU_FAULT_TIME && p->hits)
		return false;
	if (!selected(f, r, e))
		return false;
	p->selected++;
	if (p->selected < r->first || p->selected > r->last ||
	    (p->selected - r->first) % r->every || p->hits >= r->count)
		return false;
	if (r->rate != EMU_FAULT_ALWAYS && next_random(&p->random) % EMU_FAULT_ALWAYS >= r->rate)
		return false;
	p->hits++;
	return true;
}

const struct emu_fault_rule *emu_faults_next(struct emu_faults *f,
					     const struct emu_fault_event *event, unsigned *at)
{
	while (*at < f->plan.nrules) {
		const unsigned i = (*at)++;

		if (happens(f, i, event))
			return &f->plan.rule[i];
	}
	return NULL;
}

uint64_t emu_faults_deadline(const struct emu_faults *f)
{
	uint64_t deadline = UINT64_MAX;

	for (unsigned i = 0; i < f->plan.nrules; i++) {
		const struct emu_fault_rule *r = &f->plan.rule[i];

		if (r->on != EMU_FAULT_TIME || f->progress[i].hits ||
		    (r->slot && r->slot != f->slot))
			continue;
		if (f->start_ns + r->at_ns < deadline)
			deadline = f->start_ns + r->at_ns;
	}
	return deadline;
}
