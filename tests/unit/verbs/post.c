/* SPDX-License-Identifier: MIT */
/*
 * What provider verbs hands to the driver for every operation; credits; signals that it adds; what
 * it makes of a driver that refuses. Compiled for each way to use a driver.
 */
#include "driver.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "../refusals.h"

#define REMOTE (&(const struct bv_remote){ 0x99aabbccddeeff00, 0xa1b2c3d4, 1 << 20 })
#define IMM 0xcafe0001u

static const struct bv_gather from[5] = { { 0x1000, 10, 7 },
					  { 0x2000, 20, 8 },
					  { 0x3000, 30, 9 },
					  { 0x4000, 40, 10 },
					  { 0x5000, 50, 11 } };
static const struct bv_scatter to[5] = { { 0x1000, 10, 7 },
					 { 0x2000, 20, 8 },
					 { 0x3000, 30, 9 },
					 { 0x4000, 40, 10 },
					 { 0x5000, 50, 11 } };

static void expect_wr(const struct driver *d, uint64_t wr_id, enum ibv_wr_opcode opcode,
		      unsigned send_flags, int nsge)
{
	assert_int_equal(verbs_number(verbs_place_of(d->wr.wr_id)), wr_id);
	assert_int_equal(d->wr.opcode, opcode);
	assert_int_equal(d->wr.send_flags, send_flags);
	assert_int_equal(d->wr.num_sge, nsge);
	if (send_flags & IBV_SEND_INLINE)
		return;
	for (int i = 0; i < nsge; i++) {
		assert_int_equal(d->list[i].addr, 0x1000 * (i + 1));
		assert_int_equal(d->list[i].length, 10 * (i + 1));
		assert_int_equal(d->list[i].lkey, 7 + i);
	}
}

static void expect_remote(const struct driver *d)
{
	assert_int_equal(d->wr.wr.rdma.remote_addr, REMOTE->addr);
	assert_int_equal(d->wr.wr.rdma.rkey, REMOTE->rkey);
}

static void expect_imm(const struct driver *d)
{
	assert_int_equal(be32toh(d->wr.imm_data), IMM);
}

static void lists(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);

	(void)state;
	assert_int_equal(bv_post_send(ch, from, 2, 0), 0);
	expect_wr(d, 0, IBV_WR_SEND, IBV_SEND_SIGNALED, 2);
	assert_int_equal(bv_post_send_imm(ch, from, 1, IMM, BV_SOLICITED), 1);
	expect_wr(d, 1, IBV_WR_SEND_WITH_IMM, IBV_SEND_SIGNALED | IBV_SEND_SOLICITED, 1);
	expect_imm(d);
	assert_int_equal(bv_post_write(ch, from, 2, REMOTE, BV_FENCE), 2);
	expect_wr(d, 2, IBV_WR_RDMA_WRITE, IBV_SEND_SIGNALED | IBV_SEND_FENCE, 2);
	expect_remote(d);
	assert_int_equal(bv_post_write_imm(ch, NULL, 0, REMOTE, IMM, BV_UNSIGNALED), 3);
	expect_wr(d, 3, IBV_WR_RDMA_WRITE_WITH_IMM, 0, 0);
	expect_remote(d);
	expect_imm(d);
	assert_int_equal(bv_post_read(ch, to, 2, REMOTE, 0), 4);
	expect_wr(d, 4, IBV_WR_RDMA_READ, IBV_SEND_SIGNALED, 2);
	expect_remote(d);
	driver_free(d);
}

