/* SPDX-License-Identifier: MIT */
/*
 * Queues: credits, handles, signaling, and the order in which completions are handed out.
 */
#include "link.h"
#include "local.h"
#include "pause.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const enum op send_queue_ops[] = {
	OP_SEND,  OP_SEND_IMM,  OP_SEND_INLINE,  OP_SEND_INLINE_IMM,
	OP_WRITE, OP_WRITE_IMM, OP_WRITE_INLINE, OP_WRITE_INLINE_IMM,
	OP_READ,
};

/* Any post on a full queue is -EAGAIN, and leaves bv_last_error() as it was. */
static void expect_full(struct link *link)
{
	const int code = bv_last_error()->code;

	for (unsigned i = 0; i < COUNT(send_queue_ops); i++) {
		const struct post post = post_of(link, send_queue_ops[i], 0);

		end_refused(&link->a, &post, -EAGAIN);
	}
	assert_int_equal(bv_last_error()->code, code);
}

static void fill_and_reap(struct link *link, unsigned max)
{
	const struct post post = post_write8(link, 0);
	struct bv_wc wc[256];
	int64_t first = link->a.side->next_send[link->a.slot];

	for (unsigned i = 0; i < max; i++)
		end_post(&link->a, &post);
	expect_full(link);
	for (unsigned i = 0; i < max; i++) {
		end_reap(&link->a, false, 1, wc);
		expect_sent(wc, first + i, OP_WRITE, 0);
		if (i == 0) {
			/* One credit came back, and one only. */
			end_post(&link->a, &post);
			expect_full(link);
		}
	}
	end_reap(&link->a, false, 1, wc);
	expect_sent(wc, first + max, OP_WRITE, 0);
}

static void full_send_queue(void **state)
{
	static const uint32_t depths[] = { 1, 2, 3, 64, 100 };
	struct bv_channel_attr attr = link_attr();
	struct link link;

	for (unsigned i = 0; i < COUNT(depths); i++) {
		attr.max_send = depths[i];
		link_up(&link, &attr, &attr);
		assert_int_equal(link.a.info.max_send, depths[i]);
		for (unsigned round = 0; round < 5; round++)
			fill_and_reap(&link, depths[i]);
		world_reset(state);
	}
}

static void full_receive_queue(void **state)
{
	static const uint32_t depths[] = { 1, 2, 3, 64 };
	struct bv_channel_attr attr = link_attr();
	struct link link;
	struct bv_wc wc;

	for (unsigned i = 0; i < COUNT(depths); i++) {
		const uint32_t max = depths[i];
		struct post recv, send;

		attr.max_recv = max;
		link_create(&link, &attr, &attr);
		recv = post_recv8(&link.b);
		/* Receives may be posted before connecting. */
		for (unsigned j = 0; j < max; j++)
			end_post(&link.b, &recv);
		end_refused(&link.b, &recv, -EAGAIN);
		link_connect(&link);
		end_refused(&link.b, &recv, -EAGAIN);
		for (unsigned j = 0; j < 3 * max; j++) {
			send = post_of(&link, OP_SEND_IMM, 0);
			send.imm = j;
			end_post(&link.a, &send);
			end_reap(&link.b, true, 1, &wc);
			expect_received(&wc, (int64_t)j | BV_WORK_RECV, OP_SEND_IMM, 8, j);
			end_reap(&link.a, false, 1, &wc);
			end_post(&link.b, &recv);
			end_refused(&link.b, &recv, -EAGAIN);
		}
		world_reset(state);
	}
}

/* Nobody asks for a completion: the library must, or the queue would be full for good. */
static void unsignaled_never_wedges(void **state)
{
	static const uint32_t depths[] = { 1, 2, 3, 5, 64 };
	struct bv_channel_attr attr = link_attr();
	struct link link;

	for (unsigned i = 0; i < COUNT(depths); i++) {
		const uint32_t total = 20 * depths[i];
		struct post post;
		struct bv_wc wc[1];
		int64_t done = -1;

		attr.max_send = depths[i];
		link_up(&link, &attr, &attr);
		post = post_write8(&link, BV_UNSIGNALED);
		for (uint32_t n = 0; n < total; n++) {
			int64_t work = side_post(link.a.side, link.a.slot, &post);

			if (work == -EAGAIN) {
				end_reap(&link.a, false, 1, wc);
				assert_int_equal(wc->status, BV_STATUS_SUCCESS);
				assert_true(wc->work > done);
				done = wc->work;
				work = side_post(link.a.side, link.a.slot, &post);
			}
			assert_int_equal(work, n);
		}
		world_reset(state);
	}
}

