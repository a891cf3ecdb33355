/* SPDX-License-Identifier: MIT */
/*
 * Two queue pairs, created with the same parameters in one protection domain, each connected to
 * itself: one is driven by libibverbs and the real libmlx5, the other by our provider. The test
 * posts the same request to both and looks at what each wrote, before it lets the device run.
 */
#ifndef BV_TESTS_ORACLE_TWIN_H
#define BV_TESTS_ORACLE_TWIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <infiniband/verbs.h>

#include <bareverbs/bareverbs.h>

enum {
	TWIN_MAX_SEND = 8,
	TWIN_MAX_RECV = 8,
	TWIN_MAX_SEND_SGE = 16,
	TWIN_MAX_RECV_SGE = 4,
	TWIN_MAX_INLINE = 200,
	TWIN_BUF = 64 << 10,
	TWIN_BF_SIZE = 256,
	TWIN_BLOCK = 64, /* of a send ring, bytes */
};

/* What one completion queue has in memory. */
struct cq_ring {
	const uint32_t *dbrec;
	uint32_t cqn;
};

/* What one queue pair has in memory. */
struct rings {
	uint8_t *sq;
	uint32_t sq_size; /* bytes */
	uint8_t *rq;
	uint32_t rq_size;
	uint32_t rq_stride;
	const uint32_t *dbrec;
	uint8_t *bf;    /* first half of the doorbell register */
	bool blueflame; /* what it is */
	uint32_t qpn;
	struct cq_ring send_cq;
	struct cq_ring recv_cq;
	uint8_t *arm; /* the register that completion queues are armed with, one for all */
};

struct twin {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	uint8_t *buf;

	struct ibv_td *td;
	struct ibv_pd *domain;
	struct ibv_cq *send_cq;
	struct ibv_cq *recv_cq;
	struct ibv_comp_channel *wake;
	struct ibv_qp *qp;
	struct rings theirs;

	struct bv_channel *ch; /* its core->wake is set */
	struct rings ours;
};

/* NULL if there is no emulated device in manual mode; then *@why tells. */
struct twin *twin_new(const char **why);
void twin_free(struct twin *t);

/* Lets the device do all it has to do. */
void twin_run(void);

#endif
