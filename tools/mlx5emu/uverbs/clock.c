/* SPDX-License-Identifier: MIT */
/*
 * The page by which libmlx5 turns the device's time into that of the wall (mlx5dv_ts_to_ns(), kernel:
 * mlx5_update_clock_info_page()). The device counts the nanoseconds of CLOCK_MONOTONIC, or of a test's
 * clock, so that one pair of times is enough: the kernel slews both clocks alike, and a wall clock that is
 * set anew afterwards is not followed. Written once, before anybody can map it.
 *
 * There is no page with the counter itself (ibv_query_rt_values_ex()): it would stand still while the
 * device's thread sleeps.
 */
#include "uverbs/command.h"

#include "engine/engine.h"
#include "engine/timer.h"

#include <time.h>
#include <rdma/mlx5-abi.h>

enum { COMMAND_SHIFT = 8 }; /* of an mmap offset, in pages: libmlx5, MLX5_IB_MMAP_CMD_SHIFT */

static const uint64_t update_ns = UINT64_C(3600) * 1000000000;

static_assert(MLX5_IB_MMAP_CLOCK_INFO << COMMAND_SHIFT > EMU_MAX_UAR_PAGES &&
		      MLX5_IB_MMAP_CLOCK_INFO << COMMAND_SHIFT < EMU_DM_FIRST_PAGE,
	      "a page of its own");

void emu_clock_info_write(const struct emu_file *file)
{
	const size_t page = (size_t)MLX5_IB_MMAP_CLOCK_INFO << COMMAND_SHIFT |
			    MLX5_IB_CLOCK_INFO_V1;
	struct mlx5_ib_clock_info *info = (void *)((char *)file->uar + page * EMU_PAGE_SIZE);
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	*info = (struct mlx5_ib_clock_info){
		.nsec = (uint64_t)wall.tv_sec * 1000000000 + (uint64_t)wall.tv_nsec,
		.cycles = emu_now_ns(),
		.mult = 1,
		.mask = UINT64_MAX,
		.overflow_period = update_ns,
	};
}
