/* SPDX-License-Identifier: MIT */
/*
 * Queues made by ioctl methods of their own, as kernels since Linux 5.8 take them. They say what the write
 * commands say, and the file for events as well, so that is what they become; a context that was
 * imported makes queues in no other way.
 */
#include "uverbs/command.h"

#include <errno.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>

static struct emu_attr own_memory(const void *at, size_t size)
{
	return (struct emu_attr){ .a = { .len = (uint16_t)size, .data = (uintptr_t)at },
				  .at = (uintptr_t)at,
				  .own = true };
}

/* A write command in our own memory. */
static int run(struct emu_file *file, struct emu_cmd *cmd, uint32_t command, const void *in,
	       size_t in_size, void *out, size_t out_size)
{
	cmd->file = file;
	cmd->in = own_memory(in, in_size);
	cmd->out = own_memory(out, out_size);
	return emu_write_command(command, cmd);
}

/* A value that may be left out. */
static int read_u32(const struct emu_attr *attr, uint32_t *value)
{
	*value = 0;
	return attr->at ? emu_attr_read(attr, value, sizeof(*value)) : 0;
}

static uint32_t handle_of(const struct emu_attr *attr)
{
	if (!attr->at)
		return 0;
	return attr->a.data > UINT32_MAX ? UINT32_MAX : (uint32_t)attr->a.data;
}

/* The file for events that the program names, with a reference, or NULL for that of the context. */
static int find_events(struct emu_file *file, const struct emu_attr *attr, struct emu_evfile **out)
{
	*out = NULL;
	if (!attr->at)
		return 0;
	*out = emu_file_events(file, (int)attr->a.data);
	return *out ? 0 : -EBADF;
}

/* ---- completion queues ---- */

enum {
	CQ_HANDLE,
	CQ_CQE,
	CQ_USER_HANDLE,
	CQ_CHANNEL,
	CQ_VECTOR,
	CQ_FLAGS,
	CQ_RESP_CQE,
	CQ_EVENTS,
	CQ_UHW_IN,
	CQ_UHW_OUT,
};

static int read_cq(const struct emu_attr *attr, struct ib_uverbs_ex_create_cq *req)
{
	int rc = emu_attr_read(&attr[CQ_USER_HANDLE], &req->user_handle, sizeof(req->user_handle));

	if (rc == 0)
		rc = read_u32(&attr[CQ_CQE], &req->cqe);
	if (rc == 0)
		rc = read_u32(&attr[CQ_VECTOR], &req->comp_vector);
	if (rc == 0)
		rc = read_u32(&attr[CQ_FLAGS], &req->flags);
	req->comp_channel = attr[CQ_CHANNEL].at ? (int32_t)attr[CQ_CHANNEL].a.data : -1;
	return rc;
}

static int make_cq(struct emu_file *file, struct emu_cmd *cmd,
		   const struct ib_uverbs_ex_create_cq *req,
		   struct ib_uverbs_ex_create_cq_resp *resp)
{
	const struct ib_uverbs_create_cq plain = {
		.user_handle = req->user_handle,
		.cqe = req->cqe,
		.comp_vector = req->comp_vector,
		.comp_channel = req->comp_channel,
	};

	if (req->flags)
		return run(file, cmd,
			   IB_USER_VERBS_CMD_FLAG_EXTENDED | IB_USER_VERBS_EX_CMD_CREATE_CQ, req,
			   sizeof(*req), resp, sizeof(*resp));
	return run(file, cmd, IB_USER_VERBS_CMD_CREATE_CQ, &plain, sizeof(plain), &resp->base,
		   sizeof(resp->base));
}

static int answer_cq(struct emu_file *file, const struct emu_attr *attr,
		     const struct ib_uverbs_create_cq_resp *resp)
{
	const struct ib_uverbs_destroy_cq destroy = { .cq_handle = resp->cq_handle };
	struct ib_uverbs_destroy_cq_resp gone;
	struct emu_cmd cmd = { .events = NULL };
	int rc = emu_attr_write(&attr[CQ_RESP_CQE], &resp->cqe, sizeof(resp->cqe));

	if (rc == 0)
		rc = emu_attr_write_handle(&attr[CQ_HANDLE], resp->cq_handle);
	if (rc < 0)
		(void)run(file, &cmd, IB_USER_VERBS_CMD_DESTROY_CQ, &destroy, sizeof(destroy),
			  &gone, sizeof(gone));
	return rc;
}

