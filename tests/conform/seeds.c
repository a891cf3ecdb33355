/* SPDX-License-Identifier: MIT */
/*
 * Faults of ibverbs-rs 0.4.1 that other groups do not cover; docs/seed-faults.md lists all of them
 * with the tests that hold them off.
 */
#include "ends.h"

#include <string.h>

#include "device.h"
#include "pause.h"

/* mlx5emu's default, as it prints it. */
#define EMULATED_GUID "0242:4d03:004c:5800"

static void b6_guid_is_not_swapped(void **state)
{
	struct bv_device_info *list;
	const struct bv_device_info *info = device_info(&list);
	char text[BV_GUID_TEXT_MAX];

	(void)state;
	bv_guid_format(info->guid, text);
	assert_int_equal(strlen(text), strlen(EMULATED_GUID));
	if (bv_device_kind(e.dev) == BV_DEVICE_EMULATED)
		assert_string_equal(text, EMULATED_GUID);
	bv_device_list_free(list);
}

/* The device's completion queue breaks: what had come is delivered, then it is -EIO. */
static void b8_broken_queue_is_eio(void **state)
{
	struct bv_wc wc[4];
	struct bv_event event;
	bool broken;
	int n, good = 0;

	(void)state;
	need_live_device();
	if (!device_plan("overflow nth=2")) {
		skip_because("nobody can make this device fail");
	}
	write8(e.a, 0, 2048, 0);
	write8(e.a, 0, 2056, 0);
	for (const int64_t end = pause_now() + WAIT_NS; pause_now() < end; pause_once()) {
		broken = bv_device_event(e.dev, &event) == 1;
		n = bv_poll_send(e.a, wc, 4);
		if (n < 0) {
			assert_int_equal(n, -EIO);
			assert_int_equal(bv_error_kind(n), BV_ERROR_DRIVER);
			break;
		}
		for (int i = 0; i < n; i++)
			good += wc[i].status == BV_STATUS_SUCCESS;
		if (broken)
			break;
	}
	device_plan("");
	assert_int_equal(good, 1);
	/* Whatever is left, the buffers come back (B5). */
	n = bv_channel_drain(e.a, BV_SEC);
	assert_true(n == 0 || n == -EIO || n == -ETIMEDOUT);
	assert_int_equal(bvi_sq_done(e.a), e.a->sq_posted);
}

/* One thread that receives before it sends, on a loopback: it waits to its deadline, not for ever. */
static void b22_receive_before_send_ends(void **state)
{
	struct bv_scatter sg = bv_scatter_unchecked(e.mr, memory + 1024, 8);

	(void)state;
	need_live_device();
	assert_int_equal(bv_recv(e.a, &sg, 1, 2 * BV_MSEC, NULL), -ETIMEDOUT);
	assert_int_equal(bv_channel_drain(e.a, WAIT_NS), 0);
}

static void b22_remote_write_needs_local_write(void **state)
{
	struct bv_mr *mr;

	(void)state;
	assert_int_equal(bv_mr_reg(e.pd, memory, 64, BV_ACCESS_REMOTE_WRITE, &mr), -EINVAL);
	expect_word(bv_last_error()->text, "BV_ACCESS_LOCAL_WRITE");
}

static void b23_nothing_beyond_the_end(void **state)
{
	/* A number: C has no pointer to there. */
	const uintptr_t beyond = (uintptr_t)memory + ENDS_MEMORY + 1;
	struct bv_scatter sg;

	(void)state;
	assert_int_equal(bv_scatter_checked(e.mr, memory + ENDS_MEMORY, 0, &sg), 0);
	assert_int_equal(bv_scatter_checked(e.mr, (void *)beyond, 0, &sg), -ERANGE);
}

static void b23_driver_errors_keep_their_text(void **state)
{
	struct bv_endpoint ep;

	(void)state;
	assert_int_equal(bv_channel_endpoint(e.a, &ep), 0);
	assert_true(bv_channel_connect(e.a, &ep) < 0); /* it is READY */
	assert_true(strlen(bv_last_error()->text) > 20);
	assert_int_equal(bv_error_kind(-EIO), BV_ERROR_DRIVER);
}

static const struct test tests[] = {
	ENDS_TEST(b6_guid_is_not_swapped, "B6 the GUID as it is on the wire"),
	ENDS_TEST(b8_broken_queue_is_eio, "B8 B5 a broken completion queue loses nothing"),
	ENDS_TEST(b22_receive_before_send_ends, "B22 B7 no call waits for ever"),
	ENDS_TEST(b22_remote_write_needs_local_write, "B22 remote write needs local write"),
	ENDS_TEST(b23_nothing_beyond_the_end, "B23 empty ranges lie inside, too"),
	ENDS_TEST(b23_driver_errors_keep_their_text, "B23 each error has its text"),
};

GROUP(seeds, tests);
