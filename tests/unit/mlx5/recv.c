/* SPDX-License-Identifier: MIT */
/*
 * The receive ring: golden bytes, every stride size, wrap of ring and record, credits.
 */
#include "plain.h"

#include "../refusals.h"

#define ADDR 0x1122334455667788
#define LKEY 0x0a0b0c0d
#define DATA "00000040 0a0b0c0d 11223344 55667788"
#define END "00000000 00000100 00000000 00000000"

/* Posts to stride @n, and expects it. */
static void check(struct plain *p, unsigned n, const struct bv_scatter *list, unsigned nsge,
		  const char *hex)
{
	const size_t stride = bvi_mlx5_recv_of(p->ch)->stride;

	p->ch->rq_posted = n | BV_WORK_RECV;
	plain_empty(p);
	assert_int_equal(bv_post_recv(plain_channel(p), list, nsge), n | BV_WORK_RECV);
	EXPECT_HEX(p->rq + (n & bvi_mlx5_recv_of(p->ch)->mask) * stride, hex);
	assert_int_equal(be32toh(p->qp_dbrec[PRM_DBREC_RECV]), (n + 1) & 0xffff);
	assert_int_equal(p->qp_dbrec[PRM_DBREC_SEND], 0);
}

static void golden(void **state)
{
	const struct bv_scatter list[] = {
		{ ADDR, 64, LKEY },
		{ 1, 0, 1 },
		{ ADDR, 64, LKEY },
		{ ADDR, 64, LKEY },
	};
	const struct bv_scatter full[] = {
		{ ADDR, 64, LKEY },
		{ ADDR, 64, LKEY },
		{ ADDR, 64, LKEY },
		{ ADDR, 64, LKEY },
	};
	struct plain *p = plain_new(&plain_default);

	(void)state;
	check(p, 0, NULL, 0, END);
	check(p, 1, list, 1, DATA END);
	check(p, 2, list, 2, DATA END);
	check(p, 3, list, 4, DATA DATA DATA END);
	check(p, 4, full, 4, DATA DATA DATA DATA);
	check(p, 5, list + 1, 1, END);
	check(p, 15, full, 4, DATA DATA DATA DATA);
	check(p, 16, full, 1, DATA END);
	check(p, 65535, full, 2, DATA DATA END);
	check(p, 65536, full, 3, DATA DATA DATA END);
	plain_free(p);
}

/* A full stride of any size ends where the next begins. */
static void strides(void **state)
{
	struct bv_scatter list[32];

	(void)state;
	for (unsigned i = 0; i < 32; i++)
		list[i] = (struct bv_scatter){ ADDR, 64, LKEY };
	for (unsigned stride = 16; stride <= 512; stride *= 2) {
		struct plain_shape shape = plain_default;
		struct plain *p;

		shape.stride = stride;
		p = plain_new(&shape);
		check(p, 3, list, stride / 16, DATA);
		EXPECT_HEX(p->rq + 4 * stride - 16, DATA);
		EXPECT_HEX(p->rq + 4 * stride, "a5a5a5a5");
		check(p, 15, list, stride / 16, DATA);
		EXPECT_HEX(p->rq + 16 * stride - 16, DATA);
		plain_free(p);
	}
}

static void credits(void **state)
{
	const struct bv_scatter one[] = { { ADDR, 64, LKEY } };
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	struct bv_channel before;
	struct bv_wc wc;

	(void)state;
	for (int i = 0; i < 16; i++)
		assert_int_equal(bv_post_recv(ch, one, 1), i | BV_WORK_RECV);
	before = *ch;
	assert_int_equal(bv_post_recv(ch, one, 1), -EAGAIN);
	assert_memory_equal(&before, ch, sizeof(before));
	assert_int_equal(be32toh(p->qp_dbrec[PRM_DBREC_RECV]), 16);
	plain_recv_cqe(p, PRM_CQE_RESP_SEND << 4, 1, 0);
	assert_int_equal(bvi_poll_recv_one(ch, &wc), 1);
	assert_int_equal(bv_post_recv(ch, one, 1), 16 | BV_WORK_RECV);
	assert_int_equal(bv_post_recv(ch, one, 1), -EAGAIN);
	plain_free(p);
}

/* Rings that hold one element a stride have a way of their own, which leaves the rest to the other. */
static void one_element(void **state)
{
	const struct bv_scatter one = { ADDR, 64, LKEY }, empty = { ADDR, 0, LKEY };
	struct plain_shape shape = plain_default;
	struct bv_channel *ch;
	struct plain *p;

	(void)state;
	shape.stride = 16;
	p = plain_new(&shape);
	ch = plain_channel(p);
	check(p, 0, &one, 1, DATA);
	check(p, 1, &empty, 1, END);
	check(p, 2, NULL, 0, END);
	plain_empty(p);
	for (int i = 3; i < 3 + 16; i++)
		assert_int_equal(bv_post_recv(ch, &one, 1), i | BV_WORK_RECV);
	assert_int_equal(bv_post_recv(ch, &one, 1), -EAGAIN);
	assert_int_equal(bv_post_recv(ch, NULL, 0), -EAGAIN);
	refusals_wanted = 1;
	assert_int_equal(bv_post_recv(ch, &one, 2), -EINVAL);
	plain_free(p);
}

/* Many by one call, at each place of the ring: @stride bytes apart, some of them empty. */
static void many_of(unsigned stride)
{
	struct plain_shape shape = plain_default;
	struct bv_scatter list[20];
	struct bv_channel *ch;
	struct plain *p;

	shape.stride = stride;
	p = plain_new(&shape);
	ch = plain_channel(p);
	for (unsigned i = 0; i < 20; i++)
		list[i] = (struct bv_scatter){ ADDR, i % 3 == 1 ? 0 : 64, LKEY };
	assert_int_equal(bv_post_recv_many(ch, list, 0), 0);
	for (unsigned first = 0; first < 16; first++) {
		ch->rq_posted = first | BV_WORK_RECV;
		plain_empty(p);
		assert_int_equal(bv_post_recv_many(ch, list, 11), 11);
		for (unsigned i = 0; i < 11; i++)
			EXPECT_HEX(p->rq + (size_t)((first + i) % 16 * stride),
				   i % 3 == 1 ? END : DATA);
		assert_int_equal(be32toh(p->qp_dbrec[PRM_DBREC_RECV]), first + 11);
		assert_int_equal(bv_post_recv_many(ch, list, 20), 5);
		assert_int_equal(bv_post_recv_many(ch, list, 1), -EAGAIN);
	}
	ch->max_recv_sge = 0;
	refusals_wanted = 1;
	assert_int_equal(bv_post_recv_many(ch, list, 1), -EINVAL);
	plain_free(p);
}

static void many(void **state)
{
	(void)state;
	many_of(16);
	many_of(64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),      cmocka_unit_test(strides), cmocka_unit_test(credits),
		cmocka_unit_test(one_element), cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
