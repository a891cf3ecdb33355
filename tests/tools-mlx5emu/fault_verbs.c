/* SPDX-License-Identifier: MIT */
/*
 * Faults that a program of verbs meets outside of its queues: events of the port, memory windows that
 * break. Commands that fail are fault_commands.c's. Through the real libmlx5.
 */
#include "link.h"

#include "tools/mlx5emu/engine/vendor.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

static struct link f;

/* ---- events of the port ---- */

static void expect_event(enum ibv_event_type type)
{
	struct pollfd p = { .fd = f.ctx->async_fd, .events = POLLIN };
	struct ibv_async_event event;

	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(ibv_get_async_event(f.ctx, &event), 0);
	assert_int_equal(event.event_type, type);
	assert_int_equal(event.element.port_num, 1);
	ibv_ack_async_event(&event);
}

static void test_events(void **state)
{
	static const struct {
		const char *name;
		enum ibv_event_type type;
	} events[] = { { "lid-change", IBV_EVENT_LID_CHANGE },
		       { "pkey-change", IBV_EVENT_PKEY_CHANGE },
		       { "sm-change", IBV_EVENT_SM_CHANGE },
		       { "client-reregister", IBV_EVENT_CLIENT_REREGISTER },
		       { "gid-change", IBV_EVENT_GID_CHANGE } };
	char plan[60];

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		snprintf(plan, sizeof(plan), "event type=%s", events[i].name);
		link_plan(plan);
		expect_event(events[i].type);
	}
	link_plan("event type=gid-change command=alloc-pd nth=2");
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(ibv_dealloc_pd(ibv_alloc_pd(f.ctx)), 0);
	expect_event(IBV_EVENT_GID_CHANGE);
	link_plan("port-down; port-up at=1ms");
	expect_event(IBV_EVENT_PORT_ERR);
	expect_event(IBV_EVENT_PORT_ACTIVE);
}

/* ---- events of queues and of the device: each type that there is, by the plan or by what it tells of ---- */

static void post_send(enum ibv_wr_opcode opcode)
{
	struct ibv_sge sge = { (uintptr_t)f.buffer, 8, f.mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = opcode,
				  .send_flags = IBV_SEND_SIGNALED,
				  .wr.rdma = { (uintptr_t)f.buffer + 64, f.mr->rkey } };
	struct ibv_send_wr *bad;

	assert_int_equal(ibv_post_send(f.qp, &wr, &bad), 0);
}

static void post_receive(struct ibv_srq *srq)
{
	struct ibv_sge sge = { (uintptr_t)f.buffer + 512, 64, f.mr->lkey };
	struct ibv_recv_wr wr = { .sg_list = &sge, .num_sge = 1 }, *bad;

	if (srq)
		assert_int_equal(ibv_post_srq_recv(srq, &wr, &bad), 0);
	else
		assert_int_equal(ibv_post_recv(f.peer, &wr, &bad), 0);
}

static void move(struct ibv_qp *qp, enum ibv_qp_state to)
{
	struct ibv_qp_attr attr = { .qp_state = to, .en_sqd_async_notify = 1 };
	const int mask = to == IBV_QPS_SQD ? IBV_QP_EN_SQD_ASYNC_NOTIFY : 0;

	assert_int_equal(ibv_modify_qp(qp, &attr, IBV_QP_STATE | mask), 0);
}

static void write_with(const char *plan)
{
	link_plan(plan);
	post_send(IBV_WR_RDMA_WRITE);
}

/* Of @element: which queue pair, CQ or SRQ; NULL for the device. */
static void expect_event_of(enum ibv_event_type type, const void *element)
{
	struct pollfd p = { .fd = f.ctx->async_fd, .events = POLLIN };
	struct ibv_async_event event;

	if (poll(&p, 1, 5000) != 1)
		fail_msg("no event: %s", ibv_event_type_str(type));
	assert_int_equal(ibv_get_async_event(f.ctx, &event), 0);
	assert_string_equal(ibv_event_type_str(event.event_type), ibv_event_type_str(type));
	if (element)
		assert_ptr_equal(event.element.qp, element);
	ibv_ack_async_event(&event);
}

static void test_requester_breaks(void **state)
{
	(void)state;
	write_with("qp-error");
	expect_event_of(IBV_EVENT_QP_FATAL, f.qp);
}

static void test_responder_refuses(void **state)
{
	(void)state;
	write_with("nak error=request");
	expect_event_of(IBV_EVENT_QP_REQ_ERR, f.peer);
}

static void test_responder_protects(void **state)
{
	(void)state;
	write_with("nak error=access");
	expect_event_of(IBV_EVENT_QP_ACCESS_ERR, f.peer);
}

static void test_queue_overflows(void **state)
{
	(void)state;
	write_with("overflow");
	expect_event_of(IBV_EVENT_CQ_ERR, f.cq);
}

static void test_device_breaks(void **state)
{
	(void)state;
	link_plan("fatal");
	expect_event_of(IBV_EVENT_DEVICE_FATAL, NULL);
}

static void test_drained(void **state)
{
	(void)state;
	move(f.qp, IBV_QPS_SQD);
	expect_event_of(IBV_EVENT_SQ_DRAINED, f.qp);
}

/* A message for a queue pair that is not ready to send yet. */
static void test_established(void **state)
{
	(void)state;
	move(f.peer, IBV_QPS_RESET);
	link_connect_to(f.peer, f.qp->qp_num, IBV_QPS_RTR);
	post_receive(NULL);
	post_send(IBV_WR_SEND);
	expect_event_of(IBV_EVENT_COMM_EST, f.peer);
}

