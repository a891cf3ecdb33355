/* SPDX-License-Identifier: MIT */
/*
 * Completions of version 0 as they lie in the ring: queues are named by their numbers. That libmlx5 finds its
 * queues by them is what other tests show below the same device. Below `mlx5emu run --device cqe=0`.
 */
#include "link.h"

#include <endian.h>
#include <infiniband/mlx5dv.h>

static struct link f;

/* Of the first completion of the queue, which has been polled. */
static void expect_names(struct ibv_cq *cq, uint32_t qpn, uint32_t srqn)
{
	struct mlx5dv_cq dv;
	struct mlx5dv_obj obj = { .cq = { .in = cq, .out = &dv } };
	const struct mlx5_cqe64 *cqe;

	assert_int_equal(mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ), 0);
	assert_int_equal(dv.cqe_size, sizeof(*cqe));
	cqe = dv.buf;
	assert_int_equal(be32toh(cqe->sop_drop_qpn) & 0xffffff, qpn);
	assert_int_equal(be32toh(cqe->srqn_uidx) & 0xffffff, srqn);
}

static void send_to(struct ibv_srq *srq, enum ibv_wc_status status, uint32_t room)
{
	struct ibv_sge sge = { (uintptr_t)f.buffer, 8, f.mr->lkey };
	struct ibv_sge to = { (uintptr_t)f.buffer + 512, room, f.mr->lkey };
	struct ibv_recv_wr recv = { .sg_list = &to, .num_sge = 1 }, *bad_recv;
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = IBV_WR_SEND,
				  .send_flags = IBV_SEND_SIGNALED };
	struct ibv_send_wr *bad;

	if (srq)
		assert_int_equal(ibv_post_srq_recv(srq, &recv, &bad_recv), 0);
	else
		assert_int_equal(ibv_post_recv(f.peer, &recv, &bad_recv), 0);
	assert_int_equal(ibv_post_send(f.qp, &wr, &bad), 0);
	assert_int_equal(link_wait(f.cq).status == IBV_WC_SUCCESS, status == IBV_WC_SUCCESS);
	assert_int_equal(link_wait(f.peer_cq).status, status);
}

static void test_announced(void **state)
{
	struct mlx5dv_context dv = { 0 };

	(void)state;
	assert_int_equal(mlx5dv_query_device(f.ctx, &dv), 0);
	assert_false(dv.flags & MLX5DV_CONTEXT_FLAGS_CQE_V1);
}

static void test_own_queue(void **state)
{
	(void)state;
	send_to(NULL, IBV_WC_SUCCESS, 64);
	expect_names(f.cq, f.qp->qp_num, 0);
	expect_names(f.peer_cq, f.peer->qp_num, 0);
}

/* Error completions have their numbers at the same places. */
static void test_error(void **state)
{
	(void)state;
	send_to(NULL, IBV_WC_LOC_LEN_ERR, 4);
	expect_names(f.cq, f.qp->qp_num, 0);
	expect_names(f.peer_cq, f.peer->qp_num, 0);
}

static void test_shared_queue(void **state)
{
	struct ibv_srq_init_attr init = { .attr = { .max_wr = 8, .max_sge = 1 } };
	struct ibv_srq *srq = ibv_create_srq(f.pd, &init);
	struct ibv_qp_init_attr attr = { .send_cq = f.peer_cq,
					 .recv_cq = f.peer_cq,
					 .srq = srq,
					 .cap = { 4, 0, 1, 0, 0 },
					 .qp_type = IBV_QPT_RC };
	struct ibv_qp_attr reset = { .qp_state = IBV_QPS_RESET };
	struct mlx5dv_srq dv = { .comp_mask = MLX5DV_SRQ_MASK_SRQN };
	struct mlx5dv_obj obj = { .srq = { .in = srq, .out = &dv } };
	struct ibv_qp *qp;

	(void)state;
	assert_non_null(srq);
	assert_int_equal(mlx5dv_init_obj(&obj, MLX5DV_OBJ_SRQ), 0);
	assert_true(dv.comp_mask & MLX5DV_SRQ_MASK_SRQN);
	qp = ibv_create_qp(f.pd, &attr);
	assert_non_null(qp);
	assert_int_equal(ibv_modify_qp(f.qp, &reset, IBV_QP_STATE), 0);
	link_connect(f.qp, qp->qp_num);
	link_connect(qp, f.qp->qp_num);
	send_to(srq, IBV_WC_SUCCESS, 64);
	expect_names(f.peer_cq, qp->qp_num, dv.srqn);
	assert_int_equal(ibv_destroy_qp(qp), 0);
	assert_int_equal(ibv_destroy_srq(srq), 0);
}

#define TEST(name) LINK_TEST(name, &f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_announced),
		TEST(test_own_queue),
		TEST(test_error),
		TEST(test_shared_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
