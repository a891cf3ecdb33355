/* SPDX-License-Identifier: MIT */
/*
 * Payload in completions below the real libmlx5: which completions have it, by a look at the ring, and
 * that ibv_poll_cq() and ibv_start_poll() find it and copy it to where the works said. One RC queue pair
 * connected to itself.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>
#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

#include "link.h"

enum { BUFFER_SIZE = 4096, WORKS = 64, CQES = 32, WAIT_MS = 20000, ACCESS = 0xf };
enum { SOURCE = 0, TARGET = 1024 };

struct options {
	uint16_t cqe_size;
	uint32_t create_flags; /* MLX5DV_QP_CREATE_* */
	bool sig_all, srq, extended;
};

static struct {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	struct ibv_cq_ex *cq;
	struct ibv_srq *srq;
	struct ibv_qp *qp;
	struct mlx5dv_cq ring;
	uint32_t seen; /* completions */
	bool extended;
	_Alignas(64) uint8_t buffer[BUFFER_SIZE];
} f;

static void create_cq(const struct options *o)
{
	struct ibv_cq_init_attr_ex attr = { .cqe = CQES - 1 };
	struct mlx5dv_cq_init_attr dv_attr = {
		.comp_mask = MLX5DV_CQ_INIT_ATTR_MASK_CQE_SIZE,
		.cqe_size = o->cqe_size,
	};
	struct mlx5dv_obj obj = { .cq = { .out = &f.ring } };

	f.cq = mlx5dv_create_cq(f.ctx, &attr, &dv_attr);
	assert_non_null(f.cq);
	obj.cq.in = ibv_cq_ex_to_cq(f.cq);
	assert_int_equal(mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ), 0);
	assert_int_equal(f.ring.cqe_cnt, CQES);
	f.seen = 0;
	f.extended = o->extended;
}

static void create_qp(const struct options *o)
{
	struct ibv_srq_init_attr srq_attr = { .attr = { .max_wr = WORKS, .max_sge = 3 } };
	struct ibv_qp_init_attr_ex init = {
		.send_cq = ibv_cq_ex_to_cq(f.cq),
		.recv_cq = ibv_cq_ex_to_cq(f.cq),
		.cap = { .max_send_wr = WORKS,
			 .max_recv_wr = WORKS,
			 .max_send_sge = 3,
			 .max_recv_sge = 3 },
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = o->sig_all,
		.comp_mask = IBV_QP_INIT_ATTR_PD,
		.pd = f.pd,
	};
	struct mlx5dv_qp_init_attr dv_init = {
		.comp_mask = MLX5DV_QP_INIT_ATTR_MASK_QP_CREATE_FLAGS,
		.create_flags = o->create_flags,
	};

	f.srq = NULL;
	if (o->srq) {
		init.srq = f.srq = ibv_create_srq(f.pd, &srq_attr);
		assert_non_null(f.srq);
	}
	f.qp = mlx5dv_create_qp(f.ctx, &init, &dv_init);
	assert_non_null(f.qp);
}

static void set_up(const struct options *o)
{
	f.ctx = link_open_device();
	f.pd = ibv_alloc_pd(f.ctx);
	f.mr = ibv_reg_mr(f.pd, f.buffer, BUFFER_SIZE, ACCESS);
	assert_non_null(f.mr);
	for (unsigned i = 0; i < TARGET; i++)
		f.buffer[SOURCE + i] = (uint8_t)(i * 7 + 1);
	create_cq(o);
	create_qp(o);
	link_connect(f.qp, f.qp->qp_num);
}

static void tear_down(void)
{
	assert_int_equal(ibv_destroy_qp(f.qp), 0);
	if (f.srq)
		assert_int_equal(ibv_destroy_srq(f.srq), 0);
	assert_int_equal(ibv_destroy_cq(ibv_cq_ex_to_cq(f.cq)), 0);
	assert_int_equal(ibv_dereg_mr(f.mr), 0);
	assert_int_equal(ibv_dealloc_pd(f.pd), 0);
	assert_int_equal(ibv_close_device(f.ctx), 0);
}

/* ---- completions ---- */

/* op_own 3:2 of the next completion. */
static unsigned next_format(void)
{
	const uint8_t *const entry =
		(const uint8_t *)f.ring.buf + (size_t)(f.seen++ % CQES + 1) * f.ring.cqe_size - 1;

	return __atomic_load_n(entry, __ATOMIC_ACQUIRE) >> 2 & 3;
}

static void poll_classic(struct ibv_wc *wc)
{
	int n, tries = WAIT_MS;

	while ((n = ibv_poll_cq(ibv_cq_ex_to_cq(f.cq), 1, wc)) == 0 && tries-- > 0)
		usleep(1000);
	assert_int_equal(n, 1);
}

static void poll_extended(struct ibv_wc *wc)
{
	struct ibv_poll_cq_attr attr = { 0 };
	int rc, tries = WAIT_MS;

	while ((rc = ibv_start_poll(f.cq, &attr)) == ENOENT && tries-- > 0)
		usleep(1000);
	assert_int_equal(rc, 0);
	wc->status = f.cq->status;
	wc->wr_id = f.cq->wr_id;
	wc->opcode = ibv_wc_read_opcode(f.cq);
	ibv_end_poll(f.cq);
}

/* Polls the completion of @wr_id, which must be of this format. */
static void expect(uint64_t wr_id, unsigned format)
{
	struct ibv_wc wc;

	if (f.extended)
		poll_extended(&wc);
	else
		poll_classic(&wc);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.wr_id, wr_id);
	assert_int_equal(next_format(), format);
}

/* ---- works ---- */

enum { RECV_ID = 7, SEND_ID = 9 };

