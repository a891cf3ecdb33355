/* SPDX-License-Identifier: MIT */
/* Keys made by libmlx5's own calls, and bound to lists of ranges by requests of a send queue. */
#include "link.h"

#include <string.h>
#include <infiniband/mlx5dv.h>

enum {
	PARTS = 3,
	PART = 40,
	CYCLE = 3, /* bytes of a cycle: 1 and 2, side by side, one in every STRIDE left out */
	STRIDE = 4,
	CYCLES = 500,
	TARGET = 2048, /* where the first cycle lies in the buffer */
};

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
		.send_ops_flags = MLX5DV_QP_EX_WITH_MR_LIST | MLX5DV_QP_EX_WITH_MR_INTERLEAVED,
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

static struct mlx5dv_mkey *make_key(struct ibv_pd *pd, uint16_t entries)
{
	struct mlx5dv_mkey_init_attr attr = {
		.pd = pd,
		.create_flags = MLX5DV_MKEY_INIT_ATTR_FLAGS_INDIRECT,
		.max_entries = entries,
	};
	struct mlx5dv_mkey *key = mlx5dv_create_mkey(&attr);

	assert_non_null(key);
	return key;
}

/* A queue pair of both ends, and a key of its domain that a list makes something of. */
static void begin(struct link *link, struct ibv_qp **qp, struct mlx5dv_mkey **key)
{
	link_set_up(link, LINK_ACCESS_ALL);
	*key = make_key(link->pd, PARTS);
	*qp = make_qp(link);
}

static void end(struct link *link, struct ibv_qp *qp, struct mlx5dv_mkey *key)
{
	assert_int_equal(ibv_destroy_qp(qp), 0);
	assert_int_equal(mlx5dv_destroy_mkey(key), 0);
	link_tear_down(link);
}

/* To the peer, which then fails alone. */
static enum ibv_wc_status write_to(struct link *link, uint32_t rkey, uint64_t at)
{
	struct ibv_sge sge = { (uintptr_t)link->buffer, 8, link->mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = IBV_WR_RDMA_WRITE,
				  .send_flags = IBV_SEND_SIGNALED,
				  .wr.rdma = { at, rkey } };
	struct ibv_send_wr *bad;

	assert_int_equal(ibv_post_send(link->qp, &wr, &bad), 0);
	return link_wait(link->cq).status;
}

static void test_list(void **state)
{
	struct link link;
	struct mlx5dv_mkey *key;
	struct ibv_qp *qp;

	(void)state;
	begin(&link, &qp, &key);
	for (unsigned i = 0; i < PARTS * PART; i++)
		link.buffer[i] = (char)i;
	bind_list(&link, qp, key);
	assert_int_equal(link_wait(link.cq).status, IBV_WC_SUCCESS);
	for (unsigned i = 0; i < PARTS; i++)
		assert_memory_equal(link.buffer + 3000 - 1000 * i, link.buffer + i * PART, PART);
	end(&link, qp, key);
}

enum { BEYOND, STRADDLING, UNBOUND, DESTROYED, FAULTS };

/* What a key of a list refuses to a peer. */
static void refused_access(unsigned fault)
{
	static const uint64_t at[FAULTS] = {
		[BEYOND] = PARTS * PART, [STRADDLING] = PARTS * PART - 4
	};
	struct mlx5dv_mkey *key;
	struct link link;
	struct ibv_qp *qp;
	uint32_t rkey;

	link_set_up(&link, LINK_ACCESS_ALL);
	key = make_key(link.pd, PARTS);
	rkey = key->rkey;
	qp = make_qp(&link);
	if (fault != UNBOUND) {
		bind_list(&link, qp, key);
		assert_int_equal(link_wait(link.cq).status, IBV_WC_SUCCESS);
	}
	if (fault == DESTROYED)
		assert_int_equal(mlx5dv_destroy_mkey(key), 0);
	assert_int_equal(write_to(&link, rkey, at[fault]), IBV_WC_REM_ACCESS_ERR);
	assert_int_equal(ibv_destroy_qp(qp), 0);
	if (fault != DESTROYED)
		assert_int_equal(mlx5dv_destroy_mkey(key), 0);
	link_tear_down(&link);
}

static void test_refused_access(void **state)
{
	(void)state;
	for (unsigned fault = 0; fault < FAULTS; fault++)
		refused_access(fault);
}

/* A key of another protection domain: the request that would change it fails itself. */
static void test_refused_change(void **state)
{
	struct mlx5dv_mkey *key;
	struct link link;
	struct ibv_pd *pd;
	struct ibv_qp *qp;

	(void)state;
	link_set_up(&link, LINK_ACCESS_ALL);
	pd = ibv_alloc_pd(link.ctx);
	assert_non_null(pd);
	key = make_key(pd, PARTS);
	qp = make_qp(&link);
	bind_list(&link, qp, key);
	assert_int_equal(link_wait(link.cq).status, IBV_WC_MW_BIND_ERR);
	assert_int_equal(ibv_destroy_qp(qp), 0);
	assert_int_equal(mlx5dv_destroy_mkey(key), 0);
	assert_int_equal(ibv_dealloc_pd(pd), 0);
	link_tear_down(&link);
}

