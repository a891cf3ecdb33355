/* SPDX-License-Identifier: MIT */
/*
 * The write commands, which INVOKE_WRITE carries or write(2) itself: tables keyed by command number.
 * The sizes are those of the structures before driver_data, `response` included, as both carry them.
 * What is not in a table is -EOPNOTSUPP, which the library passes on to the program.
 */
#include "uverbs/command.h"

#include "engine/log.h"
#include "uverbs/fail.h"
#include "uverbs/session.h"
#include "uverbs/trace.h"
#include "uverbs/user.h"

#include <errno.h>
#include <string.h>
#include <rdma/ib_user_verbs.h>

#define METHOD(fault, in, out, fn)                                           \
	{                                                                    \
		sizeof(struct in), sizeof(struct out), EMU_FAULT_##fault, fn \
	}
#define METHOD_IN(fault, in, fn)                            \
	{                                                   \
		sizeof(struct in), 0, EMU_FAULT_##fault, fn \
	}

static const struct emu_write_method methods[] = {
	[IB_USER_VERBS_CMD_GET_CONTEXT] = { sizeof(struct ib_uverbs_get_context),
					    sizeof(struct ib_uverbs_get_context_resp),
					    EMU_FAULT_GET_CONTEXT, emu_cmd_get_context },
	[IB_USER_VERBS_CMD_QUERY_DEVICE] = METHOD(QUERY_DEVICE, ib_uverbs_query_device,
						  ib_uverbs_query_device_resp,
						  emu_cmd_query_device),
	[IB_USER_VERBS_CMD_QUERY_PORT] = METHOD(QUERY_PORT, ib_uverbs_query_port,
						ib_uverbs_query_port_resp, emu_cmd_query_port),
	[IB_USER_VERBS_CMD_ALLOC_PD] =
		METHOD(ALLOC_PD, ib_uverbs_alloc_pd, ib_uverbs_alloc_pd_resp, emu_cmd_alloc_pd),
	[IB_USER_VERBS_CMD_DEALLOC_PD] =
		METHOD_IN(DEALLOC_PD, ib_uverbs_dealloc_pd, emu_cmd_dealloc_pd),
	[IB_USER_VERBS_CMD_REG_MR] =
		METHOD(REG_MR, ib_uverbs_reg_mr, ib_uverbs_reg_mr_resp, emu_cmd_reg_mr),
	[IB_USER_VERBS_CMD_DEREG_MR] = METHOD_IN(DEREG_MR, ib_uverbs_dereg_mr, emu_cmd_dereg_mr),
	[IB_USER_VERBS_CMD_ALLOC_MW] =
		METHOD(ALLOC_MW, ib_uverbs_alloc_mw, ib_uverbs_alloc_mw_resp, emu_cmd_alloc_mw),
	[IB_USER_VERBS_CMD_DEALLOC_MW] =
		METHOD_IN(DEALLOC_MW, ib_uverbs_dealloc_mw, emu_cmd_dealloc_mw),
	[IB_USER_VERBS_CMD_CREATE_COMP_CHANNEL] =
		METHOD(CREATE_CHANNEL, ib_uverbs_create_comp_channel,
		       ib_uverbs_create_comp_channel_resp, emu_cmd_create_comp_channel),
	[IB_USER_VERBS_CMD_CREATE_CQ] =
		METHOD(CREATE_CQ, ib_uverbs_create_cq, ib_uverbs_create_cq_resp, emu_cmd_create_cq),
	[IB_USER_VERBS_CMD_RESIZE_CQ] =
		METHOD(RESIZE_CQ, ib_uverbs_resize_cq, ib_uverbs_resize_cq_resp, emu_cmd_resize_cq),
	[IB_USER_VERBS_CMD_DESTROY_CQ] = METHOD(DESTROY_CQ, ib_uverbs_destroy_cq,
						ib_uverbs_destroy_cq_resp, emu_cmd_destroy_cq),
	[IB_USER_VERBS_CMD_CREATE_AH] =
		METHOD(CREATE_AH, ib_uverbs_create_ah, ib_uverbs_create_ah_resp, emu_cmd_create_ah),
	[IB_USER_VERBS_CMD_DESTROY_AH] =
		METHOD_IN(DESTROY_AH, ib_uverbs_destroy_ah, emu_cmd_destroy_ah),
	[IB_USER_VERBS_CMD_OPEN_XRCD] =
		METHOD(OPEN_XRCD, ib_uverbs_open_xrcd, ib_uverbs_open_xrcd_resp, emu_cmd_open_xrcd),
	[IB_USER_VERBS_CMD_CLOSE_XRCD] =
		METHOD_IN(CLOSE_XRCD, ib_uverbs_close_xrcd, emu_cmd_close_xrcd),
	[IB_USER_VERBS_CMD_CREATE_XSRQ] = METHOD(CREATE_SRQ, ib_uverbs_create_xsrq,
						 ib_uverbs_create_srq_resp, emu_cmd_create_xsrq),
	[IB_USER_VERBS_CMD_CREATE_SRQ] = METHOD(CREATE_SRQ, ib_uverbs_create_srq,
						ib_uverbs_create_srq_resp, emu_cmd_create_srq),
	[IB_USER_VERBS_CMD_MODIFY_SRQ] =
		METHOD_IN(MODIFY_SRQ, ib_uverbs_modify_srq, emu_cmd_modify_srq),
	[IB_USER_VERBS_CMD_QUERY_SRQ] =
		METHOD(QUERY_SRQ, ib_uverbs_query_srq, ib_uverbs_query_srq_resp, emu_cmd_query_srq),
	[IB_USER_VERBS_CMD_DESTROY_SRQ] = METHOD(DESTROY_SRQ, ib_uverbs_destroy_srq,
						 ib_uverbs_destroy_srq_resp, emu_cmd_destroy_srq),
	[IB_USER_VERBS_CMD_CREATE_QP] =
		METHOD(CREATE_QP, ib_uverbs_create_qp, ib_uverbs_create_qp_resp, emu_cmd_create_qp),
	[IB_USER_VERBS_CMD_QUERY_QP] =
		METHOD(QUERY_QP, ib_uverbs_query_qp, ib_uverbs_query_qp_resp, emu_cmd_query_qp),
	[IB_USER_VERBS_CMD_MODIFY_QP] =
		METHOD_IN(MODIFY_QP, ib_uverbs_modify_qp, emu_cmd_modify_qp),
	[IB_USER_VERBS_CMD_ATTACH_MCAST] =
		METHOD_IN(ATTACH_MCAST, ib_uverbs_attach_mcast, emu_cmd_attach_mcast),
	[IB_USER_VERBS_CMD_DETACH_MCAST] =
		METHOD_IN(DETACH_MCAST, ib_uverbs_detach_mcast, emu_cmd_detach_mcast),
	[IB_USER_VERBS_CMD_OPEN_QP] = { sizeof(struct ib_uverbs_open_qp),
					sizeof(struct ib_uverbs_create_qp_resp), EMU_FAULT_OPEN_QP,
					emu_cmd_open_qp },
	[IB_USER_VERBS_CMD_DESTROY_QP] = METHOD(DESTROY_QP, ib_uverbs_destroy_qp,
						ib_uverbs_destroy_qp_resp, emu_cmd_destroy_qp),
};

