/* SPDX-License-Identifier: MIT */
/* Every operation through hand-made rings: bytes moved, completions, sizes, wrap-around. */
#include "rig.h"

static const uint32_t sizes[] = { 0,    1,    8,    31,    32,    33,        64,
				  1024, 1025, 4096, 65536, 65537, RIG_BUFFER };

#define N(array) (sizeof(array) / sizeof(*(array)))

static void write_moves_bytes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N(sizes); i++) {
		rig_fill(i);
		rig_post_write(&rig.a, RIG_SIGNALED, 0, sizes[i]);
		assert_true(mlx5emu_step() > 0);
		assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_REQ).wqe_opcode, EMU_OP_WRITE);
		assert_memory_equal(rig.remote, rig.local, sizes[i]);
		if (sizes[i] < RIG_BUFFER)
			assert_int_equal(rig.remote[sizes[i]], 0);
		rig_expect_none(&rig.cq_b);
	}
	assert_int_equal(mlx5emu_step(), 0);
}

static void read_moves_bytes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N(sizes); i++) {
		struct rig_cqe cqe;

		rig_fill(i);
		memcpy(rig.remote, rig.local, RIG_BUFFER);
		memset(rig.local, 0, RIG_BUFFER);
		rig_post_read(&rig.a, RIG_SIGNALED, 0, sizes[i]);
		mlx5emu_step();
		cqe = rig_expect(&rig.cq_a, EMU_CQE_REQ);
		assert_int_equal(cqe.wqe_opcode, EMU_OP_READ);
		assert_int_equal(cqe.byte_cnt, sizes[i]);
		assert_memory_equal(rig.remote, rig.local, sizes[i]);
	}
}

static void send_moves_bytes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N(sizes); i++) {
		struct rig_cqe cqe;

		rig_fill(i);
		rig_receive(&rig.b, &(struct rig_seg){ rig.remote, RIG_BUFFER, rig.rkey }, 1);
		rig_post_send(&rig.a, RIG_SIGNALED | RIG_SOLICITED, 0, sizes[i]);
		mlx5emu_step();
		cqe = rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
		assert_int_equal(cqe.byte_cnt, sizes[i]);
		assert_int_equal(cqe.wqe_counter, i);
		assert_int_equal(cqe.qpn, rig.b.qpn);
		assert_true(cqe.solicited);
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
		assert_memory_equal(rig.remote, rig.local, sizes[i]);
	}
}

static void immediate_arrives(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_SEND_IMM, RIG_SIGNALED);
	struct rig_cqe cqe;

	(void)state;
	rig_receive(&rig.b, NULL, 0);
	rig_receive(&rig.b, NULL, 0);
	rig_imm(&w, 0x01020304);
	rig_send(&rig.a, &w);
	cqe = rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND_IMM);
	assert_int_equal(cqe.imm, 0x01020304);
	assert_int_equal(cqe.byte_cnt, 0);

	w = rig_begin(&rig.a, EMU_OP_WRITE_IMM, RIG_SIGNALED);
	rig_imm(&w, 0xfffefdfc);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local, 3000, rig.lkey);
	rig_fill(9);
	rig_send(&rig.a, &w);
	cqe = rig_expect(&rig.cq_b, EMU_CQE_RESP_WRITE_IMM);
	assert_int_equal(cqe.imm, 0xfffefdfc);
	assert_int_equal(cqe.byte_cnt, 3000);
	assert_int_equal(cqe.wqe_counter, 1);
	assert_memory_equal(rig.remote, rig.local, 3000);
}

static void atomics_answer_the_old_value(void **state)
{
	uint64_t *target = (uint64_t *)(void *)rig.remote;
	uint64_t *result = (uint64_t *)(void *)rig.local;
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_ATOMIC_FA, RIG_SIGNALED);

	(void)state;
	*target = 0x1111222233334444;
	rig_raddr(&w, target, rig.rkey);
	rig_atomic(&w, 5, 0);
	rig_data(&w, result, 8, rig.lkey);
	rig_send(&rig.a, &w);
	assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_REQ).byte_cnt, 8);
	assert_true(*result == 0x1111222233334444);
	assert_true(*target == 0x1111222233334449);

	for (unsigned i = 0; i < 2; i++) {
		w = rig_begin(&rig.a, EMU_OP_ATOMIC_CS, RIG_SIGNALED);
		rig_raddr(&w, target, rig.rkey);
		rig_atomic(&w, 77, 0x1111222233334449);
		rig_data(&w, result, 8, rig.lkey);
		rig_send(&rig.a, &w);
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
		assert_true(*result == (i == 0 ? 0x1111222233334449 : 77));
		assert_true(*target == 77);
	}
}

