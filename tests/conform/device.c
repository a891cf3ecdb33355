/* SPDX-License-Identifier: MIT */
#include "device.h"

#define MLX5EMU_WEAK
#include "mlx5emu.h"

/* How far the clock of an idle stepped device moves: below every time-out of interest. */
enum {
	IDLE_NS = 20000,
};

bool device_is_manual(void)
{
	return mlx5emu_is_manual && mlx5emu_is_manual();
}

void device_step(void)
{
	if (mlx5emu_step() == 0)
		mlx5emu_advance_ns(IDLE_NS);
}
