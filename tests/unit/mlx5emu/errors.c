/* SPDX-License-Identifier: MIT */
/* What goes wrong, on both sides: syndromes, vendor syndromes, order, states, flushes. */
#include "rig.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "tools/mlx5emu/engine/state.h"

enum {
	OTHERS = 3, /* works posted behind the one that fails */
};

/* One signaled and unsignaled ones behind; all must come back as flushes, in order. */
static void expect_flushes(struct rig_qp *qp, uint16_t first, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct rig_cqe cqe =
			rig_expect_error(qp->send_cq, EMU_CQE_REQ_ERR, EMU_SYN_FLUSH);

		assert_int_equal(cqe.vendor, 0xf9);
		assert_int_equal(cqe.wqe_counter, first + i);
		assert_int_equal(cqe.qpn, qp->qpn);
	}
	rig_expect_none(qp->send_cq);
	assert_int_equal(rig_state(qp), EMU_QPS_ERR);
}

/* Posts @w at index 0 with OTHERS behind it, steps, and expects @syndrome, then flushes. */
static void fails(struct rig_wqe *w, unsigned syndrome, unsigned vendor)
{
	struct rig_cqe cqe;

	rig_put(&rig.a, w);
	for (unsigned i = 0; i < OTHERS; i++)
		rig_post_write(&rig.a, i == 1 ? RIG_SIGNALED : 0, 100000, 8);
	rig_ring(&rig.a);
	mlx5emu_step();
	cqe = rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, syndrome);
	assert_int_equal(cqe.vendor, vendor);
	assert_int_equal(cqe.wqe_counter, 0);
	expect_flushes(&rig.a, 1, OTHERS);
}

static void fails_remotely(struct rig_wqe *w, unsigned syndrome, unsigned vendor,
			   enum emu_event event)
{
	fails(w, syndrome, vendor);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_ERR);
	assert_int_equal(rig.nasync, 1);
	assert_int_equal(rig.async[0], event);
}

static struct rig_wqe write_of(const void *to, uint32_t rkey, uint32_t length)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_WRITE, 0);

	rig_raddr(&w, to, rkey);
	rig_data(&w, rig.local, length, rig.lkey);
	return w;
}

static void wrong_rkey(void **state)
{
	struct rig_wqe w = write_of(rig.remote, rig.rkey ^ 1, 8);

	(void)state;
	fails_remotely(&w, EMU_SYN_REMOTE_ACCESS, 0x88, EMU_EVENT_QP_ACCESS_ERR);
}

static void remote_out_of_range(void **state)
{
	struct rig_wqe w = write_of(rig.remote + RIG_BUFFER - 7, rig.rkey, 8);

	(void)state;
	fails_remotely(&w, EMU_SYN_REMOTE_ACCESS, 0x88, EMU_EVENT_QP_ACCESS_ERR);
	assert_int_equal(rig.remote[RIG_BUFFER - 1], 0);
}

static void rkey_of_another_pd(void **state)
{
	struct rig_wqe w;
	uint32_t pd;

	(void)state;
	assert_int_equal(emu_pd_alloc(rig.dev, &pd), 0);
	w = write_of(rig.remote, rig_reg(pd, rig.remote, 64, 0xf), 8);
	fails_remotely(&w, EMU_SYN_REMOTE_ACCESS, 0x88, EMU_EVENT_QP_ACCESS_ERR);
}

static void rkey_without_right(void **state)
{
	const uint32_t key =
		rig_reg(rig.pd, rig.remote, 64, EMU_ACCESS_LOCAL_WRITE | EMU_ACCESS_REMOTE_READ);
	struct rig_wqe w = write_of(rig.remote, key, 8);

	(void)state;
	fails_remotely(&w, EMU_SYN_REMOTE_ACCESS, 0x88, EMU_EVENT_QP_ACCESS_ERR);
}

static void deregistered_rkey(void **state)
{
	const uint32_t key = rig_reg(rig.pd, rig.remote, 64, 0xf);
	struct rig_wqe w = write_of(rig.remote, key, 8);

	(void)state;
	assert_int_equal(emu_mr_dereg(rig.dev, key), 0);
	fails_remotely(&w, EMU_SYN_REMOTE_ACCESS, 0x88, EMU_EVENT_QP_ACCESS_ERR);
}

