/* SPDX-License-Identifier: MIT */
#include "twin.h"

#include <stdlib.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#define MLX5EMU_WEAK
#include "mlx5emu.h"
#include "core/wait.h"
#include "providers/mlx5/channel.h"

static const struct bv_channel_attr attr = {
	.port = 1,
	.max_send = TWIN_MAX_SEND,
	.max_recv = TWIN_MAX_RECV,
	.max_send_sge = TWIN_MAX_SEND_SGE,
	.max_recv_sge = TWIN_MAX_RECV_SGE,
	.max_inline = TWIN_MAX_INLINE,
};

static void context_open(struct twin *t)
{
	int n;
	struct ibv_device **list = ibv_get_device_list(&n);

	assert_non_null(list);
	assert_int_equal(n, 1);
	assert_int_equal(bvi_provider_mlx5.open(list[0], &t->context), 0);
	ibv_free_device_list(list);
	t->pd = ibv_alloc_pd(t->context);
	assert_non_null(t->pd);
	t->buf = aligned_alloc(4096, TWIN_BUF);
	assert_non_null(t->buf);
	memset(t->buf, 0x5a, TWIN_BUF);
	t->mr = ibv_reg_mr(t->pd, t->buf, TWIN_BUF,
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
				   IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC);
	assert_non_null(t->mr);
}

static void qp_modify(struct ibv_qp *qp, struct ibv_qp_attr *to, int mask)
{
	assert_int_equal(ibv_modify_qp(qp, to, mask | IBV_QP_STATE), 0);
}

static void connect_to_itself(struct ibv_qp *qp)
{
	struct ibv_qp_attr to = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
				   IBV_ACCESS_REMOTE_ATOMIC,
	};

	qp_modify(qp, &to, IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
	to = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_4096,
		.dest_qp_num = qp->qp_num,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = { .is_global = 1,
			     .port_num = 1,
			     .grh = { .sgid_index = 1, .hop_limit = 64 } },
	};
	assert_int_equal(ibv_query_gid(qp->context, 1, 1, &to.ah_attr.grh.dgid), 0);
	qp_modify(qp, &to,
		  IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			  IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
	to = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS,
		.timeout = 14,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.max_rd_atomic = 1,
	};
	qp_modify(qp, &to,
		  IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
			  IBV_QP_MAX_QP_RD_ATOMIC);
}

static struct cq_ring cq_ring_of(struct ibv_cq *cq, uint8_t **arm)
{
	struct mlx5dv_cq dv = { 0 };
	struct mlx5dv_obj obj = { .cq = { .in = cq, .out = &dv } };

	assert_int_equal(mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ), 0);
	*arm = (uint8_t *)dv.cq_uar + PRM_UAR_CQ_ARM;
	return (struct cq_ring){ .dbrec = dv.dbrec, .cqn = dv.cqn };
}

static struct rings rings_of(struct ibv_qp *qp)
{
	struct mlx5dv_qp dv = { 0 };
	struct mlx5dv_obj obj = { .qp = { .in = qp, .out = &dv } };
	uint8_t *arm = NULL;

	assert_int_equal(mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP), 0);
	return (struct rings){
		.sq = dv.sq.buf,
		.sq_size = dv.sq.wqe_cnt * dv.sq.stride,
		.rq = dv.rq.buf,
		.rq_size = dv.rq.wqe_cnt * dv.rq.stride,
		.rq_stride = dv.rq.stride,
		.dbrec = dv.dbrec,
		.bf = dv.bf.reg,
		.blueflame = dv.bf.size > 0,
		.qpn = qp->qp_num,
		.send_cq = cq_ring_of(qp->send_cq, &arm),
		.recv_cq = cq_ring_of(qp->recv_cq, &arm),
		.arm = arm,
	};
}

