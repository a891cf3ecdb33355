/* SPDX-License-Identifier: MIT */
/* Queue pairs, with queues in the program's memory. */
#include "uverbs/command.h"

#include "engine/engine.h"
#include "run/config.h"
#include "uverbs/bfreg.h"
#include "uverbs/session.h"

#include <errno.h>
#include <string.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

static const uint32_t known_qp_flags = MLX5_QP_FLAG_SCATTER_CQE | MLX5_QP_FLAG_ALLOW_SCATTER_CQE |
				       MLX5_QP_FLAG_UAR_PAGE_INDEX | MLX5_QP_FLAG_BFREG_INDEX;
static const uint32_t invalid_bfreg = 1u << 31; /* kernel: MLX5_IB_INVALID_BFREG */
static const uint32_t max_uidx = 0xffffff;

struct qp_parents {
	struct emu_object *pd, *send_cq, *recv_cq;
	struct emu_object *srq;  /* NULL: a receive queue of its own */
	struct emu_object *xrcd; /* of an XRC target, which has none of the others */
};

static int find_parents(const struct emu_object_table *t, const struct ib_uverbs_ex_create_qp *req,
			struct qp_parents *out)
{
	*out = (struct qp_parents){ .pd = NULL };
	if (req->qp_type ==
	    EMU_QPT_XRC_TGT) /* create_qp() in uverbs_cmd.c: the handle's other use */
		return emu_object_find(t, EMU_OBJECT_XRCD, req->pd_handle, &out->xrcd) < 0 ?
			       -EINVAL :
			       0;
	if (emu_object_find(t, EMU_OBJECT_PD, req->pd_handle, &out->pd) < 0 ||
	    emu_object_find(t, EMU_OBJECT_CQ, req->send_cq_handle, &out->send_cq) < 0)
		return -EINVAL;
	if (req->qp_type == EMU_QPT_XRC_INI)
		return 0;
	if (emu_object_find(t, EMU_OBJECT_CQ, req->recv_cq_handle, &out->recv_cq) < 0)
		return -EINVAL;
	if (req->is_srq && emu_object_find(t, EMU_OBJECT_SRQ, req->srq_handle, &out->srq) < 0)
		return -EINVAL;
	return 0;
}

static int check_driver_part(const struct mlx5_ib_create_qp *drv)
{
	if (drv->flags & ~known_qp_flags)
		return -EOPNOTSUPP; /* signatures, DC, tunnels */
	if (drv->uidx > max_uidx || drv->rq_wqe_count > EMU_MAX_RQ_WQE || drv->rq_wqe_shift > 31)
		return -EINVAL;
	return 0;
}

/*
 * Where it rings: the program allocated a page, or names the register of a thread domain, or leaves the
 * choice to the kernel: then @page is 0, and take_register() decides.
 */
static int named_page(struct emu_file *file, const struct mlx5_ib_create_qp *drv, uint32_t *page)
{
	*page = drv->flags & MLX5_QP_FLAG_UAR_PAGE_INDEX ? drv->bfreg_index : 0;
	if (*page)
		return 0;
	if (!file->bfregs)
		return -EINVAL;
	return drv->flags & MLX5_QP_FLAG_BFREG_INDEX ?
		       emu_bfreg_dynamic(file, drv->bfreg_index, page) :
		       0;
}

static int take_register(struct emu_file *file, struct emu_object *qp, struct emu_qp_init *init)
{
	int rc;

	if (init->uar_page)
		return 0;
	rc = emu_bfreg_take(file, &qp->bfreg, &init->uar_page);
	qp->has_bfreg = rc == 0;
	return rc;
}

static void free_object(struct emu_file *file, struct emu_object *qp)
{
	if (qp->has_bfreg)
		emu_bfreg_give(file, qp->bfreg);
	emu_object_free(&file->objects, qp);
}

