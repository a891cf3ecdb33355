/* SPDX-License-Identifier: MIT */
/*
 * Faults in the device: each has the consequence that the specification gives it, on the virtual
 * clock; the same plan gives the same trace.
 */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/mlx5emu/engine/owner.h"
#include "tools/mlx5emu/engine/qp.h"

enum {
	US = 1000,
	TIMEOUT_CODE = 4,
	TIMEOUT_NS = 4096 << TIMEOUT_CODE,
};

static int setup(void **state)
{
	rig_setup_unconnected(state);
	rig_connect_both(&(struct rig_options){
		.timeout = TIMEOUT_CODE, .retry_cnt = 7, .rnr_retry = 7, .min_rnr_timer = 1 });
	rig_fill(3);
	return 0;
}

static void plan(const char *text)
{
	char error[200];

	if (mlx5emu_fault_plan(text, error, sizeof(error)) < 0)
		fail_msg("'%s': %s", text, error);
}

/* Steps and moves the clock until the queue has answered, for a second of its time at most. */
static struct rig_cqe await(struct rig_cq *cq)
{
	struct rig_cqe cqe;

	for (unsigned i = 0; i < 100000; i++) {
		mlx5emu_step();
		if (rig_poll(cq, &cqe))
			return cqe;
		mlx5emu_advance_ns(10 * US);
	}
	fail_msg("no completion in a second of the device");
	return cqe;
}

static void await_good(struct rig_cq *cq)
{
	assert_int_equal(await(cq).syndrome, 0);
}

/* ---- packets ---- */

/* A message of four packets, of which the third is lost: NAK, and only the rest once more. */
static void one_packet_is_lost(void **state)
{
	struct mlx5emu_counters c;

	(void)state;
	plan("lose opcode=write nth=3");
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 4 * 1024);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.remote, rig.local, 4 * 1024);
	c = rig_counters();
	assert_int_equal(c.faults, 1);
	assert_int_equal(mlx5emu_fault_hits(0), 1);
	assert_int_equal(c.sequence_naks, 1);
	assert_int_equal(c.timeouts, 0);
	assert_int_equal(c.retransmissions, 1);
}

/* RC takes what arrives out of order for lost (IBA vol 1 section 9.7.4.1.2). */
static void reordering_is_a_loss(void **state)
{
	(void)state;
	plan("reorder opcode=write nth=2");
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 4 * 1024);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.remote, rig.local, 4 * 1024);
	assert_int_equal(rig_counters().sequence_naks, 1);
}

/* The last one has nobody to overtake it; it leaves by itself, late. */
static void overtaking_has_an_end(void **state)
{
	(void)state;
	rig_modify(&rig.a, EMU_QPS_RESET);
	rig_modify(&rig.b, EMU_QPS_RESET);
	rig_connect_both(&(struct rig_options){ .timeout = 0 });
	rig.a.pi = 0;
	rig.a.dbrec[1] = emu_put32(0);
	plan("reorder opcode=write");
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 100);
	mlx5emu_step();
	rig_expect_none(&rig.cq_a);
	mlx5emu_advance_ns(1000 * US);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
}

/* Later than the retry timer: the answer to the repetition counts, the late one is a duplicate. */
static void delay_beyond_the_timer(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_ATOMIC_FA, RIG_SIGNALED);
	uint64_t before, after;

	(void)state;
	memcpy(&before, rig.remote, sizeof(before));
	plan("delay opcode=faa count=1 by=1ms");
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_atomic(&w, 1, 0);
	rig_data(&w, rig.local, 8, rig.lkey);
	rig_put(&rig.a, &w);
	rig_ring(&rig.a);
	mlx5emu_step();
	rig_expect_none(&rig.cq_a);
	mlx5emu_advance_ns(TIMEOUT_NS);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	mlx5emu_advance_ns(1000 * US);
	mlx5emu_step();
	memcpy(&after, rig.remote, sizeof(after));
	assert_true(after == before + 1);
	assert_int_equal(rig_counters().timeouts, 1);
	rig_expect_none(&rig.cq_a);
}

static void duplicates_and_direction(void **state)
{
	(void)state;
	plan("duplicate; duplicate direction=in");
	for (unsigned i = 0; i < 10; i++) {
		rig_receive(&rig.b, &(struct rig_seg){ rig.remote + i * 64, 64, rig.rkey }, 1);
		rig_post_send(&rig.a, RIG_SIGNALED, i * 64, 64);
		await_good(&rig.cq_a);
		await_good(&rig.cq_b);
	}
	rig_expect_none(&rig.cq_a);
	rig_expect_none(&rig.cq_b);
	assert_memory_equal(rig.remote, rig.local, 640);
}

