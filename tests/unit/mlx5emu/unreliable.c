/* SPDX-License-Identifier: MIT */
/* Unreliable connections: nothing is answered, and what is lost takes its whole message with it. */
#include "rig.h"

#include <errno.h>

#include "tools/mlx5emu/engine/qp.h"

static int modify(struct rig_qp *qp, struct emu_qp_attr attr, enum emu_qp_state state,
		  uint32_t mask)
{
	attr.qp_state = state;
	return emu_qp_modify(rig.dev, qp->qpn, &attr, EMU_QP_STATE | mask);
}

static void connect(struct rig_qp *qp, uint32_t peer)
{
	const struct emu_qp_attr attr = {
		.port_num = 1,
		.access_flags = EMU_ACCESS_REMOTE_WRITE,
		.av = { .is_global = true, .port_num = 1 },
		.path_mtu = 3,
		.dest_qpn = peer,
		.rq_psn = 50,
		.sq_psn = 50,
	};

	assert_int_equal(modify(qp, attr, EMU_QPS_INIT,
				EMU_QP_PKEY_INDEX | EMU_QP_PORT | EMU_QP_ACCESS_FLAGS),
			 0);
	assert_int_equal(modify(qp, attr, EMU_QPS_RTR,
				EMU_QP_AV | EMU_QP_PATH_MTU | EMU_QP_DEST_QPN | EMU_QP_RQ_PSN |
					EMU_QP_MIN_RNR_TIMER),
			 -EINVAL);
	assert_int_equal(modify(qp, attr, EMU_QPS_RTR,
				EMU_QP_AV | EMU_QP_PATH_MTU | EMU_QP_DEST_QPN | EMU_QP_RQ_PSN),
			 0);
	assert_int_equal(modify(qp, attr, EMU_QPS_RTS, EMU_QP_SQ_PSN | EMU_QP_TIMEOUT), -EINVAL);
	assert_int_equal(modify(qp, attr, EMU_QPS_RTS, EMU_QP_SQ_PSN), 0);
}

static int setup(void **state)
{
	rig_setup_unconnected(state);
	rig_qp_destroy(&rig.a);
	rig_qp_destroy(&rig.b);
	rig_qp_create_as(&rig.a, &rig.cq_a, &rig.cq_a,
			 &(struct emu_qp_init){ .type = EMU_QPT_UC, .pdn = rig.pd });
	rig_qp_create_as(&rig.b, &rig.cq_b, &rig.cq_b,
			 &(struct emu_qp_init){ .type = EMU_QPT_UC, .pdn = rig.pd });
	connect(&rig.a, rig.b.qpn);
	connect(&rig.b, rig.a.qpn);
	rig_fill(1);
	return 0;
}

static void post_receive(void)
{
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 100000, rig.rkey }, 1);
}

static void messages_arrive(void **state)
{
	(void)state;
	post_receive();
	rig_post_send(&rig.a, RIG_SIGNALED, 0, 70000);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).byte_cnt, 70000);
	assert_memory_equal(rig.remote, rig.local, 70000);
	rig_post_write(&rig.a, RIG_SIGNALED, 100000, 5000);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.remote + 100000, rig.local + 100000, 5000);
	assert_int_equal(rig_counters().datagrams_sent, 3);
}

static void nothing_posted_is_a_loss(void **state)
{
	(void)state;
	rig_post_send(&rig.a, RIG_SIGNALED, 0, 10);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	post_receive();
	rig_post_send(&rig.a, RIG_SIGNALED, 0, 20);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).byte_cnt, 20);
	assert_int_equal(rig_counters().rnr_naks, 0);
}

/* IBA vol 1 section 9.8.2.2.1: the receive serves the next message. */
static void lost_packet_takes_its_message(void **state)
{
	struct rig_cqe cqe;

	(void)state;
	assert_int_equal(mlx5emu_fault_plan("lose opcode=send nth=2", NULL, 0), 0);
	post_receive();
	rig_post_send(&rig.a, RIG_SIGNALED, 0, 4000);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect_none(&rig.cq_b);
	rig_post_send(&rig.a, RIG_SIGNALED, 4000, 3000);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	cqe = rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	assert_int_equal(cqe.byte_cnt, 3000);
	assert_int_equal(cqe.wqe_counter, 0);
	assert_memory_equal(rig.remote, rig.local + 4000, 3000);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_RTS);
}

