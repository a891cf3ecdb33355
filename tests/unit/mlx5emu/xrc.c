/* SPDX-License-Identifier: MIT */
/*
 * XRC: queue pair a is an initiator, b a target of the domain that two shared receive queues belong
 * to; their completions go to CQ b. Keys are those of the shared queue's protection domain.
 */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>

enum {
	WQES = 8,
	STRIDE = 32, /* a next segment and one data segment */
	UIDX = 0xabcd,
};

struct queue {
	uint8_t *ring;
	emu_be32 *dbrec;
	uint32_t srqn;
	uint16_t posted;
};

static struct queue one, two;
static uint32_t xrcd;

static void *zeroed_page(void)
{
	void *p = aligned_alloc(EMU_PAGE_SIZE, EMU_PAGE_SIZE);

	assert_non_null(p);
	memset(p, 0, EMU_PAGE_SIZE);
	return p;
}

static void create_queue(struct queue *q, uint32_t pd, uint32_t domain)
{
	struct emu_srq_attr attr = {
		.pdn = pd,
		.wqe_count = WQES,
		.stride_shift = 5,
		.xrcdn = domain,
		.cqn = rig.cq_b.cqn,
		.uidx = UIDX,
	};

	*q = (struct queue){ .ring = zeroed_page(), .dbrec = zeroed_page() };
	for (unsigned i = 0; i < WQES; i++)
		q->ring[i * STRIDE + 3] = (uint8_t)((i + 1) % WQES);
	attr.buf_addr = (uintptr_t)q->ring;
	attr.dbrec_addr = (uintptr_t)q->dbrec;
	assert_int_equal(emu_srq_create(rig.dev, &attr, &q->srqn), 0);
}

static void destroy_queue(struct queue *q)
{
	if (q->srqn)
		assert_int_equal(emu_srq_destroy(rig.dev, q->srqn), 0);
	free(q->ring);
	free(q->dbrec);
}

static void post(struct queue *q, void *addr, uint32_t length)
{
	uint8_t *at = q->ring + q->posted % WQES * STRIDE;
	const emu_be32 words[] = { emu_put32(length), emu_put32(rig.rkey) };
	const emu_be64 address = emu_put64((uintptr_t)addr);

	memcpy(at + 16, words, 8);
	memcpy(at + 24, &address, 8);
	__atomic_store_n(&q->dbrec->be, emu_put32(++q->posted).be, __ATOMIC_RELEASE);
}

static void move(struct rig_qp *qp, enum emu_qp_state state, uint32_t mask)
{
	const struct emu_qp_attr attr = {
		.qp_state = state,
		.port_num = 1,
		.access_flags = 0xf,
		.av = { .is_global = true, .port_num = 1 },
		.path_mtu = 3,
		.dest_qpn = qp == &rig.a ? rig.b.qpn : rig.a.qpn,
		.rq_psn = 9,
		.sq_psn = 9,
		.max_rd_atomic = 4,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 1,
		.retry_cnt = 1,
		.rnr_retry = 7,
	};

	assert_int_equal(emu_qp_modify(rig.dev, qp->qpn, &attr, EMU_QP_STATE | mask), 0);
}

static void connect(void)
{
	const uint32_t address = EMU_QP_PKEY_INDEX | EMU_QP_PORT | EMU_QP_ACCESS_FLAGS;
	const uint32_t peer = EMU_QP_AV | EMU_QP_PATH_MTU | EMU_QP_DEST_QPN | EMU_QP_RQ_PSN;

	move(&rig.a, EMU_QPS_INIT, address);
	move(&rig.a, EMU_QPS_RTR, peer);
	move(&rig.a, EMU_QPS_RTS,
	     EMU_QP_SQ_PSN | EMU_QP_TIMEOUT | EMU_QP_RETRY_CNT | EMU_QP_RNR_RETRY |
		     EMU_QP_MAX_QP_RD_ATOMIC);
	move(&rig.b, EMU_QPS_INIT, address);
	move(&rig.b, EMU_QPS_RTR, peer | EMU_QP_MAX_DEST_RD_ATOMIC | EMU_QP_MIN_RNR_TIMER);
	move(&rig.b, EMU_QPS_RTS, EMU_QP_SQ_PSN | EMU_QP_TIMEOUT);
}

