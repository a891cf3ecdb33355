/* SPDX-License-Identifier: MIT */
#include "device.h"
#include "expect.h"

#define MLX5EMU_WEAK
#include "mlx5emu.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	SKIPPED = 77,
	IDLE_NS = 20000, /* far below every timer */
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

void device_check_closed(void)
{
	struct mlx5emu_counters c;

	expect(mlx5emu_counters(&c, sizeof(c)) >= sizeof(c), "counters");
	expect(c.objects_left == 0, "nothing of the device is left when it is closed");
}

bool device_step(void)
{
	return mlx5emu_step() > 0;
}

void device_idle(void)
{
	if (!mlx5emu_is_manual())
		sched_yield();
	else if (!device_step())
		mlx5emu_advance_ns(IDLE_NS);
}

static pthread_t stepper;
static atomic_bool stepping;

static void *step_on(void *unused)
{
	while (atomic_load(&stepping))
		if (!device_step())
			sched_yield();
	return unused;
}

void device_steps_begin(void)
{
	if (!mlx5emu_is_manual())
		return;
	atomic_store(&stepping, true);
	expect(pthread_create(&stepper, NULL, step_on, NULL) == 0, "start a thread");
}

void device_steps_end(void)
{
	if (!mlx5emu_is_manual())
		return;
	atomic_store(&stepping, false);
	pthread_join(stepper, NULL);
}

int64_t device_time(void)
{
	struct timespec ts;

	if (mlx5emu_is_manual())
		return device_now();
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* The device says so when it is open, which is too late for a program that forks before. */
void device_need_manual(void)
{
	if (mlx5emu_is_manual())
		return;
	fprintf(stderr, "needs the device of `mlx5emu run --manual`\n");
	exit(2);
}

void device_advance(int64_t ns)
{
	mlx5emu_advance_ns((uint64_t)ns);
}

int64_t device_now(void)
{
	return (int64_t)mlx5emu_now_ns();
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
