/* SPDX-License-Identifier: MIT */
/* The data check: what is right passes, whatever else could arrive does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/bv/pattern.h"

static const size_t sizes[] = { 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 4096 };

#define NSIZES (sizeof(sizes) / sizeof(sizes[0]))

static uint8_t buf[4096 + 16];

static void what_was_filled_passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSIZES; i++) {
		for (uint64_t number = 0; number < 600; number++) {
			pattern_fill(buf, sizes[i], number);
			assert_int_equal(pattern_check(buf, sizes[i], number), sizes[i]);
			assert_int_equal(buf[sizes[i] - 1], pattern_tag(number));
		}
	}
	pattern_fill(NULL, 0, 5);
	assert_int_equal(pattern_check(NULL, 0, 5), 0);
}

static void fill_stays_inside(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSIZES; i++) {
		memset(buf, 0xee, sizeof(buf));
		pattern_fill(buf, sizes[i], 77);
		for (size_t at = sizes[i]; at < sizes[i] + 16; at++)
			assert_int_equal(buf[at], 0xee);
	}
}

static void each_flipped_bit_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSIZES - 1; i++) {
		pattern_fill(buf, sizes[i], 12345);
		for (size_t bit = 0; bit < sizes[i] * 8; bit++) {
			buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(pattern_check(buf, sizes[i], 12345), bit / 8);
			assert_true(pattern_byte(bit / 8, sizes[i], 12345) != buf[bit / 8]);
			buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_int_equal(pattern_check(buf, sizes[i], 12345), sizes[i]);
	}
}

/* A stale message: any of the last hundred in the place of this one. */
static void another_message_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSIZES; i++) {
		pattern_fill(buf, sizes[i], 5000);
		for (uint64_t number = 4900; number < 5000; number++)
			assert_true(pattern_check(buf, sizes[i], number) < sizes[i]);
	}
}

/* The right tag over the body of the message 256 before it, whose tag is the same. */
static void same_tag_other_body_is_found(void **state)
{
	(void)state;
	for (size_t i = 1; i < NSIZES; i++) {
		pattern_fill(buf, sizes[i], 1000);
		assert_int_equal(pattern_tag(1000), pattern_tag(1256));
		assert_true(pattern_check(buf, sizes[i], 1256) < sizes[i]);
	}
}

static void a_missing_tail_is_found(void **state)
{
	(void)state;
	pattern_fill(buf, 4096, 9);
	memset(buf + 4032, 0, 63); /* the last line but its tag */
	assert_int_equal(pattern_check(buf, 4096, 9), 4032);
}

static void shifted_words_are_found(void **state)
{
	(void)state;
	pattern_fill(buf, 4096, 9);
	memmove(buf, buf + 8, 4088);
	assert_int_equal(pattern_check(buf, 4096, 9), 0);
}

static void immediates_differ(void **state)
{
	(void)state;
	for (uint64_t number = 1; number < 10000; number++)
		assert_true(pattern_imm(number) != pattern_imm(number - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_filled_passes),
		cmocka_unit_test(fill_stays_inside),
		cmocka_unit_test(each_flipped_bit_is_found),
		cmocka_unit_test(another_message_is_found),
		cmocka_unit_test(same_tag_other_body_is_found),
		cmocka_unit_test(a_missing_tail_is_found),
		cmocka_unit_test(shifted_words_are_found),
		cmocka_unit_test(immediates_differ),
	};

	return cmocka_run_group_tests_name("tools_bv_pattern", tests, NULL, NULL);
}
