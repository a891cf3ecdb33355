/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_MR_H
#define MLX5EMU_ENGINE_MR_H

#include <stdint.h>

#include "state.h"

/*
 * What a memory key (PRM "mkey") stands for. Of a region, memory of this process. Of an indirect key,
 * a list of ranges under other keys, one behind the other; memory windows are such keys, too:
 *
 *	iova                             iova + length
 *	| entry 0 | entry 1 | ... | entry n |	each: key, va, length (KLM)
 *						or all of 1 << log_entity bytes (KSM)
 *
 * or of entries that repeat (PRM "repeat block", mlx5dv_wr_mr_interleaved()), each @stride further on in
 * each cycle:
 *
 *	| entry 0 | entry 1 | entry 0 + stride | entry 1 + stride | ...
 */
struct emu_mr {
	struct emu_device *dev;
	struct emu_pd *pd;
	uint32_t key;
	uint32_t access;
	uint64_t addr, length, iova;
	bool revoked; /* by a fault: the owner still has it, nobody gets through it */

	bool indirect; /* all below */
	bool free;     /* nothing is behind it until a UMR binds it */
	bool umr;      /* a UMR may change it */
	bool window;   /* of verbs: bound to regions alone, and to those that allow it */
	bool remote_invalidate;
	uint8_t log_entity; /* 0: entries have lengths of their own */
	uint32_t qpn;       /* the only queue pair that may use it, or EMU_ANY_QPN */
	struct emu_key_range *range;
	uint32_t nranges, max_ranges;
	uint32_t cycles; /* with entries that repeat: how often all are gone through; else 0 */
};

enum { EMU_ANY_QPN = 0xffffff };

static inline bool emu_mr_covers(const struct emu_mr *mr, uint64_t va, uint64_t length)
{
	return va >= mr->iova && va - mr->iova <= mr->length &&
	       length <= mr->length - (va - mr->iova);
}

/* Who asks, and for what: EMU_ACCESS_* bits that the key must allow. */
struct emu_key_use {
	const struct emu_pd *pd;
	uint32_t qpn;
	uint32_t access;
};

/* Lock held: gives a new one its key and its domain. -EINVAL, -ENOMEM, as emu_device_usable(). */
int emu_mr_add(struct emu_device *dev, uint32_t pdn, struct emu_mr *mr);

/* NULL when no key is exactly this. */
struct emu_mr *emu_mr_find(uint32_t key);

/* The pieces that whoever holds the lock may fill, none of them yet. */
static inline struct emu_pieces *emu_no_pieces(void)
{
	emu.pieces.n = 0;
	return &emu.pieces;
}

/*
 * Appends where @length bytes at @va under @key lie in this process; @out may be NULL to know whether
 * they may be used at all. NULL, or the rule that forbids it (a constant string).
 */
const char *emu_key_pieces(const struct emu_key_use *use, uint32_t key, uint64_t va,
			   uint64_t length, struct emu_pieces *out);

/* The key stops being valid; no effect when there is none. */
void emu_mr_revoke(uint32_t key);

void emu_mrs_destroy(struct emu_device *dev);

#endif
