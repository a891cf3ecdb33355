/* SPDX-License-Identifier: MIT */
/* Completion channels and completion queues. */
#include "uverbs/command.h"

#include "engine/engine.h"
#include "uverbs/bfreg.h"
#include "uverbs/libc.h"

#include <errno.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

int emu_cmd_create_comp_channel(struct emu_cmd *cmd)
{
	struct ib_uverbs_create_comp_channel_resp resp;
	int fd = emu_file_add_channel(cmd->file, EMU_CHANNEL_COMPLETION), rc;

	if (fd < 0)
		return fd;
	resp.fd = (uint32_t)fd;
	rc = emu_attr_write(&cmd->out, &resp, sizeof(resp));
	if (rc < 0)
		emu_file_remove_channel(cmd->file, fd);
	return rc;
}

/* mlx5_ib_create_cq(): the ring has roundup_pow_of_two(cqe + 1) entries */
static uint32_t ring_entries(uint32_t cqe)
{
	uint32_t n = 1;

	while (n < cqe + 1)
		n *= 2;
	return n;
}

/* Every completion has the time. */
static const uint32_t known_flags = IB_UVERBS_CQ_FLAGS_TIMESTAMP_COMPLETION |
				    IB_UVERBS_CQ_FLAGS_IGNORE_OVERRUN;
static const uint32_t known_driver_flags = MLX5_IB_CREATE_CQ_FLAGS_UAR_PAGE_INDEX |
					   MLX5_IB_CREATE_CQ_FLAGS_CQE_128B_PAD;

/* A program names the page that arms its queue, unless the kernel has chosen all pages. */
static int uar_page(struct emu_file *file, const struct mlx5_ib_create_cq *drv, uint32_t *page)
{
	if (!(drv->flags & MLX5_IB_CREATE_CQ_FLAGS_UAR_PAGE_INDEX))
		return file->bfregs ? emu_bfreg_of_cqs(file, page) : -EINVAL;
	*page = drv->uar_page_index;
	return 0;
}

/* What CREATE_CQ of either form asks for. */
static int parse(struct emu_cmd *cmd, const struct ib_uverbs_ex_create_cq *req,
		 struct emu_cq_attr *attr)
{
	struct mlx5_ib_create_cq drv;
	uint32_t page;
	int rc = emu_attr_read(&cmd->drv_in, &drv, sizeof(drv));

	if (rc < 0)
		return rc;
	if (req->comp_mask || req->flags & ~known_flags || drv.cqe_comp_en > 1 ||
	    drv.flags & ~known_driver_flags)
		return -EOPNOTSUPP;
	/* mini_cqe_res_format_to_hw(): one of the formats that the device announces */
	if (drv.cqe_comp_en && drv.cqe_comp_res_format != MLX5_IB_CQE_RES_FORMAT_HASH &&
	    drv.cqe_comp_res_format != MLX5_IB_CQE_RES_FORMAT_CSUM)
		return -EINVAL;
	if (req->comp_vector != 0 || req->cqe == 0 || req->cqe > EMU_MAX_CQE)
		return -EINVAL;
	rc = uar_page(cmd->file, &drv, &page);
	if (rc < 0)
		return rc;
	*attr = (struct emu_cq_attr){
		.buf_addr = drv.buf_addr,
		.dbrec_addr = drv.db_addr,
		.cqe_size = drv.cqe_size,
		.uar_page = page,
		.compresses = drv.cqe_comp_en,
		.padded = drv.flags & MLX5_IB_CREATE_CQ_FLAGS_CQE_128B_PAD,
		.overwrites = req->flags & IB_UVERBS_CQ_FLAGS_IGNORE_OVERRUN,
	};
	attr->cqe_count = ring_entries(req->cqe);
	return 0;
}

static int create(struct emu_cmd *cmd, const struct ib_uverbs_ex_create_cq *req,
		  struct emu_cq_attr *attr, struct emu_object **out)
{
	struct emu_file *file = cmd->file;
	struct emu_object *cq = emu_object_new(&file->objects, EMU_OBJECT_CQ);
	int rc = -EINVAL;

	if (!cq)
		return -ENOMEM;
	cq->user_handle = req->user_handle;
	if (req->comp_channel >= 0) {
		cq->channel = emu_file_channel(file, req->comp_channel, EMU_CHANNEL_COMPLETION);
		if (!cq->channel)
			goto free_obj;
	}
	cq->async = emu_cmd_events(cmd);
	attr->cookie = cq;
	rc = emu_cq_create(file->device, attr, &cq->num);
	if (rc < 0)
		goto free_obj;
	*out = cq;
	return 0;

free_obj:
	emu_object_free(&file->objects, cq);
	return rc;
}