/* ---- at the responder ---- */

static void rnr_storm(void **state)
{
	(void)state;
	plan("rnr nth=1..5");
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 64, rig.rkey }, 1);
	rig_post_send(&rig.a, RIG_SIGNALED, 0, 64);
	await_good(&rig.cq_a);
	assert_int_equal(rig_counters().rnr_naks, 5);
	assert_memory_equal(rig.remote, rig.local, 64);
}

static void naks_have_their_status(void **state)
{
	static const struct {
		const char *plan;
		unsigned syndrome;
	} cases[] = {
		{ "nak error=operation", EMU_SYN_REMOTE_OPERATION },
		{ "nak error=access", EMU_SYN_REMOTE_ACCESS },
		{ "nak error=request", EMU_SYN_REMOTE_INVALID_REQUEST },
		{ "revoke opcode=write", EMU_SYN_REMOTE_ACCESS },
	};

	for (unsigned i = 0; i < 4; i++) {
		plan(cases[i].plan);
		rig_post_write(&rig.a, RIG_SIGNALED, 0, 5000);
		mlx5emu_step();
		rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, cases[i].syndrome);
		assert_int_equal(rig_state(&rig.a), EMU_QPS_ERR);
		assert_int_equal(rig_state(&rig.b), EMU_QPS_ERR);
		rig_teardown(state);
		setup(state);
	}
}

static void own_key_is_revoked(void **state)
{
	(void)state;
	plan("revoke on=wqe nth=2");
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_LOCAL_PROTECTION);
	assert_int_equal(emu_mr_dereg(rig.dev, rig.lkey), 0);
}

/* ---- device, port, wire ---- */

static void overflow_kills_queue_and_pairs(void **state)
{
	(void)state;
	plan("overflow nth=2");
	for (unsigned i = 0; i < 3; i++)
		rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect_none(&rig.cq_a);
	assert_int_equal(rig.nasync, 2);
	assert_int_equal(rig.async[0], EMU_EVENT_CQ_ERR);
	assert_int_equal(rig.async[1], EMU_EVENT_QP_FATAL);
	assert_int_equal(rig_state(&rig.a), EMU_QPS_ERR);
}

static void port_down_and_up(void **state)
{
	(void)state;
	plan("port-down on=wqe");
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	mlx5emu_step();
	rig_expect_none(&rig.cq_a);
	assert_false(emu_port_active(rig.dev));
	plan("port-up at=100us");
	await_good(&rig.cq_a);
	assert_true(emu_port_active(rig.dev));
	assert_int_equal(rig.async[0], EMU_EVENT_PORT_ERR);
	assert_int_equal(rig.async[1], EMU_EVENT_PORT_ACTIVE);
	plan("port-down");
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	assert_int_equal(await(&rig.cq_a).syndrome, EMU_SYN_RETRY_EXCEEDED);
}

/* A broken device completes nothing and lets itself be taken apart. */
static void fatal_stops_all(void **state)
{
	uint32_t pd;

	(void)state;
	plan("fatal on=wqe nth=2");
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	mlx5emu_step();
	assert_int_equal(rig.nasync, 1);
	assert_int_equal(rig.async[0], EMU_EVENT_DEVICE_FATAL);
	while (rig_poll(&rig.cq_a, &(struct rig_cqe){ 0 }))
		;
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	rig_post_write(&rig.b, RIG_SIGNALED, 0, 64);
	mlx5emu_advance_ns(1000000 * US);
	mlx5emu_step();
	rig_expect_none(&rig.cq_a);
	rig_expect_none(&rig.cq_b);
	assert_int_equal(emu_pd_alloc(rig.dev, &pd), -EIO);
	assert_int_equal(rig_modify(&rig.a, EMU_QPS_ERR), 0);
	assert_int_equal(rig_modify(&rig.a, EMU_QPS_RESET), 0);
	assert_int_equal(rig_modify(&rig.a, EMU_QPS_INIT), -EIO);
	mlx5emu_step();
	rig_expect_none(&rig.cq_a);
}

static void slow_device(void **state)
{
	(void)state;
	plan("slow by=50us");
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	for (unsigned i = 0; i < 2; i++) {
		mlx5emu_step();
		rig_expect_none(&rig.cq_a);
		mlx5emu_advance_ns(50 * US - 1);
		mlx5emu_step();
		rig_expect_none(&rig.cq_a);
		mlx5emu_advance_ns(1);
		mlx5emu_step();
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
	}
}

