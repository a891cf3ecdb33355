/* SPDX-License-Identifier: MIT */
/*
 * What was posted, read back from the rings: each operation, lists, inline payload, at the end of the
 * ring, and what is no longer there.
 */
#include "plain.h"

#include <errno.h>

#define REMOTE (&(const struct bv_remote){ 0x99aabbccddeeff00, 0xa1b2c3d4, 1 << 20 })

static struct plain *p;
static struct bv_channel *ch;

static int set_up(void **state)
{
	(void)state;
	p = plain_new(&plain_default);
	ch = plain_channel(p);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	plain_free(p);
	return 0;
}

static struct bv_work_info described(int64_t work)
{
	struct bv_work_info info;

	assert_true(work >= 0);
	assert_int_equal(bvi_mlx5_describe(ch, work, &info), 0);
	return info;
}

static void expect_none_remote(const struct bv_work_info *info)
{
	assert_int_equal(info->remote_addr, 0);
	assert_int_equal(info->rkey, 0);
}

static void expect_remote(const struct bv_work_info *info)
{
	assert_true(info->remote_addr == 0x99aabbccddeeff00);
	assert_int_equal(info->rkey, 0xa1b2c3d4);
}

static void operations(void **state)
{
	const struct bv_gather from = { 0x1122334455667788, 64, 0x0a0b0c0d };
	const struct bv_scatter to = { 0x1122334455667788, 64, 0x0a0b0c0d };
	const struct {
		int64_t work;
		enum bv_op op;
		bool imm, remote;
	} posts[] = {
		{ bv_post_send(ch, &from, 1, 0), BV_OP_SEND, false, false },
		{ bv_post_send_imm(ch, &from, 1, 0xcafe, 0), BV_OP_SEND, true, false },
		{ bv_post_write(ch, &from, 1, REMOTE, BV_UNSIGNALED), BV_OP_WRITE, false, true },
		{ bv_post_write_imm(ch, &from, 1, REMOTE, 0xcafe, 0), BV_OP_WRITE, true, true },
		{ bv_post_read(ch, &to, 1, REMOTE, 0), BV_OP_READ, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(posts) / sizeof(posts[0]); i++) {
		const struct bv_work_info info = described(posts[i].work);

		assert_int_equal(info.op, posts[i].op);
		assert_int_equal(info.has_imm, posts[i].imm);
		assert_int_equal(info.imm, posts[i].imm ? 0xcafe : 0);
		assert_false(info.is_inline);
		assert_int_equal(info.bytes, 64);
		assert_int_equal(info.nranges, 1);
		assert_int_equal(info.nshown, 1);
		assert_true(info.range[0].addr == 0x1122334455667788);
		assert_int_equal(info.range[0].length, 64);
		assert_int_equal(info.range[0].lkey, 0x0a0b0c0d);
		if (posts[i].remote)
			expect_remote(&info);
		else
			expect_none_remote(&info);
	}
}

/* Between the remote range and the result stand the operands. */
static void atomics(void **state)
{
	const struct bv_scatter result = { 0x2000, 8, 7 };
	struct bv_work_info info;

	(void)state;
	info = described(bv_post_fetch_add(ch, &result, REMOTE, 5, 0));
	assert_int_equal(info.op, BV_OP_FETCH_ADD);
	expect_remote(&info);
	assert_int_equal(info.nranges, 1);
	assert_int_equal(info.bytes, 8);
	assert_true(info.range[0].addr == 0x2000);
	assert_int_equal(info.range[0].lkey, 7);
	info = described(bv_post_compare_swap(ch, &result, REMOTE, 5, 6, 0));
	assert_int_equal(info.op, BV_OP_COMPARE_SWAP);
	expect_remote(&info);
	assert_int_equal(info.bytes, 8);
	assert_true(info.range[0].addr == 0x2000);
}

static void inline_payload(void **state)
{
	const uint8_t bytes[60] = { 1 };
	const struct bv_work_info eight = described(bv_post_send_inline(ch, bytes, 8, 0));
	const struct bv_work_info more =
		described(bv_post_write_inline_imm(ch, bytes, sizeof(bytes), REMOTE, 7, 0));
	const struct bv_work_info none = described(bv_post_send_inline(ch, bytes, 0, 0));

	(void)state;
	assert_int_equal(eight.op, BV_OP_SEND);
	assert_true(eight.is_inline);
	assert_int_equal(eight.bytes, 8);
	assert_int_equal(eight.nranges, 0);
	assert_int_equal(more.op, BV_OP_WRITE);
	assert_true(more.is_inline);
	assert_int_equal(more.bytes, sizeof(bytes));
	assert_int_equal(more.imm, 7);
	expect_remote(&more);
	assert_false(none.is_inline);
	assert_int_equal(none.bytes, 0);
	assert_int_equal(none.nranges, 0);
}

/* A list across the end of the ring, longer than what is told one by one, with an empty element. */
static void long_list(void **state)
{
	struct bv_gather list[12];
	struct bv_work_info info;

	(void)state;
	for (unsigned i = 0; i < 12; i++)
		list[i] = (struct bv_gather){ 0x1000 * (i + 1), i == 1 ? 0 : 10 + i, 100 + i };
	plain_seek(p, (uint16_t)mlx5_sq_mask(ch));
	info = described(bv_post_write(ch, list, 12, REMOTE, 0));
	assert_int_equal(info.op, BV_OP_WRITE);
	assert_int_equal(info.nranges, 11);
	assert_int_equal(info.nshown, BV_WORK_RANGES);
	assert_int_equal(info.bytes, 12 * 10 + 66 - 11);
	assert_int_equal(info.range[1].addr, 0x3000);
	assert_int_equal(info.range[1].length, 12);
	assert_int_equal(info.range[3].lkey, 104);
	expect_remote(&info);
}

static void receives(void **state)
{
	struct bv_scatter list[] = {
		{ 0x1000, 5, 1 }, { 0x2000, 0, 2 }, { 0x3000, 7, 3 }, { 0x4000, 9, 4 }
	};
	const int64_t first = bv_post_recv(ch, list, 4), empty = bv_post_recv(ch, NULL, 0);
	struct bv_work_info info = described(first);

	(void)state;
	assert_int_equal(info.op, BV_OP_RECV);
	assert_int_equal(info.bytes, 21);
	assert_int_equal(info.nranges, 3);
	assert_int_equal(info.range[1].addr, 0x3000);
	assert_int_equal(info.range[2].lkey, 4);
	expect_none_remote(&info);
	list[1].length = 6;
	info = described(bv_post_recv(ch, list, 4)); /* as many as a place has room for */
	assert_int_equal(info.nranges, 4);
	assert_int_equal(info.bytes, 27);
	info = described(empty);
	assert_int_equal(info.op, BV_OP_RECV);
	assert_int_equal(info.nranges, 0);
}

/* A block that was overwritten, and one that no work of ours began, tell nothing. */
static void gone(void **state)
{
	const struct bv_gather from = { 0x1000, 64, 1 };
	struct bv_work_info info;
	const int64_t work = bv_post_send(ch, &from, 1, 0);

	(void)state;
	assert_int_equal(bvi_mlx5_describe(ch, work + 1, &info), -ENOENT);
	assert_int_equal(info.op, BV_OP_NONE);
	p->sq[3] = 0x3f; /* no opcode of ours */
	assert_int_equal(bvi_mlx5_describe(ch, work, &info), -ENOENT);
	assert_int_equal(info.op, BV_OP_NONE);
	p->sq[2] = 1; /* the index of another block */
	assert_int_equal(bvi_mlx5_describe(ch, work, &info), -ENOENT);
}

#define ring_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(operations), ring_test(atomics),  ring_test(inline_payload),
		ring_test(long_list),  ring_test(receives), ring_test(gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
