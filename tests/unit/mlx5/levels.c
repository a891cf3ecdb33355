/* SPDX-License-Identifier: MIT */
/*
 * Which level of instructions a channel gets: the best that the CPU has, or what BV_MLX5_SIMD asks for. One that
 * the CPU lacks is refused with the reason, unless it is asked for unseen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "providers/mlx5/simd.h"

static char why[256];

/* The table of what the environment asks for; NULL: refused. */
static const struct bv_channel_ops *sends(const char *asked)
{
	const struct bv_channel_ops *found = NULL;
	int rc;

	if (asked)
		setenv("BV_MLX5_SIMD", asked, 1);
	else
		unsetenv("BV_MLX5_SIMD");
	why[0] = '\0';
	rc = bvi_mlx5_cpu_sends(&found, why, sizeof(why));
	assert_int_equal(rc, found ? 0 : -EOPNOTSUPP);
	assert_true(!found == !!why[0]);
	return found;
}

static void without_wish_there_is_one(void **state)
{
	(void)state;
	assert_non_null(sends(NULL));
}

static void base_is_everywhere(void **state)
{
	(void)state;
	assert_ptr_equal(sends("base"), bvi_mlx5_ops_short);
	assert_ptr_equal(sends("base!"), bvi_mlx5_ops_short);
}

static void unknown_names_are_refused(void **state)
{
	static const char *const names[] = { "",      "!",   "bas",      "base!!",
					     "base ", "avx", "movdir64", "sse2" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_null(sends(names[i]));
		assert_non_null(strstr(why, "no level of this build"));
	}
}

#ifdef MLX5_SIMD

static void a_level_that_the_cpu_lacks_is_refused(const char *name, const char *unseen,
						  const struct bv_channel_ops *table)
{
	const struct bv_channel_ops *const found = sends(name);

	assert_true(!found || found == table);
	if (!found) {
		assert_non_null(strstr(why, name));
		assert_non_null(strstr(why, "this CPU lacks"));
	}
	assert_ptr_equal(sends(unseen), table);
}

static void levels_are_of_the_cpu_or_taken_unseen(void **state)
{
	(void)state;
	a_level_that_the_cpu_lacks_is_refused("avx512", "avx512!", bvi_mlx5_ops_avx512);
	a_level_that_the_cpu_lacks_is_refused("movdir64b", "movdir64b!", bvi_mlx5_ops_movdir64b);
}

#else

static void levels_are_of_the_cpu_or_taken_unseen(void **state)
{
	(void)state;
	assert_null(sends("avx512"));
	assert_null(sends("movdir64b!"));
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_wish_there_is_one),
		cmocka_unit_test(base_is_everywhere),
		cmocka_unit_test(unknown_names_are_refused),
		cmocka_unit_test(levels_are_of_the_cpu_or_taken_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
