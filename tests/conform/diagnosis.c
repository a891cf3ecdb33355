/* SPDX-License-Identifier: MIT */
/*
 * A failed work is explained by what was posted: operation, ranges and keys on either side, whatever
 * the operation and wherever in the queue it was. End A lives here and is asked through the library.
 */
#include "link.h"

#include <string.h>

#include "local.h"

/* Works before the one that fails: queues have come round. */
#define LAPS 3

static struct bv_channel *channel(const struct end *end)
{
	return end->side->local->ch[end->slot];
}

static struct bv_diagnosis diagnosed(const struct end *end)
{
	struct bv_diagnosis d;

	assert_int_equal(bv_diagnose(channel(end), NULL, &d), 1);
	return d;
}

/* What is the same in all texts of a failure. */
static void expect_texts(const struct end *end, const struct bv_diagnosis *d, const char *work)
{
	char text[BV_DIAGNOSIS_TEXT_MAX], json[BV_DIAGNOSIS_JSON_MAX];
	const char *line = bv_error_text(channel(end));

	assert_in_range(bv_diagnosis_text(d, text, sizeof(text)), 1, sizeof(text) - 1);
	assert_true(bv_diagnosis_to_json(d, json, sizeof(json)) > 0);
	expect_word(line, work);
	expect_word(text, work);
	expect_word(text, bv_status_name(d->status));
	expect_word(text, "likely: (1) ");
	assert_null(strchr(line, '\n'));
	assert_true(strlen(line) < BV_ERRINFO_TEXT_MAX - 1);
	assert_true(d->port_valid);
	assert_int_equal(d->port_state, BV_PORT_ACTIVE);
	assert_true(d->connected);
	assert_int_equal(d->peer_qpn, end->info.peer_qpn);
}

static void expect_range(const struct bv_work_range *range, const struct end *end,
			 const struct piece *piece, unsigned mr)
{
	const struct local_mr *region = &end->side->local->mr[mr];

	assert_true(range->addr == (uintptr_t)region->base + piece->offset);
	assert_int_equal(range->length, piece->length);
	assert_int_equal(range->lkey, region->keys.lkey);
}

static void expect_list(const struct bv_work_info *what, const struct end *end,
			const struct list *list)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < list->n; i++)
		bytes += list->piece[i].length;
	assert_int_equal(what->bytes, bytes);
	assert_false(what->is_inline);
	assert_int_equal(what->nranges, list->n);
	assert_int_equal(what->nshown, list->n < BV_WORK_RANGES ? list->n : BV_WORK_RANGES);
	for (unsigned i = 0; i < what->nshown; i++)
		expect_range(&what->range[i], end, &list->piece[i], list->piece[i].mr);
}

/* Good works, so that the bad one lies anywhere in the ring. */
static void go_round(struct link *link, unsigned count)
{
	const struct post good = post_write8(link, 0);
	struct bv_wc wc;

	for (unsigned i = 0; i < count; i++) {
		end_post(&link->a, &good);
		end_reap(&link->a, false, 1, &wc);
	}
}

static enum bv_op op_of(enum op op)
{
	return op == OP_READ ? BV_OP_READ : op_is_write(op) ? BV_OP_WRITE : BV_OP_SEND;
}

/* The work @post fails, for the remote key or for want of a receive, and is told as it was posted. */
static void fail_and_explain(struct link *link, const struct post *post, const char *name)
{
	struct bv_diagnosis d;
	struct bv_wc wc;
	int64_t work;

	work = end_post(&link->a, post);
	end_reap(&link->a, false, 1, &wc);
	assert_int_not_equal(wc.status, BV_STATUS_SUCCESS);
	d = diagnosed(&link->a);
	assert_int_equal(d.work, work);
	assert_int_equal(d.status, wc.status);
	assert_int_equal(d.vendor_err, wc.vendor_err);
	assert_int_equal(d.what.op, op_of(post->op));
	assert_int_equal(d.what.has_imm, op_has_imm(post->op));
	if (op_has_imm(post->op))
		assert_int_equal(d.what.imm, post->imm);
	if (op_is_inline(post->op)) {
		assert_true(d.what.is_inline);
		assert_int_equal(d.what.bytes, post->list.piece[0].length);
		assert_int_equal(d.what.nranges, 0);
	} else {
		expect_list(&d.what, &link->a, &post->list);
	}
	if (op_is_send(post->op)) {
		assert_int_equal(d.what.rkey, 0);
		assert_true(d.what.remote_addr == 0);
	} else {
		assert_int_equal(d.what.rkey, post->remote.rkey);
		assert_true(d.what.remote_addr == post->remote.addr);
	}
	expect_texts(&link->a, &d, name);
}

static void each_operation(void **state)
{
	static const char *const names[] = {
		[OP_SEND] = ": SEND #",
		[OP_SEND_IMM] = ": SEND with immediate #",
		[OP_SEND_INLINE] = ": SEND #",
		[OP_SEND_INLINE_IMM] = ": SEND with immediate #",
		[OP_WRITE] = ": RDMA WRITE #",
		[OP_WRITE_IMM] = ": RDMA WRITE with immediate #",
		[OP_WRITE_INLINE] = ": RDMA WRITE #",
		[OP_WRITE_INLINE_IMM] = ": RDMA WRITE with immediate #",
		[OP_READ] = ": RDMA READ #",
	};
	struct bv_channel_attr attr = link_attr();

	attr.rnr_retry = 0;
	for (unsigned op = 0; op < sizeof(names) / sizeof(names[0]); op++) {
		struct link link;
		struct post post;

		link_up(&link, &attr, NULL);
		go_round(&link, op + LAPS * link.a.info.max_send);
		post = post_of(&link, (enum op)op, 0);
		post.imm = 0xcafe;
		post.remote.rkey ^= 0xffffff00;
		fail_and_explain(&link, &post, names[op]);
		world_reset(state);
	}
}

