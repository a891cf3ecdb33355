/* SPDX-License-Identifier: MIT */
/*
 * The objects of libibverbs, for the libraries that are driven by its own calls: the queue pair in a
 * thread domain, connected to itself.
 */
#ifndef BV_TESTS_BENCH_DIRECT_H
#define BV_TESTS_BENCH_DIRECT_H

#include <infiniband/verbs.h>

#include "bench.h"

struct direct {
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

/* @memory: BENCH_MEMORY bytes. 0, or -1 and @why tells; direct_close() in both cases. */
int direct_open(struct direct *d, uint8_t *memory, unsigned flags, char *why, size_t size);
void direct_close(struct direct *d);

/* @recv: BENCH_CHAIN receives in a list, each of @landing: a message's room in @memory. Both outlive the posts. */
void direct_receives(const struct direct *d, uint8_t *memory, struct ibv_sge *landing,
		     struct ibv_recv_wr *recv);

#endif
