/* SPDX-License-Identifier: MIT */
/* Loss, duplicates, receivers that are not ready, peers that are gone; all on the virtual clock. */
#include "rig.h"

#include "tools/mlx5emu/engine/qp.h"
#include "tools/mlx5emu/engine/state.h"
#include "tools/mlx5emu/engine/timer.h"
#include "tools/mlx5emu/fabric/wire.h"

enum {
	US = 1000,
	TIMEOUT_CODE = 4,
	TIMEOUT_NS = 4096 << TIMEOUT_CODE,
};

static void reconnect(const struct rig_options *o)
{
	rig_modify(&rig.a, EMU_QPS_RESET);
	rig_modify(&rig.b, EMU_QPS_RESET);
	rig_connect_both(o);
}

/* Loses or doubles datagrams of one opcode: the next @count of them. */
struct plan {
	unsigned opcode, count, skip;
	enum emu_verdict verdict;
};

static enum emu_verdict judge(void *arg, const void *datagram, size_t size)
{
	struct plan *plan = arg;
	struct emu_packet p;

	assert_null(emu_wire_decode(datagram, size, &p));
	if (p.opcode != plan->opcode || plan->count == 0)
		return EMU_DELIVER;
	if (plan->skip) {
		plan->skip--;
		return EMU_DELIVER;
	}
	plan->count--;
	return plan->verdict;
}

static void lose(struct plan *plan, unsigned opcode, unsigned skip, unsigned count)
{
	*plan = (struct plan){ opcode, count, skip, EMU_LOSE };
	rig_filter(judge, plan);
}

/* ---- receiver not ready ---- */

static void rnr_waits_for_the_asked_time(void **state)
{
	(void)state;
	reconnect(&(struct rig_options){ .rnr_retry = 7, .min_rnr_timer = 15 }); /* 1.92 ms */
	rig_post_send(&rig.a, RIG_SIGNALED, 0, 64);
	for (unsigned i = 1; i <= 20; i++) {
		mlx5emu_step();
		assert_int_equal(rig_counters().rnr_naks, i);
		mlx5emu_advance_ns(1920 * US - 1);
		assert_int_equal(mlx5emu_step(), 0);
		mlx5emu_advance_ns(1);
	}
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 64, rig.rkey }, 1);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
}

static void rnr_codes_have_their_times(void **state)
{
	(void)state;
	for (unsigned code = 0; code < 32; code++) {
		const uint64_t wait = emu_rnr_ns((uint8_t)code);

		reconnect(&(struct rig_options){ .rnr_retry = 7, .min_rnr_timer = (uint8_t)code });
		rig.a.pi = 0;
		rig.a.dbrec[1] = emu_put32(0);
		rig_post_send(&rig.a, 0, 0, 64);
		mlx5emu_step();
		mlx5emu_advance_ns(wait - 1);
		assert_int_equal(mlx5emu_step(), 0);
		mlx5emu_advance_ns(1);
		assert_true(mlx5emu_step() > 0);
	}
	assert_true(emu_rnr_ns(0) == 655360u * US);
	assert_true(emu_rnr_ns(1) == 10 * US);
	assert_true(emu_rnr_ns(31) == 491520u * US);
}

static void rnr_retries_are_counted(void **state)
{
	(void)state;
	for (unsigned limit = 0; limit < 7; limit++) {
		const uint64_t before = rig_counters().rnr_naks;
		struct rig_cqe cqe;

		reconnect(&(struct rig_options){ .rnr_retry = (uint8_t)limit, .min_rnr_timer = 1 });
		rig.a.pi = 0;
		rig.a.dbrec[1] = emu_put32(0);
		rig_post_send(&rig.a, 0, 0, 64);
		for (unsigned i = 0; i < limit; i++) {
			mlx5emu_step();
			rig_expect_none(&rig.cq_a);
			mlx5emu_advance_ns(10 * US);
		}
		mlx5emu_step();
		cqe = rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_RNR_RETRY_EXCEEDED);
		assert_int_equal(cqe.vendor, 0x87);
		assert_int_equal(rig_counters().rnr_naks - before, limit + 1);
		assert_int_equal(rig_state(&rig.a), EMU_QPS_ERR);
		assert_int_equal(rig_state(&rig.b), EMU_QPS_RTS);
	}
}