static void full_wire(void **state)
{
	(void)state;
	plan("full for=100us");
	mlx5emu_step();
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 5000);
	rig_post_read(&rig.b, RIG_SIGNALED, 0, 5000);
	mlx5emu_advance_ns(99 * US);
	mlx5emu_step();
	rig_expect_none(&rig.cq_a);
	mlx5emu_advance_ns(1 * US);
	mlx5emu_step();
	await_good(&rig.cq_a);
	await_good(&rig.cq_b);
}

/* ---- the check of ownership ---- */

static void ownership_is_checked(void **state)
{
	const struct emu_qp *qp;

	(void)state;
	rig_post_read(&rig.a, RIG_SIGNALED, 0, 64);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	mlx5emu_step();
	assert_int_equal(rig_counters().ownership_errors, 0);
	emu_lock();
	qp = emu_qp_find_any(rig.a.qpn);
	assert_true(emu_owner_may_write(qp, &qp->sq_owner, "send", rig.a.pi));
	assert_false(emu_owner_may_write(qp, &qp->sq_owner, "send", 0));
	qp = emu_qp_find_any(rig.b.qpn);
	assert_true(emu_owner_may_store(qp, qp->resp.epsn));
	assert_false(emu_owner_may_store(qp, qp->resp.epsn - 1));
	emu_unlock();
	assert_int_equal(rig_counters().ownership_errors, 2);
}

/* ---- repetition ---- */

static void random_run(const char *text)
{
	unsigned good = 0;

	plan(text);
	for (unsigned i = 0; i < 40; i++) {
		const size_t at = i * 8192;

		rig_receive(&rig.b, &(struct rig_seg){ rig.remote + at, 8192, rig.rkey }, 1);
		rig_post_send(&rig.a, RIG_SIGNALED, at, 7000);
		good += await(&rig.cq_a).syndrome == 0;
		good += await(&rig.cq_b).syndrome == 0;
	}
	assert_int_equal(good, 80);
}

/* In a process of its own, where all numbers start anew. */
static void trace_of(const char *text, const char *path)
{
	const pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		void *none = NULL;

		rig_trace_to(path);
		setup(&none);
		random_run(text);
		rig_teardown(&none);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Lines without the pid. */
static size_t read_trace(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "r");
	char line[500];
	size_t n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		const char *text = strchr(line, ']');

		assert_non_null(text);
		assert_true(n + strlen(text) < size);
		memcpy(out + n, text, strlen(text));
		n += strlen(text);
	}
	fclose(f);
	unlink(path);
	return n;
}

static void same_plan_same_trace(void **state)
{
	static const char bad[] = "lose rate=5%; duplicate rate=5%; delay rate=5% by=30us;"
				  "reorder rate=5%; rnr rate=20%; lose rate=3% direction=in";
	static char a[1 << 20], b[1 << 20];
	char path[] = "/tmp/bv-trace-XXXXXX", seeded[400];
	size_t size;

	(void)state;
	close(mkstemp(path));
	trace_of(bad, path);
	size = read_trace(path, a, sizeof(a));
	assert_true(size > 10000);
	trace_of(bad, path);
	assert_int_equal(read_trace(path, b, sizeof(b)), size);
	assert_memory_equal(a, b, size);
	snprintf(seeded, sizeof(seeded), "seed=2; %s", bad);
	trace_of(seeded, path);
	assert_true(read_trace(path, b, sizeof(b)) != size || memcmp(a, b, size) != 0);
}

static void plans_are_refused_and_replaced(void **state)
{
	char error[200] = "";

	(void)state;
	plan("lose");
	assert_int_equal(mlx5emu_fault_plan("lose; los", error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "line 1, column 7"));
	assert_int_equal(mlx5emu_fault_plan("?", NULL, 0), -EINVAL);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	mlx5emu_step();
	rig_expect_none(&rig.cq_a);
	assert_int_equal(mlx5emu_fault_hits(0), 1);
	assert_int_equal(mlx5emu_fault_hits(1), 0);
	plan("");
	await_good(&rig.cq_a);
	assert_int_equal(mlx5emu_fault_hits(0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_packet_is_lost),
		TEST(reordering_is_a_loss),
		TEST(overtaking_has_an_end),
		TEST(delay_beyond_the_timer),
		TEST(duplicates_and_direction),
		TEST(rnr_storm),
		TEST(naks_have_their_status),
		TEST(own_key_is_revoked),
		TEST(overflow_kills_queue_and_pairs),
		TEST(port_down_and_up),
		TEST(fatal_stops_all),
		TEST(slow_device),
		TEST(full_wire),
		TEST(ownership_is_checked),
		TEST(plans_are_refused_and_replaced),
		cmocka_unit_test(same_plan_same_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
