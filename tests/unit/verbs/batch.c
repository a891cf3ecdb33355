/* SPDX-License-Identifier: MIT */
/* Polls of one receive between one ibv_start_poll() and its ibv_end_poll(). */
#include "polling.h"

#include <bareverbs/wake.h>

static struct driver *with_receives(unsigned n)
{
	struct driver *d = driver_new(true);
	const struct bv_scatter to = { 0x1000, 10, 7 };

	for (unsigned i = 0; i < n; i++) {
		assert_true(bv_post_recv(driver_channel(d), &to, 1) >= 0);
		driver_complete(&d->recv, (struct ibv_wc){ .opcode = IBV_WC_RECV });
	}
	return d;
}

static void take_one(struct driver *d)
{
	struct bv_wc wc;

	assert_int_equal(poll_recv(driver_channel(d), &wc, 1), 1);
	assert_int_equal(wc.status, BV_STATUS_SUCCESS);
}

static void expect_batches(const struct driver *d, unsigned starts, unsigned ends)
{
	assert_int_equal(d->recv.starts, starts);
	assert_int_equal(d->recv.ends, ends);
}

/* Polls of one take up to so many before ibv_end_poll(); one that finds none does it at once. */
static void batches(void **state)
{
	struct driver *d = with_receives(VERBS_BATCH + 2);
	struct bv_wc wc;

	(void)state;
	for (unsigned i = 0; i < VERBS_BATCH; i++) {
		expect_batches(d, i > 0, 0);
		take_one(d);
	}
	expect_batches(d, 1, 1);
	take_one(d);
	take_one(d);
	expect_batches(d, 2, 1);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(poll_recv(driver_channel(d), &wc, 1), 0);
	expect_batches(d, 2, 2);
	driver_free(d);
}

/* All that is done with the queue but polling ends a batch before; a burst goes on with it, and ends it. */
static void ends_of_batches(void **state)
{
	struct driver *d = with_receives(8);
	struct bv_wc wc[8];

	(void)state;
	take_one(d);
	assert_int_equal(bvi_verbs_arm(driver_channel(d), BV_WAKE_SEND), 0);
	expect_batches(d, 1, 0);
	assert_int_equal(bvi_verbs_arm(driver_channel(d), BV_WAKE_RECV), 0);
	expect_batches(d, 1, 1);
	take_one(d);
	assert_int_equal(poll_recv(driver_channel(d), wc, 3), 3);
	expect_batches(d, 2, 2);
	take_one(d);
	bvi_verbs_channel_reset(driver_channel(d));
	expect_batches(d, 4, 4); /* what was left is discarded by one more */
	driver_free(d);
}

/* In the middle of a batch, too, what the driver says is told, and the next poll starts anew. */
static void broken_batch(void **state)
{
	struct driver *d = with_receives(2);
	struct bv_wc wc[2];

	(void)state;
	for (unsigned max = 1; max <= 2; max++) {
		d->recv.head = 0;
		d->recv.broken_at = -1;
		take_one(d);
		d->recv.broken_at = 1;
		assert_int_equal(poll_recv(driver_channel(d), wc, max), -EIO);
		expect_batches(d, max, max);
	}
	assert_int_equal(poll_recv(driver_channel(d), wc, 1), -EIO);
	expect_batches(d, 2, 2);
	driver_free(d);
}

/* Where the queue has no room for them, the device is told each time. */
static void no_batches(void **state)
{
	struct driver *d = with_receives(3);

	(void)state;
	d->v.recv_batch = 1;
	for (unsigned i = 1; i <= 3; i++) {
		take_one(d);
		expect_batches(d, i, i);
	}
	driver_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches),
		cmocka_unit_test(ends_of_batches),
		cmocka_unit_test(broken_batch),
		cmocka_unit_test(no_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
