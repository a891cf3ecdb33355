/* SPDX-License-Identifier: MIT */
/*
 * Device memory (kernel: drivers/infiniband/hw/mlx5/dm.c). Pages of the device file's memfd, as the
 * UAR pages are, at the place where libmlx5's mmap looks for what the kernel calls MEMIC:
 *
 *	page 0 ... | UAR pages | ... | 2048: page index 0 .. EMU_DM_PAGES - 1
 *
 * Regions of it are counted from 0, because a program does not know where it lies.
 */
#include "uverbs/command.h"

#include "engine/engine.h"

#include <errno.h>
#include <string.h>

enum { ATTR_HANDLE, ATTR_LENGTH, ATTR_ALIGNMENT, ATTR_TYPE, ATTR_OFFSET, ATTR_PAGE }; /* ioctl.c */
enum { TYPE_MEMIC = 0, MAX_ALIGNMENT = 12 };

static void *page_address(const struct emu_file *file, uint32_t page)
{
	return (char *)file->uar + (size_t)(EMU_DM_FIRST_PAGE + page) * EMU_PAGE_SIZE;
}

static uint32_t pages(uint64_t length)
{
	return (uint32_t)((length + EMU_PAGE_SIZE - 1) / EMU_PAGE_SIZE);
}

/* The first run of @n free pages; -ENOMEM. */
static int find_pages(const struct emu_file *file, uint32_t n, uint32_t *first)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < EMU_DM_PAGES; i++) {
		run = file->dm_used[i] ? 0 : run + 1;
		if (run == n) {
			*first = i + 1 - n;
			return 0;
		}
	}
	return -ENOMEM;
}

static void mark(struct emu_file *file, const struct emu_object *dm, bool used)
{
	for (uint32_t i = 0; i < pages(dm->length); i++)
		file->dm_used[dm->num + i] = used;
}

static int answer(const struct emu_attr *attr, const struct emu_object *dm)
{
	const uint64_t offset = 0;
	const uint16_t page = (uint16_t)dm->num;
	int rc = emu_attr_write(&attr[ATTR_OFFSET], &offset, sizeof(offset));

	if (rc == 0)
		rc = emu_attr_write(&attr[ATTR_PAGE], &page, sizeof(page));
	return rc < 0 ? rc : emu_attr_write_handle(&attr[ATTR_HANDLE], dm->handle);
}

int emu_dm_alloc(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_object *dm;
	uint64_t length;
	uint32_t alignment, first = 0;
	int rc = emu_attr_read(&attr[ATTR_LENGTH], &length, sizeof(length));

	if (rc == 0)
		rc = emu_attr_read(&attr[ATTR_ALIGNMENT], &alignment, sizeof(alignment));
	if (rc < 0)
		return rc;
	if (attr[ATTR_TYPE].at && attr[ATTR_TYPE].a.data != TYPE_MEMIC)
		return -EOPNOTSUPP; /* flow steering */
	if (!file->device || length == 0 || length > EMU_DM_PAGES * EMU_PAGE_SIZE ||
	    alignment > MAX_ALIGNMENT)
		return -EINVAL;
	rc = find_pages(file, pages(length), &first);
	if (rc < 0)
		return rc;
	dm = emu_object_new(&file->objects, EMU_OBJECT_DM);
	if (!dm)
		return -ENOMEM;
	dm->num = first;
	dm->length = length;
	rc = answer(attr, dm);
	if (rc < 0) {
		emu_object_free(&file->objects, dm);
		return rc;
	}
	mark(file, dm, true);
	memset(page_address(file, first), 0, (size_t)pages(length) * EMU_PAGE_SIZE);
	return 0;
}

int emu_dm_free(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_object *dm;
	const int rc = emu_attr_object(file, &attr[ATTR_HANDLE], EMU_OBJECT_DM, &dm);

	if (rc < 0)
		return rc;
	if (dm->users)
		return -EBUSY;
	mark(file, dm, false);
	emu_object_free(&file->objects, dm);
	return 0;
}

/* ---- regions (UVERBS_METHOD_DM_MR_REG of uverbs_std_types_mr.c) ---- */

enum {
	REG_HANDLE,
	REG_OFFSET,
	REG_LENGTH,
	REG_PD,
	REG_ACCESS,
	REG_DM,
	REG_LKEY,
	REG_RKEY,
}; /* order in ioctl.c */

struct region {
	struct emu_object *pd, *dm;
	uint64_t offset, length;
	uint32_t access;
};

static int read_region(const struct emu_file *file, const struct emu_attr *attr, struct region *r)
{
	const uint32_t allowed = EMU_ACCESS_LOCAL_WRITE | EMU_ACCESS_REMOTE_WRITE |
				 EMU_ACCESS_REMOTE_READ | EMU_ACCESS_REMOTE_ATOMIC |
				 EMU_ACCESS_OPTIONAL;
	int rc = emu_attr_read(&attr[REG_OFFSET], &r->offset, sizeof(r->offset));

	if (rc == 0)
		rc = emu_attr_read(&attr[REG_LENGTH], &r->length, sizeof(r->length));
	if (rc == 0)
		rc = emu_attr_read(&attr[REG_ACCESS], &r->access, sizeof(r->access));
	if (rc < 0)
		return rc;
	if (!file->device || emu_attr_object(file, &attr[REG_PD], EMU_OBJECT_PD, &r->pd) < 0 ||
	    emu_attr_object(file, &attr[REG_DM], EMU_OBJECT_DM, &r->dm) < 0)
		return -EINVAL;
	if (!(r->access & EMU_ACCESS_ZERO_BASED) || r->offset > r->dm->length ||
	    r->length > r->dm->length - r->offset)
		return -EINVAL;
	r->access &= ~(uint32_t)EMU_ACCESS_ZERO_BASED;
	return r->access & ~allowed ? -EINVAL : 0;
}

static int reg(struct emu_file *file, const struct emu_attr *attr, const struct region *r,
	       struct emu_object *mr)
{
	const struct emu_mr_attr region = {
		.pdn = r->pd->num,
		.addr = (uint64_t)(uintptr_t)page_address(file, r->dm->num) + r->offset,
		.length = r->length,
		.iova = 0,
		.access = r->access,
		.may_be_empty = true,
	};
	const struct emu_mr_answer keys = { &attr[REG_HANDLE], &attr[REG_LKEY], &attr[REG_RKEY] };

	return emu_mr_reg_answer(file, &region, &keys, mr);
}

int emu_reg_dm_mr(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_object *mr;
	struct region region;
	int rc = read_region(file, attr, &region);

	if (rc < 0)
		return rc;
	mr = emu_object_new(&file->objects, EMU_OBJECT_MR);
	if (!mr)
		return -ENOMEM;
	rc = reg(file, attr, &region, mr);
	if (rc < 0) {
		emu_object_free(&file->objects, mr);
		return rc;
	}
	mr->length = region.length;
	emu_object_use(mr, region.pd);
	emu_object_use(mr, region.dm);
	return 0;
}
