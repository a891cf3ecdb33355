/* SPDX-License-Identifier: MIT */
/* XRC between processes: the rig's target, for whose requests the test owns the shared receive queue. */
#include "relay_rig.h"

#include <sched.h>

enum {
	OTHER_SRQN = 0x020007,
	REPEAT_NS = 20000000,
};

static void answer(const struct emu_relayed *question, uint8_t syndrome)
{
	relay_say(&(struct emu_relayed){ .kind = EMU_RELAY_DONE,
					 .qpn = question->qpn,
					 .number = question->number,
					 .syndrome = syndrome },
		  NULL);
	mlx5emu_step();
}

static const struct xrc_queue elsewhere = { .srqn = OTHER_SRQN };

static void request_is_executed_by_the_owner(void **state)
{
	struct emu_relayed m;
	struct emu_packet p;

	(void)state;
	xrc_send_inline(&elsewhere, "hello");
	m = relay_expect(EMU_RELAY_REQUEST);
	p = relay_packet(&m);
	assert_int_equal(m.qpn, rig.b.qpn);
	assert_true(m.domain.dev == relay_domain.dev && m.domain.ino == relay_domain.ino);
	assert_int_equal(p.opcode, EMU_WIRE_SEND);
	assert_int_equal(p.srqn, OTHER_SRQN);
	assert_string_equal((const char *)p.payload, "hello");
	rig_expect_none(&rig.cq_a);
	answer(&m, EMU_AETH_ACK);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect_none(&rig.cq_b);
	relay_expect_silence();
	assert_true(m.since && m.since < m.number);
}

static void later_requests_wait(void **state)
{
	struct emu_relayed m;

	(void)state;
	xrc_post(&xrc_one, rig.remote, 64);
	xrc_send_inline(&elsewhere, "first");
	xrc_send_inline(&xrc_one, "second");
	xrc_send_inline(&elsewhere, "third");
	rig_expect_none(&rig.cq_b);
	m = relay_expect(EMU_RELAY_REQUEST);
	relay_expect_silence();
	answer(&m, EMU_AETH_ACK);
	rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect_none(&rig.cq_a);
	m = relay_expect(EMU_RELAY_REQUEST);
	assert_string_equal((const char *)relay_packet(&m).payload, "third");
	answer(&m, EMU_AETH_ACK);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
}

static void owner_that_has_no_receive(void **state)
{
	struct emu_relayed m;

	(void)state;
	xrc_send_inline(&elsewhere, "not yet");
	m = relay_expect(EMU_RELAY_REQUEST);
	answer(&m, EMU_AETH_RNR);
	assert_int_equal(rig_counters().rnr_naks, 1);
	relay_expect_silence();
	mlx5emu_advance_ns(10000); /* code 1, the target's */
	mlx5emu_step();
	mlx5emu_step();
	m = relay_expect(EMU_RELAY_REQUEST);
	answer(&m, EMU_AETH_ACK);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
}

static void refusals_are_the_requesters(void **state)
{
	struct emu_relayed m;

	(void)state;
	xrc_send_inline(&elsewhere, "nobody");
	m = relay_expect(EMU_RELAY_REQUEST);
	answer(&m, EMU_AETH_NAK_INVALID_REQUEST);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
	assert_int_equal(rig.async[rig.nasync - 1], EMU_EVENT_QP_REQ_ERR);
	assert_true(relay_expect(EMU_RELAY_END).flags & EMU_RELAY_FLUSH);
}

static void failure_reaches_the_target(void **state)
{
	struct emu_relayed m;

	(void)state;
	xrc_send_inline(&elsewhere, "overrun");
	m = relay_expect(EMU_RELAY_REQUEST);
	answer(&m, EMU_AETH_ACK);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	relay_say(&(struct emu_relayed){ .kind = EMU_RELAY_FAILED,
					 .flags = EMU_RELAY_FATAL,
					 .qpn = rig.b.qpn },
		  NULL);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_ERR);
	assert_int_equal(rig.async[rig.nasync - 1], EMU_EVENT_QP_FATAL);
}

