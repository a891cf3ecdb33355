/* SPDX-License-Identifier: MIT */
/*
 * Commands as lines. What a request says is read from the program's memory once more, after the
 * command: a program that changes it meanwhile sees the change in its trace and nowhere else.
 */
#include "uverbs/trace.h"

#include "engine/trace.h"
#include "trace/members.h"
#include "uverbs/user.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_verbs.h>

enum { MAX_FIELDS = 12 };

struct layout {
	const char *name;
	struct emu_member in[MAX_FIELDS], out[MAX_FIELDS];
};

#define F(type, member) EMU_MEMBER(type, member)

static const struct layout layouts[] = {
	[IB_USER_VERBS_CMD_GET_CONTEXT] = { "GET_CONTEXT",
					    { { NULL, 0, 0 } },
					    { F(ib_uverbs_get_context_resp, async_fd),
					      F(ib_uverbs_get_context_resp, num_comp_vectors) } },
	[IB_USER_VERBS_CMD_QUERY_DEVICE] = { "QUERY_DEVICE",
					     { { NULL, 0, 0 } },
					     { F(ib_uverbs_query_device_resp, fw_ver),
					       F(ib_uverbs_query_device_resp, max_qp) } },
	[IB_USER_VERBS_CMD_QUERY_PORT] = { "QUERY_PORT",
					   { F(ib_uverbs_query_port, port_num) },
					   { F(ib_uverbs_query_port_resp, state),
					     F(ib_uverbs_query_port_resp, active_mtu),
					     F(ib_uverbs_query_port_resp, lid),
					     F(ib_uverbs_query_port_resp, link_layer) } },
	[IB_USER_VERBS_CMD_ALLOC_PD] = { "ALLOC_PD",
					 { { NULL, 0, 0 } },
					 { F(ib_uverbs_alloc_pd_resp, pd_handle) } },
	[IB_USER_VERBS_CMD_DEALLOC_PD] = { "DEALLOC_PD",
					   { F(ib_uverbs_dealloc_pd, pd_handle) },
					   { { NULL, 0, 0 } } },
	[IB_USER_VERBS_CMD_REG_MR] = { "REG_MR",
				       { F(ib_uverbs_reg_mr, start), F(ib_uverbs_reg_mr, length),
					 F(ib_uverbs_reg_mr, hca_va),
					 F(ib_uverbs_reg_mr, pd_handle),
					 F(ib_uverbs_reg_mr, access_flags) },
				       { F(ib_uverbs_reg_mr_resp, mr_handle),
					 F(ib_uverbs_reg_mr_resp, lkey),
					 F(ib_uverbs_reg_mr_resp, rkey) } },
	[IB_USER_VERBS_CMD_DEREG_MR] = { "DEREG_MR",
					 { F(ib_uverbs_dereg_mr, mr_handle) },
					 { { NULL, 0, 0 } } },
	[IB_USER_VERBS_CMD_ALLOC_MW] = { "ALLOC_MW",
					 { F(ib_uverbs_alloc_mw, pd_handle),
					   F(ib_uverbs_alloc_mw, mw_type) },
					 { F(ib_uverbs_alloc_mw_resp, mw_handle),
					   F(ib_uverbs_alloc_mw_resp, rkey) } },
	[IB_USER_VERBS_CMD_DEALLOC_MW] = { "DEALLOC_MW",
					   { F(ib_uverbs_dealloc_mw, mw_handle) },
					   { { NULL, 0, 0 } } },
	[IB_USER_VERBS_CMD_CREATE_COMP_CHANNEL] = { "CREATE_COMP_CHANNEL",
						    { { NULL, 0, 0 } },
						    { F(ib_uverbs_create_comp_channel_resp, fd) } },
	[IB_USER_VERBS_CMD_CREATE_CQ] = { "CREATE_CQ",
					  { F(ib_uverbs_create_cq, cqe),
					    F(ib_uverbs_create_cq, comp_vector),
					    F(ib_uverbs_create_cq, comp_channel) },
					  { F(ib_uverbs_create_cq_resp, cq_handle),
					    F(ib_uverbs_create_cq_resp, cqe) } },
	[IB_USER_VERBS_CMD_RESIZE_CQ] = { "RESIZE_CQ",
					  { F(ib_uverbs_resize_cq, cq_handle),
					    F(ib_uverbs_resize_cq, cqe) },
					  { F(ib_uverbs_resize_cq_resp, cqe) } },
	[IB_USER_VERBS_CMD_DESTROY_CQ] = { "DESTROY_CQ",
					   { F(ib_uverbs_destroy_cq, cq_handle) },
					   { F(ib_uverbs_destroy_cq_resp, comp_events_reported),
					     F(ib_uverbs_destroy_cq_resp, async_events_reported) } },
	[IB_USER_VERBS_CMD_CREATE_AH] = { "CREATE_AH",
					  { F(ib_uverbs_create_ah, pd_handle),
					    F(ib_uverbs_create_ah, attr.dlid),
					    F(ib_uverbs_create_ah, attr.is_global),
					    F(ib_uverbs_create_ah, attr.grh.sgid_index),
					    F(ib_uverbs_create_ah, attr.port_num) },
					  { F(ib_uverbs_create_ah_resp, ah_handle) } },
	[IB_USER_VERBS_CMD_DESTROY_AH] = { "DESTROY_AH",
					   { F(ib_uverbs_destroy_ah, ah_handle) },
					   { { NULL, 0, 0 } } },
	[IB_USER_VERBS_CMD_OPEN_XRCD] = { "OPEN_XRCD",
					  { F(ib_uverbs_open_xrcd, fd),
					    F(ib_uverbs_open_xrcd, oflags) },
					  { F(ib_uverbs_open_xrcd_resp, xrcd_handle) } },
	[IB_USER_VERBS_CMD_CLOSE_XRCD] = { "CLOSE_XRCD",
					   { F(ib_uverbs_close_xrcd, xrcd_handle) },
					   { { NULL, 0, 0 } } },
	[IB_USER_VERBS_CMD_CREATE_SRQ] = { "CREATE_SRQ",
					   { F(ib_uverbs_create_srq, pd_handle),
					     F(ib_uverbs_create_srq, max_wr),
					     F(ib_uverbs_create_srq, max_sge),
					     F(ib_uverbs_create_srq, srq_limit) },
					   { F(ib_uverbs_create_srq_resp, srq_handle),
					     F(ib_uverbs_create_srq_resp, srqn) } },
	[IB_USER_VERBS_CMD_CREATE_XSRQ] = { "CREATE_XSRQ",
					    { F(ib_uverbs_create_xsrq, pd_handle),
					      F(ib_uverbs_create_xsrq, srq_type),
					      F(ib_uverbs_create_xsrq, max_wr),
					      F(ib_uverbs_create_xsrq, max_sge),
					      F(ib_uverbs_create_xsrq, xrcd_handle),
					      F(ib_uverbs_create_xsrq, cq_handle) },
					    { F(ib_uverbs_create_srq_resp, srq_handle),
					      F(ib_uverbs_create_srq_resp, srqn) } },
	[IB_USER_VERBS_CMD_MODIFY_SRQ] = { "MODIFY_SRQ",
					   { F(ib_uverbs_modify_srq, srq_handle),
					     F(ib_uverbs_modify_srq, attr_mask),
					     F(ib_uverbs_modify_srq, max_wr),
					     F(ib_uverbs_modify_srq, srq_limit) },
					   { { NULL, 0, 0 } } },
	[IB_USER_VERBS_CMD_QUERY_SRQ] = { "QUERY_SRQ",
					  { F(ib_uverbs_query_srq, srq_handle) },
					  { F(ib_uverbs_query_srq_resp, max_wr),
					    F(ib_uverbs_query_srq_resp, srq_limit) } },
	[IB_USER_VERBS_CMD_DESTROY_SRQ] = { "DESTROY_SRQ",
					    { F(ib_uverbs_destroy_srq, srq_handle) },
					    { F(ib_uverbs_destroy_srq_resp, events_reported) } },
	[IB_USER_VERBS_CMD_CREATE_QP] = { "CREATE_QP",
					  { F(ib_uverbs_create_qp, pd_handle),
					    F(ib_uverbs_create_qp, qp_type),
					    F(ib_uverbs_create_qp, send_cq_handle),
					    F(ib_uverbs_create_qp, recv_cq_handle),
					    F(ib_uverbs_create_qp, srq_handle),
					    F(ib_uverbs_create_qp, max_send_wr),
					    F(ib_uverbs_create_qp, max_recv_wr),
					    F(ib_uverbs_create_qp, max_send_sge),
					    F(ib_uverbs_create_qp, max_recv_sge),
					    F(ib_uverbs_create_qp, max_inline_data),
					    F(ib_uverbs_create_qp, sq_sig_all) },
					  { F(ib_uverbs_create_qp_resp, qp_handle),
					    F(ib_uverbs_create_qp_resp, qpn) } },
	[IB_USER_VERBS_CMD_QUERY_QP] = { "QUERY_QP",
					 { F(ib_uverbs_query_qp, qp_handle),
					   F(ib_uverbs_query_qp, attr_mask) },
					 { F(ib_uverbs_query_qp_resp, qp_state),
					   F(ib_uverbs_query_qp_resp, rq_psn),
					   F(ib_uverbs_query_qp_resp, sq_psn) } },
	[IB_USER_VERBS_CMD_MODIFY_QP] = { "MODIFY_QP",
					  { F(ib_uverbs_modify_qp, qp_handle),
					    F(ib_uverbs_modify_qp, attr_mask),
					    F(ib_uverbs_modify_qp, qp_state),
					    F(ib_uverbs_modify_qp, path_mtu),
					    F(ib_uverbs_modify_qp, dest_qp_num),
					    F(ib_uverbs_modify_qp, rq_psn),
					    F(ib_uverbs_modify_qp, sq_psn),
					    F(ib_uverbs_modify_qp, qp_access_flags),
					    F(ib_uverbs_modify_qp, timeout),
					    F(ib_uverbs_modify_qp, retry_cnt),
					    F(ib_uverbs_modify_qp, rnr_retry) },
					  { { NULL, 0, 0 } } },
	[IB_USER_VERBS_CMD_DESTROY_QP] = { "DESTROY_QP",
					   { F(ib_uverbs_destroy_qp, qp_handle) },
					   { F(ib_uverbs_destroy_qp_resp, events_reported) } },
};

