/* SPDX-License-Identifier: MIT */
/* The device with a thread of its own, alone and between two processes. */
#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/mlx5emu/engine/timer.h"

enum {
	ROUNDS = 300,
	ENDURANCE_THREADS = 3,
};

static void wait_for(struct rig_cq *cq, unsigned opcode, unsigned syndrome)
{
	const uint64_t end = emu_machine_ns() + UINT64_C(20000000000);
	struct rig_cqe cqe;

	while (!rig_poll(cq, &cqe)) {
		if (emu_machine_ns() > end)
			fail_msg("no completion within 20 s");
		sched_yield();
	}
	assert_int_equal(cqe.syndrome, syndrome);
	assert_int_equal(cqe.opcode, opcode);
}

static void make_queues(void)
{
	rig_cq_create(&rig.cq_a, 64, RIG_CQES);
	rig_qp_create(&rig.a, &rig.cq_a, &rig.cq_a, rig.pd);
	rig.local = aligned_alloc(4096, RIG_BUFFER);
	assert_non_null(rig.local);
	memset(rig.local, 0, RIG_BUFFER);
	rig.lkey = rig_reg(rig.pd, rig.local, RIG_BUFFER, 0xf);
}

static void drop_queues(void)
{
	rig_qp_destroy(&rig.a);
	rig_cq_destroy(&rig.cq_a);
	free(rig.local);
	rig_close();
}

static void doorbells_are_seen(void **state)
{
	(void)state;
	rig_open(&(struct emu_run_config){ 0 });
	make_queues();
	rig.remote = rig.local + 100000;
	rig.rkey = rig.lkey;
	rig_connect(&rig.a, rig.a.qpn, 5, 5,
		    &(struct rig_options){ .timeout = 14, .retry_cnt = 7 });
	for (unsigned i = 0; i < ROUNDS; i++) {
		memset(rig.local, (int)i, 1000);
		rig_post_write(&rig.a, RIG_SIGNALED, 0, 1000);
		wait_for(&rig.cq_a, EMU_CQE_REQ, 0);
		assert_memory_equal(rig.remote, rig.local, 1000);
	}
	drop_queues();
}

/* Calls from many threads while the device works: nothing to see, for the sanitizers to watch. */
static void *create_and_destroy(void *arg)
{
	uint8_t *own = aligned_alloc(4096, 4096);

	(void)arg;
	for (unsigned i = 0; i < 200; i++) {
		const struct emu_mr_attr attr = { rig.pd, (uintptr_t)own, 4096, 0, 1, false };
		uint32_t pd, key, page;

		assert_int_equal(emu_pd_alloc(rig.dev, &pd), 0);
		assert_int_equal(emu_mr_reg(rig.dev, &attr, &key), 0);
		if (emu_uar_alloc(rig.dev, &page) == 0)
			assert_int_equal(emu_uar_free(rig.dev, page), 0);
		assert_int_equal(emu_mr_dereg(rig.dev, key), 0);
		assert_int_equal(emu_pd_free(rig.dev, pd), 0);
	}
	free(own);
	return NULL;
}

static void calls_come_from_any_thread(void **state)
{
	pthread_t threads[ENDURANCE_THREADS];

	(void)state;
	rig_open(&(struct emu_run_config){ 0 });
	make_queues();
	for (unsigned i = 0; i < ENDURANCE_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, create_and_destroy, NULL), 0);
	for (unsigned i = 0; i < ENDURANCE_THREADS; i++)
		pthread_join(threads[i], NULL);
	drop_queues();
}

static void devices_come_and_go(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		rig_open(&(struct emu_run_config){ 0 });
		assert_int_equal(emu_slot(), 1);
		rig_close();
		assert_int_equal(emu_slot(), 0);
	}
}

/* ---- two processes: the parent talks, the child answers ---- */

struct endpoint {
	uint32_t qpn, rkey;
	uint64_t addr;
};

struct side {
	int in, out;
	struct emu_run_config run;
};

