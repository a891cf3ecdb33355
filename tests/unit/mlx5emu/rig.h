/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_MLX5EMU_RIG_H
#define TESTS_UNIT_MLX5EMU_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/mlx5emu/engine/engine.h"
#include "tools/mlx5emu/engine/prm.h"
#include "tools/mlx5emu/fabric/fabric.h"
#include "tools/mlx5emu/mlx5emu.h"

/*
 * A device in manual mode with queues made by hand: the tests write WQEs and read CQEs as bytes, with
 * no code of libmlx5, of providers/mlx5 or of the engine in between. Two connected queue pairs a and
 * b of one process, which talk through the loopback of the fabric.
 */

enum {
	RIG_GIDS = 4, /* link-local as RoCE v1 and v2, IPv4 as v1 and v2 */
	RIG_CQES = 64,
	RIG_BLOCKS = 64,
	RIG_RECEIVES = 16,
	RIG_STRIDE_SHIFT = 6, /* four data segments */
	RIG_BUFFER = 1 << 20,
	RIG_UARS = 8,
	RIG_EVENTS = 16,
};

struct rig_cq {
	emu_be32 *dbrec;
	uint8_t *ring;
	uint32_t cqn, cqe_size, count, ci, uar;
	unsigned events; /* completion events raised */
};

struct rig_qp {
	emu_be32 *dbrec;
	uint8_t *sq, *rq;
	uint32_t qpn, uar, blocks, receives;
	uint16_t pi, rpi; /* free-running: blocks sent, receives posted */
	uint16_t last;    /* where the newest WQE begins */
	struct rig_cq *send_cq, *recv_cq;
};

struct rig {
	struct emu_device *dev;
	void *uars;
	uint32_t pd, uar;
	struct rig_cq cq_a, cq_b;
	struct rig_qp a, b;
	uint8_t *local, *remote; /* RIG_BUFFER bytes each, all access */
	uint32_t lkey, rkey;
	enum emu_event async[RIG_EVENTS];
	unsigned nasync;
};

extern struct rig rig;

extern const struct emu_gid rig_gids[RIG_GIDS];

struct rig_options {
	uint32_t mtu; /* code; 0 = 3 (1024 bytes) */
	uint32_t psn; /* of a's requests; b's are psn + 1000 */
	uint8_t timeout, retry_cnt, rnr_retry, min_rnr_timer;
	uint8_t rd_atomic;  /* 0 = 4 */
	uint32_t access;    /* 0 = all */
	bool asymmetric_rd; /* responder allows only one read */
};

/* cmocka fixtures: everything, connected with defaults; or unconnected queues. */
int rig_setup(void **state);
int rig_setup_unconnected(void **state);
void rig_setup_run(const struct emu_run_config *run); /* unconnected */
int rig_teardown(void **state);

/* The devices of this process trace every packet into @path from now on; NULL ends it. */
void rig_trace_to(const char *path);

void rig_open(const struct emu_run_config *run);
void rig_close(void);

/* cqe_size 64 or 128, count a power of two. */
void rig_cq_create(struct rig_cq *cq, uint32_t cqe_size, uint32_t count);
/* With what else @base asks for. */
void rig_cq_create_as(struct rig_cq *cq, uint32_t count, const struct emu_cq_attr *base);
void rig_cq_destroy(struct rig_cq *cq);
void rig_qp_create(struct rig_qp *qp, struct rig_cq *send_cq, struct rig_cq *recv_cq, uint32_t pd);
/* Of another type, or with a shared receive queue (then without a ring of its own). */
void rig_qp_create_as(struct rig_qp *qp, struct rig_cq *send_cq, struct rig_cq *recv_cq,
		      const struct emu_qp_init *base);
void rig_qp_destroy(struct rig_qp *qp);

/* RESET -> INIT -> RTR -> RTS, to the given peer. */
void rig_connect(struct rig_qp *qp, uint32_t peer, uint32_t sq_psn, uint32_t rq_psn,
		 const struct rig_options *options);
void rig_connect_both(const struct rig_options *options);
int rig_modify(struct rig_qp *qp, enum emu_qp_state state);
enum emu_qp_state rig_state(const struct rig_qp *qp);

uint32_t rig_reg(uint32_t pd, void *addr, size_t length, uint32_t access);

/* ---- WQEs, byte by byte ---- */

struct rig_wqe {
	uint8_t bytes[1024];
	unsigned size;
};

enum {
	RIG_SIGNALED = 0x08,
	RIG_SOLICITED = 0x02,
	RIG_FENCE = 0x80,
};

/* @flags: fm_ce_se. */
struct rig_wqe rig_begin(const struct rig_qp *qp, uint8_t opcode, uint8_t flags);
void rig_imm(struct rig_wqe *w, uint32_t imm);
void rig_raddr(struct rig_wqe *w, const void *addr, uint32_t rkey);
/* The datagram segment of a UD queue: to a port with the GID at @gid_index of this rig's table. */
void rig_av(struct rig_wqe *w, uint32_t qpn, uint32_t qkey, unsigned gid_index);
void rig_atomic(struct rig_wqe *w, uint64_t swap_add, uint64_t compare);
void rig_data(struct rig_wqe *w, const void *addr, uint32_t length, uint32_t lkey);
void rig_inline(struct rig_wqe *w, const void *data, uint32_t length);

/* Sets ds, puts it into the ring (wrapping) and moves the record; no doorbell. */
void rig_put(struct rig_qp *qp, struct rig_wqe *w);
void rig_ring(struct rig_qp *qp);

/* rig_put, rig_ring, step. */
void rig_send(struct rig_qp *qp, struct rig_wqe *w);

/* Common ones, posted and rung but not stepped. */
void rig_post_write(struct rig_qp *qp, uint8_t flags, size_t offset, uint32_t length);
void rig_post_read(struct rig_qp *qp, uint8_t flags, size_t offset, uint32_t length);
void rig_post_send(struct rig_qp *qp, uint8_t flags, size_t offset, uint32_t length);

/* One receive of up to 4 segments. */
struct rig_seg {
	const void *addr;
	uint32_t length, lkey;
};
void rig_receive(struct rig_qp *qp, const struct rig_seg *seg, unsigned n);

/* ---- CQEs ---- */

struct rig_cqe {
	unsigned opcode, wqe_opcode, syndrome, vendor;
	uint32_t qpn, uidx, byte_cnt, imm, flags_rqpn;
	uint16_t wqe_counter;
	uint8_t format; /* op_own 3:2 */
	bool solicited;
	const uint8_t *at; /* its last 64 bytes */
};

/* Takes the next one; false when there is none. */
bool rig_poll(struct rig_cq *cq, struct rig_cqe *out);

/* Tells the device of all that were taken; after moving cq->ci by hand. */
void rig_consumed(struct rig_cq *cq);

/* The next one exists and is good / failed with @syndrome. */
struct rig_cqe rig_expect(struct rig_cq *cq, unsigned opcode);
struct rig_cqe rig_expect_error(struct rig_cq *cq, unsigned opcode, unsigned syndrome);
void rig_expect_none(struct rig_cq *cq);

/* Writes the arm record and rings its doorbell. */
void rig_arm(struct rig_cq *cq, unsigned sn, bool solicited);

struct mlx5emu_counters rig_counters(void);
void rig_filter(emu_filter *filter, void *arg);

/* Fills both buffers: local with a pattern of @seed, remote with zeros. */
void rig_fill(unsigned seed);

#endif