/* The parameters are those of providers/mlx5/channel.c; the completion queues are libmlx5's own. */
static void theirs_create(struct twin *t)
{
	struct ibv_td_init_attr td_attr = { 0 };
	struct ibv_parent_domain_init_attr domain_attr = { .pd = t->pd };
	struct ibv_qp_init_attr_ex init = {
		.cap = {
			.max_send_wr = attr.max_send,
			.max_recv_wr = attr.max_recv,
			.max_send_sge = attr.max_send_sge,
			.max_recv_sge = attr.max_recv_sge,
			.max_inline_data = attr.max_inline,
		},
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD,
	};
	struct mlx5dv_qp_init_attr dv_init = {
		.comp_mask = MLX5DV_QP_INIT_ATTR_MASK_QP_CREATE_FLAGS,
		.create_flags = MLX5DV_QP_CREATE_DISABLE_SCATTER_TO_CQE,
	};

	t->td = ibv_alloc_td(t->context, &td_attr);
	assert_non_null(t->td);
	domain_attr.td = t->td;
	t->domain = ibv_alloc_parent_domain(t->context, &domain_attr);
	assert_non_null(t->domain);
	assert_int_equal(bvi_wake_create(t->context, "libmlx5", &t->wake), 0);
	t->send_cq = ibv_create_cq(t->context, TWIN_MAX_SEND, NULL, t->wake, 0);
	t->recv_cq = ibv_create_cq(t->context, TWIN_MAX_RECV, NULL, t->wake, 0);
	assert_non_null(t->send_cq);
	assert_non_null(t->recv_cq);
	init.pd = t->domain;
	init.send_cq = t->send_cq;
	init.recv_cq = t->recv_cq;
	t->qp = mlx5dv_create_qp(t->context, &init, &dv_init);
	assert_non_null(t->qp);
	connect_to_itself(t->qp);
	t->theirs = rings_of(t->qp);
}

/* Plays core, which would fill in the limits and the result ring. */
static void ours_create(struct twin *t)
{
	struct bv_channel_params params = { .context = t->context, .pd = t->pd, .attr = &attr };
	struct bv_channel *ch;
	char why[256] = "";

	assert_int_equal(bvi_wake_create(t->context, "provider mlx5", &params.wake), 0);
	if (bvi_provider_mlx5.channel_create(&params, &ch, why, sizeof(why)) < 0)
		fail_msg("channel_create: %s", why);
	ch->core->wake = params.wake;
	ch->max_send = attr.max_send;
	ch->max_recv = attr.max_recv;
	ch->max_send_sge = (uint16_t)attr.max_send_sge;
	ch->max_recv_sge = (uint16_t)attr.max_recv_sge;
	ch->max_inline = (uint16_t)ch->core->max_inline;
	ch->atomics = true;
	ch->max_msg = TWIN_BUF;
	ch->sq_limit = ch->max_send;
	ch->rq_posted = ch->rq_done = BV_WORK_RECV;
	ch->rq_limit = ch->rq_done + ch->max_recv;
	connect_to_itself(ch->core->qp);
	bvi_calls_set(ch, ch->core->ready);
	t->ours = rings_of(ch->core->qp);
	t->ch = ch;
}

struct twin *twin_new(const char **why)
{
	struct twin *t;

	if (!mlx5emu_step || !mlx5emu_is_manual) {
		*why = "not under mlx5emu run --manual";
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	assert_non_null(t);
	context_open(t);
	if (!mlx5emu_is_manual()) {
		ibv_dereg_mr(t->mr);
		ibv_dealloc_pd(t->pd);
		ibv_close_device(t->context);
		free(t->buf);
		free(t);
		*why = "the emulated device runs by itself: needs mlx5emu run --manual";
		return NULL;
	}
	theirs_create(t);
	ours_create(t);
	assert_int_equal(t->ours.sq_size, t->theirs.sq_size);
	assert_int_equal(t->ours.rq_size, t->theirs.rq_size);
	assert_int_equal(t->ours.rq_stride, t->theirs.rq_stride);
	assert_ptr_equal(t->ours.arm, t->theirs.arm);
	return t;
}

void twin_free(struct twin *t)
{
	struct ibv_comp_channel *our_wake = t->ch->core->wake;

	bvi_provider_mlx5.channel_destroy(t->ch);
	bvi_wake_destroy(our_wake);
	assert_int_equal(ibv_destroy_qp(t->qp), 0);
	assert_int_equal(ibv_destroy_cq(t->recv_cq), 0);
	assert_int_equal(ibv_destroy_cq(t->send_cq), 0);
	bvi_wake_destroy(t->wake);
	assert_int_equal(ibv_dealloc_pd(t->domain), 0);
	assert_int_equal(ibv_dealloc_td(t->td), 0);
	assert_int_equal(ibv_dereg_mr(t->mr), 0);
	assert_int_equal(ibv_dealloc_pd(t->pd), 0);
	assert_int_equal(ibv_close_device(t->context), 0);
	free(t->buf);
	free(t);
}

void twin_run(void)
{
	while (mlx5emu_step())
		;
}
