/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_MEMORY_H
#define MLX5EMU_ENGINE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Access to the program's data buffers.
 *
 * A program may unmap a buffer that is still registered. Real hardware holds the pages pinned; the
 * emulator has only addresses, so it lets the kernel copy, which answers EFAULT where a plain load
 * would kill the program. process_vm_readv() on the own pid serves both directions: the program's
 * side is the remote vector when reading and the local one when writing (valgrind then sees the
 * written bytes as defined). Where a sandbox forbids the call the fallback is memcpy.
 *
 * Rings, doorbell records and CQEs are not data buffers: they are accessed directly.
 */

/* Why a request fails whose copy below does. */
#define EMU_NOT_MAPPED "a page of the registered buffer is not mapped"

/* Chooses the method, once per process. */
void emu_memory_init(void);

/* Whether the copies below survive addresses that are not mapped. */
bool emu_memory_forgives(void);

/* Gathers @size bytes from @from. 0 or -EFAULT. */
int emu_memory_read(void *to, const struct iovec *from, unsigned n, size_t size);

/* Scatters @size bytes; on -EFAULT a part may have been written. */
int emu_memory_write(const struct iovec *to, unsigned n, const void *from, size_t size);

/*
 * Faults in all pages of the range as pinning would. 0, or -EFAULT when one is not mapped or, with
 * @writable, not writable.
 */
int emu_memory_populate(uint64_t addr, uint64_t length, bool writable);

#endif
