/* SPDX-License-Identifier: MIT */
/* Shared receive queues. */
#include "uverbs/command.h"

#include "engine/engine.h"

#include <errno.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

enum { SRQ_LIMIT = 1 << 1 };   /* of enum ibv_srq_attr_mask */
enum { SRQT_BASIC, SRQT_XRC }; /* of enum ibv_srq_type */
static const uint32_t max_uidx = 0xffffff;

struct srq_parents {
	struct emu_object *pd;
	struct emu_object *xrcd, *cq; /* XRC, else NULL */
};

static int find_parents(const struct emu_object_table *t, const struct ib_uverbs_create_xsrq *req,
			struct srq_parents *out)
{
	*out = (struct srq_parents){ .pd = NULL };
	if (emu_object_find(t, EMU_OBJECT_PD, req->pd_handle, &out->pd) < 0)
		return -EINVAL;
	if (req->srq_type == SRQT_BASIC)
		return 0;
	if (emu_object_find(t, EMU_OBJECT_XRCD, req->xrcd_handle, &out->xrcd) < 0 ||
	    emu_object_find(t, EMU_OBJECT_CQ, req->cq_handle, &out->cq) < 0)
		return -EINVAL;
	return 0;
}

/*
 * create_srq_user() and mlx5_ib_create_srq() of the kernel: neither size is sent as such, both sides
 * round up the same wishes.
 */
static int parse(struct emu_cmd *cmd, const struct ib_uverbs_create_xsrq *req,
		 const struct srq_parents *parents, struct emu_srq_attr *attr)
{
	struct mlx5_ib_create_srq drv;
	uint32_t desc;
	int rc = emu_attr_read(&cmd->drv_in, &drv, sizeof(drv));

	if (rc < 0)
		return rc;
	if (drv.flags)
		return -EOPNOTSUPP; /* signatures */
	if (drv.reserved0 || drv.reserved1 || drv.uidx > max_uidx ||
	    req->max_wr >= EMU_MAX_SRQ_WQE || req->max_sge > EMU_MAX_SRQ_SGE)
		return -EINVAL;
	*attr = (struct emu_srq_attr){
		.pdn = parents->pd->num,
		.xrcdn = parents->xrcd ? parents->xrcd->num : 0,
		.cqn = parents->cq ? parents->cq->num : 0,
		.uidx = drv.uidx,
		.buf_addr = drv.buf_addr,
		.dbrec_addr = drv.db_addr,
		.wqe_count = 1,
		.stride_shift = 5,
	};
	while (attr->wqe_count < req->max_wr + 1)
		attr->wqe_count *= 2;
	desc = 16 + 16 * req->max_sge;
	while (1u << attr->stride_shift < desc)
		attr->stride_shift++;
	return 0;
}

static int answer(const struct emu_cmd *cmd, const struct emu_object *srq,
		  const struct emu_srq_attr *attr)
{
	const struct ib_uverbs_create_srq_resp resp = {
		.srq_handle = srq->handle,
		.max_wr = attr->wqe_count - 1,
		.max_sge = (1u << attr->stride_shift) / 16 - 1,
		.srqn = srq->num,
	};
	const struct mlx5_ib_create_srq_resp drv = { .srqn = srq->num };

	return emu_cmd_answer(cmd, &resp, sizeof(resp), &drv, sizeof(drv));
}

static int create_object(struct emu_cmd *cmd, const struct ib_uverbs_create_xsrq *req,
			 const struct srq_parents *parents, struct emu_srq_attr *attr)
{
	struct emu_file *file = cmd->file;
	struct emu_object *srq = emu_object_new(&file->objects, EMU_OBJECT_SRQ);
	int rc;

	if (!srq)
		return -ENOMEM;
	srq->user_handle = req->user_handle;
	srq->async = emu_cmd_events(cmd);
	attr->cookie = srq;
	rc = emu_srq_create(file->device, attr, &srq->num);
	if (rc < 0)
		goto free_obj;
	rc = answer(cmd, srq, attr);
	if (rc < 0)
		goto destroy_srq;
	emu_object_use(srq, parents->pd);
	emu_object_use(srq, parents->xrcd);
	emu_object_use(srq, parents->cq);
	return 0;

destroy_srq:
	emu_srq_destroy(file->device, srq->num);
free_obj:
	emu_object_free(&file->objects, srq);
	return rc;
}

static int create_srq(struct emu_cmd *cmd, const struct ib_uverbs_create_xsrq *req)
{
	struct srq_parents parents;
	struct emu_srq_attr attr;
	int rc = find_parents(&cmd->file->objects, req, &parents);

	if (rc == 0)
		rc = parse(cmd, req, &parents, &attr);
	return rc < 0 ? rc : create_object(cmd, req, &parents, &attr);
}

int emu_cmd_create_srq(struct emu_cmd *cmd)
{
	struct ib_uverbs_create_srq req;
	struct ib_uverbs_create_xsrq ex;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	ex = (struct ib_uverbs_create_xsrq){
		.user_handle = req.user_handle,
		.srq_type = SRQT_BASIC,
		.pd_handle = req.pd_handle,
		.max_wr = req.max_wr,
		.max_sge = req.max_sge,
	};
	return create_srq(cmd, &ex);
}

int emu_cmd_create_xsrq(struct emu_cmd *cmd)
{
	struct ib_uverbs_create_xsrq req;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	return req.srq_type > SRQT_XRC ? -EOPNOTSUPP : create_srq(cmd, &req);
}

static int find(const struct emu_cmd *cmd, uint32_t handle, struct emu_object **out)
{
	return emu_object_find(&cmd->file->objects, EMU_OBJECT_SRQ, handle, out);
}

int emu_cmd_modify_srq(struct emu_cmd *cmd)
{
	struct ib_uverbs_modify_srq req;
	struct emu_object *srq;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	/* mlx5_ib_modify_srq(): the device cannot resize them */
	if (find(cmd, req.srq_handle, &srq) < 0 || req.attr_mask & ~(uint32_t)SRQ_LIMIT)
		return -EINVAL;
	return req.attr_mask ? emu_srq_arm(cmd->file->device, srq->num, req.srq_limit) : 0;
}

int emu_cmd_query_srq(struct emu_cmd *cmd)
{
	struct ib_uverbs_query_srq req;
	struct ib_uverbs_query_srq_resp resp = { .reserved = 0 };
	struct emu_srq_attr attr;
	struct emu_object *srq;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0 && find(cmd, req.srq_handle, &srq) < 0)
		rc = -EINVAL;
	if (rc == 0)
		rc = emu_srq_query(cmd->file->device, srq->num, &attr, &resp.srq_limit);
	if (rc < 0)
		return rc;
	resp.max_wr = attr.wqe_count - 1;
	resp.max_sge = (1u << attr.stride_shift) / 16 - 1;
	return emu_attr_write(&cmd->out, &resp, sizeof(resp));
}

int emu_cmd_destroy_srq(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_destroy_srq req;
	struct ib_uverbs_destroy_srq_resp resp;
	struct emu_object *srq;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = find(cmd, req.srq_handle, &srq);
	if (rc < 0)
		return rc;
	rc = srq->users ? -EBUSY : emu_srq_destroy(file->device, srq->num);
	if (rc < 0)
		return rc;
	resp.events_reported = atomic_load(&srq->async_events) -
			       emu_evfile_purge(srq->async,
						sizeof(struct ib_uverbs_async_event_desc),
						srq->user_handle);
	emu_object_free(&file->objects, srq);
	return emu_attr_write(&cmd->out, &resp, sizeof(resp));
}
