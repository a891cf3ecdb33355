/* SPDX-License-Identifier: MIT */
/* Datagrams: who hears whom, the GRH in front of the payload, and what is dropped without a word. */
#include "rig.h"

#include <errno.h>

#include "tools/mlx5emu/engine/state.h"

enum {
	QKEY = 0x11111111,
	GRH = 40,
};

static void to_rts(struct rig_qp *qp, uint32_t qkey)
{
	const struct emu_qp_attr attr[] = {
		{ .qp_state = EMU_QPS_INIT, .port_num = 1, .qkey = qkey },
		{ .qp_state = EMU_QPS_RTR },
		{ .qp_state = EMU_QPS_RTS, .sq_psn = 7 },
	};
	const uint32_t mask[] = {
		EMU_QP_STATE | EMU_QP_PKEY_INDEX | EMU_QP_PORT | EMU_QP_QKEY,
		EMU_QP_STATE,
		EMU_QP_STATE | EMU_QP_SQ_PSN,
	};

	assert_int_equal(emu_qp_modify(rig.dev, qp->qpn, &attr[0],
				       mask[0] & ~(uint32_t)EMU_QP_QKEY),
			 -EINVAL);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(emu_qp_modify(rig.dev, qp->qpn, &attr[i], mask[i]), 0);
}

static int setup(void **state)
{
	const struct emu_qp_init ud = { .type = EMU_QPT_UD, .pdn = 0 };
	struct emu_qp_init init = ud;

	rig_setup_unconnected(state);
	init.pdn = rig.pd;
	rig_qp_destroy(&rig.a);
	rig_qp_destroy(&rig.b);
	rig_qp_create_as(&rig.a, &rig.cq_a, &rig.cq_a, &init);
	rig_qp_create_as(&rig.b, &rig.cq_b, &rig.cq_b, &init);
	to_rts(&rig.a, QKEY);
	to_rts(&rig.b, QKEY);
	rig_fill(1);
	return 0;
}

static void post_receive(uint32_t length)
{
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, length, rig.rkey }, 1);
}

static struct rig_wqe datagram(uint32_t qkey, unsigned gid_index, uint32_t length)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_SEND, RIG_SIGNALED);

	rig_av(&w, rig.b.qpn, qkey, gid_index);
	if (length)
		rig_data(&w, rig.local, length, rig.lkey);
	return w;
}

static struct rig_cqe exchange(unsigned gid_index, uint32_t length)
{
	struct rig_wqe w = datagram(QKEY, gid_index, length);
	struct rig_cqe cqe;

	memset(rig.remote, 0xee, 8192);
	post_receive(8192);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	cqe = rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	assert_int_equal(cqe.byte_cnt, GRH + length);
	assert_int_equal(cqe.flags_rqpn & 0xffffff, rig.a.qpn);
	assert_int_equal(cqe.flags_rqpn >> 28, 1);
	assert_memory_equal(rig.remote + GRH, rig.local, length);
	assert_int_equal(rig.remote[GRH + length], 0xee);
	return cqe;
}

/* The GRH is no part of what the MTU bounds. */
static void port_drops_what_is_longer(void **state)
{
	struct rig_wqe w;

	(void)state;
	rig.dev->config.mtu = 256; /* of who hears; who sends has learnt 4096 */
	exchange(1, 256);
	post_receive(8192);
	w = datagram(QKEY, 1, 257);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect_none(&rig.cq_b);
}

static void roce_v1_has_a_grh(void **state)
{
	static const uint8_t start[] = { 0x62, 0x01, 0x23, 0x45, 0, 124, 0x1b, 64 };

	(void)state;
	assert_int_equal(exchange(0, 100).flags_rqpn >> 24 & 3, EMU_ROCE_V1);
	assert_memory_equal(rig.remote, start, 8);
	assert_memory_equal(rig.remote + 8, rig_gids[0].raw, 16);
	assert_memory_equal(rig.remote + 24, rig_gids[0].raw, 16);
}

static void roce_v2_has_an_ip_header(void **state)
{
	/* RFC 1071: the sum over a header with its checksum is 0xffff */
	uint32_t sum = 0;

	(void)state;
	assert_int_equal(exchange(1, 0).flags_rqpn >> 24 & 3, EMU_ROCE_V2_IPV6);
	assert_int_equal(rig.remote[6], 17);
	assert_int_equal(exchange(3, 4096).flags_rqpn >> 24 & 3, EMU_ROCE_V2_IPV4);
	assert_int_equal(rig.remote[0], 0);
	assert_int_equal(rig.remote[20], 0x45);
	assert_int_equal(rig.remote[22] << 8 | rig.remote[23], 20 + 8 + 24 + 4096);
	assert_memory_equal(rig.remote + 36, rig_gids[3].raw + 12, 4);
	for (unsigned i = 20; i < GRH; i += 2)
		sum += (uint32_t)rig.remote[i] << 8 | rig.remote[i + 1];
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
}

