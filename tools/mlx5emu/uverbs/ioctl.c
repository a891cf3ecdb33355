/* SPDX-License-Identifier: MIT */
/*
 * RDMA_VERBS_IOCTL: finds the method, collects its attributes by their specification, runs it.
 * Rules and error codes are the kernel's (drivers/infiniband/core/uverbs_ioctl.c), because
 * libibverbs decides by them: -EPROTONOSUPPORT for a method makes it fall back to the write
 * commands behind INVOKE_WRITE, which is where most is done here. Newer libraries ask for more
 * methods first and fall back the same way.
 * Nothing that the program passes is trusted: a malformed request is an error, never a fault.
 */
#include "uverbs/command.h"

#include "uverbs/fail.h"
#include "uverbs/trace.h"
#include "uverbs/user.h"

#include <errno.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_cmds.h>

enum { MAX_REQUEST = 4096 };
enum {
	MAX_ATTRS =
		(MAX_REQUEST - sizeof(struct ib_uverbs_ioctl_hdr)) / sizeof(struct ib_uverbs_attr)
};

static int invoke_write(struct emu_file *file, const struct emu_attr *attr)
{
	struct emu_cmd cmd = {
		.file = file, .in = attr[1], .out = attr[2], .drv_in = attr[3], .drv_out = attr[4]
	};

	return emu_write_command(attr[0].a.data, &cmd);
}