/* The immediate of a write needs a receive, and nothing of the last packet counts before. */
static void rnr_holds_write_with_immediate(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_WRITE_IMM, RIG_SIGNALED);

	(void)state;
	reconnect(&(struct rig_options){ .rnr_retry = 7, .min_rnr_timer = 1 });
	rig_fill(4);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local, 200000, rig.lkey);
	rig_send(&rig.a, &w);
	rig_expect_none(&rig.cq_a);
	assert_int_equal(rig.remote[199999], 0);
	rig_receive(&rig.b, NULL, 0);
	mlx5emu_advance_ns(10 * US);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_WRITE_IMM).byte_cnt, 200000);
	assert_memory_equal(rig.remote, rig.local, 200000);
}

/* A wrong key is told when there is a receive, not before (IBA vol 1 figure 80: resources, then R_Key). */
static void rnr_goes_before_the_key(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_WRITE_IMM, RIG_SIGNALED);
	const uint64_t before = rig_counters().rnr_naks;

	(void)state;
	reconnect(&(struct rig_options){ .rnr_retry = 7, .min_rnr_timer = 1 });
	rig_raddr(&w, rig.remote, rig.rkey ^ 1);
	rig_data(&w, rig.local, 8, rig.lkey);
	rig_send(&rig.a, &w);
	rig_expect_none(&rig.cq_a);
	assert_int_equal(rig_counters().rnr_naks - before, 1);
	rig_receive(&rig.b, NULL, 0);
	mlx5emu_advance_ns(10 * US);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_ACCESS);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_ERR);
}

/* ---- no answer ---- */

static void silent_peer_uses_up_the_retries(void **state)
{
	(void)state;
	for (unsigned limit = 0; limit <= 7; limit++) {
		const uint64_t before = rig_counters().timeouts;
		struct rig_cqe cqe;

		reconnect(&(struct rig_options){ .timeout = TIMEOUT_CODE,
						 .retry_cnt = (uint8_t)limit });
		rig_modify(&rig.b, EMU_QPS_RESET);
		rig.a.pi = 0;
		rig.a.dbrec[1] = emu_put32(0);
		rig_post_write(&rig.a, 0, 0, 8);
		mlx5emu_step();
		for (unsigned i = 0; i <= limit; i++) {
			mlx5emu_advance_ns(TIMEOUT_NS - 1);
			assert_int_equal(mlx5emu_step(), 0);
			rig_expect_none(&rig.cq_a);
			mlx5emu_advance_ns(1);
			mlx5emu_step();
		}
		cqe = rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_RETRY_EXCEEDED);
		assert_int_equal(cqe.vendor, 0x81);
		assert_int_equal(rig_counters().timeouts - before, limit + 1);
	}
}

static void timeout_zero_waits_forever(void **state)
{
	(void)state;
	reconnect(&(struct rig_options){ .timeout = 0, .retry_cnt = 1 });
	rig_modify(&rig.b, EMU_QPS_RESET);
	rig_post_write(&rig.a, 0, 0, 8);
	mlx5emu_step();
	mlx5emu_advance_ns(UINT64_C(3600) * 1000000000);
	assert_int_equal(mlx5emu_step(), 0);
	assert_int_equal(rig_state(&rig.a), EMU_QPS_RTS);
}