static void segments_gather_and_scatter(void **state)
{
	const struct rig_seg into[] = {
		{ rig.remote + 500, 1, rig.rkey },
		{ rig.remote + 100, 40, rig.rkey },
		{ rig.remote + 300, 100, rig.rkey },
	};
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_SEND, RIG_SIGNALED);

	(void)state;
	rig_fill(3);
	rig_receive(&rig.b, into, 3);
	rig_data(&w, rig.local + 10, 20, rig.lkey);
	rig_inline(&w, rig.local + 200, 13);
	rig_data(&w, rig.local + 50, 60, rig.lkey);
	rig_send(&rig.a, &w);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).byte_cnt, 93);
	assert_int_equal(rig.remote[500], rig.local[10]);
	assert_memory_equal(rig.remote + 100, rig.local + 11, 19);
	assert_memory_equal(rig.remote + 119, rig.local + 200, 13);
	assert_memory_equal(rig.remote + 132, rig.local + 50, 8);
	assert_memory_equal(rig.remote + 300, rig.local + 58, 52);
}

static void read_scatters(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_READ, RIG_SIGNALED);

	(void)state;
	rig_fill(1);
	memcpy(rig.remote, rig.local, RIG_BUFFER);
	memset(rig.local, 0, RIG_BUFFER);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local + 9000, 1000, rig.lkey);
	rig_data(&w, rig.local, 3000, rig.lkey);
	rig_send(&rig.a, &w);
	assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_REQ).byte_cnt, 4000);
	assert_memory_equal(rig.local + 9000, rig.remote, 1000);
	assert_memory_equal(rig.local, rig.remote + 1000, 3000);
}

/* Inline data of every length at every position of the ring: the segment wraps in all ways. */
static void inline_wraps(void **state)
{
	(void)state;
	rig_fill(5);
	for (uint32_t n = 0; n < 900; n += 1 + n / 16) {
		struct rig_wqe w = rig_begin(&rig.a, EMU_OP_WRITE, RIG_SIGNALED);

		memset(rig.remote, 0, 1024);
		rig_raddr(&w, rig.remote, rig.rkey);
		rig_inline(&w, rig.local + n, n);
		rig_send(&rig.a, &w);
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
		assert_memory_equal(rig.remote, rig.local + n, n);
		assert_int_equal(rig.remote[n], 0);
	}
}

/* Past 16 bits of WQE index and many passes of the owner bit. */
static void indices_wrap(void **state)
{
	struct rig_cqe cqe;
	uint16_t index = 0;

	(void)state;
	for (unsigned i = 0; i < 70000; i++) {
		const uint8_t flags = i % 16 == 15 ? RIG_SIGNALED : 0;
		struct rig_wqe w = rig_begin(&rig.a, EMU_OP_WRITE, flags);

		rig_raddr(&w, rig.remote, rig.rkey);
		rig_inline(&w, &i, sizeof(i));
		index = rig.a.pi;
		rig_put(&rig.a, &w);
		if (!flags)
			continue;
		rig_ring(&rig.a);
		mlx5emu_step();
		cqe = rig_expect(&rig.cq_a, EMU_CQE_REQ);
		assert_int_equal(cqe.wqe_counter, index);
		rig_expect_none(&rig.cq_a);
		assert_memory_equal(rig.remote, &i, sizeof(i));
	}
}

static void receives_wrap(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 66000; i++) {
		struct rig_wqe w = rig_begin(&rig.a, EMU_OP_SEND, 0);

		rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 64, rig.rkey }, 1);
		rig_inline(&w, &i, sizeof(i));
		rig_send(&rig.a, &w);
		assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).wqe_counter, i & 0xffff);
		assert_memory_equal(rig.remote, &i, sizeof(i));
	}
}

