/* SPDX-License-Identifier: MIT */
#include "direct.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCESS                                                                       \
	(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | \
	 IBV_ACCESS_REMOTE_ATOMIC)
#define GID_INDEX 1 /* link-local, RoCE v2 */

static int context_open(struct direct *d)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_td_init_attr td_attr = { 0 };
	struct ibv_parent_domain_init_attr domain_attr = { 0 };

	if (!list || !list[0])
		return -1;
	d->context = ibv_open_device(list[0]);
	ibv_free_device_list(list);
	if (!d->context)
		return -1;
	d->pd = ibv_alloc_pd(d->context);
	if (!d->pd)
		return -1;
	d->mr = ibv_reg_mr(d->pd, d->base.memory, BENCH_MEMORY, ACCESS);
	d->td = ibv_alloc_td(d->context, &td_attr);
	if (!d->mr || !d->td)
		return -1;
	domain_attr.pd = d->pd;
	domain_attr.td = d->td;
	d->domain = ibv_alloc_parent_domain(d->context, &domain_attr);
	return d->domain ? 0 : -1;
}

static struct ibv_cq *cq_create(struct direct *d, unsigned flags, struct ibv_cq_ex **ex)
{
	struct ibv_cq_init_attr_ex attr = {
		.cqe = BENCH_DEPTH,
		.wc_flags = IBV_WC_EX_WITH_BYTE_LEN | IBV_WC_EX_WITH_IMM,
		.comp_mask = IBV_CQ_INIT_ATTR_MASK_FLAGS,
		.flags = IBV_CREATE_CQ_ATTR_SINGLE_THREADED,
	};

	if (!(flags & (DIRECT_EXTENDED | DIRECT_CQ_IGNORE_OVERRUN)))
		return ibv_create_cq(d->context, BENCH_DEPTH, NULL, NULL, 0);
	if (flags & DIRECT_CQ_IGNORE_OVERRUN)
		attr.flags |= IBV_CREATE_CQ_ATTR_IGNORE_OVERRUN;
	*ex = ibv_create_cq_ex(d->context, &attr);
	return *ex ? ibv_cq_ex_to_cq(*ex) : NULL;
}

static struct ibv_qp *qp_create(struct direct *d, unsigned flags)
{
	struct ibv_qp_init_attr_ex init = {
		.send_cq = d->send_cq,
		.recv_cq = d->recv_cq,
		.cap = {
			.max_send_wr = BENCH_DEPTH,
			.max_recv_wr = BENCH_DEPTH,
			.max_send_sge = BENCH_SGE_MAX,
			.max_recv_sge = 1,
			.max_inline_data = BENCH_INLINE_MAX,
		},
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD,
		.pd = d->domain,
	};

	if (flags & DIRECT_EXTENDED) {
		init.comp_mask |= IBV_QP_INIT_ATTR_SEND_OPS_FLAGS;
		init.send_ops_flags = IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_SEND_WITH_IMM |
				      IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_RDMA_READ |
				      IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD;
	}
	return ibv_create_qp_ex(d->context, &init);
}

static int to_init(struct ibv_qp *qp)
{
	struct ibv_qp_attr to = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qp_access_flags = ACCESS,
	};

	return ibv_modify_qp(qp, &to,
			     IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
}

static int to_rtr(struct ibv_qp *qp)
{
	struct ibv_qp_attr to = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_4096,
		.dest_qp_num = qp->qp_num,
		.max_dest_rd_atomic = 16,
		.min_rnr_timer = 12,
		.ah_attr = { .is_global = 1,
			     .port_num = 1,
			     .grh = { .sgid_index = GID_INDEX, .hop_limit = 64 } },
	};

	if (ibv_query_gid(qp->context, 1, GID_INDEX, &to.ah_attr.grh.dgid))
		return -1;
	return ibv_modify_qp(qp, &to,
			     IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				     IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
				     IBV_QP_MIN_RNR_TIMER);
}

static int to_rts(struct ibv_qp *qp)
{
	struct ibv_qp_attr to = {
		.qp_state = IBV_QPS_RTS,
		.timeout = 14,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.max_rd_atomic = 16,
	};

	return ibv_modify_qp(qp, &to,
			     IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				     IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
}

static int direct_open(struct direct *d, unsigned flags, char *why, size_t size)
{
	const char *call = "opening the device";

	errno = 0;
	if (context_open(d) < 0)
		goto failed;
	call = "ibv_create_cq";
	d->send_cq = cq_create(d, flags, &d->send_cq_ex);
	d->recv_cq = cq_create(d, flags, &d->recv_cq_ex);
	if (!d->send_cq || !d->recv_cq)
		goto failed;
	call = "ibv_create_qp_ex";
	d->qp = qp_create(d, flags);
	if (!d->qp)
		goto failed;
	call = "ibv_modify_qp";
	if (to_init(d->qp) || to_rtr(d->qp) || to_rts(d->qp))
		goto failed;
	return 0;
failed:
	snprintf(why, size, "%s: %s", call, strerror(errno));
	return -1;
}

void direct_side_close(struct bench_side *side)
{
	struct direct *const d = (struct direct *)(void *)side;

	if (d->qp)
		ibv_destroy_qp(d->qp);
	if (d->recv_cq)
		ibv_destroy_cq(d->recv_cq);
	if (d->send_cq)
		ibv_destroy_cq(d->send_cq);
	if (d->domain)
		ibv_dealloc_pd(d->domain);
	if (d->td)
		ibv_dealloc_td(d->td);
	if (d->mr)
		ibv_dereg_mr(d->mr);
	if (d->pd)
		ibv_dealloc_pd(d->pd);
	if (d->context)
		ibv_close_device(d->context);
	free(d->base.memory);
	free(d);
}

void *direct_side_open(size_t side_size, unsigned flags, const char *about, char *why, size_t size)
{
	struct direct *const d = aligned_alloc(64, (side_size + 63) / 64 * 64);

	memset(d, 0, side_size);
	d->base = (struct bench_base){ aligned_alloc(4096, BENCH_MEMORY), about, d, side_size };
	if (direct_open(d, flags, why, size) == 0)
		return d;
	direct_side_close((struct bench_side *)(void *)d);
	return NULL;
}

void direct_receives(const struct direct *d, struct ibv_sge *landing, struct ibv_recv_wr *recv)
{
	*landing = (struct ibv_sge){
		.addr = (uintptr_t)d->base.memory + BENCH_LANDING,
		.length = BENCH_MESSAGE,
		.lkey = d->mr->lkey,
	};
	for (unsigned i = 0; i < BENCH_CHAIN; i++) {
		recv[i].sg_list = landing;
		recv[i].num_sge = 1;
		recv[i].next = i + 1 < BENCH_CHAIN ? &recv[i + 1] : NULL;
	}
}