static void unsignaled_end_with_next_signaled(void **state)
{
	struct link link;
	struct post post;
	struct bv_wc wc;
	int64_t work = 0;

	(void)state;
	link_up(&link, NULL, NULL);
	for (unsigned round = 0; round < 10; round++) {
		post = post_write8(&link, BV_UNSIGNALED);
		for (unsigned i = 0; i < 7; i++)
			work = end_post(&link.a, &post);
		post.flags = 0;
		end_post(&link.a, &post);
		do {
			end_reap(&link.a, false, 1, &wc);
		} while (wc.work <= work);
		expect_sent(&wc, work + 1, OP_WRITE, 0);
		/* The oldest is done because a later one is. */
		for (int64_t w = work - 6; w <= work + 1; w++) {
			assert_int_equal(side_test(link.a.side, link.a.slot, w, &wc), 1);
			assert_int_equal(wc.work, w);
			assert_int_equal(wc.status, BV_STATUS_SUCCESS);
		}
	}
}

static void refused_posts_take_no_number(void **state)
{
	struct link link;
	struct post post, bad;

	(void)state;
	link_up(&link, NULL, NULL);
	for (unsigned i = 0; i < COUNT(send_queue_ops); i++) {
		bad = post_of(&link, send_queue_ops[i], 0x80);
		end_refused(&link.a, &bad, -EINVAL);
		post = post_write8(&link, 0);
		end_post(&link.a, &post);
	}
	for (unsigned i = 0; i < COUNT(send_queue_ops); i++) {
		struct bv_wc wc;

		end_reap(&link.a, false, 1, &wc);
		expect_sent(&wc, i, OP_WRITE, 0);
	}
}

static void all_flags(void **state)
{
	const unsigned flags[] = { BV_FENCE, BV_SOLICITED, BV_FENCE | BV_SOLICITED, BV_POST_FLAGS };
	struct link link;
	struct bv_wc wc;

	(void)state;
	link_up(&link, NULL, NULL);
	for (unsigned i = 0; i < COUNT(send_queue_ops); i++) {
		for (unsigned j = 0; j < COUNT(flags); j++) {
			const enum op op = send_queue_ops[i];
			struct post post = post_of(&link, op, flags[j]);
			struct post recv = post_recv8(&link.b);
			int64_t work;

			if (op_takes_recv(op))
				end_post(&link.b, &recv);
			work = end_post(&link.a, &post);
			if (flags[j] & BV_UNSIGNALED) {
				post = post_write8(&link, 0);
				work = end_post(&link.a, &post);
			}
			do {
				end_reap(&link.a, false, 1, &wc);
				assert_int_equal(wc.status, BV_STATUS_SUCCESS);
			} while (wc.work < work);
			assert_int_equal(wc.work, work);
			if (op_takes_recv(op))
				end_reap(&link.b, true, 1, &wc);
		}
	}
}

/* What a read brings may be sent on by the next work, if that is fenced. */
static void fence_waits_for_reads(void **state)
{
	struct bv_wc wc[2];
	struct link link;

	(void)state;
	link_up(&link, NULL, NULL);
	for (unsigned round = 0; round < 20; round++) {
		const struct list from = end_piece(&link.b, 4096, 8000);
		const struct list over = end_piece(&link.a, 65536, 8000);
		const struct list back = end_piece(&link.b, 131072, 8000);
		struct post post = { .op = OP_READ, .list = over };

		end_fill(&link.b, &from, round + 1);
		end_fill(&link.a, &over, SEED_GUARD);
		end_fill(&link.b, &back, SEED_GUARD);
		post.remote = end_remote(&link.b, from.piece[0].offset, 8000);
		end_post(&link.a, &post);
		post.op = OP_WRITE;
		post.flags = BV_FENCE;
		post.remote = end_remote(&link.b, back.piece[0].offset, 8000);
		end_post(&link.a, &post);
		end_reap(&link.a, false, 2, wc);
		end_check(&link.b, &back, round + 1, 8000);
	}
}

/* The result of a receive is kept until max_recv later ones have completed. */
static void receive_results_are_kept(void **state)
{
	struct bv_channel_attr attr = link_attr();
	struct link link;
	struct bv_wc wc;

	(void)state;
	attr.max_recv = 8;
	link_up(&link, &attr, &attr);
	for (int64_t i = 0; i < 40; i++) {
		struct post send = post_of(&link, OP_SEND_IMM, 0);
		const struct post recv = post_recv8(&link.b);

		end_post(&link.b, &recv);
		send.imm = (uint32_t)i;
		end_post(&link.a, &send);
		end_reap(&link.a, false, 1, &wc);
		end_reap(&link.b, true, 1, &wc);
		for (int64_t j = i > 7 ? i - 7 : 0; j <= i; j++) {
			assert_int_equal(side_test(link.b.side, link.b.slot, j | BV_WORK_RECV, &wc),
					 1);
			expect_received(&wc, j | BV_WORK_RECV, OP_SEND_IMM, 8, (uint32_t)j);
		}
	}
	assert_int_equal(side_test(link.b.side, link.b.slot, 0 | BV_WORK_RECV, &wc), -ESTALE);
	expect_word(link.b.side->text, "kept");
}

