/* SPDX-License-Identifier: MIT */
/*
 * The send ring: WQEs at every place of it, across its end and across the end of the 16-bit index;
 * credits; signals that the library adds by itself. Expected bytes come from a model that lays a
 * WQE out one byte after the other.
 */
#include "plain.h"

#include <stdio.h>

#include "../refusals.h"

#define REMOTE (&(const struct bv_remote){ 0x99aabbccddeeff00, 0xa1b2c3d4, 1 << 20 })

enum {
	SGE_MAX = 30,
	INLINE_MAX = 900,
};

/* A WQE as a plain string of bytes. */
struct model {
	uint8_t bytes[1024];
	size_t size;
};

static void put(struct model *m, uint64_t v, unsigned bytes)
{
	while (bytes--)
		m->bytes[m->size++] = (uint8_t)(v >> 8 * bytes);
}

static void put_header(struct model *m, uint8_t opcode, uint16_t index, bool remote)
{
	m->size = 0;
	put(m, (uint64_t)index << 8 | opcode, 4);
	put(m, 0, 4);
	put(m, 0x08, 4);
	put(m, 0, 4);
	if (!remote)
		return;
	put(m, 0x99aabbccddeeff00, 8);
	put(m, 0xa1b2c3d4, 4);
	put(m, 0, 4);
}

/* Pads, and fills in QPN and length. */
static void put_end(struct model *m)
{
	const size_t payload = m->size;

	while (m->size % 16)
		m->bytes[m->size++] = 0;
	m->size = 4;
	put(m, (uint64_t)PLAIN_QPN << 8 | (payload + 15) / 16, 4);
	m->size = payload;
}

static void list_fill(struct bv_gather *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		list[i] = (struct bv_gather){ 0x10000ull * i + 7, i % 4 == 3 ? 0 : i + 1, 100 + i };
}

static void put_list(struct model *m, const struct bv_gather *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!list[i].length)
			continue;
		put(m, list[i].length, 4);
		put(m, list[i].lkey, 4);
		put(m, list[i].addr, 8);
	}
}

static void put_inline(struct model *m, const uint8_t *buf, size_t len)
{
	if (!len)
		return;
	put(m, 0x80000000u | len, 4);
	memcpy(m->bytes + m->size, buf, len);
	m->size += len;
}

/* What lies in the ring from @index on is the model, then nothing until the model's end plus a block. */
static void expect_wqe(struct plain *p, uint16_t index, const struct model *m)
{
	const size_t ds = (m->size + 15) / 16;
	const size_t blocks = (ds + 3) / 4;
	uint8_t got[1024 + 64];

	plain_read_sq(p, index, got, (blocks + 1) * 64);
	assert_memory_equal(got, m->bytes, m->size);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(got[blocks * 64 + i], PLAIN_CANARY);
	assert_int_equal(be32toh(p->qp_dbrec[PRM_DBREC_SEND]), (uint16_t)(index + blocks));
	if (ds <= 16)
		assert_memory_equal((uint8_t *)((uintptr_t)bvi_mlx5_post_of(p->ch)->bf ^
						PLAIN_BF_SIZE),
				    m->bytes, m->size);
}

static void restart(struct plain *p, uint16_t index)
{
	memset(p->sq, PLAIN_CANARY, 64 * 64);
	plain_empty(p);
	plain_seek(p, index);
}

static void lists_at(struct plain *p, uint16_t index)
{
	struct bv_gather list[SGE_MAX];
	struct model m;

	list_fill(list, SGE_MAX);
	for (unsigned n = 0; n <= SGE_MAX; n++) {
		restart(p, index);
		put_header(&m, PRM_OPCODE_WRITE, index, true);
		put_list(&m, list, n);
		put_end(&m);
		assert_true(bv_post_write(plain_channel(p), list, n, REMOTE, 0) >= 0);
		expect_wqe(p, index, &m);

		restart(p, index);
		put_header(&m, PRM_OPCODE_SEND, index, false);
		put_list(&m, list, n);
		put_end(&m);
		assert_true(bv_post_send(plain_channel(p), list, n, 0) >= 0);
		expect_wqe(p, index, &m);
	}
}

static void inlines_at(struct plain *p, uint16_t index)
{
	uint8_t buf[INLINE_MAX];
	struct model m;

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 7 + 1);
	for (size_t len = 0; len <= INLINE_MAX; len += len < 80 ? 1 : 31) {
		/* Exactly as long as it says, so that ASan sees a byte read too many. */
		uint8_t *exact = test_malloc(len ? len : 1);

		memcpy(exact, buf, len);
		restart(p, index);
		put_header(&m, PRM_OPCODE_WRITE, index, true);
		put_inline(&m, buf, len);
		put_end(&m);
		assert_true(bv_post_write_inline(plain_channel(p), exact, len, REMOTE, 0) >= 0);
		expect_wqe(p, index, &m);

		restart(p, index);
		put_header(&m, PRM_OPCODE_SEND, index, false);
		put_inline(&m, buf, len);
		put_end(&m);
		assert_true(bv_post_send_inline(plain_channel(p), exact, len, 0) >= 0);
		expect_wqe(p, index, &m);
		test_free(exact);
	}
}

