/* SPDX-License-Identifier: MIT */
/*
 * Memory that suits a device: whole pages, hugepages if there are any, on the device's NUMA node.
 * Optional: any memory can be registered. What was wished for and not granted is told in the
 * buffer, never hidden.
 *
 *	rc = bv_buffer_alloc(dev, 64 << 20, BV_BUFFER_HUGE | BV_BUFFER_NEAR, &buf);
 *	if (rc == 0 && buf->missed)
 *		fprintf(stderr, "%s\n", buf->text);
 *	rc = bv_mr_reg(pd, buf->addr, buf->length, BV_ACCESS_LOCAL, &mr);
 */
#ifndef BV_BAREVERBS_BUFFER_H
#define BV_BAREVERBS_BUFFER_H

#include <bareverbs/common.h>

BV_BEGIN_DECLS

struct bv_device;

/* Hugepages of the system's default size: fewer entries in the TLB and in the device's tables. */
#define BV_BUFFER_HUGE 0x1u
/* All pages on the NUMA node that the device is attached to. */
#define BV_BUFFER_NEAR 0x2u
/* Fail if a wish cannot be granted. */
#define BV_BUFFER_STRICT 0x4u

/**
 * struct bv_buffer - A buffer and what it is made of; read only
 * @addr: its first byte, at the start of a page; all bytes are 0 at first
 * @length: bytes, a multiple of @page_size: what was asked for or more. Register all of it.
 * @page_size: bytes
 * @node: the NUMA node of all pages; -1 if they are spread, or it was not asked or not told
 * @missed: BV_BUFFER_HUGE and BV_BUFFER_NEAR as far as they were wished for and not granted
 * @text: why, and what to do about it; empty if nothing was missed
 */
struct bv_buffer {
	void *addr;
	size_t length;
	size_t page_size;
	int node;
	unsigned missed;
	char text[512];
};

/**
 * bv_buffer_alloc - Allocate memory for a device to work on
 * @dev: the device
 * @length: bytes, 1 at least
 * @flags: BV_BUFFER_* or'ed; 0: pages of the system, anywhere
 * @buffer: receives the buffer on success
 *
 * All pages are there when it returns, so nothing is faulted in later. Where a fork() could give
 * the child a pinned page and the parent a copy that the device does not know (Linux before 5.12),
 * a child does not inherit the buffer; nothing of the program's shares its pages.
 *
 * Return: 0; -EINVAL an argument is NULL, @length is 0 or far too long, an unknown flag; -ENOMEM
 *	no memory, or with BV_BUFFER_STRICT a wish not granted (the text tells which).
 * Owner: the caller, until bv_buffer_free(); regions over it must be gone by then.
 * Threads: any.  Blocks: in the kernel, longer for larger buffers.
 */
BV_API BV_MUST_CHECK int bv_buffer_alloc(struct bv_device *dev, size_t length, unsigned flags,
					 struct bv_buffer **buffer);

/**
 * bv_buffer_free - Give the memory back
 * @buffer: from bv_buffer_alloc(); NULL is fine. No region over it may be left, not in a cache
 *	either (bv_mr_cache_invalidate() sees to that).
 *
 * Owner: @buffer and its memory end here.  Threads: any.  Blocks: in the kernel.
 */
BV_API void bv_buffer_free(struct bv_buffer *buffer);

BV_END_DECLS

#endif
