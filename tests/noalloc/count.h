/* SPDX-License-Identifier: MIT */
/*
 * Counts what one thread must not do: allocate, take a lock, enter the kernel.
 *
 * Allocations and locks are counted because the program defines those functions itself, for every
 * library in it. System calls are counted by a seccomp filter that turns each one of the thread
 * into a signal; the device's own threads have no such filter. The filter cannot be taken back, so
 * the thread ends by count_exit_thread().
 */
#ifndef TESTS_NOALLOC_COUNT_H
#define TESTS_NOALLOC_COUNT_H

#include <stdbool.h>
#include <stddef.h>

struct counts {
	unsigned long allocations;
	unsigned long locks;
	unsigned long syscalls;
	int first_syscall;      /* its number; -1: none */
	const void *first_call; /* the caller of the first allocation or lock */
};

/* Once per process, before any thread is watched. 0 or -errno. */
int count_prepare(void);
/* From here on all that this thread does is counted. 0 or -errno. */
int count_begin(void);
void count_reset(void);
struct counts count_read(void);
_Noreturn void count_exit_thread(void);

#endif
