/* SPDX-License-Identifier: MIT */
/*
 * Completions that are not plain: blocks of compressed receives, and payloads inside. The test plays the
 * device, which leaves alone those entries of a block that it does not need.
 */
#include "plain.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_RECV = 64, ROUNDS = 20000, MINIS = 8 };

static const struct plain_shape shape = {
	.blocks = 16,
	.strides = MAX_RECV,
	.stride = 16,
	.max_send = 128, /* rings of 256, as for 64 receives and blocks of 64 */
	.max_recv = MAX_RECV,
};

/* What was written, by number. */
struct written {
	enum bv_op op;
	uint32_t bytes, imm;
	bool has_imm;
};

static struct {
	struct plain *p;
	struct bv_channel *ch;
	struct bv_channel_ops ops;
	struct written written[ROUNDS + MAX_RECV];
	unsigned pi; /* completions written */
	unsigned ci; /* ... and taken */
	unsigned posted;
} t;

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.p = plain_new(&shape);
	t.ch = plain_channel(t.p);
	t.p->c.block_max = 64;
	t.p->c.payloads = true;
	t.ops = *t.ch->ops;
	t.p->c.inside = true;
	t.ops.poll_recv = bvi_mlx5_poll_recv_blocks;
	t.ops.poll_recv_one = bvi_mlx5_poll_recv_one_inside;
	t.p->c.core.ready = &t.ops;
	bvi_calls_set(t.ch, &t.ops);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	plain_free(t.p);
	return 0;
}

static void post(void)
{
	const struct bv_scatter to = { 0x1000, 64, 3 };

	for (; t.posted - t.ci < MAX_RECV; t.posted++)
		assert_int_equal(bv_post_recv(t.ch, &to, 1), BV_WORK_RECV + t.posted);
}

static struct written any(void)
{
	static const enum bv_op ops[] = { BV_OP_RECV_WRITE_IMM, BV_OP_RECV, BV_OP_RECV };
	const unsigned kind = (unsigned)rand() % 3;

	return (struct written){
		.op = ops[kind],
		.has_imm = kind != 1,
		.imm = kind != 1 ? (uint32_t)rand() : 0,
		.bytes = (uint32_t)rand() << 1 ^ (uint32_t)rand(),
	};
}

static uint8_t op_own(const struct written *w)
{
	if (w->op == BV_OP_RECV_WRITE_IMM)
		return PRM_CQE_RESP_WRITE_IMM << 4;
	return (uint8_t)((w->has_imm ? PRM_CQE_RESP_SEND_IMM : PRM_CQE_RESP_SEND) << 4);
}

static void write_plain(void)
{
	const struct written w = any();

	t.written[t.pi++] = w;
	plain_recv_cqe(t.p, op_own(&w), w.bytes, w.imm);
}

static void write_block(unsigned n)
{
	const struct written w = any();
	const unsigned first = t.p->rcq_pi, mask = t.p->cqes - 1;

	for (unsigned i = 0; i < n; i++) {
		uint32_t *const mini =
			(uint32_t *)(void *)&t.p->rcq[(first + (i < MINIS ? 1 : i & ~7u)) & mask] +
			i % MINIS * 2;

		t.written[t.pi + i] = w;
		t.written[t.pi + i].bytes = w.bytes + i * 0x10101;
		mini[0] = 0;
		mini[1] = htobe32(t.written[t.pi + i].bytes);
	}
	plain_recv_cqe(t.p, op_own(&w) | PRM_CQE_COMPRESSED, n, w.imm);
	t.p->rcq_pi = first + n;
	t.pi += n;
}

static void expect_is(const struct bv_wc *wc, unsigned number)
{
	const struct written *const w = &t.written[number];

	assert_int_equal(wc->work, BV_WORK_RECV + number);
	assert_int_equal(wc->status, BV_STATUS_SUCCESS);
	assert_int_equal(wc->op, w->op);
	assert_int_equal(wc->bytes, w->bytes);
	assert_int_equal(wc->imm, w->imm);
	assert_int_equal(wc->flags, w->has_imm ? BV_WC_IMM : 0);
	assert_int_equal(wc->vendor_err, 0);
	assert_int_equal(wc->reserved, 0);
}

