/* SPDX-License-Identifier: MIT */
/*
 * Pages are the engine's from their first use on: nothing tells when a program maps one. They end with
 * the device.
 */
#include "uverbs/bfreg.h"

#include "engine/engine.h"
#include "uverbs/file.h"

#include <errno.h>
#include <stdlib.h>
#include <rdma/mlx5-abi.h>

enum {
	PER_PAGE = 2,      /* MLX5_NON_FP_BFREGS_PER_UAR */
	COUNTED = 4,       /* MLX5_BFREGS_PER_UAR */
	MAX_BFREGS = 512,  /* MLX5_MAX_BFREGS */
	COMMAND_SHIFT = 8, /* of a page's place in the file: MLX5_IB_MMAP_CMD_SHIFT */
	/* libmlx5 maps one page more than it was told */
	DYNAMIC_PAGES = EMU_DYNAMIC_BFREGS / PER_PAGE + 1,
};

struct emu_bfregs {
	uint32_t total, low_latency;
	unsigned users[MAX_BFREGS];
	uint32_t page[MAX_BFREGS / PER_PAGE]; /* 0 = not in use yet */
	uint32_t dynamic[DYNAMIC_PAGES];
};

int emu_bfregs_create(uint32_t total, uint32_t low_latency, struct emu_bfregs **out)
{
	struct emu_bfregs *b;

	if (total == 0 || total > MAX_BFREGS)
		return -EINVAL;
	total = (total + PER_PAGE - 1) / PER_PAGE * PER_PAGE;
	if (low_latency > total - 1)
		return -EINVAL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->total = total;
	b->low_latency = low_latency;
	*out = b;
	return 0;
}

void emu_bfregs_free(struct emu_bfregs *bfregs)
{
	free(bfregs);
}

uint32_t emu_bfregs_total(const struct emu_bfregs *bfregs)
{
	return bfregs->total;
}

static uint8_t *mapped_at(const struct emu_file *file, enum mlx5_ib_mmap_cmd command,
			  uint32_t index)
{
	const size_t place = (size_t)command << COMMAND_SHIFT | index;

	return (uint8_t *)file->uar + place * EMU_PAGE_SIZE;
}

/* libmlx5 maps all without write-combining when it is told to use no BlueFlame (MLX5_SHUT_UP_BF). */
static int static_page(struct emu_file *file, uint32_t index, uint32_t *page)
{
	uint32_t *known = &file->bfregs->page[index];
	int rc = 0;

	if (!*known)
		rc = emu_uar_place(file->device, mapped_at(file, MLX5_IB_MMAP_REGULAR_PAGE, index),
				   mapped_at(file, MLX5_IB_MMAP_NC_PAGE, index), known);
	if (rc == 0)
		*page = *known;
	return rc;
}

/* alloc_high_class_bfreg(), alloc_med_class_bfreg(): an unused one, else the least used of the medium. */
static uint32_t choose(const struct emu_bfregs *b)
{
	const uint32_t first_low_latency = b->total - b->low_latency;
	uint32_t best = first_low_latency > 1 ? 1 : 0;

	for (uint32_t i = first_low_latency; i < b->total; i++)
		if (!b->users[i])
			return i;
	for (uint32_t i = 1; i < first_low_latency; i++)
		if (b->users[i] < b->users[best])
			best = i;
	return best;
}

int emu_bfreg_take(struct emu_file *file, uint32_t *bfreg, uint32_t *page)
{
	const uint32_t chosen = choose(file->bfregs);
	const int rc = static_page(file, chosen / PER_PAGE, page);

	if (rc < 0)
		return rc;
	file->bfregs->users[chosen]++;
	*bfreg = chosen;
	return 0;
}

void emu_bfreg_give(struct emu_file *file, uint32_t bfreg)
{
	file->bfregs->users[bfreg]--;
}

uint32_t emu_bfreg_answer(uint32_t bfreg)
{
	return bfreg / PER_PAGE * COUNTED + bfreg % PER_PAGE;
}

int emu_bfreg_dynamic(struct emu_file *file, uint32_t index, uint32_t *page)
{
	uint32_t *known;
	int rc = 0;

	if (index / PER_PAGE >= DYNAMIC_PAGES)
		return -EINVAL;
	known = &file->bfregs->dynamic[index / PER_PAGE];
	if (!*known)
		rc = emu_uar_place(file->device,
				   mapped_at(file, MLX5_IB_MMAP_ALLOC_WC, index / PER_PAGE), NULL,
				   known);
	if (rc == 0)
		*page = *known;
	return rc;
}

int emu_bfreg_of_cqs(struct emu_file *file, uint32_t *page)
{
	return static_page(file, 0, page);
}
