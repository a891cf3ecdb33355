/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_LAUNCHER_ENVIRONMENT_H
#define MLX5EMU_LAUNCHER_ENVIRONMENT_H

/*
 * Sets what the program inherits: LD_PRELOAD with the device library (found relative to this
 * binary), MLX5EMU_RUN and SYSFS_PATH with the run directory, and what sanitizer runtimes need to
 * accept a preloaded library. -errno; -ENOENT: the library was not found (see @looked); -ENXIO: nor
 * was this binary, for want of /proc.
 * @run_dir: absolute. @looked: on -ENOENT the places tried, a static string.
 */
int environment_set(const char *run_dir, const char **looked);

#endif
