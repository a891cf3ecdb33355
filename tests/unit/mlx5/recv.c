/* SPDX-License-Identifier: MIT */
/*
 * The receive ring: golden bytes, every stride size, wrap of ring and record, credits.
 */
#include "plain.h"

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
	assert_int_equal(bv_poll_recv(ch, &wc, 1), 1);
	assert_int_equal(bv_post_recv(ch, one, 1), 16 | BV_WORK_RECV);
	assert_int_equal(bv_post_recv(ch, one, 1), -EAGAIN);
	plain_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(strides),
		cmocka_unit_test(credits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
