/* SPDX-License-Identifier: MIT */
/*
 * UAR pages: page i of the device is page i of the memfd behind the command descriptor, so what we
 * answer as mmap offset is a plain file offset. BlueFlame and plain (NC) pages are the same here:
 * all memory of this device is cacheable.
 */
#include "uverbs/command.h"

#include "engine/engine.h"

#include <errno.h>
#include <rdma/mlx5_user_ioctl_verbs.h>

enum { ATTR_HANDLE, ATTR_TYPE, ATTR_OFFSET, ATTR_LENGTH, ATTR_PAGE }; /* order in ioctl.c */

static int answer(const struct emu_attr *attr, uint32_t handle, uint32_t page)
{
	const uint64_t offset = (uint64_t)page * EMU_PAGE_SIZE;
	const uint32_t length = EMU_PAGE_SIZE;
	int rc = emu_attr_write(&attr[ATTR_OFFSET], &offset, sizeof(offset));

	if (rc == 0)
		rc = emu_attr_write(&attr[ATTR_LENGTH], &length, sizeof(length));
	if (rc == 0)
		rc = emu_attr_write(&attr[ATTR_PAGE], &page, sizeof(page));
	return rc < 0 ? rc : emu_attr_write_handle(&attr[ATTR_HANDLE], handle);
}

int emu_uar_obj_alloc(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_object *obj;
	int rc;

	if (file->bfregs)
		return -EPROTONOSUPPORT; /* this kernel has no such objects */
	if (!file->device || attr[ATTR_TYPE].a.data > MLX5_IB_UAPI_UAR_ALLOC_TYPE_NC)
		return -EINVAL;
	obj = emu_object_new(&file->objects, EMU_OBJECT_UAR);
	if (!obj)
		return -ENOMEM;
	rc = emu_uar_alloc(file->device, &obj->num);
	if (rc < 0)
		goto free_obj;
	rc = answer(attr, obj->handle, obj->num);
	if (rc < 0)
		goto free_uar;
	return 0;

free_uar:
	emu_uar_free(file->device, obj->num);
free_obj:
	emu_object_free(&file->objects, obj);
	return rc;
}

int emu_uar_obj_destroy(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_object *obj;
	int rc = emu_attr_object(file, &attr[ATTR_HANDLE], EMU_OBJECT_UAR, &obj);

	if (rc == 0)
		rc = emu_uar_free(file->device, obj->num);
	if (rc == 0)
		emu_object_free(&file->objects, obj);
	return rc;
}
