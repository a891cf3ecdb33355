/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_SESSION_H
#define MLX5EMU_UVERBS_SESSION_H

#include "run/config.h"

/* The run that this process is part of. Read from the run directory at the first call. */
struct emu_session {
	struct emu_run run;
	char dir[PATH_MAX]; /* the run directory */
};

/* NULL outside of a run, or when its directory is gone or damaged. */
const struct emu_session *emu_session(void);

enum emu_path {
	EMU_PATH_OTHER,  /* not ours: leave it alone */
	EMU_PATH_TREE,   /* fabricated, or a link there: use @out instead */
	EMU_PATH_DEVICE, /* /dev/infiniband/uverbs<run.first_uverbs + index> */
	EMU_PATH_CM,     /* /dev/infiniband/rdma_cm */
};

/*
 * What an absolute path means in this run. @out (of PATH_MAX bytes) is written for EMU_PATH_TREE,
 * @index for EMU_PATH_DEVICE. Costs a string comparison for a path that is not of RDMA.
 */
enum emu_path emu_path_map(const char *path, char *out, unsigned *index);

enum { EMU_CDEV_MAJOR = 231, EMU_CDEV_FIRST_MINOR = 192 }; /* of uverbs0, as in the kernel */
enum { EMU_CM_MAJOR = 10, EMU_CM_MINOR = 122 };            /* of rdma_cm: a misc device */

#endif
