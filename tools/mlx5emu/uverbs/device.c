/* SPDX-License-Identifier: MIT */
/*
 * The context and what the device says of itself. Nothing is announced that the engine does not do:
 * no multi-packet WQEs; a zero in an answer means so to libmlx5.
 */
#include "uverbs/command.h"

#include "engine/engine.h"
#include "engine/log.h"
#include "firmware/firmware.h"
#include "uverbs/bfreg.h"
#include "uverbs/libc.h"
#include "uverbs/process.h"
#include "uverbs/session.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>

/* Of enum ibv_atomic_cap, ibv_port_state, ibv_mtu and the IBTA port attributes. */
enum { ATOMIC_HCA = 1 };
enum { PORT_DOWN = 1, PORT_ACTIVE = 4 };
enum { PHYS_DISABLED = 3, PHYS_LINK_UP = 5 };
enum { WIDTH_4X = 2, SPEED_EDR = 32, LINK_LAYER_IB = 1, LINK_LAYER_ETHERNET = 2 };
enum { PORT_CM_SUP = 1 << 16, PORT_IP_BASED_GIDS = 1 << 26 };

static const struct emu_run_device *run_device(const struct emu_file *file)
{
	return &emu_session()->run.dev[file->index];
}

/*
 * mlx5_ib_alloc_ucontext(): requests of three ages are told apart by their length. A library that cannot
 * allocate UARs one by one (rdma-core before 28) is served where they are static.
 */