static void immediate_arrives(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_SEND_IMM, RIG_SOLICITED);
	struct rig_cqe cqe;

	(void)state;
	rig_av(&w, rig.b.qpn, QKEY, 3);
	rig_imm(&w, 0x01020304);
	rig_inline(&w, "inline", 7);
	post_receive(100);
	rig_send(&rig.a, &w);
	rig_expect_none(&rig.cq_a);
	cqe = rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND_IMM);
	assert_int_equal(cqe.imm, 0x01020304);
	assert_true(cqe.solicited);
	assert_string_equal((char *)rig.remote + GRH, "inline");
}

static void dropped(struct rig_wqe w)
{
	const uint64_t before = rig_counters().datagrams_dropped;

	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect_none(&rig.cq_b);
	assert_int_equal(rig_counters().datagrams_dropped, before + 1);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_RTS);
}

static void drops_what_is_not_its_own(void **state)
{
	struct rig_wqe w;

	(void)state;
	dropped(datagram(QKEY, 3, 8)); /* nothing posted */
	post_receive(8192);
	dropped(datagram(QKEY + 1, 3, 8));
	w = datagram(QKEY, 3, 8);
	w.bytes[16 + 47]++; /* of the destination GID */
	dropped(w);
	w = datagram(QKEY, 3, 8);
	w.bytes[16 + 11] = 0x77; /* no such queue pair */
	dropped(w);
	/* RoCE v1 and v2 of one address are two addresses */
	w = datagram(QKEY, 0, 8);
	memcpy(w.bytes + 16 + 32, rig_gids[2].raw, 16);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	post_receive(8192);
	rig_modify(&rig.b, EMU_QPS_RESET);
	w = datagram(QKEY, 3, 8);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect_none(&rig.cq_b);
}

/* IBA vol 1 section 10.2.5: the highest bit stands for the queue's own. */
static void controlled_qkey(void **state)
{
	struct rig_wqe w = datagram(0x80000000, 3, 8);

	(void)state;
	post_receive(8192);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
}

static void short_receive_fails(void **state)
{
	struct rig_wqe w = datagram(QKEY, 3, 100);

	(void)state;
	post_receive(100);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_LOCAL_LENGTH);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_ERR);
}

static void one_mtu_is_the_most(void **state)
{
	struct rig_wqe w = datagram(QKEY, 3, 4097);

	(void)state;
	rig_send(&rig.a, &w);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_LOCAL_LENGTH);
	assert_int_equal(rig_state(&rig.a), EMU_QPS_SQE);
	assert_int_equal(rig_modify(&rig.a, EMU_QPS_RTS), 0);
	exchange(3, 4096);
}

static void bad_source_index_fails(void **state)
{
	struct rig_wqe w = datagram(QKEY, 3, 8);

	(void)state;
	w.bytes[16 + 29] = 0x50; /* index 5 */
	rig_send(&rig.a, &w);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_LOCAL_QP_OPERATION);
}

static void segment_is_checked(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
		const char *words;
	} lies[] = {
		{ 8, 0, "expected bit 31 set" },
		{ 8, 0x81, "expected bits 30:24 clear" },
		{ 28, 0x40, "expected bits 31:28 clear on RoCE" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct rig_wqe w = datagram(QKEY, 3, 8);
		char text[200];

		w.bytes[16 + lies[i].at] = lies[i].value;
		rig_send(&rig.a, &w);
		rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_LOCAL_QP_OPERATION);
		mlx5emu_last_illegal(text, sizeof(text));
		if (!strstr(text, lies[i].words))
			print_message("%s\n", text);
		assert_non_null(strstr(text, lies[i].words));
		assert_int_equal(rig_modify(&rig.a, EMU_QPS_RTS), 0);
	}
}

static void writes_are_refused(void **state)
{
	(void)state;
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_LOCAL_QP_OPERATION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(port_drops_what_is_longer), TEST(roce_v1_has_a_grh),
		TEST(roce_v2_has_an_ip_header),  TEST(immediate_arrives),
		TEST(drops_what_is_not_its_own), TEST(controlled_qkey),
		TEST(short_receive_fails),       TEST(one_mtu_is_the_most),
		TEST(bad_source_index_fails),    TEST(segment_is_checked),
		TEST(writes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
