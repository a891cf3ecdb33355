/* SPDX-License-Identifier: MIT */
/*
 * Kinds of completion queues below the real libmlx5: compressed, padded, moderated, and such that ignore
 * overruns; and that the device says of itself what it has of them. libmlx5 makes compressed queues but
 * does not read them: programs do, from the ring. One RC queue pair connected to itself, in manual mode.
 */
#include <dlfcn.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

#include "link.h"

enum { BUFFER_SIZE = 4096, WORKS = 256, ACCESS = 0xf, COMPRESSED = 3, MINIS = 8 };

static struct {
	unsigned (*step)(void);
	void (*advance_ns)(uint64_t ns);
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	struct ibv_comp_channel *channel;
	struct ibv_cq_ex *cq;
	struct ibv_qp *qp;
	struct mlx5dv_cq ring;
	uint32_t ci;
	_Alignas(64) uint8_t buffer[BUFFER_SIZE];
} f;

static void step(void)
{
	while (f.step())
		;
}

static int set_up(void **state)
{
	(void)state;
	*(void **)(void *)&f.step = dlsym(RTLD_DEFAULT, "mlx5emu_step");
	*(void **)(void *)&f.advance_ns = dlsym(RTLD_DEFAULT, "mlx5emu_advance_ns");
	assert_true(f.step && f.advance_ns);
	f.ctx = link_open_device();
	f.pd = ibv_alloc_pd(f.ctx);
	f.mr = ibv_reg_mr(f.pd, f.buffer, BUFFER_SIZE, ACCESS);
	f.channel = ibv_create_comp_channel(f.ctx);
	assert_true(f.pd && f.mr && f.channel);
	f.cq = NULL;
	f.qp = NULL;
	return 0;
}

static void queues_destroy(void)
{
	if (f.qp)
		assert_int_equal(ibv_destroy_qp(f.qp), 0);
	if (f.cq)
		assert_int_equal(ibv_destroy_cq(ibv_cq_ex_to_cq(f.cq)), 0);
	f.qp = NULL;
	f.cq = NULL;
}

static int tear_down(void **state)
{
	(void)state;
	queues_destroy();
	assert_int_equal(ibv_destroy_comp_channel(f.channel), 0);
	assert_int_equal(ibv_dereg_mr(f.mr), 0);
	assert_int_equal(ibv_dealloc_pd(f.pd), 0);
	assert_int_equal(ibv_close_device(f.ctx), 0);
	return 0;
}

static void qp_create(void)
{
	struct ibv_qp_init_attr init = {
		.send_cq = ibv_cq_ex_to_cq(f.cq),
		.recv_cq = ibv_cq_ex_to_cq(f.cq),
		.cap = { .max_send_wr = WORKS,
			 .max_recv_wr = WORKS,
			 .max_send_sge = 1,
			 .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
	};

	f.qp = ibv_create_qp(f.pd, &init);
	assert_non_null(f.qp);
	link_connect(f.qp, f.qp->qp_num);
}

/* Anew, with @cqe entries or more. 0, or errno: then there are none. */
static int queues_create(struct mlx5dv_cq_init_attr *dv_attr, int cqe, uint32_t flags)
{
	struct ibv_cq_init_attr_ex attr = {
		.cqe = (uint32_t)cqe,
		.channel = f.channel,
		.comp_mask = IBV_CQ_INIT_ATTR_MASK_FLAGS,
		.flags = flags,
	};
	struct mlx5dv_obj obj = { .cq = { .out = &f.ring } };

	queues_destroy();
	f.cq = mlx5dv_create_cq(f.ctx, &attr, dv_attr);
	if (!f.cq)
		return errno;
	obj.cq.in = ibv_cq_ex_to_cq(f.cq);
	assert_int_equal(mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ), 0);
	f.ci = 0;
	qp_create();
	return 0;
}

static void receive(unsigned n)
{
	struct ibv_sge sge = { (uintptr_t)f.buffer + 1024, 1024, f.mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };

	while (n--)
		assert_int_equal(ibv_post_recv(f.qp, &wr, &bad), 0);
}

static void send(uint32_t length, unsigned flags)
{
	struct ibv_sge sge = { (uintptr_t)f.buffer, length, f.mr->lkey };
	struct ibv_send_wr *bad, wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
		.send_flags = flags,
	};

	assert_int_equal(ibv_post_send(f.qp, &wr, &bad), 0);
}

/* ---- a reader of rings ---- */

static struct mlx5_cqe64 *entry(uint32_t index)
{
	uint8_t *const ring = f.ring.buf;

