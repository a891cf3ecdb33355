/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_LAUNCHER_HOST_H
#define MLX5EMU_LAUNCHER_HOST_H

#include "run/config.h"

/*
 * RDMA devices that the host has of its own. Programs of a run go on seeing them: emulated ones get
 * names and numbers that are not taken, and the run's tree has links to the real entries.
 */
enum { HOST_DEVICES = 64 };

struct host {
	char root[PATH_MAX]; /* that stands for "/", without the slash at its end */
	unsigned n;
	char name[HOST_DEVICES][EMU_RUN_NAME_SIZE];
	unsigned first_uverbs; /* the lowest number above all that are taken */
	unsigned first_mlx5;   /* the same of mlx5_<number> */
};

/* @root: as above; NULL for the host as it is, also from within a run of mlx5emu. */
void host_read(const char *root, struct host *host);

bool host_has(const struct host *host, const char *name);

/* Says on standard error which devices there are beside those of @run, if any. */
void host_warn(const struct host *host, const struct emu_run *run);

/* Links to all that is of RDMA, below the run directory @dir (a descriptor). -errno. */
int host_link(const struct host *host, int dir);

#endif
