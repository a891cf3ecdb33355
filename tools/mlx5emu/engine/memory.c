/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ /* Linux 5.14, glibc 2.35 */
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static bool plain_copies;
static bool no_populate;

void emu_memory_init(void)
{
	uint64_t from = 1, to = 0;
	struct iovec local = { &to, sizeof(to) };
	struct iovec remote = { &from, sizeof(from) };
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *probe;

	plain_copies = process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != sizeof(from);
	probe = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (probe == MAP_FAILED)
		return;
	no_populate = madvise(probe, page, MADV_POPULATE_WRITE) < 0;
	munmap(probe, page);
}

bool emu_memory_forgives(void)
{
	return !plain_copies;
}

static void copy_in(void *to, const struct iovec *from, unsigned n)
{
	uint8_t *at = to;

	for (unsigned i = 0; i < n; i++) {
		memcpy(at, from[i].iov_base, from[i].iov_len);
		at += from[i].iov_len;
	}
}

static void copy_out(const struct iovec *to, unsigned n, const void *from)
{
	const uint8_t *at = from;

	for (unsigned i = 0; i < n; i++) {
		memcpy(to[i].iov_base, at, to[i].iov_len);
		at += to[i].iov_len;
	}
}

/* As many pieces as the kernel takes at once; how many bytes they have. */
static unsigned batch(const struct iovec *iov, unsigned n, size_t *bytes)
{
	const unsigned some = n < UIO_MAXIOV ? n : UIO_MAXIOV;

	*bytes = 0;
	for (unsigned i = 0; i < some; i++)
		*bytes += iov[i].iov_len;
	return some;
}

int emu_memory_read(void *to, const struct iovec *from, unsigned n, size_t size)
{
	struct iovec local = { to, 0 };

	if (size == 0)
		return 0;
	if (plain_copies) {
		copy_in(to, from, n);
		return 0;
	}
	while (n > 0) {
		const unsigned some = batch(from, n, &local.iov_len);

		if (local.iov_len > size ||
		    process_vm_readv(getpid(), &local, 1, from, some, 0) != (ssize_t)local.iov_len)
			return -EFAULT;
		local.iov_base = (uint8_t *)local.iov_base + local.iov_len;
		size -= local.iov_len;
		from += some;
		n -= some;
	}
	return size ? -EFAULT : 0;
}

int emu_memory_write(const struct iovec *to, unsigned n, const void *from, size_t size)
{
	struct iovec remote = { (void *)(uintptr_t)from, 0 };

	if (size == 0)
		return 0;
	if (plain_copies) {
		copy_out(to, n, from);
		return 0;
	}
	while (n > 0) {
		const unsigned some = batch(to, n, &remote.iov_len);

		if (remote.iov_len > size ||
		    process_vm_readv(getpid(), to, some, &remote, 1, 0) != (ssize_t)remote.iov_len)
			return -EFAULT;
		remote.iov_base = (uint8_t *)remote.iov_base + remote.iov_len;
		size -= remote.iov_len;
		to += some;
		n -= some;
	}
	return size ? -EFAULT : 0;
}

/* Kernels before 5.14: one byte of each page must be readable; writability shows up later. */
static int touch_pages(uint64_t addr, uint64_t length, uint64_t page)
{
	const uint64_t end = addr + length;

	for (uint64_t at = addr; at < end; at = (at & ~(page - 1)) + page) {
		const struct iovec from = { (void *)(uintptr_t)at, 1 };
		uint8_t byte;
		const int rc = emu_memory_read(&byte, &from, 1, 1);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int emu_memory_populate(uint64_t addr, uint64_t length, bool writable)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const uint64_t start = addr & ~(page - 1);
	const uint64_t end = (addr + length + page - 1) & ~(page - 1);
	const int advice = writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;

	if (no_populate)
		return touch_pages(addr, length, page);
	if (end < start)
		return -EFAULT;
	while (madvise((void *)(uintptr_t)start, end - start, advice) < 0)
		if (errno != EINTR && errno != EAGAIN)
			return -EFAULT;
	return 0;
}
