/* SPDX-License-Identifier: MIT */
/*
 * Compressed completions, read as Linux' drivers/net/ethernet/mellanox/mlx5/core/en_rx.c reads them
 * (mlx5e_decompress_cqes_start() and its like): a title with format 3 and a count, minis in the entries
 * 1, 8, 16 ... behind it, and entries between that keep an old owner bit until the reader sets it.
 */
#include <errno.h>
#include <stdlib.h>

#include "rig.h"

enum { COMPRESSED = 3, MINIS = 8 };

struct taken {
	unsigned opcode, wqe_opcode, n; /* n: of the block, 1 = it was none */
	uint32_t qpn, byte_cnt, imm;
	uint16_t wqe_counter;
};

static uint8_t *entry(const struct rig_cq *cq, uint32_t index)
{
	return cq->ring + (size_t)(index & (cq->count - 1)) * cq->cqe_size + cq->cqe_size - 64;
}

static uint32_t word(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void take_block(struct rig_cq *cq, const struct rig_cqe *title, struct taken *out)
{
	const uint32_t first = cq->ci - 1, n = title->byte_cnt;

	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *const mini =
			entry(cq, first + (i < MINIS ? 1 : i & ~7u)) + (i & 7) * 8;

		out[i] = (struct taken){
			.opcode = title->opcode,
			.wqe_opcode = title->opcode == EMU_CQE_REQ ? mini[2] : title->wqe_opcode,
			.n = n,
			.qpn = title->qpn,
			.byte_cnt = word(mini + 4),
			.imm = title->imm,
			.wqe_counter = (uint16_t)(title->opcode == EMU_CQE_REQ ?
							  mini[0] << 8 | mini[1] :
							  title->wqe_counter + (int)i),
		};
	}
	for (uint32_t i = 0; i < n; i++)
		entry(cq, first + i)[63] = (first + i) & cq->count ? 1 : 0;
	cq->ci = first + n;
	rig_consumed(cq);
}

/* All that there are, at most @max; how many. */
static unsigned take(struct rig_cq *cq, struct taken *out, unsigned max)
{
	struct rig_cqe cqe;
	unsigned n = 0;

	while (n < max && rig_poll(cq, &cqe)) {
		if (cqe.format == COMPRESSED) {
			assert_true(n + cqe.byte_cnt <= max);
			take_block(cq, &cqe, &out[n]);
			n += out[n].n;
			continue;
		}
		assert_int_equal(cqe.format, 0);
		out[n++] = (struct taken){
			.opcode = cqe.opcode,
			.wqe_opcode = cqe.wqe_opcode,
			.n = 1,
			.qpn = cqe.qpn,
			.byte_cnt = cqe.byte_cnt,
			.imm = cqe.imm,
			.wqe_counter = cqe.wqe_counter,
		};
	}
	return n;
}

/* Both queue pairs on new completion queues of @count entries, connected. */
static void queues(const struct emu_cq_attr *attr, uint32_t count)
{
	rig_qp_destroy(&rig.a);
	rig_qp_destroy(&rig.b);
	rig_cq_destroy(&rig.cq_a);
	rig_cq_destroy(&rig.cq_b);
	rig_cq_create_as(&rig.cq_a, count, attr);
	rig_cq_create_as(&rig.cq_b, count, attr);
	rig_qp_create(&rig.a, &rig.cq_a, &rig.cq_a, rig.pd);
	rig_qp_create(&rig.b, &rig.cq_b, &rig.cq_b, rig.pd);
	rig_connect_both(&(struct rig_options){ 0 });
}

static const struct emu_cq_attr short_entries = { .cqe_size = 64, .compresses = true };
static const struct emu_cq_attr long_entries = { .cqe_size = 128, .compresses = true };

static void receive(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 4096, rig.rkey }, 1);
}

/* One step, so that nothing but the device's rules divides what arrives into blocks. */
static void step(void)
{
	while (mlx5emu_step())
		;
}

static void receives_of(const struct emu_cq_attr *attr)
{
	struct taken got[16];
	uint16_t counter = 0;

	queues(attr, 32);
	for (unsigned n = 1; n <= 16; n++) {
		receive(n);
		for (unsigned i = 0; i < n; i++)
			rig_post_send(&rig.a, 0, 0, 10 * n + i);
		step();
		assert_int_equal(take(&rig.cq_b, got, 16), n);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(got[i].n, n);
			assert_int_equal(got[i].opcode, EMU_CQE_RESP_SEND);
			assert_int_equal(got[i].qpn, rig.b.qpn);
			assert_int_equal(got[i].byte_cnt, 10 * n + i);
			assert_int_equal(got[i].wqe_counter, counter++);
		}
	}
	rig_expect_none(&rig.cq_a);
}

/* Blocks of all lengths, through several laps of the ring. */
static void receives(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		receives_of(&short_entries);
		receives_of(&long_entries);
	}
}

static void requests(void **state)
{
	struct taken got[64];
	uint16_t counter = 0;

	(void)state;
	queues(&short_entries, 128);
	for (unsigned n = 1; n <= 64; n += 9) {
		for (unsigned i = 0; i < n; i++) {
			if (i % 3)
				rig_post_write(&rig.a, RIG_SIGNALED, 0, i);
			else
				rig_post_read(&rig.a, RIG_SIGNALED, 0, i);
		}
		step();
		assert_int_equal(take(&rig.cq_a, got, 64), n);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(got[i].opcode, EMU_CQE_REQ);
			assert_int_equal(got[i].wqe_opcode, i % 3 ? EMU_OP_WRITE : EMU_OP_READ);
			assert_int_equal(got[i].qpn, rig.a.qpn);
			assert_int_equal(got[i].wqe_counter, counter++);
			if (i % 3 == 0)
				assert_int_equal(got[i].byte_cnt, i);
		}
	}
}

