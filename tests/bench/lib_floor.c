/* SPDX-License-Identifier: MIT */
/* The floor (floor.h) on the rings of a queue pair that libmlx5 made. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "direct.h"
#include "floor.h"

struct bench_side {
	struct direct d;
	struct floor *f;
	uint64_t target;
	uint32_t rkey;
	struct floor_sge sge_1;
	struct floor_sge sge_4[BENCH_SGE_MAX];
	struct floor_sge message;
	struct floor_sge result;
	struct floor_sge number;
	struct floor_sge landing;
	struct floor_received received[BENCH_CHAIN];
	uint16_t counter;
	bool polled_recv;
};

#define POSTS(each, call)                       \
	do {                                    \
		unsigned i;                     \
                                                \
		for (i = 0; i < n; i += (each)) \
			call;                   \
		return i;                       \
	} while (0)

#define POLLS(each, call)                         \
	do {                                      \
		unsigned i;                       \
                                                  \
		for (i = 0; i < n; i += (each)) { \
			if ((call) != (each))     \
				break;            \
		}                                 \
		return i;                         \
	} while (0)

static unsigned write_inline_8(struct bench_side *s, unsigned n)
{
	POSTS(1, floor_write_8(s->f, s->d.base.memory, s->target, s->rkey));
}

static unsigned write_inline_28(struct bench_side *s, unsigned n)
{
	POSTS(1, floor_write_28(s->f, s->d.base.memory, s->target, s->rkey));
}

static unsigned write_inline_64(struct bench_side *s, unsigned n)
{
	POSTS(1, floor_write_64(s->f, s->d.base.memory, s->target, s->rkey));
}

static unsigned write_sge_1(struct bench_side *s, unsigned n)
{
	POSTS(1, floor_write_sge_1(s->f, &s->sge_1, s->target, s->rkey));
}

static unsigned write_sge_4(struct bench_side *s, unsigned n)
{
	POSTS(1, floor_write_sge_4(s->f, s->sge_4, s->target, s->rkey));
}

static unsigned send_inline_8(struct bench_side *s, unsigned n)
{
	POSTS(1, floor_send_8(s->f, s->d.base.memory));
}

static unsigned post_read(struct bench_side *s, unsigned n)
{
	POSTS(1, floor_read(s->f, &s->result, s->target, s->rkey));
}

static unsigned fetch_add(struct bench_side *s, unsigned n)
{
	POSTS(1, floor_fetch_add(s->f, &s->number, s->target, s->rkey, BENCH_ADD));
}

static unsigned send_imm(struct bench_side *s, unsigned n)
{
	POSTS(1, floor_send_imm(s->f, &s->message, BENCH_IMM));
}

static unsigned write_chain(struct bench_side *s, unsigned n)
{
	POSTS(BENCH_CHAIN,
	      floor_write_8_chain(s->f, s->d.base.memory, s->target, s->rkey, BENCH_CHAIN));
}

static unsigned recv_1(struct bench_side *s, unsigned n)
{
	POSTS(1, floor_recv(s->f, &s->landing));
}

static unsigned recv_chain(struct bench_side *s, unsigned n)
{
	POSTS(BENCH_CHAIN, floor_recv_chain(s->f, &s->landing, BENCH_CHAIN));
}

static unsigned poll_send(struct bench_side *s, unsigned n)
{
	s->polled_recv = false;
	POLLS(1, floor_poll_send(s->f, &s->counter));
}

static unsigned poll_recv(struct bench_side *s, unsigned n)
{
	s->polled_recv = true;
	POLLS(1, floor_poll_recv(s->f, s->received));
}

static unsigned poll_send_burst(struct bench_side *s, unsigned n)
{
	s->polled_recv = false;
	POLLS(BENCH_CHAIN, floor_poll_send_burst(s->f, &s->counter, BENCH_CHAIN));
}

static unsigned poll_recv_burst(struct bench_side *s, unsigned n)
{
	s->polled_recv = true;
	POLLS(BENCH_CHAIN, floor_poll_recv_burst(s->f, s->received, BENCH_CHAIN));
}

static unsigned poll_empty(struct bench_side *s, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (floor_poll_send(s->f, &s->counter) != 0)
			break;
	}
	return i;
}

static void seen(const struct bench_side *s, struct bench_seen *out)
{
	const struct floor_received *r = &s->received[0];

	*out = (struct bench_seen){ .good = true };
	if (!s->polled_recv)
		return;
	out->bytes = r->bytes;
	out->has_imm = r->opcode == MLX5_CQE_RESP_SEND_IMM;
	out->imm = r->imm;
}

static void take_cq(struct floor_cq *cq, struct ibv_cq *ibv, bool ignores_overrun)
{
	struct mlx5dv_cq dv = { 0 };
	struct mlx5dv_obj obj = { .cq = { .in = ibv, .out = &dv } };
	static uint32_t nobody[16];
	uint8_t *ring;

	mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ);
	ring = dv.buf;
	for (uint32_t i = 0; i < dv.cqe_cnt; i++) /* never written, and of no lap */
		ring[i * dv.cqe_size + 63] = MLX5_CQE_INVALID << 4 | 1;
	*cq = (struct floor_cq){
		.next = ring,
		.end = ring + (size_t)dv.cqe_cnt * dv.cqe_size,
		.dbrec = ignores_overrun ? nobody : (uint32_t *)dv.dbrec,
		.size = dv.cqe_cnt * dv.cqe_size,
	};
}

