/* SPDX-License-Identifier: MIT */
/*
 * Works posted with BV_MORE: one ibv_post_send() for all of them, of copies, or one ibv_wr_complete();
 * what becomes of them when the driver refuses; atomics; arming. Compiled for each way to use a driver.
 */
#include "driver.h"

#include <errno.h>
#include <string.h>

#define REMOTE (&(const struct bv_remote){ 0x99aabbccddeeff00, 0xa1b2c3d4, 1 << 20 })

static void one_call(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	struct bv_gather from[2] = { { 0x1000, 10, 7 }, { 0x2000, 20, 8 } };
	char text[] = "payload";

	(void)state;
	assert_int_equal(bv_post_write(ch, from, 2, REMOTE, BV_MORE), 0);
	assert_int_equal(bv_post_send_inline(ch, text, 8, BV_MORE | BV_UNSIGNALED), 1);
	/* Lists and payload are read at the post only. */
	memset(from, 0, sizeof(from));
	memset(text, 0, sizeof(text));
	assert_int_equal(d->posts, 0);
	assert_int_equal(bv_flush(ch), 0);
	assert_int_equal(d->posts, 1);
	assert_int_equal(d->chain, 2);
	assert_int_equal(d->numbers[0], 0);
	assert_int_equal(d->wr.send_flags, IBV_SEND_INLINE);
	assert_string_equal((const char *)d->payload, "payload");
	if (!EXTENDED) {
		assert_int_equal(d->v.chain.sge[0].addr, 0x1000);
		assert_int_equal(d->v.chain.sge[1].lkey, 8);
	}
	/* Nothing waits any more. */
	assert_int_equal(bv_flush(ch), 0);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 2);
	assert_int_equal(d->posts, 2);
	assert_int_equal(d->chain, 1);
	/* A post without the flag takes those along that wait. */
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), 3);
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), 4);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 5);
	assert_int_equal(d->posts, 3);
	assert_int_equal(d->chain, 3);
	assert_int_equal(d->numbers[2], 5);
	driver_free(d);
}

/* Before a reset the driver is left in the middle of nothing. */
static void ended_before_reset(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), i);
	assert_int_equal(d->started, EXTENDED);
	bvi_verbs_channel_before_reset(ch);
	assert_false(d->started);
	assert_int_equal(d->posts, 1);
	assert_int_equal(d->chain, 2);
	driver_free(d);
}

static void full(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);

	(void)state;
	/* The chain is as long as the queue, and handed over when it is full. */
	for (int i = 0; i < DRIVER_MAX_SEND; i++)
		assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), i);
	assert_int_equal(d->posts, 1);
	assert_int_equal(d->chain, DRIVER_MAX_SEND);
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), -EAGAIN);
	/* A queue that is full of works that wait hands them over by itself. */
	ch->sq_limit = 2 + DRIVER_MAX_SEND;
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), DRIVER_MAX_SEND);
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), DRIVER_MAX_SEND + 1);
	assert_int_equal(d->posts, 1);
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), -EAGAIN);
	assert_int_equal(d->posts, 2);
	assert_int_equal(d->chain, 2);
	driver_free(d);
}

/* What the driver took is posted; what it did not take is withdrawn, and the next is signaled. */
static void stops_in_the_middle(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE | BV_UNSIGNALED), i);
	d->refuse = ENOSPC;
	d->refuse_after = 3;
	assert_int_equal(bv_flush(ch), -ENOSPC);
	assert_int_equal(bv_last_posted(ch), 2);
	assert_int_equal(bv_flush(ch), 0);
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), 3);
	assert_int_equal(d->wr.send_flags, IBV_SEND_SIGNALED);
	/* Also when a post brings it about. */
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), 4);
	d->refuse = -1;
	d->refuse_errno = EIO;
	d->refuse_after = 0;
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), -EIO);
	assert_int_equal(bv_last_posted(ch), 3);
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), 4);
	d->refuse = -1;
	d->refuse_after = 1;
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), -EIO);
	assert_int_equal(bv_last_posted(ch), 4);
	/* A driver that fails without a word. */
	d->refuse = -1;
	d->refuse_errno = 0;
	d->refuse_after = 0;
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), 5);
	assert_int_equal(bv_flush(ch), -EIO);
	assert_int_equal(bv_last_posted(ch), 4);
	driver_free(d);
}