static void absent_process_is_a_silent_peer(void **state)
{
	(void)state;
	rig_modify(&rig.a, EMU_QPS_RESET);
	rig_connect(&rig.a, 200u << 16 | 1, 0, 0,
		    &(struct rig_options){ .timeout = TIMEOUT_CODE, .retry_cnt = 1 });
	rig_post_write(&rig.a, 0, 0, 8);
	mlx5emu_step();
	mlx5emu_advance_ns(TIMEOUT_NS);
	mlx5emu_step();
	rig_expect_none(&rig.cq_a);
	mlx5emu_advance_ns(TIMEOUT_NS);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_RETRY_EXCEEDED);
}

/* A queue that is connected to somebody else does not listen. */
static void stranger_is_not_heard(void **state)
{
	(void)state;
	rig_modify(&rig.b, EMU_QPS_RESET);
	rig_connect(&rig.b, rig.b.qpn, 0, 0, &(struct rig_options){ 0 });
	rig_fill(1);
	rig_post_write(&rig.a, 0, 0, 8);
	mlx5emu_step();
	assert_int_equal(rig.remote[0] | rig.remote[1], 0);
	assert_int_equal(rig_counters().datagrams_dropped, 1);
}

/* ---- loss and duplication, one datagram at a time ---- */

static const struct rig_options patient = { .timeout = TIMEOUT_CODE, .retry_cnt = 7, .mtu = 1 };

static void expect_all_after_timeout(unsigned completions)
{
	mlx5emu_step();
	mlx5emu_advance_ns(TIMEOUT_NS);
	mlx5emu_step();
	for (unsigned i = 0; i < completions; i++)
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect_none(&rig.cq_a);
}

static void lost_write_is_repeated(void **state)
{
	struct plan plan;

	(void)state;
	reconnect(&patient);
	rig_fill(1);
	lose(&plan, EMU_WIRE_WRITE, 0, 1);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	expect_all_after_timeout(1);
	assert_memory_equal(rig.remote, rig.local, 64);
	assert_int_equal(rig_counters().timeouts, 1);
}

/* The second datagram of three is lost: the third earns a NAK, and no timer is needed. */
static void gap_is_answered_by_a_nak(void **state)
{
	struct plan plan;

	(void)state;
	reconnect(&patient);
	rig_fill(2);
	lose(&plan, EMU_WIRE_WRITE, 1, 1);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 180000);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.remote, rig.local, 180000);
	assert_int_equal(rig_counters().sequence_naks, 1);
	assert_int_equal(rig_counters().timeouts, 0);
}

static void lost_ack_means_a_duplicate_request(void **state)
{
	struct plan plan;

	(void)state;
	reconnect(&patient);
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 64, rig.rkey }, 1);
	lose(&plan, EMU_WIRE_ACK, 0, 1);
	rig_post_send(&rig.a, RIG_SIGNALED, 0, 64);
	expect_all_after_timeout(1);
	rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	rig_expect_none(&rig.cq_b); /* once, although it came twice */
}

static void lost_read_response_is_asked_again(void **state)
{
	struct plan plan;

	(void)state;
	reconnect(&patient);
	rig_fill(6);
	memcpy(rig.remote, rig.local, RIG_BUFFER);
	memset(rig.local, 0, RIG_BUFFER);
	lose(&plan, EMU_WIRE_READ_RESPONSE, 1, 1);
	rig_post_read(&rig.a, RIG_SIGNALED, 0, 200000);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ); /* the third response told of the gap */
	assert_memory_equal(rig.remote, rig.local, 200000);
	lose(&plan, EMU_WIRE_READ_RESPONSE, 0, 1);
	rig_post_read(&rig.a, RIG_SIGNALED, 200000, 64);
	expect_all_after_timeout(1);
	assert_memory_equal(rig.remote, rig.local, 200064);
}

/* An acknowledge behind a lost read response says that it was lost (implied NAK). */
static void later_ack_reveals_a_lost_response(void **state)
{
	struct plan plan;

	(void)state;
	reconnect(&patient);
	memset(rig.remote, 0x77, 64);
	lose(&plan, EMU_WIRE_READ_RESPONSE, 0, 1);
	rig_post_read(&rig.a, RIG_SIGNALED, 0, 64);
	rig_post_write(&rig.a, RIG_SIGNALED, 1000, 64);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_int_equal(rig.local[63], 0x77);
	assert_int_equal(rig_counters().timeouts, 0);
}