static const struct layout layouts_ex[] = {
	[IB_USER_VERBS_EX_CMD_QUERY_DEVICE] = { "EX_QUERY_DEVICE",
						{ { NULL, 0, 0 } },
						{ F(ib_uverbs_ex_query_device_resp,
						    response_length) } },
	[IB_USER_VERBS_EX_CMD_CREATE_CQ] = { "EX_CREATE_CQ",
					     { F(ib_uverbs_ex_create_cq, cqe),
					       F(ib_uverbs_ex_create_cq, comp_vector),
					       F(ib_uverbs_ex_create_cq, comp_channel),
					       F(ib_uverbs_ex_create_cq, flags) },
					     { F(ib_uverbs_create_cq_resp, cq_handle),
					       F(ib_uverbs_create_cq_resp, cqe) } },
	[IB_USER_VERBS_EX_CMD_CREATE_QP] = { "EX_CREATE_QP",
					     { F(ib_uverbs_ex_create_qp, pd_handle),
					       F(ib_uverbs_ex_create_qp, qp_type),
					       F(ib_uverbs_ex_create_qp, send_cq_handle),
					       F(ib_uverbs_ex_create_qp, recv_cq_handle),
					       F(ib_uverbs_ex_create_qp, max_send_wr),
					       F(ib_uverbs_ex_create_qp, max_recv_wr),
					       F(ib_uverbs_ex_create_qp, create_flags) },
					     { F(ib_uverbs_create_qp_resp, qp_handle),
					       F(ib_uverbs_create_qp_resp, qpn) } },
	[IB_USER_VERBS_EX_CMD_MODIFY_QP] = { "EX_MODIFY_QP",
					     { F(ib_uverbs_modify_qp, qp_handle),
					       F(ib_uverbs_modify_qp, attr_mask),
					       F(ib_uverbs_modify_qp, qp_state),
					       F(ib_uverbs_modify_qp, dest_qp_num) },
					     { { NULL, 0, 0 } } },
};