static void lost_last_packet_too(void **state)
{
	(void)state;
	assert_int_equal(mlx5emu_fault_plan("lose opcode=send nth=4", NULL, 0), 0);
	post_receive();
	rig_post_send(&rig.a, 0, 0, 4000);
	rig_post_send(&rig.a, 0, 8000, 4000);
	mlx5emu_step();
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).byte_cnt, 4000);
	assert_memory_equal(rig.remote, rig.local + 8000, 4000);
}

static void bad_writes_are_dropped(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_WRITE, RIG_SIGNALED);

	(void)state;
	rig_raddr(&w, rig.remote, rig.rkey + 0x100);
	rig_data(&w, rig.local, 100, rig.lkey);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_int_equal(rig.remote[0], 0);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_RTS);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 100);
	mlx5emu_step();
	assert_memory_equal(rig.remote, rig.local, 100);
}

static void reads_are_refused(void **state)
{
	char text[200];

	(void)state;
	rig_post_read(&rig.a, RIG_SIGNALED, 0, 8);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_LOCAL_QP_OPERATION);
	mlx5emu_last_illegal(text, sizeof(text));
	assert_non_null(strstr(text, "an opcode of the queue's transport"));
}

/* IBA vol 1 section 10.3.1: the send queue alone stops, and can be started again. */
static void send_error_stops_the_send_queue(void **state)
{
	const struct emu_qp_attr none = { 0 };

	(void)state;
	post_receive();
	rig_receive(&rig.a, &(struct rig_seg){ rig.local, 100, rig.lkey }, 1);
	rig.lkey += 0x100;
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
	rig.lkey -= 0x100;
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_LOCAL_PROTECTION);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_FLUSH);
	assert_int_equal(rig_state(&rig.a), EMU_QPS_SQE);
	rig_post_send(&rig.b, RIG_SIGNALED, 0, 50);
	mlx5emu_step();
	assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_RESP_SEND).byte_cnt, 50);
	rig_expect(&rig.cq_b, EMU_CQE_REQ);
	rig_post_write(&rig.a, 0, 0, 8);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_FLUSH);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 8); /* and rung, but not seen yet */
	assert_int_equal(modify(&rig.a, none, EMU_QPS_RTS, 0), 0);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_FLUSH);
	rig_post_send(&rig.a, RIG_SIGNALED, 0, 60);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).byte_cnt, 60);
}

/* What was rung in SQE finds no room: the queue pair is in error, and its receives are flushed as of any. */
static void overflow_on_the_way_from_sqe(void **state)
{
	const struct emu_qp_attr none = { 0 };
	struct emu_qp *qp;

	(void)state;
	qp = emu_qp_find_any(rig.a.qpn);
	rig_receive(&rig.a, &(struct rig_seg){ rig.local, 100, rig.lkey }, 1);
	rig.lkey += 0x100;
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
	rig.lkey -= 0x100;
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_LOCAL_PROTECTION);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
	qp->send_cq->overrun = true;
	assert_int_equal(modify(&rig.a, none, EMU_QPS_RTS, 0), 0);
	assert_int_equal(rig_state(&rig.a), EMU_QPS_ERR);
	qp->send_cq->overrun = false;
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_RESP_ERR, EMU_SYN_FLUSH);
}

static void psns_advance_by_packets(void **state)
{
	struct emu_qp_attr attr;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		rig_post_write(&rig.a, RIG_SIGNALED, 0, RIG_BUFFER / 16);
		mlx5emu_step();
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
	}
	assert_int_equal(emu_qp_query(rig.dev, rig.b.qpn, &attr, NULL), 0);
	assert_int_equal(attr.rq_psn, 50 + 300 * 64);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_arrive),
		TEST(nothing_posted_is_a_loss),
		TEST(lost_packet_takes_its_message),
		TEST(lost_last_packet_too),
		TEST(bad_writes_are_dropped),
		TEST(reads_are_refused),
		TEST(send_error_stops_the_send_queue),
		TEST(overflow_on_the_way_from_sqe),
		TEST(psns_advance_by_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