static void repeated_atomic_executes_once(void **state)
{
	uint64_t *target = (uint64_t *)(void *)rig.remote;
	struct rig_wqe w;
	struct plan plan;

	(void)state;
	reconnect(&patient);
	*target = 10;
	lose(&plan, EMU_WIRE_ATOMIC_ACK, 0, 2);
	w = rig_begin(&rig.a, EMU_OP_ATOMIC_FA, RIG_SIGNALED);
	rig_raddr(&w, target, rig.rkey);
	rig_atomic(&w, 5, 0);
	rig_data(&w, rig.local, 8, rig.lkey);
	rig_send(&rig.a, &w);
	mlx5emu_advance_ns(TIMEOUT_NS);
	expect_all_after_timeout(1);
	assert_true(*target == 15);
	assert_true(*(uint64_t *)(void *)rig.local == 10);
	assert_int_equal(rig_counters().timeouts, 2);
}

/* The sequence numbers have come round, to those of a read that is still remembered. */
static void repeated_atomic_is_not_an_older_read(void **state)
{
	enum {
		INSIDE = 8, /* the read of 16 packets, from 0 on */
	};
	uint64_t *target = (uint64_t *)(void *)rig.remote;
	struct emu_requester *req;
	struct rig_wqe w;
	struct plan plan;

	(void)state;
	reconnect(&patient);
	rig_post_read(&rig.a, RIG_SIGNALED, 0, 16 * 1024);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	req = &emu_qp_find_any(rig.a.qpn)->req;
	req->next_psn = req->una = req->sent = INSIDE;
	emu_qp_find_any(rig.b.qpn)->resp.epsn = INSIDE;
	*target = 10;
	lose(&plan, EMU_WIRE_ATOMIC_ACK, 0, 1);
	w = rig_begin(&rig.a, EMU_OP_ATOMIC_FA, RIG_SIGNALED);
	rig_raddr(&w, target, rig.rkey);
	rig_atomic(&w, 5, 0);
	rig_data(&w, rig.local, 8, rig.lkey);
	rig_send(&rig.a, &w);
	expect_all_after_timeout(1);
	assert_true(*target == 15);
	assert_true(*(uint64_t *)(void *)rig.local == 10);
}

static void duplicates_change_nothing(void **state)
{
	static const unsigned opcodes[] = {
		EMU_WIRE_SEND, EMU_WIRE_WRITE,         EMU_WIRE_READ,       EMU_WIRE_FETCH_ADD,
		EMU_WIRE_ACK,  EMU_WIRE_READ_RESPONSE, EMU_WIRE_ATOMIC_ACK,
	};
	uint64_t *target = (uint64_t *)(void *)(rig.remote + 4096);

	(void)state;
	reconnect(&patient);
	*target = 0;
	for (unsigned i = 0; i < sizeof(opcodes) / sizeof(*opcodes); i++) {
		struct plan plan = { opcodes[i], 100, 0, EMU_DUPLICATE };
		struct rig_wqe w;

		rig_filter(judge, &plan);
		rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 64, rig.rkey }, 1);
		rig_post_send(&rig.a, RIG_SIGNALED, 0, 64);
		rig_post_write(&rig.a, RIG_SIGNALED, 0, 100000);
		rig_post_read(&rig.a, RIG_SIGNALED, 200000, 100000);
		w = rig_begin(&rig.a, EMU_OP_ATOMIC_FA, RIG_SIGNALED);
		rig_raddr(&w, target, rig.rkey);
		rig_atomic(&w, 1, 0);
		rig_data(&w, rig.local + 500000, 8, rig.lkey);
		rig_send(&rig.a, &w);
		for (unsigned k = 0; k < 4; k++)
			rig_expect(&rig.cq_a, EMU_CQE_REQ);
		rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
		rig_expect_none(&rig.cq_a);
		rig_expect_none(&rig.cq_b);
		rig_filter(NULL, NULL);
		*target = 0;
	}
}