static void take_queues(struct floor *f, struct direct *d, bool ignores_overrun)
{
	struct mlx5dv_qp dv = { 0 };
	struct mlx5dv_obj obj = { .qp = { .in = d->qp, .out = &dv } };

	mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP);
	f->ring = dv.sq.buf;
	f->dbrec = (uint32_t *)dv.dbrec + MLX5_SND_DBR;
	f->bf = dv.bf.reg;
	f->mask = dv.sq.wqe_cnt - 1;
	f->bf_size = dv.bf.size;
	f->qpn = d->qp->qp_num;
	f->recv_ring = dv.rq.buf;
	f->recv_dbrec = (uint32_t *)dv.dbrec + MLX5_RCV_DBR;
	f->recv_mask = dv.rq.wqe_cnt - 1;
	f->recv_stride = dv.rq.stride;
	take_cq(&f->send_cq, d->send_cq, ignores_overrun);
	take_cq(&f->recv_cq, d->recv_cq, ignores_overrun);
}

static struct floor_sge element(struct bench_side *s, unsigned place, uint32_t length)
{
	return (struct floor_sge){ (uintptr_t)s->d.base.memory + place, length, s->d.mr->lkey };
}

static void lists(struct bench_side *s)
{
	s->target = (uintptr_t)s->d.base.memory + BENCH_TARGET;
	s->rkey = s->d.mr->rkey;
	s->sge_1 = element(s, BENCH_PAYLOAD, BENCH_SGE_LENGTH);
	for (unsigned i = 0; i < BENCH_SGE_MAX; i++)
		s->sge_4[i] =
			element(s, BENCH_PAYLOAD + i * BENCH_PIECE_STRIDE, BENCH_PIECE_LENGTH);
	s->message = element(s, BENCH_PAYLOAD, BENCH_MESSAGE);
	s->result = element(s, BENCH_RESULT, BENCH_SGE_LENGTH);
	s->number = element(s, BENCH_RESULT, sizeof(uint64_t));
	s->landing = element(s, BENCH_LANDING, BENCH_MESSAGE);
}

static void close_side(struct bench_side *s)
{
	free(s->f);
	direct_side_close(s);
}

static struct bench_side *open_side(char *why, size_t size)
{
	struct bench_side *s = direct_side_open(sizeof(*s), DIRECT_CQ_IGNORE_OVERRUN,
						"own code on the rings, CQs that ignore overruns",
						why, size);
	const bool ignores_overrun = s;

	if (!s)
		s = direct_side_open(sizeof(*s), 0, "own code on the rings, consumer index written",
				     why, size);
	if (!s)
		return NULL;
	s->f = aligned_alloc(64, (sizeof(*s->f) + 63) / 64 * 64);
	memset(s->f, 0, sizeof(*s->f));
	take_queues(s->f, &s->d, ignores_overrun);
	lists(s);
	return s;
}

const struct bench_library bench_floor = {
	.name = "floor",
	.open = open_side,
	.close = close_side,
	.seen = seen,
	.run = { BENCH_EVERY_CALL },
};
