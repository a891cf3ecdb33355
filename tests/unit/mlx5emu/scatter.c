/* SPDX-License-Identifier: MIT */
/*
 * Payload in completions: which messages, reads and atomics go there, where in an entry they lie, and that
 * nothing else changes. Formats: op_own 3:2 is 1 for the first half of the entry's last 64 bytes, and 2
 * for the first half of an entry of 128.
 */
#include <errno.h>

#include "rig.h"

enum { MEMORY = 0, SCATTER_32 = 1, SCATTER_64 = 2 };

/* Queues anew: entries of @cqe_size bytes, up to @req and @res bytes of payload in them. */
static void scatter(enum emu_qp_type type, uint32_t cqe_size, uint32_t req, uint32_t res)
{
	const struct emu_qp_init init = {
		.type = type,
		.pdn = rig.pd,
		.scatter_req = req,
		.scatter_res = res,
	};

	rig_qp_destroy(&rig.a);
	rig_qp_destroy(&rig.b);
	rig_cq_destroy(&rig.cq_a);
	rig_cq_destroy(&rig.cq_b);
	rig_cq_create(&rig.cq_a, cqe_size, RIG_CQES);
	rig_cq_create(&rig.cq_b, cqe_size, RIG_CQES);
	rig_qp_create_as(&rig.a, &rig.cq_a, &rig.cq_a, &init);
	rig_qp_create_as(&rig.b, &rig.cq_b, &rig.cq_b, &init);
	if (type == EMU_QPT_RC)
		rig_connect_both(&(struct rig_options){ 0 });
	rig_fill(cqe_size + req + res);
}

static void expect_payload(const struct rig_cqe *cqe, const uint8_t *want, uint32_t length,
			   unsigned format)
{
	assert_int_equal(cqe->format, format);
	assert_int_equal(cqe->byte_cnt, length);
	if (format == SCATTER_32)
		assert_memory_equal(cqe->at, want, length);
	if (format == SCATTER_64)
		assert_memory_equal(cqe->at - 64, want, length);
}

static void send_one(uint32_t length, unsigned format)
{
	static const uint8_t untouched[64];
	struct rig_cqe cqe;

	memset(rig.remote, 0, 256);
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 256, rig.rkey }, 1);
	rig_post_send(&rig.a, RIG_SIGNALED | RIG_SOLICITED, 0, length);
	mlx5emu_step();
	assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_REQ).format, MEMORY);
	cqe = rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	assert_true(cqe.solicited);
	assert_int_equal(cqe.qpn, rig.b.qpn);
	expect_payload(&cqe, rig.local, length, format);
	assert_memory_equal(rig.remote, format == MEMORY ? rig.local : untouched,
			    length < 64 ? length : 64);
}

static void short_messages(void **state)
{
	(void)state;
	scatter(EMU_QPT_RC, 64, 0, 32);
	send_one(0, MEMORY);
	send_one(1, SCATTER_32);
	send_one(8, SCATTER_32);
	send_one(32, SCATTER_32);
	send_one(33, MEMORY);
	send_one(4, SCATTER_32);
}

static void short_messages_in_long_entries(void **state)
{
	(void)state;
	scatter(EMU_QPT_RC, 128, 0, 64);
	send_one(1, SCATTER_64);
	send_one(33, SCATTER_64);
	send_one(64, SCATTER_64);
	send_one(65, MEMORY);
	scatter(EMU_QPT_RC, 128, 0, 32);
	send_one(32, SCATTER_32);
	send_one(33, MEMORY);
}

/* What is written has an address, whatever completes. */
static void immediates(void **state)
{
	struct rig_wqe w;
	struct rig_cqe cqe;

	(void)state;
	scatter(EMU_QPT_RC, 64, 32, 32);
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 64, rig.rkey }, 1);
	w = rig_begin(&rig.a, EMU_OP_SEND_IMM, 0);
	rig_imm(&w, 0x12345678);
	rig_data(&w, rig.local, 16, rig.lkey);
	rig_send(&rig.a, &w);
	cqe = rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND_IMM);
	assert_int_equal(cqe.imm, 0x12345678);
	expect_payload(&cqe, rig.local, 16, SCATTER_32);

	rig_receive(&rig.b, NULL, 0);
	w = rig_begin(&rig.a, EMU_OP_WRITE_IMM, 0);
	rig_imm(&w, 1);
	rig_raddr(&w, rig.remote + 512, rig.rkey);
	rig_data(&w, rig.local, 16, rig.lkey);
	rig_send(&rig.a, &w);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_WRITE_IMM).format, MEMORY);
	assert_memory_equal(rig.remote + 512, rig.local, 16);
}