static int create_cq(struct emu_file *file, const struct emu_attr *attr)
{
	struct ib_uverbs_ex_create_cq req = { .comp_mask = 0 };
	struct ib_uverbs_ex_create_cq_resp resp;
	struct emu_cmd cmd = { .drv_in = attr[CQ_UHW_IN], .drv_out = attr[CQ_UHW_OUT] };
	int rc = read_cq(attr, &req);

	if (rc == 0)
		rc = find_events(file, &attr[CQ_EVENTS], &cmd.events);
	if (rc < 0)
		return rc;
	rc = make_cq(file, &cmd, &req, &resp);
	emu_evfile_put(cmd.events);
	return rc < 0 ? rc : answer_cq(file, attr, &resp.base);
}

/* ---- queue pairs ---- */

enum {
	QP_HANDLE,
	QP_XRCD,
	QP_PD,
	QP_SRQ,
	QP_SEND_CQ,
	QP_RECV_CQ,
	QP_USER_HANDLE,
	QP_CAP,
	QP_TYPE,
	QP_FLAGS,
	QP_EVENTS,
	QP_RESP_CAP,
	QP_RESP_NUMBER,
	QP_UHW_IN,
	QP_UHW_OUT,
};

static int read_qp(const struct emu_attr *attr, struct ib_uverbs_ex_create_qp *req)
{
	struct ib_uverbs_qp_cap cap;
	uint64_t user_handle;
	uint32_t flags;
	int rc = emu_attr_read(&attr[QP_USER_HANDLE], &user_handle, sizeof(user_handle));

	if (rc == 0)
		rc = emu_attr_read(&attr[QP_CAP], &cap, sizeof(cap));
	if (rc == 0)
		rc = read_u32(&attr[QP_FLAGS], &flags);
	if (rc < 0)
		return rc;
	if (attr[QP_TYPE].a.data > UINT8_MAX)
		return -EINVAL;
	*req = (struct ib_uverbs_ex_create_qp){
		.user_handle = user_handle,
		.pd_handle = handle_of(&attr[attr[QP_XRCD].at ? QP_XRCD : QP_PD]),
		.send_cq_handle = handle_of(&attr[QP_SEND_CQ]),
		.recv_cq_handle = handle_of(&attr[QP_RECV_CQ]),
		.srq_handle = handle_of(&attr[QP_SRQ]),
		.max_send_wr = cap.max_send_wr,
		.max_recv_wr = cap.max_recv_wr,
		.max_send_sge = cap.max_send_sge,
		.max_recv_sge = cap.max_recv_sge,
		.max_inline_data = cap.max_inline_data,
		.sq_sig_all = !!(flags & IB_UVERBS_QP_CREATE_SQ_SIG_ALL),
		.qp_type = (uint8_t)attr[QP_TYPE].a.data,
		.is_srq = attr[QP_SRQ].at != 0,
		.create_flags = flags & ~(uint32_t)IB_UVERBS_QP_CREATE_SQ_SIG_ALL,
	};
	return 0;
}

static int make_qp(struct emu_file *file, struct emu_cmd *cmd,
		   const struct ib_uverbs_ex_create_qp *req,
		   struct ib_uverbs_ex_create_qp_resp *resp)
{
	const struct ib_uverbs_create_qp plain = {
		.user_handle = req->user_handle,
		.pd_handle = req->pd_handle,
		.send_cq_handle = req->send_cq_handle,
		.recv_cq_handle = req->recv_cq_handle,
		.srq_handle = req->srq_handle,
		.max_send_wr = req->max_send_wr,
		.max_recv_wr = req->max_recv_wr,
		.max_send_sge = req->max_send_sge,
		.max_recv_sge = req->max_recv_sge,
		.max_inline_data = req->max_inline_data,
		.sq_sig_all = req->sq_sig_all,
		.qp_type = req->qp_type,
		.is_srq = req->is_srq,
	};

	if (req->create_flags)
		return run(file, cmd,
			   IB_USER_VERBS_CMD_FLAG_EXTENDED | IB_USER_VERBS_EX_CMD_CREATE_QP, req,
			   sizeof(*req), resp, sizeof(*resp));
	return run(file, cmd, IB_USER_VERBS_CMD_CREATE_QP, &plain, sizeof(plain), &resp->base,
		   sizeof(resp->base));
}

