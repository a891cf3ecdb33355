/* SPDX-License-Identifier: MIT */
/*
 * Address handles. libmlx5 builds the address vector itself, and each datagram's WQE carries it; what
 * the kernel adds is the Ethernet address behind the destination GID. On this wire that is the
 * address of the device of the run which has the GID, or of the group.
 */
#include "uverbs/command.h"

#include "run/config.h"
#include "uverbs/session.h"

#include <errno.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

static int check(const struct emu_run_device *dev, const struct ib_uverbs_ah_attr *attr)
{
	/* A RoCE packet has a GRH, and its source must be in the table. */
	if (attr->port_num != 1 || !attr->is_global || attr->grh.sgid_index >= emu_run_gids(dev))
		return -EINVAL;
	return 0;
}

int emu_cmd_create_ah(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_create_ah req;
	struct ib_uverbs_create_ah_resp resp;
	struct mlx5_ib_create_ah_resp drv = { .response_length = sizeof(drv) };
	struct emu_object *pd, *ah;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = check(&emu_session()->run.dev[file->index], &req.attr);
	if (rc == 0 && emu_object_find(&file->objects, EMU_OBJECT_PD, req.pd_handle, &pd) < 0)
		rc = -EINVAL;
	/* rdma_resolve_ip() of the kernel: nobody answers to that address */
	if (rc == 0 && !emu_run_mac_of_gid(&emu_session()->run, req.attr.grh.dgid, drv.dmac))
		rc = -EHOSTUNREACH;
	if (rc < 0)
		return rc;
	ah = emu_object_new(&file->objects, EMU_OBJECT_AH);
	if (!ah)
		return -ENOMEM;
	emu_object_use(ah, pd);
	resp.ah_handle = ah->handle;
	rc = emu_cmd_answer(cmd, &resp, sizeof(resp), &drv, sizeof(drv));
	if (rc < 0)
		emu_object_free(&file->objects, ah);
	return rc;
}

int emu_cmd_destroy_ah(struct emu_cmd *cmd)
{
	struct ib_uverbs_destroy_ah req;
	struct emu_object *ah;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = emu_object_find(&cmd->file->objects, EMU_OBJECT_AH, req.ah_handle, &ah);
	if (rc == 0)
		emu_object_free(&cmd->file->objects, ah);
	return rc;
}
