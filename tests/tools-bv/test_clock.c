/* SPDX-License-Identifier: MIT */
/* The clock of the samples runs as fast as CLOCK_MONOTONIC says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/bv/clock.h"

static void rates_agree(void **state)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	uint64_t ticks;
	int64_t ns;
	double ratio;

	(void)state;
	clock_init();
	assert_non_null(clock_info.source);
	ns = clock_ns();
	ticks = clock_ticks();
	nanosleep(&pause, NULL);
	ticks = clock_ticks() - ticks;
	ns = clock_ns() - ns;
	ratio = (double)ticks * clock_info.ns_per_tick / (double)ns;
	/* A preemption between the two readings is what this allows for. */
	assert_true(ratio > 0.9 && ratio < 1.1);
}

static void a_reading_costs_little(void **state)
{
	(void)state;
	clock_init();
	assert_true((double)clock_info.overhead * clock_info.ns_per_tick < 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_agree),
		cmocka_unit_test(a_reading_costs_little),
	};

	return cmocka_run_group_tests_name("tools_bv_clock", tests, NULL, NULL);
}
