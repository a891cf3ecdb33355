/* SPDX-License-Identifier: MIT */
/*
 * Queue pairs by command: modify and query. A command's opcode is the step it asks for; the context
 * in its input holds the attributes, of which those that the step requires always count and others
 * where opt_param_mask names them.
 */
#include "internal.h"

#include "engine/engine.h"

#include <string.h>

struct step {
	uint16_t opcode;
	enum emu_qp_state from, to;
};

static const struct step steps[] = {
	{ EMU_CMD_RST2INIT_QP, EMU_QPS_RESET, EMU_QPS_INIT },
	{ EMU_CMD_INIT2INIT_QP, EMU_QPS_INIT, EMU_QPS_INIT },
	{ EMU_CMD_INIT2RTR_QP, EMU_QPS_INIT, EMU_QPS_RTR },
	{ EMU_CMD_RTR2RTS_QP, EMU_QPS_RTR, EMU_QPS_RTS },
	{ EMU_CMD_RTS2RTS_QP, EMU_QPS_RTS, EMU_QPS_RTS },
	{ EMU_CMD_SQD_RTS_QP, EMU_QPS_SQD, EMU_QPS_RTS },
	{ EMU_CMD_SQERR2RTS_QP, EMU_QPS_SQE, EMU_QPS_RTS },
};

static const struct step *find_step(uint32_t opcode)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].opcode == opcode)
			return &steps[i];
	}
	return NULL;
}

/* ---- from a context ---- */

static void read_path(const uint8_t *ads, bool infiniband, struct emu_av *av)
{
	*av = (struct emu_av){
		.flow_label = emu_get(ads, EMU_ADS_FLOW_LABEL),
		.dlid = (uint16_t)emu_get(ads, EMU_ADS_RLID),
		.sgid_index = (uint8_t)emu_get(ads, EMU_ADS_SRC_ADDR_INDEX),
		.hop_limit = (uint8_t)emu_get(ads, EMU_ADS_HOP_LIMIT),
		.traffic_class = (uint8_t)emu_get(ads, EMU_ADS_TCLASS),
		.sl = (uint8_t)(infiniband ? emu_get(ads, EMU_ADS_SL) :
					     emu_get(ads, EMU_ADS_ETH_PRIO)),
		.src_path_bits = (uint8_t)emu_get(ads, EMU_ADS_MLID),
		.static_rate = (uint8_t)emu_get(ads, EMU_ADS_STAT_RATE),
		.port_num = (uint8_t)emu_get(ads, EMU_ADS_PORT),
		.udp_sport = (uint16_t)emu_get(ads, EMU_ADS_UDP_SPORT),
		.loopback = emu_get(ads, EMU_ADS_LOOPBACK),
	};
	if (infiniband)
		av->is_global = emu_get(ads, EMU_ADS_GRH);
	else
		av->is_global = !av->loopback;
	memcpy(av->dgid, ads + EMU_ADS_RGID_AT, sizeof(av->dgid));
}

static uint32_t access_of(const uint8_t *qpc)
{
	return (emu_get(qpc, EMU_QPC_RRE) ? EMU_ACCESS_REMOTE_READ : 0u) |
	       (emu_get(qpc, EMU_QPC_RWE) ? EMU_ACCESS_REMOTE_WRITE : 0u) |
	       (emu_get(qpc, EMU_QPC_RAE) ? EMU_ACCESS_REMOTE_ATOMIC : 0u);
}

