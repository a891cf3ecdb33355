/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_IDS_H
#define MLX5EMU_ENGINE_IDS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Numbers for objects. Free numbers are handed out in rising order and reused only after a full
 * turn, so that a number of a dead object stays invalid for long. Zero-initialised but for @first
 * and @limit; the engine's lock guards it.
 */
struct emu_ids {
	uint32_t first, limit; /* numbers first..limit - 1 */
	uint32_t count;
	uint32_t size, next; /* slots allocated; where the search starts */
	void **slot;
};

/* 0, or -ENOMEM when all numbers are in use. */
int emu_ids_add(struct emu_ids *ids, void *object, uint32_t *id);
void emu_ids_remove(struct emu_ids *ids, uint32_t id);

/* NULL when there is none. */
static inline void *emu_ids_get(const struct emu_ids *ids, uint32_t id)
{
	return id < ids->size ? ids->slot[id] : NULL;
}

/* Forgets everything without touching the objects. */
void emu_ids_reset(struct emu_ids *ids);

#endif
