/* SPDX-License-Identifier: MIT */
/* XRC between processes: the rig's shared receive queues, for which the test has a target queue pair. */
#include "relay_rig.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/mlx5emu/engine/state.h"

enum { OTHER_QPN = 0x020005 };

static uint32_t target = OTHER_QPN;

static struct emu_packet from_afar(enum emu_wire_opcode opcode, uint8_t flags, uint32_t length)
{
	return (struct emu_packet){
		.opcode = opcode,
		.service = EMU_SERVICE_XRC,
		.flags = flags,
		.mtu = 3,
		.pkey = 0xffff,
		.src_qpn = 0x030001,
		.dst_qpn = target,
		.psn = 1,
		.length = length,
		.srqn = xrc_one.srqn,
	};
}

static uint64_t since = 1;

static void ask(enum emu_relay_kind kind, uint64_t number, const struct emu_packet *p,
		const void *payload)
{
	const struct emu_relayed m = {
		.kind = kind,
		.qpn = target,
		.number = number,
		.since = since,
		.domain = relay_domain,
		.length = EMU_WIRE_HEADER + p->length,
	};
	uint8_t *datagram = malloc(m.length);

	assert_non_null(datagram);
	emu_wire_encode(p, datagram);
	if (p->length)
		memcpy(datagram + EMU_WIRE_HEADER, payload, p->length);
	relay_say(&m, datagram);
	free(datagram);
}

static struct emu_relayed request(uint64_t number, const struct emu_packet *p, const void *payload)
{
	struct emu_relayed m;

	ask(EMU_RELAY_REQUEST, number, p, payload);
	m = relay_expect(EMU_RELAY_DONE);
	assert_true(m.number == number);
	assert_int_equal(m.qpn, target);
	return m;
}

static const uint8_t whole = EMU_WIRE_FIRST | EMU_WIRE_LAST;

static void message_lands_in_its_queue(void **state)
{
	const struct emu_packet p = from_afar(EMU_WIRE_SEND, whole, 6);
	struct rig_cqe cqe;

	(void)state;
	assert_int_equal(request(1, &p, "early").syndrome & 0xe0, EMU_AETH_RNR);
	xrc_post(&xrc_one, rig.remote, 64);
	assert_int_equal(request(2, &p, "hello").syndrome, EMU_AETH_ACK);
	cqe = rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	assert_int_equal(cqe.qpn, OTHER_QPN);
	assert_int_equal(cqe.byte_cnt, 6);
	assert_string_equal((char *)rig.remote, "hello");
	/* once, however often it is asked for */
	xrc_post(&xrc_one, rig.remote + 64, 64);
	assert_int_equal(request(2, &p, "hello").syndrome, EMU_AETH_ACK);
	rig_expect_none(&rig.cq_b);
}

static void message_in_parts(void **state)
{
	struct emu_packet p = from_afar(EMU_WIRE_SEND, EMU_WIRE_FIRST, 1024);

	(void)state;
	xrc_post(&xrc_one, rig.remote, 4096);
	assert_int_equal(request(1, &p, rig.local).syndrome, EMU_AETH_ACK);
	p.flags = EMU_WIRE_LAST | EMU_WIRE_IMM | EMU_WIRE_SOLICITED;
	p.imm = 0x01020304;
	p.length = 1000;
	assert_int_equal(request(2, &p, rig.local + 1024).syndrome, EMU_AETH_ACK);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND_IMM).byte_cnt, 2024);
	assert_memory_equal(rig.remote, rig.local, 2024);
	/* a part without its beginning */
	assert_int_equal(request(3, &p, rig.local).syndrome, EMU_AETH_NAK_INVALID_REQUEST);
}

static void memory_of_the_queues_domain(void **state)
{
	struct emu_packet p = from_afar(EMU_WIRE_WRITE, whole | EMU_WIRE_IMM, 100);
	struct emu_relayed m;
	uint64_t *word = (uint64_t *)(void *)(rig.remote + 4096);

	(void)state;
	p.raddr = (uintptr_t)rig.remote;
	p.rkey = rig.rkey;
	p.dma_len = 100;
	xrc_post(&xrc_one, NULL, 0);
	assert_int_equal(request(1, &p, rig.local).syndrome, EMU_AETH_ACK);
	rig_expect(&rig.cq_b, EMU_CQE_RESP_WRITE_IMM);
	assert_memory_equal(rig.remote, rig.local, 100);

	*word = 5;
	p = from_afar(EMU_WIRE_FETCH_ADD, 0, 0);
	p.raddr = (uintptr_t)word;
	p.rkey = rig.rkey;
	p.swap_add = 2;
	for (unsigned i = 0; i < 2; i++) { /* a repetition adds nothing */
		m = request(2, &p, NULL);
		assert_int_equal(m.syndrome, EMU_AETH_ACK);
		assert_true(m.value == 5);
		assert_true(*word == 7);
	}

	p = from_afar(EMU_WIRE_READ, 0, 0);
	p.raddr = (uintptr_t)rig.local;
	p.rkey = rig.lkey;
	p.dma_len = 5000;
	assert_int_equal(request(3, &p, NULL).syndrome, EMU_AETH_ACK);
	ask(EMU_RELAY_FETCH, 4, &p, NULL);
	m = relay_expect(EMU_RELAY_DONE);
	assert_int_equal(m.length, 5000);
	assert_memory_equal(m.payload, rig.local, 5000);
	p.rkey ^= 1;
	assert_int_equal(request(5, &p, NULL).syndrome, EMU_AETH_NAK_REMOTE_ACCESS);
	ask(EMU_RELAY_FETCH, 6, &p, NULL);
	assert_int_equal(relay_expect(EMU_RELAY_DONE).syndrome, EMU_AETH_NAK_REMOTE_ACCESS);
}