/* Bytes of payload that a CQE of @cq can hold; 0 if there is none. */
static uint32_t cqe_payload(const struct emu_file *file, const struct emu_object *cq)
{
	struct emu_cq_attr attr;

	if (!cq || emu_cq_query(file->device, cq->num, &attr) < 0)
		return 0;
	return attr.cqe_size == 128 ? 64 : 32;
}

/*
 * configure_responder_scat_cqe() and configure_requester_scat_cqe() in the kernel's mlx5_ib: libmlx5 asks
 * for both unless told not to, but what a requester fetches is put into CQEs only where each work has one,
 * or where the program allows it all the same.
 */
static void scatter_to_cqe(const struct emu_file *file, const struct ib_uverbs_ex_create_qp *req,
			   uint32_t flags, const struct qp_parents *parents,
			   struct emu_qp_init *init)
{
	const bool rc = req->qp_type == EMU_QPT_RC;

	if (!(flags & MLX5_QP_FLAG_SCATTER_CQE))
		return;
	if (rc || req->qp_type == EMU_QPT_UC)
		init->scatter_res = cqe_payload(file, parents->recv_cq);
	if (rc && (req->sq_sig_all || flags & MLX5_QP_FLAG_ALLOW_SCATTER_CQE))
		init->scatter_req = cqe_payload(file, parents->send_cq);
}

static uint32_t number(const struct emu_object *obj)
{
	return obj ? obj->num : 0;
}

static int parse(struct emu_cmd *cmd, const struct ib_uverbs_ex_create_qp *req,
		 const struct qp_parents *parents, struct emu_qp_init *init)
{
	struct mlx5_ib_create_qp drv;
	uint32_t page;
	int rc = emu_attr_read(&cmd->drv_in, &drv, sizeof(drv));

	if (rc == 0)
		rc = check_driver_part(&drv);
	if (rc == 0)
		rc = named_page(cmd->file, &drv, &page);
	if (rc < 0)
		return rc;
	*init = (struct emu_qp_init){
		.type = (enum emu_qp_type)req->qp_type,
		.pdn = number(parents->pd),
		.send_cqn = number(parents->send_cq),
		.recv_cqn = number(parents->recv_cq),
		.srqn = number(parents->srq),
		.xrcdn = number(parents->xrcd),
		.sq_addr = drv.buf_addr + ((uint64_t)drv.rq_wqe_count << drv.rq_wqe_shift),
		.rq_addr = drv.buf_addr,
		.dbrec_addr = drv.db_addr,
		.sq_wqebb_count = parents->send_cq ? drv.sq_wqe_count : 0,
		.rq_wqe_count = parents->recv_cq && !parents->srq ? drv.rq_wqe_count : 0,
		.rq_stride_shift = drv.rq_wqe_shift,
		.uidx = drv.uidx,
		.uar_page = page,
		.max_send_wr = req->max_send_wr,
		.max_recv_wr = drv.rq_wqe_count, /* libmlx5 takes its queue depth from the query */
		.max_send_sge = req->max_send_sge,
		.max_recv_sge = req->max_recv_sge,
		.max_inline = req->max_inline_data,
		.sq_sig_all = req->sq_sig_all,
	};
	scatter_to_cqe(cmd->file, req, drv.flags, parents, init);
	return 0;
}

static int answer(const struct emu_cmd *cmd, const struct emu_object *qp,
		  const struct emu_qp_init *init, bool extended)
{
	const struct ib_uverbs_ex_create_qp_resp resp = {
		.base = {
			.qp_handle = qp->handle,
			.qpn = qp->num,
			.max_send_wr = init->max_send_wr,
			.max_recv_wr = init->max_recv_wr,
			.max_send_sge = init->max_send_sge,
			.max_recv_sge = init->max_recv_sge,
			.max_inline_data = init->max_inline,
		},
		.response_length = sizeof(resp),
	};
	const struct mlx5_ib_create_qp_resp drv = {
		.bfreg_index = qp->has_bfreg ? emu_bfreg_answer(qp->bfreg) : invalid_bfreg,
	};

	return emu_cmd_answer(cmd, &resp, extended ? sizeof(resp) : sizeof(resp.base), &drv,
			      sizeof(drv));
}

