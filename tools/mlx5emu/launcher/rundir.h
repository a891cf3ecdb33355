/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_LAUNCHER_RUNDIR_H
#define MLX5EMU_LAUNCHER_RUNDIR_H

#include <limits.h>

/*
 * The run directory: <base>/mlx5emu-<random>/, base being $XDG_RUNTIME_DIR, /dev/shm or /tmp. It lives as
 * long as its launcher, which holds a lock on the file "lock" in it. What a killed launcher left
 * behind is recognised by the free lock and removed by the next one.
 */
struct rundir {
	char path[PATH_MAX];
	int lock_fd;
};

#define RUNDIR_PREFIX "mlx5emu-"

/* Where run directories may be, the first usable one being taken; NULL for one that is not set. */
enum { RUNDIR_BASES = 3 };
const char *rundir_base(unsigned i);

/* Removes stale directories of this user, makes a new one and locks it. -errno. */
int rundir_create(struct rundir *dir);

/* Removes it with all that is in it. Errors are ignored: the next launcher tries again. */
void rundir_remove(struct rundir *dir);

#endif