static const struct emu_method methods[] = {
	{ NULL,
	  EMU_FAULT_AS_WRITTEN,
	  UVERBS_OBJECT_DEVICE,
	  UVERBS_METHOD_INVOKE_WRITE,
	  5,
	  { { "write_cmd", UVERBS_ATTR_WRITE_CMD, EMU_ATTR_CONST, 0, 0, true },
	    { "core_in", UVERBS_ATTR_CORE_IN, EMU_ATTR_IN, 4, UINT16_MAX, false },
	    { "core_out", UVERBS_ATTR_CORE_OUT, EMU_ATTR_OUT, 0, UINT16_MAX, false },
	    { "uhw_in", UVERBS_ATTR_UHW_IN, EMU_ATTR_IN, 0, UINT16_MAX, false },
	    { "uhw_out", UVERBS_ATTR_UHW_OUT, EMU_ATTR_OUT, 0, UINT16_MAX, false } },
	  invoke_write },
	{ "UAR_OBJ_ALLOC",
	  EMU_FAULT_ALLOC_UAR,
	  MLX5_IB_OBJECT_UAR,
	  MLX5_IB_METHOD_UAR_OBJ_ALLOC,
	  5,
	  { { "handle", MLX5_IB_ATTR_UAR_OBJ_ALLOC_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "type", MLX5_IB_ATTR_UAR_OBJ_ALLOC_TYPE, EMU_ATTR_CONST, 0, 0, true },
	    { "mmap_offset", MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_OFFSET, EMU_ATTR_OUT, 8, 8, true },
	    { "mmap_length", MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_LENGTH, EMU_ATTR_OUT, 4, 4, true },
	    { "page_id", MLX5_IB_ATTR_UAR_OBJ_ALLOC_PAGE_ID, EMU_ATTR_OUT, 4, 4, true } },
	  emu_uar_obj_alloc },
	{ "UAR_OBJ_DESTROY",
	  EMU_FAULT_FREE_UAR,
	  MLX5_IB_OBJECT_UAR,
	  MLX5_IB_METHOD_UAR_OBJ_DESTROY,
	  1,
	  { { "handle", MLX5_IB_ATTR_UAR_OBJ_DESTROY_HANDLE, EMU_ATTR_HANDLE, 0, 0, true } },
	  emu_uar_obj_destroy },
	{ "DM_ALLOC",
	  EMU_FAULT_ALLOC_DM,
	  UVERBS_OBJECT_DM,
	  UVERBS_METHOD_DM_ALLOC,
	  6,
	  { { "handle", UVERBS_ATTR_ALLOC_DM_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "length", UVERBS_ATTR_ALLOC_DM_LENGTH, EMU_ATTR_IN, 8, 8, true },
	    { "alignment", UVERBS_ATTR_ALLOC_DM_ALIGNMENT, EMU_ATTR_IN, 4, 4, true },
	    { "type", MLX5_IB_ATTR_ALLOC_DM_REQ_TYPE, EMU_ATTR_CONST, 0, 0, false },
	    { "start_offset", MLX5_IB_ATTR_ALLOC_DM_RESP_START_OFFSET, EMU_ATTR_OUT, 8, 8, true },
	    { "page_index", MLX5_IB_ATTR_ALLOC_DM_RESP_PAGE_INDEX, EMU_ATTR_OUT, 2, 2, true } },
	  emu_dm_alloc },
	{ "DM_FREE",
	  EMU_FAULT_FREE_DM,
	  UVERBS_OBJECT_DM,
	  UVERBS_METHOD_DM_FREE,
	  1,
	  { { "handle", UVERBS_ATTR_FREE_DM_HANDLE, EMU_ATTR_HANDLE, 0, 0, true } },
	  emu_dm_free },
	{ "DM_MR_REG",
	  EMU_FAULT_REG_MR,
	  UVERBS_OBJECT_MR,
	  UVERBS_METHOD_DM_MR_REG,
	  8,
	  { { "handle", UVERBS_ATTR_REG_DM_MR_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "offset", UVERBS_ATTR_REG_DM_MR_OFFSET, EMU_ATTR_IN, 8, 8, true },
	    { "length", UVERBS_ATTR_REG_DM_MR_LENGTH, EMU_ATTR_IN, 8, 8, true },
	    { "pd_handle", UVERBS_ATTR_REG_DM_MR_PD_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "access_flags", UVERBS_ATTR_REG_DM_MR_ACCESS_FLAGS, EMU_ATTR_IN, 4, 8, true },
	    { "dm_handle", UVERBS_ATTR_REG_DM_MR_DM_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "lkey", UVERBS_ATTR_REG_DM_MR_RESP_LKEY, EMU_ATTR_OUT, 4, 4, true },
	    { "rkey", UVERBS_ATTR_REG_DM_MR_RESP_RKEY, EMU_ATTR_OUT, 4, 4, true } },
	  emu_reg_dm_mr },
	{ "ADVISE_MR",
	  EMU_FAULT_ADVISE_MR,
	  UVERBS_OBJECT_MR,
	  UVERBS_METHOD_ADVISE_MR,
	  4,
	  { { "pd_handle", UVERBS_ATTR_ADVISE_MR_PD_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "advice", UVERBS_ATTR_ADVISE_MR_ADVICE, EMU_ATTR_CONST, 0, 0, true },
	    { "flags", UVERBS_ATTR_ADVISE_MR_FLAGS, EMU_ATTR_IN, 4, 8, true },
	    { "sge_list", UVERBS_ATTR_ADVISE_MR_SGE_LIST, EMU_ATTR_IN, 16, UINT16_MAX, true } },
	  emu_advise_mr },
	{ "REG_DMABUF_MR",
	  EMU_FAULT_REG_MR,
	  UVERBS_OBJECT_MR,
	  UVERBS_METHOD_REG_DMABUF_MR,
	  9,
	  { { "handle", UVERBS_ATTR_REG_DMABUF_MR_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "pd_handle", UVERBS_ATTR_REG_DMABUF_MR_PD_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "offset", UVERBS_ATTR_REG_DMABUF_MR_OFFSET, EMU_ATTR_IN, 8, 8, true },
	    { "length", UVERBS_ATTR_REG_DMABUF_MR_LENGTH, EMU_ATTR_IN, 8, 8, true },
	    { "iova", UVERBS_ATTR_REG_DMABUF_MR_IOVA, EMU_ATTR_IN, 8, 8, true },
	    { "fd", UVERBS_ATTR_REG_DMABUF_MR_FD, EMU_ATTR_CONST, 0, 0, true },
	    { "access_flags", UVERBS_ATTR_REG_DMABUF_MR_ACCESS_FLAGS, EMU_ATTR_IN, 4, 8, true },
	    { "lkey", UVERBS_ATTR_REG_DMABUF_MR_RESP_LKEY, EMU_ATTR_OUT, 4, 4, true },
	    { "rkey", UVERBS_ATTR_REG_DMABUF_MR_RESP_RKEY, EMU_ATTR_OUT, 4, 4, true } },
	  emu_reg_dmabuf_mr },
	{ "QUERY_CONTEXT",
	  EMU_FAULT_QUERY_CONTEXT,
	  UVERBS_OBJECT_DEVICE,
	  UVERBS_METHOD_QUERY_CONTEXT,
	  3,
	  { { "num_comp_vectors", UVERBS_ATTR_QUERY_CONTEXT_NUM_COMP_VECTORS, EMU_ATTR_OUT, 4, 4,
	      false },
	    { "core_support", UVERBS_ATTR_QUERY_CONTEXT_CORE_SUPPORT, EMU_ATTR_OUT, 8, 8, false },
	    { "uctx", MLX5_IB_ATTR_QUERY_CONTEXT_RESP_UCTX, EMU_ATTR_OUT, 4, UINT16_MAX, false } },
	  emu_query_context },
	{ "ASYNC_EVENT_ALLOC",
	  EMU_FAULT_ALLOC_EVENTS,
	  UVERBS_OBJECT_ASYNC_EVENT,
	  UVERBS_METHOD_ASYNC_EVENT_ALLOC,
	  1,
	  { { "fd_handle", UVERBS_ATTR_ASYNC_EVENT_ALLOC_FD_HANDLE, EMU_ATTR_HANDLE, 0, 0, true } },
	  emu_async_event_alloc },
	{ "QUERY_PD",
	  EMU_FAULT_QUERY_PD,
	  UVERBS_OBJECT_PD,
	  MLX5_IB_METHOD_PD_QUERY,
	  2,
	  { { "handle", MLX5_IB_ATTR_QUERY_PD_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "pdn", MLX5_IB_ATTR_QUERY_PD_RESP_PDN, EMU_ATTR_OUT, 4, 4, true } },
	  emu_query_pd },
	{ "QUERY_MR",
	  EMU_FAULT_QUERY_MR,
	  UVERBS_OBJECT_MR,
	  UVERBS_METHOD_QUERY_MR,
	  5,
	  { { "handle", UVERBS_ATTR_QUERY_MR_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "lkey", UVERBS_ATTR_QUERY_MR_RESP_LKEY, EMU_ATTR_OUT, 4, 4, true },
	    { "rkey", UVERBS_ATTR_QUERY_MR_RESP_RKEY, EMU_ATTR_OUT, 4, 4, true },
	    { "length", UVERBS_ATTR_QUERY_MR_RESP_LENGTH, EMU_ATTR_OUT, 8, 8, true },
	    { "iova", UVERBS_ATTR_QUERY_MR_RESP_IOVA, EMU_ATTR_OUT, 8, 8, false } },
	  emu_query_mr },
	{ "QUERY_DM",
	  EMU_FAULT_QUERY_DM,
	  UVERBS_OBJECT_DM,
	  MLX5_IB_METHOD_DM_QUERY,
	  4,
	  { { "handle", MLX5_IB_ATTR_QUERY_DM_REQ_HANDLE, EMU_ATTR_HANDLE, 0, 0, true },
	    { "start_offset", MLX5_IB_ATTR_QUERY_DM_RESP_START_OFFSET, EMU_ATTR_OUT, 8, 8, true },
	    { "page_index", MLX5_IB_ATTR_QUERY_DM_RESP_PAGE_INDEX, EMU_ATTR_OUT, 2, 2, true },
	    { "length", MLX5_IB_ATTR_QUERY_DM_RESP_LENGTH, EMU_ATTR_OUT, 8, 8, true } },
	  emu_query_dm },
};

