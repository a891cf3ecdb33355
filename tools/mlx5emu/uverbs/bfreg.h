/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_BFREG_H
#define MLX5EMU_UVERBS_BFREG_H

#include <stdint.h>

/*
 * BlueFlame registers as kernels before Linux 5.8 hand them out: a context has a fixed set of UAR pages
 * with two registers each, which the program maps by their place in the device file, and the kernel chooses
 * a register for each queue pair (mlx5_ib_alloc_bfreg() and calc_total_bfregs() in mlx5_ib; the choice
 * between the classes is libmlx5's environment's). Thread domains map further pages, and name their
 * register themselves. Guarded by the file's lock.
 *
 *	0 | medium: shared, with a lock | low latency: of one queue pair each
 *
 * Number 0 is nobody's own and rings without BlueFlame.
 */
struct emu_file;
struct emu_bfregs;

enum { EMU_DYNAMIC_BFREGS = 32 };

/* -EINVAL numbers that the kernel refuses; -ENOMEM. */
int emu_bfregs_create(uint32_t total, uint32_t low_latency, struct emu_bfregs **out);
void emu_bfregs_free(struct emu_bfregs *bfregs);
uint32_t emu_bfregs_total(const struct emu_bfregs *bfregs);

/* A register for a new queue pair, and the engine's name of its page. -ENOMEM. */
int emu_bfreg_take(struct emu_file *file, uint32_t *bfreg, uint32_t *page);
void emu_bfreg_give(struct emu_file *file, uint32_t bfreg);

/* How libmlx5 counts: four registers a page, of which two are never used. */
uint32_t emu_bfreg_answer(uint32_t bfreg);

/* The page of a thread domain's register; of completion queues. -EINVAL no such register; -ENOMEM. */
int emu_bfreg_dynamic(struct emu_file *file, uint32_t index, uint32_t *page);
int emu_bfreg_of_cqs(struct emu_file *file, uint32_t *page);

#endif