/* Polls @max, all that are there at most, and asks for results of before once more. */
static void poll(unsigned max)
{
	struct bv_wc wc[MAX_RECV];
	const unsigned there = t.pi - t.ci;
	const int n = bv_poll_recv(t.ch, wc, max);

	assert_int_equal(n, there < max ? there : max);
	for (int i = 0; i < n; i++)
		expect_is(&wc[i], t.ci++);
	for (unsigned back = 1; back <= MAX_RECV && back <= t.ci;
	     back += 1 + (unsigned)rand() % 9) {
		t.ch->ops->recv_result(t.ch, (uint64_t)BV_WORK_RECV + t.ci - back, &wc[0]);
		expect_is(&wc[0], t.ci - back);
	}
}

/* Blocks of all sizes, between others, in bites of all sizes, many laps of the ring. */
static void any_blocks(void **state)
{
	(void)state;
	srand(1);
	while (t.pi < ROUNDS) {
		unsigned room;

		post();
		room = t.posted - t.pi;
		if (room >= 2 && rand() % 3)
			write_block(2 + (unsigned)rand() % (room - 1));
		else if (room)
			write_plain();
		if (rand() % 2)
			poll(1 + (unsigned)rand() % 3 * ((unsigned)rand() % 30));
	}
}

/* Whole blocks, as a receiver has them that polls for all. */
static void whole_blocks(void **state)
{
	(void)state;
	for (unsigned i = 0; t.pi + MAX_RECV < ROUNDS; i++) {
		post();
		write_block(2 + i % (MAX_RECV - 1));
		poll(MAX_RECV);
	}
}

/* Like the inline calls of a program that is bound to the provider: from the first entry of a block on. */
static void one_by_one(void **state)
{
	struct bv_wc wc;

	(void)state;
	for (unsigned i = 0; t.pi + MAX_RECV < ROUNDS; i++) {
		post();
		write_block(2 + i % 20);
		while (t.ci < t.pi) {
			assert_int_equal(bvi_poll_recv_one(t.ch, &wc), 1);
			expect_is(&wc, t.ci++);
		}
		assert_int_equal(bvi_poll_recv_one(t.ch, &wc), 0);
	}
}

/* What a reset leaves behind is none of the next life, wherever in a block it comes. */
static void discarded(void **state)
{
	(void)state;
	for (unsigned i = 0; t.pi + 2 * MAX_RECV < ROUNDS; i++) {
		post();
		write_block(30);
		write_plain();
		write_block(5);
		poll(1 + i % 36);
		bvi_mlx5_discard(t.ch);
		t.ch->rq_done += t.pi - t.ci;
		t.ch->rq_limit += t.pi - t.ci;
		t.ci = t.pi;
		poll(4);
	}
}

static void broken(void **state)
{
	static const uint32_t counts[] = { 0, 1, 257, UINT32_MAX };
	struct bv_wc wc[4];

	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		post();
		plain_recv_cqe(t.p, PRM_CQE_RESP_SEND << 4 | PRM_CQE_COMPRESSED, counts[i], 0);
		assert_int_equal(bvi_poll_recv_one(t.ch, wc), -EIO);
		assert_int_equal(bv_poll_recv(t.ch, wc, 4), -EIO);
		teardown(state);
		setup(state);
	}
	/* Of kinds that cannot be compressed. */
	for (unsigned kind = 0; kind <= 7; kind += 7) {
		post();
		plain_recv_cqe(t.p, (uint8_t)(kind << 4 | PRM_CQE_COMPRESSED), 2, 0);
		assert_int_equal(bv_poll_recv(t.ch, wc, 4), -EIO);
		teardown(state);
		setup(state);
	}
}

