/* SPDX-License-Identifier: MIT */
/*
 * Batches: each operation arrives in its slot with its own members; what was posted before a refusal
 * is told.
 */
#include "fake.h"

#include <errno.h>
#include <limits.h>

static struct bv_channel *ch;

static int setup(void **state)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	const struct bv_endpoint peer = fake_peer();

	fake_reset(state);
	attr.max_send = 16;
	ch = fake_lone_channel(&attr);
	assert_int_equal(bv_channel_connect(ch, &peer), 0);
	return 0;
}

static int teardown(void **state)
{
	bv_channel_destroy(ch);
	return fake_check(state);
}

#define batch_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct bv_remote remote = { .addr = 0x1000, .length = 64, .rkey = 1 };
static const struct bv_gather gather[2] = { { 0x10, 8, 1 }, { 0x20, 8, 1 } };
static const struct bv_scatter scatter[2] = { { 0x10, 8, 1 }, { 0x20, 8, 1 } };

static void every_operation(void **state)
{
	static const struct {
		const char *slot;
		struct bv_request request;
		bool elements, bytes, imm, remote;
	} cases[] = {
		{ "send", { .op = BV_REQUEST_SEND }, .elements = true },
		{ "send_imm", { .op = BV_REQUEST_SEND_IMM }, .elements = true, .imm = true },
		{ "inline", { .op = BV_REQUEST_SEND_INLINE }, .bytes = true },
		{ "inline_imm", { .op = BV_REQUEST_SEND_INLINE_IMM }, .bytes = true, .imm = true },
		{ "write", { .op = BV_REQUEST_WRITE }, .elements = true, .remote = true },
		{ "write_imm", { .op = BV_REQUEST_WRITE_IMM }, true, false, true, true },
		{ "write_inline", { .op = BV_REQUEST_WRITE_INLINE }, false, true, false, true },
		{ "write_inline_imm",
		  { .op = BV_REQUEST_WRITE_INLINE_IMM },
		  false,
		  true,
		  true,
		  true },
		{ "read", { .op = BV_REQUEST_READ }, .elements = true, .remote = true },
		{ "fetch_add", { .op = BV_REQUEST_FETCH_ADD }, .remote = true },
		{ "compare_swap", { .op = BV_REQUEST_COMPARE_SWAP }, .remote = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bv_request request = cases[i].request;

		request.flags = BV_FENCE;
		request.imm = 77;
		request.nsge = 2;
		request.gather = gather;
		request.scatter = scatter;
		request.buf = "payload";
		request.len = 7;
		request.remote = &remote;
		request.add = 11;
		request.compare = 12;
		request.swap = 13;
		memset(&fake.post, 0, sizeof(fake.post));
		assert_int_equal(bv_post_batch(ch, &request, 1), 1);
		assert_int_equal(bv_last_posted(ch), i);
		assert_string_equal(fake.post.slot, cases[i].slot);
		assert_int_equal(fake.post.flags, BV_FENCE);
		assert_int_equal(fake.post.nsge, cases[i].elements ? 2 : 0);
		assert_int_equal(fake.post.len, cases[i].bytes ? 7 : 0);
		assert_int_equal(fake.post.imm, cases[i].imm ? 77 : 0);
		assert_ptr_equal(fake.post.remote, cases[i].remote ? &remote : NULL);
		if (request.op == BV_REQUEST_FETCH_ADD)
			assert_int_equal(fake.post.add, 11);
		if (request.op == BV_REQUEST_COMPARE_SWAP) {
			assert_int_equal(fake.post.compare, 12);
			assert_int_equal(fake.post.swap, 13);
		}
	}
}

/* All but the last are told to wait for more. */
static void one_doorbell(void **state)
{
	struct bv_request requests[3] = { { .op = BV_REQUEST_SEND },
					  { .op = BV_REQUEST_SEND },
					  { .op = BV_REQUEST_SEND, .flags = BV_UNSIGNALED } };

	(void)state;
	assert_int_equal(bv_post_batch(ch, requests, 0), 0);
	assert_int_equal(bv_post_batch(ch, requests, 2), 2);
	assert_int_equal(fake.post.flags, 0);
	assert_int_equal(bv_post_batch(ch, requests, 3), 3);
	assert_int_equal(fake.post.flags, BV_UNSIGNALED);
	fake.post_rc = -EIO;
	fake.post_rc_at = 6;
	assert_int_equal(bv_post_batch(ch, requests, 3), 1);
	assert_int_equal(fake.post.flags, BV_MORE);
}

static void stops_at_the_first_refusal(void **state)
{
	struct bv_request requests[20] = { { .op = BV_REQUEST_SEND } };

	(void)state;
	assert_int_equal(bv_post_batch(ch, requests, (unsigned)INT_MAX + 1), -EINVAL);
	assert_text("2147483648 requests");
	requests[2].op = (enum bv_request_op)99;
	assert_int_equal(bv_post_batch(ch, requests, 3), 2);
	assert_int_equal(bv_post_batch(ch, requests + 2, 1), -EINVAL);
	assert_text("bv_post_batch: no operation has the number 99");
	assert_int_equal(bv_last_posted(ch), 1);
	requests[2].op = BV_REQUEST_SEND;
	assert_int_equal(bv_post_batch(ch, requests, 20), 14); /* that is the queue */
	assert_int_equal(bv_post_batch(ch, requests, 1), -EAGAIN);
}

/* The works that waited are with the device, or are told to have failed with it. */
static void device_refuses(void **state)
{
	const struct bv_request requests[2] = { { .op = BV_REQUEST_SEND },
						{ .op = BV_REQUEST_SEND } };

	(void)state;
	fake.post_rc = -EINVAL;
	fake.flush_rc = -EIO;
	assert_int_equal(bv_post_batch(ch, requests, 2), -EIO);
	fake.post_rc_at = 1;
	assert_int_equal(bv_post_batch(ch, requests, 2), 1);
	assert_int_equal(bv_last_posted(ch), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		batch_test(every_operation),
		batch_test(one_doorbell),
		batch_test(stops_at_the_first_refusal),
		batch_test(device_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