/* Extended commands may be given without the newest members; the kernel's smallest sizes. */
static const struct emu_write_method methods_ex[] = {
	[IB_USER_VERBS_EX_CMD_QUERY_DEVICE] = { sizeof(struct ib_uverbs_ex_query_device),
						offsetof(struct ib_uverbs_ex_query_device_resp,
							 odp_caps),
						EMU_FAULT_QUERY_DEVICE, emu_cmd_query_device_ex },
	[IB_USER_VERBS_EX_CMD_CREATE_CQ] = METHOD(CREATE_CQ, ib_uverbs_ex_create_cq,
						  ib_uverbs_ex_create_cq_resp,
						  emu_cmd_create_cq_ex),
	[IB_USER_VERBS_EX_CMD_MODIFY_CQ] =
		METHOD_IN(MODIFY_CQ, ib_uverbs_ex_modify_cq, emu_cmd_modify_cq),
	[IB_USER_VERBS_EX_CMD_CREATE_QP] = { offsetof(struct ib_uverbs_ex_create_qp,
						      rwq_ind_tbl_handle),
					     sizeof(struct ib_uverbs_ex_create_qp_resp),
					     EMU_FAULT_CREATE_QP, emu_cmd_create_qp_ex },
	[IB_USER_VERBS_EX_CMD_MODIFY_QP] = { offsetof(struct ib_uverbs_ex_modify_qp, rate_limit),
					     sizeof(struct ib_uverbs_ex_modify_qp_resp),
					     EMU_FAULT_MODIFY_QP, emu_cmd_modify_qp_ex },
};

