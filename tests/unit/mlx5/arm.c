/* SPDX-License-Identifier: MIT */
/*
 * Arming a completion queue: the bytes of record and register, held against what mlx5_arm_cq() of
 * libmlx5 writes for the same index and sequence number.
 */
#include "plain.h"

#include <endian.h>

static void expect(const uint32_t *dbrec, const uint64_t *reg, uint32_t word, uint32_t cqn)
{
	assert_int_equal(be32toh(dbrec[PRM_CQ_DBREC_ARM]), word);
	assert_int_equal(be64toh(*reg), (uint64_t)word << 32 | cqn);
}

static void words(void **state)
{
	struct plain *p = plain_new(&plain_default);
	struct bv_channel *ch = plain_channel(p);
	uint64_t send = 0, recv = 0;

	(void)state;
	p->c.send_cq.arm = &send;
	p->c.send_cq.cqn = 0x123;
	p->c.recv_cq.arm = &recv;
	p->c.recv_cq.cqn = 0x456;
	/* Laps, and entries of this one; the device knows 24 bits of it. */
	p->c.send_cq.ci = 0xff000000;
	bvi_mlx5_send_of(ch)->cqe += 5;
	bvi_mlx5_poll_recv_of(ch)->cqe += 7;
	assert_int_equal(ch->ops->arm(ch, BV_WAKE_SEND), 0);
	expect(p->scq_dbrec, &send, 0x00000005, 0x123);
	assert_int_equal(recv, 0);
	/* Each event that was taken moves its queue's sequence number on, which has two bits. */
	p->c.core.send_wakes = 3;
	p->c.core.recv_wakes = 6;
	assert_int_equal(ch->ops->arm(ch, BV_WAKE_SEND | BV_WAKE_RECV), 0);
	expect(p->scq_dbrec, &send, 0x30000005, 0x123);
	expect(p->rcq_dbrec, &recv, 0x20000007, 0x456);
	assert_int_equal(ch->ops->arm(ch, BV_WAKE_RECV | BV_WAKE_SOLICITED), 0);
	expect(p->rcq_dbrec, &recv, 0x21000007, 0x456);
	plain_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
