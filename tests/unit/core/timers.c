/* SPDX-License-Identifier: MIT */
/*
 * Timer codes, deadlines, CRC-32C, version.
 */
#include "fake.h"

#include "core/clock.h"
#include "core/crc32c.h"
#include "core/mtu.h"

static void rnr_table(void **state)
{
	static const int64_t us[32] = {
		655360, 10,    20,    30,    40,    60,     80,     120,    160,    240,   320,
		480,    640,   960,   1280,  1920,  2560,   3840,   5120,   7680,   10240, 15360,
		20480,  30720, 40960, 61440, 81920, 122880, 163840, 245760, 327680, 491520
	};

	(void)state;
	for (uint8_t code = 0; code < 32; code++)
		assert_int_equal(bv_rnr_timer_ns(code), us[code] * BV_USEC);
	assert_int_equal(bv_rnr_timer_ns(16), 2560 * BV_USEC);
	assert_int_equal(bv_rnr_timer_ns(32 + 16), 2560 * BV_USEC);
	for (uint8_t code = 1; code < 32; code++) {
		assert_int_equal(bv_rnr_timer_code(us[code] * BV_USEC), code);
		assert_int_equal(bv_rnr_timer_code(us[code] * BV_USEC + 1), (code + 1) % 32);
	}
	assert_int_equal(bv_rnr_timer_code(0), 1);
	assert_int_equal(bv_rnr_timer_code(INT64_MIN), 1);
	assert_int_equal(bv_rnr_timer_code(INT64_MAX), 0);
}

/* The seed gave none below 8.192 us, and rounded 8193 ns down (semantics.md B17). */
static void ack_codes(void **state)
{
	(void)state;
	assert_int_equal(bv_ack_timeout_ns(0), BV_FOREVER);
	assert_int_equal(bv_ack_timeout_ns(1), 8192);
	assert_int_equal(bv_ack_timeout_ns(4), 65536);
	assert_int_equal(bv_ack_timeout_ns(31), 4096 * (INT64_C(1) << 31));
	assert_int_equal(bv_ack_timeout_ns(33), 8192);
	assert_int_equal(bv_ack_timeout_code(0), 1);
	assert_int_equal(bv_ack_timeout_code(1), 1);
	assert_int_equal(bv_ack_timeout_code(8192), 1);
	assert_int_equal(bv_ack_timeout_code(8193), 2);
	for (uint8_t code = 1; code < 31; code++) {
		assert_int_equal(bv_ack_timeout_code(bv_ack_timeout_ns(code)), code);
		assert_int_equal(bv_ack_timeout_code(bv_ack_timeout_ns(code) + 1), code + 1);
	}
	assert_int_equal(bv_ack_timeout_code(INT64_MAX), 31);
}

static void deadline_of_zero(void **state)
{
	struct bvi_deadline deadline = bvi_deadline_after(0);

	(void)state;
	assert_true(bvi_deadline_passed(&deadline));
	deadline = bvi_deadline_after(-1);
	assert_true(bvi_deadline_passed(&deadline));
	deadline = bvi_deadline_after(INT64_MIN);
	assert_true(bvi_deadline_passed(&deadline));
	assert_int_equal(fake.clock_looks, 0);
}

static void deadline_of_forever(void **state)
{
	struct bvi_deadline deadline = bvi_deadline_after(BV_FOREVER);

	(void)state;
	fake.now = INT64_MAX / 2;
	for (int i = 0; i < 1000; i++)
		assert_false(bvi_deadline_passed(&deadline));
	assert_true(fake.clock_looks <= 1);
}

static void deadline_saturates(void **state)
{
	struct bvi_deadline deadline;

	(void)state;
	fake.now = 1000;
	deadline = bvi_deadline_after(BV_FOREVER - 1);
	assert_int_equal(deadline.at, BV_FOREVER);
}

static void deadline_passes(void **state)
{
	struct bvi_deadline deadline = bvi_deadline_after(10);
	unsigned int looks = 0;

	(void)state;
	while (!bvi_deadline_passed(&deadline))
		looks++;
	assert_true(fake.now >= 11);
	/* One look at the clock to start, then one every BVI_CLOCK_POLLS. */
	assert_int_equal(fake.clock_looks, 1 + (looks + 1) / BVI_CLOCK_POLLS);
}

/* RFC 3720, appendix B.4. */
static void crc_vectors(void **state)
{
	uint8_t bytes[32];

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(bvi_crc32c(bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(bvi_crc32c(bytes, 32), 0x62a8ab43);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = i;
	assert_int_equal(bvi_crc32c(bytes, 32), 0x46dd794e);
	assert_int_equal(bvi_crc32c("123456789", 9), 0xe3069283);
	assert_int_equal(bvi_crc32c(NULL, 0), 0);
}

static void mtu_codes(void **state)
{
	(void)state;
	for (uint8_t code = 1; code <= 5; code++)
		assert_int_equal(bvi_mtu_code(bvi_mtu_bytes(code)), code);
	assert_int_equal(bvi_mtu_bytes(1), 256);
	assert_int_equal(bvi_mtu_bytes(5), 4096);
	assert_int_equal(bvi_mtu_bytes(0), 0);
	assert_int_equal(bvi_mtu_bytes(6), 0);
	assert_int_equal(bvi_mtu_code(0), 0);
	assert_int_equal(bvi_mtu_code(1500), 0);
}

static void version(void **state)
{
	(void)state;
	assert_string_equal(bv_version(), BV_VERSION_STRING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(rnr_table),
		fake_test(ack_codes),
		fake_test(deadline_of_zero),
		fake_test(deadline_of_forever),
		fake_test(deadline_saturates),
		fake_test(deadline_passes),
		fake_test(crc_vectors),
		fake_test(mtu_codes),
		fake_test(version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