static void read_context(const uint8_t *qpc, bool infiniband, struct emu_qp_attr *attr)
{
	const uint8_t *path = qpc + EMU_QPC_PATH_AT;

	*attr = (struct emu_qp_attr){
		.path_mtu = emu_get(qpc, EMU_QPC_MTU),
		.qkey = emu_get(qpc, EMU_QPC_Q_KEY),
		.rq_psn = emu_get(qpc, EMU_QPC_NEXT_RCV_PSN),
		.sq_psn = emu_get(qpc, EMU_QPC_NEXT_SEND_PSN),
		.dest_qpn = emu_get(qpc, EMU_QPC_REMOTE_QPN),
		.access_flags = access_of(qpc),
		.pkey_index = (uint16_t)emu_get(path, EMU_ADS_PKEY_INDEX),
		.max_rd_atomic = (uint8_t)(1u << emu_get(qpc, EMU_QPC_LOG_SRA_MAX)),
		.max_dest_rd_atomic = (uint8_t)(1u << emu_get(qpc, EMU_QPC_LOG_RRA_MAX)),
		.min_rnr_timer = (uint8_t)emu_get(qpc, EMU_QPC_MIN_RNR_NAK),
		.port_num = (uint8_t)emu_get(path, EMU_ADS_PORT),
		.timeout = (uint8_t)emu_get(path, EMU_ADS_ACK_TIMEOUT),
		.retry_cnt = (uint8_t)emu_get(qpc, EMU_QPC_RETRY_COUNT),
		.rnr_retry = (uint8_t)emu_get(qpc, EMU_QPC_RNR_RETRY),
	};
	read_path(path, infiniband, &attr->av);
}

/* Those of @opt that stand for one attribute of verbs each; the access bits come three to one. */
static uint32_t optional_mask(uint32_t opt)
{
	static const struct {
		uint32_t opt, attr;
	} map[] = {
		{ EMU_OPT_PKEY_INDEX, EMU_QP_PKEY_INDEX },
		{ EMU_OPT_Q_KEY, EMU_QP_QKEY },
		{ EMU_OPT_RNR_TIMEOUT, EMU_QP_MIN_RNR_TIMER },
		{ EMU_OPT_PRIMARY_PATH, EMU_QP_AV },
		{ EMU_OPT_SRA_MAX, EMU_QP_MAX_QP_RD_ATOMIC },
		{ EMU_OPT_RRA_MAX, EMU_QP_MAX_DEST_RD_ATOMIC },
		{ EMU_OPT_RETRY_COUNT, EMU_QP_RETRY_CNT },
		{ EMU_OPT_RNR_RETRY, EMU_QP_RNR_RETRY },
		{ EMU_OPT_ACK_TIMEOUT, EMU_QP_TIMEOUT },
	};
	uint32_t mask = 0;

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (opt & map[i].opt)
			mask |= map[i].attr;
	}
	return mask;
}

static uint32_t merge_access(uint32_t opt, uint32_t now, uint32_t wanted)
{
	const uint32_t changed = (opt & EMU_OPT_RRE ? EMU_ACCESS_REMOTE_READ : 0u) |
				 (opt & EMU_OPT_RWE ? EMU_ACCESS_REMOTE_WRITE : 0u) |
				 (opt & EMU_OPT_RAE ? EMU_ACCESS_REMOTE_ATOMIC : 0u);

	return (now & ~changed) | (wanted & changed);
}

static const uint32_t offered_options =
	EMU_OPT_RRE | EMU_OPT_RAE | EMU_OPT_RWE | EMU_OPT_PKEY_INDEX | EMU_OPT_Q_KEY |
	EMU_OPT_RNR_TIMEOUT | EMU_OPT_PRIMARY_PATH | EMU_OPT_SRA_MAX | EMU_OPT_RRA_MAX |
	EMU_OPT_PM_STATE | EMU_OPT_RETRY_COUNT | EMU_OPT_RNR_RETRY | EMU_OPT_ACK_TIMEOUT;

/* False: an option that is not offered. */
static bool read_options(const struct emu_box *box, bool infiniband, const struct emu_qp_attr *now,
			 struct emu_qp_attr *attr, uint32_t *mask)
{
	const uint32_t opt = emu_get(box->in, EMU_OPT_PARAM_MASK);
	const bool high = emu_get(box->in, EMU_IN_OPCODE) == EMU_CMD_RTS2RTS_QP &&
			  box->in_len >= EMU_OPT_PARAM_MASK_HIGH_AT + sizeof(uint64_t);
	const uint64_t offered_high = infiniband ? 0 : EMU_OPT_HIGH_UDP_SPORT;
	const uint64_t opt_high = high ? emu_get_long(box->in, EMU_OPT_PARAM_MASK_HIGH_AT) : 0;

