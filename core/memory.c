/* SPDX-License-Identifier: MIT */
/*
 * Memory regions. The public struct comes first in ours, so that its inlines need no call; both are
 * written once, at registration.
 */
#include <bareverbs/memory.h>

#include <bv_config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "debug.h"
#include "error.h"
#include "region.h"

#define ACCESS_ALL                                                                \
	(BV_ACCESS_LOCAL_WRITE | BV_ACCESS_REMOTE_WRITE | BV_ACCESS_REMOTE_READ | \
	 BV_ACCESS_REMOTE_ATOMIC | BV_ACCESS_ON_DEMAND | BV_ACCESS_HUGETLB |      \
	 BV_ACCESS_RELAXED_ORDERING)
/* What the kernel takes for a DMA-BUF (Linux: UVERBS_METHOD_REG_DMABUF_MR). */
#define ACCESS_DMABUF (ACCESS_ALL & ~(BV_ACCESS_ON_DEMAND | BV_ACCESS_HUGETLB))

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

static int check_access(const char *call, unsigned access, unsigned known)
{
	if (access & ~ACCESS_ALL)
		return bvi_fail(-EINVAL, "%s: access has unknown flags 0x%x", call,
				access & ~ACCESS_ALL);
	if (access & ~known)
		return bvi_fail(-EINVAL,
				"%s: access 0x%x: a DMA-BUF is neither paged on demand nor on "
				"hugepages of this process: leave 0x%x out",
				call, access, access & ~known);
	if (access & (BV_ACCESS_REMOTE_WRITE | BV_ACCESS_REMOTE_ATOMIC) &&
	    !(access & BV_ACCESS_LOCAL_WRITE))
		return bvi_fail(-EINVAL,
				"%s: access 0x%x: remote write and remote atomic need "
				"BV_ACCESS_LOCAL_WRITE, too",
				call, access);
	return 0;
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
	return check_access("bv_mr_reg", access, ACCESS_ALL);
}

/*
 * Drivers answer an on-demand region that they do not have with anything from EINVAL to success and
 * failing works, so the capabilities are asked first.
 */
static int check_on_demand(const struct bv_pd *pd, unsigned access)
{
	struct ibv_device_attr_ex attr;
	uint32_t need = IBV_ODP_SUPPORT_SEND | IBV_ODP_SUPPORT_RECV | IBV_ODP_SUPPORT_WRITE |
			IBV_ODP_SUPPORT_READ;
	uint32_t have;
	int rc;

	if (!(access & BV_ACCESS_ON_DEMAND))
		return 0;
	if (access & BV_ACCESS_REMOTE_ATOMIC)
		need |= IBV_ODP_SUPPORT_ATOMIC;
	rc = bv_rc(ibv_query_device_ex(pd->device->context, NULL, &attr));
	if (rc < 0)
		return bvi_fail(rc, "%s: could not ask for on-demand paging: %s", pd->device->name,
				bvi_errno_text(rc));
	have = attr.odp_caps.per_transport_caps.rc_odp_caps;
	if (attr.odp_caps.general_caps & IBV_ODP_SUPPORT && (have & need) == need)
		return 0;
	return bvi_fail(-EOPNOTSUPP,
			"%s: the device does not offer on-demand paging for reliable connections "
			"(general capabilities 0x%" PRIx64 ", operations 0x%x, needed 0x%x): leave "
			"BV_ACCESS_ON_DEMAND out, which pins the pages",
			pd->device->name, attr.odp_caps.general_caps, have, need);
}

static struct bvi_region *region_new(void)
{
	struct bvi_region *region = calloc(1, sizeof(*region));

	if (!region)
		bvi_fail(-ENOMEM, "no memory for a region");
	return region;
}

static struct bv_mr *region_done(struct bvi_region *region, struct bv_pd *pd, uint64_t iova,
				 size_t length)
{
	bvi_pd_get(pd);
	region->pd = pd;
	region->base.addr = iova;
	region->base.length = length;
	region->base.lkey = region->ibv->lkey;
	region->base.rkey = region->ibv->rkey;
	return &region->base;
}