static const struct emu_write_method *lookup(uint64_t command)
{
	static const struct emu_write_method unsupported = { .run = NULL };
	uint64_t number = command & IB_USER_VERBS_CMD_COMMAND_MASK;
	const struct emu_write_method *table = methods;
	size_t n = sizeof(methods) / sizeof(methods[0]);

	if (command & ~(uint64_t)(IB_USER_VERBS_CMD_COMMAND_MASK | IB_USER_VERBS_CMD_FLAG_EXTENDED))
		return NULL;
	if (command & IB_USER_VERBS_CMD_FLAG_EXTENDED) {
		table = methods_ex;
		n = sizeof(methods_ex) / sizeof(methods_ex[0]);
	}
	return number < n && table[number].run ? &table[number] : &unsupported;
}

/* The program sees a number in errno at best; the log says what it asked for. */
static int report(const struct emu_cmd *cmd, uint64_t command, int rc)
{
	if (emu_trace_on())
		emu_trace_write_command(cmd, command, rc);
	if (rc < 0)
		emu_info("uverbs%u: command %u%s of ib_user_verbs.h refused: %s", cmd->file->index,
			 (unsigned)(command & IB_USER_VERBS_CMD_COMMAND_MASK),
			 command & IB_USER_VERBS_CMD_FLAG_EXTENDED ? " (extended)" : "",
			 strerror(-rc));
	return rc;
}

int emu_write_command(uint64_t command, struct emu_cmd *cmd)
{
	const struct emu_write_method *m = lookup(command);
	int rc;

	if (!m)
		return -EINVAL;
	if (!m->run)
		return report(cmd, command, -EOPNOTSUPP);
	/* libibverbs probes for INVOKE_WRITE with an empty request and expects this error */
	if (cmd->in.a.len < m->in_size || cmd->out.a.len < m->out_size)
		return -ENOSPC;
	if (!cmd->file->device && m->run != emu_cmd_get_context)
		return -EINVAL;
	rc = emu_command_fails(cmd->file, m->fault);
	return report(cmd, command, rc < 0 ? rc : m->run(cmd));
}

bool emu_write_commands_only(void)
{
	return emu_session()->run.write_commands;
}

/* ---- by write(2) ---- */

/*
 * What write(2) brought, as attributes. The kernel's rules (ib_uverbs_write() in uverbs_main.c): one
 * request, the core structure and then mlx5's, and an address for both answers, one behind the other:
 * at the start of an old core structure, or in the header of an extended command.
 */
struct written {
	struct ib_uverbs_cmd_hdr hdr;
	struct ib_uverbs_ex_cmd_hdr ex;
	struct ib_uverbs_attr marks; /* where handlers tell that they answered */
	struct emu_cmd cmd;
};

