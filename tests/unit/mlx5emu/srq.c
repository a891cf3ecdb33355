/* SPDX-License-Identifier: MIT */
/*
 * Shared receive queues: a linked list made by hand, two queue pairs (a and b, connected to each
 * other) that take from it.
 */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>

enum {
	WQES = 16,
	STRIDE = 64, /* a next segment and three data segments */
};

static struct {
	uint8_t *ring;
	emu_be32 *dbrec;
	uint32_t srqn;
	uint16_t head, posted; /* where the next WQE goes; how many ever */
} srq;

static void *zeroed_page(void)
{
	void *p = aligned_alloc(EMU_PAGE_SIZE, EMU_PAGE_SIZE);

	assert_non_null(p);
	memset(p, 0, EMU_PAGE_SIZE);
	return p;
}

static void set_next(unsigned index, unsigned next)
{
	srq.ring[index * STRIDE + 2] = (uint8_t)(next >> 8);
	srq.ring[index * STRIDE + 3] = (uint8_t)next;
}

static void publish(uint16_t posted)
{
	srq.posted = posted;
	__atomic_store_n(&srq.dbrec->be, emu_put32(posted).be, __ATOMIC_RELEASE);
}

/* Posts at the head of the list, as libmlx5 does. */
static void post(void *addr, uint32_t length, uint32_t lkey)
{
	uint8_t *at = srq.ring + srq.head * STRIDE;
	const emu_be32 words[] = { emu_put32(length), emu_put32(lkey) };
	const emu_be64 address = emu_put64((uintptr_t)addr);
	const emu_be32 end[] = { emu_put32(0), emu_put32(0x100) };

	memcpy(at + 16, words, 8);
	memcpy(at + 24, &address, 8);
	memcpy(at + 32, end, 8);
	srq.head = (uint16_t)(at[2] << 8 | at[3]);
	publish((uint16_t)(srq.posted + 1));
}

static int setup(void **state)
{
	struct emu_srq_attr attr = {
		.wqe_count = WQES,
		.stride_shift = 6,
		.cookie = &srq,
	};

	rig_setup_unconnected(state);
	memset(&srq, 0, sizeof(srq));
	srq.ring = zeroed_page();
	srq.dbrec = zeroed_page();
	for (unsigned i = 0; i < WQES; i++)
		set_next(i, (i + 1) % WQES);
	attr.pdn = rig.pd;
	attr.buf_addr = (uintptr_t)srq.ring;
	attr.dbrec_addr = (uintptr_t)srq.dbrec;
	assert_int_equal(emu_srq_create(rig.dev, &attr, &srq.srqn), 0);
	rig_qp_destroy(&rig.a);
	rig_qp_destroy(&rig.b);
	rig_qp_create_as(
		&rig.a, &rig.cq_a, &rig.cq_a,
		&(struct emu_qp_init){ .type = EMU_QPT_RC, .pdn = rig.pd, .srqn = srq.srqn });
	rig_qp_create_as(
		&rig.b, &rig.cq_b, &rig.cq_b,
		&(struct emu_qp_init){ .type = EMU_QPT_RC, .pdn = rig.pd, .srqn = srq.srqn });
	rig_connect_both(&(struct rig_options){ .rnr_retry = 7, .min_rnr_timer = 1 });
	return 0;
}

static int teardown(void **state)
{
	rig_teardown(state);
	free(srq.ring);
	free(srq.dbrec);
	return 0;
}

static void send(struct rig_qp *from, const void *data, uint32_t length)
{
	struct rig_wqe w = rig_begin(from, EMU_OP_SEND, 0);

	rig_inline(&w, data, length);
	rig_send(from, &w);
}

static void both_queues_take_from_it(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		post(rig.remote + i * 64, 64, rig.rkey);
	send(&rig.a, "one", 4);
	send(&rig.b, "two", 4);
	send(&rig.a, "three", 6);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).wqe_counter, 0);
	assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_RESP_SEND).wqe_counter, 1);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).wqe_counter, 2);
	assert_string_equal((char *)rig.remote, "one");
	assert_string_equal((char *)rig.remote + 64, "two");
	assert_string_equal((char *)rig.remote + 128, "three");
}

/* The owner may give WQEs back in another order than it posted them. */
static void follows_the_list(void **state)
{
	(void)state;
	set_next(0, 5);
	set_next(5, 3);
	set_next(3, 1);
	for (unsigned i = 0; i < 3; i++)
		post(rig.remote, 64, rig.rkey);
	for (unsigned i = 0; i < 3; i++)
		send(&rig.a, &i, sizeof(i));
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).wqe_counter, 0);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).wqe_counter, 5);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).wqe_counter, 3);
}

static void counters_wrap(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 70000; i++) {
		post(rig.remote, 64, rig.rkey);
		send(&rig.a, &i, sizeof(i));
		assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).wqe_counter, i % WQES);
		assert_memory_equal(rig.remote, &i, sizeof(i));
	}
}

static void empty_is_not_ready(void **state)
{
	(void)state;
	send(&rig.a, "late", 5);
	rig_expect_none(&rig.cq_b);
	assert_int_equal(rig_counters().rnr_naks, 1);
	post(rig.remote, 64, rig.rkey);
	mlx5emu_advance_ns(20000);
	mlx5emu_step();
	rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	assert_string_equal((char *)rig.remote, "late");
}