static void read_without_right(void **state)
{
	const uint32_t key =
		rig_reg(rig.pd, rig.remote, 64, EMU_ACCESS_LOCAL_WRITE | EMU_ACCESS_REMOTE_WRITE);
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_READ, 0);

	(void)state;
	rig_raddr(&w, rig.remote, key);
	rig_data(&w, rig.local, 8, rig.lkey);
	fails_remotely(&w, EMU_SYN_REMOTE_ACCESS, 0x88, EMU_EVENT_QP_ACCESS_ERR);
}

static void atomic_without_right(void **state)
{
	const uint32_t key =
		rig_reg(rig.pd, rig.remote, 64, EMU_ACCESS_LOCAL_WRITE | EMU_ACCESS_REMOTE_WRITE);
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_ATOMIC_FA, 0);

	(void)state;
	rig_raddr(&w, rig.remote, key);
	rig_atomic(&w, 1, 0);
	rig_data(&w, rig.local, 8, rig.lkey);
	fails_remotely(&w, EMU_SYN_REMOTE_ACCESS, 0x88, EMU_EVENT_QP_ACCESS_ERR);
}

static void unaligned_atomic(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_ATOMIC_FA, 0);

	(void)state;
	rig_raddr(&w, rig.remote + 4, rig.rkey);
	rig_atomic(&w, 1, 0);
	rig_data(&w, rig.local, 8, rig.lkey);
	fails_remotely(&w, EMU_SYN_REMOTE_INVALID_REQUEST, 0x8a, EMU_EVENT_QP_REQ_ERR);
}

/* The queue pair itself forbids what the key would allow. */
static void queue_without_right(void **state)
{
	struct rig_wqe w = write_of(rig.remote, rig.rkey, 8);

	(void)state;
	rig_modify(&rig.b, EMU_QPS_RESET);
	rig_connect(&rig.b, rig.a.qpn, 1000, 0,
		    &(struct rig_options){ .access = EMU_ACCESS_REMOTE_READ });
	fails_remotely(&w, EMU_SYN_REMOTE_INVALID_REQUEST, 0x8a, EMU_EVENT_QP_REQ_ERR);
}

/* Two faults in one request: the check that comes first in IBA vol 1 figure 80 answers. */
static void queue_goes_before_the_key(void **state)
{
	struct rig_wqe w = write_of(rig.remote, rig.rkey ^ 1, 8);

	(void)state;
	rig_modify(&rig.b, EMU_QPS_RESET);
	rig_connect(&rig.b, rig.a.qpn, 1000, 0,
		    &(struct rig_options){ .access = EMU_ACCESS_REMOTE_READ });
	fails_remotely(&w, EMU_SYN_REMOTE_INVALID_REQUEST, 0x8a, EMU_EVENT_QP_REQ_ERR);
}

/* What is one packet for both passes, 256 bytes here; what is more begins with one that is too long. */
static void different_mtu(void **state)
{
	(void)state;
	rig_fill(4);
	rig_modify(&rig.b, EMU_QPS_RESET);
	rig_connect(&rig.b, rig.a.qpn, 1000, 0, &(struct rig_options){ .mtu = 1 });
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 256);
	rig_post_read(&rig.a, RIG_SIGNALED, 0, 256);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	assert_memory_equal(rig.remote, rig.local, 256);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 257);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_ERR);
	assert_int_equal(rig.async[0], EMU_EVENT_QP_REQ_ERR);
}

static void response_of_a_different_mtu(void **state)
{
	(void)state;
	rig_modify(&rig.b, EMU_QPS_RESET);
	rig_connect(&rig.b, rig.a.qpn, 1000, 0, &(struct rig_options){ .mtu = 1 });
	rig_post_read(&rig.a, RIG_SIGNALED, 0, 257);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_BAD_RESPONSE);
}

/* The queue pairs agree about 1024 bytes, but the port has less. */
static void path_wider_than_the_port(void **state)
{
	(void)state;
	rig.dev->config.mtu = 512;
	rig_modify(&rig.a, EMU_QPS_RESET);
	rig_modify(&rig.b, EMU_QPS_RESET);
	rig_connect_both(&(struct rig_options){ .timeout = 4, .retry_cnt = 1 });
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 512);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 513);
	for (unsigned i = 0; i < 3; i++) {
		mlx5emu_step();
		mlx5emu_advance_ns(4096 << 4);
	}
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_RETRY_EXCEEDED);
}