static int set_in(struct written *w, struct emu_attr *attr, uint64_t at, size_t len)
{
	if (len == 0)
		return 0;
	attr->at = (uintptr_t)&w->marks;
	attr->a.len = (uint16_t)len;
	attr->a.data = at;
	return len > sizeof(attr->a.data) ? 0 : emu_user_read(&attr->a.data, at, len);
}

static void set_out(struct written *w, struct emu_attr *attr, uint64_t at, size_t len)
{
	if (len == 0)
		return;
	attr->at = (uintptr_t)&w->marks;
	attr->a.len = (uint16_t)len;
	attr->a.data = at;
}

static int split_old(struct written *w, const struct emu_write_method *m, uint64_t buf, size_t size)
{
	const size_t out = (size_t)w->hdr.out_words * 4;
	const size_t in = size - sizeof(w->hdr);
	uint64_t response = 0;
	int rc;

	if ((size_t)w->hdr.in_words * 4 != size)
		return -EINVAL;
	if (in < m->in_size || out < m->out_size)
		return -ENOSPC;
	buf += sizeof(w->hdr);
	if (m->out_size) {
		rc = emu_user_read(&response, buf, sizeof(response));
		if (rc < 0)
			return rc;
		set_out(w, &w->cmd.out, response, m->out_size);
		set_out(w, &w->cmd.drv_out, response + m->out_size, out - m->out_size);
	}
	rc = set_in(w, &w->cmd.in, buf, m->in_size);
	return rc < 0 ? rc : set_in(w, &w->cmd.drv_in, buf + m->in_size, in - m->in_size);
}

static int split_extended(struct written *w, const struct emu_write_method *m, uint64_t buf,
			  size_t size)
{
	const size_t in = (size_t)w->hdr.in_words * 8, drv_in = (size_t)w->ex.provider_in_words * 8;
	const size_t out = (size_t)w->hdr.out_words * 8;
	const size_t drv_out = (size_t)w->ex.provider_out_words * 8;
	const size_t headers = sizeof(w->hdr) + sizeof(w->ex);
	int rc;

	if (headers + in + drv_in != size || w->ex.cmd_hdr_reserved)
		return -EINVAL;
	if (in < m->in_size)
		return -ENOSPC;
	if (!w->ex.response != !(out + drv_out))
		return -EINVAL;
	if (w->ex.response && out < m->out_size)
		return -ENOSPC;
	set_out(w, &w->cmd.out, w->ex.response, out);
	set_out(w, &w->cmd.drv_out, w->ex.response + out, drv_out);
	rc = set_in(w, &w->cmd.in, buf + headers, in);
	return rc < 0 ? rc : set_in(w, &w->cmd.drv_in, buf + headers + in, drv_in);
}

static int read_written(struct written *w, uint64_t buf, size_t size)
{
	const bool extended = w->hdr.command & IB_USER_VERBS_CMD_FLAG_EXTENDED;
	const struct emu_write_method *m = lookup(w->hdr.command);
	int rc;

	if (!m)
		return -EINVAL;
	if (!extended)
		return split_old(w, m, buf, size);
	if (size < sizeof(w->hdr) + sizeof(w->ex))
		return -EINVAL;
	rc = emu_user_read(&w->ex, buf + sizeof(w->hdr), sizeof(w->ex));
	return rc < 0 ? rc : split_extended(w, m, buf, size);
}

int emu_write_file(struct emu_file *file, uint64_t buf, size_t size)
{
	struct written w = { .cmd = { .file = file } };
	int rc;

	if (file->inherited)
		return emu_file_refuse_inherited(file);
	if (size < sizeof(w.hdr))
		return -EINVAL;
	rc = emu_user_read(&w.hdr, buf, sizeof(w.hdr));
	if (rc == 0)
		rc = read_written(&w, buf, size);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&file->lock);
	rc = emu_write_command(w.hdr.command, &w.cmd);
	pthread_mutex_unlock(&file->lock);
	return rc;
}