/* Up to four elements are posted by a body for each count, if the target, or else the list, is short. */
static void counts(void **state)
{
	const struct bv_remote far = { REMOTE->addr, REMOTE->rkey, UINT64_MAX };
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	unsigned work = 0;

	(void)state;
	for (int n = 1; n <= 5; n++) {
		for (int is_far = 0; is_far < 2; is_far++) {
			const struct bv_remote *const remote = is_far ? &far : REMOTE;

			assert_int_equal(bv_post_write(ch, from, (unsigned)n, remote, 0), work);
			expect_wr(d, work++, IBV_WR_RDMA_WRITE, IBV_SEND_SIGNALED, n);
			expect_remote(d);
			assert_int_equal(bv_post_read(ch, to, (unsigned)n, remote, 0), work);
			expect_wr(d, work++, IBV_WR_RDMA_READ, IBV_SEND_SIGNALED, n);
			expect_remote(d);
		}
		assert_int_equal(bv_post_send(ch, from, (unsigned)n, 0), work);
		expect_wr(d, work++, IBV_WR_SEND, IBV_SEND_SIGNALED, n);
	}
	driver_free(d);
}

static void inlines(void **state)
{
	static const uint8_t payload[] = "0123456789";
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	const unsigned flags = IBV_SEND_SIGNALED | IBV_SEND_INLINE;

	(void)state;
	assert_int_equal(bv_post_send_inline(ch, payload, 10, 0), 0);
	expect_wr(d, 0, IBV_WR_SEND, flags, 1);
	assert_int_equal(d->list[0].length, 10);
	assert_memory_equal(d->payload, payload, 10);
	assert_int_equal(bv_post_send_inline_imm(ch, payload + 1, 9, IMM, 0), 1);
	expect_wr(d, 1, IBV_WR_SEND_WITH_IMM, flags, 1);
	expect_imm(d);
	assert_memory_equal(d->payload, payload + 1, 9);
	assert_int_equal(bv_post_write_inline(ch, payload, 1, REMOTE, BV_UNSIGNALED), 2);
	expect_wr(d, 2, IBV_WR_RDMA_WRITE, IBV_SEND_INLINE, 1);
	expect_remote(d);
	/* No payload: no element, and nothing inline. */
	assert_int_equal(bv_post_write_inline_imm(ch, NULL, 0, REMOTE, IMM, 0), 3);
	expect_wr(d, 3, IBV_WR_RDMA_WRITE_WITH_IMM, IBV_SEND_SIGNALED, 0);
	expect_remote(d);
	expect_imm(d);
	/* Nothing of it sticks to the template. */
	assert_int_equal(bv_post_send(ch, from, 1, 0), 4);
	expect_wr(d, 4, IBV_WR_SEND, IBV_SEND_SIGNALED, 1);
	driver_free(d);
}

static void receives(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);

	(void)state;
	assert_int_equal(bv_post_recv(ch, to, 2), BV_WORK_RECV);
	assert_int_equal(d->recv_wr.num_sge, 2);
	assert_int_equal(d->list[1].addr, 0x2000);
	assert_int_equal(bv_post_recv(ch, NULL, 0), 1 | BV_WORK_RECV);
	assert_int_equal(d->recv_wr.num_sge, 0);
	for (int64_t i = 2; i < DRIVER_MAX_RECV; i++)
		assert_int_equal(bv_post_recv(ch, to, 1), i | BV_WORK_RECV);
	assert_int_equal(bv_post_recv(ch, to, 1), -EAGAIN);
	assert_int_equal(d->posts, DRIVER_MAX_RECV);
	driver_free(d);
}

static void take_receives(struct driver *d, unsigned n)
{
	struct bv_wc wc[DRIVER_MAX_RECV];

	for (unsigned i = 0; i < n; i++)
		driver_complete(&d->recv, (struct ibv_wc){ .opcode = IBV_WC_RECV });
	assert_int_equal(bv_poll_recv(driver_channel(d), wc, n), n);
	d->recv.head = d->recv.tail = 0;
}

