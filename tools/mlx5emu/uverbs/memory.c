/* SPDX-License-Identifier: MIT */
/* Protection domains and memory regions. */
#include "uverbs/command.h"

#include "engine/engine.h"

#include <errno.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

enum { MAX_ADVISED = 64 };

int emu_cmd_alloc_pd(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_alloc_pd_resp resp;
	struct mlx5_ib_alloc_pd_resp drv;
	struct emu_object *pd = emu_object_new(&file->objects, EMU_OBJECT_PD);
	int rc;

	if (!pd)
		return -ENOMEM;
	rc = emu_pd_alloc(file->device, &pd->num);
	if (rc < 0)
		goto free_obj;
	resp.pd_handle = pd->handle;
	drv.pdn = pd->num;
	rc = emu_cmd_answer(cmd, &resp, sizeof(resp), &drv, sizeof(drv));
	if (rc < 0)
		goto free_pd;
	return 0;

free_pd:
	emu_pd_free(file->device, pd->num);
free_obj:
	emu_object_free(&file->objects, pd);
	return rc;
}

int emu_cmd_dealloc_pd(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_dealloc_pd req;
	struct emu_object *pd;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = emu_object_find(&file->objects, EMU_OBJECT_PD, req.pd_handle, &pd);
	if (rc < 0)
		return rc;
	rc = pd->users ? -EBUSY : emu_pd_free(file->device, pd->num);
	if (rc == 0)
		emu_object_free(&file->objects, pd);
	return rc;
}

static int reg_mr(struct emu_cmd *cmd, const struct ib_uverbs_reg_mr *req, struct emu_object *pd,
		  struct emu_object *mr)
{
	const struct emu_mr_attr attr = {
		.pdn = pd->num,
		.addr = req->start,
		.length = req->length,
		.iova = req->hca_va,
		.access = req->access_flags,
	};
	struct ib_uverbs_reg_mr_resp resp;
	int rc = emu_mr_reg(cmd->file->device, &attr, &mr->num);

	if (rc < 0)
		return rc;
	resp.mr_handle = mr->handle;
	resp.lkey = mr->num;
	resp.rkey = mr->num;
	rc = emu_cmd_answer(cmd, &resp, sizeof(resp), NULL, 0);
	if (rc < 0)
		emu_mr_dereg(cmd->file->device, mr->num);
	return rc;
}

int emu_cmd_reg_mr(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_reg_mr req;
	struct emu_object *pd, *mr;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	/* ib_uverbs_reg_mr(): pages of both address spaces must line up */
	if ((req.start ^ req.hca_va) % EMU_PAGE_SIZE ||
	    emu_object_find(&file->objects, EMU_OBJECT_PD, req.pd_handle, &pd) < 0)
		return -EINVAL;
	mr = emu_object_new(&file->objects, EMU_OBJECT_MR);
	if (!mr)
		return -ENOMEM;
	rc = reg_mr(cmd, &req, pd, mr);
	if (rc < 0) {
		emu_object_free(&file->objects, mr);
		return rc;
	}
	mr->length = req.length;
	mr->iova = req.hca_va;
	emu_object_use(mr, pd);
	return 0;
}

int emu_cmd_dereg_mr(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_dereg_mr req;
	struct emu_object *mr;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = emu_object_find(&file->objects, EMU_OBJECT_MR, req.mr_handle, &mr);
	if (rc == 0)
		rc = emu_mr_dereg(file->device, mr->num);
	if (rc == 0)
		emu_object_free(&file->objects, mr);
	return rc;
}

int emu_mr_reg_answer(struct emu_file *file, const struct emu_mr_attr *region,
		      const struct emu_mr_answer *answer, struct emu_object *mr)
{
	int rc = emu_mr_reg(file->device, region, &mr->num);

	if (rc < 0)
		return rc;
	rc = emu_attr_write(answer->lkey, &mr->num, sizeof(mr->num));
	if (rc == 0)
		rc = emu_attr_write(answer->rkey, &mr->num, sizeof(mr->num));
	if (rc == 0)
		rc = emu_attr_write_handle(answer->handle, mr->handle);
	if (rc < 0)
		emu_mr_dereg(file->device, mr->num);
	return rc;
}

enum { ATTR_PD, ATTR_ADVICE, ATTR_FLAGS, ATTR_LIST }; /* order in ioctl.c */

static int advise(struct emu_file *file, const struct emu_object *pd,
		  const struct ib_uverbs_sge *sge, uint64_t advice)
{
	return emu_mr_prefetch(file->device, pd->num, sge->lkey, sge->addr, sge->length,
			       advice == IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_WRITE);
}

/* uverbs_std_types_mr.c, mlx5_ib_advise_mr(): here each prefetch is done when the call returns. */
int emu_advise_mr(struct emu_file *file, const struct emu_attr *attr)
{
	const uint64_t advice = attr[ATTR_ADVICE].a.data;
	struct ib_uverbs_sge sge[MAX_ADVISED];
	struct emu_object *pd;
	uint32_t flags;
	const size_t n = attr[ATTR_LIST].a.len / sizeof(sge[0]);
	int rc = emu_attr_read(&attr[ATTR_FLAGS], &flags, sizeof(flags));

	if (rc < 0)
		return rc;
	if (!file->device || n == 0 || n > MAX_ADVISED || attr[ATTR_LIST].a.len % sizeof(sge[0]) ||
	    flags & ~(uint32_t)IB_UVERBS_ADVISE_MR_FLAG_FLUSH ||
	    emu_attr_object(file, &attr[ATTR_PD], EMU_OBJECT_PD, &pd) < 0)
		return -EINVAL;
	if (advice > IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT || !emu_mr_on_demand())
		return -EOPNOTSUPP;
	rc = emu_attr_read(&attr[ATTR_LIST], sge, n * sizeof(sge[0]));
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = advise(file, pd, &sge[i], advice);
	return rc;
}
