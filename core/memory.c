/* SPDX-License-Identifier: MIT */
/*
 * Memory regions. The public struct comes first in ours, so that its inlines need no call; both are
 * written once, at registration.
 */
#include <bareverbs/memory.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "error.h"
#include "pd.h"
#include "sysfs.h"

struct region {
	struct bv_mr base;
	struct bv_pd *pd;
	struct ibv_mr *ibv;
};

#define ACCESS_ALL                                                                \
	(BV_ACCESS_LOCAL_WRITE | BV_ACCESS_REMOTE_WRITE | BV_ACCESS_REMOTE_READ | \
	 BV_ACCESS_REMOTE_ATOMIC | BV_ACCESS_ON_DEMAND | BV_ACCESS_HUGETLB |      \
	 BV_ACCESS_RELAXED_ORDERING)

static_assert(BV_ACCESS_LOCAL_WRITE == IBV_ACCESS_LOCAL_WRITE &&
		      BV_ACCESS_REMOTE_WRITE == IBV_ACCESS_REMOTE_WRITE &&
		      BV_ACCESS_REMOTE_READ == IBV_ACCESS_REMOTE_READ &&
		      BV_ACCESS_REMOTE_ATOMIC == IBV_ACCESS_REMOTE_ATOMIC &&
		      BV_ACCESS_ON_DEMAND == IBV_ACCESS_ON_DEMAND &&
		      BV_ACCESS_HUGETLB == IBV_ACCESS_HUGETLB &&
		      BV_ACCESS_RELAXED_ORDERING == IBV_ACCESS_RELAXED_ORDERING,
	      "access flags go down as they are");

#define SAME_LAYOUT(type)                                                                          \
	static_assert(sizeof(struct type) == sizeof(struct ibv_sge) &&                             \
			      offsetof(struct type, addr) == offsetof(struct ibv_sge, addr) &&     \
			      offsetof(struct type, length) == offsetof(struct ibv_sge, length) && \
			      offsetof(struct type, lkey) == offsetof(struct ibv_sge, lkey),       \
		      "lists go down uncopied")

SAME_LAYOUT(bv_gather);
SAME_LAYOUT(bv_scatter);

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

static int fail_register(const struct bv_pd *pd, const void *addr, size_t length, unsigned access,
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

static int check(const void *addr, size_t length, unsigned access)
{
	const uint64_t first = (uintptr_t)addr;

	if (length == 0)
		return bvi_fail(-EINVAL, "bv_mr_reg: length is 0; a region has at least one byte");
	if (length - 1 > UINTPTR_MAX - first)
		return bvi_fail(-EINVAL,
				"bv_mr_reg: %zu bytes at %p run past the end of the address "
				"space",
				length, addr);
	if (access & ~ACCESS_ALL)
		return bvi_fail(-EINVAL, "bv_mr_reg: access has unknown flags 0x%x",
				access & ~ACCESS_ALL);
	if (access & (BV_ACCESS_REMOTE_WRITE | BV_ACCESS_REMOTE_ATOMIC) &&
	    !(access & BV_ACCESS_LOCAL_WRITE))
		return bvi_fail(-EINVAL,
				"bv_mr_reg: access 0x%x: remote write and remote atomic need "
				"BV_ACCESS_LOCAL_WRITE, too",
				access);
	return 0;
}

int bv_mr_reg(struct bv_pd *pd, void *addr, size_t length, unsigned access, struct bv_mr **mr)
{
	struct region *region;
	int rc;

	if (!pd || !mr)
		return bvi_fail(-EINVAL, "bv_mr_reg: an argument is NULL");
	rc = check(addr, length, access);
	if (rc < 0)
		return rc;
	region = calloc(1, sizeof(*region));
	if (!region)
		return bvi_fail(-ENOMEM, "no memory for a region");
	errno = 0;
	region->ibv = ibv_reg_mr(pd->ibv, addr, length, access);
	if (!region->ibv) {
		rc = fail_register(pd, addr, length, access, bv_rc(-1));
		free(region);
		return rc;
	}
	bvi_pd_get(pd);
	region->pd = pd;
	region->base.addr = (uintptr_t)addr;
	region->base.length = length;
	region->base.lkey = region->ibv->lkey;
	region->base.rkey = region->ibv->rkey;
	*mr = &region->base;
	return 0;
}

void bv_mr_dereg(struct bv_mr *mr)
{
	struct region *region = (struct region *)mr; /* base is its first member */
	int rc;

	if (!mr)
		return;
	rc = bv_rc(ibv_dereg_mr(region->ibv));
	if (rc < 0)
		bvi_fail(rc, "%s: could not deregister %" PRIu64 " bytes at 0x%" PRIx64 ": %s",
			 region->pd->device->name, mr->length, mr->addr, bvi_errno_text(rc));
	bvi_pd_put(region->pd);
	free(region);
}