static void meet(const struct side *side, struct endpoint *peer, const struct rig_options *o)
{
	struct endpoint own;
	uint8_t ready = 1;

	rig_open(&side->run);
	make_queues();
	own = (struct endpoint){ rig.a.qpn, rig.lkey, (uintptr_t)rig.local };
	assert_int_equal(write(side->out, &own, sizeof(own)), sizeof(own));
	assert_int_equal(read(side->in, peer, sizeof(*peer)), sizeof(*peer));
	rig_connect(&rig.a, peer->qpn, 9, 9, o);
	assert_int_equal(write(side->out, &ready, 1), 1);
	assert_int_equal(read(side->in, &ready, 1), 1);
	rig.remote = (uint8_t *)(uintptr_t)peer->addr;
	rig.rkey = peer->rkey;
}

static void answer(const struct side *side, const struct rig_options *o, bool leave)
{
	struct endpoint peer;
	uint8_t end;

	meet(side, &peer, o);
	rig_receive(&rig.a, &(struct rig_seg){ rig.local + 500000, 100000, rig.lkey }, 1);
	wait_for(&rig.cq_a, EMU_CQE_RESP_SEND, 0);
	/* At once, with the acknowledge perhaps still inside: exit() must not lose it. */
	if (leave)
		exit(0);
	assert_int_equal(read(side->in, &end, 1), 1);
	drop_queues();
	exit(0);
}

static pid_t start_peer(struct side *side, const struct rig_options *o, bool leave)
{
	static char run_id[32];
	int to[2], from[2];
	pid_t pid;

	snprintf(run_id, sizeof(run_id), "unit-thread-%d", (int)getpid());
	assert_int_equal(pipe(to) | pipe(from), 0);
	pid = fork();
	assert_true(pid >= 0);
	*side = (struct side){ from[0], to[1], { .run_id = run_id } };
	if (pid == 0) {
		side->in = to[0];
		side->out = from[1];
		answer(side, o, leave);
	}
	close(to[0]);
	close(from[1]);
	return pid;
}

static const struct rig_options options = {
	.timeout = 10, .retry_cnt = 3, .rnr_retry = 7, .min_rnr_timer = 12
};

static void processes_are_wired(void **state)
{
	struct endpoint peer;
	struct side side;
	const pid_t pid = start_peer(&side, &options, false);
	int status;

	(void)state;
	meet(&side, &peer, &options);
	assert_true(peer.qpn >> 16 != rig.a.qpn >> 16);
	for (unsigned i = 0; i < 20; i++) {
		for (unsigned k = 0; k < 400000; k++)
			rig.local[k] = (uint8_t)(k * 3 + i);
		rig_post_write(&rig.a, 0, 0, 400000);
		memset(rig.local + 600000, 0, 400000);
		{
			struct rig_wqe w = rig_begin(&rig.a, EMU_OP_READ, RIG_SIGNALED);

			rig_raddr(&w, rig.remote, rig.rkey);
			rig_data(&w, rig.local + 600000, 400000, rig.lkey);
			rig_put(&rig.a, &w);
			rig_ring(&rig.a);
		}
		wait_for(&rig.cq_a, EMU_CQE_REQ, 0);
		assert_memory_equal(rig.local + 600000, rig.local, 400000);
	}
	rig_post_send(&rig.a, RIG_SIGNALED, 0, 100000);
	wait_for(&rig.cq_a, EMU_CQE_REQ, 0);
	assert_int_equal(write(side.out, "", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);

	/* Nobody there any more. */
	rig_post_write(&rig.a, 0, 0, 8);
	wait_for(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_RETRY_EXCEEDED);
	close(side.in);
	close(side.out);
	drop_queues();
}

static void exit_does_not_take_the_acknowledge(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		struct endpoint peer;
		struct side side;
		const pid_t pid = start_peer(&side, &options, true);
		int status;

		meet(&side, &peer, &options);
		rig_post_send(&rig.a, RIG_SIGNALED, 0, 100000);
		wait_for(&rig.cq_a, EMU_CQE_REQ, 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		close(side.in);
		close(side.out);
		drop_queues();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doorbells_are_seen),
		cmocka_unit_test(calls_come_from_any_thread),
		cmocka_unit_test(devices_come_and_go),
		cmocka_unit_test(processes_are_wired),
		cmocka_unit_test(exit_does_not_take_the_acknowledge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
