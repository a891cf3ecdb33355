/* SPDX-License-Identifier: MIT */
/*
 * NUMA placement by system call: three calls do not pay for a library. No function writes an error
 * text; -errno comes back.
 */
#ifndef BV_CORE_NUMA_H
#define BV_CORE_NUMA_H

#include <stdbool.h>
#include <stddef.h>

/* The node of the device with this directory in sysfs; -1: the system names none. */
int bvi_numa_node(const char *ibdev_path);

/* Whether there is more than one node to choose from. */
bool bvi_numa_several(void);

/*
 * The pages of the range shall come from @node. Others are taken when it has none left: the strict
 * policy would call the OOM killer, or end in SIGBUS on hugepages, instead of failing. So look
 * afterwards where they are.
 */
int bvi_numa_prefer(void *addr, size_t length, int node);

/* Where the pages of the range are: how many of them not on @node, or -errno. All must be there. */
long bvi_numa_elsewhere(void *addr, size_t length, size_t page_size, int node);

#endif