/* A target has neither queues nor CQs. */
static void create_target(void)
{
	const struct emu_qp_init init = {
		.type = EMU_QPT_XRC_TGT,
		.xrcdn = xrcd,
		.uar_page = rig.uar,
		.dbrec_addr = (uintptr_t)one.dbrec + 64,
	};

	rig.b = (struct rig_qp){ .uar = rig.uar };
	assert_int_equal(emu_qp_create(rig.dev, &init, &rig.b.qpn), 0);
}

static int setup(void **state)
{
	rig_setup_unconnected(state);
	rig_qp_destroy(&rig.a);
	rig_qp_destroy(&rig.b);
	assert_int_equal(emu_xrcd_open(rig.dev, NULL, true, false, &xrcd), 0);
	create_queue(&one, rig.pd, xrcd);
	create_queue(&two, rig.pd, xrcd);
	rig_qp_create_as(
		&rig.a, &rig.cq_a, &rig.cq_a,
		&(struct emu_qp_init){ .type = EMU_QPT_XRC_INI, .pdn = rig.pd, .xrcdn = xrcd });
	create_target();
	connect();
	rig_fill(1);
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(emu_xrcd_free(rig.dev, xrcd), -EBUSY);
	destroy_queue(&one);
	destroy_queue(&two);
	rig_teardown(state);
	return 0;
}

static struct rig_wqe begin(uint8_t opcode, uint32_t srqn)
{
	struct rig_wqe w = rig_begin(&rig.a, opcode, RIG_SIGNALED);
	const emu_be32 number = emu_put32(srqn);

	memcpy(w.bytes + w.size, &number, 4);
	memset(w.bytes + w.size + 4, 0, 12);
	w.size += 16;
	return w;
}

static void send_inline(const struct queue *q, const char *text)
{
	struct rig_wqe w = begin(EMU_OP_SEND, q->srqn);

	rig_inline(&w, text, (uint32_t)strlen(text) + 1);
	rig_send(&rig.a, &w);
}

static void each_message_names_its_queue(void **state)
{
	struct rig_cqe cqe;

	(void)state;
	post(&one, rig.remote, 64);
	post(&two, rig.remote + 64, 64);
	post(&two, rig.remote + 128, 64);
	send_inline(&two, "first of two");
	send_inline(&one, "one");
	send_inline(&two, "second of two");
	for (unsigned i = 0; i < 3; i++)
		rig_expect(&rig.cq_a, EMU_CQE_REQ);
	cqe = rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND);
	assert_int_equal(cqe.qpn, rig.b.qpn);
	assert_int_equal(cqe.wqe_counter, 0);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).wqe_counter, 0);
	assert_int_equal(rig_expect(&rig.cq_b, EMU_CQE_RESP_SEND).wqe_counter, 1);
	assert_string_equal((char *)rig.remote, "one");
	assert_string_equal((char *)rig.remote + 64, "first of two");
	assert_string_equal((char *)rig.remote + 128, "second of two");
}

static void memory_operations_work(void **state)
{
	uint64_t *target = (uint64_t *)(void *)(rig.remote + 65536);
	struct rig_wqe w = begin(EMU_OP_WRITE, one.srqn);

	(void)state;
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local, 5000, rig.lkey);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.remote, rig.local, 5000);
	w = begin(EMU_OP_READ, two.srqn);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local + 10000, 5000, rig.lkey);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.remote, rig.local + 10000, 5000);
	*target = 5;
	w = begin(EMU_OP_ATOMIC_FA, one.srqn);
	rig_raddr(&w, target, rig.rkey);
	rig_atomic(&w, 2, 0);
	rig_data(&w, rig.local, 8, rig.lkey);
	rig_send(&rig.a, &w);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_true(*target == 7);
}

static void unknown_queue_is_an_invalid_request(void **state)
{
	struct queue stranger = { .srqn = two.srqn + 1 };

	(void)state;
	send_inline(&stranger, "nobody");
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
	assert_int_equal(rig.async[rig.nasync - 1], EMU_EVENT_QP_REQ_ERR);
}

