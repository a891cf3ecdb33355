/* SPDX-License-Identifier: MIT */
/* The histogram: error bound over all 64 bits, ranks, extremes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/bv/hdr.h"

/* xorshift64 (Marsaglia 2003): the same numbers in every run. */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void check_error(uint64_t value)
{
	const size_t index = hdr_index(value);
	const uint64_t middle = hdr_middle(index);
	const uint64_t error = middle > value ? middle - value : value - middle;

	assert_true(index < HDR_COUNTERS);
	assert_true(hdr_index(middle) == index);
	assert_true(error <= value / 2048);
}

static void small_values_are_exact(void **state)
{
	(void)state;
	for (uint64_t value = 0; value < 2048; value++)
		assert_int_equal(hdr_middle(hdr_index(value)), value);
}

static void error_is_bounded(void **state)
{
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 200000; i++)
		check_error(random_next(&seed) >> (i % 64));
	for (unsigned bit = 0; bit < 64; bit++) {
		check_error(UINT64_C(1) << bit);
		check_error((UINT64_C(1) << bit) - 1);
		check_error((UINT64_C(1) << bit) + 1);
	}
	check_error(UINT64_MAX);
	assert_int_equal(hdr_index(UINT64_MAX), HDR_COUNTERS - 1);
}

static void counters_follow_each_other(void **state)
{
	(void)state;
	for (size_t i = 1; i < HDR_COUNTERS; i++)
		assert_true(hdr_middle(i) > hdr_middle(i - 1));
}

static void empty_gives_zero(void **state)
{
	struct hdr *hdr = hdr_new();

	(void)state;
	assert_int_equal(hdr_quantile(hdr, 0, 1), 0);
	assert_int_equal(hdr_quantile(hdr, 50, 100), 0);
	assert_int_equal(hdr_quantile(hdr, 1, 1), 0);
	hdr_free(hdr);
}

static void one_sample_is_all_quantiles(void **state)
{
	struct hdr *hdr = hdr_new();

	(void)state;
	hdr_record(hdr, 123456789);
	for (unsigned i = 0; i <= 100; i++)
		assert_int_equal(hdr_quantile(hdr, i, 100), 123456789);
	hdr_free(hdr);
}

/* 1..1000: the sample of rank r is r, so every quantile is known. */
static void ranks_are_exact(void **state)
{
	struct hdr *hdr = hdr_new();

	(void)state;
	for (uint64_t value = 1000; value >= 1; value--)
		hdr_record(hdr, value);
	assert_int_equal(hdr->count, 1000);
	assert_int_equal(hdr_quantile(hdr, 0, 1000), 1);
	assert_int_equal(hdr_quantile(hdr, 1, 1000), 1);
	assert_int_equal(hdr_quantile(hdr, 500, 1000), 500);
	assert_int_equal(hdr_quantile(hdr, 501, 1000), 501);
	assert_int_equal(hdr_quantile(hdr, 990, 1000), 990);
	assert_int_equal(hdr_quantile(hdr, 999, 1000), 999);
	assert_int_equal(hdr_quantile(hdr, 1000, 1000), 1000);
	assert_int_equal(hdr_quantile(hdr, 9991, 10000), 1000);
	hdr_free(hdr);
}

static void extremes_are_kept(void **state)
{
	struct hdr *hdr = hdr_new();

	(void)state;
	hdr_record(hdr, UINT64_MAX);
	hdr_record(hdr, 0);
	hdr_record(hdr, 1000003);
	assert_int_equal(hdr->min, 0);
	assert_true(hdr->max == UINT64_MAX);
	assert_int_equal(hdr_quantile(hdr, 0, 1), 0);
	assert_true(hdr_quantile(hdr, 1, 1) == UINT64_MAX);
	hdr_free(hdr);
}

/* Counts that no run of ours reaches must not overflow the rank. */
static void large_counts(void **state)
{
	struct hdr *hdr = hdr_new();

	(void)state;
	hdr_record(hdr, 10);
	hdr->counter[10] = UINT64_C(1) << 62;
	hdr->counter[20] = UINT64_C(1) << 62;
	hdr->count = UINT64_C(1) << 63;
	hdr->max = 20;
	assert_int_equal(hdr_quantile(hdr, 500, 1000), 10);
	assert_int_equal(hdr_quantile(hdr, 501, 1000), 20);
	assert_int_equal(hdr_quantile(hdr, 999, 1000), 20);
	hdr_free(hdr);
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void agrees_with_sorting(void **state)
{
	enum { N = 50000 };
	uint64_t *value = malloc(N * sizeof(*value));
	struct hdr *hdr = hdr_new();
	uint64_t seed = 42;

	(void)state;
	for (int i = 0; i < N; i++) {
		value[i] = random_next(&seed) >> (20 + i % 40);
		hdr_record(hdr, value[i]);
	}
	qsort(value, N, sizeof(*value), compare);
	for (uint64_t q = 1; q <= 10000; q += 7) {
		const uint64_t exact = value[(N * q + 9999) / 10000 - 1];
		const uint64_t given = hdr_quantile(hdr, q, 10000);

		assert_true((given > exact ? given - exact : exact - given) <= exact / 1000 + 1);
	}
	free(value);
	hdr_free(hdr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_values_are_exact),      cmocka_unit_test(error_is_bounded),
		cmocka_unit_test(counters_follow_each_other),  cmocka_unit_test(empty_gives_zero),
		cmocka_unit_test(one_sample_is_all_quantiles), cmocka_unit_test(ranks_are_exact),
		cmocka_unit_test(extremes_are_kept),           cmocka_unit_test(large_counts),
		cmocka_unit_test(agrees_with_sorting),
	};

	return cmocka_run_group_tests_name("tools_bv_hdr", tests, NULL, NULL);
}