/* A full queue of works that the device was not told of, and cannot be. */
static void full_and_refused(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);

	(void)state;
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 0);
	for (int i = 1; i < DRIVER_MAX_SEND; i++)
		assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), i);
	d->refuse = EIO;
	d->refuse_after = 0;
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), -EIO);
	assert_int_equal(bv_last_posted(ch), 0);
	driver_free(d);
}

/* Those that wait are built as one, and withdrawn as one. */
static void takes_none(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);

	(void)state;
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), 0);
	for (int i = 1; i < 4; i++)
		assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE | BV_UNSIGNALED), i);
	d->refuse = ENOSPC;
	assert_int_equal(bv_flush(ch), -ENOSPC);
	assert_int_equal(bv_last_posted(ch), 0);
	assert_int_equal(bv_flush(ch), 0);
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), 1);
	assert_int_equal(d->wr.send_flags, IBV_SEND_SIGNALED);
	/* Also when a post brings it about, which is not posted then. */
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_MORE), 2);
	d->refuse = -1;
	d->refuse_errno = EIO;
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), -EIO);
	assert_int_equal(bv_last_posted(ch), 1);
	assert_int_equal(bv_post_send(ch, NULL, 0, 0), 2);
	driver_free(d);
}

/* One of the works that have short ways, of the element or the payload. */
static int64_t post_short(struct bv_channel *ch, unsigned kind, unsigned flags)
{
	static const struct bv_gather from = { 0x1000, 10, 7 };
	static const struct bv_scatter to = { 0x2000, 20, 8 };

	switch (kind) {
	case 0:
		return bv_post_write_inline(ch, "12345678", 8, REMOTE, flags);
	case 1:
		return bv_post_send_inline(ch, "12345678", 8, flags);
	case 2:
		return bv_post_write(ch, &from, 1, REMOTE, flags);
	case 3:
		return bv_post_send(ch, &from, 1, flags);
	default:
		return bv_post_read(ch, &to, 1, REMOTE, flags);
	}
}

static void expect_short(const struct driver *d, unsigned kind, uint64_t number)
{
	static const enum ibv_wr_opcode opcode[] = { IBV_WR_RDMA_WRITE, IBV_WR_SEND,
						     IBV_WR_RDMA_WRITE, IBV_WR_SEND,
						     IBV_WR_RDMA_READ };
	const bool is_inline = kind < 2;

	assert_int_equal(verbs_number(verbs_place_of(d->wr.wr_id)), number);
	assert_int_equal(d->wr.opcode, opcode[kind]);
	assert_int_equal(d->wr.send_flags, IBV_SEND_SIGNALED | (is_inline ? IBV_SEND_INLINE : 0));
	assert_int_equal(d->wr.num_sge, 1);
	if (opcode[kind] != IBV_WR_SEND)
		assert_int_equal(d->wr.wr.rdma.remote_addr, REMOTE->addr);
	if (is_inline)
		assert_memory_equal(d->payload, "12345678", 8);
	else
		assert_int_equal(d->list[0].addr, kind == 4 ? 0x2000 : 0x1000);
}

/* Alone, first, in between and last, with and without limits of the channel to look at. */
static void short_ways(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 2 * 5; kind++) {
		struct driver *d = driver_new(EXTENDED);
		struct bv_channel *ch = driver_channel(d);
		int64_t number = 0;

		ch->max_msg = kind < 5 ? 1u << 30 : 100;
		for (unsigned n = 1; n <= 5; n++) {
			const unsigned posts = d->posts;

			for (unsigned i = 1; i < n; i++) {
				assert_int_equal(post_short(ch, kind % 5, BV_MORE), number++);
				if (EXTENDED)
					expect_short(d, kind % 5, (uint64_t)number - 1);
			}
			assert_int_equal(d->posts, posts);
			assert_int_equal(post_short(ch, kind % 5, 0), number++);
			expect_short(d, kind % 5, (uint64_t)number - 1);
			assert_int_equal(d->posts, posts + 1);
			assert_int_equal(d->chain, n);
		}
		/* Up to the end of the queue, which hands over what waits. */
		while (number < DRIVER_MAX_SEND)
			assert_int_equal(post_short(ch, kind % 5, BV_MORE), number++);
		assert_int_equal(post_short(ch, kind % 5, BV_MORE), -EAGAIN);
		assert_int_equal(post_short(ch, kind % 5, 0), -EAGAIN);
		assert_int_equal(bv_flush(ch), 0);
		driver_free(d);
	}
}

