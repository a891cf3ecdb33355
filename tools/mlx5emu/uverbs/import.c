/* SPDX-License-Identifier: MIT */
/*
 * What another user of an open device file asks (ibv_import_device(3) and its kin): the context and
 * its objects by their handles, and an event file of its own. The file must be of this process.
 */
#include "uverbs/command.h"

#include <errno.h>

enum { CONTEXT_VECTORS, CONTEXT_CORE_SUPPORT, CONTEXT_MLX5 }; /* order in ioctl.c, as below */

int emu_query_context(struct emu_file *file, const struct emu_attr *attr)
{
	const uint32_t vectors = EMU_COMP_VECTORS;
	const uint64_t core_support = 0;
	int rc;

	if (!file->device)
		return -EINVAL;
	rc = emu_attr_write(&attr[CONTEXT_VECTORS], &vectors, sizeof(vectors));
	if (rc == 0)
		rc = emu_attr_write(&attr[CONTEXT_CORE_SUPPORT], &core_support,
				    sizeof(core_support));
	return rc < 0 ? rc : emu_answer_context(file, &attr[CONTEXT_MLX5]);
}

enum { ASYNC_HANDLE };

int emu_async_event_alloc(struct emu_file *file, const struct emu_attr *attr)
{
	int fd, rc;

	if (!file->device)
		return -EINVAL;
	fd = emu_file_add_channel(file, EMU_CHANNEL_ASYNC);
	if (fd < 0)
		return fd;
	rc = emu_attr_write_handle(&attr[ASYNC_HANDLE], (uint32_t)fd);
	if (rc < 0)
		emu_file_remove_channel(file, fd);
	return rc;
}

enum { PD_HANDLE, PD_NUMBER };

int emu_query_pd(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_object *pd;
	int rc = emu_attr_object(file, &attr[PD_HANDLE], EMU_OBJECT_PD, &pd);

	return rc < 0 ? rc : emu_attr_write(&attr[PD_NUMBER], &pd->num, sizeof(pd->num));
}

enum { MR_HANDLE, MR_LKEY, MR_RKEY, MR_LENGTH, MR_IOVA };

int emu_query_mr(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_object *mr;
	int rc = emu_attr_object(file, &attr[MR_HANDLE], EMU_OBJECT_MR, &mr);

	if (rc == 0)
		rc = emu_attr_write(&attr[MR_LKEY], &mr->num, sizeof(mr->num));
	if (rc == 0)
		rc = emu_attr_write(&attr[MR_RKEY], &mr->num, sizeof(mr->num));
	if (rc == 0)
		rc = emu_attr_write(&attr[MR_LENGTH], &mr->length, sizeof(mr->length));
	return rc < 0 ? rc : emu_attr_write(&attr[MR_IOVA], &mr->iova, sizeof(mr->iova));
}

enum { DM_HANDLE, DM_OFFSET, DM_PAGE, DM_LENGTH };

int emu_query_dm(struct emu_file *file, const struct emu_attr *attr)
{
	const uint64_t offset = 0;
	struct emu_object *dm;
	uint16_t page;
	int rc = emu_attr_object(file, &attr[DM_HANDLE], EMU_OBJECT_DM, &dm);

	if (rc < 0)
		return rc;
	page = (uint16_t)dm->num;
	rc = emu_attr_write(&attr[DM_OFFSET], &offset, sizeof(offset));
	if (rc == 0)
		rc = emu_attr_write(&attr[DM_PAGE], &page, sizeof(page));
	return rc < 0 ? rc : emu_attr_write(&attr[DM_LENGTH], &dm->length, sizeof(dm->length));
}
