/* SPDX-License-Identifier: MIT */
/*
 * What both ways of polling must do alike; poll.c and poll_ex.c run it with @extended false and true.
 */
#ifndef BV_TESTS_UNIT_VERBS_POLLING_H
#define BV_TESTS_UNIT_VERBS_POLLING_H

#include "driver.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* bv_poll_send() and bv_poll_recv(): a @max of 1 that the compiler knows is a call of its own. */
static inline int poll_send(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	return max == 1 ? bvi_poll_send_one(ch, wc) : bv_poll_send(ch, wc, max);
}

static inline int poll_recv(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	return max == 1 ? bvi_poll_recv_one(ch, wc) : bv_poll_recv(ch, wc, max);
}

/* A driver writes neither the length nor the flags of a send or write: they are what was there before. */
static inline struct ibv_wc sent(uint64_t wr_id, enum ibv_wc_opcode opcode)
{
	return (struct ibv_wc){
		.wr_id = wr_id,
		.opcode = opcode,
		.byte_len = 0xdead,
		.imm_data = 0xdead,
		.vendor_err = 0xdead,
	};
}

static inline void expect_wc(const struct bv_wc *wc, int64_t work, enum bv_op op, uint32_t bytes,
			     unsigned flags, uint32_t imm)
{
	const struct bv_wc want = {
		.work = work,
		.reserved = wc->reserved,
		.op = (uint8_t)op,
		.bytes = bytes,
		.flags = (uint8_t)flags,
		.imm = imm,
	};

	assert_memory_equal(wc, &want, sizeof(want));
}

static inline void sends(bool extended)
{
	struct driver *d = driver_new(extended);
	struct bv_channel *ch = driver_channel(d);
	const struct bv_remote nowhere = { .length = 0xdead };
	const struct bv_scatter to = { 0x1000, 0xdead, 7 };
	struct bv_wc wc[4];

	memset(wc, 0xee, sizeof(wc));
	assert_int_equal(bv_poll_send(ch, wc, 4), 0);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
	assert_int_equal(bv_post_write(ch, NULL, 0, &nowhere, 0), 1);
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), 2);
	assert_int_equal(bv_post_read(ch, &to, 1, &nowhere, 0), 3);
	driver_complete(&d->send, sent(0, IBV_WC_SEND));
	driver_complete(&d->send, sent(1, IBV_WC_RDMA_WRITE));
	driver_complete(&d->send, sent(3, IBV_WC_RDMA_READ));
	assert_int_equal(bv_poll_send(ch, wc, 4), 3);
	expect_wc(&wc[0], 0, BV_OP_SEND, 0, 0, 0);
	expect_wc(&wc[1], 1, BV_OP_WRITE, 0, 0, 0);
	expect_wc(&wc[2], 3, BV_OP_READ, 0xdead, 0, 0);
	assert_int_equal(bvi_sq_done(ch), 4);
	assert_int_equal(bv_poll_send(ch, wc, 4), 0);
	driver_free(d);
}

static inline void receives(bool extended)
{
	struct driver *d = driver_new(extended);
	struct bv_channel *ch = driver_channel(d);
	struct ibv_wc from = {
		.wr_id = BV_WORK_RECV,
		.opcode = IBV_WC_RECV,
		.byte_len = 5,
		.imm_data = 0xdead,
	};
	struct bv_wc wc[4];

	for (int i = 0; i < 3; i++)
		assert_true(bv_post_recv(ch, NULL, 0) >= 0);
	driver_complete(&d->recv, from);
	from.wr_id++;
	from.wc_flags = IBV_WC_WITH_IMM;
	from.imm_data = htobe32(0xcafe0001);
	driver_complete(&d->recv, from);
	from.wr_id++;
	from.opcode = IBV_WC_RECV_RDMA_WITH_IMM;
	driver_complete(&d->recv, from);
	assert_int_equal(bv_poll_recv(ch, wc, 4), 3);
	expect_wc(&wc[0], 0 | BV_WORK_RECV, BV_OP_RECV, 5, 0, 0);
	expect_wc(&wc[1], 1 | BV_WORK_RECV, BV_OP_RECV, 5, BV_WC_IMM, 0xcafe0001);
	expect_wc(&wc[2], 2 | BV_WORK_RECV, BV_OP_RECV_WRITE_IMM, 5, BV_WC_IMM, 0xcafe0001);
	assert_int_equal(ch->rq_done, 3 | BV_WORK_RECV);
	ch->ops->recv_result(ch, 2 | BV_WORK_RECV, &wc[0]);
	expect_wc(&wc[0], 2 | BV_WORK_RECV, BV_OP_RECV_WRITE_IMM, 5, BV_WC_IMM, 0xcafe0001);
	driver_free(d);
}

static inline void errors(bool extended)
{
	struct driver *d = driver_new(extended);
	struct bv_channel *ch = driver_channel(d);
	struct ibv_wc from = sent(1, IBV_WC_RDMA_READ);
	struct bv_wc wc[4];

	for (int i = 0; i < 3; i++)
		assert_true(bv_post_send(ch, NULL, 0, BV_UNSIGNALED) >= 0);
	assert_true(bv_post_recv(ch, NULL, 0) >= 0);
	from.status = IBV_WC_REM_ACCESS_ERR;
	from.vendor_err = 0x88;
	driver_complete(&d->send, from);
	from.wr_id = 2;
	from.status = IBV_WC_WR_FLUSH_ERR;
	driver_complete(&d->send, from);
	from.wr_id = BV_WORK_RECV;
	driver_complete(&d->recv, from);
	assert_int_equal(bv_poll_send(ch, wc, 4), 2);
	assert_int_equal(bvi_poll_recv_one(ch, wc + 2), 1);
	for (int i = 0; i < 3; i++) {
		const struct bv_wc want = {
			.work = i < 2 ? i + 1 : BV_WORK_RECV,
			.status = i ? BV_STATUS_WORK_REQUEST_FLUSH_ERROR :
				      BV_STATUS_REMOTE_ACCESS_ERROR,
			.vendor_err = 0x88,
		};

		assert_memory_equal(&wc[i], &want, sizeof(want));
	}
	assert_int_equal(bvi_sq_done(ch), 3);
	assert_int_equal(ch->rq_done, 1 | BV_WORK_RECV);
	assert_int_equal(ch->core->state, BV_CHANNEL_ERROR);
	assert_int_equal(ch->core->first_error.work, 1);
	assert_int_equal(ch->core->flushed, 2);
	ch->ops->recv_result(ch, BV_WORK_RECV, &wc[0]);
	assert_int_equal(wc[0].status, BV_STATUS_WORK_REQUEST_FLUSH_ERROR);
	driver_free(d);
}

