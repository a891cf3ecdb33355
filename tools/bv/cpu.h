/* SPDX-License-Identifier: MIT */
/* The CPUs that this process may use. */
#ifndef BV_TOOLS_BV_CPU_H
#define BV_TOOLS_BV_CPU_H

#include <sched.h>
#include <stdbool.h>

/* How many CPUs the process could run on before cpu_pin(); at least 1. */
unsigned cpu_count(void);

/* The model as the kernel names it; "unknown" if it does not. */
const char *cpu_model(void);

/* Binds the calling thread to @cpu. Return: 0, or -errno with its text. */
int cpu_pin(int cpu);

/* In a loop that polls: tells the CPU, or gives it away if there are fewer than threads polling. */
static inline void cpu_relax(bool yield)
{
	if (yield)
		sched_yield();
#ifdef __x86_64__
	else
		__builtin_ia32_pause();
#endif
}

#endif
