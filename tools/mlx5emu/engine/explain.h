/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_EXPLAIN_H
#define MLX5EMU_ENGINE_EXPLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "mr.h"
#include "wqe_parse.h"

/*
 * Why a key does not let a request pass, as field, value and expectation: "data[1].lkey is 0x1302,
 * expected a key of the queue's protection domain". @why: the rule that key.c named.
 */
void emu_explain_segments(const struct emu_key_use *use, const struct emu_seg *seg, unsigned nseg,
			  const char *why, char *text, size_t size);

/* The same of a remote address and key, at the side that owns the region. */
void emu_explain_remote(const struct emu_key_use *use, uint32_t rkey, uint64_t va, uint64_t length,
			const char *why, char *text, size_t size);

#endif
