/* SPDX-License-Identifier: MIT */
/*
 * The objects of libibverbs, for the libraries that are driven by its own calls: the queue pair in a
 * thread domain, connected to itself.
 */
#ifndef BV_TESTS_BENCH_DIRECT_H
#define BV_TESTS_BENCH_DIRECT_H

#include <infiniband/verbs.h>

#include "bench.h"

/* What each side of such a library has first. */
struct direct {
	struct bench_base base;
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	struct ibv_td *td;
	struct ibv_pd *domain;
	struct ibv_cq *send_cq;
	struct ibv_cq *recv_cq;
	struct ibv_cq_ex *send_cq_ex; /* the same queues; NULL unless asked for */
	struct ibv_cq_ex *recv_cq_ex;
	struct ibv_qp *qp;
};

#define DIRECT_EXTENDED 0x1u /* completion queues for a single thread, and ibv_wr_* */
#define DIRECT_CQ_IGNORE_OVERRUN 0x2u

/* A side of @side_size bytes, opened; all behind its struct direct is 0. NULL: @why tells. */
void *direct_side_open(size_t side_size, unsigned flags, const char *about, char *why, size_t size);
void direct_side_close(struct bench_side *side);

/* @recv: BENCH_CHAIN receives in a list, each of @landing: a message's room. Both outlive the posts. */
void direct_receives(const struct direct *d, struct ibv_sge *landing, struct ibv_recv_wr *recv);

#endif
