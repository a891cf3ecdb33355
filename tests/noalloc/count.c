/* SPDX-License-Identifier: MIT */
#include "count.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* glibc's own entry points, for a program that replaces the others. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *ptr);

static _Thread_local bool watched;
static _Thread_local struct counts counts;

static void note(unsigned long *count, const void *caller)
{
	if (!watched)
		return;
	if (!counts.first_call)
		counts.first_call = caller;
	(*count)++;
}

#define NOTE_ALLOCATION() note(&counts.allocations, __builtin_return_address(0))
#define NOTE_LOCK() note(&counts.locks, __builtin_return_address(0))

EXPORT void *malloc(size_t size)
{
	NOTE_ALLOCATION();
	return __libc_malloc(size);
}

EXPORT void *calloc(size_t n, size_t size)
{
	NOTE_ALLOCATION();
	return __libc_calloc(n, size);
}

EXPORT void *realloc(void *ptr, size_t size)
{
	NOTE_ALLOCATION();
	return __libc_realloc(ptr, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	NOTE_ALLOCATION();
	return __libc_memalign(alignment, size);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
	NOTE_ALLOCATION();
	*out = __libc_memalign(alignment, size);
	return *out ? 0 : ENOMEM;
}

EXPORT void free(void *ptr)
{
	NOTE_ALLOCATION();
	__libc_free(ptr);
}

/*
 * The function behind ours. Found at first use, because the constructors of libraries lock before
 * any code of the program runs.
 */
static void find_real(void *function, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(function, &found, sizeof(found));
}

#define COUNTED_LOCK(name, type)                 \
	EXPORT int name(type *lock)              \
	{                                        \
		static int (*real)(type *);      \
                                                 \
		NOTE_LOCK();                     \
		if (!real)                       \
			find_real(&real, #name); \
		return real(lock);               \
	}

COUNTED_LOCK(pthread_mutex_lock, pthread_mutex_t)
COUNTED_LOCK(pthread_mutex_trylock, pthread_mutex_t)
COUNTED_LOCK(pthread_spin_lock, pthread_spinlock_t)
COUNTED_LOCK(pthread_spin_trylock, pthread_spinlock_t)
COUNTED_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
COUNTED_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)

/* The filter kept the call from being made; the caller gets an error. */
static void on_syscall(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signal;
	if (counts.syscalls++ == 0)
		counts.first_syscall = info->si_syscall;
#if defined(__x86_64__)
	uc->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
	uc->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#endif
}

int count_prepare(void)
{
	struct sigaction action = { .sa_sigaction = on_syscall, .sa_flags = SA_SIGINFO };

	/* Without it an unprivileged thread may not install a filter. */
	if (sigaction(SIGSYS, &action, NULL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

int count_begin(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	count_reset();
	watched = true;
	return 0;
}

void count_reset(void)
{
	memset(&counts, 0, sizeof(counts));
	counts.first_syscall = -1;
}

struct counts count_read(void)
{
	return counts;
}

/* Ends the thread without what pthread_exit() would do in the kernel; pthread_join() sees it. */
void count_exit_thread(void)
{
	watched = false;
	for (;;)
		syscall(SYS_exit, 0);
}
