/* SPDX-License-Identifier: MIT */
/* Events that wait: for so many completions, or for so long, whichever comes first. */
#include <errno.h>

#include "rig.h"

enum { COUNT = 4, PERIOD_US = 100 };

static void complete(unsigned n, uint8_t flags)
{
	while (n--) {
		struct rig_cqe cqe;

		rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 64, rig.rkey }, 1);
		rig_post_send(&rig.a, flags, 0, 8);
		while (mlx5emu_step())
			;
		assert_true(rig_poll(&rig.cq_b, &cqe));
	}
}

static void arm(unsigned sn, bool solicited)
{
	rig_arm(&rig.cq_b, sn, solicited);
	mlx5emu_step();
}

static void pass_us(unsigned us)
{
	mlx5emu_advance_ns(us * UINT64_C(1000));
	mlx5emu_step();
}

static int moderate(uint32_t count, uint32_t period)
{
	return emu_cq_moderate(rig.dev, rig.cq_b.cqn, count, period);
}

static void enough_completions(void **state)
{
	(void)state;
	assert_int_equal(moderate(COUNT, PERIOD_US), 0);
	arm(0, false);
	complete(COUNT - 1, 0);
	assert_int_equal(rig.cq_b.events, 0);
	complete(1, 0);
	assert_int_equal(rig.cq_b.events, 1);
	/* Counted from the event on. */
	arm(1, false);
	complete(COUNT - 1, 0);
	assert_int_equal(rig.cq_b.events, 1);
	complete(1, 0);
	assert_int_equal(rig.cq_b.events, 2);
}

static void enough_time(void **state)
{
	(void)state;
	assert_int_equal(moderate(COUNT, PERIOD_US), 0);
	arm(0, false);
	pass_us(10 * PERIOD_US);
	complete(1, 0);
	assert_int_equal(rig.cq_b.events, 0);
	pass_us(PERIOD_US / 2);
	complete(1, 0);
	assert_int_equal(rig.cq_b.events, 0);
	pass_us(PERIOD_US / 2);
	assert_int_equal(rig.cq_b.events, 1);
	pass_us(10 * PERIOD_US);
	assert_int_equal(rig.cq_b.events, 1);
}

/* A new arming, behind all that came, waits for what comes. */
static void armed_anew(void **state)
{
	(void)state;
	assert_int_equal(moderate(COUNT, PERIOD_US), 0);
	arm(0, false);
	complete(1, 0);
	arm(1, false);
	pass_us(10 * PERIOD_US);
	assert_int_equal(rig.cq_b.events, 0);
	complete(1, 0);
	pass_us(PERIOD_US);
	assert_int_equal(rig.cq_b.events, 1);
}

static void only_solicited(void **state)
{
	(void)state;
	assert_int_equal(moderate(2, PERIOD_US), 0);
	arm(0, true);
	complete(2 * COUNT, 0);
	pass_us(10 * PERIOD_US);
	assert_int_equal(rig.cq_b.events, 0);
	complete(1, RIG_SOLICITED);
	assert_int_equal(rig.cq_b.events, 1);
}

static void switched_off(void **state)
{
	static const uint32_t off[][2] = { { 0, PERIOD_US }, { COUNT, 0 }, { 0, 0 }, { 1, 1 } };

	(void)state;
	for (unsigned i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		assert_int_equal(moderate(off[i][0], off[i][1]), 0);
		arm(i, false);
		complete(1, 0);
		assert_int_equal(rig.cq_b.events, i + 1);
	}
	/* What waits is let go at once. */
	assert_int_equal(moderate(COUNT, PERIOD_US), 0);
	arm(0, false);
	complete(1, 0);
	assert_int_equal(rig.cq_b.events, 4);
	assert_int_equal(moderate(0, 0), 0);
	assert_int_equal(rig.cq_b.events, 5);
}

static void refused(void **state)
{
	(void)state;
	assert_int_equal(moderate(EMU_MAX_CQ_COUNT, EMU_MAX_CQ_PERIOD), 0);
	assert_int_equal(moderate(EMU_MAX_CQ_COUNT + 1, 1), -EINVAL);
	assert_int_equal(moderate(1, EMU_MAX_CQ_PERIOD + 1), -EINVAL);
	assert_int_equal(emu_cq_moderate(rig.dev, 4000, 1, 1), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(enough_completions), TEST(enough_time),  TEST(armed_anew),
		TEST(only_solicited),     TEST(switched_off), TEST(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
