/* SPDX-License-Identifier: MIT */
/*
 * QUERY_HCA_CAP: what the engine does, in the PRM's words. Both kinds of answer (maximum and current)
 * are the same, since nothing of it can be set. A field that is not filled here says "not offered",
 * and libmlx5, UCX and others act on each.
 */
#include "internal.h"

#include "engine/engine.h"

enum {
	ATOMIC_COMPARE_SWAP = 1 << 0, /* PRM "atomic_operations" */
	ATOMIC_FETCH_ADD = 1 << 1,
	ROCE_V1 = 1 << 0, /* PRM "roce_version" */
	ROCE_V2 = 1 << 2,
	L3_IPV4_AND_IPV6 = 1 << 1 | 1 << 2, /* PRM "l3_type" */
	ROCE_UDP_PORT = 4791,               /* IBA annex A17 */
	FIRST_SRC_UDP_PORT = 0xc000,
	CLOCK_MHZ = 1000, /* completions count nanoseconds */
	ODP_ALL = 0x3f,
	ODP_UC = 0x39, /* send, receive, write, SRQ receive */
	ODP_UD = 0x31,
};

static void fill_limits(uint8_t *cap)
{
	emu_set(cap, EMU_CAP_LOG_MAX_SRQ_SZ, emu_fw_log2(EMU_MAX_SRQ_WQE));
	emu_set(cap, EMU_CAP_LOG_MAX_QP_SZ, emu_fw_log2(EMU_MAX_SQ_WQEBB));
	emu_set(cap, EMU_CAP_LOG_MAX_QP, emu_fw_log2(EMU_MAX_QP));
	emu_set(cap, EMU_CAP_LOG_MAX_SRQ, emu_fw_log2(EMU_MAX_SRQ));
	emu_set(cap, EMU_CAP_LOG_MAX_RMP, emu_fw_log2(EMU_MAX_SRQ));
	emu_set(cap, EMU_CAP_LOG_MAX_CQ_SZ, emu_fw_log2(EMU_MAX_CQE + 1));
	emu_set(cap, EMU_CAP_LOG_MAX_CQ, emu_fw_log2(EMU_MAX_CQ));
	emu_set(cap, EMU_CAP_LOG_MAX_MKEY, emu_fw_log2(EMU_MAX_MR));
	emu_set(cap, EMU_CAP_LOG_MAX_MRW_SZ, 64);
	emu_set(cap, EMU_CAP_MAX_INDIRECTION, EMU_KEY_DEPTH);
	emu_set(cap, EMU_CAP_LOG_MAX_KLM_LIST_SIZE, emu_fw_log2(EMU_MAX_KEY_RANGES));
	emu_set(cap, EMU_CAP_LOG_MAX_RA_REQ_QP, emu_fw_log2(EMU_MAX_RD_ATOM));
	emu_set(cap, EMU_CAP_LOG_MAX_RA_RES_QP, emu_fw_log2(EMU_MAX_RD_ATOM));
	emu_set(cap, EMU_CAP_LOG_MAX_MSG, emu_fw_log2(EMU_MAX_MSG));
	emu_set(cap, EMU_CAP_LOG_MAX_PD, emu_fw_log2(EMU_MAX_PD));
	emu_set(cap, EMU_CAP_LOG_MAX_XRCD, emu_fw_log2(EMU_MAX_XRCD));
	emu_set(cap, EMU_CAP_MAX_WQE_SZ_SQ, EMU_MAX_SQ_DESC);
	emu_set(cap, EMU_CAP_MAX_WQE_SZ_RQ, EMU_MAX_RQ_DESC);
}

/* gid_table_size and its like count in powers of two: 0 is 8 (GIDs) or 128 (P_Keys) entries. */
static void fill_port(uint8_t *cap, const struct emu_fw_config *config)
{
	emu_set(cap, EMU_CAP_GID_TABLE_SIZE, emu_fw_log2(config->gid_table / 8));
	emu_set(cap, EMU_CAP_LOCAL_CA_ACK_DELAY, 16);
	emu_set(cap, EMU_CAP_PORT_TYPE, !config->infiniband); /* Ethernet: 1 */
	emu_set(cap, EMU_CAP_NUM_PORTS, 1);
	emu_set(cap, EMU_CAP_ROCE_BIT, !config->infiniband);
}

