/* SPDX-License-Identifier: MIT */
/*
 * Fault plans of mlx5emu: whatever the bytes, a plan whose every rule is in range, or a place inside
 * the text and a printable reason. What is taken can be decided upon.
 */
#include "fuzz.h"

#include <string.h>

#include "tools/mlx5emu/fault/decide.h"

static void check_rule(const struct emu_fault_rule *r)
{
	require(r->action < EMU_FAULT_ACTIONS && r->on < EMU_FAULT_POINTS);
	require(r->opcodes && !(r->opcodes & ~(uint32_t)EMU_FAULT_OP_ALL));
	require(r->slot <= 254 && r->qpn <= 0xffffff && r->psn <= 0xffffff);
	require(r->first >= 1 && r->last >= r->first && r->every >= 1 && r->count >= 1);
	require(r->rate <= EMU_FAULT_ALWAYS && r->after_ns < r->until_ns);
	require(!r->by_packets || r->by >= 1);
	require(r->commands && r->error > 0);
	require(r->cm_error < EMU_FAULT_CM_ERRORS && r->reason >= 1);
}

static void check_error(const uint8_t *data, size_t size, const struct emu_fault_error *e)
{
	unsigned lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	require(e->line >= 1 && e->line <= lines && e->column >= 1 && e->column <= size + 1);
	require(memchr(e->text, '\0', sizeof(e->text)) && *e->text);
	for (const char *c = e->text; *c; c++)
		require(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct emu_faults faults;
	struct emu_fault_event event = { .opcode = EMU_FAULT_OP_SEND, .packets = 1 };
	struct emu_fault_plan plan;
	struct emu_fault_error error;

	if (emu_fault_parse((const char *)data, size, &plan, &error) < 0) {
		check_error(data, size, &error);
		return 0;
	}
	for (unsigned i = 0; i < plan.nrules; i++)
		check_rule(&plan.rule[i]);
	emu_faults_start(&faults, &plan, 1, 0);
	for (unsigned round = 0; round < 20; round++) {
		unsigned at = 0;

		event.point = (enum emu_fault_point)(round % EMU_FAULT_POINTS);
		event.command = (enum emu_fault_command)(1 + 3 * round % (EMU_FAULT_COMMANDS - 1));
		event.now_ns += 1000000;
		while (emu_faults_next(&faults, &event, &at))
			require(at <= plan.nrules);
	}
	return 0;
}
