/* SPDX-License-Identifier: MIT */
/*
 * XRC domains (kernel: ib_uverbs_open_xrcd()): a handle for each open. The inode of the file that comes
 * with it says which opens are of one domain, on all files of one device in this process; the kernel has
 * no such bound.
 */
#include "uverbs/command.h"

#include "engine/engine.h"
#include "engine/log.h"
#include "uverbs/libc.h"

#include <errno.h>
#include <fcntl.h>
#include <rdma/ib_user_verbs.h>

static int open_domain(struct emu_file *file, const struct ib_uverbs_open_xrcd *req,
		       uint32_t *number)
{
	const bool has_file = req->fd != UINT32_MAX;
	struct stat st = { .st_ino = 0 };
	struct emu_xrcd_key key;
	int rc;

	if (has_file && emu_libc()->fstat((int)req->fd, &st) < 0)
		return -EBADF;
	key = (struct emu_xrcd_key){ .dev = st.st_dev, .ino = st.st_ino };
	rc = emu_xrcd_open(file->device, has_file ? &key : NULL, req->oflags & O_CREAT,
			   req->oflags & O_EXCL, number);
	if (rc == -EAGAIN)
		emu_warn(
			"uverbs%u: no XRC domain of that file in this process, and O_CREAT was not "
			"given: domains are not shared between processes",
			file->index);
	return rc;
}

int emu_cmd_open_xrcd(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_open_xrcd req;
	struct ib_uverbs_open_xrcd_resp resp;
	struct emu_object *obj;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	obj = emu_object_new(&file->objects, EMU_OBJECT_XRCD);
	if (!obj)
		return -ENOMEM;
	rc = open_domain(file, &req, &obj->num);
	if (rc < 0)
		goto free_obj;
	resp.xrcd_handle = obj->handle;
	rc = emu_attr_write(&cmd->out, &resp, sizeof(resp));
	if (rc < 0)
		goto close_domain;
	return 0;

close_domain:
	emu_xrcd_free(file->device, obj->num);
free_obj:
	emu_object_free(&file->objects, obj);
	return rc;
}

int emu_cmd_close_xrcd(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_close_xrcd req;
	struct emu_object *obj;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = emu_object_find(&file->objects, EMU_OBJECT_XRCD, req.xrcd_handle, &obj);
	if (rc == 0)
		rc = emu_xrcd_free(file->device, obj->num);
	if (rc == 0)
		emu_object_free(&file->objects, obj);
	return rc;
}
