/* SPDX-License-Identifier: MIT */
/*
 * CREATE_QP. Both rings lie in one umem, the receive queue first (PRM "QP buffer"), the doorbell
 * record in the same or another one.
 *
 *	wq_umem_offset + page_offset * 64
 *	| receive WQEs | send WQEs, on a 64-byte border |
 */
#include "internal.h"

#include "engine/engine.h"

#include <errno.h>

enum { RQ_OWN = 0, RQ_SHARED = 1, RQ_NONE = 3 }; /* PRM "rq_type" */
enum { ST_RC = 0, ST_UC = 1, ST_UD = 2 };        /* PRM "st" */
enum { WQEBB = 64, DBREC_BYTES = 8 };

static bool type_of(uint32_t st, enum emu_qp_type *type)
{
	static const enum emu_qp_type types[] = {
		[ST_RC] = EMU_QPT_RC, [ST_UC] = EMU_QPT_UC, [ST_UD] = EMU_QPT_UD
	};

	if (st >= sizeof(types) / sizeof(types[0]))
		return false;
	*type = types[st];
	return true;
}

static void read_queues(const uint8_t *qpc, struct emu_qp_init *init)
{
	const uint32_t rq_type = emu_get(qpc, EMU_QPC_RQ_TYPE);

	if (!emu_get(qpc, EMU_QPC_NO_SQ))
		init->sq_wqebb_count = 1u << emu_get(qpc, EMU_QPC_LOG_SQ_SIZE);
	if (rq_type == RQ_OWN) {
		init->rq_wqe_count = 1u << emu_get(qpc, EMU_QPC_LOG_RQ_SIZE);
		init->rq_stride_shift = emu_get(qpc, EMU_QPC_LOG_RQ_STRIDE) + 4;
	}
	if (rq_type == RQ_SHARED)
		init->srqn = emu_get(qpc, EMU_QPC_SRQN);
	init->max_send_wr = init->sq_wqebb_count;
	init->max_recv_wr = init->rq_wqe_count;
}

/*
 * What goes into CQEs: MLX5_REQ_SCAT_DATA32_CQE and its kin of the kernel's linux/mlx5/qp.h. -EINVAL: a value
 * that is none of them.
 */
static int read_scatter(const uint8_t *qpc, struct emu_qp_init *init)
{
	const uint32_t req = emu_get(qpc, EMU_QPC_CS_REQ), res = emu_get(qpc, EMU_QPC_CS_RES);

	if ((req != 0 && req != 0x11 && req != 0x22) || res > 2)
		return -EINVAL;
	init->scatter_req = req == 0x22 ? 64 : req ? 32 : 0;
	init->scatter_res = res * 32;
	return 0;
}

/* -EINVAL: a umem that is not there, or too small. */
static int place(const struct emu_fw *fw, const struct emu_box *box, struct emu_qp_init *init)
{
	const uint8_t *qpc = box->in + EMU_QPC_AT;
	const uint64_t rq = ((uint64_t)init->rq_wqe_count << init->rq_stride_shift) + WQEBB - 1;
	const uint64_t rq_bytes = rq / WQEBB * WQEBB;
	const uint64_t offset = emu_get_long(box->in, EMU_CREATE_QP_WQ_OFFSET_AT) +
				(uint64_t)emu_get(qpc, EMU_QPC_PAGE_OFFSET) * WQEBB;
	int rc = emu_fw_umem_place(fw, emu_get(box->in, EMU_CREATE_QP_WQ_UMEM), offset,
				   rq_bytes + (uint64_t)init->sq_wqebb_count * WQEBB,
				   &init->rq_addr);

	if (rc == 0)
		rc = emu_fw_umem_place(fw, emu_get(qpc, EMU_QPC_DBR_UMEM),
				       emu_get_long(qpc, EMU_QPC_DBR_ADDR_AT), DBREC_BYTES,
				       &init->dbrec_addr);
	init->sq_addr = init->rq_addr + rq_bytes;
	return rc;
}

int emu_fw_create_qp(struct emu_fw *fw, struct emu_box *box, struct emu_fw_object *obj)
{
	const uint8_t *qpc = box->in + EMU_QPC_AT;
	struct emu_qp_init init = {
		.pdn = emu_get(qpc, EMU_QPC_PD),
		.send_cqn = emu_get(qpc, EMU_QPC_CQN_SND),
		.recv_cqn = emu_get(qpc, EMU_QPC_CQN_RCV),
		.uidx = emu_get(qpc, EMU_QPC_USER_INDEX),
		.uar_page = emu_get(qpc, EMU_QPC_UAR_PAGE),
		.max_send_sge = EMU_MAX_SEND_SGE,
		.cookie = obj->cookie,
	};
	const uint32_t rq_type = emu_get(qpc, EMU_QPC_RQ_TYPE);
	uint32_t qpn = 0;
	int rc;

	if (!type_of(emu_get(qpc, EMU_QPC_ST), &init.type) || emu_get(qpc, EMU_QPC_SIGNATURE) ||
	    (rq_type != RQ_OWN && rq_type != RQ_SHARED && rq_type != RQ_NONE))
		return emu_fw_refuse(box, EMU_FW_NO_OPTION);
	read_queues(qpc, &init);
	rc = read_scatter(qpc, &init);
	if (rc == 0)
		rc = place(fw, box, &init);
	if (rc == 0)
		rc = emu_qp_create(fw->config.dev, &init, &qpn);
	if (rc < 0)
		return emu_fw_result(box, rc);
	obj->kind = EMU_FW_QP;
	obj->number = qpn;
	emu_fw_umem_use(fw, obj, emu_get(box->in, EMU_CREATE_QP_WQ_UMEM));
	emu_fw_umem_use(fw, obj, emu_get(qpc, EMU_QPC_DBR_UMEM));
	emu_set(box->out, EMU_OUT_OBJECT, qpn);
	return 0;
}
