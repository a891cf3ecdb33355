/* SPDX-License-Identifier: MIT */
/*
 * Fault plans of mlx5emu: whatever the bytes, a plan whose every rule is in range, or a place inside
 * the text and a printable reason. What is taken can be decided upon, and happens to nothing that it does not select.
 */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "tools/mlx5emu/fault/decide.h"

enum {
	SLOT = 1,
	OPCODES = 12,
	TRANSPORTS = 4,
	ROUNDS = EMU_FAULT_POINTS * OPCODES,
};

static_assert(EMU_FAULT_OP_ALL == (1 << OPCODES) - 1, "one after the other");
static_assert(EMU_FAULT_TRANSPORTS == (1 << TRANSPORTS) - 1, "one after the other");

static void check_rule(const struct emu_fault_rule *r)
{
	require(r->action < EMU_FAULT_ACTIONS && r->on < EMU_FAULT_POINTS);
	require(r->opcodes && !(r->opcodes & ~(uint32_t)EMU_FAULT_OP_ALL));
	require(r->slot <= 254 && r->qpn <= 0xffffff && r->psn <= 0xffffff);
	require(r->first >= 1 && r->last >= r->first && r->every >= 1 && r->count >= 1);
	require(r->rate <= EMU_FAULT_ALWAYS && r->after_ns < r->until_ns);
	require(r->action != EMU_FAULT_REORDER || r->by >= 1);
	require(r->commands && r->error > 0 && *emu_fault_action_name(r->action));
	require(r->cm_error < EMU_FAULT_CM_ERRORS && r->reason >= 1);
}

static void check_error(const uint8_t *data, size_t size, const struct emu_fault_error *e)
{
	unsigned lines = 1;
	char cut[16];

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	require(e->line >= 1 && e->line <= lines && e->column >= 1 && e->column <= size + 1);
	require(memchr(e->text, '\0', sizeof(e->text)) && *e->text);
	for (const char *c = e->text; *c; c++)
		require(*c >= ' ' && *c <= '~');
	emu_fault_error_print(e, cut, sizeof(cut));
	require(memchr(cut, '\0', sizeof(cut)));
}

/* Of every point, opcode and transport, in both directions, one a millisecond. */
static struct emu_fault_event event_of(unsigned round)
{
	const unsigned turn = round / EMU_FAULT_POINTS;

	return (struct emu_fault_event){
		.point = (enum emu_fault_point)(round % EMU_FAULT_POINTS),
		.opcode = 1u << turn % OPCODES,
		.transport = 1u << turn / 3 % TRANSPORTS,
		.command = (enum emu_fault_command)(1 + 5 * turn % (EMU_FAULT_COMMANDS - 1)),
		.in = turn % 2,
		.cqn = 1,
		.srqn = 1,
		.qpn = 0x010001,
		.peer_qpn = 0x020001,
		.psn = (0xfffffe + turn) & 0xffffff,
		.packets = 1 + turn % 3,
		.now_ns = round * UINT64_C(1000000),
	};
}

static void check_happens(const struct emu_fault_rule *r, const struct emu_fault_event *e)
{
	require(r->on == e->point && (!r->slot || r->slot == SLOT));
	if (r->on == EMU_FAULT_TIME)
		require(r->at_ns <= e->now_ns);
	else
		require(r->after_ns <= e->now_ns && e->now_ns < r->until_ns);
	if (r->on == EMU_FAULT_COMMAND)
		require(r->commands >> e->command & 1);
	else if (r->on != EMU_FAULT_TIME)
		require((r->opcodes & e->opcode) && (r->transports & e->transport));
}

static void decide(const struct emu_fault_plan *plan)
{
	static struct emu_faults faults;

	emu_faults_start(&faults, plan, SLOT, 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		const struct emu_fault_event event = event_of(round);
		const struct emu_fault_rule *r;
		unsigned at = 0;

		while ((r = emu_faults_next(&faults, &event, &at))) {
			require(at <= plan->nrules && emu_faults_about(&faults, event.point));
			check_happens(r, &event);
		}
	}
	for (unsigned i = 0; i < plan->nrules; i++)
		require(faults.progress[i].hits <= plan->rule[i].count &&
			faults.progress[i].hits <= faults.progress[i].selected);
	if (!emu_faults_about(&faults, EMU_FAULT_TIME))
		require(emu_faults_deadline(&faults) == UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct emu_fault_plan plan;
	struct emu_fault_error error;

	if (emu_fault_parse((const char *)data, size, &plan, &error) < 0) {
		check_error(data, size, &error);
		return 0;
	}
	for (unsigned i = 0; i < plan.nrules; i++)
		check_rule(&plan.rule[i]);
	decide(&plan);
	return 0;
}
