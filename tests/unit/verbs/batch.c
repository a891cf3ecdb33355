/* SPDX-License-Identifier: MIT */
/* Polls of one completion, of either queue, between one ibv_start_poll() and its ibv_end_poll(). */
#include "polling.h"

#include <bareverbs/wake.h>

enum queue { SEND, RECV, QUEUES };

static struct driver_cq *cq_of(struct driver *d, enum queue queue)
{
	return queue == SEND ? &d->send : &d->recv;
}

/* @n works of the queue, all of which are done. */
static struct driver *with(enum queue queue, unsigned n)
{
	struct driver *d = driver_new(true);

	for (unsigned i = 0; i < n; i++) {
		const int64_t work = queue == SEND ? bv_post_send(driver_channel(d), NULL, 0, 0) :
						     bv_post_recv(driver_channel(d), NULL, 0);

		assert_true(work >= 0);
		driver_complete(cq_of(d, queue),
				(struct ibv_wc){
					.wr_id = i,
					.opcode = queue == SEND ? IBV_WC_SEND : IBV_WC_RECV,
				});
	}
	return d;
}

static int poll(struct driver *d, enum queue queue, struct bv_wc *wc, unsigned max)
{
	return (queue == SEND ? poll_send : poll_recv)(driver_channel(d), wc, max);
}

static void take_one(struct driver *d, enum queue queue)
{
	struct bv_wc wc;

	assert_int_equal(poll(d, queue, &wc, 1), 1);
	assert_int_equal(wc.status, BV_STATUS_SUCCESS);
}

static void expect_batches(struct driver *d, enum queue queue, unsigned starts, unsigned ends)
{
	assert_int_equal(cq_of(d, queue)->starts, starts);
	assert_int_equal(cq_of(d, queue)->ends, ends);
}

/* They take up to so many before ibv_end_poll(); one that finds none calls it at once. */
static void batches(void **state)
{
	(void)state;
	for (enum queue q = SEND; q < QUEUES; q++) {
		struct driver *d = with(q, VERBS_BATCH + 2);
		struct bv_wc wc;

		for (unsigned i = 0; i < VERBS_BATCH; i++) {
			expect_batches(d, q, i > 0, 0);
			take_one(d, q);
		}
		expect_batches(d, q, 1, 1);
		take_one(d, q);
		take_one(d, q);
		expect_batches(d, q, 2, 1);
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(poll(d, q, &wc, 1), 0);
		expect_batches(d, q, 2, 2);
		driver_free(d);
	}
}

/* All that is done with the queue but polling ends a batch before; a burst goes on with it, and ends it. */
static void ends_of_batches(void **state)
{
	static const unsigned wake[] = { BV_WAKE_SEND, BV_WAKE_RECV };

	(void)state;
	for (enum queue q = SEND; q < QUEUES; q++) {
		struct driver *d = with(q, 8);
		struct bv_wc wc[8];

		take_one(d, q);
		assert_int_equal(bvi_verbs_arm(driver_channel(d), wake[!q]), 0);
		expect_batches(d, q, 1, 0);
		assert_int_equal(bvi_verbs_arm(driver_channel(d), wake[q]), 0);
		expect_batches(d, q, 1, 1);
		take_one(d, q);
		assert_int_equal(poll(d, q, wc, 3), 3);
		expect_batches(d, q, 2, 2);
		take_one(d, q);
		bvi_verbs_channel_before_reset(driver_channel(d));
		expect_batches(d, q, 3, 3);
		bvi_verbs_channel_reset(driver_channel(d));
		expect_batches(d, q, 4, 4); /* what was left is discarded by one more */
		driver_free(d);
	}
}

/* In the middle of a batch, too, a broken queue is told, and the next poll starts anew. */
static void broken_batches(void **state)
{
	(void)state;
	for (enum queue q = SEND; q < QUEUES; q++) {
		for (unsigned max = 1; max <= 2; max++) {
			struct driver *d = with(q, 2);
			struct bv_wc wc[2];

			cq_of(d, q)->broken_at = 1;
			take_one(d, q);
			for (unsigned i = 0; i < 2; i++)
				assert_int_equal(poll(d, q, wc, max), -EIO);
			expect_batches(d, q, 1, 1);
			driver_free(d);
		}
	}
}

/* Where a queue has no room for them, the device is told each time. */
static void no_batches(void **state)
{
	(void)state;
	for (enum queue q = SEND; q < QUEUES; q++) {
		struct driver *d = with(q, 3);

		d->v.batch = 1;
		for (unsigned i = 1; i <= 3; i++) {
			take_one(d, q);
			expect_batches(d, q, i, i);
		}
		driver_free(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches),
		cmocka_unit_test(ends_of_batches),
		cmocka_unit_test(broken_batches),
		cmocka_unit_test(no_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