	return (struct mlx5_cqe64 *)(void *)(ring +
					     (size_t)(index & (f.ring.cqe_cnt - 1)) *
						     f.ring.cqe_size +
					     f.ring.cqe_size - 64);
}

/* The next @n completions are received messages of @length, @length + 1 ... bytes, in one block. */
static void expect_block(uint32_t length, unsigned n)
{
	struct mlx5_cqe64 *const title = entry(f.ci);

	assert_int_equal(title->op_own,
			 MLX5_CQE_RESP_SEND << 4 | COMPRESSED << 2 | !!(f.ci & f.ring.cqe_cnt));
	assert_int_equal(be32toh(title->byte_cnt), n);
	for (unsigned i = 0; i < n; i++) {
		const uint32_t *const mini = (const uint32_t *)(const void *)entry(
			f.ci + (i < MINIS ? 1 : i / MINIS * MINIS));

		assert_int_equal(be32toh(mini[2 * (i % MINIS) + 1]), length + i);
	}
	for (unsigned i = 0; i < n; i++)
		entry(f.ci + i)->op_own = !!((f.ci + i) & f.ring.cqe_cnt);
	f.ci += n;
	__atomic_store_n(f.ring.dbrec, htobe32(f.ci & 0xffffff), __ATOMIC_RELEASE);
}

/* ---- tests ---- */

static void announced(void **state)
{
	struct mlx5dv_context dv = { .comp_mask = MLX5DV_CONTEXT_MASK_CQE_COMPRESION };
	struct ibv_device_attr_ex attr;

	(void)state;
	assert_int_equal(mlx5dv_query_device(f.ctx, &dv), 0);
	assert_int_equal(dv.comp_mask, MLX5DV_CONTEXT_MASK_CQE_COMPRESION);
	assert_int_equal(dv.cqe_comp_caps.max_num, 64);
	assert_int_equal(dv.cqe_comp_caps.supported_format,
			 MLX5DV_CQE_RES_FORMAT_HASH | MLX5DV_CQE_RES_FORMAT_CSUM);
	assert_true(dv.flags & MLX5DV_CONTEXT_FLAGS_CQE_128B_COMP);
	assert_true(dv.flags & MLX5DV_CONTEXT_FLAGS_CQE_128B_PAD);
	assert_int_equal(ibv_query_device_ex(f.ctx, NULL, &attr), 0);
	assert_int_equal(attr.cq_mod_caps.max_cq_count, 0xffff);
	assert_int_equal(attr.cq_mod_caps.max_cq_period, 0xfff);
}

static void compressed(void **state)
{
	static const uint8_t formats[] = { MLX5DV_CQE_RES_FORMAT_HASH, MLX5DV_CQE_RES_FORMAT_CSUM };

	(void)state;
	for (unsigned way = 0; way < 4; way++) {
		struct mlx5dv_cq_init_attr attr = {
			.comp_mask = MLX5DV_CQ_INIT_ATTR_MASK_COMPRESSED_CQE |
				     MLX5DV_CQ_INIT_ATTR_MASK_CQE_SIZE,
			.cqe_comp_res_format = formats[way & 1],
			.cqe_size = way & 2 ? 128 : 64,
		};

		assert_int_equal(queues_create(&attr, 31, 0), 0);
		for (unsigned lap = 0; lap < 20; lap++) {
			receive(10);
			for (unsigned i = 0; i < 10; i++)
				send(100 + i, 0);
			step();
			expect_block(100, 10);
		}
	}
}

static void formats_that_are_none(void **state)
{
	struct mlx5dv_cq_init_attr attr = {
		.comp_mask = MLX5DV_CQ_INIT_ATTR_MASK_COMPRESSED_CQE,
		.cqe_comp_res_format = MLX5DV_CQE_RES_FORMAT_CSUM_STRIDX,
	};

	(void)state;
	assert_int_equal(queues_create(&attr, 31, 0), EINVAL);
	/* libmlx5 lets this one pass, since one bit of it is announced. */
	attr.cqe_comp_res_format |= MLX5DV_CQE_RES_FORMAT_CSUM;
	assert_int_equal(queues_create(&attr, 31, 0), EINVAL);
}