/* A queue pair with a shared receive queue, in the place of the link's peer. */
static struct ibv_qp *share(struct ibv_srq **srq)
{
	struct ibv_srq_init_attr init = { .attr = { .max_wr = 8, .max_sge = 1 } };
	struct ibv_srq_attr limit = { .srq_limit = 1 };
	struct ibv_qp_init_attr attr = { .send_cq = f.peer_cq,
					 .recv_cq = f.peer_cq,
					 .cap = { 4, 0, 1, 0, 0 },
					 .qp_type = IBV_QPT_RC };
	struct ibv_qp *qp;

	*srq = ibv_create_srq(f.pd, &init);
	assert_non_null(*srq);
	attr.srq = *srq;
	qp = ibv_create_qp(f.pd, &attr);
	assert_non_null(qp);
	for (unsigned i = 0; i < 4; i++)
		post_receive(*srq);
	assert_int_equal(ibv_modify_srq(*srq, &limit, IBV_SRQ_LIMIT), 0);
	move(f.qp, IBV_QPS_RESET);
	link_connect(f.qp, qp->qp_num);
	link_connect(qp, f.qp->qp_num);
	return qp;
}

/* The limit is a rule's before it is reached; what breaks has its last WQE behind it. */
static void test_shared(void **state)
{
	struct ibv_srq *srq;
	struct ibv_qp *qp = share(&srq);

	(void)state;
	link_plan("limit nth=1");
	post_send(IBV_WR_SEND);
	expect_event_of(IBV_EVENT_SRQ_LIMIT_REACHED, srq);
	link_plan("qp-error on=request opcode=write");
	post_send(IBV_WR_RDMA_WRITE);
	expect_event_of(IBV_EVENT_QP_FATAL, qp);
	expect_event_of(IBV_EVENT_QP_LAST_WQE_REACHED, qp);
	assert_int_equal(ibv_destroy_qp(qp), 0);
	assert_int_equal(ibv_destroy_srq(srq), 0);
}

static void test_shared_breaks(void **state)
{
	struct ibv_srq *srq;
	struct ibv_qp *qp = share(&srq);

	(void)state;
	link_plan("srq-error");
	post_send(IBV_WR_SEND);
	expect_event_of(IBV_EVENT_SRQ_ERR, srq);
	link_plan("");
	assert_int_equal(ibv_destroy_qp(qp), 0);
	assert_int_equal(ibv_destroy_srq(srq), 0);
}

/* ---- memory windows ---- */

static struct ibv_wc bind_window(struct ibv_mw *mw)
{
	struct ibv_mw_bind bind = {
		.send_flags = IBV_SEND_SIGNALED,
		.bind_info = { .mr = f.mr,
			       .addr = (uintptr_t)f.buffer,
			       .length = 64,
			       .mw_access_flags = IBV_ACCESS_REMOTE_WRITE },
	};

	assert_int_equal(ibv_bind_mw(f.peer, mw, &bind), 0);
	return link_wait(f.peer_cq);
}

static struct ibv_wc write_to(uint32_t rkey)
{
	struct ibv_sge sge = { (uintptr_t)f.buffer + 1000, 8, f.mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = IBV_WR_RDMA_WRITE,
				  .send_flags = IBV_SEND_SIGNALED,
				  .wr.rdma = { (uintptr_t)f.buffer, rkey } };
	struct ibv_send_wr *bad;

	assert_int_equal(ibv_post_send(f.qp, &wr, &bad), 0);
	return link_wait(f.cq);
}

static void test_window_is_revoked(void **state)
{
	struct ibv_mw *mw = ibv_alloc_mw(f.pd, IBV_MW_TYPE_1);
	struct ibv_wc wc;

	(void)state;
	assert_non_null(mw);
	assert_int_equal(bind_window(mw).status, IBV_WC_SUCCESS);
	link_plan("revoke opcode=write nth=2");
	assert_int_equal(write_to(mw->rkey).status, IBV_WC_SUCCESS);
	wc = write_to(mw->rkey);
	assert_int_equal(wc.status, IBV_WC_REM_ACCESS_ERR);
	assert_int_equal(wc.vendor_err, EMU_VENDOR_REMOTE_ACCESS);
	ibv_dealloc_mw(mw);
}

static void test_binding_breaks(void **state)
{
	struct ibv_mw *mw = ibv_alloc_mw(f.pd, IBV_MW_TYPE_1);
	struct ibv_wc wc;

	(void)state;
	assert_non_null(mw);
	link_plan("qp-error opcode=umr");
	wc = bind_window(mw);
	assert_int_equal(wc.status, IBV_WC_WR_FLUSH_ERR);
	assert_int_equal(wc.vendor_err, EMU_VENDOR_FLUSH);
	assert_int_equal(ibv_dealloc_mw(mw), 0);
}

#define TEST(name) LINK_TEST(name, &f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_events),
		TEST(test_requester_breaks),
		TEST(test_responder_refuses),
		TEST(test_responder_protects),
		TEST(test_queue_overflows),
		TEST(test_device_breaks),
		TEST(test_drained),
		TEST(test_established),
		TEST(test_shared),
		TEST(test_shared_breaks),
		TEST(test_window_is_revoked),
		TEST(test_binding_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
