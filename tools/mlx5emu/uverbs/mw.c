/* SPDX-License-Identifier: MIT */
/* Memory windows: made and released here, bound by UMR requests of a send queue. */
#include "uverbs/command.h"

#include "engine/engine.h"

#include <errno.h>
#include <rdma/ib_user_verbs.h>

int emu_cmd_alloc_mw(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_alloc_mw req;
	struct ib_uverbs_alloc_mw_resp resp;
	struct emu_object *pd, *mw;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	if (emu_object_find(&file->objects, EMU_OBJECT_PD, req.pd_handle, &pd) < 0)
		return -EINVAL;
	mw = emu_object_new(&file->objects, EMU_OBJECT_MW);
	if (!mw)
		return -ENOMEM;
	rc = emu_mw_alloc(file->device, pd->num, req.mw_type, &mw->num);
	if (rc < 0)
		goto free_obj;
	resp.mw_handle = mw->handle;
	resp.rkey = mw->num;
	rc = emu_attr_write(&cmd->out, &resp, sizeof(resp));
	if (rc < 0)
		goto dealloc;
	emu_object_use(mw, pd);
	return 0;

dealloc:
	emu_mr_dereg(file->device, mw->num);
free_obj:
	emu_object_free(&file->objects, mw);
	return rc;
}

int emu_cmd_dealloc_mw(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_dealloc_mw req;
	struct emu_object *mw;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = emu_object_find(&file->objects, EMU_OBJECT_MW, req.mw_handle, &mw);
	if (rc == 0)
		rc = emu_mr_dereg(file->device, mw->num);
	if (rc == 0)
		emu_object_free(&file->objects, mw);
	return rc;
}
