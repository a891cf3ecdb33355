/* SPDX-License-Identifier: MIT */
#include "soak/rig.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { QKEY = 0x11335577, TIMEOUT = 15, ANY = 7 };

static void open_device(struct rig *rig, const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	must(list);
	for (unsigned i = 0; list[i] && !rig->context; i++)
		if (strcmp(ibv_get_device_name(list[i]), name) == 0)
			rig->context = ibv_open_device(list[i]);
	must(rig->context);
	ibv_free_device_list(list);
}

static void make_memory(struct rig *rig, unsigned side)
{
	const unsigned access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
				IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC;

	rig->slot = (rig->plan->max_len + GRH + GAP + 63) & ~(size_t)63;
	rig->size = sizeof(*rig->memory) + MAX_RECEIVES * rig->slot;
	rig->memory =
		mmap(NULL, rig->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(rig->memory != MAP_FAILED);
	source_fill(rig->memory->source, rig->plan->seed, side);
	must((rig->mr = ibv_reg_mr(rig->pd, rig->memory, rig->size, access)));
	rig->self.memory = (uintptr_t)rig->memory;
	rig->self.rkey = rig->mr->rkey;
}

static struct ibv_qp *make_qp(struct rig *rig, unsigned i)
{
	static const enum ibv_qp_type types[] = { IBV_QPT_RC, IBV_QPT_UC, IBV_QPT_UD };
	const struct plan *const plan = rig->plan;
	struct ibv_qp_init_attr_ex attr = {
		.send_cq = rig->cq[0],
		.recv_cq = rig->cq[1],
		.srq = rig->srq,
		.cap = { .max_send_wr = plan->sq_depth,
			 .max_recv_wr = rig->srq ? 0 : plan->rq_depth,
			 .max_send_sge = 3,
			 .max_recv_sge = rig->srq ? 0 : 3,
			 .max_inline_data = plan->max_inline },
		.qp_type = types[plan->transport],
		.comp_mask = IBV_QP_INIT_ATTR_PD,
		.pd = rig->pd,
	};
	struct ibv_qp *qp;

	if (plan->extended) {
		attr.comp_mask |= IBV_QP_INIT_ATTR_SEND_OPS_FLAGS;
		attr.send_ops_flags = IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_SEND_WITH_IMM;
		if (plan->transport != SOAK_UD)
			attr.send_ops_flags |= IBV_QP_EX_WITH_RDMA_WRITE |
					       IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM;
		if (plan->transport == SOAK_RC)
			attr.send_ops_flags |= IBV_QP_EX_WITH_RDMA_READ |
					       IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP |
					       IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD;
	}
	qp = ibv_create_qp_ex(rig->context, &attr);
	must(qp);
	if (plan->extended)
		must((rig->qpx[i] = ibv_qp_to_qp_ex(qp)));
	return qp;
}

static void to_init(struct rig *rig, struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qkey = QKEY,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE,
	};
	int mask = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT;

	if (rig->plan->transport == SOAK_RC)
		attr.qp_access_flags |= IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC;
	mask |= rig->plan->transport == SOAK_UD ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS;
	must(ibv_modify_qp(qp, &attr, mask) == 0);
}

void rig_open(struct rig *rig, const struct plan *plan, const char *device, unsigned side)
{
	const int ncqe = (int)(plan->nqp * (plan->sq_depth + plan->rq_depth));
	struct ibv_srq_init_attr srq = { .attr = { .max_wr = plan->nqp * plan->rq_depth,
						   .max_sge = 3 } };

	rig->plan = plan;
	open_device(rig, device);
	must((rig->pd = ibv_alloc_pd(rig->context)));
	make_memory(rig, side);
	if (plan->events)
		must((rig->channel = ibv_create_comp_channel(rig->context)));
	must((rig->cq[0] = ibv_create_cq(rig->context, ncqe, NULL, rig->channel, 0)));
	rig->cq[1] = rig->cq[0];
	if (plan->two_cqs)
		must((rig->cq[1] = ibv_create_cq(rig->context, ncqe, NULL, rig->channel, 0)));
	if (plan->srq)
		must((rig->srq = ibv_create_srq(rig->pd, &srq)));
	must(ibv_query_gid(rig->context, 1, (int)plan->gid_index, &rig->self.gid) == 0);
	for (unsigned i = 0; i < plan->nqp; i++) {
		rig->qp[i] = make_qp(rig, i);
		rig->self.qpn[i] = rig->qp[i]->qp_num;
		rig->self.psn[i] = (uint32_t)(plan->seed * 7919 * (i + 1) + side) & 0xffffff;
		to_init(rig, rig->qp[i]);
	}
}

static struct ibv_ah_attr address_vector(const struct rig *rig)
{
	return (struct ibv_ah_attr){
		.is_global = 1,
		.port_num = 1,
		.grh = { .dgid = rig->peer.gid,
			 .sgid_index = (uint8_t)rig->plan->gid_index,
			 .hop_limit = 64 },
	};
}

static void to_rtr(struct rig *rig, unsigned i)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = (enum ibv_mtu)rig->plan->mtu,
		.dest_qp_num = rig->peer.qpn[i],
		.rq_psn = rig->peer.psn[i],
		.max_dest_rd_atomic = (uint8_t)rig->plan->depth_rd,
		.min_rnr_timer = 1,
		.ah_attr = address_vector(rig),
	};
	int mask = IBV_QP_STATE;

	if (rig->plan->transport != SOAK_UD)
		mask |= IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN;
	if (rig->plan->transport == SOAK_RC)
		mask |= IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
	must(ibv_modify_qp(rig->qp[i], &attr, mask) == 0);
}

static void to_rts(struct rig *rig, unsigned i)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.sq_psn = rig->self.psn[i],
		.timeout = TIMEOUT,
		.retry_cnt = 7,
		.rnr_retry = ANY,
		.max_rd_atomic = (uint8_t)rig->plan->depth_rd,
	};
	int mask = IBV_QP_STATE | IBV_QP_SQ_PSN;

	if (rig->plan->transport == SOAK_RC)
		mask |= IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			IBV_QP_MAX_QP_RD_ATOMIC;
	must(ibv_modify_qp(rig->qp[i], &attr, mask) == 0);
}

void rig_connect(struct rig *rig)
{
	struct ibv_ah_attr av = address_vector(rig);

	for (unsigned i = 0; i < rig->plan->nqp; i++) {
		to_rtr(rig, i);
		to_rts(rig, i);
	}
	if (rig->plan->transport == SOAK_UD)
		must((rig->ah = ibv_create_ah(rig->pd, &av)));
}

void rig_close(struct rig *rig)
{
	for (unsigned i = 0; i < rig->plan->nqp; i++)
		must(ibv_destroy_qp(rig->qp[i]) == 0);
	must(!rig->ah || ibv_destroy_ah(rig->ah) == 0);
	must(!rig->srq || ibv_destroy_srq(rig->srq) == 0);
	must(rig->cq[1] == rig->cq[0] || ibv_destroy_cq(rig->cq[1]) == 0);
	must(ibv_destroy_cq(rig->cq[0]) == 0);
	must(!rig->channel || ibv_destroy_comp_channel(rig->channel) == 0);
	must(ibv_dereg_mr(rig->mr) == 0);
	must(ibv_dealloc_pd(rig->pd) == 0);
	must(ibv_close_device(rig->context) == 0);
	munmap(rig->memory, rig->size);
}

uint8_t *rig_receive_slot(const struct rig *rig, unsigned index)
{
	return rig->memory->receive + index * rig->slot;
}