	if (opt & ~offered_options || opt_high & ~offered_high)
		return false;
	if (!(*mask & EMU_QP_ACCESS_FLAGS) && opt & (EMU_OPT_RRE | EMU_OPT_RWE | EMU_OPT_RAE)) {
		attr->access_flags = merge_access(opt, now->access_flags, attr->access_flags);
		*mask |= EMU_QP_ACCESS_FLAGS;
	}
	*mask |= optional_mask(opt);
	if (opt_high & EMU_OPT_HIGH_UDP_SPORT)
		*mask |= EMU_QP_UDP_SPORT;
	return true;
}

static int step_qp(struct emu_fw *fw, struct emu_box *box, uint32_t qpn, const struct step *step)
{
	struct emu_qp_attr now, attr;
	struct emu_qp_init init;
	uint32_t mask;
	int rc = emu_qp_query(fw->config.dev, qpn, &now, &init);

	if (rc < 0)
		return emu_fw_result(box, rc);
	if (now.qp_state != step->from)
		return emu_fw_refuse(box, EMU_FW_WRONG_STATE);
	read_context(box->in + EMU_QPC_AT, fw->config.infiniband, &attr);
	attr.qp_state = step->to;
	mask = EMU_QP_STATE | emu_qp_required(init.type, step->from, step->to);
	if (!read_options(box, fw->config.infiniband, &now, &attr, &mask))
		return emu_fw_refuse(box, EMU_FW_NO_OPTION);
	if (mask & EMU_QP_AV && attr.av.is_global && attr.av.sgid_index >= fw->config.ngids)
		return emu_fw_refuse(box, EMU_FW_BAD_ADDRESS_INDEX);
	return emu_fw_result(box, emu_qp_modify(fw->config.dev, qpn, &attr, mask));
}

int emu_fw_modify_qp(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj)
{
	const uint32_t opcode = emu_get(box->in, EMU_IN_OPCODE);
	const struct step *step = find_step(opcode);
	struct emu_qp_attr attr = { .qp_state = EMU_QPS_ERR };

	if (step)
		return step_qp(fw, box, obj->number, step);
	if (opcode == EMU_CMD_2RST_QP)
		attr.qp_state = EMU_QPS_RESET;
	return emu_fw_result(box, emu_qp_modify(fw->config.dev, obj->number, &attr, EMU_QP_STATE));
}

/* ---- to a context ---- */

static void write_path(uint8_t *ads, bool infiniband, const struct emu_qp_attr *attr)
{
	const struct emu_av *av = &attr->av;

	emu_set(ads, EMU_ADS_LOOPBACK, av->loopback);
	emu_set(ads, EMU_ADS_PKEY_INDEX, attr->pkey_index);
	emu_set(ads, EMU_ADS_GRH, av->is_global);
	emu_set(ads, EMU_ADS_MLID, av->src_path_bits & 0x7f);
	emu_set(ads, EMU_ADS_RLID, av->dlid);
	emu_set(ads, EMU_ADS_ACK_TIMEOUT, attr->timeout);
	emu_set(ads, EMU_ADS_SRC_ADDR_INDEX, av->sgid_index);
	emu_set(ads, EMU_ADS_STAT_RATE, av->static_rate & 0xf);
	emu_set(ads, EMU_ADS_HOP_LIMIT, av->hop_limit);
	emu_set(ads, EMU_ADS_TCLASS, av->traffic_class);
	emu_set(ads, EMU_ADS_FLOW_LABEL, av->flow_label & 0xfffff);
	emu_set(ads, EMU_ADS_UDP_SPORT, av->udp_sport);
	if (infiniband)
		emu_set(ads, EMU_ADS_SL, av->sl & 0xf);
	else
		emu_set(ads, EMU_ADS_ETH_PRIO, av->sl & 7);
	emu_set(ads, EMU_ADS_PORT, attr->port_num);
	memcpy(ads + EMU_ADS_RGID_AT, av->dgid, sizeof(av->dgid));
}

