/* SPDX-License-Identifier: MIT */
/*
 * Faults by transport and by object: what they select, and what becomes of shared receive queues,
 * completion queues and queue pairs that a rule breaks.
 */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/mlx5emu/engine/state.h"

enum {
	WQES = 8,
	STRIDE = 32, /* a next segment and one data segment */
	QKEY = 0x11111111,
};

static struct {
	uint8_t *ring;
	emu_be32 *dbrec;
	uint32_t srqn;
	uint16_t posted;
} srq;

static void plan(const char *text)
{
	char error[200];

	if (mlx5emu_fault_plan(text, error, sizeof(error)) < 0)
		fail_msg("'%s': %s", text, error);
}

static int setup(void **state)
{
	rig_setup_unconnected(state);
	rig_connect_both(&(struct rig_options){
		.timeout = 4, .retry_cnt = 7, .rnr_retry = 7, .min_rnr_timer = 1 });
	rig_fill(3);
	return 0;
}

static void *zeroed_page(void)
{
	void *p = aligned_alloc(EMU_PAGE_SIZE, EMU_PAGE_SIZE);

	assert_non_null(p);
	memset(p, 0, EMU_PAGE_SIZE);
	return p;
}

/* b takes its receives from a shared queue of WQES receives. */
static int setup_shared(void **state)
{
	struct emu_srq_attr attr = { .wqe_count = WQES, .stride_shift = 5, .cookie = &srq };

	rig_setup_unconnected(state);
	srq.ring = zeroed_page();
	srq.dbrec = zeroed_page();
	for (unsigned i = 0; i < WQES; i++) {
		uint8_t *at = srq.ring + i * STRIDE;
		const emu_be32 words[] = { emu_put32(4096), emu_put32(rig.rkey) };
		const emu_be64 address = emu_put64((uintptr_t)rig.remote);

		at[3] = (uint8_t)((i + 1) % WQES);
		memcpy(at + 16, words, sizeof(words));
		memcpy(at + 24, &address, sizeof(address));
	}
	srq.dbrec->be = emu_put32(WQES).be;
	attr.pdn = rig.pd;
	attr.buf_addr = (uintptr_t)srq.ring;
	attr.dbrec_addr = (uintptr_t)srq.dbrec;
	assert_int_equal(emu_srq_create(rig.dev, &attr, &srq.srqn), 0);
	rig_qp_destroy(&rig.b);
	rig_qp_create_as(
		&rig.b, &rig.cq_b, &rig.cq_b,
		&(struct emu_qp_init){ .type = EMU_QPT_RC, .pdn = rig.pd, .srqn = srq.srqn });
	rig_connect_both(&(struct rig_options){ .timeout = 4, .retry_cnt = 7, .rnr_retry = 0 });
	rig_fill(3);
	return 0;
}

static int teardown_shared(void **state)
{
	rig_teardown(state);
	free(srq.ring);
	free(srq.dbrec);
	return 0;
}

static void send(void)
{
	rig_post_send(&rig.a, RIG_SIGNALED, 0, 64);
	mlx5emu_step();
}

static unsigned events(enum emu_event type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < rig.nasync; i++)
		n += rig.async[i] == type;
	return n;
}

/* ---- selection ---- */

static void a_transport_is_selected(void **state)
{
	(void)state;
	plan("lose transport=uc,ud,xrc; duplicate transport=rc opcode=write");
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_int_equal(mlx5emu_fault_hits(0), 0);
	assert_int_equal(mlx5emu_fault_hits(1), 1);
}

static void a_queue_is_selected(void **state)
{
	char text[100];

	(void)state;
	snprintf(text, sizeof(text), "overflow cqn=%u; qp-error on=receive srqn=7", rig.cq_b.cqn);
	plan(text);
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 4096, rig.rkey }, 1);
	send();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect_none(&rig.cq_b);
	assert_int_equal(mlx5emu_fault_hits(0), 1);
	assert_int_equal(mlx5emu_fault_hits(1), 0);
	assert_int_equal(events(EMU_EVENT_CQ_ERR), 1);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_ERR);
}

static void wrong_selections_are_refused(void **state)
{
	static const struct {
		const char *plan, *words;
	} wrong[] = {
		{ "lose transport=tcp", "unknown transport 'tcp'; known: rc uc ud xrc" },
		{ "lose opcode=umr", "never meets these opcodes" },
		{ "lose cqn=1", "no setting 'cqn' for lose" },
		{ "overflow srqn=1", "no setting 'srqn' for overflow" },
		{ "fatal cqn=1", "cqn= is of completions" },
		{ "fatal on=completion srqn=1", "srqn= is of receives" },
		{ "limit opcode=send", "never meets these opcodes" },
		{ "revoke on=receive psn=1", "psn= is of packets and requests" },
		{ "limit on=wqe", "no setting 'on'" },
		{ "srq-error cqn=0", "no setting" },
	};
	char error[200];

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		if (mlx5emu_fault_plan(wrong[i].plan, error, sizeof(error)) == 0)
			fail_msg("'%s' was taken", wrong[i].plan);
		if (!strstr(error, wrong[i].words))
			fail_msg("'%s': %s", wrong[i].plan, error);
	}
}

/* ---- objects ---- */

