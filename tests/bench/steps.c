/* SPDX-License-Identifier: MIT */
/*
 * Instructions, by executing them one at a time: the other way to count, for what callgrind cannot run.
 *
 * What is counted is a child process. A breakpoint instruction of its own begins the count and another ends
 * it; in between the parent has the processor stop after each instruction. The number is put into the register
 * where the child expects it.
 */
#include "bench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__

void bench_steps_begin(void)
{
	__asm__ volatile("int3" ::: "memory");
}

double bench_steps_end(void)
{
	uint64_t n;

	__asm__ volatile("int3" : "=a"(n)::"memory");
	return (double)n;
}

/* A stop at a breakpoint of the child. */
static void toggle(pid_t child, bool *counting, uint64_t *n)
{
	struct user_regs_struct regs;

	*counting = !*counting;
	if (*counting) {
		*n = 0;
		return;
	}
	ptrace(PTRACE_GETREGS, child, NULL, &regs);
	regs.rax = *n;
	ptrace(PTRACE_SETREGS, child, NULL, &regs);
}

static int follow(pid_t child)
{
	bool counting = false;
	uint64_t n = 0;
	int status, deliver;

	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		siginfo_t info = { 0 };

		deliver = WSTOPSIG(status);
		ptrace(PTRACE_GETSIGINFO, child, NULL, &info);
		if (deliver == SIGTRAP && info.si_code == SI_KERNEL)
			toggle(child, &counting, &n);
		else if (deliver == SIGTRAP)
			n++;
		if (deliver == SIGTRAP || deliver == SIGSTOP)
			deliver = 0;
		ptrace(counting ? PTRACE_SINGLESTEP : PTRACE_CONT, child, NULL, deliver);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

void bench_steps_fork(void)
{
	const pid_t child = fork();

	if (child < 0)
		exit(EXIT_FAILURE);
	if (child > 0)
		exit(follow(child));
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0) {
		perror("bench: ptrace");
		exit(EXIT_FAILURE);
	}
	raise(SIGSTOP);
}

#else

void bench_steps_begin(void)
{
}

double bench_steps_end(void)
{
	return 0;
}

void bench_steps_fork(void)
{
	fprintf(stderr, "bench: steps are counted on x86-64 alone\n");
	exit(EXIT_FAILURE);
}

#endif
