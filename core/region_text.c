/* SPDX-License-Identifier: MIT */
/*
 * What failed registrations say: which limit was met, and what to do about it.
 */
#include "region.h"

#include <inttypes.h>

#include "error.h"
#include "memlock.h"

static int fail_enomem(const struct bv_pd *pd, size_t length)
{
	const struct bvi_memlock memlock = bvi_memlock_read();
	char asked[32], allowed[32], locked[32], pinned[32], most[32];

	bvi_size_text(length, asked, sizeof(asked));
	bvi_size_text(memlock.locked, locked, sizeof(locked));
	bvi_size_text(memlock.pinned, pinned, sizeof(pinned));
	if (bvi_memlock_reached(&memlock, length))
		return bvi_fail(-ENOMEM,
				"%s: could not register memory: the memory-lock limit is reached: "
				"asked %s, limit %s, locked %s, pinned %s\n%s",
				pd->device->name, asked,
				bvi_size_text(memlock.limit, allowed, sizeof(allowed)), locked,
				pinned, bvi_memlock_remedy);
	return bvi_fail(
		-ENOMEM,
		"%s: could not register memory: asked %s; the memory-lock limit does not "
		"forbid it (locked %s, pinned %s), so the device or the kernel is short: one "
		"region may have %s (max_mr_size), the device %d regions (see `rdma resource "
		"show mr`), and the process vm.max_map_count mappings",
		pd->device->name, asked, locked, pinned,
		bvi_size_text(pd->device->limits.max_mr_size, most, sizeof(most)),
		pd->device->limits.max_mr);
}

/*
 * The kernel's internal "not supported", which some drivers and exporters let through to programs
 * (Linux: include/linux/errno.h).
 */
enum { KERNEL_ENOTSUPP = 524 };

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
			"memory of a GPU: bv_mr_reg_dmabuf() of its DMA-BUF, or load its "
			"peer-memory module (nvidia_peermem)",
			name, length, addr,
			access & (BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC) ?
				", or not writable" :
				"");
	/* can_do_mlock() in ib_umem_get(): a limit of 0 and no CAP_IPC_LOCK. */
	case EPERM:
		return bvi_fail(rc, "%s: this process may lock no memory at all: %s", name,
				bvi_memlock_remedy);
	case KERNEL_ENOTSUPP:
		return bvi_fail(
			-EOPNOTSUPP,
			"%s: could not register %zu bytes at %p: the driver that they belong to "
			"does not let other devices reach them (error 524)\nuse ordinary memory, "
			"or a DMA-BUF where that driver exports one",
			name, length, addr);
	case EINVAL:
		return bvi_fail(
			rc,
			"%s: the driver rejects a region of %zu bytes at %p with access 0x%x\n"
			"leave flags out that are not needed; mapped files and registers of "
			"devices cannot be registered",
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