/* ---- payloads ---- */

/* The next receive's completion has @bytes of payload in its first half. */
static void write_payload(uint32_t bytes)
{
	struct prm_cqe *const cqe = &t.p->rcq[t.p->rcq_pi & (t.p->cqes - 1)];

	plain_recv_cqe(t.p, PRM_CQE_RESP_SEND << 4 | PRM_CQE_SCATTER_32, bytes, 0);
	for (unsigned i = 0; i < 32; i++)
		((uint8_t *)cqe)[i] = (uint8_t)(0x40 + i);
}

static void expect_payload(const uint8_t *at, unsigned first, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(at[i], 0x40 + first + i);
	assert_int_equal(at[n], 0xee);
}

static void received_inside(void **state)
{
	uint8_t buffer[64];
	struct bv_wc wc, pair[2];

	(void)state;
	for (uint32_t bytes = 1; bytes <= 32; bytes++) {
		const struct bv_scatter to = { (uintptr_t)buffer, 32, 3 };

		memset(buffer, 0xee, sizeof(buffer));
		assert_true(bv_post_recv(t.ch, &to, 1) >= 0);
		write_payload(bytes);
		if (bytes % 2) {
			assert_int_equal(bvi_poll_recv_one(t.ch, &wc), 1);
		} else {
			assert_int_equal(bv_poll_recv(t.ch, pair, 2), 1);
			wc = pair[0];
		}
		assert_int_equal(wc.op, BV_OP_RECV);
		assert_int_equal(wc.bytes, bytes);
		expect_payload(buffer, 0, bytes);
		t.ch->ops->recv_result(t.ch, (uint64_t)wc.work, &wc);
		assert_int_equal(wc.bytes, bytes);
	}
}

/* In a list, and in a burst with others; and what does not fit is no completion. */
static void received_in_pieces(void **state)
{
	struct plain_shape lists = shape;
	uint8_t buffer[64];
	const struct bv_scatter to[] = {
		{ (uintptr_t)buffer, 3, 3 },
		{ (uintptr_t)buffer + 16, 20, 3 },
	};
	struct bv_wc wc[3];

	(void)state;
	plain_free(t.p);
	lists.stride = 64;
	t.p = plain_new(&lists);
	t.ch = plain_channel(t.p);
	t.p->c.payloads = true;
	memset(buffer, 0xee, sizeof(buffer));
	for (unsigned i = 0; i < 4; i++)
		assert_true(bv_post_recv(t.ch, to, 2) >= 0);
	plain_recv_cqe(t.p, PRM_CQE_RESP_SEND << 4, 50, 0);
	write_payload(10);
	plain_recv_cqe(t.p, PRM_CQE_RESP_SEND << 4, 51, 0);
	assert_int_equal(bv_poll_recv(t.ch, wc, 3), 3);
	assert_int_equal(wc[1].bytes, 10);
	assert_int_equal(wc[2].bytes, 51);
	expect_payload(buffer, 0, 3);
	expect_payload(buffer + 16, 3, 7);
	write_payload(24);
	assert_int_equal(bvi_poll_recv_one(t.ch, wc), -EIO);
}

/* More than an entry has, or than the receive has room for. */
static void beyond_an_entry(void **state)
{
	uint8_t buffer[64];
	const struct bv_scatter to[] = {
		{ (uintptr_t)buffer, 64, 3 },
		{ (uintptr_t)buffer, 8, 3 },
	};
	struct bv_wc wc;

	for (unsigned i = 0; i < 2; i++) {
		assert_true(bv_post_recv(t.ch, &to[i], 1) >= 0);
		write_payload(i ? 9 : 33);
		assert_int_equal(bvi_poll_recv_one(t.ch, &wc), -EIO);
		teardown(state);
		setup(state);
	}
}