/* In order, once around the ring; what the driver did not take is not posted. */
static void many_receives(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	struct bv_scatter sg[DRIVER_MAX_RECV + 1];

	(void)state;
	for (unsigned i = 0; i < DRIVER_MAX_RECV + 1; i++)
		sg[i] = (struct bv_scatter){ 0x1000 + i, 10, 7 };
	assert_int_equal(bv_post_recv_many(ch, sg, 0), 0);
	for (int lap = 0; lap < 4; lap++) {
		assert_int_equal(bv_post_recv_many(ch, sg, 25), 25);
		assert_int_equal(bv_last_posted_recv(ch), (25 * lap + 24) | BV_WORK_RECV);
		assert_int_equal(d->receives, 25);
		for (unsigned i = 0; i < 25; i++)
			assert_int_equal(d->landings[i], 0x1000 + i);
		take_receives(d, 25);
	}
	d->refuse = ENOMEM;
	d->refuse_after = 20;
	assert_int_equal(bv_post_recv_many(ch, sg, 30), 20);
	for (int i = 0; i < 2; i++) {
		d->refuse = ENOMEM;
		d->refuse_after = 0;
		d->mute = i;
		assert_int_equal(bv_post_recv_many(ch, sg, 30), -ENOMEM);
	}
	take_receives(d, 20);
	/* As many as there is room for, one by one or together. */
	assert_int_equal(bv_post_recv(ch, to, 1), 120 | BV_WORK_RECV);
	assert_int_equal(bv_post_recv_many(ch, sg, DRIVER_MAX_RECV + 1), DRIVER_MAX_RECV - 1);
	assert_int_equal(bv_post_recv_many(ch, sg, 1), -EAGAIN);
	driver_free(d);
}

/* What is too long for the short ways, alone and in chains, is posted as the rest. */
static void long_elements(void **state)
{
	const struct bv_gather from_far[4] = { { 0x1000, 1u << 31, 7 }, { 0x2000, 1u << 29, 8 } };
	const struct bv_scatter to_far_list[4] = { { 0x1000, 1u << 31, 7 },
						   { 0x2000, 1u << 29, 8 } };
	const struct bv_scatter to_far = { 0x1000, 1u << 31, 7 };
	const struct bv_remote far = { REMOTE->addr, REMOTE->rkey, UINT64_MAX };
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	int64_t work = 0;

	(void)state;
	ch->max_msg = UINT32_MAX;
	for (unsigned more = 0; more < 2; more++) {
		const unsigned flags = more ? BV_MORE : 0;

		for (unsigned last = 0; last < 2; last++) {
			if (last && more)
				assert_int_equal(bv_post_send(ch, from, 1, BV_MORE), work++);
			assert_int_equal(bv_post_send(ch, from_far, 1, flags), work++);
			assert_int_equal(bv_post_write(ch, from_far, 1, &far, flags), work++);
			assert_int_equal(bv_post_read(ch, &to_far, 1, &far, 0), work++);
			assert_int_equal(d->wr.opcode, IBV_WR_RDMA_READ);
			assert_int_equal(d->list[0].length, 1u << 31);
		}
	}
	assert_int_equal(bv_post_write_imm(ch, from_far, 1, &far, IMM, 0), work++);
	expect_imm(d);
	for (int n = 2; n <= 4; n++) {
		assert_int_equal(bv_post_send(ch, from_far, (unsigned)n, 0), work++);
		assert_int_equal(d->wr.num_sge, n);
		assert_int_equal(d->list[0].length, 1u << 31);
		assert_int_equal(bv_post_write(ch, from_far, (unsigned)n, &far, 0), work++);
		assert_int_equal(bv_post_read(ch, to_far_list, (unsigned)n, &far, 0), work++);
		assert_int_equal(d->wr.num_sge, n);
	}
	assert_int_equal(bv_last_posted(ch), work - 1);
	driver_free(d);
}