static void write_attr(uint8_t *qpc, bool infiniband, const struct emu_qp_attr *attr)
{
	static const uint8_t states[] = {
		/* PRM "qpc.state" */
		[EMU_QPS_RESET] = 0, [EMU_QPS_INIT] = 1, [EMU_QPS_RTR] = 2, [EMU_QPS_RTS] = 3,
		[EMU_QPS_SQE] = 4,   [EMU_QPS_SQD] = 5,  [EMU_QPS_ERR] = 6
	};

	emu_set(qpc, EMU_QPC_STATE, states[attr->qp_state]);
	emu_set(qpc, EMU_QPC_MTU, attr->path_mtu);
	emu_set(qpc, EMU_QPC_LOG_MSG_MAX, emu_fw_log2(EMU_MAX_MSG));
	emu_set(qpc, EMU_QPC_REMOTE_QPN, attr->dest_qpn);
	emu_set(qpc, EMU_QPC_LOG_SRA_MAX, emu_fw_log2(attr->max_rd_atomic));
	emu_set(qpc, EMU_QPC_RETRY_COUNT, attr->retry_cnt);
	emu_set(qpc, EMU_QPC_RNR_RETRY, attr->rnr_retry);
	emu_set(qpc, EMU_QPC_NEXT_SEND_PSN, attr->sq_psn);
	emu_set(qpc, EMU_QPC_LOG_RRA_MAX, emu_fw_log2(attr->max_dest_rd_atomic));
	emu_set(qpc, EMU_QPC_RRE, !!(attr->access_flags & EMU_ACCESS_REMOTE_READ));
	emu_set(qpc, EMU_QPC_RWE, !!(attr->access_flags & EMU_ACCESS_REMOTE_WRITE));
	emu_set(qpc, EMU_QPC_RAE, !!(attr->access_flags & EMU_ACCESS_REMOTE_ATOMIC));
	emu_set(qpc, EMU_QPC_MIN_RNR_NAK, attr->min_rnr_timer);
	emu_set(qpc, EMU_QPC_NEXT_RCV_PSN, attr->rq_psn);
	emu_set(qpc, EMU_QPC_Q_KEY, attr->qkey);
	write_path(qpc + EMU_QPC_PATH_AT, infiniband, attr);
}

static uint32_t service(enum emu_qp_type type)
{
	enum { ST_RC = 0, ST_UC = 1, ST_UD = 2, ST_XRC = 3 }; /* PRM "qpc.st" */

	switch (type) {
	case EMU_QPT_RC:
		return ST_RC;
	case EMU_QPT_UC:
		return ST_UC;
	case EMU_QPT_UD:
		return ST_UD;
	default:
		return ST_XRC;
	}
}

static void write_init(uint8_t *qpc, const struct emu_qp_init *init)
{
	enum { MIGRATED = 3 };

	emu_set(qpc, EMU_QPC_ST, service(init->type));
	emu_set(qpc, EMU_QPC_PM_STATE, MIGRATED);
	emu_set(qpc, EMU_QPC_PD, init->pdn);
	emu_set(qpc, EMU_QPC_LOG_RQ_SIZE, emu_fw_log2(init->rq_wqe_count));
	if (init->rq_wqe_count)
		emu_set(qpc, EMU_QPC_LOG_RQ_STRIDE, init->rq_stride_shift - 4);
	emu_set(qpc, EMU_QPC_NO_SQ, init->sq_wqebb_count == 0);
	emu_set(qpc, EMU_QPC_LOG_SQ_SIZE, emu_fw_log2(init->sq_wqebb_count));
	emu_set(qpc, EMU_QPC_UAR_PAGE, init->uar_page);
	emu_set(qpc, EMU_QPC_USER_INDEX, init->uidx);
	emu_set(qpc, EMU_QPC_CQN_SND, init->send_cqn);
	emu_set(qpc, EMU_QPC_XRCD, init->xrcdn);
	emu_set(qpc, EMU_QPC_CQN_RCV, init->recv_cqn);
	emu_set(qpc, EMU_QPC_SRQN, init->srqn);
}

int emu_fw_query_qp(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj)
{
	struct emu_qp_attr attr;
	struct emu_qp_init init;
	const int rc = emu_qp_query(fw->config.dev, obj->number, &attr, &init);

	if (rc < 0)
		return emu_fw_result(box, rc);
	write_init(box->out + EMU_QPC_AT, &init);
	write_attr(box->out + EMU_QPC_AT, fw->config.infiniband, &attr);
	return 0;
}
