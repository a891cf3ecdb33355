/* SPDX-License-Identifier: MIT */
/* XRC within a process. */
#include "xrc_rig.h"

#include <errno.h>

static int setup(void **state)
{
	(void)state;
	xrc_setup(&(struct emu_run_config){ .manual = true }, &(struct emu_xrcd_open){ .fd = -1 });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	xrc_teardown();
	return 0;
}

static void each_message_names_its_queue(void **state)
{
	struct rig_cqe cqe;

	(void)state;
	xrc_post(&xrc_one, rig.remote, 64);
	xrc_post(&xrc_two, rig.remote + 64, 64);
	xrc_post(&xrc_two, rig.remote + 128, 64);
	xrc_send_inline(&xrc_two, "first of two");
	xrc_send_inline(&xrc_one, "one");
	xrc_send_inline(&xrc_two, "second of two");
	for (unsigned i = 0; i < 3; i++)
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
	cqe = rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	assert_int_equal(cqe.qpn, rig.b.qpn);
	assert_int_equal(cqe.wqe_counter, 0);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).wqe_counter, 0);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).wqe_counter, 1);
	assert_string_equal((char *)rig.remote, "one");
	assert_string_equal((char *)rig.remote + 64, "first of two");
	assert_string_equal((char *)rig.remote + 128, "second of two");
}

static void memory_operations_work(void **state)
{
	uint64_t *target = (uint64_t *)(void *)(rig.remote + 65536);
	struct rig_wqe w = xrc_begin(EMU_OP_WRITE, xrc_one.srqn);

	(void)state;
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local, 5000, rig.lkey);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.remote, rig.local, 5000);
	w = xrc_begin(EMU_OP_READ, xrc_two.srqn);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local + 10000, 5000, rig.lkey);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.remote, rig.local + 10000, 5000);
	*target = 5;
	w = xrc_begin(EMU_OP_ATOMIC_FA, xrc_one.srqn);
	rig_raddr(&w, target, rig.rkey);
	rig_atomic(&w, 2, 0);
	rig_data(&w, rig.local, 8, rig.lkey);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_true(*target == 7);
}

static void unknown_queue_is_an_invalid_request(void **state)
{
	struct xrc_queue stranger = { .srqn = xrc_two.srqn + 1 };

	(void)state;
	xrc_send_inline(&stranger, "nobody");
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
	assert_int_equal(rig.async[rig.nasync - 1], EMU_EVENT_QP_REQ_ERR);
}

static void queue_of_another_domain_too(void **state)
{
	struct xrc_queue other;
	uint32_t domain;

	(void)state;
	assert_int_equal(emu_xrcd_open(rig.dev, &(struct emu_xrcd_open){ .fd = -1 }, &domain), 0);
	xrc_queue_create(&other, rig.pd, domain);
	xrc_post(&other, rig.remote, 64);
	xrc_send_inline(&other, "elsewhere");
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
	xrc_queue_destroy(&other);
	assert_int_equal(emu_xrcd_free(rig.dev, domain), 0);
}

static void keys_are_of_the_queues_domain(void **state)
{
	struct xrc_queue foreign;
	struct rig_wqe w;
	uint32_t pd;

	(void)state;
	assert_int_equal(emu_pd_alloc(rig.dev, &pd), 0);
	xrc_queue_create(&foreign, pd, xrc_domain);
	w = xrc_begin(EMU_OP_WRITE, foreign.srqn);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local, 8, rig.lkey);
	rig_send(&rig.a, &w);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_ACCESS);
	xrc_queue_destroy(&foreign);
	assert_int_equal(emu_pd_free(rig.dev, pd), 0);
}

static void send_invalidating(struct xrc_queue *q, uint32_t key)
{
	struct rig_wqe w = xrc_begin(EMU_OP_SEND_INVAL, q->srqn);

	xrc_post(q, rig.remote, 64);
	rig_imm(&w, key);
	rig_inline(&w, "done", 5);
	rig_send(&rig.a, &w);
}