/* @extended: the answer carries response_length behind the same two words. */
static int create_cq(struct emu_cmd *cmd, const struct ib_uverbs_ex_create_cq *req, bool extended)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_ex_create_cq_resp resp = { .response_length = sizeof(resp) };
	struct mlx5_ib_create_cq_resp drv = { .reserved = 0 };
	struct emu_cq_attr attr;
	struct emu_object *cq = NULL;
	int rc = parse(cmd, req, &attr);

	if (rc == 0)
		rc = create(cmd, req, &attr, &cq);
	if (rc < 0)
		return rc;
	resp.base.cq_handle = cq->handle;
	resp.base.cqe = attr.cqe_count - 1; /* libmlx5 masks its index with it */
	drv.cqn = cq->num;
	rc = emu_cmd_answer(cmd, &resp, extended ? sizeof(resp) : sizeof(resp.base), &drv,
			    sizeof(drv));
	if (rc < 0) {
		emu_cq_destroy(file->device, cq->num);
		emu_object_free(&file->objects, cq);
	}
	return rc;
}

int emu_cmd_create_cq(struct emu_cmd *cmd)
{
	struct ib_uverbs_create_cq req;
	struct ib_uverbs_ex_create_cq ex;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	ex = (struct ib_uverbs_ex_create_cq){
		.user_handle = req.user_handle,
		.cqe = req.cqe,
		.comp_vector = req.comp_vector,
		.comp_channel = req.comp_channel,
	};
	return create_cq(cmd, &ex, false);
}

int emu_cmd_create_cq_ex(struct emu_cmd *cmd)
{
	struct ib_uverbs_ex_create_cq req;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	return rc < 0 ? rc : create_cq(cmd, &req, true);
}

/* ib_uverbs_ex_modify_cq() */
int emu_cmd_modify_cq(struct emu_cmd *cmd)
{
	enum {
		CQ_MODERATE = 1, /* of enum ib_cq_attr_mask */
	};
	struct ib_uverbs_ex_modify_cq req;
	struct emu_object *cq;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	if (!req.attr_mask || req.reserved)
		return -EINVAL;
	if (req.attr_mask != CQ_MODERATE)
		return -EOPNOTSUPP;
	rc = emu_object_find(&cmd->file->objects, EMU_OBJECT_CQ, req.cq_handle, &cq);
	if (rc < 0)
		return -EINVAL;
	return emu_cq_moderate(cmd->file->device, cq->num, req.attr.cq_count, req.attr.cq_period);
}

int emu_cmd_resize_cq(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_resize_cq req;
	struct ib_uverbs_resize_cq_resp resp = { .reserved = 0 };
	struct mlx5_ib_resize_cq drv;
	struct emu_cq_attr attr;
	struct emu_object *cq;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = emu_attr_read(&cmd->drv_in, &drv, sizeof(drv));
	if (rc == 0 && emu_object_find(&file->objects, EMU_OBJECT_CQ, req.cq_handle, &cq) < 0)
		rc = -EINVAL;
	if (rc == 0)
		rc = emu_cq_query(file->device, cq->num, &attr);
	if (rc < 0)
		return rc;
	/* mlx5_ib_resize_cq(): the size of an entry could change, but no library asks for it */
	if (req.cqe == 0 || req.cqe > EMU_MAX_CQE || drv.reserved0 || drv.reserved1 ||
	    drv.cqe_size != attr.cqe_size)
		return -EINVAL;
	resp.cqe = ring_entries(req.cqe) - 1;
	rc = emu_attr_write(&cmd->out, &resp, sizeof(resp));
	return rc < 0 ? rc : emu_cq_resize(file->device, cq->num, drv.buf_addr, resp.cqe + 1);
}

int emu_cmd_destroy_cq(struct emu_cmd *cmd)
{
	struct emu_file *file = cmd->file;
	struct ib_uverbs_destroy_cq req;
	struct ib_uverbs_destroy_cq_resp resp;
	struct emu_object *cq;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = emu_object_find(&file->objects, EMU_OBJECT_CQ, req.cq_handle, &cq);
	if (rc < 0)
		return rc;
	rc = cq->users ? -EBUSY : emu_cq_destroy(file->device, cq->num);
	if (rc < 0)
		return rc;
	resp.comp_events_reported = atomic_load(&cq->comp_events);
	if (cq->channel)
		resp.comp_events_reported -= emu_evfile_purge(
			cq->channel, sizeof(struct ib_uverbs_comp_event_desc), cq->user_handle);
	resp.async_events_reported = atomic_load(&cq->async_events) -
				     emu_evfile_purge(cq->async,
						      sizeof(struct ib_uverbs_async_event_desc),
						      cq->user_handle);
	emu_object_free(&file->objects, cq);
	return emu_attr_write(&cmd->out, &resp, sizeof(resp));
}
