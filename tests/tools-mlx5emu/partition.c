/* SPDX-License-Identifier: MIT */
/*
 * Partitions (IBA vol 1 section 10.9) of two ports on InfiniBand through the real libmlx5: what the
 * tables hold, and that a queue pair hears its own partition alone.
 */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <infiniband/verbs.h>

enum { BYTES = 64, GRH = 40, QKEY = 0x1234 };

/* Rows of the tables, as the run's options give them. */
enum { DEFAULT, LIMITED, OTHER, NKEYS };
static const uint16_t keys[2][NKEYS] = { { 0xffff, 0x0002, 0x8003 }, { 0x7fff, 0x0002, 0x8004 } };

struct port {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	uint16_t lid;
	char buffer[GRH + BYTES];
};

static struct port ports[2];

static int set_up(void **state)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_port_attr attr;

	(void)state;
	assert_non_null(list);
	for (unsigned i = 0; i < 2; i++) {
		struct port *p = &ports[i];

		assert_non_null(list[i]);
		p->ctx = ibv_open_device(list[i]);
		assert_non_null(p->ctx);
		p->pd = ibv_alloc_pd(p->ctx);
		assert_non_null(p->pd);
		p->mr = ibv_reg_mr(p->pd, p->buffer, sizeof(p->buffer), IBV_ACCESS_LOCAL_WRITE);
		p->cq = ibv_create_cq(p->ctx, 8, NULL, NULL, 0);
		assert_true(p->mr && p->cq);
		assert_int_equal(ibv_query_port(p->ctx, 1, &attr), 0);
		assert_int_equal(attr.pkey_tbl_len, NKEYS);
		p->lid = attr.lid;
	}
	ibv_free_device_list(list);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct port *p = &ports[i];

		assert_int_equal(ibv_destroy_cq(p->cq), 0);
		assert_int_equal(ibv_dereg_mr(p->mr), 0);
		assert_int_equal(ibv_dealloc_pd(p->pd), 0);
		assert_int_equal(ibv_close_device(p->ctx), 0);
	}
	return 0;
}

static void make_qp(struct port *p, enum ibv_qp_type type)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = p->cq, .recv_cq = p->cq, .cap = { 4, 4, 1, 1, 0 }, .qp_type = type
	};

	p->qp = ibv_create_qp(p->pd, &attr);
	assert_non_null(p->qp);
}

static int to_init(struct port *p, unsigned row)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT, .port_num = 1, .pkey_index = (uint16_t)row, .qkey = QKEY
	};
	const int last = p->qp->qp_type == IBV_QPT_UD ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS;

	return ibv_modify_qp(p->qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | last);
}

static void to_rts(struct port *p, const struct port *peer)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RTR,
				    .path_mtu = IBV_MTU_1024,
				    .dest_qp_num = peer->qp->qp_num,
				    .max_dest_rd_atomic = 1,
				    .min_rnr_timer = 1,
				    .ah_attr = { .port_num = 1, .dlid = peer->lid } };
	const int rtr = IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
	const int rts = IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			IBV_QP_MAX_QP_RD_ATOMIC;
	const int rc = p->qp->qp_type == IBV_QPT_RC ? -1 : 0;

	assert_int_equal(ibv_modify_qp(p->qp, &attr, IBV_QP_STATE | (rtr & rc)), 0);
	attr.qp_state = IBV_QPS_RTS;
	attr.timeout = 8; /* 1 ms */
	attr.retry_cnt = 3;
	attr.max_rd_atomic = 1;
	assert_int_equal(ibv_modify_qp(p->qp, &attr, IBV_QP_STATE | IBV_QP_SQ_PSN | (rts & rc)), 0);
}

static void open_pair(enum ibv_qp_type type, unsigned row, unsigned peer_row)
{
	const unsigned rows[2] = { row, peer_row };

	for (unsigned i = 0; i < 2; i++)
		make_qp(&ports[i], type);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(to_init(&ports[i], rows[i]), 0);
		to_rts(&ports[i], &ports[1 - i]);
	}
}

static void close_pair(void)
{
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(ibv_destroy_qp(ports[i].qp), 0);
}

