/* SPDX-License-Identifier: MIT */
/* What a process owes to others when its queue pairs, its devices or itself come to an end. */
#include "rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/mlx5emu/engine/qp.h"
#include "tools/mlx5emu/engine/state.h"
#include "tools/mlx5emu/engine/timer.h"
#include "tools/mlx5emu/fabric/wire.h"

enum {
	PEER = 1, /* slots: the test's two, and the device's */
	THIRD,
	OWN,
	PEER_QPN = PEER << 16 | 1,
	MESSAGES = 12,
	PSN = 100, /* of the peer's requests; the device's begin 1000 later */
	MTU_CODE = 3,
	SILENT_MS = 3000,
	READ_PACKETS = RIG_BUFFER / 1024,
};

static char run_id[32];
static struct emu_fabric *peer, *third;

static void pause_ms(long ms)
{
	const struct timespec ts = { .tv_nsec = ms * 1000000 };

	nanosleep(&ts, NULL);
}

/* The peer stands still: nothing that is sent to it fits any more. */
static int open_peer(void **state)
{
	(void)state;
	snprintf(run_id, sizeof(run_id), "unit-leave-%d", (int)getpid());
	assert_int_equal(emu_fabric_open(run_id, &peer), 0);
	assert_int_equal(emu_fabric_open(run_id, &third), 0);
	while (emu_fabric_send(third, PEER, "stuff", 5, false) == 0)
		;
	return 0;
}

static int close_peer(void **state)
{
	(void)state;
	emu_fabric_close(peer);
	emu_fabric_close(third);
	return 0;
}

static void open_device(void)
{
	const struct rig_options options = { .timeout = 14, .retry_cnt = 7 };

	rig_setup_run(&(struct emu_run_config){ .run_id = run_id });
	assert_int_equal(emu_slot(), OWN);
	rig_connect(&rig.b, PEER_QPN, PSN + 1000, PSN, &options);
}

/* What the device sent to the peer, and nothing else. */
static bool hear(struct emu_packet *p)
{
	static uint8_t buffer[EMU_WIRE_MAX_DATAGRAM];
	size_t size;
	unsigned slot;

	while (emu_fabric_receive(peer, buffer, sizeof(buffer), &size, &slot) == 0) {
		if (slot != OWN)
			continue;
		assert_null(emu_wire_decode(buffer, size, p));
		return true;
	}
	return false;
}

static void say(struct emu_packet p, const char *payload)
{
	uint8_t datagram[EMU_WIRE_HEADER + 64];

	p.service = EMU_SERVICE_RC;
	p.mtu = MTU_CODE;
	p.pkey = EMU_PKEY_DEFAULT;
	p.src_qpn = PEER_QPN;
	p.dst_qpn = rig.b.qpn;
	p.length = payload ? (uint32_t)strlen(payload) + 1 : 0;
	emu_wire_encode(&p, datagram);
	if (payload)
		memcpy(datagram + EMU_WIRE_HEADER, payload, p.length);
	while (emu_fabric_send(peer, OWN, datagram, EMU_WIRE_HEADER + p.length, false) < 0)
		(void)emu_fabric_flush(peer);
}

static void say_send(unsigned i)
{
	say((struct emu_packet){ .opcode = EMU_WIRE_SEND,
				 .flags = EMU_WIRE_FIRST | EMU_WIRE_LAST,
				 .psn = PSN + i },
	    "a message");
}

static void await(struct rig_cq *cq)
{
	struct rig_cqe cqe;

	while (!rig_poll(cq, &cqe))
		pause_ms(1);
	assert_int_equal(cqe.syndrome, 0);
}

static void receive_messages(void)
{
	const struct rig_seg seg = { rig.remote, 64, rig.rkey };

	for (unsigned i = 0; i < MESSAGES; i++)
		rig_receive(&rig.b, &seg, 1);
	for (unsigned i = 0; i < MESSAGES; i++) {
		say_send(i);
		await(&rig.cq_b);
	}
}