/* What is not held against its target is held against the longest message all the same. */
static void unchecked(void **state)
{
	static const struct bv_gather longest[4] = { { 0x1000, 1u << 28, 7 },
						     { 0x2000, 1u << 28, 8 },
						     { 0x3000, 1u << 28, 9 },
						     { 0x4000, 1u << 28, 10 } };
	struct bv_gather longer[4];
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);

	(void)state;
	for (unsigned n = 1; n <= 4; n++) {
		memcpy(longer, longest, sizeof(longer));
		longer[n - 1].length = (1u << 30) + 1 - (n - 1) * (1u << 28);
		assert_int_equal(bv_post_write_unchecked(ch, longest, n, REMOTE, 0), n - 1);
		assert_int_equal(d->wr.num_sge, n);
		refusals_wanted = 1;
		assert_int_equal(bv_post_write_unchecked(ch, longer, n, REMOTE, 0), -EINVAL);
		assert_int_equal(refusals_wanted, 0);
	}
	driver_free(d);
}

/* What was granted is looked at by the slots themselves. */
static void more_than_granted(void **state)
{
	const struct bv_remote number = { 8, 1, 8 };
	const struct bv_scatter result = { 8, 8, 1 };
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	const uint8_t payload[65] = { 0 };

	(void)state;
	refusals_wanted = 5;
	ch->max_recv_sge = ch->max_send_sge = 0;
	assert_int_equal(bv_post_recv_many(ch, to, 1), -EINVAL);
	assert_int_equal(bv_post_fetch_add(ch, &result, &number, 1, 0), -EINVAL);
	assert_int_equal(bv_post_compare_swap(ch, &result, &number, 1, 2, 0), -EINVAL);
	ch->max_send_sge = 4;
	assert_int_equal(bv_post_send(ch, from, 1, 0), 0); /* it opens the short ways */
	assert_int_equal(bv_post_send_inline(ch, payload, 65, 0), -EMSGSIZE);
	assert_int_equal(bv_post_send_inline_imm(ch, payload, 65, IMM, 0), -EMSGSIZE);
	assert_int_equal(refusals_wanted, 0);
	assert_int_equal(d->posts, 1);
	driver_free(d);
}

/* Not even asked when there is no credit. */
static void credits(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	struct bv_wc wc[10];

	(void)state;
	for (int64_t i = 0; i < DRIVER_MAX_SEND; i++)
		assert_int_equal(bv_post_send_inline(ch, "x", 1, 0), i);
	assert_int_equal(bv_post_send_inline(ch, "x", 1, 0), -EAGAIN);
	assert_int_equal(bv_post_read(ch, to, 1, REMOTE, BV_UNSIGNALED), -EAGAIN);
	assert_int_equal(d->posts, DRIVER_MAX_SEND);
	for (unsigned i = 0; i < 10; i++)
		driver_complete(&d->send, (struct ibv_wc){ .wr_id = i, .opcode = IBV_WC_SEND });
	assert_int_equal(bv_poll_send(ch, wc, 10), 10);
	for (int64_t i = 0; i < 10; i++)
		assert_int_equal(bv_post_send(ch, from, 1, 0), DRIVER_MAX_SEND + i);
	assert_int_equal(bv_post_send(ch, from, 1, 0), -EAGAIN);
	driver_free(d);
}

/* The next number, so that each run makes the same ones. */
static unsigned any(unsigned below)
{
	static uint32_t seed = 1;

	seed = seed * 1664525 + 1013904223;
	return (seed >> 16) % below;
}

static int64_t post_any(struct bv_channel *ch)
{
	static const unsigned flags[] = {
		0, 0, 0, BV_MORE, BV_MORE, BV_UNSIGNALED, BV_UNSIGNALED | BV_MORE, BV_SOLICITED
	};
	static const struct bv_gather some[4] = {
		{ 0x1000, 10, 7 }, { 0x2000, 20, 8 }, { 0x3000, 30, 9 }, { 0x4000, 40, 10 }
	};
	const unsigned flag = flags[any(8)];

	switch (any(5)) {
	case 0:
		return bv_post_write_inline(ch, "12345678", 8, REMOTE, flag);
	case 1:
		return bv_post_send_inline(ch, "12345678", 1 + any(7), flag);
	case 2:
		return bv_post_write(ch, some, 1 + any(4), REMOTE, flag);
	case 3:
		return bv_post_read(ch, to, 1, REMOTE, flag);
	default:
		return bv_post_send(ch, some, 1, flag);
	}
}