static void queue_of_another_domain_too(void **state)
{
	struct queue other;
	uint32_t domain;

	(void)state;
	assert_int_equal(emu_xrcd_open(rig.dev, NULL, true, false, &domain), 0);
	create_queue(&other, rig.pd, domain);
	post(&other, rig.remote, 64);
	send_inline(&other, "elsewhere");
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
	destroy_queue(&other);
	assert_int_equal(emu_xrcd_free(rig.dev, domain), 0);
}

static void keys_are_of_the_queues_domain(void **state)
{
	struct queue foreign;
	struct rig_wqe w;
	uint32_t pd;

	(void)state;
	assert_int_equal(emu_pd_alloc(rig.dev, &pd), 0);
	create_queue(&foreign, pd, xrcd);
	w = begin(EMU_OP_WRITE, foreign.srqn);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local, 8, rig.lkey);
	rig_send(&rig.a, &w);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_ACCESS);
	destroy_queue(&foreign);
	assert_int_equal(emu_pd_free(rig.dev, pd), 0);
}

/* The shared queue of a message under way is destroyed: the target lets go of it. */
static void queue_goes_under_a_message(void **state)
{
	struct rig_wqe w = begin(EMU_OP_SEND, one.srqn);

	(void)state;
	post(&one, rig.remote, RIG_BUFFER);
	rig_data(&w, rig.local, 10000, rig.lkey);
	rig_put(&rig.a, &w);
	assert_int_equal(mlx5emu_fault_plan("lose opcode=send nth=4..", NULL, 0), 0);
	rig_ring(&rig.a);
	mlx5emu_step();
	assert_int_equal(emu_srq_destroy(rig.dev, one.srqn), 0);
	one.srqn = 0;
	assert_int_equal(mlx5emu_fault_plan("", NULL, 0), 0);
	send_inline(&two, "next");
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
	rig_expect_none(&rig.cq_b);
	assert_int_equal(rig_modify(&rig.b, EMU_QPS_ERR), 0);
	mlx5emu_step();
}

static void segment_is_checked(void **state)
{
	struct rig_wqe w = begin(EMU_OP_SEND, one.srqn);
	char text[200];

	(void)state;
	w.bytes[16] = 1;
	rig_send(&rig.a, &w);
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_LOCAL_QP_OPERATION);
	mlx5emu_last_illegal(text, sizeof(text));
	assert_non_null(strstr(text, "expected 24 bits"));
}

static void parts_are_checked(void **state)
{
	struct emu_qp_init init = {
		.type = EMU_QPT_XRC_TGT,
		.xrcdn = xrcd + 1,
		.uar_page = rig.uar,
		.dbrec_addr = (uintptr_t)one.dbrec + 64,
	};
	uint32_t qpn;

	(void)state;
	assert_int_equal(emu_qp_create(rig.dev, &init, &qpn), -EINVAL);
	init.xrcdn = xrcd;
	init.srqn = one.srqn;
	assert_int_equal(emu_qp_create(rig.dev, &init, &qpn), -EINVAL);
	init.srqn = 0;
	init.sq_wqebb_count = 4;
	assert_int_equal(emu_qp_create(rig.dev, &init, &qpn), -EINVAL);
	/* an XRC shared queue is no ordinary one */
	init = (struct emu_qp_init){
		.type = EMU_QPT_RC,
		.pdn = rig.pd,
		.send_cqn = rig.cq_a.cqn,
		.recv_cqn = rig.cq_a.cqn,
		.srqn = one.srqn,
		.uar_page = rig.uar,
		.dbrec_addr = (uintptr_t)one.dbrec + 64,
	};
	assert_int_equal(emu_qp_create(rig.dev, &init, &qpn), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_message_names_its_queue),
		TEST(memory_operations_work),
		TEST(unknown_queue_is_an_invalid_request),
		TEST(queue_of_another_domain_too),
		TEST(keys_are_of_the_queues_domain),
		TEST(queue_goes_under_a_message),
		TEST(segment_is_checked),
		TEST(parts_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
