/* SPDX-License-Identifier: MIT */
/* Values on the command line: what is taken, what is refused, and that a refusal writes nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tools/bv/error.h" /* before cmocka.h, which has a macro fail() */
#include "tools/bv/parse.h"

#include <cmocka.h>

static void sizes_with_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = { { "0", 0 },     { "8", 8 },        { "1K", 1024 },
		     { "4k", 4096 }, { "1M", 1 << 20 }, { "2G", UINT64_C(2) << 30 } };
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse_size(good[i].text, "--size", UINT64_C(1) << 40, &value), 0);
		assert_int_equal(value, good[i].value);
	}
}

static void bad_sizes(void **state)
{
	static const char *const bad[] = {
		"",   "K",    "-1",          " 8",  "8 ",
		"8B", "1T",   "4x",          "1KK", "99999999999999999999999",
		"5K", "4097", "17179869184G"
	};
	uint64_t value = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse_size(bad[i], "--size", 4096, &value), -EINVAL);
		assert_int_equal(value, 42);
		assert_non_null(strstr(fail_text(), "--size"));
	}
}

static void counts(void **state)
{
	static const char *const bad[] = { "", "0", "101", "1x", "-5", "1e3", "+7" };
	uint64_t value;

	(void)state;
	assert_int_equal(parse_count("1", "--iters", 1, 100, &value), 0);
	assert_int_equal(parse_count("100", "--iters", 1, 100, &value), 0);
	assert_int_equal(value, 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_count(bad[i], "--iters", 1, 100, &value), -EINVAL);
	assert_int_equal(value, 100);
}

static void times(void **state)
{
	static const char *const bad[] = { "",    "0",   "-1", "1m",   "s",  "1 s",
					   "nan", "inf", "1h", "1e30", "ms", "86401" };
	int64_t ns = 0;

	(void)state;
	assert_int_equal(parse_time("2", "--time", &ns), 0);
	assert_int_equal(ns, 2000000000);
	assert_int_equal(parse_time("0.5s", "--time", &ns), 0);
	assert_int_equal(ns, 500000000);
	assert_int_equal(parse_time("300ms", "--time", &ns), 0);
	assert_int_equal(ns, 300000000);
	assert_int_equal(parse_time("50us", "--time", &ns), 0);
	assert_int_equal(ns, 50000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_time(bad[i], "--time", &ns), -EINVAL);
	assert_int_equal(ns, 50000);
}

static void size_lists(void **state)
{
	static const char *const bad[] = { "", ",", "8,", ",8", "8,,8", "8,x", "1,2,3,4,5" };
	uint32_t list[4];
	size_t n = 0;

	(void)state;
	assert_int_equal(parse_sizes("8,1K,0", "--sizes", 4096, list, 4, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(list[1], 1024);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_sizes(bad[i], "--sizes", 4096, list, 4, &n), -EINVAL);
	assert_int_equal(n, 3);
}

static void places(void **state)
{
	uint8_t port = 1;
	int index = -1;

	(void)state;
	assert_int_equal(parse_port("256", &port), -EINVAL);
	assert_int_equal(parse_port("0", &port), -EINVAL);
	assert_int_equal(port, 1);
	assert_int_equal(parse_port("255", &port), 0);
	assert_int_equal(port, 255);
	assert_int_equal(parse_gid_index("65536", &index), -EINVAL);
	assert_int_equal(index, -1);
	assert_int_equal(parse_gid_index("0", &index), 0);
	assert_int_equal(index, 0);
}

static void word_lists(void **state)
{
	static const char *const bad[] = {
		"",      "verbs,",   "verbs,verbs",
		"a b",   "a/b",      "abcdefghijklmnop",
		"a,b,c", "a\nb,c,d", "abcdefghijklmnopqrstuvwxyzabcdefghijkl"
	};
	char list[2][16];
	size_t n = 0;

	(void)state;
	assert_int_equal(parse_words("verbs,mlx5", "--provider", list, 2, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[0], "verbs");
	assert_string_equal(list[1], "mlx5");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_words(bad[i], "--provider", list, 2, &n), -EINVAL);
	assert_int_equal(n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_with_units), cmocka_unit_test(bad_sizes),
		cmocka_unit_test(counts),           cmocka_unit_test(times),
		cmocka_unit_test(size_lists),       cmocka_unit_test(word_lists),
		cmocka_unit_test(places),
	};

	return cmocka_run_group_tests_name("tools_bv_parse", tests, NULL, NULL);
}
