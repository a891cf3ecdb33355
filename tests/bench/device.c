/* SPDX-License-Identifier: MIT */
/*
 * The device under the libraries: mlx5emu, which checks each work queue element as a NIC does, and
 * carries it out. Stepped by hand it works between what is counted or timed, and only there; with a
 * thread of its own it works on another core meanwhile.
 */
#include "bench.h"

#include <sched.h>

#define MLX5EMU_WEAK
#include "mlx5emu.h"

static uint64_t completions(void)
{
	struct mlx5emu_counters c;

	mlx5emu_counters(&c, sizeof(c));
	return c.cqes;
}

int bench_device_check(void)
{
	if (mlx5emu_step)
		return 0;
	return bench_fail("no emulated device: run it as mlx5emu run --manual -- ...");
}

bool bench_device_manual(void)
{
	return mlx5emu_is_manual();
}

void bench_device_work(unsigned cqes)
{
	static uint64_t taken;

	if (bench_device_manual()) {
		while (mlx5emu_step())
			;
		return;
	}
	taken += cqes;
	while (completions() < taken)
		sched_yield();
}