static void silence_is_asked_again(void **state)
{
	struct emu_relayed first, again;

	(void)state;
	xrc_send_inline(&elsewhere, "hello");
	first = relay_expect(EMU_RELAY_REQUEST);
	for (unsigned i = 0; i < 3; i++) {
		mlx5emu_step();
		relay_expect_silence();
		mlx5emu_advance_ns(REPEAT_NS);
		mlx5emu_step();
		again = relay_expect(EMU_RELAY_REQUEST);
		assert_true(again.number == first.number);
		relay_expect_silence();
	}
	again.number--;
	answer(&again, EMU_AETH_ACK);
	rig_expect_none(&rig.cq_a);
	answer(&first, EMU_AETH_ACK);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	answer(&first, EMU_AETH_NAK_REMOTE_ACCESS);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_RTS);
}

static void owner_that_dies(void **state)
{
	(void)state;
	xrc_send_inline(&elsewhere, "hello");
	relay_expect(EMU_RELAY_REQUEST);
	relay_leave();
	mlx5emu_advance_ns(REPEAT_NS);
	mlx5emu_step();
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
	relay_join();
}

static void owner_that_never_was(void **state)
{
	const struct xrc_queue nowhere = { .srqn = 0x630001 };

	(void)state;
	xrc_send_inline(&nowhere, "hello");
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
	relay_expect_silence();
}

static void reads_are_fetched(void **state)
{
	struct rig_wqe w = xrc_begin(EMU_OP_READ, OTHER_SRQN);
	const uint32_t most = EMU_WIRE_MAX_PAYLOAD, bytes = most + 3000;
	struct emu_relayed m;
	struct emu_packet p;

	(void)state;
	rig_raddr(&w, rig.remote, 0x1234500);
	rig_data(&w, rig.local, bytes, rig.lkey);
	rig_send(&rig.a, &w);
	m = relay_expect(EMU_RELAY_REQUEST);
	assert_int_equal(relay_packet(&m).dma_len, bytes);
	answer(&m, EMU_AETH_ACK);
	for (uint32_t at = 0; at < bytes; at += most) {
		m = relay_expect(EMU_RELAY_FETCH);
		p = relay_packet(&m);
		assert_true(p.raddr == (uintptr_t)rig.remote + at);
		assert_int_equal(p.rkey, 0x1234500);
		assert_int_equal(p.dma_len, at ? bytes - most : most);
		memset(rig.remote + at, at ? 'b' : 'a', p.dma_len);
		relay_say(&(struct emu_relayed){ .kind = EMU_RELAY_DONE,
						 .syndrome = EMU_AETH_ACK,
						 .qpn = m.qpn,
						 .number = m.number,
						 .length = p.dma_len },
			  rig.remote + at);
		mlx5emu_step();
	}
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.local, rig.remote, bytes);
	relay_expect_silence();
}

/* A program that waits for a flag to change does so: each of them sees what is there now. */
static void reads_of_one_address_are_fetched_anew(void **state)
{
	(void)state;
	for (char now = 'a'; now < 'd'; now++) {
		struct rig_wqe w = xrc_begin(EMU_OP_READ, OTHER_SRQN);
		struct emu_relayed m;

		rig_raddr(&w, rig.remote, 0x1234500);
		rig_data(&w, rig.local, 1, rig.lkey);
		rig_send(&rig.a, &w);
		m = relay_expect(EMU_RELAY_REQUEST);
		answer(&m, EMU_AETH_ACK);
		m = relay_expect(EMU_RELAY_FETCH);
		relay_say(&(struct emu_relayed){ .kind = EMU_RELAY_DONE,
						 .syndrome = EMU_AETH_ACK,
						 .qpn = m.qpn,
						 .number = m.number,
						 .length = 1 },
			  &now);
		mlx5emu_step();
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
		assert_int_equal(rig.local[0], now);
	}
	relay_expect_silence();
}