static const struct emu_method *find_in(const struct emu_method *table, size_t n,
					const struct ib_uverbs_ioctl_hdr *hdr)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i].object_id == hdr->object_id && table[i].method_id == hdr->method_id)
			return &table[i];
	}
	return NULL;
}

static const struct emu_method *find_method(const struct ib_uverbs_ioctl_hdr *hdr)
{
	const struct emu_method *m = find_in(methods, sizeof(methods) / sizeof(methods[0]), hdr);

	if (m && m->run == invoke_write && emu_write_commands_only())
		return NULL;
	if (!m && !emu_write_commands_only())
		m = find_in(emu_create_methods, emu_create_nmethods, hdr);
	return m ? m : find_in(emu_devx_methods, emu_devx_nmethods, hdr);
}

static int check_attr(const struct emu_attr_spec *spec, const struct ib_uverbs_attr *a)
{
	if (a->attr_data.reserved)
		return -EINVAL;
	switch (spec->kind) {
	case EMU_ATTR_IN:
	case EMU_ATTR_OUT:
		return a->len >= spec->min_len && a->len <= spec->max_len ? 0 : -EINVAL;
	case EMU_ATTR_CONST:
		return a->len <= sizeof(a->data) ? 0 : -EINVAL;
	case EMU_ATTR_HANDLE:
		return a->len == 0 ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static int collect_attr(const struct emu_method *m, const struct ib_uverbs_attr *a, uint64_t at,
			struct emu_attr *out)
{
	for (unsigned i = 0; i < m->nspec; i++) {
		if (m->spec[i].id != a->attr_id)
			continue;
		if (out[i].at) /* given twice */
			return -EINVAL;
		out[i].a = *a;
		out[i].at = at;
		return check_attr(&m->spec[i], a);
	}
	return a->flags & UVERBS_ATTR_F_MANDATORY ? -EPROTONOSUPPORT : 0;
}

static int collect_attrs(const struct emu_method *m, uint64_t at, unsigned n, struct emu_attr *out)
{
	struct ib_uverbs_attr attrs[MAX_ATTRS];
	int rc = emu_user_read(attrs, at, n * sizeof(attrs[0]));

	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = collect_attr(m, &attrs[i], at + i * sizeof(attrs[0]), out);
	for (unsigned i = 0; i < m->nspec && rc == 0; i++) {
		if (m->spec[i].mandatory && !out[i].at)
			rc = -EINVAL;
	}
	return rc;
}

int emu_verbs_ioctl(struct emu_file *file, uint64_t arg)
{
	struct emu_attr attr[EMU_MAX_SPEC] = { { .at = 0 } };
	struct ib_uverbs_ioctl_hdr hdr;
	const struct emu_method *m;
	int rc;

	if (file->inherited)
		return emu_file_refuse_inherited(file);
	rc = emu_user_read(&hdr, arg, sizeof(hdr));
	if (rc < 0)
		return rc;
	if (hdr.num_attrs > MAX_ATTRS ||
	    hdr.length != sizeof(hdr) + hdr.num_attrs * sizeof(hdr.attrs[0]))
		return -EINVAL;
	if (hdr.reserved1 || hdr.reserved2)
		return -EPROTONOSUPPORT;
	m = find_method(&hdr);
	rc = m ? collect_attrs(m, arg + sizeof(hdr), hdr.num_attrs, attr) : -EPROTONOSUPPORT;
	if (rc < 0) {
		if (emu_trace_on())
			emu_trace_no_method(file, hdr.object_id, hdr.method_id, rc);
		return rc;
	}
	pthread_mutex_lock(&file->lock);
	rc = emu_command_fails(file, m->fault);
	if (rc == 0)
		rc = m->run(file, attr);
	if (emu_trace_on())
		emu_trace_method(file, m, attr, rc);
	pthread_mutex_unlock(&file->lock);
	return rc;
}
