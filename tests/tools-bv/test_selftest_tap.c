/* SPDX-License-Identifier: MIT */
/* Lines of bv-conform, of whoever else writes there, and the IDs of guarantees. */
#include "tools/bv/selftest_tap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(const char *line, enum tap_kind kind, unsigned number, const char *text)
{
	const struct tap_line tap = tap_parse(line);

	assert_int_equal(tap.kind, kind);
	assert_int_equal(tap.number, number);
	if (text != NULL)
		assert_string_equal(tap.text, text);
}

static void lines_of_the_suite(void **state)
{
	(void)state;
	expect("1..177", TAP_PLAN, 177, NULL);
	expect("# begin 3 queues.wrap", TAP_BEGIN, 3, "queues.wrap");
	expect("ok 3 - queues.wrap: B4 rings wrap", TAP_OK, 3, "- queues.wrap: B4 rings wrap");
	expect("not ok 4 - a.b: c", TAP_NOT_OK, 4, "- a.b: c");
	expect("ok 5 # SKIP a.b: c", TAP_SKIP, 5, NULL);
	expect("skipped: a release library has no checks", TAP_REASON, 0,
	       "a release library has no checks");
	expect("# tests/conform/x.c:1: not: a == b", TAP_COMMENT, 0,
	       "tests/conform/x.c:1: not: a == b");
	expect("# begin again", TAP_COMMENT, 0, "begin again");
	expect("Bail out! the other side is gone", TAP_BAIL, 0, "the other side is gone");
}

static void lines_of_others(void **state)
{
	static const char *const lines[] = {
		"",
		"mlx5: host: got completion with error:",
		"ok",
		"okay 3",
		"not ok",
		"ok x",
		"not ok -1 - a",
		"#",
		"1..",
		"1..x",
		"Bail out!",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		expect(lines[i], TAP_OTHER, 0, lines[i]);
	/* Beyond any count of tests: nobody's number. */
	expect("ok 99999999999999999999 - a", TAP_OK, 0, NULL);
}

static void ids(void **state)
{
	(void)state;
	assert_int_equal(tap_ids("WR-1 B4 no bytes reported"), 8);
	assert_int_equal(tap_ids("B7 every wait ends"), 3);
	assert_int_equal(tap_ids("9.1 as many elements"), 4);
	assert_int_equal(tap_ids("16. B9 B12 24 orders"), 11);
	assert_int_equal(tap_ids("design 2 the longer timers"), 0);
	assert_int_equal(tap_ids("BV_MORE: nothing waits"), 0);
	assert_int_equal(tap_ids("A text"), 0);
	assert_int_equal(tap_ids("B4: colon"), 0);
	assert_int_equal(tap_ids("B4"), 2);
	assert_int_equal(tap_ids(""), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_the_suite),
		cmocka_unit_test(lines_of_others),
		cmocka_unit_test(ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