static void more_reads_than_allowed(void **state)
{
	struct rig_cqe cqe;

	(void)state;
	rig_modify(&rig.a, EMU_QPS_RESET);
	rig_modify(&rig.b, EMU_QPS_RESET);
	rig_connect_both(&(struct rig_options){ .rd_atomic = 8, .asymmetric_rd = true });
	rig_post_read(&rig.a, RIG_SIGNALED, 0, 8);
	rig_post_read(&rig.a, RIG_SIGNALED, 0, 8);
	mlx5emu_step();
	rig_expect(&rig.cq_a, EMU_CQE_REQ);
	cqe = rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
	assert_int_equal(cqe.wqe_counter, 1);
}

/* ---- local ---- */

static void wrong_lkey(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_WRITE, 0);

	(void)state;
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local, 8, rig.lkey ^ 1);
	fails(&w, EMU_SYN_LOCAL_PROTECTION, 0x51);
	assert_int_equal(rig_state(&rig.b), EMU_QPS_RTS);
}

static void local_out_of_range(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_WRITE, 0);

	(void)state;
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local + RIG_BUFFER - 4, 8, rig.lkey);
	fails(&w, EMU_SYN_LOCAL_PROTECTION, 0x51);
}

static void read_into_read_only(void **state)
{
	const uint32_t key = rig_reg(rig.pd, rig.local, 64, EMU_ACCESS_REMOTE_READ);
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_READ, 0);

	(void)state;
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local, 8, key);
	fails(&w, EMU_SYN_LOCAL_PROTECTION, 0x51);
}

/* Older work is complete before the error shows, even work that waits for its peer. */
static void local_error_keeps_order(void **state)
{
	struct rig_wqe w;
	struct rig_cqe cqe;

	(void)state;
	rig_post_read(&rig.a, RIG_SIGNALED, 0, 500000);
	rig_post_write(&rig.a, RIG_SIGNALED, 600000, 1000);
	w = rig_begin(&rig.a, EMU_OP_WRITE, 0);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local, 8, 0xdead00);
	rig_put(&rig.a, &w);
	rig_post_write(&rig.a, 0, 0, 8);
	mlx5emu_step();
	assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_REQ).wqe_counter, 0);
	assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_REQ).wqe_counter, 1);
	cqe = rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_LOCAL_PROTECTION);
	assert_int_equal(cqe.wqe_counter, 2);
	expect_flushes(&rig.a, 3, 1);
}

static void illegal_wqe(void **state)
{
	struct rig_wqe w = rig_begin(&rig.a, 0x2d, 0);
	char text[200];

	(void)state;
	fails(&w, EMU_SYN_LOCAL_QP_OPERATION, 0x68);
	mlx5emu_last_illegal(text, sizeof(text));
	assert_non_null(strstr(text, "ctrl.opcode is 0x2d"));
	assert_int_equal(rig_counters().illegal_wqes, 1);
}

static void reads_not_enabled(void **state)
{
	struct emu_qp_attr attr = { .qp_state = EMU_QPS_SQD };
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_READ, 0);

	(void)state;
	assert_int_equal(emu_qp_modify(rig.dev, rig.a.qpn, &attr, EMU_QP_STATE), 0);
	assert_int_equal(emu_qp_modify(rig.dev, rig.a.qpn, &attr, EMU_QP_MAX_QP_RD_ATOMIC), 0);
	attr.qp_state = EMU_QPS_RTS;
	assert_int_equal(emu_qp_modify(rig.dev, rig.a.qpn, &attr, EMU_QP_STATE), 0);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, rig.local, 8, rig.lkey);
	fails(&w, EMU_SYN_LOCAL_QP_OPERATION, 0x68);
}

/* ---- receives ---- */

static void receive_too_small(void **state)
{
	struct rig_cqe cqe;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 63, rig.rkey }, 1);
	rig_post_send(&rig.a, 0, 0, 64);
	mlx5emu_step();
	cqe = rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_INVALID_REQUEST);
	assert_int_equal(cqe.vendor, 0x8a);
	cqe = rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_LOCAL_LENGTH);
	assert_int_equal(cqe.wqe_counter, 0);
	for (unsigned i = 1; i < 3; i++) {
		cqe = rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_FLUSH);
		assert_int_equal(cqe.wqe_counter, i);
		assert_int_equal(cqe.vendor, 0xf9);
	}
	rig_expect_none(&rig.cq_b);
}