static int answer_qp(struct emu_file *file, const struct emu_attr *attr,
		     const struct ib_uverbs_create_qp_resp *resp)
{
	const struct ib_uverbs_destroy_qp destroy = { .qp_handle = resp->qp_handle };
	const struct ib_uverbs_qp_cap cap = {
		.max_send_wr = resp->max_send_wr,
		.max_recv_wr = resp->max_recv_wr,
		.max_send_sge = resp->max_send_sge,
		.max_recv_sge = resp->max_recv_sge,
		.max_inline_data = resp->max_inline_data,
	};
	struct ib_uverbs_destroy_qp_resp gone;
	struct emu_cmd cmd = { .events = NULL };
	int rc = emu_attr_write(&attr[QP_RESP_CAP], &cap, sizeof(cap));

	if (rc == 0)
		rc = emu_attr_write(&attr[QP_RESP_NUMBER], &resp->qpn, sizeof(resp->qpn));
	if (rc == 0)
		rc = emu_attr_write_handle(&attr[QP_HANDLE], resp->qp_handle);
	if (rc < 0)
		(void)run(file, &cmd, IB_USER_VERBS_CMD_DESTROY_QP, &destroy, sizeof(destroy),
			  &gone, sizeof(gone));
	return rc;
}

static int create_qp(struct emu_file *file, const struct emu_attr *attr)
{
	struct ib_uverbs_ex_create_qp req;
	struct ib_uverbs_ex_create_qp_resp resp;
	struct emu_cmd cmd = { .drv_in = attr[QP_UHW_IN], .drv_out = attr[QP_UHW_OUT] };
	int rc = read_qp(attr, &req);

	if (rc == 0)
		rc = find_events(file, &attr[QP_EVENTS], &cmd.events);
	if (rc < 0)
		return rc;
	rc = make_qp(file, &cmd, &req, &resp);
	emu_evfile_put(cmd.events);
	return rc < 0 ? rc : answer_qp(file, attr, &resp.base);
}

/* ---- shared receive queues ---- */

enum {
	SRQ_HANDLE,
	SRQ_PD,
	SRQ_XRCD,
	SRQ_CQ,
	SRQ_USER_HANDLE,
	SRQ_MAX_WR,
	SRQ_MAX_SGE,
	SRQ_LIMIT,
	SRQ_TYPE,
	SRQ_EVENTS,
	SRQ_RESP_MAX_WR,
	SRQ_RESP_MAX_SGE,
	SRQ_RESP_NUMBER,
	SRQ_UHW_IN,
	SRQ_UHW_OUT,
};

static int read_srq(const struct emu_attr *attr, struct ib_uverbs_create_xsrq *req)
{
	uint64_t user_handle;
	int rc = emu_attr_read(&attr[SRQ_USER_HANDLE], &user_handle, sizeof(user_handle));

	if (rc < 0)
		return rc;
	if (attr[SRQ_TYPE].a.data > UINT32_MAX)
		return -EINVAL;
	*req = (struct ib_uverbs_create_xsrq){
		.user_handle = user_handle,
		.srq_type = (uint32_t)attr[SRQ_TYPE].a.data,
		.pd_handle = handle_of(&attr[SRQ_PD]),
		.xrcd_handle = handle_of(&attr[SRQ_XRCD]),
		.cq_handle = handle_of(&attr[SRQ_CQ]),
	};
	rc = read_u32(&attr[SRQ_MAX_WR], &req->max_wr);
	if (rc == 0)
		rc = read_u32(&attr[SRQ_MAX_SGE], &req->max_sge);
	return rc < 0 ? rc : read_u32(&attr[SRQ_LIMIT], &req->srq_limit);
}

static int make_srq(struct emu_file *file, struct emu_cmd *cmd,
		    const struct ib_uverbs_create_xsrq *req, struct ib_uverbs_create_srq_resp *resp)
{
	const struct ib_uverbs_create_srq plain = {
		.user_handle = req->user_handle,
		.pd_handle = req->pd_handle,
		.max_wr = req->max_wr,
		.max_sge = req->max_sge,
		.srq_limit = req->srq_limit,
	};

	if (req->srq_type != IB_UVERBS_SRQT_BASIC)
		return run(file, cmd, IB_USER_VERBS_CMD_CREATE_XSRQ, req, sizeof(*req), resp,
			   sizeof(*resp));
	return run(file, cmd, IB_USER_VERBS_CMD_CREATE_SRQ, &plain, sizeof(plain), resp,
		   sizeof(*resp));
}

