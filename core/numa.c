/* SPDX-License-Identifier: MIT */
#include "numa.h"

#include <errno.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sysfs.h"

/* Arguments of syscall() are longs, all of them: an int would leave half of a register undefined. */

enum {
	LONG_BITS = CHAR_BIT * sizeof(unsigned long),
	MOST_NODES = 1024, /* Linux: CONFIG_NODES_SHIFT is 10 at most */
	PAGES_AT_ONCE = 256,
};

int bvi_numa_node(const char *ibdev_path)
{
	char path[512], text[32];
	int node;

	snprintf(path, sizeof(path), "%s/device/numa_node", ibdev_path);
	if (bvi_read_file(path, text, sizeof(text)) <= 0)
		return -1;
	node = atoi(text);
	return node < MOST_NODES ? node : -1;
}

/* "0", or a list such as "0-1" or "0,2". */
bool bvi_numa_several(void)
{
	char text[256];

	return bvi_read_file("/sys/devices/system/node/online", text, sizeof(text)) > 0 &&
	       strpbrk(text, "-,");
}

int bvi_numa_prefer(void *addr, size_t length, int node)
{
	unsigned long mask[MOST_NODES / LONG_BITS] = { 0 };
	const unsigned at = (unsigned)node;

	mask[at / LONG_BITS] = 1ul << at % LONG_BITS;
	/* The kernel reads one bit less than it is told (Linux: mm/mempolicy.c, get_nodes). */
	if (syscall(SYS_mbind, addr, length, (long)MPOL_PREFERRED, mask, MOST_NODES + 1L, 0L) < 0)
		return -errno;
	return 0;
}

long bvi_numa_elsewhere(void *addr, size_t length, size_t page_size, int node)
{
	const size_t pages = length / page_size;
	void *at[PAGES_AT_ONCE];
	int where[PAGES_AT_ONCE];
	long elsewhere = 0;

	for (size_t done = 0; done < pages;) {
		const size_t n = pages - done < PAGES_AT_ONCE ? pages - done : PAGES_AT_ONCE;

		for (size_t i = 0; i < n; i++)
			at[i] = (uint8_t *)addr + (done + i) * page_size;
		/* Without nodes to move to, move_pages() tells where the pages are. */
		if (syscall(SYS_move_pages, 0L, n, at, NULL, where, 0L) < 0)
			return -errno;
		for (size_t i = 0; i < n; i++)
			elsewhere += where[i] != node;
		done += n;
	}
	return elsewhere;
}
