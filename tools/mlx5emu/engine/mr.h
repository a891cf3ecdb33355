/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_MR_H
#define MLX5EMU_ENGINE_MR_H

#include <stdint.h>

#include "state.h"

struct emu_mr {
	struct emu_device *dev;
	struct emu_pd *pd;
	uint32_t key;
	uint32_t access;
	uint64_t addr, length, iova;
	bool revoked; /* by a fault: the owner still has it, nobody gets through it */
};

/*
 * Translates @length bytes at @va under @key for a queue of @pd. NULL and the address in this
 * process in *@at, or the rule that forbids it (a constant string). @access: EMU_ACCESS_* bits that
 * the region must have.
 */
const char *emu_mr_translate(const struct emu_pd *pd, uint32_t key, uint64_t va, uint64_t length,
			     uint32_t access, uint64_t *at);

/* The key stops being valid; no effect when there is none. */
void emu_mr_revoke(uint32_t key);

void emu_mrs_destroy(struct emu_device *dev);

#endif
