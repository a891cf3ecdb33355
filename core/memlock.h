/* SPDX-License-Identifier: MIT */
/*
 * The memory-lock limit, for texts: what the kernel allows this process to pin, and what it has pinned.
 */
#ifndef BV_CORE_MEMLOCK_H
#define BV_CORE_MEMLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bvi_memlock {
	uint64_t limit; /* bytes; UINT64_MAX: none */
	uint64_t locked;
	uint64_t pinned;
};

struct bvi_memlock bvi_memlock_read(void);

/* Whether @bytes more are too many. */
static inline bool bvi_memlock_reached(const struct bvi_memlock *m, uint64_t bytes)
{
	return m->limit != UINT64_MAX && (bytes > m->limit || m->pinned > m->limit - bytes);
}

/* What to do about it. */
extern const char bvi_memlock_remedy[];

/* "64 KiB"; returns @text. */
const char *bvi_size_text(uint64_t bytes, char *text, size_t size);

#endif
