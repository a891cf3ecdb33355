/* SPDX-License-Identifier: MIT */
/*
 * The functions by which a program without a library posts and polls, through ibv_wr_*() and the extended completion
 * queue: in a source of its own, as programs have that do it from more than one place. Works are numbered, keys and
 * addresses are arguments; what is returned is that number, or -errno. A poll reads what a completion of ours tells:
 * number, status and opcode, of receives also bytes and the immediate in host order. Nothing counts credits, holds
 * lengths against anything, or keeps what an error would be told by.
 */
#ifndef BV_TESTS_BENCH_OWN_H
#define BV_TESTS_BENCH_OWN_H

#include <stddef.h>
#include <stdint.h>

#include <infiniband/verbs.h>

#include "polled.h"

/* What the program knows of its connection. */
struct own {
	struct ibv_qp_ex *qp;
	struct ibv_cq_ex *send_cq;
	struct ibv_cq_ex *recv_cq;
	uint64_t number; /* of the next work */
	uint64_t recv_number;
};

struct own_target {
	uint64_t addr;
	uint32_t rkey;
};

int64_t own_write_inline(struct own *o, void *payload, size_t length, const struct own_target *to);
int64_t own_write(struct own *o, const struct ibv_sge *sge, const struct own_target *to);
int64_t own_write_list(struct own *o, const struct ibv_sge *sge, size_t n,
		       const struct own_target *to);
int64_t own_send_inline(struct own *o, void *payload, size_t length);
int64_t own_send_imm(struct own *o, const struct ibv_sge *sge, uint32_t imm);
int64_t own_read(struct own *o, const struct ibv_sge *sge, const struct own_target *from);
int64_t own_fetch_add(struct own *o, const struct ibv_sge *result, const struct own_target *to,
		      uint64_t add);
/* One more of the works that one ibv_wr_complete() will take. */
int64_t own_add_inline(struct own *o, void *payload, size_t length, const struct own_target *to);
int64_t own_recv(struct own *o, struct ibv_sge *sge);
/* How many were found, up to @max. */
unsigned own_poll_send_one(struct own *o, struct polled *to);
unsigned own_poll_recv_one(struct own *o, struct polled *to);
unsigned own_poll_send(struct own *o, struct polled *to, unsigned max);
unsigned own_poll_recv(struct own *o, struct polled *to, unsigned max);

#endif