static int create_object(struct emu_cmd *cmd, const struct ib_uverbs_ex_create_qp *req,
			 const struct qp_parents *parents, struct emu_qp_init *init, bool extended)
{
	struct emu_file *file = cmd->file;
	struct emu_object *qp = emu_object_new(&file->objects, EMU_OBJECT_QP);
	int rc;

	if (!qp)
		return -ENOMEM;
	qp->user_handle = req->user_handle;
	qp->async = emu_cmd_events(cmd);
	init->cookie = qp;
	rc = take_register(file, qp, init);
	if (rc == 0)
		rc = emu_qp_create(file->device, init, &qp->num);
	if (rc < 0)
		goto free_obj;
	rc = answer(cmd, qp, init, extended);
	if (rc < 0)
		goto destroy_qp;
	emu_object_use(qp, parents->pd);
	emu_object_use(qp, parents->send_cq);
	emu_object_use(qp, parents->recv_cq);
	emu_object_use(qp, parents->srq);
	emu_object_use(qp, parents->xrcd);
	return 0;

destroy_qp:
	emu_qp_destroy(file->device, qp->num);
free_obj:
	free_object(file, qp);
	return rc;
}

static int create_qp(struct emu_cmd *cmd, const struct ib_uverbs_ex_create_qp *req, bool extended)
{
	struct qp_parents parents;
	struct emu_qp_init init;
	int rc;

	if (req->comp_mask || req->create_flags)
		return -EOPNOTSUPP;
	rc = find_parents(&cmd->file->objects, req, &parents);
	if (rc == 0)
		rc = parse(cmd, req, &parents, &init);
	return rc < 0 ? rc : create_object(cmd, req, &parents, &init, extended);
}

int emu_cmd_create_qp(struct emu_cmd *cmd)
{
	struct ib_uverbs_create_qp req;
	struct ib_uverbs_ex_create_qp ex;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	ex = (struct ib_uverbs_ex_create_qp){
		.user_handle = req.user_handle,
		.pd_handle = req.pd_handle,
		.send_cq_handle = req.send_cq_handle,
		.recv_cq_handle = req.recv_cq_handle,
		.max_send_wr = req.max_send_wr,
		.max_recv_wr = req.max_recv_wr,
		.max_send_sge = req.max_send_sge,
		.max_recv_sge = req.max_recv_sge,
		.max_inline_data = req.max_inline_data,
		.sq_sig_all = req.sq_sig_all,
		.qp_type = req.qp_type,
		.srq_handle = req.srq_handle,
		.is_srq = req.is_srq,
	};
	return create_qp(cmd, &ex, false);
}

int emu_cmd_create_qp_ex(struct emu_cmd *cmd)
{
	struct ib_uverbs_ex_create_qp req;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	return rc < 0 ? rc : create_qp(cmd, &req, true);
}

static int find_qp(const struct emu_cmd *cmd, uint32_t handle, struct emu_object **out)
{
	return emu_object_find(&cmd->file->objects, EMU_OBJECT_QP, handle, out);
}

int emu_cmd_destroy_qp(struct emu_cmd *cmd)
{
	struct ib_uverbs_destroy_qp req;
	struct ib_uverbs_destroy_qp_resp resp;
	struct emu_object *qp;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0)
		rc = find_qp(cmd, req.qp_handle, &qp);
	if (rc == 0)
		rc = emu_qp_destroy(cmd->file->device, qp->num);
	if (rc < 0)
		return rc;
	resp.events_reported = atomic_load(&qp->async_events) -
			       emu_evfile_purge(qp->async,
						sizeof(struct ib_uverbs_async_event_desc),
						qp->user_handle);
	free_object(cmd->file, qp);
	return emu_attr_write(&cmd->out, &resp, sizeof(resp));
}

