/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TOOLS_MLX5EMU_STRICT_RIG_H
#define TESTS_TOOLS_MLX5EMU_STRICT_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>

/*
 * Two connected queue pairs of the real libmlx5 in one process, whose rings, records and registers the
 * tests write byte by byte, as a program does that has its own data path (mlx5dv_init_obj). The device
 * is stepped by hand, so each fault is seen alone. Everything is made anew for each fault.
 */

enum {
	BUFFER = 8192, /* registered from MIDDLE on, half of it */
	MIDDLE = 2048,
	REGION = 4096,
	SENDS = 16, /* asked for; the ring has the blocks that libmlx5 makes of it */
	RECVS = 4,
	PRIVATE_QPN = 0x00abcd,
};

/* One queue pair and the positions of a program that drives it. */
struct side {
	struct ibv_qp *qp;
	struct mlx5dv_qp dv;
	uint16_t pi, rpi;   /* free-running: send blocks, receives */
	unsigned bf_offset; /* the half of the register to write next */
};

struct rig {
	struct ibv_context *ctx;
	struct ibv_pd *pd, *other_pd;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct mlx5dv_cq dv_cq;
	struct ibv_srq *srq; /* of b where the rig was made with one */
	struct mlx5dv_srq dv_srq;
	struct ibv_mr *mr, *readonly, *foreign; /* of the same bytes */
	struct side a, b;
	uint8_t *buffer;
	uint32_t rkey;
};

enum rig_kind { RIG_RC, RIG_UC, RIG_UD, RIG_SRQ };

/* Exits with a message when the device cannot be had. */
void rig_open(struct rig *rig, enum rig_kind kind);
void rig_close(struct rig *rig);

/* The registered bytes. */
static inline uint8_t *rig_data(const struct rig *rig)
{
	return rig->buffer + MIDDLE;
}

/* ---- big-endian stores ---- */

void put16(uint8_t *at, uint16_t value);
void put32(uint8_t *at, uint32_t value);
void put64(uint8_t *at, uint64_t value);

/* ---- a send, step by step ---- */

enum {
	OP_NOP = 0x00,
	OP_WRITE = 0x08,
	OP_SEND = 0x0a,
	OP_READ = 0x10,
	OP_CAS = 0x11,
	OP_FAA = 0x12,
	OP_UMR = 0x25,
	SIGNALED = 0x08,
	INLINE = INT32_MIN,
};

/* The block at the position of @s, cleared, with a control segment of @ds units, signaled. */
uint8_t *wqe_begin(struct side *s, unsigned opcode, unsigned ds);

/* A whole one of a correct WRITE, SEND, READ or CAS by @s of 64 bytes (8 for CAS) to the peer. */
uint8_t *wqe_good(struct rig *rig, struct side *s, unsigned opcode);

/* Segments; each returns where the next one begins. */
uint8_t *put_raddr(uint8_t *at, const void *addr, uint32_t rkey);
uint8_t *put_data(uint8_t *at, const void *addr, uint32_t length, uint32_t lkey);

/* Moves the position and the record behind the WQE at @wqe, by its ds. */
void post_record(struct side *s, const uint8_t *wqe);

/* Rings with the first eight bytes of @wqe, alone or with @bytes of BlueFlame. */
void post_doorbell(struct side *s, const uint8_t *wqe);
void post_blueflame(struct side *s, const uint8_t *wqe, unsigned bytes);

/* Record, doorbell, and all that the device does then. */
void post(struct rig *rig, struct side *s, const uint8_t *wqe);

/* A correct WRITE, posted and completed, so that nothing is new any more. */
void warm_up(struct rig *rig, struct side *s, unsigned n);

/* ---- a receive ---- */

/* The WQE at the position of @s, cleared, with one entry of 64 bytes and the end of the list. */
uint8_t *recv_good(struct rig *rig, struct side *s);

/* Moves the position and the record. */
void recv_post(struct side *s);

/* A correct SEND by @a, so that @b has to take a receive. */
void send_to(struct rig *rig);

/* ---- what came of it ---- */

void step(void);

/* Puts a fault plan (mlx5emu(1)) in force; "" ends it. */
void fault_plan(const char *plan);

/* Lets @ms of the device's time pass. */
void pass_ms(unsigned ms);

/* The status of the next completion, -1 when there is none. */
int next_status(struct rig *rig);

/* Keeps all completions from the program. */
void drain(struct rig *rig);

#endif
