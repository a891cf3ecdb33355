/* SPDX-License-Identifier: MIT */
#include "pause.h"

#include <sched.h>
#include <time.h>

#include "device.h"

void pause_once(void)
{
	if (pause_steps())
		device_step();
	else
		sched_yield();
}

bool pause_steps(void)
{
	return device_is_manual();
}

int64_t pause_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
