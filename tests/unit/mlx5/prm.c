/* SPDX-License-Identifier: MIT */
/*
 * Our layouts against those of <infiniband/mlx5dv.h>: every segment that its own setters write, every
 * field of a completion, every constant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <infiniband/mlx5dv.h>

#include "providers/mlx5/prm.h"

static void segments(void **state)
{
	struct mlx5_wqe_ctrl_seg ctrl = { 0 };
	struct mlx5_wqe_data_seg data = { 0 };
	struct prm_seg seg;

	(void)state;
	mlx5dv_set_ctrl_seg(&ctrl, 0xfedc, MLX5_OPCODE_RDMA_WRITE_IMM, 0, 0x123456,
			    MLX5_WQE_CTRL_CQ_UPDATE | MLX5_WQE_CTRL_SOLICITED | MLX5_WQE_CTRL_FENCE,
			    19, 0, htobe32(0xcafe0001));
	seg = prm_ctrl(0xfedc, PRM_OPCODE_WRITE_IMM, 0x123456 << 8, 19,
		       PRM_CTRL_CQ_UPDATE | PRM_CTRL_SOLICITED | PRM_CTRL_FENCE, 0xcafe0001);
	assert_int_equal(sizeof(ctrl), sizeof(seg));
	assert_memory_equal(&ctrl, &seg, sizeof(seg));

	mlx5dv_set_data_seg(&data, 0x7fffffff, 0x01020304, 0x1122334455667788);
	seg = prm_data(0x1122334455667788, 0x7fffffff, 0x01020304);
	assert_int_equal(sizeof(data), sizeof(seg));
	assert_memory_equal(&data, &seg, sizeof(seg));

	mlx5dv_set_data_seg(&data, 0, MLX5_INVALID_LKEY, 0);
	seg = prm_list_end();
	assert_memory_equal(&data, &seg, sizeof(seg));
}

static void remote_and_inline(void **state)
{
	const struct mlx5_wqe_raddr_seg raddr = {
		.raddr = htobe64(0x1122334455667788),
		.rkey = htobe32(0xa1b2c3d4),
	};
	const struct prm_seg seg = prm_raddr(0x1122334455667788, 0xa1b2c3d4);

	(void)state;
	assert_int_equal(sizeof(raddr), sizeof(seg));
	assert_memory_equal(&raddr, &seg, sizeof(seg));
	assert_int_equal(sizeof(struct mlx5_wqe_inl_data_seg), PRM_INLINE_HEAD);
	assert_int_equal(prm_inline_head(77), MLX5_INLINE_SEG | 77);
	assert_int_equal(prm_inline_ds(0), 0);
	assert_int_equal(prm_inline_ds(1), 1);
	assert_int_equal(prm_inline_ds(12), 1);
	assert_int_equal(prm_inline_ds(13), 2);
	assert_int_equal(prm_inline_ds(28), 2);
	assert_int_equal(prm_inline_ds(29), 3);
}

static void completion(void **state)
{
	struct mlx5_cqe64 cqe = {
		.byte_cnt = htobe32(0x01020304),
		.imm_inval_pkey = htobe32(0x05060708),
		.sop_drop_qpn = htobe32(0x08123456),
		.wqe_counter = htobe16(0x9abc),
		.signature = 0x77,
		.op_own = 0xd1,
	};
	const struct prm_cqe *ours = (const void *)&cqe;
	const uint64_t tail = bv_from_be64(ours->tail);

	(void)state;
	assert_int_equal(sizeof(cqe), sizeof(*ours));
	assert_int_equal(offsetof(struct mlx5_cqe64, srqn_uidx), offsetof(struct prm_cqe, uidx));
	assert_int_equal(offsetof(struct mlx5_cqe64, timestamp), offsetof(struct prm_cqe, stamp));
	assert_int_equal(bv_from_be32(ours->byte_cnt), 0x01020304);
	assert_int_equal(bv_from_be32(ours->imm), 0x05060708);
	assert_int_equal(prm_tail_wqe_opcode(tail), 0x08);
	assert_int_equal(tail >> 32 & 0xffffff, 0x123456);
	assert_int_equal(prm_tail_wqe_index(tail), 0x9abc);
	assert_int_equal(prm_tail_op_own(tail), 0xd1);
	assert_int_equal(mlx5dv_get_cqe_opcode(&cqe), PRM_CQE_REQ_ERR);
	assert_int_equal(mlx5dv_get_cqe_owner(&cqe), prm_tail_op_own(tail) & PRM_CQE_OWNER);
}

static void error_completion(void **state)
{
	struct mlx5_err_cqe cqe = { .vendor_err_synd = 0x81, .syndrome = 0x13 };
	const struct prm_cqe *ours = (const void *)&cqe;

	(void)state;
	assert_int_equal(sizeof(cqe), sizeof(*ours));
	assert_int_equal(bv_from_be64(ours->stamp) & 0xffff, 0x8113);
	assert_int_equal(offsetof(struct mlx5_err_cqe, wqe_counter),
			 offsetof(struct mlx5_cqe64, wqe_counter));
}

#define SAME(ours, theirs)          \
	{                           \
#ours, ours, theirs \
	}
static const struct {
	const char *name;
	unsigned ours;
	unsigned theirs;
} constants[] = {
	SAME(PRM_OPCODE_WRITE, MLX5_OPCODE_RDMA_WRITE),
	SAME(PRM_OPCODE_WRITE_IMM, MLX5_OPCODE_RDMA_WRITE_IMM),
	SAME(PRM_OPCODE_SEND, MLX5_OPCODE_SEND),
	SAME(PRM_OPCODE_SEND_IMM, MLX5_OPCODE_SEND_IMM),
	SAME(PRM_OPCODE_READ, MLX5_OPCODE_RDMA_READ),
	SAME(PRM_CTRL_SOLICITED, MLX5_WQE_CTRL_SOLICITED),
	SAME(PRM_CTRL_CQ_UPDATE, MLX5_WQE_CTRL_CQ_UPDATE),
	SAME(PRM_CTRL_FENCE, MLX5_WQE_CTRL_FENCE),
	SAME(PRM_DBREC_RECV, MLX5_RCV_DBR),
	SAME(PRM_DBREC_SEND, MLX5_SND_DBR),
	SAME(PRM_CQE_REQ, MLX5_CQE_REQ),
	SAME(PRM_CQE_RESP_WRITE_IMM, MLX5_CQE_RESP_WR_IMM),
	SAME(PRM_CQE_RESP_SEND, MLX5_CQE_RESP_SEND),
	SAME(PRM_CQE_RESP_SEND_IMM, MLX5_CQE_RESP_SEND_IMM),
	SAME(PRM_CQE_REQ_ERR, MLX5_CQE_REQ_ERR),
	SAME(PRM_CQE_RESP_ERR, MLX5_CQE_RESP_ERR),
	SAME(PRM_CQE_INVALID, MLX5_CQE_INVALID),
	SAME(PRM_CQE_OWNER, MLX5_CQE_OWNER_MASK),
	SAME(PRM_CQE_SCATTER, MLX5_INLINE_SCATTER_32 | MLX5_INLINE_SCATTER_64),
	SAME(PRM_SYNDROME_LOCAL_LENGTH, MLX5_CQE_SYNDROME_LOCAL_LENGTH_ERR),
	SAME(PRM_SYNDROME_LOCAL_QP_OPERATION, MLX5_CQE_SYNDROME_LOCAL_QP_OP_ERR),
	SAME(PRM_SYNDROME_LOCAL_PROTECTION, MLX5_CQE_SYNDROME_LOCAL_PROT_ERR),
	SAME(PRM_SYNDROME_FLUSH, MLX5_CQE_SYNDROME_WR_FLUSH_ERR),
	SAME(PRM_SYNDROME_MW_BIND, MLX5_CQE_SYNDROME_MW_BIND_ERR),
	SAME(PRM_SYNDROME_BAD_RESPONSE, MLX5_CQE_SYNDROME_BAD_RESP_ERR),
	SAME(PRM_SYNDROME_LOCAL_ACCESS, MLX5_CQE_SYNDROME_LOCAL_ACCESS_ERR),
	SAME(PRM_SYNDROME_REMOTE_INVALID_REQUEST, MLX5_CQE_SYNDROME_REMOTE_INVAL_REQ_ERR),
	SAME(PRM_SYNDROME_REMOTE_ACCESS, MLX5_CQE_SYNDROME_REMOTE_ACCESS_ERR),
	SAME(PRM_SYNDROME_REMOTE_OPERATION, MLX5_CQE_SYNDROME_REMOTE_OP_ERR),
	SAME(PRM_SYNDROME_RETRY_EXCEEDED, MLX5_CQE_SYNDROME_TRANSPORT_RETRY_EXC_ERR),
	SAME(PRM_SYNDROME_RNR_RETRY_EXCEEDED, MLX5_CQE_SYNDROME_RNR_RETRY_EXC_ERR),
	SAME(PRM_SYNDROME_REMOTE_ABORTED, MLX5_CQE_SYNDROME_REMOTE_ABORTED_ERR),
};

static void every_constant(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
		if (constants[i].ours != constants[i].theirs)
			fail_msg("%s is %#x, mlx5dv.h has %#x", constants[i].name,
				 constants[i].ours, constants[i].theirs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments),       cmocka_unit_test(remote_and_inline),
		cmocka_unit_test(completion),     cmocka_unit_test(error_completion),
		cmocka_unit_test(every_constant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