/* Three pieces with a gap behind each; of @length bytes together, or more. */
static void target_list(struct ibv_sge sge[3], uint32_t length)
{
	const uint32_t part[3] = { length / 3, length / 2, length };

	for (unsigned i = 0; i < 3; i++)
		sge[i] = (struct ibv_sge){ (uintptr_t)f.buffer + TARGET + i * 256, part[i],
					   f.mr->lkey };
	memset(f.buffer + TARGET, 0, 1024);
}

static void expect_scattered(uint32_t length)
{
	const uint32_t part[3] = { length / 3, length / 2, length - length / 3 - length / 2 };
	const uint8_t *source = f.buffer + SOURCE;

	for (unsigned i = 0; i < 3; i++) {
		assert_memory_equal(f.buffer + TARGET + i * 256, source, part[i]);
		assert_int_equal(f.buffer[TARGET + i * 256 + part[i]], 0);
		source += part[i];
	}
}

static void post_recv(uint32_t length)
{
	struct ibv_sge sge[3];
	struct ibv_recv_wr *bad,
		wr = { .wr_id = RECV_ID, .sg_list = sge, .num_sge = length ? 3 : 0 };

	target_list(sge, length);
	assert_int_equal(
		f.srq ? ibv_post_srq_recv(f.srq, &wr, &bad) : ibv_post_recv(f.qp, &wr, &bad), 0);
}

static void post(enum ibv_wr_opcode opcode, unsigned flags, struct ibv_sge *sge, int nsge)
{
	struct ibv_send_wr *bad, wr = {
		.wr_id = SEND_ID,
		.sg_list = sge,
		.num_sge = nsge,
		.opcode = opcode,
		.send_flags = flags,
	};

	if (opcode == IBV_WR_ATOMIC_FETCH_AND_ADD) {
		wr.wr.atomic.remote_addr = (uintptr_t)f.buffer + SOURCE;
		wr.wr.atomic.rkey = f.mr->rkey;
	} else if (opcode == IBV_WR_RDMA_READ) {
		wr.wr.rdma.remote_addr = (uintptr_t)f.buffer + SOURCE;
		wr.wr.rdma.rkey = f.mr->rkey;
	}
	assert_int_equal(ibv_post_send(f.qp, &wr, &bad), 0);
}

static void send_one(uint32_t length, unsigned format)
{
	struct ibv_sge source = { (uintptr_t)f.buffer + SOURCE, length, f.mr->lkey };

	post_recv(length);
	post(IBV_WR_SEND, 0, &source, length ? 1 : 0);
	expect(RECV_ID, format);
	expect_scattered(length);
}

/* In as many pieces as a receive. */
static void read_one(uint32_t length, unsigned format)
{
	struct ibv_sge sge[3];

	target_list(sge, length);
	sge[2].length = length - sge[0].length - sge[1].length;
	post(IBV_WR_RDMA_READ, IBV_SEND_SIGNALED, sge, 3);
	expect(SEND_ID, format);
	expect_scattered(length);
}

static void fetch_one(unsigned format)
{
	struct ibv_sge sge = { (uintptr_t)f.buffer + TARGET, 8, f.mr->lkey };

	memset(f.buffer + TARGET, 0, 16);
	post(IBV_WR_ATOMIC_FETCH_AND_ADD, IBV_SEND_SIGNALED, &sge, 1);
	expect(SEND_ID, format);
	assert_memory_equal(f.buffer + TARGET, f.buffer + SOURCE, 8);
	assert_int_equal(f.buffer[TARGET + 8], 0);
}

/* ---- tests ---- */

/* By default: received messages, and not what a requester fetches. */
static void by_default(void **state)
{
	(void)state;
	for (unsigned way = 0; way < 4; way++) {
		set_up(&(struct options){ .cqe_size = 64, .extended = way & 1, .srq = way & 2 });
		for (uint32_t length = 6; length <= 34; length++)
			send_one(length, length <= 32 ? 1 : 0);
		send_one(0, 0);
		read_one(12, 0);
		fetch_one(0);
		tear_down();
	}
}

static void long_entries(void **state)
{
	(void)state;
	for (unsigned way = 0; way < 4; way++) {
		set_up(&(struct options){ .cqe_size = 128, .extended = way & 1, .srq = way & 2 });
		for (uint32_t length = 6; length <= 66; length += 3)
			send_one(length, length <= 64 ? 2 : 0);
		read_one(12, 0);
		tear_down();
	}
}

/* Where each work of a requester completes, or where the program allows it. */
static void fetched(void **state)
{
	(void)state;
	for (unsigned way = 0; way < 4; way++) {
		set_up(&(struct options){
			.cqe_size = 64,
			.extended = way & 1,
			.sig_all = way & 2,
			.create_flags = way & 2 ? 0 : MLX5DV_QP_CREATE_ALLOW_SCATTER_TO_CQE,
		});
		/* More than go round the rings: lists, too, begin again where they end. */
		for (unsigned i = 0; i < 300; i++)
			read_one(6 + i % 35, 6 + i % 35 <= 32 ? 1 : 0);
		fetch_one(1);
		tear_down();
	}
}

static void disabled(void **state)
{
	(void)state;
	set_up(&(struct options){ .cqe_size = 64,
				  .sig_all = true,
				  .create_flags = MLX5DV_QP_CREATE_DISABLE_SCATTER_TO_CQE });
	read_one(12, 0);
	fetch_one(0);
	tear_down();
	setenv("MLX5_SCATTER_TO_CQE", "0", 1);
	set_up(&(struct options){ .cqe_size = 64 });
	send_one(12, 0);
	tear_down();
	unsetenv("MLX5_SCATTER_TO_CQE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_default),
		cmocka_unit_test(long_entries),
		cmocka_unit_test(fetched),
		cmocka_unit_test(disabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