static void read_one(uint8_t flags, uint32_t length, unsigned format)
{
	static const uint8_t untouched[64];
	struct rig_cqe cqe = { .format = MEMORY };

	memset(rig.remote, 0x5a, 256);
	memset(rig.local, 0, 256);
	rig_post_read(&rig.a, flags, 0, length);
	mlx5emu_step();
	if (flags & RIG_SIGNALED) {
		cqe = rig_expect(&rig.cq_a, EMU_CQE_REQ);
		expect_payload(&cqe, rig.remote, length, format);
	}
	assert_memory_equal(rig.local, format == MEMORY ? rig.remote : untouched,
			    length < 64 ? length : 64);
}

static void reads(void **state)
{
	(void)state;
	scatter(EMU_QPT_RC, 64, 32, 0);
	read_one(RIG_SIGNALED, 0, MEMORY);
	read_one(RIG_SIGNALED, 8, SCATTER_32);
	read_one(RIG_SIGNALED, 32, SCATTER_32);
	read_one(RIG_SIGNALED, 33, MEMORY);
	read_one(0, 8, MEMORY); /* has no completion to be in */
	scatter(EMU_QPT_RC, 128, 64, 0);
	read_one(RIG_SIGNALED, 64, SCATTER_64);
	read_one(RIG_SIGNALED, 65, MEMORY);
}

static void atomics(void **state)
{
	uint64_t found = 41;
	struct rig_wqe w;
	struct rig_cqe cqe;

	(void)state;
	scatter(EMU_QPT_RC, 64, 32, 0);
	memcpy(rig.remote, &found, sizeof(found));
	memset(rig.local, 0, 8);
	w = rig_begin(&rig.a, EMU_OP_ATOMIC_FA, RIG_SIGNALED);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_atomic(&w, 1, 0);
	rig_data(&w, rig.local, 8, rig.lkey);
	rig_send(&rig.a, &w);
	cqe = rig_expect(&rig.cq_a, EMU_CQE_REQ);
	expect_payload(&cqe, (const uint8_t *)&found, 8, SCATTER_32);
	assert_int_equal(rig.local[0], 0);
	assert_int_equal(rig.remote[0], 42);
}

/* Not because anything is written there, but because it would be with one byte more. */
static void keys_are_checked(void **state)
{
	(void)state;
	scatter(EMU_QPT_RC, 64, 32, 32);
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 64, rig.rkey + 1 }, 1);
	rig_post_send(&rig.a, RIG_SIGNALED, 0, 8);
	mlx5emu_step();
	rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_LOCAL_PROTECTION);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_OPERATION);
}

static void too_short_receive(void **state)
{
	(void)state;
	scatter(EMU_QPT_RC, 64, 32, 32);
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 4, rig.rkey }, 1);
	rig_post_send(&rig.a, RIG_SIGNALED, 0, 8);
	mlx5emu_step();
	rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_LOCAL_LENGTH);
}

static void refused(void **state)
{
	static const struct emu_qp_init bad[] = {
		{ .type = EMU_QPT_RC, .scatter_req = 64 }, /* entries have 64 bytes */
		{ .type = EMU_QPT_RC, .scatter_res = 64 },
		{ .type = EMU_QPT_RC, .scatter_res = 16 },
		{ .type = EMU_QPT_RC, .scatter_req = 33 },
		{ .type = EMU_QPT_UC, .scatter_req = 32 },
		{ .type = EMU_QPT_UD, .scatter_res = 32 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct emu_qp_init init = bad[i];
		uint32_t qpn;

		init.pdn = rig.pd;
		init.send_cqn = rig.cq_a.cqn;
		init.recv_cqn = rig.cq_a.cqn;
		init.uar_page = rig.uar;
		init.dbrec_addr = (uintptr_t)rig.a.dbrec;
		assert_int_equal(emu_qp_create(rig.dev, &init, &qpn), -EINVAL);
	}
	scatter(EMU_QPT_UC, 64, 0, 32);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup_unconnected, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(short_messages), TEST(short_messages_in_long_entries),
		TEST(immediates),     TEST(reads),
		TEST(atomics),        TEST(keys_are_checked),
		TEST(refused),        TEST(too_short_receive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
