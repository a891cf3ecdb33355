/* SPDX-License-Identifier: MIT */
/*
 * Blocking calls and their time-outs. End A lives here and calls the library itself; the device
 * must move while it waits.
 */
#include "link.h"

#include "device.h"
#include "local.h"
#include "pause.h"

/* A place of end A: its channel, region and memory at @offset. */
static struct bv_channel *channel(const struct link *link)
{
	return link->a.side->local->ch[link->a.slot];
}

static struct bv_gather source(const struct link *link, uint64_t offset, size_t length)
{
	const struct local_mr *mr = &link->a.side->local->mr[MR_ARENA];

	return bv_gather(mr->mr, mr->base + link->a.base + offset, length);
}

static struct bv_scatter target(const struct link *link, uint64_t offset, size_t length)
{
	const struct local_mr *mr = &link->a.side->local->mr[MR_ARENA];

	return bv_scatter(mr->mr, mr->base + link->a.base + offset, length);
}

static void every_call(void **state)
{
	struct link link;
	struct list there, here;
	struct bv_gather from;
	struct bv_scatter to;
	struct bv_remote remote;
	struct post recv;
	struct bv_wc wc;

	(void)state;
	need_live_device();
	link_up(&link, NULL, NULL);
	there = end_piece(&link.b, 8192, 100);
	here = end_piece(&link.a, 4096, 100);
	from = source(&link, 4096, 100);
	recv = (struct post){ .op = OP_RECV, .list = there };
	remote = end_remote(&link.b, there.piece[0].offset, 100);
	end_fill(&link.a, &here, 5);

	end_fill(&link.b, &there, SEED_GUARD);
	end_post(&link.b, &recv);
	assert_int_equal(bv_send(channel(&link), &from, 1, WAIT_NS), 0);
	end_reap(&link.b, true, 1, &wc);
	expect_received(&wc, BV_WORK_RECV, OP_SEND, 100, 0);
	end_check(&link.b, &there, 5, 100);

	end_post(&link.b, &recv);
	assert_int_equal(bv_send_imm(channel(&link), NULL, 0, 42, WAIT_NS), 0);
	end_reap(&link.b, true, 1, &wc);
	expect_received(&wc, BV_WORK_RECV | 1, OP_SEND_IMM, 0, 42);

	end_fill(&link.b, &there, SEED_GUARD);
	assert_int_equal(bv_write(channel(&link), &from, 1, &remote, WAIT_NS), 0);
	end_check(&link.b, &there, 5, 100);

	end_post(&link.b, &recv);
	assert_int_equal(bv_write_imm(channel(&link), &from, 1, &remote, 43, WAIT_NS), 0);
	end_reap(&link.b, true, 1, &wc);
	expect_received(&wc, BV_WORK_RECV | 2, OP_WRITE_IMM, 100, 43);

	to = target(&link, 4096, 100);
	end_fill(&link.a, &here, SEED_GUARD);
	assert_int_equal(bv_read(channel(&link), &to, 1, &remote, WAIT_NS), 0);
	end_check(&link.a, &here, 5, 100);
}

static void receive_call(void **state)
{
	struct bv_channel_attr attr = link_attr();
	struct link link;
	struct link back;
	struct bv_scatter to;
	struct post post;
	struct list here;
	struct bv_wc wc;

	(void)state;
	need_live_device();
	attr.rnr_retry = BV_RNR_RETRY_FOREVER;
	link_up(&link, &attr, &attr);
	back = (struct link){ .a = link.b, .b = link.a };
	to = target(&link, 8192, 8);
	here = end_piece(&link.a, 8192, 8);
	end_fill(&link.a, &here, SEED_GUARD);
	/* The sender's RNR retries bridge the time until the receive is posted. */
	post = post_of(&back, OP_SEND_IMM, 0);
	end_fill(&back.a, &post.list, 9);
	end_post(&back.a, &post);
	assert_int_equal(bv_recv(channel(&link), &to, 1, WAIT_NS, &wc), 0);
	expect_received(&wc, BV_WORK_RECV, OP_SEND_IMM, 8, post.imm);
	end_check(&link.a, &here, 9, 8);
}