/* Once: after that it is no key. */
static void keys_of_the_queues_domain_are_invalidated(void **state)
{
	const struct emu_key_range all = { .va = (uintptr_t)rig.remote,
					   .length = 4096,
					   .key = rig.rkey };
	const struct emu_indirect_attr attr = {
		.pdn = rig.pd,
		.iova = all.va,
		.length = all.length,
		.umr = true,
		.remote_invalidate = true,
		.max_ranges = 1,
		.nranges = 1,
		.range = &all,
	};
	uint32_t key;

	(void)state;
	assert_int_equal(emu_indirect_create(rig.dev, &attr, &key), 0);
	send_invalidating(&xrc_two, key);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND_INV);
	send_invalidating(&xrc_two, key);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_ACCESS);
	assert_int_equal(emu_mr_dereg(rig.dev, key), 0);
}

/* The shared queue of a message under way is destroyed: the target lets go of it. */
static void queue_goes_under_a_message(void **state)
{
	struct rig_wqe w = xrc_begin(EMU_OP_SEND, xrc_one.srqn);

	(void)state;
	xrc_post(&xrc_one, rig.remote, RIG_BUFFER);
	rig_data(&w, rig.local, 10000, rig.lkey);
	rig_put(&rig.a, &w);
	assert_int_equal(mlx5emu_fault_plan("lose opcode=send nth=4..", NULL, 0), 0);
	rig_ring(&rig.a);
	mlx5emu_step();
	assert_int_equal(emu_srq_destroy(rig.dev, xrc_one.srqn), 0);
	xrc_one.srqn = 0;
	assert_int_equal(mlx5emu_fault_plan("", NULL, 0), 0);
	xrc_send_inline(&xrc_two, "next");
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
	rig_expect_none(&rig.cq_b);
	assert_int_equal(rig_modify(&rig.b, EMU_QPS_ERR), 0);
	mlx5emu_step();
}

static void segment_is_checked(void **state)
{
	struct rig_wqe w = xrc_begin(EMU_OP_SEND, xrc_one.srqn);
	char text[200];

	(void)state;
	w.bytes[16] = 1;
	rig_send(&rig.a, &w);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_LOCAL_QP_OPERATION);
	mlx5emu_last_illegal(text, sizeof(text));
	assert_non_null(strstr(text, "expected 24 bits"));
}

static void parts_are_checked(void **state)
{
	struct emu_qp_init init = {
		.type = EMU_QPT_XRC_TGT,
		.xrcdn = xrc_domain + 1,
		.uar_page = rig.uar,
		.dbrec_addr = (uintptr_t)xrc_one.dbrec + 64,
	};
	uint32_t qpn;

	(void)state;
	assert_int_equal(emu_qp_create(rig.dev, &init, &qpn), -EINVAL);
	init.xrcdn = xrc_domain;
	init.srqn = xrc_one.srqn;
	assert_int_equal(emu_qp_create(rig.dev, &init, &qpn), -EINVAL);
	init.srqn = 0;
	init.sq_wqebb_count = 4;
	assert_int_equal(emu_qp_create(rig.dev, &init, &qpn), -EINVAL);
	/* an XRC shared queue is no ordinary one */
	init = (struct emu_qp_init){
		.type = EMU_QPT_RC,
		.pdn = rig.pd,
		.send_cqn = rig.cq_a.cqn,
		.recv_cqn = rig.cq_a.cqn,
		.srqn = xrc_one.srqn,
		.uar_page = rig.uar,
		.dbrec_addr = (uintptr_t)xrc_one.dbrec + 64,
	};
	assert_int_equal(emu_qp_create(rig.dev, &init, &qpn), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_message_names_its_queue),
		TEST(memory_operations_work),
		TEST(unknown_queue_is_an_invalid_request),
		TEST(queue_of_another_domain_too),
		TEST(keys_are_of_the_queues_domain),
		TEST(keys_of_the_queues_domain_are_invalidated),
		TEST(queue_goes_under_a_message),
		TEST(segment_is_checked),
		TEST(parts_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