static void receive_with_wrong_lkey(void **state)
{
	struct rig_cqe cqe;

	(void)state;
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 64, rig.rkey + 256 }, 1);
	rig_post_send(&rig.a, 0, 0, 64);
	mlx5emu_step();
	cqe = rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_OPERATION);
	assert_int_equal(cqe.vendor, 0x89);
	cqe = rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_LOCAL_PROTECTION);
	assert_int_equal(cqe.vendor, 0x52);
}

static void illegal_receive(void **state)
{
	char text[200];

	(void)state;
	rig_receive(&rig.b, &(struct rig_seg){ rig.remote, 0, rig.rkey }, 1);
	rig_post_send(&rig.a, 0, 0, 64);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_OPERATION);
	rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_LOCAL_QP_OPERATION);
	mlx5emu_last_illegal(text, sizeof(text));
	assert_non_null(strstr(text, "receive WQE 0: data[0].byte_count is 0x0"));
}

/* ---- the error state ---- */

static void error_state_flushes_what_comes_later(void **state)
{
	(void)state;
	rig_receive(&rig.a, NULL, 0);
	rig_post_write(&rig.a, 0, 0, 8);
	assert_int_equal(rig_modify(&rig.a, EMU_QPS_ERR), 0);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_FLUSH);
	rig_expect_error(&rig.cq_a, EMU_CQE_RESP_ERR, EMU_SYN_FLUSH);
	rig_expect_none(&rig.cq_a);
	assert_int_equal(rig.remote[0], 0);

	rig_post_write(&rig.a, 0, 0, 8);
	rig_receive(&rig.a, NULL, 0);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_FLUSH);
	rig_expect_error(&rig.cq_a, EMU_CQE_RESP_ERR, EMU_SYN_FLUSH);
	rig_expect_none(&rig.cq_a);
}

static void reset_starts_anew(void **state)
{
	(void)state;
	rig_post_write(&rig.a, 0, 0, 8);
	assert_int_equal(rig_modify(&rig.a, EMU_QPS_ERR), 0);
	assert_int_equal(rig_modify(&rig.a, EMU_QPS_RESET), 0);
	assert_int_equal(rig_modify(&rig.b, EMU_QPS_RESET), 0);
	mlx5emu_step();
	rig_expect_none(&rig.cq_a);

	rig.a.pi = 0;
	rig.a.dbrec[1] = emu_put32(0);
	rig_connect_both(&(struct rig_options){ .psn = 99 });
	rig_fill(1);
	rig_post_write(&rig.a, RIG_SIGNALED, 0, 8);
	mlx5emu_step();
	assert_int_equal(rig_expect(&rig.cq_a, EMU_CQE_REQ).wqe_counter, 0);
	assert_memory_equal(rig.remote, rig.local, 8);
}

static void record_outside_the_queue_is_fatal(void **state)
{
	(void)state;
	rig_post_write(&rig.a, 0, 0, 8);
	rig.a.dbrec[1] = emu_put32(RIG_BLOCKS + 1);
	mlx5emu_step();
	assert_int_equal(rig_state(&rig.a), EMU_QPS_ERR);
	assert_int_equal(rig.nasync, 1);
	assert_int_equal(rig.async[0], EMU_EVENT_QP_FATAL);
}

/* ---- memory that goes away ---- */

static uint8_t *mapping(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

enum {
	GONE = 8192,
};

static void unmapped_source(void **state)
{
	uint8_t *gone = mapping(GONE);
	const uint32_t key = rig_reg(rig.pd, gone, GONE, 0xf);
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_WRITE, 0);

	(void)state;
	munmap(gone, GONE);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, gone, 100, key);
	fails(&w, EMU_SYN_LOCAL_PROTECTION, 0x51);
}

static void unmapped_target(void **state)
{
	uint8_t *gone = mapping(GONE);
	struct rig_wqe w = write_of(gone, rig_reg(rig.pd, gone, GONE, 0xf), 100);

	(void)state;
	munmap(gone, GONE);
	fails_remotely(&w, EMU_SYN_REMOTE_ACCESS, 0x88, EMU_EVENT_QP_ACCESS_ERR);
}

static void unmapped_read_source(void **state)
{
	uint8_t *gone = mapping(GONE);
	const uint32_t key = rig_reg(rig.pd, gone, GONE, 0xf);
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_READ, 0);

	(void)state;
	munmap(gone, GONE);
	rig_raddr(&w, gone, key);
	rig_data(&w, rig.local, 100, rig.lkey);
	fails_remotely(&w, EMU_SYN_REMOTE_ACCESS, 0x88, EMU_EVENT_QP_ACCESS_ERR);
}