static void every_place(void **state)
{
	struct plain *p = plain_new(&plain_default);

	(void)state;
	for (uint16_t index = 0; index < 64; index++) {
		lists_at(p, index);
		inlines_at(p, index);
	}
	plain_free(p);
}

static void index_wraps(void **state)
{
	struct plain *p = plain_new(&plain_default);

	(void)state;
	for (unsigned index = 0x10000 - 17; index < 0x10000; index++) {
		lists_at(p, (uint16_t)index);
		inlines_at(p, (uint16_t)index);
	}
	plain_free(p);
}

/* A full queue refuses and changes nothing; a completion of the last signaled work frees all. */
static void credits(void **state)
{
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	struct mlx5_channel before;
	struct bv_channel base;
	struct bv_wc wc;

	(void)state;
	for (int i = 0; i < 16; i++)
		assert_int_equal(bv_post_write_inline(ch, "12345678", 8, REMOTE, 0), i);
	before = p->c;
	base = *ch;
	assert_int_equal(bv_post_write_inline(ch, "12345678", 8, REMOTE, 0), -EAGAIN);
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), -EAGAIN);
	assert_int_equal(bv_post_write_inline(ch, "12345678", 5, REMOTE, 0), -EAGAIN);
	assert_int_equal(bv_post_send_inline(ch, "12345678", 5, 0), -EAGAIN);
	ch->max_send_sge = 0;
	refusals_wanted = 1;
	assert_int_equal(bv_post_fetch_add(ch, &(const struct bv_scatter){ 0, 8, 3 },
					   &(const struct bv_remote){ 0, 1, 8 }, 1, 0),
			 -EINVAL);
	ch->max_send_sge = base.max_send_sge;
	assert_memory_equal(&before, &p->c, sizeof(before));
	assert_memory_equal(&base, ch, sizeof(base));
	assert_int_equal(be32toh(p->qp_dbrec[PRM_DBREC_SEND]), 16);

	plain_send_cqe(p, 0, PRM_OPCODE_WRITE, 9, 0);
	assert_int_equal(bvi_poll_send_one(ch, &wc), 1);
	assert_int_equal(wc.work, 9);
	for (int i = 0; i < 10; i++)
		assert_int_equal(bv_post_write_inline(ch, "12345678", 8, REMOTE, 0), 16 + i);
	assert_int_equal(bv_post_write_inline(ch, "12345678", 8, REMOTE, 0), -EAGAIN);
	plain_free(p);
}

/* Whether the WQE at @index asks for a completion. */
static bool signaled(const struct plain *p, uint16_t index)
{
	uint8_t wqe[16];

	plain_read_sq(p, index, wqe, sizeof(wqe));
	return wqe[11] & PRM_CTRL_CQ_UPDATE;
}

/* Of max_send / 2 works, rounded up, one is signaled at least; for every size of queue. */
static void added_signals(void **state)
{
	struct plain_shape shape = plain_default;

	(void)state;
	for (shape.max_send = 1; shape.max_send <= 16; shape.max_send++) {
		const unsigned every = (shape.max_send + 1) / 2;
		struct plain *p;

		shape.max_recv = 16;
		p = plain_new(&shape);
		for (unsigned i = 0; i < 50; i++) {
			plain_empty(p);
			assert_int_equal(bv_post_send(plain_channel(p), NULL, 0, BV_UNSIGNALED), i);
			assert_int_equal(signaled(p, (uint16_t)i), i % every == every - 1);
		}
		plain_free(p);
	}
}

/* A signal asked for restarts the count. */
static void asked_signals(void **state)
{
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);

	(void)state;
	for (uint16_t i = 0; i < 5; i++)
		assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), i);
	assert_int_equal(bv_post_write_inline(ch, "12345678", 8, REMOTE, 0), 5);
	assert_true(signaled(p, 5));
	for (uint16_t i = 6; i < 13; i++) {
		assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), i);
		assert_false(signaled(p, i));
		assert_int_equal(bvi_mlx5_channel_unsignaled(ch), 1);
	}
	assert_int_equal(bv_post_send(ch, NULL, 0, BV_UNSIGNALED), 13);
	assert_true(signaled(p, 13));
	assert_int_equal(bvi_mlx5_channel_unsignaled(ch), 0);
	plain_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_place),   cmocka_unit_test(index_wraps),
		cmocka_unit_test(credits),       cmocka_unit_test(added_signals),
		cmocka_unit_test(asked_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