static void padded(void **state)
{
	struct mlx5dv_cq_init_attr attr = {
		.comp_mask = MLX5DV_CQ_INIT_ATTR_MASK_FLAGS | MLX5DV_CQ_INIT_ATTR_MASK_CQE_SIZE,
		.flags = MLX5DV_CQ_INIT_ATTR_FLAGS_CQE_PAD,
		.cqe_size = 128,
	};
	static const uint8_t zeros[64];
	struct ibv_wc wc;

	(void)state;
	assert_int_equal(queues_create(&attr, 31, 0), 0);
	memset(f.ring.buf, 0x55, 64);
	receive(1);
	send(100, 0);
	step();
	assert_memory_equal(f.ring.buf, zeros, 64);
	assert_int_equal(ibv_poll_cq(ibv_cq_ex_to_cq(f.cq), 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.byte_len, 100);
}

static void overruns_ignored(void **state)
{
	struct mlx5dv_cq_init_attr attr = { 0 };
	struct ibv_async_event event;
	struct ibv_wc wc[8];

	(void)state;
	assert_int_equal(queues_create(&attr, 7, IBV_CREATE_CQ_ATTR_IGNORE_OVERRUN), 0);
	receive(12);
	for (unsigned i = 0; i < 12; i++)
		send(100 + i, 0);
	step();
	/* Four were overwritten, and the others are of the ring's second lap: to be found as from there. */
	assert_int_equal(be32toh(entry(0)->byte_cnt), 108);
	assert_int_equal(be32toh(entry(7)->byte_cnt), 107);
	assert_int_equal(fcntl(f.ctx->async_fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(ibv_get_async_event(f.ctx, &event), -1);
	assert_int_equal(ibv_poll_cq(ibv_cq_ex_to_cq(f.cq), 8, wc), 0);
}

static bool has_event(void)
{
	struct pollfd p = { .fd = f.channel->fd, .events = POLLIN };
	struct ibv_cq *cq;
	void *context;

	if (poll(&p, 1, 0) != 1)
		return false;
	assert_int_equal(ibv_get_cq_event(f.channel, &cq, &context), 0);
	ibv_ack_cq_events(cq, 1);
	return true;
}

static void moderated(void **state)
{
	struct mlx5dv_cq_init_attr attr = { 0 };
	struct ibv_modify_cq_attr mod = {
		.attr_mask = IBV_CQ_ATTR_MODERATE,
		.moderate = { .cq_count = 3, .cq_period = 50 },
	};

	(void)state;
	assert_int_equal(queues_create(&attr, 31, 0), 0);
	assert_int_equal(ibv_modify_cq(ibv_cq_ex_to_cq(f.cq), &mod), 0);
	assert_int_equal(ibv_req_notify_cq(ibv_cq_ex_to_cq(f.cq), 0), 0);
	receive(4);
	send(8, 0);
	send(8, 0);
	step();
	assert_false(has_event());
	send(8, 0);
	step();
	assert_true(has_event());
	assert_int_equal(ibv_req_notify_cq(ibv_cq_ex_to_cq(f.cq), 0), 0);
	send(8, 0);
	step();
	assert_false(has_event());
	f.advance_ns(50000);
	step();
	assert_true(has_event());
	mod.moderate.cq_period = 0x1000;
	assert_int_equal(ibv_modify_cq(ibv_cq_ex_to_cq(f.cq), &mod), EINVAL);
}

static int64_t apart_ns(uint64_t ns)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)(ns - ((uint64_t)wall.tv_sec * 1000000000 + (uint64_t)wall.tv_nsec));
}

/* The test's clock goes on by hand: a completion is as much later as it went. */
static void times_of_the_wall(void **state)
{
	const uint64_t hour_ns = UINT64_C(3600) * 1000000000, second_ns = 1000000000;
	struct ibv_cq_init_attr_ex attr = {
		.cqe = 8,
		.wc_flags = IBV_WC_EX_WITH_COMPLETION_TIMESTAMP |
			    IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK,
	};
	struct ibv_poll_cq_attr poll_attr = { 0 };
	struct mlx5dv_clock_info info;
	int64_t apart;

	(void)state;
	f.cq = ibv_create_cq_ex(f.ctx, &attr);
	assert_non_null(f.cq);
	qp_create();
	f.advance_ns(hour_ns);
	receive(1);
	send(8, IBV_SEND_SIGNALED);
	step();
	assert_int_equal(ibv_start_poll(f.cq, &poll_attr), 0);
	apart = apart_ns(ibv_wc_read_completion_wallclock_ns(f.cq)) - (int64_t)hour_ns;
	assert_true(apart > -(int64_t)(60 * second_ns) && apart <= 0);
	assert_int_equal(mlx5dv_get_clock_info(f.ctx, &info), 0);
	assert_int_equal(mlx5dv_ts_to_ns(&info, ibv_wc_read_completion_ts(f.cq)),
			 ibv_wc_read_completion_wallclock_ns(f.cq));
	ibv_end_poll(f.cq);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(announced),        TEST(compressed), TEST(formats_that_are_none), TEST(padded),
		TEST(overruns_ignored), TEST(moderated),  TEST(times_of_the_wall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