static void unmapped_read_target(void **state)
{
	uint8_t *gone = mapping(GONE);
	const uint32_t key = rig_reg(rig.pd, gone, GONE, 0xf);
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_READ, 0);

	(void)state;
	munmap(gone, GONE);
	rig_raddr(&w, rig.remote, rig.rkey);
	rig_data(&w, gone, 100, key);
	fails(&w, EMU_SYN_LOCAL_PROTECTION, 0x51);
}

static void unmapped_receive(void **state)
{
	uint8_t *gone = mapping(GONE);
	const uint32_t key = rig_reg(rig.pd, gone, GONE, 0xf);

	(void)state;
	rig_receive(&rig.b, &(struct rig_seg){ gone, GONE, key }, 1);
	munmap(gone, GONE);
	rig_post_send(&rig.a, 0, 0, 100);
	mlx5emu_step();
	rig_expect_error(&rig.cq_a, EMU_CQE_REQ_ERR, EMU_SYN_REMOTE_OPERATION);
	rig_expect_error(&rig.cq_b, EMU_CQE_RESP_ERR, EMU_SYN_LOCAL_PROTECTION);
}

static void unmapped_atomic(void **state)
{
	uint8_t *gone = mapping(GONE);
	const uint32_t key = rig_reg(rig.pd, gone, GONE, 0xf);
	struct rig_wqe w = rig_begin(&rig.a, EMU_OP_ATOMIC_FA, 0);

	(void)state;
	munmap(gone, GONE);
	rig_raddr(&w, gone, key);
	rig_atomic(&w, 1, 0);
	rig_data(&w, rig.local, 8, rig.lkey);
	fails_remotely(&w, EMU_SYN_REMOTE_ACCESS, 0x88, EMU_EVENT_QP_ACCESS_ERR);
}

/* The program frees its records before the queues that had them. */
static void unmapped_records(void **state)
{
	uint8_t *gone = mapping(GONE);
	struct emu_cq_attr cq;
	struct emu_qp_init init;
	struct rig_qp qp = { .qpn = 0 };
	uint32_t cqn;

	(void)state;
	assert_int_equal(emu_qp_query(rig.dev, rig.a.qpn, NULL, &init), 0);
	init.dbrec_addr = (uintptr_t)gone;
	assert_int_equal(emu_qp_create(rig.dev, &init, &qp.qpn), 0);
	rig_connect(&qp, rig.b.qpn, 0, 0, &(struct rig_options){ .timeout = 0 });
	assert_int_equal(emu_cq_query(rig.dev, rig.cq_a.cqn, &cq), 0);
	cq.dbrec_addr = (uintptr_t)gone + 64;
	assert_int_equal(emu_cq_create(rig.dev, &cq, &cqn), 0);
	munmap(gone, GONE);
	for (unsigned i = 0; i < 8; i++) {
		mlx5emu_advance_ns(500000000);
		mlx5emu_step();
	}
	assert_int_equal(emu_qp_destroy(rig.dev, qp.qpn), 0);
	assert_int_equal(emu_cq_destroy(rig.dev, cqn), 0);
	assert_int_equal(rig_counters().reports, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(wrong_rkey),
		TEST(remote_out_of_range),
		TEST(rkey_of_another_pd),
		TEST(rkey_without_right),
		TEST(deregistered_rkey),
		TEST(read_without_right),
		TEST(atomic_without_right),
		TEST(unaligned_atomic),
		TEST(queue_without_right),
		TEST(queue_goes_before_the_key),
		TEST(different_mtu),
		TEST(response_of_a_different_mtu),
		TEST(path_wider_than_the_port),
		TEST(more_reads_than_allowed),
		TEST(wrong_lkey),
		TEST(local_out_of_range),
		TEST(read_into_read_only),
		TEST(local_error_keeps_order),
		TEST(illegal_wqe),
		TEST(reads_not_enabled),
		TEST(receive_too_small),
		TEST(receive_with_wrong_lkey),
		TEST(illegal_receive),
		TEST(error_state_flushes_what_comes_later),
		TEST(reset_starts_anew),
		TEST(record_outside_the_queue_is_fatal),
		TEST(unmapped_source),
		TEST(unmapped_target),
		TEST(unmapped_read_source),
		TEST(unmapped_read_target),
		TEST(unmapped_receive),
		TEST(unmapped_atomic),
		TEST(unmapped_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
