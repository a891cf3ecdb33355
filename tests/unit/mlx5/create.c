/* SPDX-License-Identifier: MIT */
/*
 * Taking over the objects of a channel, from a libmlx5 that the test plays: each of its calls fails,
 * and its queues come in every shape. What was made before is gone again, and the text says why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "core/provider.h"

#define WQES 512
#define CQES 1024

#define IBV_FUNCTION WRAP
#include "tests/unit/ibv_objects.h"

static struct {
	bool is_mlx5, cpu_suits;
	int udp_sport_rc;
	uint32_t qp_flags; /* what a queue pair is to be made with */
	struct mlx5dv_context caps;
	uint32_t max_msg_sz;
	int compressed, unchecked; /* completion queues that were asked for so */

	/* what mlx5dv_init_obj() tells; 0: what was asked for */
	uint32_t cqe_cnt, cqe_size;
	struct mlx5dv_qp qp;
} dv;

static _Alignas(1024) uint8_t cq_ring[2][CQES * 128], wqes[WQES * 64], recvs[WQES * 64], bf[1024];
static __be32 records[2];

static int query_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attr,
		      size_t size)
{
	(void)context, (void)port;
	if (fails("query port"))
		return ibv.error;
	memset(attr, 0, size);
	attr->max_msg_sz = dv.max_msg_sz;
	return 0;
}