/* More than the library takes at once, and never more than asked for. */
static inline void bursts(bool extended)
{
	for (unsigned max = 1; max <= 50; max++) {
		struct driver *d = driver_new(extended);
		struct bv_channel *ch = driver_channel(d);
		struct bv_wc wc[64];
		int64_t work = 0;

		for (int i = 0; i < 50; i++) {
			assert_true(bv_post_send(ch, NULL, 0, 0) >= 0);
			driver_complete(&d->send, sent((uint64_t)i, IBV_WC_SEND));
		}
		while (work < 50) {
			const unsigned left = (unsigned)(50 - work);
			const int want = (int)(left < max ? left : max);

			assert_int_equal(poll_send(ch, wc, max), want);
			for (int i = 0; i < want; i++)
				expect_wc(&wc[i], work++, BV_OP_SEND, 0, 0, 0);
		}
		assert_int_equal(poll_send(ch, wc, max), 0);
		driver_free(d);
	}
}

/* The same of receives, of which the queue holds as many as it has room for. */
static inline void recv_bursts(bool extended)
{
	for (unsigned max = 1; max <= 50; max++) {
		struct driver *d = driver_new(extended);
		struct bv_channel *ch = driver_channel(d);
		struct bv_wc wc[64];
		int64_t work = 0;

		for (uint64_t i = 0; i < 50; i++) {
			assert_true(bv_post_recv(ch, NULL, 0) >= 0);
			driver_complete(&d->recv,
					(struct ibv_wc){ .wr_id = i | (uint64_t)BV_WORK_RECV,
							 .opcode = IBV_WC_RECV,
							 .byte_len = (uint32_t)i });
		}
		d->recv.broken_at = 50;
		while (work < 50) {
			const unsigned left = (unsigned)(50 - work);
			const int want = (int)(left < max ? left : max);

			assert_int_equal(poll_recv(ch, wc, max), want);
			for (int i = 0; i < want; i++, work++)
				expect_wc(&wc[i], work | BV_WORK_RECV, BV_OP_RECV, (uint32_t)work,
					  0, 0);
		}
		assert_int_equal(poll_recv(ch, wc, max), -EIO);
		driver_free(d);
	}
}

/* Wherever the queue breaks, what came before is delivered, once; then every call fails. */
static inline void broken(bool extended)
{
	for (int at = 0; at <= 40; at++) {
		struct driver *d = driver_new(extended);
		struct bv_channel *ch = driver_channel(d);
		struct bv_wc wc[64];
		int64_t work = 0;
		int n;

		d->send.broken_at = at;
		for (int i = 0; i < 45; i++) {
			assert_true(bv_post_send(ch, NULL, 0, 0) >= 0);
			driver_complete(&d->send, sent((uint64_t)i, IBV_WC_SEND));
		}
		while ((n = bv_poll_send(ch, wc, 64)) > 0) {
			for (int i = 0; i < n; i++)
				expect_wc(&wc[i], work++, BV_OP_SEND, 0, 0, 0);
		}
		assert_int_equal(n, -EIO);
		assert_int_equal(work, at);
		assert_int_equal(bvi_poll_send_one(ch, wc), -EIO);
		driver_free(d);
	}
}

/* A main() that runs them all: a cmocka test takes no argument. */
#define POLLING_TESTS(extended)                                                            \
	static void test_sends(void **state)                                               \
	{                                                                                  \
		(void)state;                                                               \
		sends(extended);                                                           \
	}                                                                                  \
	static void test_receives(void **state)                                            \
	{                                                                                  \
		(void)state;                                                               \
		receives(extended);                                                        \
	}                                                                                  \
	static void test_errors(void **state)                                              \
	{                                                                                  \
		(void)state;                                                               \
		errors(extended);                                                          \
	}                                                                                  \
	static void test_bursts(void **state)                                              \
	{                                                                                  \
		(void)state;                                                               \
		bursts(extended);                                                          \
	}                                                                                  \
	static void test_recv_bursts(void **state)                                         \
	{                                                                                  \
		(void)state;                                                               \
		recv_bursts(extended);                                                     \
	}                                                                                  \
	static void test_broken(void **state)                                              \
	{                                                                                  \
		(void)state;                                                               \
		broken(extended);                                                          \
	}                                                                                  \
	int main(void)                                                                     \
	{                                                                                  \
		const struct CMUnitTest tests[] = {                                        \
			cmocka_unit_test(test_sends),  cmocka_unit_test(test_receives),    \
			cmocka_unit_test(test_errors), cmocka_unit_test(test_bursts),      \
			cmocka_unit_test(test_broken), cmocka_unit_test(test_recv_bursts), \
		};                                                                         \
                                                                                           \
		return cmocka_run_group_tests(tests, NULL, NULL);                          \
	}

#endif