/* The next completion, waited for; false: none came in a while. */
static bool next(struct ibv_cq *cq, struct ibv_wc *wc)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (unsigned i = 0; i < 2000; i++) {
		const int n = ibv_poll_cq(cq, 1, wc);

		assert_true(n >= 0);
		if (n)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void receive(struct port *p)
{
	struct ibv_sge sge = { (uintptr_t)p->buffer, GRH + BYTES, p->mr->lkey };
	struct ibv_recv_wr wr = { .sg_list = &sge, .num_sge = 1 }, *bad;

	assert_int_equal(ibv_post_recv(p->qp, &wr, &bad), 0);
}

static struct ibv_wc send(struct port *p, struct ibv_ah *ah, uint32_t qpn)
{
	struct ibv_sge sge = { (uintptr_t)p->buffer, BYTES, p->mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = IBV_WR_SEND,
				  .send_flags = IBV_SEND_SIGNALED,
				  .wr.ud = { ah, qpn, QKEY } };
	struct ibv_send_wr *bad;
	struct ibv_wc wc;

	assert_int_equal(ibv_post_send(p->qp, &wr, &bad), 0);
	assert_true(next(p->cq, &wc));
	return wc;
}

static enum ibv_wc_status reliable(unsigned row, unsigned peer_row)
{
	enum ibv_wc_status status;
	struct ibv_wc wc;

	open_pair(IBV_QPT_RC, row, peer_row);
	receive(&ports[1]);
	status = send(&ports[0], NULL, 0).status;
	if (status == IBV_WC_SUCCESS) {
		assert_true(next(ports[1].cq, &wc));
		assert_int_equal(wc.status, IBV_WC_SUCCESS);
	}
	close_pair();
	return status;
}

static void test_tables(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned row = 0; row < NKEYS; row++) {
			__be16 key;

			assert_int_equal(ibv_query_pkey(ports[i].ctx, 1, (int)row, &key), 0);
			assert_int_equal(be16toh(key), keys[i][row]);
			assert_int_equal(ibv_get_pkey_index(ports[i].ctx, 1, key), row);
		}
	}
	make_qp(&ports[0], IBV_QPT_RC);
	assert_int_equal(to_init(&ports[0], NKEYS), EINVAL);
	assert_int_equal(to_init(&ports[0], NKEYS - 1), 0);
	assert_int_equal(ibv_destroy_qp(ports[0].qp), 0);
}

/* A full and a limited member talk, two limited ones do not, nor do members of two partitions. */
static void test_connections(void **state)
{
	(void)state;
	assert_int_equal(reliable(DEFAULT, DEFAULT), IBV_WC_SUCCESS);
	assert_int_equal(reliable(LIMITED, LIMITED), IBV_WC_RETRY_EXC_ERR);
	assert_int_equal(reliable(OTHER, OTHER), IBV_WC_RETRY_EXC_ERR);
	assert_int_equal(reliable(DEFAULT, OTHER), IBV_WC_RETRY_EXC_ERR);
}

static bool from_first_port(const struct ibv_wc *wc)
{
	return wc->slid == ports[0].lid && wc->sl == 5;
}

static void test_datagrams(void **state)
{
	struct ibv_ah_attr attr = { .port_num = 1, .dlid = ports[1].lid, .sl = 5 };
	struct ibv_ah *ah = ibv_create_ah(ports[0].pd, &attr);
	struct ibv_wc wc;

	(void)state;
	assert_non_null(ah);
	open_pair(IBV_QPT_UD, OTHER, OTHER);
	receive(&ports[1]);
	assert_int_equal(send(&ports[0], ah, ports[1].qp->qp_num).status, IBV_WC_SUCCESS);
	assert_int_equal(ibv_poll_cq(ports[1].cq, 1, &wc), 0);
	close_pair();
	open_pair(IBV_QPT_UD, DEFAULT, DEFAULT);
	receive(&ports[1]);
	assert_int_equal(send(&ports[0], ah, ports[1].qp->qp_num).status, IBV_WC_SUCCESS);
	assert_true(next(ports[1].cq, &wc));
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.byte_len, GRH + BYTES);
	assert_true(from_first_port(&wc) && !(wc.wc_flags & IBV_WC_GRH));
	assert_int_equal(ibv_destroy_ah(ah), 0);
	/* The completion tells of the LRH, also where there is a GRH. */
	attr.is_global = 1;
	assert_int_equal(ibv_query_gid(ports[1].ctx, 1, 0, &attr.grh.dgid), 0);
	ah = ibv_create_ah(ports[0].pd, &attr);
	assert_non_null(ah);
	receive(&ports[1]);
	assert_int_equal(send(&ports[0], ah, ports[1].qp->qp_num).status, IBV_WC_SUCCESS);
	assert_true(next(ports[1].cq, &wc));
	assert_true(from_first_port(&wc) && wc.wc_flags & IBV_WC_GRH);
	close_pair();
	assert_int_equal(ibv_destroy_ah(ah), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_datagrams),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
