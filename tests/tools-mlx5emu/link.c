/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <dlfcn.h>
#include <poll.h>
#include <string.h>

enum { DEPTH = 16, PSN = 7, TRIES = 20000 };

struct ibv_context *link_open_device(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *ctx;

	assert_non_null(list);
	assert_non_null(list[0]);
	ctx = ibv_open_device(list[0]);
	assert_non_null(ctx);
	ibv_free_device_list(list);
	return ctx;
}

static struct ibv_qp *make_qp(struct link *link, struct ibv_cq *cq, enum ibv_qp_type type)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { .max_send_wr = DEPTH,
			 .max_recv_wr = DEPTH,
			 .max_send_sge = 1,
			 .max_recv_sge = 1 },
		.qp_type = type,
	};
	struct ibv_qp *qp = ibv_create_qp(link->pd, &attr);

	assert_non_null(qp);
	return qp;
}

struct ibv_qp *link_qp(struct link *link, enum ibv_qp_type type)
{
	return make_qp(link, link->cq, type);
}

static void to_init(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qp_access_flags = LINK_ACCESS_ALL,
	};

	assert_int_equal(ibv_modify_qp(qp, &attr,
				       IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
					       IBV_QP_ACCESS_FLAGS),
			 0);
}

static struct ibv_port_attr port_of(struct ibv_context *ctx)
{
	struct ibv_port_attr port;

	assert_int_equal(ibv_query_port(ctx, 1, &port), 0);
	return port;
}

bool link_infiniband(struct ibv_context *ctx)
{
	return port_of(ctx).link_layer == IBV_LINK_LAYER_INFINIBAND;
}

static struct ibv_ah_attr own_address(struct ibv_context *ctx)
{
	struct ibv_ah_attr attr = { .port_num = 1 };

	if (link_infiniband(ctx)) {
		attr.dlid = port_of(ctx).lid;
		return attr;
	}
	attr.is_global = 1;
	attr.grh.sgid_index = LINK_GID_INDEX;
	attr.grh.hop_limit = 64;
	assert_int_equal(ibv_query_gid(ctx, 1, LINK_GID_INDEX, &attr.grh.dgid), 0);
	return attr;
}

/* Of XRC both ends may be told the same (modify_qp_mask() in the kernel). */
static bool reliable(const struct ibv_qp *qp)
{
	return qp->qp_type == IBV_QPT_RC || qp->qp_type == IBV_QPT_XRC_SEND ||
	       qp->qp_type == IBV_QPT_XRC_RECV;
}

static void to_rtr(struct ibv_qp *qp, uint32_t peer)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer,
		.rq_psn = PSN,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 1,
		.ah_attr = own_address(qp->context),
	};
	int mask = IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN;

	if (reliable(qp))
		mask |= IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
	assert_int_equal(ibv_modify_qp(qp, &attr, mask), 0);
}

static void to_rts(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.sq_psn = PSN,
		.timeout = 14,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.max_rd_atomic = 4,
	};
	int mask = IBV_QP_STATE | IBV_QP_SQ_PSN;

	if (reliable(qp))
		mask |= IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			IBV_QP_MAX_QP_RD_ATOMIC;
	assert_int_equal(ibv_modify_qp(qp, &attr, mask), 0);
}

void link_connect_to(struct ibv_qp *qp, uint32_t peer, enum ibv_qp_state state)
{
	to_init(qp);
	to_rtr(qp, peer);
	if (state == IBV_QPS_RTS)
		to_rts(qp);
}

void link_connect(struct ibv_qp *qp, uint32_t peer)
{
	link_connect_to(qp, peer, IBV_QPS_RTS);
}

void link_set_up(struct link *link, unsigned access)
{
	memset(link, 0, sizeof(*link));
	link->ctx = link_open_device();
	link->pd = ibv_alloc_pd(link->ctx);
	assert_non_null(link->pd);
	link->mr = ibv_reg_mr(link->pd, link->buffer, LINK_BYTES, access);
	assert_non_null(link->mr);
	link->cq = ibv_create_cq(link->ctx, 2 * DEPTH, NULL, NULL, 0);
	link->peer_cq = ibv_create_cq(link->ctx, 2 * DEPTH, NULL, NULL, 0);
	assert_true(link->cq && link->peer_cq);
	link->qp = make_qp(link, link->cq, IBV_QPT_RC);
	link->peer = make_qp(link, link->peer_cq, IBV_QPT_RC);
	link_connect(link->qp, link->peer->qp_num);
	link_connect(link->peer, link->qp->qp_num);
}

void link_tear_down(struct link *link)
{
	assert_int_equal(ibv_destroy_qp(link->qp), 0);
	assert_int_equal(ibv_destroy_qp(link->peer), 0);
	assert_int_equal(ibv_destroy_cq(link->cq), 0);
	assert_int_equal(ibv_destroy_cq(link->peer_cq), 0);
	assert_int_equal(ibv_dereg_mr(link->mr), 0);
	assert_int_equal(ibv_dealloc_pd(link->pd), 0);
	assert_int_equal(ibv_close_device(link->ctx), 0);
}

struct ibv_wc link_wait(struct ibv_cq *cq)
{
	struct ibv_wc wc;

	for (unsigned i = 0; i < TRIES; i++) {
		const int n = ibv_poll_cq(cq, 1, &wc);

		assert_true(n >= 0);
		if (n == 1)
			return wc;
		poll(NULL, 0, 1);
	}
	fail_msg("no completion came");
	return wc;
}

void link_plan(const char *plan)
{
	int (*set)(const char *plan, char *error, size_t size);
	char error[200];

	*(void **)(void *)&set = dlsym(RTLD_DEFAULT, "mlx5emu_fault_plan");
	assert_non_null(set);
	if (set(plan, error, sizeof(error)) != 0)
		fail_msg("'%s': %s", plan, error);
}

int link_begin(void **link)
{
	link_set_up(*link, LINK_ACCESS_ALL | IBV_ACCESS_MW_BIND);
	return 0;
}

int link_end(void **link)
{
	link_plan("");
	link_tear_down(*link);
	return 0;
}