static void queue_of_another_domain(void **state)
{
	struct emu_packet p = from_afar(EMU_WIRE_SEND, whole, 6);
	struct xrc_queue private;
	uint32_t own;

	(void)state;
	assert_int_equal(emu_xrcd_open(rig.dev, &(struct emu_xrcd_open){ .fd = -1 }, &own), 0);
	xrc_queue_create(&private, rig.pd, own);
	xrc_post(&private, rig.remote, 64);
	p.srqn = private.srqn;
	assert_int_equal(request(1, &p, "hello").syndrome, EMU_AETH_NAK_INVALID_REQUEST);
	p.srqn = xrc_two.srqn + 50;
	assert_int_equal(request(2, &p, "hello").syndrome, EMU_AETH_NAK_INVALID_REQUEST);
	rig_expect_none(&rig.cq_b);
	xrc_queue_destroy(&private);
	assert_int_equal(emu_xrcd_free(rig.dev, own), 0);
}

static void broken_receives_are_told(void **state)
{
	const struct emu_packet p = from_afar(EMU_WIRE_SEND, whole, 100);
	struct emu_relayed m;

	(void)state;
	xrc_post(&xrc_one, rig.remote, 10);
	m = request(1, &p, rig.local);
	assert_int_equal(m.syndrome, EMU_AETH_NAK_INVALID_REQUEST);
	rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_LOCAL_LENGTH);
}

static void broken_queue_is_fatal(void **state)
{
	const struct emu_packet p = from_afar(EMU_WIRE_SEND, whole, 100);
	struct emu_relayed m;

	(void)state;
	xrc_one.posted = 1000; /* more than it has */
	xrc_post(&xrc_one, rig.remote, 100);
	m = request(1, &p, rig.local);
	assert_int_equal(m.syndrome, EMU_AETH_NAK_REMOTE_OPERATION);
	assert_int_equal(m.flags, EMU_RELAY_FATAL);
	assert_int_equal(rig.nasync, 1); /* the queue's; the other one is the target's to raise */
	assert_int_equal(rig.async[0], EMU_EVENT_SRQ_ERR);
}

static void end_flushes_what_is_held(void **state)
{
	const struct emu_packet p = from_afar(EMU_WIRE_SEND, EMU_WIRE_FIRST, 1024);
	struct emu_relayed m = { .kind = EMU_RELAY_END, .qpn = OTHER_QPN };

	(void)state;
	xrc_post(&xrc_one, rig.remote, 4096);
	xrc_post(&xrc_one, rig.remote, 4096);
	assert_int_equal(request(1, &p, rig.local).syndrome, EMU_AETH_ACK);
	m.flags = EMU_RELAY_FLUSH;
	relay_say(&m, NULL);
	rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_FLUSH);
	/* a new life: the number may come again */
	assert_int_equal(request(1, &p, rig.local).syndrome, EMU_AETH_ACK);
	m.flags = 0;
	relay_say(&m, NULL);
	rig_expect_none(&rig.cq_b);
	relay_say(&m, NULL); /* nothing to end */
}

/* A target that was killed in the middle of a message, and its successor with the same number. */
static void new_life_knows_nothing_of_the_old(void **state)
{
	const struct emu_packet p = from_afar(EMU_WIRE_SEND, EMU_WIRE_FIRST, 1024);

	(void)state;
	xrc_post(&xrc_one, rig.remote, 4096);
	xrc_post(&xrc_one, rig.remote, 4096);
	assert_int_equal(request(1, &p, rig.local).syndrome, EMU_AETH_ACK);
	assert_int_equal(request(2, &p, rig.local).syndrome, EMU_AETH_NAK_INVALID_REQUEST);
	since++;
	assert_int_equal(request(2, &p, rig.local).syndrome, EMU_AETH_ACK);
	rig_expect_none(&rig.cq_b);
}