static int answer_srq(struct emu_file *file, const struct emu_attr *attr,
		      const struct ib_uverbs_create_srq_resp *resp)
{
	const struct ib_uverbs_destroy_srq destroy = { .srq_handle = resp->srq_handle };
	struct ib_uverbs_destroy_srq_resp gone;
	struct emu_cmd cmd = { .events = NULL };
	int rc = emu_attr_write(&attr[SRQ_RESP_MAX_WR], &resp->max_wr, sizeof(resp->max_wr));

	if (rc == 0)
		rc = emu_attr_write(&attr[SRQ_RESP_MAX_SGE], &resp->max_sge, sizeof(resp->max_sge));
	if (rc == 0)
		rc = emu_attr_write(&attr[SRQ_RESP_NUMBER], &resp->srqn, sizeof(resp->srqn));
	if (rc == 0)
		rc = emu_attr_write_handle(&attr[SRQ_HANDLE], resp->srq_handle);
	if (rc < 0)
		(void)run(file, &cmd, IB_USER_VERBS_CMD_DESTROY_SRQ, &destroy, sizeof(destroy),
			  &gone, sizeof(gone));
	return rc;
}

static int create_srq(struct emu_file *file, const struct emu_attr *attr)
{
	struct ib_uverbs_create_xsrq req;
	struct ib_uverbs_create_srq_resp resp;
	struct emu_cmd cmd = { .drv_in = attr[SRQ_UHW_IN], .drv_out = attr[SRQ_UHW_OUT] };
	int rc = read_srq(attr, &req);

	if (rc == 0)
		rc = find_events(file, &attr[SRQ_EVENTS], &cmd.events);
	if (rc < 0)
		return rc;
	rc = make_srq(file, &cmd, &req, &resp);
	emu_evfile_put(cmd.events);
	return rc < 0 ? rc : answer_srq(file, attr, &resp);
}