static void read_that_is_refused_late(void **state)
{
	struct rig_wqe w = xrc_begin(EMU_OP_READ, OTHER_SRQN);
	struct emu_relayed m;

	(void)state;
	rig_raddr(&w, rig.remote, 0x1234500);
	rig_data(&w, rig.local, 64, rig.lkey);
	rig_send(&rig.a, &w);
	m = relay_expect(EMU_RELAY_REQUEST);
	answer(&m, EMU_AETH_ACK);
	m = relay_expect(EMU_RELAY_FETCH);
	answer(&m, EMU_AETH_NAK_REMOTE_ACCESS);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_ACCESS);
}

static void atomics_return_what_was_there(void **state)
{
	struct rig_wqe w = xrc_begin(EMU_OP_ATOMIC_FA, OTHER_SRQN);
	struct emu_relayed m;
	uint64_t found;

	(void)state;
	rig_raddr(&w, rig.remote, 0x1234500);
	rig_atomic(&w, 2, 0);
	rig_data(&w, rig.local, 8, rig.lkey);
	rig_send(&rig.a, &w);
	m = relay_expect(EMU_RELAY_REQUEST);
	relay_say(&(struct emu_relayed){ .kind = EMU_RELAY_DONE,
					 .syndrome = EMU_AETH_ACK,
					 .qpn = m.qpn,
					 .number = m.number,
					 .value = 0x1122334455667788 },
		  NULL);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	memcpy(&found, rig.local, sizeof(found));
	assert_true(be64toh(found) == 0x1122334455667788 || found == 0x1122334455667788);
}

static void error_under_a_message_is_told(void **state)
{
	struct rig_wqe w = xrc_begin(EMU_OP_SEND, OTHER_SRQN);
	struct emu_relayed m;

	(void)state;
	rig_data(&w, rig.local, 3000, rig.lkey);
	rig_put(&rig.a, &w);
	assert_int_equal(mlx5emu_fault_plan("lose opcode=send nth=2..", NULL, 0), 0);
	rig_ring(&rig.a);
	mlx5emu_step();
	m = relay_expect(EMU_RELAY_REQUEST);
	assert_int_equal(relay_packet(&m).flags, EMU_WIRE_FIRST);
	answer(&m, EMU_AETH_ACK);
	assert_int_equal(rig_modify(&rig.b, EMU_QPS_ERR), 0);
	mlx5emu_step();
	assert_true(relay_expect(EMU_RELAY_END).flags & EMU_RELAY_FLUSH);
}

static void reset_is_told(void **state)
{
	struct emu_relayed m;

	(void)state;
	xrc_send_inline(&elsewhere, "hello");
	m = relay_expect(EMU_RELAY_REQUEST);
	assert_int_equal(rig_modify(&rig.b, EMU_QPS_RESET), 0);
	assert_int_equal(relay_expect(EMU_RELAY_END).flags, 0);
	answer(&m, EMU_AETH_ACK);
	rig_expect_none(&rig.cq_a);
}

/* A target whose requester is the test: packets that no queue pair of ours sends. */
static void connect_target_to_test(uint32_t peer)
{
	const struct emu_qp_attr init = {
		.qp_state = EMU_QPS_INIT,
		.port_num = 1,
		.access_flags = 0xf,
	};
	const struct emu_qp_attr rtr = {
		.qp_state = EMU_QPS_RTR,
		.av = { .is_global = true, .port_num = 1 },
		.path_mtu = 3,
		.dest_qpn = peer,
		.rq_psn = XRC_PSN,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 1,
	};

	assert_int_equal(rig_modify(&rig.b, EMU_QPS_RESET), 0);
	assert_int_equal(emu_qp_modify(rig.dev, rig.b.qpn, &init,
				       EMU_QP_STATE | EMU_QP_PKEY_INDEX | EMU_QP_PORT |
					       EMU_QP_ACCESS_FLAGS),
			 0);
	assert_int_equal(emu_qp_modify(rig.dev, rig.b.qpn, &rtr,
				       EMU_QP_STATE | EMU_QP_AV | EMU_QP_PATH_MTU |
					       EMU_QP_DEST_QPN | EMU_QP_RQ_PSN |
					       EMU_QP_MAX_DEST_RD_ATOMIC | EMU_QP_MIN_RNR_TIMER),
			 0);
}