/* Nothing comes: the call ends in time, not before, and the work is still there. */
static void time_out(void **state)
{
	struct link link;
	struct link back;
	struct bv_scatter to;
	struct post post;
	struct bv_wc wc;
	int64_t start;

	(void)state;
	need_live_device();
	link_up(&link, NULL, NULL);
	back = (struct link){ .a = link.b, .b = link.a };
	to = target(&link, 8192, 8);
	start = pause_now();
	assert_int_equal(bv_recv(channel(&link), &to, 1, 5 * BV_MSEC, &wc), -ETIMEDOUT);
	assert_true(pause_now() - start >= 5 * BV_MSEC);
	assert_int_equal(bv_test(channel(&link), BV_WORK_RECV, &wc), 0);
	assert_int_equal(bv_wait(channel(&link), BV_WORK_RECV, 0, &wc), -ETIMEDOUT);
	assert_int_equal(bv_wait(channel(&link), BV_WORK_RECV, BV_MSEC, NULL), -ETIMEDOUT);
	post = post_of(&back, OP_SEND, 0);
	end_post(&back.a, &post);
	assert_int_equal(bv_wait(channel(&link), BV_WORK_RECV, BV_FOREVER, &wc), 0);
	expect_received(&wc, BV_WORK_RECV, OP_SEND, 8, 0);
	/* The answer stays. */
	assert_int_equal(bv_wait(channel(&link), BV_WORK_RECV, 0, NULL), 0);
}

/* A full queue is waited for, within the same time-out. */
static void full_queue(void **state)
{
	struct bv_channel_attr attr = link_attr();
	struct bv_remote remote;
	struct bv_gather from;
	struct link link;
	struct post post;

	(void)state;
	need_live_device();
	attr.max_send = 4;
	attr.rnr_retry = BV_RNR_RETRY_FOREVER;
	link_up(&link, &attr, NULL);
	from = source(&link, 4096, 8);
	remote = end_remote(&link.b, ARENA_HALF + 4096, 8);
	post = post_write8(&link, BV_UNSIGNALED);
	for (unsigned i = 0; i < 4; i++)
		end_post(&link.a, &post);
	assert_int_equal(bv_write(channel(&link), &from, 1, &remote, WAIT_NS), 0);
	assert_int_equal(bv_last_posted(channel(&link)), 4);

	/* No receive is posted: these stay, and the call finds no place. */
	post = post_of(&link, OP_SEND, 0);
	link.a.side->next_send[link.a.slot] = 5;
	for (unsigned i = 0; i < 4; i++)
		end_post(&link.a, &post);
	assert_int_equal(bv_write(channel(&link), &from, 1, &remote, 5 * BV_MSEC), -ETIMEDOUT);
	assert_int_equal(bv_last_posted(channel(&link)), 8);
}

/* An element of a region that was registered elsewhere: the work fails here, on any topology. */
static void failures(void **state)
{
	const struct local_mr *foreign;
	struct bv_remote remote;
	struct bv_gather from;
	struct bv_wc wc;
	struct link link;

	(void)state;
	need_live_device();
	link_up(&link, NULL, NULL);
	from = source(&link, 4096, 8);
	remote = end_remote(&link.b, ARENA_HALF + 4096, 8);
	remote.length = 7;
	assert_int_equal(bv_write(channel(&link), &from, 1, &remote, WAIT_NS), -ERANGE);
	remote.length = 8;
	assert_int_equal(side_reg(link.a.side, 1, PD_OTHER, 0, 4096, BV_ACCESS_LOCAL, NULL), 0);
	foreign = &link.a.side->local->mr[1];
	from = bv_gather(foreign->mr, foreign->base, 8);
	assert_int_equal(bv_write(channel(&link), &from, 1, &remote, WAIT_NS), -EIO);
	assert_int_equal(bv_channel_state(channel(&link)), BV_CHANNEL_ERROR);
	assert_int_equal(bv_channel_error(channel(&link), &wc), 1);
	expect_failed(&wc, 0, device_status(BV_STATUS_LOCAL_PROTECTION_ERROR, wc.status));
	expect_word(bv_error_text(channel(&link)), bv_status_name(wc.status));
	assert_int_equal(bv_send(channel(&link), &from, 1, WAIT_NS), -EIO);
	expect_word(bv_last_error()->text, "ERROR");
}

static const struct test tests[] = {
	CONFORM(every_call, "CH-3 posted, done, data there"),
	CONFORM(receive_call, "CH-3 and the completion is handed out"),
	CONFORM(time_out, "B7 every wait ends; the work stays outstanding"),
	CONFORM(full_queue, "QP-7 a place in a full queue is waited for"),
	CONFORM(failures, "CH-3 -EIO, or what the post says"),
};

GROUP(blocking, tests);
