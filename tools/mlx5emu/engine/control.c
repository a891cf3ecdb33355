/* SPDX-License-Identifier: MIT */
#include "../mlx5emu.h"
#include "fault.h"
#include "stat.h"
#include "state.h"
#include "timer.h"

#include <stdio.h>
#include <string.h>

/* The exported half of ../mlx5emu.h. */

unsigned mlx5emu_step(void)
{
	unsigned n, total = 0;

	do {
		emu_lock();
		n = emu_step_locked();
		emu_stat_publish();
		emu_unlock();
		total += n;
	} while (n);
	return total;
}

void mlx5emu_advance_ns(uint64_t ns)
{
	emu_lock();
	emu.virtual_ns += ns;
	emu_unlock();
}

uint64_t mlx5emu_now_ns(void)
{
	uint64_t now;

	emu_lock();
	now = emu_now_ns();
	emu_unlock();
	return now;
}

int mlx5emu_is_manual(void)
{
	int manual;

	emu_lock();
	manual = emu.fabric && emu.manual;
	emu_unlock();
	return manual;
}

size_t mlx5emu_counters(struct mlx5emu_counters *out, size_t size)
{
	emu_lock();
	memcpy(out, &emu.counters, size < sizeof(emu.counters) ? size : sizeof(emu.counters));
	emu_unlock();
	return sizeof(emu.counters);
}

int mlx5emu_fault_plan(const char *plan, char *error, size_t size)
{
	char text[EMU_FAULT_ERROR_TEXT + 40] = "";
	int rc;

	emu_lock();
	rc = emu_fault_load(plan, text, sizeof(text));
	emu_unlock();
	emu_thread_kick();
	if (rc < 0 && error && size)
		snprintf(error, size, "%s", text);
	return rc;
}

uint64_t mlx5emu_fault_hits(unsigned rule)
{
	uint64_t hits = 0;

	emu_lock();
	if (rule < emu.fault.faults.plan.nrules)
		hits = emu.fault.faults.progress[rule].hits;
	emu_unlock();
	return hits;
}

void mlx5emu_last_illegal(char *text, size_t size)
{
	emu_lock();
	snprintf(text, size, "%s", emu.last_illegal);
	emu_unlock();
}