static void fill_general(uint8_t *cap, const struct emu_fw_config *config)
{
	fill_limits(cap);
	fill_port(cap, config);
	emu_set(cap, EMU_CAP_RTS2RTS_QP_UDP_SPORT, !config->infiniband);
	emu_set(cap, EMU_CAP_DEVICE_MEMORY_BIT, config->dm_bytes != 0);
	emu_set(cap, EMU_CAP_FIXED_BUFFER_SIZE, 1);
	emu_set(cap, EMU_CAP_CQE_VERSION, !config->cqe_v0);
	emu_set(cap, EMU_CAP_UMR_MODIFY_ENTITY_SIZE_DISABLED, 1);
	emu_set(cap, EMU_CAP_ATOMIC_BIT, 1);
	emu_set(cap, EMU_CAP_CQ_OI, 1);
	emu_set(cap, EMU_CAP_CQ_RESIZE, 1);
	emu_set(cap, EMU_CAP_CQE_COMPRESSION, 1);
	emu_set(cap, EMU_CAP_CQE_COMPRESSION_MAX, EMU_BLOCK_MAX);
	emu_set(cap, EMU_CAP_PG, emu_mr_on_demand());
	emu_set(cap, EMU_CAP_IMAICL, 1);
	emu_set(cap, EMU_CAP_XRC, 1);
	emu_set(cap, EMU_CAP_UD, 1);
	emu_set(cap, EMU_CAP_UC, 1);
	emu_set(cap, EMU_CAP_RC, 1);
	emu_set(cap, EMU_CAP_UAR_4K, 1);
	emu_set(cap, EMU_CAP_LOG_PG_SZ, emu_fw_log2(EMU_PAGE_SIZE));
	emu_set(cap, EMU_CAP_BF, 1);
	emu_set(cap, EMU_CAP_LOG_BF_REG_SIZE, 9);
	emu_set(cap, EMU_CAP_DEVICE_FREQUENCY_MHZ, CLOCK_MHZ);
	emu_set(cap, EMU_CAP_DEVICE_FREQUENCY_KHZ, CLOCK_MHZ * 1000);
}

/* Eight bytes in the host's order, as the kernel configures adapters that can have either. */
static void fill_atomic(uint8_t *cap)
{
	emu_set(cap, EMU_ATOMIC_8B_HOST_ORDER, 1);
	emu_set(cap, EMU_ATOMIC_8B_HOST_ORDER_SUPPORTED, 1);
	emu_set(cap, EMU_ATOMIC_OPERATIONS, ATOMIC_COMPARE_SWAP | ATOMIC_FETCH_ADD);
	emu_set(cap, EMU_ATOMIC_SIZE_QP, 8);
}

static void fill_odp(uint8_t *cap)
{
	if (!emu_mr_on_demand())
		return;
	emu_set(cap, EMU_ODP_RC, ODP_ALL);
	emu_set(cap, EMU_ODP_UC, ODP_UC);
	emu_set(cap, EMU_ODP_UD, ODP_UD);
	emu_set(cap, EMU_ODP_XRC, ODP_ALL);
}

static void fill_roce(uint8_t *cap, const struct emu_fw_config *config)
{
	emu_set(cap, EMU_ROCE_LOOPBACK_QP, 1);
	emu_set(cap, EMU_ROCE_L3_TYPE, L3_IPV4_AND_IPV6);
	emu_set(cap, EMU_ROCE_VERSION, ROCE_V1 | ROCE_V2);
	emu_set(cap, EMU_ROCE_DEST_UDP_PORT, ROCE_UDP_PORT);
	emu_set(cap, EMU_ROCE_MIN_SRC_UDP_PORT, FIRST_SRC_UDP_PORT);
	emu_set(cap, EMU_ROCE_MAX_SRC_UDP_PORT, UINT16_MAX);
	emu_set(cap, EMU_ROCE_ADDRESS_TABLE_SIZE, config->gid_table);
}

static void fill_device_memory(uint8_t *cap, const struct emu_fw_config *config)
{
	emu_set(cap, EMU_DM_MEMIC, config->dm_bytes != 0);
	emu_set(cap, EMU_DM_LOG_MIN_ALLOC, emu_fw_log2(EMU_PAGE_SIZE));
	emu_set(cap, EMU_DM_LOG_MAX_ALIGNMENT, emu_fw_log2(EMU_PAGE_SIZE));
	emu_set(cap, EMU_DM_MAX_SIZE, config->dm_bytes);
}

int emu_fw_query_hca_cap(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj)
{
	uint8_t *cap = box->out + EMU_CAP_AT;

	(void)obj;
	switch (emu_get(box->in, EMU_IN_OP_MOD) >> 1) {
	case EMU_CAP_GENERAL:
		fill_general(cap, &fw->config);
		return 0;
	case EMU_CAP_ODP:
		fill_odp(cap);
		return 0;
	case EMU_CAP_ATOMIC:
		fill_atomic(cap);
		return 0;
	case EMU_CAP_ROCE:
		if (fw->config.infiniband)
			return emu_fw_refuse(box, EMU_FW_NO_CAPABILITY);
		fill_roce(cap, &fw->config);
		return 0;
	case EMU_CAP_NIC_FLOW_TABLE: /* none; programs ask without looking whether there are any */
		return 0;
	case EMU_CAP_DEVICE_MEMORY:
		fill_device_memory(cap, &fw->config);
		return 0;
	default:
		return emu_fw_refuse(box, EMU_FW_NO_CAPABILITY);
	}
}