const struct emu_method emu_create_methods[] = {
	{ NULL,
	  EMU_FAULT_AS_WRITTEN,
	  UVERBS_OBJECT_CQ,
	  UVERBS_METHOD_CQ_CREATE,
	  10,
	  { { "handle", UVERBS_ATTR_CREATE_CQ_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "cqe", UVERBS_ATTR_CREATE_CQ_CQE, EMU_ATTR_IN, 4, 4, true },
	    { "user_handle", UVERBS_ATTR_CREATE_CQ_USER_HANDLE, EMU_ATTR_IN, 8, 8, true },
	    { "comp_channel", UVERBS_ATTR_CREATE_CQ_COMP_CHANNEL, EMU_ATTR_HANDLE, 0, 0, false },
	    { "comp_vector", UVERBS_ATTR_CREATE_CQ_COMP_VECTOR, EMU_ATTR_IN, 4, 4, true },
	    { "flags", UVERBS_ATTR_CREATE_CQ_FLAGS, EMU_ATTR_IN, 4, 8, false },
	    { "cqe", UVERBS_ATTR_CREATE_CQ_RESP_CQE, EMU_ATTR_OUT, 4, 4, true },
	    { "event_fd", UVERBS_ATTR_CREATE_CQ_EVENT_FD, EMU_ATTR_HANDLE, 0, 0, false },
	    { "uhw_in", UVERBS_ATTR_UHW_IN, EMU_ATTR_IN, 0, UINT16_MAX, false },
	    { "uhw_out", UVERBS_ATTR_UHW_OUT, EMU_ATTR_OUT, 0, UINT16_MAX, false } },
	  create_cq },
	{ NULL,
	  EMU_FAULT_AS_WRITTEN,
	  UVERBS_OBJECT_QP,
	  UVERBS_METHOD_QP_CREATE,
	  15,
	  { { "handle", UVERBS_ATTR_CREATE_QP_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "xrcd_handle", UVERBS_ATTR_CREATE_QP_XRCD_HANDLE, EMU_ATTR_HANDLE, 0, 0, false },
	    { "pd_handle", UVERBS_ATTR_CREATE_QP_PD_HANDLE, EMU_ATTR_HANDLE, 0, 0, false },
	    { "srq_handle", UVERBS_ATTR_CREATE_QP_SRQ_HANDLE, EMU_ATTR_HANDLE, 0, 0, false },
	    { "send_cq_handle", UVERBS_ATTR_CREATE_QP_SEND_CQ_HANDLE, EMU_ATTR_HANDLE, 0, 0, false },
	    { "recv_cq_handle", UVERBS_ATTR_CREATE_QP_RECV_CQ_HANDLE, EMU_ATTR_HANDLE, 0, 0, false },
	    { "user_handle", UVERBS_ATTR_CREATE_QP_USER_HANDLE, EMU_ATTR_IN, 8, 8, true },
	    { "cap", UVERBS_ATTR_CREATE_QP_CAP, EMU_ATTR_IN, 20, 20, true },
	    { "type", UVERBS_ATTR_CREATE_QP_TYPE, EMU_ATTR_CONST, 0, 0, true },
	    { "flags", UVERBS_ATTR_CREATE_QP_FLAGS, EMU_ATTR_IN, 4, 8, false },
	    { "event_fd", UVERBS_ATTR_CREATE_QP_EVENT_FD, EMU_ATTR_HANDLE, 0, 0, false },
	    { "cap", UVERBS_ATTR_CREATE_QP_RESP_CAP, EMU_ATTR_OUT, 20, 20, true },
	    { "qp_num", UVERBS_ATTR_CREATE_QP_RESP_QP_NUM, EMU_ATTR_OUT, 4, 4, true },
	    { "uhw_in", UVERBS_ATTR_UHW_IN, EMU_ATTR_IN, 0, UINT16_MAX, false },
	    { "uhw_out", UVERBS_ATTR_UHW_OUT, EMU_ATTR_OUT, 0, UINT16_MAX, false } },
	  create_qp },
	{ NULL,
	  EMU_FAULT_AS_WRITTEN,
	  UVERBS_OBJECT_SRQ,
	  UVERBS_METHOD_SRQ_CREATE,
	  15,
	  { { "handle", UVERBS_ATTR_CREATE_SRQ_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "pd_handle", UVERBS_ATTR_CREATE_SRQ_PD_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "xrcd_handle", UVERBS_ATTR_CREATE_SRQ_XRCD_HANDLE, EMU_ATTR_HANDLE, 0, 0, false },
	    { "cq_handle", UVERBS_ATTR_CREATE_SRQ_CQ_HANDLE, EMU_ATTR_HANDLE, 0, 0, false },
	    { "user_handle", UVERBS_ATTR_CREATE_SRQ_USER_HANDLE, EMU_ATTR_IN, 8, 8, true },
	    { "max_wr", UVERBS_ATTR_CREATE_SRQ_MAX_WR, EMU_ATTR_IN, 4, 4, true },
	    { "max_sge", UVERBS_ATTR_CREATE_SRQ_MAX_SGE, EMU_ATTR_IN, 4, 4, true },
	    { "limit", UVERBS_ATTR_CREATE_SRQ_LIMIT, EMU_ATTR_IN, 4, 4, true },
	    { "type", UVERBS_ATTR_CREATE_SRQ_TYPE, EMU_ATTR_CONST, 0, 0, true },
	    { "event_fd", UVERBS_ATTR_CREATE_SRQ_EVENT_FD, EMU_ATTR_HANDLE, 0, 0, false },
	    { "max_wr", UVERBS_ATTR_CREATE_SRQ_RESP_MAX_WR, EMU_ATTR_OUT, 4, 4, true },
	    { "max_sge", UVERBS_ATTR_CREATE_SRQ_RESP_MAX_SGE, EMU_ATTR_OUT, 4, 4, true },
	    { "srq_num", UVERBS_ATTR_CREATE_SRQ_RESP_SRQ_NUM, EMU_ATTR_OUT, 4, 4, false },
	    { "uhw_in", UVERBS_ATTR_UHW_IN, EMU_ATTR_IN, 0, UINT16_MAX, false },
	    { "uhw_out", UVERBS_ATTR_UHW_OUT, EMU_ATTR_OUT, 0, UINT16_MAX, false } },
	  create_srq },
};
const size_t emu_create_nmethods = sizeof(emu_create_methods) / sizeof(emu_create_methods[0]);