static void av_from_abi(const struct ib_uverbs_qp_dest *dest, struct emu_av *av)
{
	*av = (struct emu_av){
		.flow_label = dest->flow_label,
		.dlid = dest->dlid,
		.sgid_index = dest->sgid_index,
		.hop_limit = dest->hop_limit,
		.traffic_class = dest->traffic_class,
		.sl = dest->sl,
		.src_path_bits = dest->src_path_bits,
		.static_rate = dest->static_rate,
		.port_num = dest->port_num,
		.is_global = dest->is_global,
	};
	memcpy(av->dgid, dest->dgid, sizeof(av->dgid));
}

static void av_to_abi(const struct emu_av *av, struct ib_uverbs_qp_dest *dest)
{
	*dest = (struct ib_uverbs_qp_dest){
		.flow_label = av->flow_label,
		.dlid = av->dlid,
		.sgid_index = av->sgid_index,
		.hop_limit = av->hop_limit,
		.traffic_class = av->traffic_class,
		.sl = av->sl,
		.src_path_bits = av->src_path_bits,
		.static_rate = av->static_rate,
		.is_global = av->is_global,
		.port_num = av->port_num,
	};
	memcpy(dest->dgid, av->dgid, sizeof(dest->dgid));
}

static void attr_from_abi(const struct ib_uverbs_modify_qp *req, struct emu_qp_attr *attr)
{
	*attr = (struct emu_qp_attr){
		.qp_state = req->qp_state,
		.cur_qp_state = req->cur_qp_state,
		.path_mtu = req->path_mtu,
		.path_mig_state = req->path_mig_state,
		.qkey = req->qkey,
		.rq_psn = req->rq_psn,
		.sq_psn = req->sq_psn,
		.dest_qpn = req->dest_qp_num,
		.access_flags = req->qp_access_flags,
		.pkey_index = req->pkey_index,
		.alt_pkey_index = req->alt_pkey_index,
		.en_sqd_async_notify = req->en_sqd_async_notify,
		.max_rd_atomic = req->max_rd_atomic,
		.max_dest_rd_atomic = req->max_dest_rd_atomic,
		.min_rnr_timer = req->min_rnr_timer,
		.port_num = req->port_num,
		.timeout = req->timeout,
		.retry_cnt = req->retry_cnt,
		.rnr_retry = req->rnr_retry,
		.alt_port_num = req->alt_port_num,
		.alt_timeout = req->alt_timeout,
	};
	av_from_abi(&req->dest, &attr->av);
	av_from_abi(&req->alt_dest, &attr->alt_av);
}

/* modify_qp_mask() in uverbs_cmd.c: programs treat both ends of XRC as RC, which the kernel forgives. */
static uint32_t effective_mask(enum emu_qp_type type, uint32_t mask)
{
	switch (type) {
	case EMU_QPT_XRC_INI:
		return mask & ~(uint32_t)(EMU_QP_MAX_DEST_RD_ATOMIC | EMU_QP_MIN_RNR_TIMER);
	case EMU_QPT_XRC_TGT:
		return mask &
		       ~(uint32_t)(EMU_QP_MAX_QP_RD_ATOMIC | EMU_QP_RETRY_CNT | EMU_QP_RNR_RETRY);
	default:
		return mask;
	}
}

/*
 * No path migrates, as the device says (it has no IB_UVERBS_DEVICE_AUTO_PATH_MIG); to have migrated is
 * every path's state.
 */
static bool migrates(const struct ib_uverbs_modify_qp *req)
{
	enum {
		MIGRATED = 0, /* of enum ibv_mig_state */
	};

	return req->attr_mask & EMU_QP_ALT_PATH ||
	       (req->attr_mask & EMU_QP_PATH_MIG_STATE && req->path_mig_state != MIGRATED);
}

