/* SPDX-License-Identifier: MIT */
/*
 * Works posted with BV_MORE: in the ring at once, but neither record nor register tells of them until
 * one doorbell does for all, with the last of them. And nothing of it is left for the works that follow.
 */
#include "plain.h"

#include <endian.h>
#include <errno.h>

#define REMOTE (&(const struct bv_remote){ 0x99aabbccddeeff00, 0xa1b2c3d4, 1 << 20 })

static const uint8_t zeroes[2 * PLAIN_BF_SIZE];
static const uint8_t payload[64];

/*
 * The last WQE of the chain started at @index; all of it is in @half, or its first eight bytes in the
 * only half of a register that is not BlueFlame; and nothing else.
 */
static void expect_doorbell(const struct plain *p, unsigned half, uint16_t index, uint32_t record)
{
	const uint8_t *const bf = p->bf + (p->c.bf_size ? half * PLAIN_BF_SIZE : 0);
	uint8_t wqe[PLAIN_BF_SIZE];
	unsigned used = 8, lines = 8;

	plain_read_sq(p, index, wqe, sizeof(wqe));
	if (p->c.bf_ds) {
		used = (wqe[7] & 0x3fu) * 16;
		lines = (used + 63) / 64 * 64;
	}
	assert_memory_equal(bf, wqe, used);
	assert_memory_equal(bf + lines, zeroes, PLAIN_BF_SIZE - lines);
	assert_int_equal(be32toh(p->qp_dbrec[PRM_DBREC_SEND]), record);
}

static void expect_silence(const struct plain *p, uint32_t record)
{
	assert_memory_equal(p->bf, zeroes, sizeof(zeroes));
	assert_int_equal(be32toh(p->qp_dbrec[PRM_DBREC_SEND]), record);
}

static void quiet(struct plain *p)
{
	memset(p->bf, 0, sizeof(zeroes));
}

static void chain(enum plain_register reg)
{
	struct plain_shape shape = plain_default;
	const struct bv_gather list[2] = { { 1, 2, 3 }, { 4, 5, 6 } };
	const struct bv_scatter result = { 8, 8, 8 };
	struct plain *p;
	struct bv_channel *ch;

	shape.reg = reg;
	p = plain_new(&shape);
	ch = plain_channel(p);
	/* One block, two blocks, an empty one, an atomic: each takes another way through the code. */
	assert_int_equal(bv_post_write_inline(ch, payload, 8, REMOTE, BV_MORE), 0);
	assert_int_equal(bv_post_write_inline(ch, payload, 60, REMOTE, BV_MORE), 1);
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE | BV_UNSIGNALED), 2);
	assert_int_equal(bv_post_compare_swap(ch, &result, REMOTE, 1, 2, BV_MORE), 3);
	expect_silence(p, 0);
	assert_int_equal(bv_flush(ch), 0);
	expect_doorbell(p, 0, 4, 5);
	quiet(p);
	assert_int_equal(bv_flush(ch), 0);
	expect_silence(p, 5);
	/* The last one rings for all. */
	assert_int_equal(bv_post_write(ch, list, 1, REMOTE, BV_MORE), 4);
	assert_int_equal(bv_post_write_inline(ch, payload, 8, REMOTE, 0), 5);
	expect_doorbell(p, 1, 6, 7);
	quiet(p);
	assert_int_equal(bv_post_write(ch, list, 1, REMOTE, BV_MORE), 6);
	assert_int_equal(bv_post_write(ch, list, 2, REMOTE, 0), 7);
	expect_doorbell(p, 0, 8, 9);
	quiet(p);
	/* And by a flush, whether one block was the last of all or not. */
	assert_int_equal(bv_post_write(ch, list, 2, REMOTE, BV_MORE), 8);
	assert_int_equal(bv_post_send_inline(ch, payload, 8, BV_MORE), 9);
	assert_int_equal(bv_post_send(ch, list, 1, BV_MORE), 10);
	assert_int_equal(bv_flush(ch), 0);
	expect_doorbell(p, 1, 11, 12);
	quiet(p);
	assert_int_equal(bv_post_send_inline(ch, payload, 60, BV_MORE), 11);
	assert_int_equal(bv_flush(ch), 0);
	expect_doorbell(p, 0, 12, 14);
	quiet(p);
	/* And from then on all is as it was. */
	assert_int_equal(bv_post_write_inline(ch, payload, 8, REMOTE, 0), 12);
	expect_doorbell(p, 1, 14, 15);
	plain_free(p);
}

static void blueflame(void **state)
{
	(void)state;
	chain(PLAIN_BLUEFLAME);
}

static void combining(void **state)
{
	(void)state;
	chain(PLAIN_COMBINING);
}

static void uncached(void **state)
{
	(void)state;
	chain(PLAIN_UNCACHED);
}

/* One element that is not short is left to the general way, and waits as others do. */
static void empty_element(void **state)
{
	const struct bv_gather none = { 0x1000, 0, 3 };
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);

	(void)state;
	assert_int_equal(bv_post_send(ch, &none, 1, BV_MORE), 0);
	assert_int_equal(bv_post_write(ch, &none, 1, REMOTE, BV_MORE), 1);
	expect_silence(p, 0);
	assert_int_equal(bv_flush(ch), 0);
	expect_doorbell(p, 0, 1, 2);
	plain_free(p);
}

static void full(void **state)
{
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);

	(void)state;
	for (int i = 0; i < (int)plain_default.max_send; i++)
		assert_int_equal(bv_post_write_inline(ch, payload, 8, REMOTE, BV_MORE), i);
	expect_silence(p, 0);
	assert_int_equal(bv_post_write_inline(ch, payload, 8, REMOTE, BV_MORE), -EAGAIN);
	expect_doorbell(p, 0, 15, 16);
	quiet(p);
	assert_int_equal(bv_post_write_inline(ch, payload, 8, REMOTE, BV_MORE), -EAGAIN);
	expect_silence(p, 16);
	plain_free(p);
}

/* A channel that fails tells the device what waits, so that it comes back as flushes. */
static void failure(void **state)
{
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	struct bv_wc wc;

	(void)state;
	assert_int_equal(bv_post_write_inline(ch, payload, 8, REMOTE, 0), 0);
	assert_int_equal(bv_post_write_inline(ch, payload, 8, REMOTE, BV_MORE), 1);
	quiet(p);
	plain_send_error(p, 0, 0x13, 0x88);
	assert_int_equal(bv_poll_send(ch, &wc, 1), 1);
	assert_int_equal(wc.status, BV_STATUS_REMOTE_ACCESS_ERROR);
	expect_doorbell(p, 1, 1, 2);
	assert_ptr_equal(ch->ops, p->c.core.error);
	plain_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blueflame), cmocka_unit_test(combining),
		cmocka_unit_test(uncached),  cmocka_unit_test(full),
		cmocka_unit_test(failure),   cmocka_unit_test(empty_element),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