/* The peer goes on: whether it is sent everything up to @last. */
static bool hears_up_to(uint32_t last)
{
	struct emu_packet p;

	pause_ms(50);
	for (unsigned silent = 0; silent < SILENT_MS; silent++) {
		while (hear(&p)) {
			if (p.opcode == EMU_WIRE_ACK && p.syndrome != EMU_AETH_ACK)
				return false;
			if (p.psn == last)
				return true;
			silent = 0;
		}
		pause_ms(1);
	}
	return false;
}

struct hearing {
	uint32_t last;
	bool heard;
};

static void *hear_in_thread(void *arg)
{
	struct hearing *h = arg;

	h->heard = hears_up_to(h->last);
	return NULL;
}

static void end_while_peer_hears(uint32_t last)
{
	struct hearing h = { .last = last };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, hear_in_thread, &h), 0);
	rig_teardown(NULL);
	pthread_join(thread, NULL);
	assert_true(h.heard);
}

static void acknowledges_outlive_the_last_device(void **state)
{
	(void)state;
	open_device();
	receive_messages();
	end_while_peer_hears(PSN + MESSAGES - 1);
}

static void requests_outlive_the_queue_pair(void **state)
{
	(void)state;
	open_device();
	for (unsigned i = 0; i < MESSAGES; i++)
		rig_post_send(&rig.b, 0, 0, 64);
	end_while_peer_hears(PSN + 1000 + MESSAGES - 1);
}

/* The message's acknowledge is behind the read's response, which is long. */
static void read_and_acknowledge(void)
{
	const struct rig_seg seg = { rig.remote, 64, rig.rkey };

	rig_receive(&rig.b, &seg, 1);
	say((struct emu_packet){ .opcode = EMU_WIRE_READ,
				 .psn = PSN,
				 .raddr = (uintptr_t)rig.remote,
				 .rkey = rig.rkey,
				 .dma_len = RIG_BUFFER },
	    NULL);
	say_send(READ_PACKETS);
	await(&rig.cq_b);
}

static void responses_outlive_the_queue_pair(void **state)
{
	(void)state;
	open_device();
	read_and_acknowledge();
	end_while_peer_hears(PSN + READ_PACKETS);
}

/* But for the patience that each has. */
static void nobody_waits_for_a_peer_that_takes_nothing(void **state)
{
	uint64_t since, ms;

	(void)state;
	open_device();
	receive_messages();
	since = emu_machine_ns();
	rig_teardown(NULL);
	ms = (emu_machine_ns() - since) / 1000000;
	assert_true(ms >= 1000 && ms < SILENT_MS);
}

static unsigned waiting(void)
{
	unsigned n;

	emu_lock();
	n = emu_fabric_waiting(emu.fabric);
	emu_unlock();
	return n;
}

/* What was begun at the end of a process, whose thread goes on meanwhile, and no more: it is all copied. */
static void long_list_stays_in_the_ring(void **state)
{
	enum { WRITES = 32 };
	unsigned begun;

	(void)state;
	open_device();
	for (unsigned i = 0; i < WRITES; i++)
		rig_post_write(&rig.b, 0, 0, RIG_BUFFER);
	emu_lock();
	emu_qps_last_turns(rig.dev);
	emu_unlock();
	begun = waiting();
	assert_true(begun > 0);
	pause_ms(100);
	assert_int_equal(waiting(), begun);
	rig_teardown(NULL);
}

/* By exit(), with its queue pairs as they are. */
static void answers_outlive_the_process(void **state)
{
	const pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		open_device();
		read_and_acknowledge();
		exit(0);
	}
	assert_true(hears_up_to(PSN + READ_PACKETS));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(acknowledges_outlive_the_last_device, open_peer,
						close_peer),
		cmocka_unit_test_setup_teardown(requests_outlive_the_queue_pair, open_peer,
						close_peer),
		cmocka_unit_test_setup_teardown(responses_outlive_the_queue_pair, open_peer,
						close_peer),
		cmocka_unit_test_setup_teardown(nobody_waits_for_a_peer_that_takes_nothing,
						open_peer, close_peer),
		cmocka_unit_test_setup_teardown(long_list_stays_in_the_ring, open_peer, close_peer),
		cmocka_unit_test_setup_teardown(answers_outlive_the_process, open_peer, close_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