static uint32_t power_of_two(uint32_t n)
{
	uint32_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

WRAP(bool, bvi_mlx5_cpu_suits, void)
{
	return dv.cpu_suits;
}

WRAP(struct ibv_cq_ex *, mlx5dv_create_cq, struct ibv_context *context,
     struct ibv_cq_init_attr_ex *attr, struct mlx5dv_cq_init_attr *dv_attr)
{
	struct ibv_cq_ex *cq = make("cq", sizeof(*cq), &ibv.cqs);

	(void)context;
	assert_int_equal(dv_attr->cqe_size, 64);
	dv.compressed += dv_attr->comp_mask & MLX5DV_CQ_INIT_ATTR_MASK_COMPRESSED_CQE &&
			 dv_attr->cqe_comp_res_format == MLX5DV_CQE_RES_FORMAT_HASH;
	dv.unchecked += attr->comp_mask & IBV_CQ_INIT_ATTR_MASK_FLAGS &&
			attr->flags == IBV_CREATE_CQ_ATTR_IGNORE_OVERRUN;
	if (cq)
		((struct ibv_cq *)(void *)cq)->cqe = (int)attr->cqe;
	return cq;
}

WRAP(struct ibv_qp *, mlx5dv_create_qp, struct ibv_context *context,
     struct ibv_qp_init_attr_ex *attr, struct mlx5dv_qp_init_attr *dv_attr)
{
	struct ibv_qp *qp = make("qp", sizeof(*qp), &ibv.qps);

	(void)context, (void)attr;
	assert_int_equal(dv_attr->create_flags, dv.qp_flags);
	if (qp)
		qp->qp_num = 0x123456;
	return qp;
}

WRAP(int, mlx5dv_init_obj, struct mlx5dv_obj *obj, uint64_t type)
{
	if (fails(type == MLX5DV_OBJ_CQ ? "init cq" : "init qp"))
		return ibv.error;
	if (type == MLX5DV_OBJ_CQ) {
		*obj->cq.out = (struct mlx5dv_cq){
			.buf = cq_ring[ibv.cqs - 1],
			.dbrec = records,
			.cqe_cnt = dv.cqe_cnt ? dv.cqe_cnt :
						power_of_two((uint32_t)obj->cq.in->cqe),
			.cqe_size = dv.cqe_size ? dv.cqe_size : 64,
			.cq_uar = bf,
			.cqn = 7,
		};
		assert_true(obj->cq.out->cqe_cnt <= CQES);
		return 0;
	}
	*obj->qp.out = dv.qp;
	return 0;
}

WRAP(int, mlx5dv_query_device, struct ibv_context *context, struct mlx5dv_context *attrs)
{
	(void)context;
	if (fails("query device"))
		return ibv.error;
	attrs->comp_mask = dv.caps.comp_mask;
	attrs->flags = dv.caps.flags;
	attrs->cqe_comp_caps = dv.caps.cqe_comp_caps;
	return 0;
}

WRAP(bool, mlx5dv_is_supported, struct ibv_device *device)
{
	(void)device;
	return dv.is_mlx5;
}

WRAP(int, mlx5dv_modify_qp_udp_sport, struct ibv_qp *qp, uint16_t port)
{
	(void)qp, (void)port;
	return dv.udp_sport_rc;
}

static const struct bv_channel_attr attr = { .max_send = 16,
					     .max_recv = 16,
					     .max_send_sge = 4,
					     .max_recv_sge = 4,
					     .max_inline = 128,
					     .port = 1 };

static int setup(void **state)
{
	(void)state;
	memset(&dv, 0, sizeof(dv));
	ibv_setup();
	ibv.vctx.query_port = query_port;
	dv.is_mlx5 = dv.cpu_suits = true;
	dv.max_msg_sz = 1u << 30;
	dv.qp_flags = MLX5DV_QP_CREATE_DISABLE_SCATTER_TO_CQE;
	dv.caps.comp_mask = MLX5DV_CONTEXT_MASK_CQE_COMPRESION;
	dv.caps.cqe_comp_caps = (struct mlx5dv_cqe_comp_caps){ 64, MLX5DV_CQE_RES_FORMAT_HASH };
	dv.qp = (struct mlx5dv_qp){
		.dbrec = records,
		.sq = { .buf = wqes, .wqe_cnt = 128, .stride = 64 },
		.rq = { .buf = recvs, .wqe_cnt = 16, .stride = 64 },
		.bf = { .reg = bf, .size = 256 },
	};
	unsetenv("MLX5_SHUT_UP_BF");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ibv_expect_none();
	return 0;
}

#define create_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static char why[256];

static int create_with(const struct bv_channel_attr *with, struct bv_channel **ch)
{
	static struct ibv_pd pd;
	const struct bv_channel_params params = { .context = &ibv.vctx.context,
						  .pd = &pd,
						  .attr = with };

	why[0] = '\0';
	return bvi_provider_mlx5.channel_create(&params, ch, why, sizeof(why));
}

static int create(struct bv_channel **ch)
{
	return create_with(&attr, ch);
}

static void expect_path(const char *path)
{
	struct bv_channel *ch;

	assert_int_equal(create(&ch), 0);
	assert_ptr_equal(strstr(ch->core->data_path, path), ch->core->data_path);
	assert_true(ch->core->max_inline >= attr.max_inline);
	assert_int_equal(ch->core->qp->qp_num, 0x123456);
	assert_int_equal(bvi_provider_mlx5.channel_unsignaled(ch), 0);
	bvi_provider_mlx5.channel_destroy(ch);
	teardown(NULL);
}

static void expect_completions(unsigned asked, int compressed, int unchecked, const char *path)
{
	static const struct bv_channel_ops *plain;
	struct bv_channel_attr as = attr;
	struct bv_channel *ch;

	as.completions = asked;
	dv.compressed = dv.unchecked = 0;
	assert_int_equal(create_with(&as, &ch), 0);
	assert_int_equal(dv.compressed, compressed);
	assert_int_equal(dv.unchecked, unchecked);
	assert_non_null(strstr(ch->core->data_path, path));
	if (!asked)
		plain = ch->core->ready;
	/* Bursts alone have a function of their own. */
	assert_true((ch->core->ready->poll_recv == ch->core->error->poll_recv));
	assert_true((ch->core->ready->poll_recv == plain->poll_recv) == !compressed);
	assert_true(ch->core->ready->poll_recv_one == plain->poll_recv_one);
	bvi_provider_mlx5.channel_destroy(ch);
	teardown(NULL);
}

/* Of one element each, receives have polls of their own when payloads are inside. */
static void expect_payloads_inside(void)
{
	int (*poll[2])(struct bv_channel *, struct bv_wc *);
	struct bv_channel_attr as = attr;
	struct bv_channel *ch;

	as.max_recv_sge = 1;
	dv.qp.rq.stride = 16;
	for (unsigned i = 0; i < 2; i++) {
		as.completions = i ? BV_COMPLETIONS_INLINE : 0;
		dv.qp_flags = i ? MLX5DV_QP_CREATE_ALLOW_SCATTER_TO_CQE :
				  MLX5DV_QP_CREATE_DISABLE_SCATTER_TO_CQE;
		assert_int_equal(create_with(&as, &ch), 0);
		poll[i] = ch->core->ready->poll_recv_one;
		assert_true(ch->core->prepared->poll_recv_one == poll[i]);
		bvi_provider_mlx5.channel_destroy(ch);
		teardown(NULL);
	}
	assert_true(poll[0] != poll[1]);
	dv.qp.rq.stride = 64;
}

/* Wishes: what the device does not have is left out. */
static void completions(void **state)
{
	(void)state;
	expect_completions(0, 0, 0, "64-byte CQEs");
	expect_completions(BV_COMPLETIONS_COMPRESSED, 1, 0, "CQEs, compressed for receives");
	expect_completions(BV_COMPLETIONS_UNCHECKED, 0, 2, "CQEs, overruns unchecked");
	dv.qp_flags = MLX5DV_QP_CREATE_ALLOW_SCATTER_TO_CQE;
	expect_completions(BV_COMPLETIONS_INLINE, 0, 0, "CQEs, with short payloads");
	expect_payloads_inside();
	dv.qp_flags = MLX5DV_QP_CREATE_DISABLE_SCATTER_TO_CQE;
	dv.caps.cqe_comp_caps.supported_format = MLX5DV_CQE_RES_FORMAT_CSUM;
	expect_completions(BV_COMPLETIONS_COMPRESSED, 0, 0, "64-byte CQEs");
	dv.caps.comp_mask = 0;
	expect_completions(BV_COMPLETIONS_COMPRESSED, 0, 0, "64-byte CQEs");
	ibv.failing = "query device";
	ibv.error = EIO;
	expect_completions(BV_COMPLETIONS_COMPRESSED, 0, 0, "64-byte CQEs");
}

/* Without a BlueFlame register, or where libmlx5 is told to shut it up, doorbells are enough. */
static void doorbells(void **state)
{
	(void)state;
	expect_path("BlueFlame");
	setenv("MLX5_SHUT_UP_BF", "0", 1);
	expect_path("BlueFlame");
	setenv("MLX5_SHUT_UP_BF", "1", 1);
	expect_path("doorbell, combining register");
	dv.qp.bf.size = 0;
	expect_path("doorbell, uncached register");
	unsetenv("MLX5_SHUT_UP_BF");
	expect_path("doorbell, own");
}

static void expect_gate(const struct bv_channel_attr *with, bool open)
{
	struct bv_channel *ch;

	assert_int_equal(create_with(with, &ch), 0);
	assert_true(ch->core->gate == open);
	bvi_provider_mlx5.channel_destroy(ch);
	teardown(NULL);
}

/* The short ways are for what is usual: a port of long messages, lists, registers of 256 bytes. */
static void usual(void **state)
{
	struct bv_channel_attr no_lists = attr;

	(void)state;
	expect_gate(&attr, true);
	no_lists.max_send_sge = 0;
	expect_gate(&no_lists, false);
	dv.qp.bf.size = 512;
	expect_gate(&attr, false);
	dv.qp.bf.size = 256;
	dv.max_msg_sz = (1u << 30) - 1;
	expect_gate(&attr, false);
	ibv.failing = "query port";
	ibv.failing_in = 1;
	ibv.error = EIO;
	expect_gate(&attr, false);
}

/* Instructions that are asked for by name. */
static void levels(void **state)
{
	struct bv_channel *ch = NULL;

	(void)state;
	setenv("BV_MLX5_SIMD", "base", 1);
	expect_gate(&attr, true);
	setenv("BV_MLX5_SIMD", "mmx", 1);
	assert_int_equal(create(&ch), -EOPNOTSUPP);
	assert_non_null(strstr(why, "BV_MLX5_SIMD=mmx"));
	assert_null(ch);
	unsetenv("BV_MLX5_SIMD");
}

static void each_call_fails(void **state)
{
	static const struct {
		const char *failing;
		int in, error;
		const char *why;
	} cases[] = {
		{ "td", 1, ENOSPC, "ibv_alloc_td: No space left on device: no doorbell register" },
		{ "domain", 1, EOPNOTSUPP, "ibv_alloc_parent_domain: Operation not supported" },
		{ "cq", 1, ENOMEM, "mlx5dv_create_cq: Cannot allocate memory" },
		{ "cq", 2, EINVAL, "mlx5dv_create_cq: Invalid argument" },
		{ "init cq", 1, EOPNOTSUPP, "mlx5dv_init_obj(CQ): Operation not supported" },
		{ "init cq", 2, EINVAL, "mlx5dv_init_obj(CQ): Invalid argument" },
		{ "qp", 1, EINVAL, "mlx5dv_create_qp: Invalid argument: ask for fewer" },
		{ "qp", 1, 0, "mlx5dv_create_qp: Input/output error" },
		{ "init qp", 1, EOPNOTSUPP, "mlx5dv_init_obj(QP): Operation not supported" },
	};
	struct bv_channel *ch = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ibv.failing = cases[i].failing;
		ibv.failing_in = cases[i].in;
		ibv.error = cases[i].error;
		assert_int_equal(create(&ch), cases[i].error ? -cases[i].error : -EIO);
		assert_non_null(strstr(why, cases[i].why));
		assert_null(ch);
		teardown(state);
	}
}

