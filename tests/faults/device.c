/* SPDX-License-Identifier: MIT */
#include "device.h"
#include "pair.h"

#define MLX5EMU_WEAK
#include "mlx5emu.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	SKIPPED = 77,
};

void device_need(void)
{
	if (mlx5emu_fault_plan)
		return;
	printf("skipped: needs the device of `mlx5emu run`\n");
	exit(SKIPPED);
}

void device_plan(const char *plan)
{
	char error[256] = "";

	if (mlx5emu_fault_plan(plan, error, sizeof(error)) < 0) {
		fprintf(stderr, "'%s': %s\n", plan, error);
		expect(false, "the plan is taken");
	}
}

uint64_t device_hits(unsigned rule)
{
	return mlx5emu_fault_hits(rule);
}

void device_check(void)
{
	struct mlx5emu_counters c;

	expect(mlx5emu_counters(&c, sizeof(c)) >= sizeof(c), "counters");
	expect(c.ownership_errors == 0, "the device writes into no buffer that it gave back");
	expect(c.illegal_wqes == 0, "every WQE is legal");
}

unsigned device_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	expect(dir != NULL, "read /proc/self/fd");
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}
