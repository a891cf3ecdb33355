/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_LAUNCHER_TREE_H
#define MLX5EMU_LAUNCHER_TREE_H

#include "launcher/host.h"
#include "run/config.h"

/*
 * Writes below @dir (an empty directory) what a host with these devices shows: sys/ with classes,
 * PCI devices and ports, dev/infiniband with a stand-in per device node, and the file "config" that
 * tells the processes of the run what to emulate; and links to what @host has. -errno.
 */
int tree_write(const char *dir, const struct host *host, const struct emu_run *run);

#endif