static void without_memory(void **state)
{
	struct bv_channel *ch = NULL;
	int n = 1;

	(void)state;
	for (;; n++) {
		ibv.memory_in = n;
		if (create(&ch) == 0)
			break;
		assert_ptr_equal(strstr(why, "no memory for a "), why);
		assert_null(ch);
		teardown(state);
	}
	assert_true(n > 1);
	ibv.memory_in = 0;
	bvi_provider_mlx5.channel_destroy(ch);
}

static void expect_refused(const char *text)
{
	struct bv_channel *ch = NULL;

	assert_int_equal(create(&ch), -EOPNOTSUPP);
	assert_non_null(strstr(why, text));
	assert_null(ch);
	teardown(NULL);
}

/* A queue of another shape than the data path counts on is refused: nothing would be checked later. */
static void shapes_of_completion_queues(void **state)
{
	static const struct {
		uint32_t count, size;
	} cases[] = { { 0, 128 }, { 8, 64 }, { 48, 64 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dv.cqe_cnt = cases[i].count;
		dv.cqe_size = cases[i].size;
		expect_refused("completion queue of ");
	}
}

static void shapes_of_queue_pairs(void **state)
{
	static const struct {
		const char *text;
		uint32_t sq, sq_stride, rq, rq_stride, bf_size, bf_at;
	} cases[] = {
		{ "send queue of 128 blocks of 32 bytes", 128, 32, 16, 64, 256, 0 },
		{ "send queue of 131072 blocks", 131072, 64, 16, 64, 256, 0 },
		{ "send queue of 100 blocks", 100, 64, 16, 64, 256, 0 },
		{ "send queue of 16 blocks", 16, 64, 16, 64, 256, 0 },
		{ "doorbell register of 384 bytes", 128, 64, 16, 64, 384, 0 },
		{ "doorbell register of 65536 bytes", 128, 64, 16, 64, 65536, 0 },
		{ "doorbell register of 256 bytes at offset 0x", 128, 64, 16, 64, 256, 256 },
		{ "receive queue of 16 strides of 8 bytes", 128, 64, 16, 8, 256, 0 },
		{ "receive queue of 16 strides of 80 bytes", 128, 64, 16, 80, 256, 0 },
		{ "receive queue of 16 strides of 32 bytes", 128, 64, 16, 32, 256, 0 },
		{ "receive queue of 8 strides", 128, 64, 8, 64, 256, 0 },
		{ "receive queue of 24 strides", 128, 64, 24, 64, 256, 0 },
		{ "receive queue of 131072 strides", 128, 64, 131072, 64, 256, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dv.qp.sq.wqe_cnt = cases[i].sq;
		dv.qp.sq.stride = cases[i].sq_stride;
		dv.qp.rq.wqe_cnt = cases[i].rq;
		dv.qp.rq.stride = cases[i].rq_stride;
		dv.qp.bf.size = cases[i].bf_size;
		/* A register that large is nowhere: its address has no bit of the size. */
		dv.qp.bf.reg = cases[i].bf_size > sizeof(bf) ? NULL : bf + cases[i].bf_at;
		expect_refused(cases[i].text);
	}
}

/* The largest work decides how many blocks there must be: of a list here, of payload there. */
static void room_for_the_largest_work(void **state)
{
	struct bv_channel_attr lists = attr, payload = attr;
	struct bv_channel *ch;

	(void)state;
	lists.max_send_sge = 30;
	lists.max_inline = 0;
	payload.max_send_sge = 1;
	payload.max_inline = 476; /* and 4 bytes before it */
	for (int i = 0; i < 2; i++) {
		const struct bv_channel_attr *with = i ? &payload : &lists;

		dv.qp.sq.wqe_cnt = 16 * 8;
		assert_int_equal(create_with(with, &ch), 0);
		bvi_provider_mlx5.channel_destroy(ch);
		dv.qp.sq.wqe_cnt = 16 * 4;
		assert_int_equal(create_with(with, &ch), -EOPNOTSUPP);
		assert_non_null(strstr(why, "needs 16 works of 8 blocks of 64"));
	}
}

static void probing(void **state)
{
	const struct bv_provider *mlx5 = &bvi_provider_mlx5;

	(void)state;
	assert_int_equal(mlx5->probe(NULL, &ibv.vctx.context, why, sizeof(why)), 100);
	assert_non_null(strstr(why, "direct: own WQEs and CQEs (version 0)"));
	dv.caps.flags = MLX5DV_CONTEXT_FLAGS_CQE_V1;
	assert_int_equal(mlx5->probe(NULL, &ibv.vctx.context, why, sizeof(why)), 100);
	assert_non_null(strstr(why, "CQEs (version 1)"));
	ibv.failing = "query device";
	ibv.failing_in = 1;
	ibv.error = EIO;
	assert_int_equal(mlx5->probe(NULL, &ibv.vctx.context, why, sizeof(why)), 100);
	assert_non_null(strstr(why, "CQEs, a"));
	teardown(state);
	ibv.failing = "td";
	ibv.error = ENOSPC;
	assert_int_equal(mlx5->probe(NULL, &ibv.vctx.context, why, sizeof(why)), -ENOSPC);
	assert_non_null(strstr(why, "no doorbell register of its own (ibv_alloc_td: No space"));
	ibv.failing = "td";
	ibv.error = 0;
	assert_int_equal(mlx5->probe(NULL, &ibv.vctx.context, why, sizeof(why)), -EIO);
	dv.cpu_suits = false;
	assert_int_equal(mlx5->probe(NULL, &ibv.vctx.context, why, sizeof(why)), -EOPNOTSUPP);
	assert_non_null(strstr(why, "this CPU lacks SSSE3"));
	assert_non_null(strstr(why, "use provider verbs"));
	dv.is_mlx5 = false;
	assert_int_equal(mlx5->probe(NULL, &ibv.vctx.context, why, sizeof(why)), -EOPNOTSUPP);
	assert_non_null(strstr(why, "not an mlx5 device"));
}

static void opening(void **state)
{
	struct ibv_context *context = NULL;

	(void)state;
	ibv.failing = "open";
	ibv.error = EACCES;
	assert_int_equal(bvi_provider_mlx5.open(NULL, &context), -EACCES);
	ibv.failing = "open";
	ibv.error = 0;
	assert_int_equal(bvi_provider_mlx5.open(NULL, &context), -EIO);
	assert_null(context);
	assert_int_equal(bvi_provider_mlx5.open(NULL, &context), 0);
	free(context);
	ibv.contexts--;
}

/* Made for provider verbs: no driver may copy payloads to where elements point. */
static void queue_pairs_for_others(void **state)
{
	struct ibv_qp_init_attr_ex init = { .qp_type = IBV_QPT_RC };
	struct ibv_device ibdev;
	bvi_qp_create_fn *how;

	(void)state;
	dv.is_mlx5 = false;
	assert_null(bvi_provider_mlx5.qp_create(&ibdev));
	dv.is_mlx5 = true;
	how = bvi_provider_mlx5.qp_create(&ibdev);
	assert_non_null(how);
	ibv_destroy_qp(how(&ibv.vctx.context, &init));
}

static void udp_source_port(void **state)
{
	struct ibv_qp qp;

	(void)state;
	dv.udp_sport_rc = EOPNOTSUPP;
	assert_int_equal(bvi_provider_mlx5.set_udp_sport(NULL, 0xc000), 0);
	assert_int_equal(bvi_provider_mlx5.set_udp_sport(&qp, 0xc000), -EOPNOTSUPP);
	dv.udp_sport_rc = 0;
	assert_int_equal(bvi_provider_mlx5.set_udp_sport(&qp, 0xc000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		create_test(doorbells),
		create_test(usual),
		create_test(levels),
		create_test(completions),
		create_test(each_call_fails),
		create_test(without_memory),
		create_test(shapes_of_completion_queues),
		create_test(shapes_of_queue_pairs),
		create_test(room_for_the_largest_work),
		create_test(probing),
		create_test(opening),
		create_test(queue_pairs_for_others),
		create_test(udp_source_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