/* Places are used in turn by every way of posting: handles stay consecutive, lap after lap. */
static void laps(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	int64_t next = 0, done = 0;
	struct bv_wc wc;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		const unsigned polls = any(3) ? any(3) : any(DRIVER_MAX_SEND);
		int64_t work;

		d->refuse = any(40) ? 0 : ENOMEM;
		work = post_any(ch);
		if (work >= 0) {
			assert_int_equal(work, next++);
		} else {
			assert_true(work == -ENOMEM || work == -EAGAIN);
			next = bv_last_posted(ch) + 1;
		}
		d->refuse = 0;
		if (any(8) || bv_flush(ch) < 0)
			continue;
		d->send.head = d->send.tail = 0;
		for (unsigned n = 0; done < next && n < polls; done++) {
			const struct verbs_posted *place = verbs_posted_send(&d->v, (uint64_t)done);

			if (verbs_kind(place) & VERBS_UNSIGNALED)
				continue;
			driver_complete(&d->send, (struct ibv_wc){ .wr_id = (uint64_t)done });
			assert_int_equal(bv_poll_send(ch, &wc, 1), 1);
			assert_int_equal(wc.work, done);
			n++;
		}
	}
	assert_true(next > 10 * DRIVER_MAX_SEND);
	(void)bv_flush(ch);
	driver_free(d);
}

static void added_signals(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);

	(void)state;
	for (unsigned every = 1; every <= 5; every++) {
		d->v.signal_every = every;
		d->v.unsignaled = 0;
		for (unsigned i = 0; i < 20; i++) {
			const bool signaled = i % every == every - 1;

			ch->sq_limit = ch->sq_posted + ch->max_send;
			assert_true(bv_post_send(ch, NULL, 0, BV_UNSIGNALED) >= 0);
			assert_int_equal(d->wr.send_flags, signaled ? IBV_SEND_SIGNALED : 0);
		}
	}
	driver_free(d);
}

/* A refusal is -errno in either of the two ways of drivers, and nothing has happened. */
static void refused(void **state)
{
	static const struct {
		int rc;
		int err;
		int want;
	} ways[] = {
		{ ENOMEM, 0, -ENOMEM },
		{ EINVAL, ENOSPC, -EINVAL },
		{ -1, ENOMEM, -ENOMEM },
		{ -1, 0, -EIO },
	};
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);

	(void)state;
	d->v.signal_every = 3;
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), 0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		d->refuse_errno = ways[i].err;
		d->refuse = ways[i].rc;
		assert_int_equal(bv_post_send(ch, from, 1, BV_UNSIGNALED), ways[i].want);
		d->refuse = ways[i].rc;
		assert_int_equal(bv_post_send(ch, from, 1, 0), ways[i].want);
		d->refuse = ways[i].rc;
		assert_int_equal(bv_post_recv(ch, to, 1), ways[i].want);
		assert_int_equal(ch->sq_posted, 1);
		assert_int_equal(ch->rq_posted, BV_WORK_RECV);
	}
	/* The third unsignaled work, not the third attempt, is the one that is signaled. */
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), 1);
	assert_int_equal(d->wr.send_flags, 0);
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), 2);
	assert_int_equal(d->wr.send_flags, IBV_SEND_SIGNALED);
	driver_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),         cmocka_unit_test(counts),
		cmocka_unit_test(inlines),       cmocka_unit_test(receives),
		cmocka_unit_test(many_receives), cmocka_unit_test(credits),
		cmocka_unit_test(laps),          cmocka_unit_test(added_signals),
		cmocka_unit_test(refused),       cmocka_unit_test(long_elements),
		cmocka_unit_test(unchecked),     cmocka_unit_test(more_than_granted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
