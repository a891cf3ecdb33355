/* SPDX-License-Identifier: MIT */
/*
 * A long stream of mixed works over one channel: every ring, the 16-bit index of a work queue entry
 * and the owner bit of the completion queues come round many times. Data, order, bytes and
 * immediates are verified for each work.
 */
#include "flow.h"
#include "link.h"
#include "pause.h"

static void post_work(struct link *link, uint64_t number, bool last)
{
	const struct flow_work work = flow_work(number);
	struct post post = { .op = work.op, .imm = work.imm };
	const uint64_t place = number % FLOW_BATCH * FLOW_STRIDE;

	flow_list(&post.list, link->a.base, number, op_is_inline(work.op) ? 1 : work.pieces,
		  work.size);
	if (work.op == OP_READ)
		pattern_fill(link->a.side->local->arena + link->a.base + place, work.size,
			     SEED_GUARD, 0);
	else
		pattern_fill(link->a.side->local->arena + link->a.base + place, work.size,
			     flow_seed(number), 0);
	post.remote = end_remote(&link->b, link->b.base + place, work.size);
	post.flags = work.unsignaled && !last ? BV_UNSIGNALED : 0;
	end_post(&link->a, &post);
}

/*
 * Completions come in the order of the posts. Those that were asked for come each; of the others
 * some may, because the library signals by itself.
 */
static void reap_batch(struct link *link, uint64_t first, unsigned n)
{
	const int64_t last = link->a.side->next_send[link->a.slot] - 1;
	int64_t expected = last + 1 - (int64_t)n;
	struct bv_wc wc;

	while (expected <= last) {
		const int got = side_reap(link->a.side, link->a.slot, false, 1, WAIT_NS, &wc);

		assert_int_equal(got, 1);
		for (; expected <= wc.work; expected++) {
			const uint64_t number = first + n - 1 - (uint64_t)(last - expected);
			const struct flow_work work = flow_work(number);

			if (expected < wc.work)
				assert_true(work.unsignaled);
			else
				expect_sent(&wc, expected, work.op, work.size);
		}
	}
}

static void verify_reads(struct link *link, uint64_t first, unsigned n)
{
	for (uint64_t number = first; number < first + n; number++) {
		const struct flow_work work = flow_work(number);
		const uint8_t *memory = link->a.side->local->arena + link->a.base +
					number % FLOW_BATCH * FLOW_STRIDE;

		if (pattern_find(memory, work.size, flow_seed(number), 0) >= 0)
			fail_msg("work %llu (%s): the memory of end A is wrong",
				 (unsigned long long)number, op_name(work.op));
	}
}

static void run_batch(struct link *link, uint64_t first, unsigned n)
{
	struct end *b = &link->b;

	if (side_flow_prepare(b->side, b->slot, b->base, first, n) < 0)
		fail_msg("prepare: %s", b->side->text);
	for (unsigned i = 0; i < n; i++)
		post_work(link, first + i, i == n - 1);
	reap_batch(link, first, n);
	if (side_flow_verify(b->side, b->slot, b->base, first, n) < 0)
		fail_msg("verify: %s", b->side->text);
	verify_reads(link, first, n);
}

/* Batches of uneven size, so that rings wrap in the middle of one, too. */
static void run(const struct bv_channel_attr *attr, unsigned batch, uint64_t total)
{
	struct link link;

	link_up(&link, attr, attr);
	for (uint64_t first = 0; first < total;) {
		const unsigned n = first % 3 ? batch : batch - 5;

		run_batch(&link, first, n);
		first += n;
	}
}

static void wrap_everything(void **state)
{
	struct bv_channel_attr attr = link_attr();

	(void)state;
	attr.max_send = FLOW_BATCH;
	attr.max_recv = FLOW_BATCH;
	run(&attr, FLOW_BATCH, options.reduced ? 3000 : 200000);
}

/* Other ring sizes than powers of two, and wider works: rings wrap inside a work. */
static void wrap_odd_queues(void **state)
{
	struct bv_channel_attr attr = link_attr();

	(void)state;
	attr.max_send = 77;
	attr.max_recv = 65;
	attr.max_send_sge = 5;
	attr.max_recv_sge = 3;
	attr.max_inline = 128;
	run(&attr, 64, options.reduced ? 1000 : 20000);
}

static const struct test tests[] = {
	CONFORM(wrap_everything, "B4 B20 rings, 16-bit index and owner bit wrap; data verified"),
	CONFORM(wrap_odd_queues, "rings wrap inside a work; sizes are no powers of two"),
};

GROUP(stream, tests);
