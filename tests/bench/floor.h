/* SPDX-License-Identifier: MIT */
/*
 * The floor: posts and polls as a program writes them that knows its one queue pair, and wants nothing
 * of a library. No credits, no handles, no checks, no errors; a completion is a counter. It is what the
 * hardware asks for, and tells how much of a library's cost is the library's.
 *
 * Works are always signaled, and go through BlueFlame; chains ring once, with eight bytes.
 */
#ifndef BV_TESTS_BENCH_FLOOR_H
#define BV_TESTS_BENCH_FLOOR_H

#include <stdint.h>

struct floor_cq {
	const uint8_t *next;
	const uint8_t *end;
	uint32_t *dbrec; /* of nobody if the queue ignores overruns */
	uint32_t size;   /* bytes */
	uint32_t ci;
	uint32_t phase; /* owner bit of this lap */
};

/* A line for each of: posts, polls of sends, receives. */
struct floor {
	_Alignas(64) uint8_t *ring; /* of 64-byte blocks */
	uint32_t *dbrec;
	uint8_t *bf;
	uint32_t mask;
	uint32_t pi;
	uint32_t bf_size;
	uint32_t qpn;
	_Alignas(64) struct floor_cq send_cq;
	_Alignas(64) struct floor_cq recv_cq;
	uint8_t *recv_ring;
	uint32_t *recv_dbrec;
	uint32_t recv_mask;
	uint32_t recv_pi;
	uint32_t recv_stride;
};

struct floor_sge {
	uint64_t addr;
	uint32_t length;
	uint32_t lkey;
};

struct floor_received {
	uint32_t bytes;
	uint32_t imm;
	uint16_t counter;
	uint8_t opcode;
};

#define FLOOR_API __attribute__((visibility("default")))

FLOOR_API void floor_write_8(struct floor *f, const void *buf, uint64_t addr, uint32_t rkey);
FLOOR_API void floor_write_28(struct floor *f, const void *buf, uint64_t addr, uint32_t rkey);
FLOOR_API void floor_write_64(struct floor *f, const void *buf, uint64_t addr, uint32_t rkey);
FLOOR_API void floor_write_sge_1(struct floor *f, const struct floor_sge *sge, uint64_t addr,
				 uint32_t rkey);
FLOOR_API void floor_write_sge_4(struct floor *f, const struct floor_sge sge[4], uint64_t addr,
				 uint32_t rkey);
FLOOR_API void floor_send_8(struct floor *f, const void *buf);
FLOOR_API void floor_send_imm(struct floor *f, const struct floor_sge *sge, uint32_t imm);
FLOOR_API void floor_read(struct floor *f, const struct floor_sge *sge, uint64_t addr,
			  uint32_t rkey);
FLOOR_API void floor_fetch_add(struct floor *f, const struct floor_sge *sge, uint64_t addr,
			       uint32_t rkey, uint64_t add);
/* @n writes of the same eight bytes, and one doorbell. */
FLOOR_API void floor_write_8_chain(struct floor *f, const void *buf, uint64_t addr, uint32_t rkey,
				   unsigned n);
FLOOR_API void floor_recv(struct floor *f, const struct floor_sge *sge);
/* @n of the same element, and one record. */
FLOOR_API void floor_recv_chain(struct floor *f, const struct floor_sge *sge, unsigned n);

/*
 * 1 if there is a completion, else 0; -1 it is an error. @counter: which work it is of. The burst
 * returns how many it found, up to @max.
 */
FLOOR_API int floor_poll_send(struct floor *f, uint16_t *counter);
FLOOR_API int floor_poll_recv(struct floor *f, struct floor_received *received);
FLOOR_API int floor_poll_send_burst(struct floor *f, uint16_t *counter, unsigned max);
FLOOR_API int floor_poll_recv_burst(struct floor *f, struct floor_received *received, unsigned max);

#endif
