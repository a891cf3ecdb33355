/* SPDX-License-Identifier: MIT */
/*
 * The blocking calls and atomics above a provider that does as the test says: each waits for room and
 * for its completion, and is refused where the device, the connection or the state has no such thing.
 */
#include "fake.h"

#include <errno.h>

#include "core/diagnosis.h"

#define SENDS 20

static const struct bv_remote remote = { .addr = 0x1000, .length = 64, .rkey = 1 };
static const struct bv_scatter result = { 0x2000, 8, 1 };

static struct bv_device *dev;
static struct bv_pd *pd;
static struct bv_channel *ch;

static void open_channel(uint8_t rd_atomic)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	const struct bv_endpoint peer = fake_peer();

	attr.max_send = SENDS;
	attr.rd_atomic = rd_atomic;
	ch = fake_channel(&attr, &dev, &pd);
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
}

static void close_channel(void)
{
	bv_channel_destroy(ch);
	bv_pd_free(pd);
	bv_close(dev);
}

static int setup(void **state)
{
	fake_reset(state);
	open_channel(16);
	return 0;
}

static int teardown(void **state)
{
	close_channel();
	return fake_check(state);
}

#define blocking_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static int send(int64_t timeout)
{
	return bv_send(ch, NULL, 0, timeout);
}

static int send_imm(int64_t timeout)
{
	return bv_send_imm(ch, NULL, 0, 5, timeout);
}

static int write(int64_t timeout)
{
	return bv_write(ch, NULL, 0, &remote, timeout);
}

static int write_imm(int64_t timeout)
{
	return bv_write_imm(ch, NULL, 0, &remote, 5, timeout);
}

static int read(int64_t timeout)
{
	return bv_read(ch, NULL, 0, &remote, timeout);
}

static int fetch_add(int64_t timeout)
{
	return bv_fetch_add(ch, &result, &remote, 7, timeout);
}

static int compare_swap(int64_t timeout)
{
	return bv_compare_swap(ch, &result, &remote, 7, 8, timeout);
}

static const struct {
	const char *slot;
	int (*call)(int64_t timeout);
} calls[] = {
	{ "send", send },
	{ "send_imm", send_imm },
	{ "write", write },
	{ "write_imm", write_imm },
	{ "read", read },
	{ "fetch_add", fetch_add },
	{ "compare_swap", compare_swap },
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

static void complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < CALLS; i++) {
		fake_complete_at_poll(ch, 3);
		assert_int_equal(calls[i].call(BV_SEC), 0);
		assert_string_equal(fake.post.slot, calls[i].slot);
	}
	assert_int_equal(fake.post.compare, 7);
	assert_int_equal(fake.post.swap, 8);
	assert_int_equal(bv_last_posted(ch), CALLS - 1);
}

/* A full queue is waited for, as long as the call may take, and then the work is posted once. */
static void wait_for_room(void **state)
{
	(void)state;
	for (size_t i = 0; i < CALLS; i++) {
		int64_t last;

		while (bv_post_send(ch, NULL, 0, 0) >= 0)
			;
		last = bv_last_posted(ch);
		assert_int_equal(calls[i].call(0), -ETIMEDOUT);
		assert_int_equal(bv_last_posted(ch), last);
		fake_complete_send(ch, (uint64_t)last, BV_STATUS_SUCCESS);
		assert_int_equal(calls[i].call(0), -ETIMEDOUT); /* posted, not done yet */
		assert_int_equal(bv_last_posted(ch), last + 1);
		assert_string_equal(fake.post.slot, calls[i].slot);
	}
}

static void failing(void **state)
{
	(void)state;
	for (size_t i = 0; i < CALLS; i++) {
		fake.post_rc = -ENOMEM;
		fake.post_rc_at = ch->sq_posted;
		assert_int_equal(calls[i].call(BV_FOREVER), -ENOMEM);
	}
	fake.post_rc = 0;
	fake_break(ch);
	for (size_t i = 0; i < CALLS; i++) {
		assert_int_equal(calls[i].call(BV_FOREVER), -EIO);
		assert_text("is broken");
	}
}

/* Works that the device could not be told of would be waited for in vain. */
static void flush_fails(void **state)
{
	(void)state;
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), 0);
	fake.flush_rc = -EIO;
	assert_int_equal(bv_wait(ch, 0, BV_FOREVER, NULL), -EIO);
	assert_int_equal(send(BV_FOREVER), -EIO);
}

/* More completions than are taken at a time. */
static void many_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < SENDS; i++) {
		assert_int_equal(bv_post_send(ch, NULL, 0, 0), i);
		fake_complete_send(ch, (uint64_t)i, BV_STATUS_SUCCESS);
	}
	assert_int_equal(bv_test(ch, SENDS - 1, NULL), 1);
	assert_int_equal(fake_polls(ch), 3); /* of 8, 8 and 4 */
	for (int i = 0; i < 8; i++) {
		assert_int_equal(bv_post_send(ch, NULL, 0, 0), SENDS + i);
		fake_complete_send(ch, SENDS + (uint64_t)i, BV_STATUS_SUCCESS);
	}
	assert_int_equal(bv_test(ch, SENDS + 7, NULL), 1);
	assert_int_equal(fake_polls(ch), 4); /* what was asked for is there: no other look */
}

