/* SPDX-License-Identifier: MIT */
/*
 * The kernel copies for us and reports a bad address instead of faulting. process_vm_*() on the
 * caller's own process needs no privilege; where a sandbox forbids even that, we copy directly and
 * a bad address is the program's own segmentation fault.
 */
#include "uverbs/user.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

typedef ssize_t vm_copy_fn(pid_t, const struct iovec *, unsigned long, const struct iovec *,
			   unsigned long, unsigned long);

/* 1: copied; 0: this sandbox has no such call; -EFAULT */
static int vm_copy(vm_copy_fn *copy, void *ours, uint64_t theirs, size_t len)
{
	struct iovec local = { ours, len };
	struct iovec remote = { (void *)(uintptr_t)theirs, len };
	ssize_t n = copy(getpid(), &local, 1, &remote, 1, 0);

	if (n == (ssize_t)len)
		return 1;
	if (n < 0 && (errno == ENOSYS || errno == EPERM || errno == EACCES))
		return 0;
	return -EFAULT;
}

int emu_user_read(void *dst, uint64_t src, size_t len)
{
	int rc;

	if (len == 0)
		return 0;
	rc = vm_copy(process_vm_readv, dst, src, len);
	if (rc == 0)
		memcpy(dst, (const void *)(uintptr_t)src, len);
	return rc < 0 ? rc : 0;
}

int emu_user_write(uint64_t dst, const void *src, size_t len)
{
	int rc;

	if (len == 0)
		return 0;
	rc = vm_copy(process_vm_writev, (void *)(uintptr_t)src, dst, len);
	if (rc == 0)
		memcpy((void *)(uintptr_t)dst, src, len);
	return rc < 0 ? rc : 0;
}
