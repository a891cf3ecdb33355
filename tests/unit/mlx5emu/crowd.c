/* SPDX-License-Identifier: MIT */
/* More queue pairs with work than the wire takes at a time: each has its turn, and pays nothing for waiting. */
#include "rig.h"
#include "tools/mlx5emu/engine/state.h"

enum {
	PAIRS = 300,
	TIMEOUT_CODE = 14,
};

static const uint64_t timeout_ns = UINT64_C(4096) << TIMEOUT_CODE;

static struct rig_qp from[PAIRS], to[PAIRS];

static void connect_all(void)
{
	const struct rig_options impatient = { .timeout = TIMEOUT_CODE, .retry_cnt = 0 };

	for (unsigned i = 0; i < PAIRS; i++) {
		rig_qp_create(&from[i], &rig.cq_a, &rig.cq_a, rig.pd);
		rig_qp_create(&to[i], &rig.cq_b, &rig.cq_b, rig.pd);
		rig_connect(&from[i], to[i].qpn, 0, 0, &impatient);
		rig_connect(&to[i], from[i].qpn, 0, 0, &impatient);
	}
}

static void destroy_all(void)
{
	for (unsigned i = 0; i < PAIRS; i++) {
		rig_qp_destroy(&from[i]);
		rig_qp_destroy(&to[i]);
	}
}

/* mlx5emu_step() has as many as there is work for, at one moment of the clock. */
static unsigned one_round(void)
{
	unsigned n;

	emu_lock();
	n = emu_step_locked();
	emu_unlock();
	return n;
}

/* An answer takes two or three rounds, and comes in time; a turn takes longer for most. */
static void waiting_for_a_turn_is_no_timeout(void **state)
{
	(void)state;
	connect_all();
	rig_fill(1);
	for (unsigned i = 0; i < PAIRS; i++)
		rig_post_write(&from[i], 0, i * 8, 8);
	while (one_round())
		mlx5emu_advance_ns(timeout_ns / 6);
	rig_expect_none(&rig.cq_a);
	assert_memory_equal(rig.remote, rig.local, PAIRS * 8);
	assert_int_equal(rig_counters().timeouts, 0);
	destroy_all();
}

/* Nobody takes anything: then there is an end to it. */
static void wire_that_takes_nothing_is_a_lost_peer(void **state)
{
	const struct rig_options options = { .timeout = TIMEOUT_CODE, .retry_cnt = 1 };

	(void)state;
	rig_connect_both(&options);
	assert_int_equal(mlx5emu_fault_plan("full for=3600s", NULL, 0), 0);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
	for (unsigned i = 0; i < 150; i++) {
		mlx5emu_step();
		rig_expect_none(&rig.cq_a);
		mlx5emu_advance_ns(timeout_ns); /* 67 ms: not yet ten seconds */
	}
	mlx5emu_step();
	mlx5emu_advance_ns(timeout_ns);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_RETRY_EXCEEDED);
	assert_int_equal(mlx5emu_fault_plan("", NULL, 0), 0);
}

/* Of all that was posted the first asks again, and a NAK answers it: two packets, not four and more. */
static void one_message_asks_for_a_receive(void **state)
{
	const struct rig_options options = { .rnr_retry = 7, .min_rnr_timer = 1 };
	enum { MESSAGES = 3, RNR_NS = 10000 };

	(void)state;
	rig_connect_both(&options);
	for (unsigned i = 0; i < MESSAGES; i++)
		rig_post_send(&rig.a, RIG_SIGNALED, 0, 8);
	mlx5emu_step();
	for (unsigned i = 0; i < 20; i++) {
		const uint64_t before = rig_counters().datagrams_sent;

		mlx5emu_advance_ns(RNR_NS);
		mlx5emu_step();
		assert_int_equal(rig_counters().datagrams_sent - before, 2);
	}
	for (unsigned i = 0; i < MESSAGES; i++)
		rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 64, rig.rkey }, 1);
	mlx5emu_advance_ns(RNR_NS);
	mlx5emu_step();
	for (unsigned i = 0; i < MESSAGES; i++)
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(waiting_for_a_turn_is_no_timeout, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(one_message_asks_for_a_receive,
						rig_setup_unconnected, rig_teardown),
		cmocka_unit_test_setup_teardown(wire_that_takes_nothing_is_a_lost_peer,
						rig_setup_unconnected, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