static void immediate_takes_one(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_WRITE_IMM, 0);

	(void)state;
	post(NULL, 64, 0); /* never looked at */
	post(rig.remote, 64, rig.rkey);
	rig_imm(&w, 7);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_send(&rig.a, &w);
	send(&rig.a, "next", 5);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_WRITE_IMM).wqe_counter, 0);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).wqe_counter, 1);
}

static void limit_is_one_event(void **state)
{
	struct emu_srq_attr attr;
	uint32_t limit = 99;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		post(rig.remote, 64, rig.rkey);
	assert_int_equal(emu_srq_arm(rig.dev, srq.srqn, WQES), -EINVAL);
	assert_int_equal(emu_srq_arm(rig.dev, srq.srqn, 3), 0);
	assert_int_equal(emu_srq_query(rig.dev, srq.srqn, &attr, &limit), 0);
	assert_int_equal(limit, 3);
	send(&rig.a, "1", 2);
	assert_int_equal(rig.nasync, 0);
	send(&rig.a, "2", 2);
	send(&rig.a, "3", 2);
	assert_int_equal(rig.nasync, 1);
	assert_int_equal(rig.async[0], EMU_EVENT_SRQ_LIMIT_REACHED);
	assert_int_equal(emu_srq_query(rig.dev, srq.srqn, &attr, &limit), 0);
	assert_int_equal(limit, 0);
	/* below it already */
	assert_int_equal(emu_srq_arm(rig.dev, srq.srqn, 2), 0);
	assert_int_equal(rig.nasync, 2);
}

static void failing_queue_leaves_the_rest(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		post(rig.remote, 4, rig.rkey);
	rig_modify(&rig.b, EMU_QPS_ERR);
	mlx5emu_step();
	mlx5emu_step();
	rig_expect_none(&rig.cq_b);
	assert_int_equal(rig.nasync, 1);
	assert_int_equal(rig.async[0], EMU_EVENT_QP_LAST_WQE_REACHED);
	rig_modify(&rig.a, EMU_QPS_RESET);
	rig_connect(&rig.a, rig.a.qpn, 5, 5, &(struct rig_options){ 0 });
	send(&rig.a, "toolong", 8);
	assert_int_equal(
		rig_expect_error(&rig.cq_a, EMU_CQE_RESP_ERR, EMU_SYN_LOCAL_LENGTH).wqe_counter, 0);
}

/* A message under way when its queue pair fails gives its receive back as flushed. */
static void held_receive_is_flushed(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_SEND, RIG_SIGNALED);

	(void)state;
	post(rig.remote, RIG_BUFFER, rig.rkey);
	rig_data(&w, rig.local, 300000, rig.lkey);
	rig_put(&rig.a, &w);
	/* The second datagram of the message is lost. */
	assert_int_equal(mlx5emu_fault_plan("lose opcode=send nth=2..", NULL, 0), 0);
	rig_ring(&rig.a);
	mlx5emu_step();
	rig_expect_none(&rig.cq_b);
	rig_modify(&rig.b, EMU_QPS_ERR);
	mlx5emu_step();
	assert_int_equal(rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_FLUSH).wqe_counter,
			 0);
}

static void broken_list_is_an_event(void **state)
{
	(void)state;
	post(rig.remote, 64, rig.rkey);
	set_next(0, WQES);
	send(&rig.a, "x", 2);
	assert_int_equal(rig.async[0], EMU_EVENT_SRQ_ERR);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_ERR);
}

static void record_too_far_is_an_event(void **state)
{
	(void)state;
	publish(WQES + 1);
	send(&rig.a, "x", 2);
	assert_int_equal(rig.async[0], EMU_EVENT_SRQ_ERR);
}

static void attributes_are_checked(void **state)
{
	struct emu_srq_attr attr = {
		.pdn = rig.pd,
		.buf_addr = (uintptr_t)srq.ring,
		.dbrec_addr = (uintptr_t)srq.dbrec,
		.wqe_count = 3,
		.stride_shift = 5,
	};
	uint32_t srqn;

	(void)state;
	assert_int_equal(emu_srq_create(rig.dev, &attr, &srqn), -EINVAL);
	attr.wqe_count = 4;
	attr.stride_shift = 4;
	assert_int_equal(emu_srq_create(rig.dev, &attr, &srqn), -EINVAL);
	attr.stride_shift = 5;
	attr.buf_addr = 4096;
	assert_int_equal(emu_srq_create(rig.dev, &attr, &srqn), -EFAULT);
	attr.buf_addr = (uintptr_t)srq.ring;
	attr.pdn++;
	assert_int_equal(emu_srq_create(rig.dev, &attr, &srqn), -EINVAL);
	assert_int_equal(emu_srq_destroy(rig.dev, srq.srqn), -EBUSY);
	assert_int_equal(emu_srq_destroy(rig.dev, srq.srqn + 1), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_queues_take_from_it),
		TEST(follows_the_list),
		TEST(counters_wrap),
		TEST(empty_is_not_ready),
		TEST(immediate_takes_one),
		TEST(limit_is_one_event),
		TEST(failing_queue_leaves_the_rest),
		TEST(held_receive_is_flushed),
		TEST(broken_list_is_an_event),
		TEST(record_too_far_is_an_event),
		TEST(attributes_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
