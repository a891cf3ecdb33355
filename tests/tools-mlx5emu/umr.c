/* SPDX-License-Identifier: MIT */
/* Keys made by libmlx5's own calls, and bound to lists of ranges by requests of a send queue. */
#include "link.h"

#include <string.h>
#include <infiniband/mlx5dv.h>

enum { PARTS = 3, PART = 40 };

static struct ibv_qp *make_qp(struct link *link)
{
	struct ibv_qp_init_attr_ex attr = {
		.send_cq = link->cq,
		.recv_cq = link->cq,
		.cap = { .max_send_wr = 8, .max_recv_wr = 1, .max_send_sge = 4, .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = link->pd,
		.send_ops_flags = IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_LOCAL_INV,
	};
	struct mlx5dv_qp_init_attr dv = {
		.comp_mask = MLX5DV_QP_INIT_ATTR_MASK_SEND_OPS_FLAGS,
		.send_ops_flags = MLX5DV_QP_EX_WITH_MR_LIST,
	};
	struct ibv_qp *qp = mlx5dv_create_qp(link->ctx, &attr, &dv);

	assert_non_null(qp);
	link_connect(qp, qp->qp_num);
	return qp;
}

static void bind_list(struct link *link, struct ibv_qp *qp, struct mlx5dv_mkey *key)
{
	struct ibv_sge parts[PARTS];
	struct ibv_qp_ex *ex = ibv_qp_to_qp_ex(qp);
	struct mlx5dv_qp_ex *dv = mlx5dv_qp_ex_from_ibv_qp_ex(ex);

	for (unsigned i = 0; i < PARTS; i++)
		parts[i] = (struct ibv_sge){ (uintptr_t)link->buffer + 3000 - 1000 * i, PART,
					     link->mr->lkey };
	ibv_wr_start(ex);
	ex->wr_flags = IBV_SEND_INLINE;
	mlx5dv_wr_mr_list(dv, key, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE, PARTS, parts);
	ex->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_rdma_write(ex, key->rkey, 0);
	ibv_wr_set_sge(ex, link->mr->lkey, (uintptr_t)link->buffer, PARTS * PART);
	assert_int_equal(ibv_wr_complete(ex), 0);
}

static void test_list(void **state)
{
	struct mlx5dv_mkey_init_attr attr = {
		.create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT,
		.max_entries = PARTS,
	};
	struct mlx5dv_mkey *key;
	struct link link;
	struct ibv_qp *qp;

	(void)state;
	link_set_up(&link, LINK_ACCESS_ALL);
	attr.pd = link.pd;
	key = mlx5dv_create_mkey(&attr);
	assert_non_null(key);
	qp = make_qp(&link);
	for (unsigned i = 0; i < PARTS * PART; i++)
		link.buffer[i] = (char)i;
	bind_list(&link, qp, key);
	assert_int_equal(link_wait(link.cq).status, IBV_WC_SUCCESS);
	for (unsigned i = 0; i < PARTS; i++)
		assert_memory_equal(link.buffer + 3000 - 1000 * i, link.buffer + i * PART, PART);
	assert_int_equal(ibv_destroy_qp(qp), 0);
	assert_int_equal(mlx5dv_destroy_mkey(key), 0);
	link_tear_down(&link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