/* A write of all that the key covers, behind the request that makes it so. */
static enum ibv_wc_status write_interleaved(struct link *link, struct ibv_qp *qp,
					    struct mlx5dv_mkey *key, uint32_t cycles)
{
	const uint64_t target = (uintptr_t)link->buffer + TARGET;
	struct mlx5dv_mr_interleaved parts[] = {
		{ target, 1, STRIDE - 1, link->mr->lkey },
		{ target + 1, CYCLE - 1, STRIDE - CYCLE + 1, link->mr->lkey },
	};
	struct ibv_qp_ex *ex = ibv_qp_to_qp_ex(qp);
	struct mlx5dv_qp_ex *dv = mlx5dv_qp_ex_from_ibv_qp_ex(ex);

	for (unsigned i = 0; i < LINK_BYTES; i++)
		link->buffer[i] = (char)(i < TARGET ? i * 7 : 0xee);
	ibv_wr_start(ex);
	ex->wr_flags = IBV_SEND_INLINE;
	mlx5dv_wr_mr_interleaved(dv, key, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE, cycles,
				 2, parts);
	ex->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_rdma_write(ex, key->rkey, 0);
	ibv_wr_set_sge(ex, link->mr->lkey, (uintptr_t)link->buffer, cycles * CYCLE);
	assert_int_equal(ibv_wr_complete(ex), 0);
	return link_wait(link->cq).status;
}

static void expect_interleaved(const struct link *link, uint32_t cycles)
{
	for (unsigned i = 0; i < LINK_BYTES - TARGET; i++) {
		const unsigned cycle = i / STRIDE, part = i % STRIDE;
		const bool written = cycle < cycles && part < CYCLE;

		assert_int_equal((uint8_t)link->buffer[TARGET + i],
				 written ? (uint8_t)((cycle * CYCLE + part) * 7) : 0xee);
	}
}

static void test_interleaved(void **state)
{
	struct link link;
	struct mlx5dv_mkey *key;
	struct ibv_qp *qp;

	(void)state;
	begin(&link, &qp, &key);
	assert_int_equal(write_interleaved(&link, qp, key, 1), IBV_WC_SUCCESS);
	expect_interleaved(&link, 1);
	assert_int_equal(write_interleaved(&link, qp, key, CYCLES), IBV_WC_SUCCESS);
	expect_interleaved(&link, CYCLES);
	/* 8 bytes from the last of cycle 100 on */
	assert_int_equal(write_to(&link, key->rkey, 100 * CYCLE + 2), IBV_WC_SUCCESS);
	assert_int_equal((uint8_t)link.buffer[TARGET + 100 * STRIDE + 2], 0);
	assert_int_equal((uint8_t)link.buffer[TARGET + 100 * STRIDE + 3], 0xee);
	assert_int_equal((uint8_t)link.buffer[TARGET + 101 * STRIDE], 7);
	assert_int_equal((uint8_t)link.buffer[TARGET + 103 * STRIDE], 49);
	assert_int_equal((uint8_t)link.buffer[TARGET + 103 * STRIDE + 1],
			 (103 * CYCLE + 1) * 7 % 256);
	assert_int_equal(write_to(&link, key->rkey, CYCLES * CYCLE - 7), IBV_WC_REM_ACCESS_ERR);
	end(&link, qp, key);
}

/* The last cycle lies behind the region's end: not one byte is written. */
static void test_interleaved_too_far(void **state)
{
	const uint32_t cycles = (LINK_BYTES - TARGET) / STRIDE + 1;
	struct link link;
	struct mlx5dv_mkey *key;
	struct ibv_qp *qp;

	(void)state;
	begin(&link, &qp, &key);
	/* The responder is the same queue pair, and fails first. */
	assert_int_equal(write_interleaved(&link, qp, key, cycles), IBV_WC_WR_FLUSH_ERR);
	expect_interleaved(&link, 0);
	end(&link, qp, key);
}

/* A key of a list is invalidated once; then nothing is behind it. */
static void test_invalidation(void **state)
{
	struct link link;
	struct mlx5dv_mkey *key;
	struct ibv_qp_ex *ex;
	struct ibv_qp *qp;

	(void)state;
	begin(&link, &qp, &key);
	ex = ibv_qp_to_qp_ex(qp);
	bind_list(&link, qp, key);
	assert_int_equal(link_wait(link.cq).status, IBV_WC_SUCCESS);
	for (unsigned i = 0; i < 2; i++) {
		ibv_wr_start(ex);
		ex->wr_flags = IBV_SEND_SIGNALED;
		ibv_wr_local_inv(ex, key->rkey);
		assert_int_equal(ibv_wr_complete(ex), 0);
		assert_int_equal(link_wait(link.cq).status,
				 i ? IBV_WC_MW_BIND_ERR : IBV_WC_SUCCESS);
	}
	assert_int_equal(write_to(&link, key->rkey, 0), IBV_WC_REM_ACCESS_ERR);
	end(&link, qp, key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_refused_access),
		cmocka_unit_test(test_refused_change),
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_interleaved_too_far),
		cmocka_unit_test(test_invalidation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