static void post_imm(uint8_t flags, uint32_t imm)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_SEND_IMM, flags);

	rig_imm(&w, imm);
	rig_data(&w, rig.local, 4, rig.lkey);
	rig_put(&rig.a, &w);
	rig_ring(&rig.a);
}

/* A block has one opcode and one immediate; what wakes stands alone. */
static void what_divides(void **state)
{
	static const unsigned blocks[] = { 2, 2, 2, 2, 1, 2, 2, 1 };
	struct taken got[8];

	(void)state;
	queues(&short_entries, 32);
	receive(8);
	rig_post_send(&rig.a, 0, 0, 8);
	rig_post_send(&rig.a, 0, 0, 9);
	post_imm(0, 5);
	post_imm(0, 5);
	post_imm(0, 6);
	rig_post_send(&rig.a, 0, 0, 10);
	rig_post_send(&rig.a, 0, 0, 11);
	post_imm(RIG_SOLICITED, 7);
	step();
	assert_int_equal(take(&rig.cq_b, got, 8), 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(got[i].n, blocks[i]);
	assert_int_equal(got[2].imm, 5);
	assert_int_equal(got[3].imm, 5);
	assert_int_equal(got[4].imm, 6);
	assert_int_equal(got[7].imm, 7);
}

/* An error is written as it always is, behind what came before. */
static void errors(void **state)
{
	struct rig_cqe cqe;
	struct taken got[2];

	(void)state;
	queues(&short_entries, 32);
	receive(3);
	rig_post_send(&rig.a, 0, 0, 8);
	rig_post_send(&rig.a, 0, 0, 8);
	rig_post_send(&rig.a, 0, 0, 8192);
	step();
	assert_true(rig_poll(&rig.cq_b, &cqe));
	assert_int_equal(cqe.format, COMPRESSED);
	take_block(&rig.cq_b, &cqe, got);
	assert_int_equal(got[1].wqe_counter, 1);
	rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_LOCAL_LENGTH);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
}

/* A block takes as much room as it has completions. */
static void limits(void **state)
{
	struct taken got[64];

	(void)state;
	queues(&short_entries, 64);
	for (unsigned i = 0; i < 64; i++)
		rig_post_write(&rig.a, RIG_SIGNALED, 0, 1);
	step();
	assert_int_equal(rig.nasync, 0);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 1);
	step();
	assert_int_equal(rig.nasync, 2);
	assert_int_equal(rig.async[0], EMU_EVENT_CQ_ERR);
	assert_int_equal(take(&rig.cq_a, got, 64), 64);
}

/* One event for all of a block, and none before it is there. */
static void events(void **state)
{
	struct taken got[4];

	(void)state;
	queues(&short_entries, 32);
	rig_arm(&rig.cq_b, 0, false);
	receive(4);
	for (unsigned i = 0; i < 4; i++)
		rig_post_send(&rig.a, 0, 0, 8);
	step();
	assert_int_equal(rig.cq_b.events, 1);
	assert_int_equal(take(&rig.cq_b, got, 4), 4);
	rig_arm(&rig.cq_b, 1, false);
	step();
	assert_int_equal(rig.cq_b.events, 1);
}

/* Those of other queues, and indices that do not follow: a shared receive queue in any order. */
static void two_queue_pairs(void **state)
{
	struct taken got[4];
	struct rig_qp other;

	(void)state;
	queues(&short_entries, 32);
	rig_qp_create(&other, &rig.cq_a, &rig.cq_a, rig.pd);
	rig_connect(&other, other.qpn, 0, 0, &(struct rig_options){ 0 });
	for (unsigned i = 0; i < 2; i++) {
		rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
		rig_post_write(&other, RIG_SIGNALED, 0, 8);
	}
	step();
	assert_int_equal(take(&rig.cq_a, got, 4), 4);
	for (unsigned i = 0; i < 4; i += 2) {
		assert_int_equal(got[i].n, 2);
		assert_int_equal(got[i].qpn, got[i + 1].qpn);
	}
	rig_qp_destroy(&other);
}

/* ---- what else a completion queue may be asked for ---- */

static void overruns_ignored(void **state)
{
	const struct emu_cq_attr attr = { .cqe_size = 64, .overwrites = true };

	(void)state;
	queues(&attr, 16);
	for (unsigned i = 0; i < 40; i++)
		rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
	step();
	assert_int_equal(rig.nasync, 0);
	/* The newest 16 of 40, of which the last 8 are of lap 3. */
	rig.cq_a.ci = 24;
	for (unsigned i = 24; i < 40; i++)
		assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_REQ).wqe_counter, i);
	rig_expect_none(&rig.cq_a);
}

static void padding(void **state)
{
	static const uint8_t zeros[64];
	const struct emu_cq_attr attr = { .cqe_size = 128, .padded = true };
	const struct emu_cq_attr bad = {
		.buf_addr = (uintptr_t)rig.cq_a.ring,
		.dbrec_addr = (uintptr_t)rig.cq_a.dbrec,
		.cqe_size = 64,
		.cqe_count = 16,
		.uar_page = rig.uar,
		.padded = true,
	};
	uint32_t cqn;

	(void)state;
	assert_int_equal(emu_cq_create(rig.dev, &bad, &cqn), -EINVAL);
	queues(&attr, 16);
	memset(rig.cq_a.ring, 0x55, 64);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
	step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.cq_a.ring, zeros, 64);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup_unconnected, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(receives),        TEST(requests),         TEST(what_divides),
		TEST(errors),          TEST(limits),           TEST(events),
		TEST(two_queue_pairs), TEST(overruns_ignored), TEST(padding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
