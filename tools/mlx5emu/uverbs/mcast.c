/* SPDX-License-Identifier: MIT */
/* Multicast groups of a datagram queue pair; which switches there are does not matter on this wire. */
#include "uverbs/command.h"

#include "engine/engine.h"

#include <errno.h>
#include <rdma/ib_user_verbs.h>

static int find_qp(const struct emu_cmd *cmd, uint32_t handle, struct emu_object **qp)
{
	return emu_object_find(&cmd->file->objects, EMU_OBJECT_QP, handle, qp) < 0 ? -EINVAL : 0;
}

int emu_cmd_attach_mcast(struct emu_cmd *cmd)
{
	struct ib_uverbs_attach_mcast req;
	struct emu_object *qp;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = find_qp(cmd, req.qp_handle, &qp);
	return rc < 0 ? rc : emu_mcast_attach(cmd->file->device, qp->num, req.gid);
}

int emu_cmd_detach_mcast(struct emu_cmd *cmd)
{
	struct ib_uverbs_detach_mcast req;
	struct emu_object *qp;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = find_qp(cmd, req.qp_handle, &qp);
	return rc < 0 ? rc : emu_mcast_detach(cmd->file->device, qp->num, req.gid);
}