static void atomics_before_connecting(void **state)
{
	struct bv_channel *other;

	(void)state;
	assert_int_equal(bv_channel_create(pd, NULL, &other), 0);
	assert_int_equal(bv_post_fetch_add(other, &result, &remote, 1, 0), -EINVAL);
	assert_text("bv_post_fetch_add: the channel is PREPARED, it must be READY");
	assert_int_equal(bv_post_compare_swap(other, &result, &remote, 1, 2, 0), -EINVAL);
	assert_text("bv_post_compare_swap: the channel is PREPARED, it must be READY");
	bv_channel_destroy(other);
}

static void atomics_that_do_not_fit(void **state)
{
	const struct bv_remote odd = { .addr = 0x1004, .length = 64 }, small = { .length = 7 };
	const struct bv_scatter four = { 0x2000, 4, 1 };

	(void)state;
	assert_int_equal(bv_post_fetch_add(ch, &four, &remote, 1, 0), -EINVAL);
	assert_text("the result of an atomic is 8 bytes; the element has 4");
	assert_int_equal(bv_post_fetch_add(ch, &result, &odd, 1, 0), -EINVAL);
	assert_text("an atomic works on 8 bytes at a multiple of 8; the remote address is 0x1004");
	assert_int_equal(bv_post_compare_swap(ch, &result, &small, 1, 2, 0), -ERANGE);
	assert_text("8 bytes do not fit into the remote region, which has 7");
	assert_int_equal(bv_post_compare_swap(ch, &result, &remote, 1, 2, 0x40), -EINVAL);
	assert_text("unknown flags 0x40");
	assert_int_equal(bv_last_posted(ch), -1);
}

static void connection_without_atomics(void **state)
{
	(void)state;
	close_channel();
	open_channel(0);
	assert_int_equal(bv_post_fetch_add(ch, &result, &remote, 1, 0), -EOPNOTSUPP);
	assert_text("no atomics on this connection: it allows none in flight");
	assert_int_equal(fetch_add(BV_FOREVER), -EOPNOTSUPP);
	assert_int_equal(compare_swap(BV_FOREVER), -EOPNOTSUPP);
}

static void device_without_atomics(void **state)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	struct bv_channel *other = NULL;
	struct bv_mr *mr = NULL;
	uint64_t word = 0;

	(void)state;
	close_channel();
	fake.device[0].attr.atomic_cap = IBV_ATOMIC_NONE;
	open_channel(16);
	assert_int_equal(fetch_add(BV_FOREVER), -EOPNOTSUPP);
	assert_text("the device has no atomics (atomic_cap of ibv_devinfo -v)");
	attr.access |= BV_ACCESS_REMOTE_ATOMIC;
	assert_int_equal(bv_channel_create(pd, &attr, &other), -EOPNOTSUPP);
	assert_text("access has BV_ACCESS_REMOTE_ATOMIC; the device has no atomics");
	assert_null(other);
	assert_int_equal(bv_mr_reg(pd, &word, sizeof(word),
				   BV_ACCESS_LOCAL_WRITE | BV_ACCESS_REMOTE_ATOMIC, &mr),
			 -EOPNOTSUPP);
	assert_text("device mlx5_0 has no atomics");
	assert_null(mr);
	/* The device lacks them, so connecting would not help. */
	assert_int_equal(bv_channel_create(pd, NULL, &other), 0);
	assert_int_equal(bv_post_fetch_add(other, &result, &remote, 1, 0), -EOPNOTSUPP);
	assert_text("the device has no atomics");
	bv_channel_destroy(other);
}

static void atomics_that_failed(void **state)
{
	static const struct {
		enum bv_op op;
		const char *name;
	} cases[] = { { BV_OP_FETCH_ADD, "FETCH AND ADD" },
		      { BV_OP_COMPARE_SWAP, "COMPARE AND SWAP" } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		char text[BV_DIAGNOSIS_TEXT_MAX];
		struct bv_diagnosis d;

		fake.described = (struct bv_work_info){ .op = cases[i].op,
							.bytes = 8,
							.nranges = 1,
							.nshown = 1,
							.range = { { 0x2000, 8, 1 } },
							.remote_addr = 0x1000,
							.rkey = 1 };
		assert_int_equal(bv_post_fetch_add(ch, &result, &remote, 1, 0), 0);
		fake_complete_send(ch, 0, BV_STATUS_REMOTE_INVALID_REQUEST_ERROR);
		assert_int_equal(bv_wait(ch, 0, 0, NULL), -EIO);
		assert_int_equal(bv_diagnose(ch, NULL, &d), 1);
		bv_diagnosis_text(&d, text, sizeof(text));
		assert_non_null(strstr(text, cases[i].name));
		assert_non_null(strstr(text, "(8 B at 0x2000 lkey 0x1 <- 0x1000 rkey 0x1)"));
		assert_non_null(strstr(text, "add BV_ACCESS_REMOTE_ATOMIC to the access"));
		assert_non_null(strstr(text, "more reads and atomics are in flight"));
		close_channel();
		open_channel(16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		blocking_test(complete),
		blocking_test(wait_for_room),
		blocking_test(failing),
		blocking_test(flush_fails),
		blocking_test(many_at_once),
		blocking_test(atomics_before_connecting),
		blocking_test(atomics_that_do_not_fit),
		blocking_test(connection_without_atomics),
		blocking_test(device_without_atomics),
		blocking_test(atomics_that_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
