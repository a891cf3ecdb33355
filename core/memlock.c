/* SPDX-License-Identifier: MIT */
/*
 * Reading the memory-lock limit.
 *
 * The kernel counts pages pinned for RDMA as VmPin and holds them against RLIMIT_MEMLOCK (Linux:
 * drivers/infiniband/core/umem.c, ib_umem_get); mlock() counts into VmLck. Both are read. Rings of
 * queues are pinned like any region.
 */
#include "memlock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sysfs.h"

const char bvi_memlock_remedy[] =
	"raise the limit: `ulimit -l unlimited`, LimitMEMLOCK=infinity in a systemd unit, `docker "
	"run --ulimit memlock=-1`, or memlock in /etc/security/limits.conf";

/* "VmLck:      12 kB" of /proc/self/status in bytes; 0 if it is not there. */
static uint64_t status_bytes(const char *status, const char *name)
{
	const char *line = strstr(status, name);

	return line ? strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

struct bvi_memlock bvi_memlock_read(void)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };
	char status[4096] = "";

	getrlimit(RLIMIT_MEMLOCK, &limit);
	bvi_read_file("/proc/self/status", status, sizeof(status));
	return (struct bvi_memlock){
		.limit = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur,
		.locked = status_bytes(status, "VmLck:"),
		.pinned = status_bytes(status, "VmPin:"),
	};
}

const char *bvi_size_text(uint64_t bytes, char *text, size_t size)
{
	static const char units[] = "KMGT";
	double value = (double)bytes;
	int unit = -1;

	while (value >= 1024 && unit < 3) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, size, "%" PRIu64 " B", bytes);
	else
		snprintf(text, size, "%.4g %ciB", value, units[unit]);
	return text;
}