static int check_ucontext_req(const struct emu_cmd *cmd, struct mlx5_ib_alloc_ucontext_req_v2 *out)
{
	struct mlx5_ib_alloc_ucontext_req_v2 req;
	uint64_t needed = MLX5_LIB_CAP_4K_UAR;
	int rc = emu_attr_read(&cmd->drv_in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	if (cmd->drv_in.a.len < sizeof(struct mlx5_ib_alloc_ucontext_req))
		return -EINVAL;
	if (!run_device(cmd->file)->static_uars)
		needed |= MLX5_LIB_CAP_DYN_UAR;
	else if (req.flags) /* DEVX names UARs, which these kernels do not */
		return -EINVAL;
	if (req.flags & ~(uint32_t)MLX5_IB_ALLOC_UCTX_DEVX || req.comp_mask || req.reserved0 ||
	    req.reserved1 || req.reserved2 || (req.lib_caps & needed) != needed)
		return -EOPNOTSUPP;
	*out = req;
	return 0;
}

/* Only devices of the run are on the wire, and their groups. */
static bool mac_of_gid(const uint8_t gid[16], uint8_t mac[6])
{
	return emu_run_mac_of_gid(&emu_session()->run, gid, mac);
}

static int create_device(struct emu_file *file, const struct emu_session *s)
{
	const struct emu_run_device *dev = &s->run.dev[file->index];
	struct emu_device_config config = {
		.index = file->index,
		.uar_base = file->uar,
		.uar_pages = EMU_MAX_UAR_PAGES,
		.cqe_v0 = file->cqe_version == 0,
		.infiniband = dev->infiniband,
		.lid = dev->lid,
		.npkeys = dev->npkeys,
		.port_active = dev->active,
		.mtu = dev->mtu,
		.ngids = emu_run_gids(dev),
		.mac_of_gid = mac_of_gid,
		.cb = emu_event_callbacks,
		.cookie = file,
	};

	memcpy(config.name, dev->name, sizeof(dev->name));
	static_assert(sizeof(config.pkey) == sizeof(dev->pkey), "room for all");
	memcpy(config.pkey, dev->pkey, sizeof(dev->pkey));
	for (unsigned i = 0; i < config.ngids; i++) {
		emu_run_gid(dev, i, config.gid[i].raw);
		config.gid[i].v2 = emu_run_gid_is_v2(dev, i);
	}
	return emu_device_create(&config, &file->device);
}

static int create_firmware(struct emu_file *file)
{
	const struct emu_run_device *dev = run_device(file);
	const struct emu_fw_config config = {
		.dev = file->device,
		.gid_table = EMU_GID_TABLE,
		.ngids = emu_run_gids(dev),
		.eqns = EMU_COMP_VECTORS,
		.dm_bytes = EMU_DM_PAGES * EMU_PAGE_SIZE,
		.guid = dev->guid,
		.cqe_v0 = dev->cqe_v0,
		.infiniband = dev->infiniband,
		.active = dev->active,
		.lid = dev->lid,
	};

	return emu_fw_create(&config, &file->fw);
}

int emu_answer_context(const struct emu_file *file, const struct emu_attr *attr)
{
	struct mlx5_ib_alloc_ucontext_resp drv = {
		.qp_tab_size = EMU_MAX_QP,
		.bf_reg_size = 512, /* two BlueFlame halves of 256 bytes */
		.cache_line_size = 64,
		.max_sq_desc_sz = EMU_MAX_SQ_DESC,
		.max_rq_desc_sz = EMU_MAX_RQ_DESC,
		.max_send_wqebb = EMU_MAX_SQ_WQEBB,
		.max_recv_wr = EMU_MAX_RQ_WQE,
		.max_srq_recv_wr = EMU_MAX_SRQ_WQE,
		.num_ports = 1,
		.cqe_version = file->cqe_version,
		.cmds_supp_uhw = MLX5_USER_CMDS_SUPP_UHW_QUERY_DEVICE |
				 MLX5_USER_CMDS_SUPP_UHW_CREATE_AH,
		.eth_min_inline = MLX5_USER_INLINE_MODE_NONE,
		.clock_info_versions = 1 << MLX5_IB_CLOCK_INFO_V1,
		.log_uar_size = 12,
		.num_uars_per_page = 1,
	};

	if (file->bfregs) { /* else UARs come from UAR_OBJ_ALLOC alone */
		drv.tot_bfregs = emu_bfregs_total(file->bfregs);
		drv.num_dyn_bfregs = EMU_DYNAMIC_BFREGS;
	}
	drv.response_length = attr->a.len < sizeof(drv) ? attr->a.len : sizeof(drv);
	return emu_attr_write(attr, &drv, sizeof(drv));
}

static int answer_context(const struct emu_cmd *cmd, int async_fd)
{
	const struct ib_uverbs_get_context_resp resp = {
		.async_fd = (uint32_t)async_fd,
		.num_comp_vectors = EMU_COMP_VECTORS,
	};
	int rc = emu_attr_write(&cmd->out, &resp, sizeof(resp));

	return rc < 0 ? rc : emu_answer_context(cmd->file, &cmd->drv_out);
}

/* What a context has besides its device. */
static int create_parts(struct emu_file *file, const struct mlx5_ib_alloc_ucontext_req_v2 *req)
{
	int rc = 0;

	if (run_device(file)->static_uars)
		rc = emu_bfregs_create(req->total_num_bfregs, req->num_low_latency_bfregs,
				       &file->bfregs);
	if (rc == 0 && req->flags & MLX5_IB_ALLOC_UCTX_DEVX)
		rc = create_firmware(file);
	return rc;
}

static void destroy_parts(struct emu_file *file)
{
	emu_fw_destroy(file->fw);
	file->fw = NULL;
	emu_bfregs_free(file->bfregs);
	file->bfregs = NULL;
}

/* The engine is there already, which emu_cmd_get_context() sees to. */
static int open_context(struct emu_cmd *cmd, const struct mlx5_ib_alloc_ucontext_req_v2 *req)
{
	struct emu_file *file = cmd->file;
	int async_fd;
	int rc = emu_evfile_create(&file->async, &async_fd, false);

	if (rc < 0)
		return rc;
	file->cqe_version = req->max_cqe_version && !run_device(file)->cqe_v0;
	rc = create_device(file, emu_session());
	if (rc < 0)
		goto free_async;
	emu_clock_info_write(file);
	rc = create_parts(file, req);
	if (rc == 0)
		rc = answer_context(cmd, async_fd);
	if (rc < 0)
		goto destroy_device;
	return 0;

destroy_device:
	destroy_parts(file);
	emu_device_destroy(file->device);
	file->device = NULL;
free_async:
	emu_libc()->close(async_fd);
	emu_evfile_put(file->async);
	file->async = NULL;
	return rc;
}

/*
 * The fault plan is asked before there is anything, and once for each open file: libmlx5 tries a refused
 * context again with shorter requests and without DEVX (mlx5_cmd_get_context()).
 */
static int context_refused(struct emu_file *file)
{
	if (!file->refused)
		file->refused = emu_command_fault(EMU_FAULT_GET_CONTEXT, NULL);
	return file->refused;
}

/* libibverbs tells its caller no reason. */
static void tell_failure(const struct emu_file *file, int rc)
{
	const struct emu_session *s = emu_session();

	if (s->run.log_level >= EMU_LOG_WARN)
		emu_log_apart(s->run.log_file[0] ? s->run.log_file : NULL, EMU_LOG_WARN,
			      "%s cannot be opened: %s%s", s->run.dev[file->index].name,
			      strerror(-rc),
			      rc == -EMFILE ? "; a context takes about ten (ulimit -n)" : "");
}

int emu_cmd_get_context(struct emu_cmd *cmd)
{
	struct mlx5_ib_alloc_ucontext_req_v2 req;
	int rc;

	if (cmd->file->device)
		return -EINVAL;
	rc = emu_process_enter();
	if (rc < 0) {
		tell_failure(cmd->file, rc);
		return rc;
	}
	rc = context_refused(cmd->file);
	if (rc == 0)
		rc = check_ucontext_req(cmd, &req);
	if (rc == 0)
		rc = open_context(cmd, &req);
	if (rc == -EMFILE && !cmd->file->refused)
		tell_failure(cmd->file, rc);
	emu_engine_leave();
	return rc;
}

static void fill_device(const struct emu_file *file, struct ib_uverbs_query_device_resp *resp)
{
	const struct emu_run_device *dev = run_device(file);
	const struct emu_model *model = &emu_models[dev->model];

	*resp = (struct ib_uverbs_query_device_resp){
		.fw_ver = (uint64_t)model->fw_major << 32 | (uint32_t)model->fw_minor << 16 |
			  model->fw_subminor,
		.node_guid = htobe64(dev->guid),
		.sys_image_guid = htobe64(dev->guid),
		.max_mr_size = UINT64_MAX,
		.page_size_cap = ~(uint64_t)(EMU_PAGE_SIZE - 1),
		.vendor_id = EMU_VENDOR_OUI,
		.vendor_part_id = model->pci_device,
		.max_qp = EMU_MAX_QP,
		.max_qp_wr = EMU_MAX_SQ_WQEBB,
		.device_cap_flags =
			IB_UVERBS_DEVICE_CURR_QP_STATE_MOD | IB_UVERBS_DEVICE_PORT_ACTIVE_EVENT |
			IB_UVERBS_DEVICE_SYS_IMAGE_GUID | IB_UVERBS_DEVICE_RC_RNR_NAK_GEN |
			IB_UVERBS_DEVICE_XRC | IB_UVERBS_DEVICE_MEM_WINDOW |
			IB_UVERBS_DEVICE_MEM_WINDOW_TYPE_2B | IB_UVERBS_DEVICE_MEM_MGT_EXTENSIONS,
		.max_sge = EMU_MAX_SEND_SGE,
		.max_sge_rd = EMU_MAX_SEND_SGE,
		.max_cq = EMU_MAX_CQ,
		.max_cqe = EMU_MAX_CQE,
		.max_mr = EMU_MAX_MR,
		.max_mw = EMU_MAX_MR,
		.max_pd = EMU_MAX_PD,
		.max_qp_rd_atom = EMU_MAX_RD_ATOM,
		.max_res_rd_atom = EMU_MAX_RD_ATOM * EMU_MAX_QP,
		.max_qp_init_rd_atom = EMU_MAX_RD_ATOM,
		.atomic_cap = ATOMIC_HCA,
		.max_ah = INT32_MAX,
		.max_srq = EMU_MAX_SRQ,
		.max_srq_wr = EMU_MAX_SRQ_WQE - 1,
		.max_srq_sge = EMU_MAX_SRQ_SGE,
		.max_mcast_grp = EMU_MAX_GROUPS,
		.max_mcast_qp_attach = EMU_MAX_QP,
		.max_total_mcast_qp_attach = EMU_MAX_QP * EMU_MAX_GROUPS,
		.max_pkeys = (uint16_t)dev->npkeys,
		.local_ca_ack_delay = 16,
		.phys_port_cnt = 1,
	};
}

int emu_cmd_query_device(struct emu_cmd *cmd)
{
	struct ib_uverbs_query_device_resp resp;

	fill_device(cmd->file, &resp);
	return emu_attr_write(&cmd->out, &resp, sizeof(resp));
}

/* Of enum ibv_odp_general_caps and ibv_odp_transport_cap_bits. */
static void fill_odp(struct ib_uverbs_ex_query_device_resp *resp)
{
	enum { ODP = 1 << 0, IMPLICIT = 1 << 1 };
	enum { SEND = 1 << 0, RECV = 1 << 1, WRITE = 1 << 2, SRQ_RECV = 1 << 5, ALL = 0x3f };

	resp->odp_caps.general_caps = ODP | IMPLICIT;
	resp->odp_caps.per_transport_caps.rc_odp_caps = ALL;
	resp->odp_caps.per_transport_caps.uc_odp_caps = SEND | RECV | WRITE | SRQ_RECV;
	resp->odp_caps.per_transport_caps.ud_odp_caps = SEND | RECV | SRQ_RECV;
	resp->xrc_odp_caps = ALL;
}

int emu_cmd_query_device_ex(struct emu_cmd *cmd)
{
	struct ib_uverbs_ex_query_device req;
	struct ib_uverbs_ex_query_device_resp resp = { .comp_mask = 0 };
	struct mlx5_ib_query_device_resp drv = { .comp_mask = 0 };
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	if (req.comp_mask || req.reserved)
		return -EINVAL;
	fill_device(cmd->file, &resp.base);
	if (emu_mr_on_demand())
		fill_odp(&resp);
	/* Completions carry the device's clock, which counts nanoseconds. */
	resp.timestamp_mask = UINT64_MAX;
	resp.hca_core_clock = 1000000;
	resp.cq_moderation_caps.max_cq_moderation_count = EMU_MAX_CQ_COUNT;
	resp.cq_moderation_caps.max_cq_moderation_period = EMU_MAX_CQ_PERIOD;
	resp.max_dm_size = EMU_DM_PAGES * EMU_PAGE_SIZE;
	resp.device_cap_flags_ex = resp.base.device_cap_flags;
	resp.response_length = cmd->out.a.len < sizeof(resp) ? cmd->out.a.len : sizeof(resp);
	drv.cqe_comp_caps.max_num = EMU_BLOCK_MAX;
	drv.cqe_comp_caps.supported_format = MLX5_IB_CQE_RES_FORMAT_HASH |
					     MLX5_IB_CQE_RES_FORMAT_CSUM;
	drv.flags = MLX5_IB_QUERY_DEV_RESP_FLAGS_CQE_128B_COMP |
		    MLX5_IB_QUERY_DEV_RESP_FLAGS_CQE_128B_PAD;
	drv.response_length = cmd->drv_out.a.len < sizeof(drv) ? cmd->drv_out.a.len : sizeof(drv);
	return emu_cmd_answer(cmd, &resp, sizeof(resp), &drv, sizeof(drv));
}

/* enum ibv_mtu: 1 is 256 bytes, 5 is 4096 */
static uint8_t mtu_code(unsigned mtu)
{
	uint8_t code = 1;

	while (code < 5 && 128u << code < mtu)
		code++;
	return code;
}

int emu_cmd_query_port(struct emu_cmd *cmd)
{
	const struct emu_run_device *dev = run_device(cmd->file);
	struct ib_uverbs_query_port req;
	struct ib_uverbs_query_port_resp resp;
	bool active;
	int rc = emu_attr_read(&cmd->in, &req, sizeof(req));

	if (rc < 0)
		return rc;
	if (req.port_num != 1)
		return -EINVAL;
	active = emu_port_active(cmd->file->device);
	resp = (struct ib_uverbs_query_port_resp){
		.port_cap_flags = dev->infiniband ? PORT_CM_SUP : PORT_CM_SUP | PORT_IP_BASED_GIDS,
		.max_msg_sz = EMU_MAX_MSG,
		.gid_tbl_len = EMU_GID_TABLE,
		.pkey_tbl_len = (uint16_t)dev->npkeys,
		.state = active ? PORT_ACTIVE : PORT_DOWN,
		.max_mtu = mtu_code(4096),
		.max_vl_num = 1, /* VL0 */
		.active_mtu = mtu_code(dev->mtu),
		.active_width = WIDTH_4X,
		.active_speed = SPEED_EDR,
		.phys_state = active ? PHYS_LINK_UP : PHYS_DISABLED,
		.lid = dev->lid,
		.sm_lid = dev->infiniband ? 1 : 0,
		.link_layer = dev->infiniband ? LINK_LAYER_IB : LINK_LAYER_ETHERNET,
		.flags = dev->infiniband ? 0 : IB_UVERBS_QPF_GRH_REQUIRED,
	};
	return emu_attr_write(&cmd->out, &resp, sizeof(resp));
}