static int modify_qp(struct emu_cmd *cmd, const struct ib_uverbs_modify_qp *req)
{
	struct emu_qp_attr attr;
	struct emu_qp_init init;
	struct emu_object *qp;
	int rc = find_qp(cmd, req->qp_handle, &qp);

	if (rc < 0)
		return -EINVAL;
	if (migrates(req))
		return -EOPNOTSUPP;
	/* The GID table is this layer's: an index of an empty entry has no source address. */
	if (req->attr_mask & EMU_QP_AV && req->dest.is_global &&
	    req->dest.sgid_index >= emu_run_gids(&emu_session()->run.dev[cmd->file->index]))
		return -EINVAL;
	rc = emu_qp_query(cmd->file->device, qp->num, NULL, &init);
	if (rc < 0)
		return rc;
	attr_from_abi(req, &attr);
	return emu_qp_modify(cmd->file->device, qp->num, &attr,
			     effective_mask(init.type, req->attr_mask));
}

int emu_cmd_modify_qp(struct emu_cmd *cmd)
{
	struct ib_uverbs_modify_qp req;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	return req.attr_mask & ~(uint32_t)(EMU_QP_RATE_LIMIT - 1) ? -EOPNOTSUPP :
								    modify_qp(cmd, &req);
}

int emu_cmd_modify_qp_ex(struct emu_cmd *cmd)
{
	struct ib_uverbs_ex_modify_qp req;
	const struct ib_uverbs_ex_modify_qp_resp resp = { .response_length = sizeof(resp) };
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	if (req.base.attr_mask & ~(uint32_t)(EMU_QP_RATE_LIMIT - 1))
		return -EOPNOTSUPP;
	rc = modify_qp(cmd, &req.base);
	return rc < 0 ? rc : emu_attr_write(&cmd->out, &resp, sizeof(resp));
}

static void attr_to_abi(const struct emu_qp_attr *attr, const struct emu_qp_init *init,
			struct ib_uverbs_query_qp_resp *resp)
{
	*resp = (struct ib_uverbs_query_qp_resp){
		.max_send_wr = init->max_send_wr,
		.max_recv_wr = init->max_recv_wr,
		.max_send_sge = init->max_send_sge,
		.max_recv_sge = init->max_recv_sge,
		.max_inline_data = init->max_inline,
		.qkey = attr->qkey,
		.rq_psn = attr->rq_psn,
		.sq_psn = attr->sq_psn,
		.dest_qp_num = attr->dest_qpn,
		.qp_access_flags = attr->access_flags,
		.pkey_index = attr->pkey_index,
		.alt_pkey_index = attr->alt_pkey_index,
		.qp_state = (uint8_t)attr->qp_state,
		.cur_qp_state = (uint8_t)attr->cur_qp_state,
		.path_mtu = (uint8_t)attr->path_mtu,
		.path_mig_state = (uint8_t)attr->path_mig_state,
		.sq_draining = attr->sq_draining,
		.max_rd_atomic = attr->max_rd_atomic,
		.max_dest_rd_atomic = attr->max_dest_rd_atomic,
		.min_rnr_timer = attr->min_rnr_timer,
		.port_num = attr->port_num,
		.timeout = attr->timeout,
		.retry_cnt = attr->retry_cnt,
		.rnr_retry = attr->rnr_retry,
		.alt_port_num = attr->alt_port_num,
		.alt_timeout = attr->alt_timeout,
		.sq_sig_all = init->sq_sig_all,
	};
	av_to_abi(&attr->av, &resp->dest);
	av_to_abi(&attr->alt_av, &resp->alt_dest);
}

int emu_cmd_query_qp(struct emu_cmd *cmd)
{
	struct ib_uverbs_query_qp req;
	struct ib_uverbs_query_qp_resp resp;
	struct emu_qp_attr attr;
	struct emu_qp_init init;
	struct emu_object *qp;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc == 0 && find_qp(cmd, req.qp_handle, &qp) < 0)
		rc = -EINVAL;
	if (rc == 0)
		rc = emu_qp_query(cmd->file->device, qp->num, &attr, &init);
	if (rc < 0)
		return rc;
	attr_to_abi(&attr, &init, &resp);
	return emu_attr_write(&cmd->out, &resp, sizeof(resp));
}