int bv_mr_reg(struct bv_pd *pd, void *addr, size_t length, unsigned access, struct bv_mr **mr)
{
	struct bvi_region *region;
	int rc;

	if (!pd || !mr)
		return bvi_fail(-EINVAL, "bv_mr_reg: an argument is NULL");
	rc = check(addr, length, access);
	if (rc == 0)
		rc = check_on_demand(pd, access);
	if (rc < 0)
		return rc;
	if (access & BV_ACCESS_REMOTE_ATOMIC && pd->device->limits.atomic_cap == IBV_ATOMIC_NONE)
		return bvi_fail(-EOPNOTSUPP,
				"bv_mr_reg: access has BV_ACCESS_REMOTE_ATOMIC; device %s has no "
				"atomics (atomic_cap of ibv_devinfo -v)",
				pd->device->name);
	region = region_new();
	if (!region)
		return -ENOMEM;
	errno = 0;
	region->ibv = ibv_reg_mr(pd->ibv, addr, length, access);
	if (!region->ibv) {
		rc = bvi_fail_register(pd, addr, length, access, bv_rc(-1));
		free(region);
		return rc;
	}
	*mr = region_done(region, pd, (uintptr_t)addr, length);
	return 0;
}

static int check_dmabuf(uint64_t offset, size_t length, uint64_t iova, unsigned access)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (length == 0)
		return bvi_fail(-EINVAL,
				"bv_mr_reg_dmabuf: length is 0; a region has at least one byte");
	if (length - 1 > UINT64_MAX - iova || length - 1 > UINT64_MAX - offset)
		return bvi_fail(-EINVAL,
				"bv_mr_reg_dmabuf: %zu bytes at offset 0x%" PRIx64
				", iova 0x%" PRIx64 " wrap around",
				length, offset, iova);
	if ((offset ^ iova) % page)
		return bvi_fail(-EINVAL,
				"bv_mr_reg_dmabuf: offset 0x%" PRIx64 " is 0x%" PRIx64
				" into a page and iova 0x%" PRIx64 " is 0x%" PRIx64
				": they must be as far into a page, because the device maps whole "
				"pages; iova 0x%" PRIx64 " would do",
				offset, offset % page, iova, iova % page,
				(iova & ~(page - 1)) | offset % page);
	return check_access("bv_mr_reg_dmabuf", access, ACCESS_DMABUF);
}

static struct ibv_mr *reg_dmabuf(struct ibv_pd *pd, int fd, uint64_t offset, size_t length,
				 uint64_t iova, unsigned access)
{
#ifdef BV_HAVE_IBV_REG_DMABUF_MR
	return ibv_reg_dmabuf_mr(pd, offset, length, iova, fd, (int)access);
#else
	(void)pd, (void)fd, (void)offset, (void)length, (void)iova, (void)access;
	errno = EOPNOTSUPP;
	return NULL;
#endif
}

/* libibverbs calls the offset the region's address; works and peers address it by the iova. */
int bv_mr_reg_dmabuf(struct bv_pd *pd, int fd, uint64_t offset, size_t length, uint64_t iova,
		     unsigned access, struct bv_mr **mr)
{
	struct bvi_region *region;
	int rc;

	if (!pd || !mr)
		return bvi_fail(-EINVAL, "bv_mr_reg_dmabuf: an argument is NULL");
	rc = check_dmabuf(offset, length, iova, access);
	if (rc < 0)
		return rc;
	region = region_new();
	if (!region)
		return -ENOMEM;
	errno = 0;
	region->ibv = reg_dmabuf(pd->ibv, fd, offset, length, iova, access);
	if (!region->ibv) {
		rc = bvi_fail_dmabuf(pd, fd, offset, length, bv_rc(-1));
		free(region);
		return rc;
	}
	atomic_store_explicit(&pd->iova, true, memory_order_relaxed);
	*mr = region_done(region, pd, iova, length);
	return 0;
}

void bvi_region_dereg(struct bvi_region *region)
{
	const struct bv_mr *mr = &region->base;
	int rc;

	bvi_debug_mr_release(region->pd, mr);
	rc = bv_rc(ibv_dereg_mr(region->ibv));
	if (rc < 0)
		bvi_fail(rc, "%s: could not deregister %" PRIu64 " bytes at 0x%" PRIx64 ": %s",
			 region->pd->device->name, mr->length, mr->addr, bvi_errno_text(rc));
	bvi_pd_put(region->pd);
	free(region);
}

void bv_mr_dereg(struct bv_mr *mr)
{
	if (!mr)
		return;
	assert(!bvi_region_of(mr)->entry); /* a cache's own: bv_mr_cache_put() */
	bvi_region_dereg(bvi_region_of(mr));
}
