/* SPDX-License-Identifier: MIT */
/*
 * XRC domains (kernel: ib_uverbs_open_xrcd()): a handle for each open. The inode of the file that comes
 * with it says which opens are of one domain, in all processes of the run.
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
	struct emu_xrcd_open how = {
		.fd = (int)req->fd,
		.create = req->oflags & O_CREAT,
		.exclusive = req->oflags & O_EXCL,
	};
	struct stat st;

	if (how.fd != -1) {
		if (emu_libc()->fstat(how.fd, &st) < 0)
			return -EBADF;
		how.dev = st.st_dev;
		how.ino = st.st_ino;
	}
	return emu_xrcd_open(file->device, &how, number);
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

/* A second handle of a target queue pair, which would outlive the process that made it. */
int emu_cmd_open_qp(struct emu_cmd *cmd)
{
	struct ib_uverbs_open_qp req;
	const int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	emu_warn(
		"uverbs%u: ibv_open_qp() of QP 0x%06x: a queue pair has one handle, of the process that "
		"made it",
		cmd->file->index, req.qpn);
	return -EOPNOTSUPP;
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