/* A driver that takes none of a chain of these leaves the way open, and the credits. */
static void short_ways_refused(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 5; kind++) {
		struct driver *d = driver_new(EXTENDED);
		struct bv_channel *ch = driver_channel(d);

		for (int alone = 0; alone < 2; alone++) {
			assert_int_equal(post_short(ch, kind, 0), alone);
			if (!alone)
				assert_int_equal(post_short(ch, kind, BV_MORE), 1);
			d->refuse = ENOMEM;
			assert_int_equal(post_short(ch, kind, 0), -ENOMEM);
			assert_int_equal(bv_last_posted(ch), alone);
		}
		driver_free(d);
	}
}

static void atomics(void **state)
{
	const struct bv_scatter result = { 0x3000, 8, 9 };
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);
	const struct ibv_send_wr *wr = &d->wr;

	(void)state;
	assert_int_equal(bv_post_fetch_add(ch, &result, REMOTE, 77, BV_FENCE), 0);
	assert_int_equal(wr->opcode, IBV_WR_ATOMIC_FETCH_AND_ADD);
	assert_int_equal(wr->send_flags, IBV_SEND_SIGNALED | IBV_SEND_FENCE);
	assert_int_equal(wr->wr.atomic.compare_add, 77);
	assert_int_equal(wr->wr.atomic.remote_addr, REMOTE->addr);
	assert_int_equal(wr->wr.atomic.rkey, REMOTE->rkey);
	assert_int_equal(d->list[0].addr, 0x3000);
	assert_int_equal(d->list[0].length, 8);
	assert_int_equal(bv_post_compare_swap(ch, &result, REMOTE, 5, 6, BV_UNSIGNALED), 1);
	assert_int_equal(wr->opcode, IBV_WR_ATOMIC_CMP_AND_SWP);
	assert_int_equal(wr->send_flags, 0);
	assert_int_equal(wr->wr.atomic.compare_add, 5);
	assert_int_equal(wr->wr.atomic.swap, 6);
	assert_int_equal(d->v.posted[1].to.rkey, REMOTE->rkey);
	driver_free(d);
}

static void arming(void **state)
{
	struct driver *d = driver_new(EXTENDED);
	struct bv_channel *ch = driver_channel(d);

	(void)state;
	assert_int_equal(ch->ops->arm(ch, BV_WAKE_SEND), 0);
	assert_int_equal(d->notified[0], 1);
	assert_int_equal(d->notified[1], 0);
	assert_int_equal(ch->ops->arm(ch, BV_WAKE_SEND | BV_WAKE_RECV | BV_WAKE_SOLICITED), 0);
	assert_int_equal(d->notified[0], 2);
	assert_int_equal(d->notified[1], 1);
	assert_true(d->solicited_only);
	d->refuse = ENOMEM;
	assert_int_equal(ch->ops->arm(ch, BV_WAKE_RECV), -ENOMEM);
	/* The first that fails is told, and the second is not tried; some drivers return -1. */
	d->refuse = -1;
	d->refuse_errno = EACCES;
	assert_int_equal(ch->ops->arm(ch, BV_WAKE_SEND | BV_WAKE_RECV), -EACCES);
	assert_int_equal(d->notified[1], 2);
	d->refuse = -1;
	d->refuse_errno = 0;
	assert_int_equal(ch->ops->arm(ch, BV_WAKE_RECV), -EIO);
	driver_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_call),
		cmocka_unit_test(ended_before_reset),
		cmocka_unit_test(full),
		cmocka_unit_test(EXTENDED ? takes_none : stops_in_the_middle),
		cmocka_unit_test(full_and_refused),
		cmocka_unit_test(short_ways),
		cmocka_unit_test(short_ways_refused),
		cmocka_unit_test(atomics),
		cmocka_unit_test(arming),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
