/* SPDX-License-Identifier: MIT */
#include "arena.h"
#include "fuzz.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tools/mlx5emu/engine/memory.h"
#include "tools/mlx5emu/uverbs/user.h"

enum { PAGE = 4096, PAGES = ARENA_SIZE / PAGE };

static_assert(PAGES == 64, "a bit of each page");

static uint64_t touched;

/* Reads, too: who may read a queue by the device's own pointer may write to it. */
static void touch(uint64_t offset, uint64_t length)
{
	const uint64_t first = offset / PAGE, last = (offset + (length ? length - 1 : 0)) / PAGE;

	if (first < PAGES)
		touched |= UINT64_MAX << first &
			   UINT64_MAX >> (last < PAGES ? PAGES - 1 - last : 0);
}

void arena_reset(void)
{
	static uint8_t *memory;

	if (!memory) {
		memory = mmap((void *)(uintptr_t)ARENA_BASE, ARENA_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		require(memory != MAP_FAILED);
	}
	for (unsigned page = 0; touched; touched >>= 1, page++) {
		if (touched & 1)
			memset(memory + page * PAGE, 0, PAGE);
	}
}

uint8_t *arena_at(uint32_t offset, uint32_t size)
{
	require(offset <= ARENA_SIZE && size <= ARENA_SIZE - offset);
	touch(offset, size);
	return (uint8_t *)(uintptr_t)ARENA_BASE + offset;
}

static bool inside(uint64_t addr, uint64_t length)
{
	if (length > ARENA_SIZE || addr < ARENA_BASE || addr - ARENA_BASE > ARENA_SIZE - length)
		return false;
	touch(addr - ARENA_BASE, length);
	return true;
}

/* ---- engine/memory.h ---- */

void emu_memory_init(void)
{
}

bool emu_memory_forgives(void)
{
	return true;
}

int emu_memory_read(void *to, const struct iovec *from, unsigned n, size_t size)
{
	uint8_t *at = to;

	for (unsigned i = 0; i < n; at += from[i++].iov_len) {
		require(from[i].iov_len <= size);
		size -= from[i].iov_len;
		if (!inside((uintptr_t)from[i].iov_base, from[i].iov_len))
			return -EFAULT;
		memcpy(at, from[i].iov_base, from[i].iov_len);
	}
	require(size == 0);
	return 0;
}

int emu_memory_write(const struct iovec *to, unsigned n, const void *from, size_t size)
{
	const uint8_t *at = from;

	for (unsigned i = 0; i < n; at += to[i++].iov_len) {
		require(to[i].iov_len <= size);
		size -= to[i].iov_len;
		if (!inside((uintptr_t)to[i].iov_base, to[i].iov_len))
			return -EFAULT;
		memcpy(to[i].iov_base, at, to[i].iov_len);
	}
	require(size == 0);
	return 0;
}

int emu_memory_populate(uint64_t addr, uint64_t length, bool writable)
{
	(void)writable;
	return inside(addr, length) ? 0 : -EFAULT;
}

/* ---- uverbs/user.h ---- */

int emu_user_read(void *dst, uint64_t src, size_t len)
{
	if (len == 0)
		return 0;
	if (!inside(src, len))
		return -EFAULT;
	memcpy(dst, (const void *)(uintptr_t)src, len);
	return 0;
}

int emu_user_write(uint64_t dst, const void *src, size_t len)
{
	if (len == 0)
		return 0;
	if (!inside(dst, len))
		return -EFAULT;
	memcpy((void *)(uintptr_t)dst, src, len);
	return 0;
}
