/* SPDX-License-Identifier: MIT */
/* What a queue pair needs for each state, as cm_init_qp_*_attr() of the kernel's cm.c has it. */
#include "cm/cm.h"

#include "engine/engine.h"
#include "run/config.h"
#include "uverbs/session.h"

#include <errno.h>

enum { STATE_INIT = 1, STATE_RTR = 2, STATE_RTS = 3 };

static void attr_init(const struct emu_cm_id *id, struct ib_uverbs_qp_attr *attr)
{
	attr->port_num = 1;
	if (id->datagrams) {
		attr->qp_attr_mask = EMU_QP_STATE | EMU_QP_PKEY_INDEX | EMU_QP_PORT | EMU_QP_QKEY;
		attr->qkey = EMU_CM_UDP_QKEY;
		return;
	}
	attr->qp_attr_mask = EMU_QP_STATE | EMU_QP_ACCESS_FLAGS | EMU_QP_PKEY_INDEX | EMU_QP_PORT;
	attr->qp_access_flags = EMU_ACCESS_REMOTE_WRITE | EMU_ACCESS_REMOTE_READ |
				EMU_ACCESS_REMOTE_ATOMIC;
}

static uint32_t mtu_code(unsigned mtu)
{
	uint32_t code = 1;

	while (code < 5 && 128u << code < mtu)
		code++;
	return code;
}

static void attr_rtr(const struct emu_cm_id *id, struct ib_uverbs_qp_attr *attr)
{
	attr->qp_attr_mask = EMU_QP_STATE | EMU_QP_AV | EMU_QP_PATH_MTU | EMU_QP_DEST_QPN |
			     EMU_QP_RQ_PSN | EMU_QP_MAX_DEST_RD_ATOMIC | EMU_QP_MIN_RNR_TIMER;
	emu_cm_addr_ah(id, &id->dst, &attr->ah_attr);
	attr->path_mtu = mtu_code(emu_session()->run.dev[id->device].mtu);
	attr->dest_qp_num = id->peer.qp_num;
	attr->rq_psn = id->peer_psn;
	attr->max_dest_rd_atomic = id->passive ? id->peer.initiator_depth :
						 id->own.responder_resources;
}

/* The retry counts are the active side's wish, but how long a receiver may not be ready is its own. */
static void attr_rts(const struct emu_cm_id *id, struct ib_uverbs_qp_attr *attr)
{
	enum { TIMEOUT = 18 };
	const struct rdma_ucm_conn_param *active = id->passive ? &id->peer : &id->own;

	attr->qp_attr_mask = EMU_QP_STATE | EMU_QP_SQ_PSN | EMU_QP_TIMEOUT | EMU_QP_RETRY_CNT |
			     EMU_QP_RNR_RETRY | EMU_QP_MAX_QP_RD_ATOMIC;
	attr->sq_psn = id->psn;
	attr->timeout = id->has_timeout ? id->timeout : TIMEOUT;
	attr->retry_cnt = active->retry_count & 7;
	attr->rnr_retry = id->peer.rnr_retry_count & 7;
	attr->max_rd_atomic = id->peer.responder_resources;
}

int emu_cm_qp_attr(const struct emu_cm_id *id, uint32_t qp_state, struct ib_uverbs_qp_attr *attr)
{
	const bool has_peer = id->state >= EMU_CM_REQUESTED && id->state != EMU_CM_CONNECTING &&
			      id->device >= 0 && !id->datagrams;

	*attr = (struct ib_uverbs_qp_attr){ .qp_state = qp_state };
	if (qp_state == STATE_INIT && id->state != EMU_CM_WAITING)
		attr_init(id, attr);
	else if (qp_state == STATE_RTR && has_peer)
		attr_rtr(id, attr);
	else if (qp_state == STATE_RTS && has_peer)
		attr_rts(id, attr);
	else
		return -EINVAL;
	return 0;
}