static void the_limit_comes_early_and_once(void **state)
{
	(void)state;
	plan("limit nth=2..");
	assert_int_equal(emu_srq_arm(rig.dev, srq.srqn, 1), 0);
	send();
	assert_int_equal(events(EMU_EVENT_SRQ_LIMIT_REACHED), 0);
	send();
	assert_int_equal(events(EMU_EVENT_SRQ_LIMIT_REACHED), 1);
	send();
	assert_int_equal(events(EMU_EVENT_SRQ_LIMIT_REACHED), 1);
	for (unsigned i = 0; i < 3; i++)
		rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	assert_int_equal(mlx5emu_fault_hits(0), 2);
}

static void a_shared_queue_breaks(void **state)
{
	(void)state;
	plan("srq-error count=1");
	send();
	rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	assert_int_equal(events(EMU_EVENT_SRQ_ERR), 1);
	send();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_OPERATION);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_ERR);
	assert_int_equal(events(EMU_EVENT_QP_FATAL), 1);
}

static void the_key_of_a_receive_goes(void **state)
{
	char text[60];

	(void)state;
	snprintf(text, sizeof(text), "revoke on=receive srqn=%u", srq.srqn);
	plan(text);
	send();
	rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_LOCAL_PROTECTION);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_OPERATION);
}

static void a_sender_breaks(void **state)
{
	(void)state;
	plan("qp-error nth=2");
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 64);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_post_write(&rig.a, RIG_SIGNALED, 4096, 64);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_FLUSH);
	assert_int_equal(events(EMU_EVENT_QP_FATAL), 1);
	assert_int_equal(rig_state(&rig.a), EMU_QPS_ERR);
	assert_memory_not_equal(rig.remote + 4096, rig.local + 4096, 64);
}

static void a_responder_breaks(void **state)
{
	(void)state;
	plan("qp-error on=request opcode=read");
	rig_post_read(&rig.a, RIG_SIGNALED, 0, 64);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_OPERATION);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_ERR);
}

static void a_receiver_breaks(void **state)
{
	(void)state;
	plan("qp-error on=receive");
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 4096, rig.rkey }, 1);
	send();
	rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_FLUSH);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_OPERATION);
}

/* ---- a process without a device, and one that comes back ---- */

static uint32_t told;

static bool listen_to(uint32_t events)
{
	told |= events;
	return told & EMU_FAULT_DISCONNECTED; /* else: later */
}

static int ask(const char *text, enum emu_fault_command command)
{
	const struct emu_run_config run = { .manual = true, .faults = text };
	int rc = emu_engine_enter(&run);

	assert_int_equal(rc, 0);
	assert_int_equal(emu_slot(), 1);
	rc = emu_command_fault(command, NULL);
	emu_engine_leave();
	assert_int_equal(emu_slot(), 0);
	return rc;
}

static void a_plan_outlives_its_users(void **state)
{
	static const char text[] = "fail command=get-context error=EBUSY nth=2";

	(void)state;
	assert_int_equal(ask(text, EMU_FAULT_GET_CONTEXT), 0);
	assert_int_equal(ask(text, EMU_FAULT_ALLOC_PD), 0);
	assert_int_equal(ask(text, EMU_FAULT_GET_CONTEXT), -EBUSY);
	assert_int_equal(ask(text, EMU_FAULT_GET_CONTEXT), 0);
	assert_int_equal(ask("fail command=connect", EMU_FAULT_CONNECT), -ENOMEM);
	assert_int_equal(ask(text, EMU_FAULT_GET_CONTEXT), 0); /* begins anew */
	assert_int_equal(ask(NULL, EMU_FAULT_GET_CONTEXT), 0);
}

static void connections_are_told(void **state)
{
	struct emu_cm_answer answer = { .given = false };

	(void)state;
	assert_int_equal(emu_engine_enter(&(struct emu_run_config){ .manual = true }), 0);
	emu_connections(listen_to);
	plan("cm-error type=rejected reason=8; cm-event type=addr-change command=accept");
	assert_int_equal(emu_command_fault(EMU_FAULT_RESOLVE_ADDR, &answer), 0);
	assert_false(answer.given);
	assert_int_equal(emu_command_fault(EMU_FAULT_CONNECT, &answer), 0);
	assert_true(answer.given);
	assert_int_equal(answer.error, EMU_FAULT_REJECTED);
	assert_int_equal(answer.status, 8);
	assert_int_equal(emu_command_fault(EMU_FAULT_ACCEPT, &answer), 0);
	assert_int_equal(told, 0); /* at the end of a round */
	emu_lock();
	assert_true(emu_step_locked() > 0);
	assert_int_equal(told, EMU_FAULT_ADDR_CHANGE);
	told = EMU_FAULT_DISCONNECTED; /* who was asked could not, and can now */
	assert_true(emu_step_locked() > 0);
	assert_int_equal(told, EMU_FAULT_DISCONNECTED | EMU_FAULT_ADDR_CHANGE);
	assert_int_equal(emu_step_locked(), 0);
	emu_unlock();
	emu_connections(NULL);
	emu_engine_leave();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)
#define SHARED(name) cmocka_unit_test_setup_teardown(name, setup_shared, teardown_shared)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_transport_is_selected),
		TEST(a_queue_is_selected),
		TEST(wrong_selections_are_refused),
		SHARED(the_limit_comes_early_and_once),
		SHARED(a_shared_queue_breaks),
		SHARED(the_key_of_a_receive_goes),
		TEST(a_sender_breaks),
		TEST(a_responder_breaks),
		TEST(a_receiver_breaks),
		cmocka_unit_test(a_plan_outlives_its_users),
		cmocka_unit_test(connections_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
