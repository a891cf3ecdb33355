/* SPDX-License-Identifier: MIT */
/*
 * What is kept of works for the texts of errors: every operation, lists of any length, inline
 * payload, and places that were used before.
 */
#include "driver.h"

#include <errno.h>

#define REMOTE (&(const struct bv_remote){ 0x99aabbccddeeff00, 0xa1b2c3d4, 1 << 20 })
#define IMM 0xcafe0001u

/* Two more than are told one by one. */
static const struct bv_gather from[6] = {
	{ 0x1000, 10, 7 },  { 0x2000, 20, 8 },  { 0x3000, 30, 9 },
	{ 0x4000, 40, 10 }, { 0x5000, 50, 11 }, { 0x6000, 60, 12 }
};
static const struct bv_scatter into[6] = { { 0x1000, 10, 7 },  { 0x2000, 20, 8 },
					   { 0x3000, 30, 9 },  { 0x4000, 40, 10 },
					   { 0x5000, 50, 11 }, { 0x6000, 60, 12 } };
static const struct bv_scatter to[4] = {
	{ 0x1000, 10, 7 }, { 0x2000, 0, 8 }, { 0x3000, 30, 9 }, { 0x4000, 40, 10 }
};

static struct bv_work_info described(const struct driver *d, int64_t work)
{
	struct bv_work_info info;

	assert_true(work >= 0);
	assert_int_equal(bvi_verbs_describe(&d->v.base, work, &info), 0);
	return info;
}

static void expect_list(const struct bv_work_info *info, unsigned n, uint64_t bytes)
{
	assert_false(info->is_inline);
	assert_int_equal(info->nranges, n);
	assert_int_equal(info->nshown, n < VERBS_POSTED_SGE ? n : VERBS_POSTED_SGE);
	assert_true(info->bytes == bytes);
	for (unsigned i = 0; i < info->nshown; i++) {
		assert_true(info->range[i].addr == 0x1000 * (i + 1));
		assert_int_equal(info->range[i].length, 10 * (i + 1));
		assert_int_equal(info->range[i].lkey, 7 + i);
	}
}

static void expect(const struct bv_work_info *info, enum bv_op op, bool imm, bool remote)
{
	assert_int_equal(info->op, op);
	assert_int_equal(info->has_imm, imm);
	assert_int_equal(info->imm, imm ? IMM : 0);
	assert_true(info->remote_addr == (remote ? REMOTE->addr : 0));
	assert_int_equal(info->rkey, remote ? REMOTE->rkey : 0);
}

static void operations(void **state)
{
	static const uint64_t bytes[] = { 0, 10, 30, 60, 100, 150, 210 };
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	struct bv_work_info info;

	(void)state;
	for (unsigned n = 0; n <= 6; n++) {
		info = described(d, bv_post_send(ch, from, n, 0));
		expect(&info, BV_OP_SEND, false, false);
		expect_list(&info, n, bytes[n]);
		info = described(d, bv_post_send_imm(ch, from, n, IMM, 0));
		expect(&info, BV_OP_SEND, true, false);
		expect_list(&info, n, bytes[n]);
		info = described(d, bv_post_write(ch, from, n, REMOTE, 0));
		expect(&info, BV_OP_WRITE, false, true);
		expect_list(&info, n, bytes[n]);
		info = described(d, bv_post_write_imm(ch, from, n, REMOTE, IMM, 0));
		expect(&info, BV_OP_WRITE, true, true);
		expect_list(&info, n, bytes[n]);
		info = described(d, bv_post_read(ch, into, n, REMOTE, 0));
		expect(&info, BV_OP_READ, false, true);
		expect_list(&info, n, bytes[n]);
	}
	driver_free(d);
}

static void atomics(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	const struct bv_scatter result = { 0x1000, 8, 7 };
	struct bv_work_info info;

	(void)state;
	info = described(d, bv_post_fetch_add(ch, &result, REMOTE, 5, 0));
	expect(&info, BV_OP_FETCH_ADD, false, true);
	assert_int_equal(info.bytes, 8);
	assert_int_equal(info.range[0].lkey, 7);
	info = described(d, bv_post_compare_swap(ch, &result, REMOTE, 5, 6, 0));
	expect(&info, BV_OP_COMPARE_SWAP, false, true);
	assert_int_equal(info.bytes, 8);
	driver_free(d);
}

/* A place where nothing was posted: no guess is made. */
static void unknown(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_work_info info;

	(void)state;
	assert_int_equal(bv_post_send(driver_channel(d), from, 1, 0), 0);
	d->v.posted[0].how = 0;
	assert_int_equal(bvi_verbs_describe(&d->v.base, 0, &info), -ENOENT);
	assert_int_equal(info.op, BV_OP_NONE);
	driver_free(d);
}

static void inline_payload(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	const uint8_t payload[40] = { 1 };
	struct bv_work_info info;

	(void)state;
	info = described(d, bv_post_send_inline(ch, payload, 40, 0));
	expect(&info, BV_OP_SEND, false, false);
	assert_true(info.is_inline);
	assert_int_equal(info.bytes, 40);
	assert_int_equal(info.nranges, 0);
	info = described(d, bv_post_write_inline_imm(ch, payload, 8, REMOTE, IMM, 0));
	expect(&info, BV_OP_WRITE, true, true);
	assert_true(info.is_inline);
	assert_int_equal(info.bytes, 8);
	info = described(d, bv_post_write_inline(ch, payload, 0, REMOTE, 0));
	expect(&info, BV_OP_WRITE, false, true);
	expect_list(&info, 0, 0);
	driver_free(d);
}

/* Empty elements are left out of those that are told, and long lists are told in part. */
static void receives(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	struct bv_work_info info = described(d, bv_post_recv(ch, to, 4));

	(void)state;
	expect(&info, BV_OP_RECV, false, false);
	assert_int_equal(info.nranges, 3);
	assert_int_equal(info.nshown, 3);
	assert_int_equal(info.bytes, 80);
	info = described(d, bv_post_recv(ch, into, 6));
	expect_list(&info, 6, 210);
	info = described(d, bv_post_recv(ch, to, 1));
	expect(&info, BV_OP_RECV, false, false);
	expect_list(&info, 1, 10);
	driver_free(d);
}

/* A place of a long list, of inline payload and of another target keeps nothing of them. */
static void places_are_used_again(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	const uint8_t payload[8] = { 1 };
	struct bv_work_info info;
	struct bv_wc wc;

	(void)state;
	for (unsigned lap = 0; lap < 3; lap++) {
		for (unsigned i = 0; i < DRIVER_MAX_SEND; i++) {
			if (lap == 0)
				info = described(d, bv_post_write_imm(ch, from, 4, REMOTE, IMM, 0));
			else if (lap == 1)
				info = described(d,
						 bv_post_write_inline(ch, payload, 8, REMOTE, 0));
			else
				info = described(d, bv_post_send(ch, from, 1, 0));
		}
		for (unsigned i = 0; i < DRIVER_MAX_SEND; i++) {
			driver_complete(&d->send, (struct ibv_wc){ .wr_id = i });
			assert_int_equal(bv_poll_send(ch, &wc, 1), 1);
		}
	}
	expect(&info, BV_OP_SEND, false, false);
	expect_list(&info, 1, 10);
	driver_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations), cmocka_unit_test(atomics),
		cmocka_unit_test(unknown),    cmocka_unit_test(inline_payload),
		cmocka_unit_test(receives),   cmocka_unit_test(places_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