static void unknown_handles(void **state)
{
	const int64_t bad[] = { 0, 1, -1, INT64_MIN, INT64_MAX, BV_WORK_RECV, BV_WORK_RECV | 1 };
	struct link link;
	struct bv_wc wc;

	(void)state;
	link_up(&link, NULL, NULL);
	for (unsigned i = 0; i < COUNT(bad); i++) {
		assert_int_equal(side_test(link.a.side, link.a.slot, bad[i], &wc), -EINVAL);
		assert_int_equal(side_wait(link.a.side, link.a.slot, bad[i], 0, &wc), -EINVAL);
	}
}

/* bv_poll() hands out both queues, the send queue's first, and never more than asked for. */
static void poll_in_small_bites(void **state)
{
	struct link link;
	struct bv_channel *ch;
	struct bv_wc wc[8], last[2] = { { .work = -1 }, { .work = BV_WORK_RECV - 1 } };
	unsigned got = 0;

	(void)state;
	link_up(&link, NULL, NULL);
	ch = link.a.side->local->ch[link.a.slot];
	for (unsigned i = 0; i < 20; i++) {
		/* Both directions, so that end A has completions of both kinds. */
		struct link back = { .a = link.b, .b = link.a };
		const struct post recv = post_recv8(&link.a);
		const struct post there = post_write8(&link, 0);
		const struct post here = post_of(&back, OP_SEND, 0);

		end_post(&link.a, &recv);
		end_post(&link.a, &there);
		end_post(&link.b, &here);
	}
	while (got < (link.a.side == link.b.side && link.a.slot == link.b.slot ? 60 : 40)) {
		const unsigned max = 1 + got % COUNT(wc);
		const int n = bv_poll(ch, wc, max);

		assert_in_range(n, 0, max);
		for (int i = 0; i < n; i++) {
			struct bv_wc *before = &last[(wc[i].work & BV_WORK_RECV) != 0];

			assert_int_equal(wc[i].status, BV_STATUS_SUCCESS);
			assert_int_equal(wc[i].work, before->work + 1);
			assert_false(i > 0 && (wc[i - 1].work & BV_WORK_RECV) &&
				     !(wc[i].work & BV_WORK_RECV));
			*before = wc[i];
		}
		got += (unsigned)n;
		if (n == 0)
			pause_once();
	}
}

static void work_done_is_a_compare(void **state)
{
	struct link link;
	struct bv_channel *ch;
	struct post post;
	struct bv_wc wc;
	int64_t work;

	(void)state;
	link_up(&link, NULL, NULL);
	ch = link.a.side->local->ch[link.a.slot];
	assert_int_equal(bv_last_posted(ch), -1);
	post = post_write8(&link, 0);
	work = end_post(&link.a, &post);
	assert_int_equal(bv_last_posted(ch), work);
	assert_false(bv_work_done(ch, work));
	end_reap(&link.a, false, 1, &wc);
	assert_true(bv_work_done(ch, work));
	assert_false(bv_work_done(ch, work + 1));
	assert_false(bv_work_done(ch, BV_WORK_RECV));
}

static const struct test tests[] = {
	CONFORM(full_send_queue, "QP-7 -EAGAIN exactly at max_send, nothing changed"),
	CONFORM(full_receive_queue, "-EAGAIN exactly at max_recv, before and after connect"),
	CONFORM(unsignaled_never_wedges, "the library signals by itself"),
	CONFORM(unsignaled_end_with_next_signaled, "works complete in order"),
	CONFORM(refused_posts_take_no_number, "CH-2 B16 a failed post consumes no handle"),
	CONFORM(all_flags, "fence and solicited are taken by every operation"),
	CONFORM(fence_waits_for_reads, "a fenced work starts when the reads before it are done"),
	CONFORM(receive_results_are_kept, "kept for max_recv more, then -ESTALE"),
	CONFORM(unknown_handles, "-EINVAL for a handle that no post returned"),
	CONFORM(poll_in_small_bites, "CQ-2 never more than asked for, in order"),
	CONFORM(work_done_is_a_compare, "CCQ-1 no map: numbers only"),
};

GROUP(queues, tests);