/* The completion of the send-queue work that began at block @index. */
static void write_fetched(uint8_t opcode, uint16_t index, uint32_t bytes)
{
	struct prm_cqe *const cqe = &t.p->scq[t.p->scq_pi & (t.p->cqes - 1)];

	plain_send_cqe(t.p, PRM_CQE_REQ << 4 | PRM_CQE_SCATTER_32, opcode, index, bytes);
	for (unsigned i = 0; i < 32; i++)
		((uint8_t *)cqe)[i] = (uint8_t)(0x40 + i);
}

/* Lists that end where the ring does, and go on where it begins. */
static void fetched_inside(void **state)
{
	const struct bv_remote remote = { 0x1000, 7, 1 << 20 };
	uint8_t buffer[64];
	const struct bv_scatter to[] = {
		{ (uintptr_t)buffer, 3, 3 },
		{ (uintptr_t)buffer + 8, 5, 3 },
		{ (uintptr_t)buffer + 16, 7, 3 },
	};
	struct bv_wc wc;

	(void)state;
	/* One block, so that those of two meet the end of the ring. */
	assert_true(bv_post_write_inline(t.ch, "12345678", 8, &remote, 0) >= 0);
	plain_send_cqe(t.p, 0, PRM_OPCODE_WRITE, 0, 0);
	assert_int_equal(bvi_poll_send_one(t.ch, &wc), 1);
	for (unsigned i = 0; i < 40; i++) {
		const uint16_t index = plain_index(t.p);

		memset(buffer, 0xee, sizeof(buffer));
		assert_true(bv_post_read(t.ch, to, 3, &remote, 0) >= 0);
		write_fetched(PRM_OPCODE_READ, index, 15);
		assert_int_equal(bvi_poll_send_one(t.ch, &wc), 1);
		assert_int_equal(wc.op, BV_OP_READ);
		assert_int_equal(wc.bytes, 15);
		expect_payload(buffer, 0, 3);
		expect_payload(buffer + 8, 3, 5);
		expect_payload(buffer + 16, 8, 7);
	}
}

static void atomics_inside(void **state)
{
	const struct bv_remote remote = { 0x1000, 7, 1 << 20 };
	_Alignas(8) uint8_t buffer[64];
	const struct bv_scatter to = { (uintptr_t)buffer, 8, 3 };
	const uint16_t index = plain_index(t.p);
	struct bv_wc wc;

	(void)state;
	memset(buffer, 0xee, sizeof(buffer));
	assert_true(bv_post_fetch_add(t.ch, &to, &remote, 1, 0) >= 0);
	write_fetched(PRM_OPCODE_FETCH_ADD, index, 0);
	assert_int_equal(bvi_poll_send_one(t.ch, &wc), 1);
	assert_int_equal(wc.op, BV_OP_FETCH_ADD);
	expect_payload(buffer, 0, 8);
}

/* A write fetches nothing, whatever its length. */
static void nothing_to_fetch(void **state)
{
	const struct bv_remote remote = { 0x1000, 7, 1 << 20 };
	const struct bv_gather from[] = { { 0x1000, 8, 3 }, { 0x2000, 8, 3 } };
	struct bv_wc wc;

	for (unsigned n = 0; n <= 2; n++) {
		if (n)
			assert_true(bv_post_write(t.ch, from, n, &remote, 0) >= 0);
		else
			assert_true(bv_post_write_inline(t.ch, "12345678", 8, &remote, 0) >= 0);
		write_fetched(PRM_OPCODE_WRITE, 0, 8);
		assert_int_equal(bvi_poll_send_one(t.ch, &wc), -EIO);
		teardown(state);
		setup(state);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_blocks),         TEST(whole_blocks),     TEST(one_by_one),
		TEST(discarded),          TEST(broken),           TEST(received_inside),
		TEST(received_in_pieces), TEST(beyond_an_entry),  TEST(fetched_inside),
		TEST(atomics_inside),     TEST(nothing_to_fetch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