static void send_packet(struct emu_packet p)
{
	uint8_t datagram[EMU_WIRE_HEADER + 1024] = { 0 };

	p.opcode = EMU_WIRE_SEND;
	p.service = EMU_SERVICE_XRC;
	p.mtu = 3;
	p.pkey = 0xffff;
	p.dst_qpn = rig.b.qpn;
	emu_wire_encode(&p, datagram);
	assert_int_equal(
		emu_fabric_send(relay_other, 1, datagram, EMU_WIRE_HEADER + p.length, true), 0);
	mlx5emu_step();
}

static void expect_answer(uint8_t syndrome)
{
	uint8_t buffer[EMU_RELAY_MAX];
	struct emu_packet p;
	size_t size;
	unsigned slot;

	assert_int_equal(emu_fabric_receive(relay_other, buffer, sizeof(buffer), &size, &slot), 0);
	assert_null(emu_wire_decode(buffer, size, &p));
	assert_int_equal(p.opcode, EMU_WIRE_ACK);
	assert_int_equal(p.syndrome, syndrome);
}

/* Annex A14: also where one of the two queues is here, and had the message before. */
static void message_stays_with_its_queue(void **state)
{
	struct emu_packet p = { .src_qpn = 0x020005, .psn = XRC_PSN };
	struct emu_relayed m;

	(void)state;
	connect_target_to_test(p.src_qpn);
	xrc_post(&xrc_one, rig.remote, 4096);
	p.flags = EMU_WIRE_FIRST | EMU_WIRE_LAST;
	p.length = 8;
	p.srqn = xrc_one.srqn;
	send_packet(p);
	rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	expect_answer(EMU_AETH_ACK);
	p.psn++;
	p.flags = EMU_WIRE_FIRST;
	p.length = 1024;
	p.srqn = OTHER_SRQN;
	send_packet(p);
	m = relay_expect(EMU_RELAY_REQUEST);
	answer(&m, EMU_AETH_ACK);
	expect_answer(EMU_AETH_ACK);
	p.psn++;
	p.flags = EMU_WIRE_LAST;
	p.length = 8;
	p.srqn = xrc_one.srqn;
	send_packet(p);
	expect_answer(EMU_AETH_NAK_INVALID_REQUEST);
	rig_expect_none(&rig.cq_b);
}

/* Nothing new but the device's thread, which sanitizers watch beside calls of the program's. */
static void thread_asks_and_goes_on(void **state)
{
	const struct emu_xrcd_open how = { .fd = 0, .dev = 5, .ino = 78, .create = true };
	struct emu_relayed m;
	struct rig_cqe cqe;
	uint32_t domain;

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		xrc_send_inline(&elsewhere, "hello");
		while (!relay_hear(&m))
			sched_yield();
		assert_int_equal(emu_xrcd_open(rig.dev, &how, &domain), 0);
		assert_int_equal(emu_xrcd_free(rig.dev, domain), 0);
		answer(&m, EMU_AETH_ACK);
		while (!rig_poll(&rig.cq_a, &cqe)) {
			/* busy machines: what was asked for twice is answered twice */
			if (relay_hear(&m))
				answer(&m, EMU_AETH_ACK);
			sched_yield();
		}
		assert_int_equal(cqe.opcode, EMU_CQE_REQ);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, relay_setup, relay_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(request_is_executed_by_the_owner),
		TEST(later_requests_wait),
		TEST(owner_that_has_no_receive),
		TEST(refusals_are_the_requesters),
		TEST(failure_reaches_the_target),
		TEST(silence_is_asked_again),
		TEST(owner_that_dies),
		TEST(owner_that_never_was),
		TEST(reads_are_fetched),
		TEST(reads_of_one_address_are_fetched_anew),
		TEST(read_that_is_refused_late),
		TEST(atomics_return_what_was_there),
		TEST(error_under_a_message_is_told),
		TEST(reset_is_told),
		TEST(message_stays_with_its_queue),
		cmocka_unit_test_setup_teardown(thread_asks_and_goes_on, relay_setup_thread,
						relay_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
