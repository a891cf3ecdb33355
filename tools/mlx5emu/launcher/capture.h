/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_LAUNCHER_CAPTURE_H
#define MLX5EMU_LAUNCHER_CAPTURE_H

#include "run/config.h"

/*
 * Makes the files that the processes of the run append their traces to: the text one empty, the
 * capture with its section and an interface per device. What was there before is gone. -errno;
 * *@path is the file concerned then.
 */
int capture_create(const struct emu_run *run, const char **path);

#endif