/* ---- everything at once ---- */

static enum emu_verdict at_random(void *arg, const void *datagram, size_t size)
{
	uint64_t *x = arg;

	(void)datagram;
	(void)size;
	*x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
	return *x % 10 == 0 ? EMU_LOSE : *x % 10 == 1 ? EMU_DUPLICATE : EMU_DELIVER;
}

static void wait_for(struct rig_cq *cq, unsigned opcode)
{
	struct rig_cqe cqe;

	for (unsigned tries = 0; tries < 100; tries++) {
		mlx5emu_step();
		if (rig_poll(cq, &cqe)) {
			assert_int_equal(cqe.syndrome, 0);
			assert_int_equal(cqe.opcode, opcode);
			return;
		}
		mlx5emu_advance_ns(TIMEOUT_NS);
	}
	fail_msg("no completion");
}

static void one_noisy_round(uint32_t round, uint64_t *target)
{
	const uint32_t length = round * 2777 % 190000;
	struct rig_wqe w;

	rig_fill(round);
	memcpy(rig.remote + 400000, rig.local + 300000, 200000);
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote + 700000, 200000, rig.rkey }, 1);
	rig_post_write(&rig.a, 0, 0, length);
	rig_post_read(&rig.a, 0, 400000, length);
	rig_post_send(&rig.a, 0, 200000, length);
	w = rig_begin(&rig.a, EMU_OP_ATOMIC_FA, RIG_SIGNALED);
	rig_raddr(&w, target, rig.rkey);
	rig_atomic(&w, round, 0);
	rig_data(&w, rig.local + 1000000, 8, rig.lkey);
	*target = 1;
	rig_put(&rig.a, &w);
	rig_ring(&rig.a);
	wait_for(&rig.cq_a, EMU_CQE_REQ);
	wait_for(&rig.cq_b, EMU_CQE_RESP_SEND);
	assert_memory_equal(rig.remote, rig.local, length);
	assert_memory_equal(rig.local + 400000, rig.remote + 400000, length);
	assert_memory_equal(rig.remote + 700000, rig.local + 200000, length);
	assert_true(*(uint64_t *)(void *)(rig.local + 1000000) == 1);
	assert_true(*target == 1 + round);
}

static void data_survives_a_bad_wire(void **state)
{
	uint64_t x = 0x9e3779b97f4a7c15;

	(void)state;
	for (unsigned mtu = 1; mtu <= 5; mtu++) {
		reconnect(&(struct rig_options){ .timeout = TIMEOUT_CODE,
						 .retry_cnt = 7,
						 .rnr_retry = 7,
						 .mtu = mtu,
						 .psn = 0xffff00 });
		rig.a.pi = 0;
		rig.b.rpi = 0;
		rig_filter(at_random, &x);
		for (uint32_t round = 0; round < 60; round++)
			one_noisy_round(round, (uint64_t *)(void *)(rig.remote + 1000000));
		rig_filter(NULL, NULL);
		mlx5emu_advance_ns(TIMEOUT_NS);
		mlx5emu_step();
		rig_expect_none(&rig.cq_a);
		rig_expect_none(&rig.cq_b);
	}
	assert_true(rig_counters().retransmissions > 50);
}

