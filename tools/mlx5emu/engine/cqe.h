/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_CQE_H
#define MLX5EMU_ENGINE_CQE_H

#include <stdbool.h>

#include "cq.h"

/*
 * What completions look like in a ring: entries, and blocks of them that were compressed.
 *
 *	one by one	| cqe | cqe | cqe | cqe | ...
 *	compressed	| title | minis 0..7 | - | ... | - | minis 8..15 | - | ...
 *	                  i       i+1                     i+8
 *
 * A block (PRM "CQE compression") stands for as many entries as it has minis; entries that it does not
 * write keep what they had, owner bit included, so the program has to set those. The title says what all
 * have in common, and in byte_cnt how many there are. It is written last.
 */

/* Puts @c into the next entry. */
void emu_cqe_put(struct emu_cq *cq, const struct emu_completion *c);

/* Compressing queues: adds @c to the open block, or begins one. False: it fits none, and none is open. */
bool emu_block_add(struct emu_cq *cq, const struct emu_completion *c);

/* Writes the open block, if there is one. */
void emu_block_close(struct emu_cq *cq);

#endif