/* Lists of one, some and the most elements. */
static void each_length_of_list(void **state)
{
	static const unsigned counts[] = { 0, 1, 2, 3, 4, 5, UINT32_MAX };

	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct link link;
		struct post post;

		link_up(&link, NULL, NULL);
		post = post_of(&link, OP_WRITE, 0);
		post.list.n = counts[i];
		if (post.list.n > link.a.info.max_send_sge)
			post.list.n = link.a.info.max_send_sge;
		if (post.list.n > MAX_PIECES)
			post.list.n = MAX_PIECES;
		for (unsigned n = 0; n < post.list.n; n++)
			post.list.piece[n] = (struct piece){
				.offset = link.a.base + 4096 + 16 * n,
				.length = n + 1,
			};
		post.remote = end_remote(&link.b, link.b.base, 4096);
		post.remote.rkey ^= 0xffffff00;
		/* Without bytes a key need not be looked at: IBTA volume 1, 9.7.4.1.3. */
		if (post.list.n)
			fail_and_explain(&link, &post, "RDMA WRITE");
		world_reset(state);
	}
}

/* An unsignaled work that fails is told, not the signaled one behind it. */
static void unsignaled(void **state)
{
	struct post bad, good;
	struct bv_diagnosis d;
	struct link link;
	struct bv_wc wc[2];
	int64_t work;

	(void)state;
	link_up(&link, NULL, NULL);
	good = bad = post_write8(&link, 0);
	bad.flags = BV_UNSIGNALED;
	bad.remote.rkey ^= 0xffffff00;
	work = end_post(&link.a, &bad);
	end_post(&link.a, &good);
	end_reap(&link.a, false, 2, wc);
	d = diagnosed(&link.a);
	assert_int_equal(d.work, work);
	assert_int_equal(d.what.rkey, bad.remote.rkey);
	assert_true(d.flushed == 1);
	assert_int_equal(d.status, BV_STATUS_REMOTE_ACCESS_ERROR);
	expect_texts(&link.a, &d, "1 other work was flushed");
}

/* The receive that was too short is told at the end that posted it. */
static void receive_too_short(void **state)
{
	struct post post, recv;
	struct bv_diagnosis d;
	struct link link;
	struct bv_wc wc;

	(void)state;
	link_up(&link, NULL, NULL);
	/* Here the end that receives is A. */
	recv = post_recv8(&link.a);
	recv.list.piece[0].length = 7;
	end_post(&link.a, &recv);
	post = (struct post){ .op = OP_SEND, .list = end_piece(&link.b, 4096, 8) };
	end_post(&link.b, &post);
	end_reap(&link.a, true, 1, &wc);
	d = diagnosed(&link.a);
	assert_true(d.work == BV_WORK_RECV);
	assert_int_equal(d.what.op, BV_OP_RECV);
	assert_int_equal(d.status, wc.status);
	expect_list(&d.what, &link.a, &recv.list);
	expect_texts(&link.a, &d, ": receive #0 (7 B at 0x");
	end_reap(&link.b, false, 1, &wc);
}

static void no_answer(void **state)
{
	struct bv_channel_attr attr = link_attr();
	struct bv_diagnosis d;
	struct link link;
	struct post post;
	struct bv_wc wc;

	(void)state;
	attr.rnr_retry = 2;
	attr.min_rnr_timer = bv_rnr_timer_code(10 * BV_USEC);
	link_up(&link, &attr, NULL);
	post = post_of(&link, OP_SEND, 0);
	end_post(&link.a, &post);
	end_reap(&link.a, false, 1, &wc);
	d = diagnosed(&link.a);
	assert_int_equal(d.status, BV_STATUS_RNR_RETRY_EXCEEDED_ERROR);
	assert_int_equal(d.tries, 3);
	assert_int_equal(d.wait_ns, 10 * BV_USEC);
	assert_true(d.budget_ns == 20 * BV_USEC);
	expect_texts(&link.a, &d, "retried 2 times");
}

static void nothing_failed(void **state)
{
	struct bv_counters counters;
	struct bv_diagnosis d;
	struct link link;

	(void)state;
	link_up(&link, NULL, NULL);
	assert_int_equal(bv_diagnose(channel(&link.a), NULL, &d), 0);
	assert_true(bv_counters_read(link.a.side->local->dev, 1, &counters) >= 0);
}

static const struct test tests[] = {
	CONFORM(each_operation, "the text names the operation, its range and keys, as posted"),
	CONFORM(each_length_of_list, "all elements of a list are counted, the first ones told"),
	CONFORM(unsignaled, "an unsignaled work that fails is the one that is told"),
	CONFORM(receive_too_short, "a failed receive is told with its range and key"),
	CONFORM(no_answer, "the retry budget is told"),
	CONFORM(nothing_failed, "no failure, no diagnosis"),
};

GROUP(diagnosis, tests, .two_ends = true);