static void add_fields(struct emu_line *line, const struct emu_member *field,
		       const struct emu_attr *attr, bool answer)
{
	uint8_t bytes[256] = { 0 };
	const size_t have = attr->at ? attr->a.len : 0;
	const size_t n = have < sizeof(bytes) ? have : sizeof(bytes);

	if (attr->own) {
		memcpy(bytes, (const char *)(uintptr_t)attr->a.data, n);
	} else if (n > sizeof(attr->a.data) || answer) {
		if (emu_user_read(bytes, attr->a.data, n) < 0)
			return;
	} else {
		memcpy(bytes, &attr->a.data, n);
	}
	emu_line_members(line, field, MAX_FIELDS, bytes, sizeof(bytes));
}

void emu_trace_write_command(const struct emu_cmd *cmd, uint64_t command, int rc)
{
	const bool ex = command & IB_USER_VERBS_CMD_FLAG_EXTENDED;
	const unsigned number = command & IB_USER_VERBS_CMD_COMMAND_MASK;
	const struct layout *table = ex ? layouts_ex : layouts;
	const size_t n = ex ? sizeof(layouts_ex) / sizeof(*layouts_ex) :
			      sizeof(layouts) / sizeof(*layouts);
	struct emu_line line;

	if (!(emu_trace_sinks & EMU_TRACE_TEXT))
		return;
	emu_trace_begin(&line, cmd->file->device);
	if (number >= n || !table[number].name) {
		emu_line_add(&line, " command %u%s: rc=%d", number, ex ? " (extended)" : "", rc);
		emu_line_write(&line);
		return;
	}
	emu_line_add(&line, " command %s: rc=%d", table[number].name, rc);
	add_fields(&line, table[number].in, &cmd->in, false);
	if (rc == 0 && table[number].out[0].name) {
		emu_line_add(&line, " ->");
		add_fields(&line, table[number].out, &cmd->out, true);
	}
	emu_line_write(&line);
}

