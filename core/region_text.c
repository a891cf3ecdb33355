/* SPDX-License-Identifier: MIT */
/*
 * What failed registrations say: which limit was met, and what to do about it.
 */
#include "region.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "error.h"
#include "sysfs.h"

/* "VmLck:      12 kB" of /proc/self/status in bytes; 0 if it is not there. */
static uint64_t status_bytes(const char *status, const char *name)
{
	const char *line = strstr(status, name);

	return line ? strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

static const char *size_text(uint64_t bytes, char *text, size_t size)
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

/*
 * The kernel counts pages pinned for RDMA as VmPin and holds them against RLIMIT_MEMLOCK (Linux:
 * drivers/infiniband/core/umem.c, ib_umem_get); mlock() counts into VmLck. Both are shown.
 */
static int fail_enomem(const struct bv_pd *pd, size_t length)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };
	char status[4096] = "", asked[32], allowed[32], locked[32], pinned[32], most[32];
	uint64_t vm_lck, vm_pin;

	getrlimit(RLIMIT_MEMLOCK, &limit);
	bvi_read_file("/proc/self/status", status, sizeof(status));
	vm_lck = status_bytes(status, "VmLck:");
	vm_pin = status_bytes(status, "VmPin:");
	size_text(length, asked, sizeof(asked));
	size_text(vm_lck, locked, sizeof(locked));
	size_text(vm_pin, pinned, sizeof(pinned));
	if (limit.rlim_cur != RLIM_INFINITY && length + vm_pin > limit.rlim_cur)
		return bvi_fail(
			-ENOMEM,
			"%s: could not register memory: the memory-lock limit is reached: "
			"asked %s, limit %s, locked %s, pinned %s\nraise the limit: `ulimit "
			"-l unlimited`, LimitMEMLOCK=infinity in a systemd unit, `docker run "
			"--ulimit memlock=-1`, or memlock in /etc/security/limits.conf",
			pd->device->name, asked,
			size_text(limit.rlim_cur, allowed, sizeof(allowed)), locked, pinned);
	return bvi_fail(
		-ENOMEM,
		"%s: could not register memory: asked %s; the memory-lock limit does not "
		"forbid it (locked %s, pinned %s), so the device or the kernel is short: one "
		"region may have %s (max_mr_size), the device %d regions (see `rdma resource "
		"show mr`), and the process vm.max_map_count mappings",
		pd->device->name, asked, locked, pinned,
		size_text(pd->device->limits.max_mr_size, most, sizeof(most)),
		pd->device->limits.max_mr);
}

int bvi_fail_register(const struct bv_pd *pd, const void *addr, size_t length, unsigned access,
		      int rc)
{
	const char *name = pd->device->name;

	switch (-rc) {
	case ENOMEM:
		return fail_enomem(pd, length);
	case EFAULT:
		return bvi_fail(
			rc,
			"%s: could not register %zu bytes at %p: they are not all mapped%s\n"
			"memory of a GPU needs its peer-memory module, or a DMA-BUF",
			name, length, addr,
			access & (BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC) ?
				", or not writable" :
				"");
	case EINVAL:
		return bvi_fail(
			rc, "%s: the driver rejects a region of %zu bytes at %p with access 0x%x",
			name, length, addr, access);
	case EOPNOTSUPP:
		return bvi_fail(
			rc, "%s: the device does not offer access 0x%x%s%s: leave the flag out",
			name, access,
			access & BV_ACCESS_ON_DEMAND ? ", perhaps for on-demand paging" : "",
			access & BV_ACCESS_REMOTE_ATOMIC ? ", perhaps for atomics" : "");
	case EAGAIN:
		return bvi_fail(rc, "%s: out of memory keys: see `rdma resource show mr`", name);
	default:
		return bvi_fail(rc, "%s: could not register %zu bytes at %p with access 0x%x: %s",
				name, length, addr, access, bvi_errno_text(rc));
	}
}

/*
 * The kernel's internal "not supported", which some drivers and exporters let through to programs
 * (Linux: include/linux/errno.h).
 */
enum { KERNEL_ENOTSUPP = 524 };

int bvi_fail_dmabuf(const struct bv_pd *pd, int fd, uint64_t offset, size_t length, int rc)
{
	const char *name = pd->device->name;

	switch (-rc) {
	case ENOMEM:
		return fail_enomem(pd, length);
	case EOPNOTSUPP:
	case KERNEL_ENOTSUPP:
		return bvi_fail(
			-EOPNOTSUPP,
			"%s: no DMA-BUF regions here (error %d): the driver, or the exporter of "
			"descriptor %d, does not offer them\nit takes Linux 5.12, "
			"CONFIG_INFINIBAND_ON_DEMAND_PAGING for mlx5 and, for a GPU, its open "
			"kernel driver; else load its peer-memory module and use bv_mr_reg()",
			name, -rc, fd);
	case EFAULT:
		return bvi_fail(
			rc,
			"%s: could not reach %zu bytes at offset %" PRIu64 " of DMA-BUF %d: "
			"the exporter did not map them for the device\nfor a GPU: IOMMU and ACS "
			"settings between the two, and that its memory still exists",
			name, length, offset, fd);
	case EINVAL:
		return bvi_fail(rc,
				"%s: the driver rejects %zu bytes at offset %" PRIu64
				" of descriptor %d: it is no DMA-BUF, or a shorter one",
				name, length, offset, fd);
	case EBADF:
		return bvi_fail(rc, "%s: descriptor %d is not open", name, fd);
	default:
		return bvi_fail(rc,
				"%s: could not register %zu bytes at offset %" PRIu64
				" of DMA-BUF %d: %s",
				name, length, offset, fd, bvi_errno_text(rc));
	}
}
