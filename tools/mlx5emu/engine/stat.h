/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_ENGINE_STAT_H
#define MLX5EMU_ENGINE_STAT_H

#include "../trace/stat.h"

struct emu_device;
struct emu_qp;

/*
 * The counters of this process for `mlx5emu stat`. A queue pair counts into its own line,
 * qp->stat->..., which is always there; whether anybody can see it is decided here. Lock held.
 */

/* Makes the file in @dir (NULL or "": none). A process that cannot goes on without one. */
void emu_stat_start(const char *dir, unsigned slot);
void emu_stat_stop(void);

/* The process ends, its threads may still count: only the file goes. */
void emu_stat_leave(void);

/* After fork(), in the child: counts on for nobody. */
void emu_stat_forget(void);

/* Copies the counters of the process to where they can be seen. */
void emu_stat_publish(void);

void emu_stat_opened(const struct emu_device *dev);
void emu_stat_qp_add(struct emu_qp *qp);
void emu_stat_qp_remove(struct emu_qp *qp);

/* State and peer of the queue pair may have changed. */
void emu_stat_qp_moved(const struct emu_qp *qp);

#endif