/* What a DEVX command asks of the firmware, and what that answered (PRM 12.2, command interface). */
static void add_box(struct emu_line *line, const struct emu_attr_spec *spec, uint64_t at)
{
	uint32_t words[2];

	if (emu_user_read(words, at, sizeof(words)) < 0)
		return;
	if (spec->kind == EMU_ATTR_IN)
		emu_line_add(line, " opcode=0x%x op_mod=0x%x", be32toh(words[0]) >> 16,
			     be32toh(words[1]) & 0xffff);
	else
		emu_line_add(line, " status=0x%x syndrome=0x%x", be32toh(words[0]) >> 24,
			     be32toh(words[1]));
}

static void add_attr(struct emu_line *line, const struct emu_attr_spec *spec,
		     const struct emu_attr *attr)
{
	struct ib_uverbs_attr now = attr->a;
	uint64_t value;

	/* The kernel interface returns a new handle in the attribute itself. */
	if (spec->kind == EMU_ATTR_HANDLE && emu_user_read(&now, attr->at, sizeof(now)) < 0)
		return;
	value = now.data;
	if (now.len > sizeof(value)) {
		emu_line_add(line, " %s={%u bytes}", spec->name, now.len);
		if (strncmp(spec->name, "cmd_", 4) == 0)
			add_box(line, spec, now.data);
		return;
	}
	if (spec->kind == EMU_ATTR_OUT) {
		value = 0;
		if (emu_user_read(&value, now.data, now.len) < 0)
			return;
	}
	emu_line_add(line, " %s=0x%" PRIx64, spec->name, value);
}

static void add_attrs(struct emu_line *line, const struct emu_method *m,
		      const struct emu_attr *attr, bool out)
{
	bool first = out;

	for (unsigned i = 0; i < m->nspec; i++) {
		if (!attr[i].at || (m->spec[i].kind == EMU_ATTR_OUT) != out)
			continue;
		if (first)
			emu_line_add(line, " ->");
		first = false;
		add_attr(line, &m->spec[i], &attr[i]);
	}
}

void emu_trace_method(const struct emu_file *file, const struct emu_method *m,
		      const struct emu_attr *attr, int rc)
{
	struct emu_line line;

	if (!m->name || !(emu_trace_sinks & EMU_TRACE_TEXT))
		return;
	emu_trace_begin(&line, file->device);
	emu_line_add(&line, " command %s: rc=%d", m->name, rc);
	add_attrs(&line, m, attr, false);
	if (rc == 0)
		add_attrs(&line, m, attr, true);
	emu_line_write(&line);
}

void emu_trace_no_method(struct emu_file *file, unsigned object, unsigned method, int rc)
{
	struct emu_line line;

	if (!(emu_trace_sinks & EMU_TRACE_TEXT))
		return;
	pthread_mutex_lock(&file->lock);
	emu_trace_begin(&line, file->device);
	emu_line_add(&line, " command of object 0x%x, method 0x%x: rc=%d", object, method, rc);
	emu_line_write(&line);
	pthread_mutex_unlock(&file->lock);
}