static void queue_goes_under_a_message(void **state)
{
	struct emu_packet p = from_afar(EMU_WIRE_SEND, EMU_WIRE_FIRST, 1024);

	(void)state;
	xrc_post(&xrc_one, rig.remote, 4096);
	assert_int_equal(request(1, &p, rig.local).syndrome, EMU_AETH_ACK);
	assert_int_equal(emu_srq_destroy(rig.dev, xrc_one.srqn), 0);
	p.flags = EMU_WIRE_LAST;
	assert_int_equal(request(2, &p, rig.local).syndrome, EMU_AETH_NAK_INVALID_REQUEST);
	xrc_one.srqn = 0;
	rig_expect_none(&rig.cq_b);
}

/* Numbers that are in one list. Each target is in the middle of a message of its own. */
static void targets_are_told_apart(void **state)
{
	enum { TARGETS = 3, ENDED = 1 };
	struct emu_relayed m = { .kind = EMU_RELAY_END };
	struct emu_packet p;

	(void)state;
	for (unsigned i = 0; i < TARGETS; i++) {
		target = OTHER_QPN + i * EMU_STAND_IN_LISTS;
		p = from_afar(EMU_WIRE_SEND, EMU_WIRE_FIRST, 1024);
		xrc_post(&xrc_one, rig.remote + i * 4096, 4096);
		assert_int_equal(request(1, &p, rig.local).syndrome, EMU_AETH_ACK);
	}
	m.qpn = OTHER_QPN + ENDED * EMU_STAND_IN_LISTS;
	relay_say(&m, NULL);
	for (unsigned i = 0; i < TARGETS; i++) {
		target = OTHER_QPN + i * EMU_STAND_IN_LISTS;
		p = from_afar(EMU_WIRE_SEND, EMU_WIRE_LAST, 6);
		assert_int_equal(request(2, &p, "hello").syndrome,
				 i == ENDED ? EMU_AETH_NAK_INVALID_REQUEST : EMU_AETH_ACK);
		if (i == ENDED)
			continue;
		assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).qpn, target);
		assert_string_equal((char *)rig.remote + i * 4096 + 1024, "hello");
	}
	target = OTHER_QPN;
}

static bool stands_in(void)
{
	for (unsigned i = 0; i < EMU_STAND_IN_LISTS; i++)
		if (emu.stand_ins[i])
			return true;
	return false;
}

/* The targets are the parent's peers; they may find the child, too, and begin anew with it. */
static void child_stands_in_for_nobody(void **state)
{
	const struct emu_packet p = from_afar(EMU_WIRE_SEND, EMU_WIRE_FIRST, 1024);
	int status;
	pid_t pid;

	(void)state;
	xrc_post(&xrc_one, rig.remote, 4096);
	assert_int_equal(request(1, &p, rig.local).syndrome, EMU_AETH_ACK);
	assert_true(stands_in());
	pid = fork();
	if (pid == 0)
		_exit(stands_in());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Only for itself may a process ask, and only for requests of XRC. */
static void nonsense_is_dropped(void **state)
{
	struct emu_packet p = from_afar(EMU_WIRE_SEND, whole, 6);
	uint8_t datagram[EMU_WIRE_HEADER + 6] = { 0 };
	struct emu_relayed m = {
		.kind = EMU_RELAY_REQUEST,
		.qpn = 0x030005,
		.number = 1,
		.domain = relay_domain,
		.length = sizeof(datagram),
	};

	(void)state;
	xrc_post(&xrc_one, rig.remote, 64);
	p.dst_qpn = m.qpn;
	emu_wire_encode(&p, datagram);
	relay_say(&m, datagram);
	relay_expect_silence();
	p = from_afar(EMU_WIRE_SEND, whole, 6);
	p.service = EMU_SERVICE_RC;
	ask(EMU_RELAY_REQUEST, 1, &p, "hello");
	p = from_afar(EMU_WIRE_SEND, whole, 6);
	ask(EMU_RELAY_FETCH, 1, &p, "hello");
	p.dst_qpn++;
	ask(EMU_RELAY_REQUEST, 1, &p, "hello");
	m.qpn = OTHER_QPN;
	memset(datagram, 0, sizeof(datagram));
	relay_say(&m, datagram);
	relay_expect_silence();
	rig_expect_none(&rig.cq_b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, relay_setup, relay_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(message_lands_in_its_queue),  TEST(message_in_parts),
		TEST(memory_of_the_queues_domain), TEST(queue_of_another_domain),
		TEST(broken_receives_are_told),    TEST(broken_queue_is_fatal),
		TEST(end_flushes_what_is_held),    TEST(new_life_knows_nothing_of_the_old),
		TEST(queue_goes_under_a_message),  TEST(child_stands_in_for_nobody),
		TEST(targets_are_told_apart),      TEST(nonsense_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