/* Well-formed packets that the peer never sent, around the window: states change, nothing breaks. */
static void forge(uint64_t x, uint32_t psn)
{
	uint8_t d[EMU_WIRE_HEADER + 3 * 256] = { 0 };
	struct emu_packet out, p = {
		.opcode = (enum emu_wire_opcode)(1 + x % 8),
		.flags = (uint8_t)(x >> 4 & 0xf),
		.mtu = 1,
		.pkey = EMU_PKEY_DEFAULT,
		.src_qpn = rig.a.qpn,
		.dst_qpn = rig.b.qpn,
		.psn = (psn + (uint32_t)(x >> 8) % 8 - 3) & 0xffffff,
		.length = (uint32_t)(x >> 16) % 4 * 256 + (x & 0x20000 ? 17 : 0),
		.raddr = (uintptr_t)rig.remote + (x >> 32) % 512,
		.rkey = rig.rkey,
		.dma_len = (uint32_t)(x >> 20) % 1024,
	};

	if (x >> 63) {
		p.src_qpn = rig.b.qpn;
		p.dst_qpn = rig.a.qpn;
	}
	if (p.opcode == EMU_WIRE_ACK)
		p.syndrome = (uint8_t)(x >> 40 & 0x7f);
	if (p.length > 3 * 256)
		p.length = 256;
	if (p.opcode != EMU_WIRE_SEND && p.opcode != EMU_WIRE_WRITE &&
	    p.opcode != EMU_WIRE_READ_RESPONSE)
		p.length = 0;
	emu_wire_encode(&p, d);
	if (emu_wire_decode(d, EMU_WIRE_HEADER + p.length, &out))
		return;
	emu_lock();
	(void)emu_fabric_send(emu.fabric, 1, d, EMU_WIRE_HEADER + p.length, true);
	emu_unlock();
}

static void forged_packets_break_nothing(void **state)
{
	uint64_t x = 0x1234567887654321;
	struct rig_cqe cqe;

	(void)state;
	for (unsigned round = 0; round < 500; round++) {
		reconnect(&(struct rig_options){
			.timeout = TIMEOUT_CODE, .retry_cnt = 2, .rnr_retry = 2, .mtu = 1 });
		rig.a.pi = 0;
		rig.b.rpi = 0;
		rig.a.dbrec[1] = emu_put32(0);
		rig.b.dbrec[0] = emu_put32(0);
		rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 600, rig.rkey }, 1);
		rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 600, rig.rkey }, 1);
		rig_post_write(&rig.a, RIG_SIGNALED, 0, 700);
		rig_post_read(&rig.a, RIG_SIGNALED, 0, 700);
		rig_post_send(&rig.a, RIG_SIGNALED, 0, 500);
		for (unsigned i = 0; i < 20; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			forge(x, (uint32_t)(x >> 50) % 8);
			if (i % 4 == 3)
				mlx5emu_step();
		}
		for (unsigned i = 0; i < 8; i++) {
			mlx5emu_advance_ns(TIMEOUT_NS);
			mlx5emu_step();
		}
		while (rig_poll(&rig.cq_a, &cqe) || rig_poll(&rig.cq_b, &cqe))
			assert_true(cqe.qpn == rig.a.qpn || cqe.qpn == rig.b.qpn);
	}
	reconnect(&(struct rig_options){ 0 });
	rig.a.pi = 0;
	rig_fill(1);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 5000);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.remote, rig.local, 5000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rnr_waits_for_the_asked_time),
		TEST(rnr_codes_have_their_times),
		TEST(rnr_retries_are_counted),
		TEST(rnr_holds_write_with_immediate),
		TEST(rnr_goes_before_the_key),
		TEST(silent_peer_uses_up_the_retries),
		TEST(timeout_zero_waits_forever),
		TEST(absent_process_is_a_silent_peer),
		TEST(stranger_is_not_heard),
		TEST(lost_write_is_repeated),
		TEST(gap_is_answered_by_a_nak),
		TEST(lost_ack_means_a_duplicate_request),
		TEST(lost_read_response_is_asked_again),
		TEST(later_ack_reveals_a_lost_response),
		TEST(repeated_atomic_executes_once),
		TEST(repeated_atomic_is_not_an_older_read),
		TEST(duplicates_change_nothing),
		TEST(data_survives_a_bad_wire),
		TEST(forged_packets_break_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