static void psn_wraps(void **state)
{
	(void)state;
	rig_modify(&rig.a, EMU_QPS_RESET);
	rig_modify(&rig.b, EMU_QPS_RESET);
	rig_connect_both(&(struct rig_options){ .psn = 0xfffff0, .mtu = 1 });
	for (unsigned i = 0; i < 4; i++) {
		rig_fill(i);
		rig_post_write(&rig.a, RIG_SIGNALED, 0, 100000);
		rig_post_read(&rig.a, RIG_SIGNALED, 200000, 100000);
		mlx5emu_step();
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
		assert_memory_equal(rig.remote, rig.local, 100000);
		assert_memory_equal(rig.remote + 200000, rig.local + 200000, 100000);
	}
}

static void unsignaled_completes_silently(void **state)
{
	struct rig_wqe nop;

	(void)state;
	rig_fill(2);
	rig_post_write(&rig.a, 0, 0, 100);
	mlx5emu_step();
	rig_expect_none(&rig.cq_a);
	assert_memory_equal(rig.remote, rig.local, 100);
	nop = rig_begin(&rig.a, EMU_OP_NOP, RIG_SIGNALED);
	rig_send(&rig.a, &nop);
	assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_REQ).wqe_opcode, EMU_OP_NOP);
}

static void record_alone_starts_nothing(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_NOP, RIG_SIGNALED);

	(void)state;
	rig_put(&rig.a, &w);
	assert_int_equal(mlx5emu_step(), 0);
	rig_expect_none(&rig.cq_a);
	rig_ring(&rig.a);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
}

/* Two queues of a page, one doorbell lost under the other. */
static void doorbells_may_overwrite_each_other(void **state)
{
	struct rig_wqe wa = rig_begin(&rig.a, EMU_OP_NOP, RIG_SIGNALED);
	struct rig_wqe wb = rig_begin(&rig.b, EMU_OP_NOP, RIG_SIGNALED);

	(void)state;
	rig_put(&rig.a, &wa);
	rig_put(&rig.b, &wb);
	rig_ring(&rig.a);
	rig_ring(&rig.b);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect(&rig.cq_b, EMU_CQE_REQ);
	assert_int_equal(rig_counters().doorbells, 1);
}

static void fence_waits_for_reads(void **state)
{
	struct rig_wqe w;

	(void)state;
	memset(rig.remote, 0x5a, 64);
	memset(rig.local, 0, 64);
	rig_post_read(&rig.a, RIG_SIGNALED, 0, 8);
	w = rig_begin(&rig.a, EMU_OP_WRITE, RIG_SIGNALED | RIG_FENCE);
	rig_raddr(&w, rig.remote + 32, rig.rkey);
	rig_data(&w, rig.local, 8, rig.lkey);
	rig_send(&rig.a, &w);
	/* What the read brought is what the fenced write sends. */
	assert_memory_equal(rig.remote + 32, rig.remote, 8);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
}

static void wide_cqe_is_the_second_half(void **state)
{
	struct rig_cq cq;
	struct rig_qp qp;
	struct rig_wqe w;

	(void)state;
	rig_cq_create(&cq, 128, 4);
	rig_qp_create(&qp, &cq, &cq, rig.pd);
	rig_connect(&qp, qp.qpn, 7, 7, &(struct rig_options){ 0 });
	for (unsigned i = 0; i < 20; i++) {
		w = rig_begin(&qp, EMU_OP_WRITE, RIG_SIGNALED);
		rig_raddr(&w, rig.remote, rig.rkey);
		rig_send(&qp, &w);
		assert_int_equal(rig_expect(&cq, EMU_CQE_REQ).wqe_counter, i);
		rig_expect_none(&cq);
	}
	rig_qp_destroy(&qp);
	rig_cq_destroy(&cq);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(write_moves_bytes),
		TEST(read_moves_bytes),
		TEST(send_moves_bytes),
		TEST(immediate_arrives),
		TEST(atomics_answer_the_old_value),
		TEST(segments_gather_and_scatter),
		TEST(read_scatters),
		TEST(inline_wraps),
		TEST(indices_wrap),
		TEST(receives_wrap),
		TEST(psn_wraps),
		TEST(unsignaled_completes_silently),
		TEST(record_alone_starts_nothing),
		TEST(doorbells_may_overwrite_each_other),
		TEST(fence_waits_for_reads),
		TEST(wide_cqe_is_the_second_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
