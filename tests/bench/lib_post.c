/* SPDX-License-Identifier: MIT */
/*
 * libmlx5 by ibv_post_send(), ibv_post_recv() and ibv_poll_cq(). All requests are made beforehand:
 * what filling one in costs is the program's.
 */
#include "bench.h"

#include <endian.h>

#include "direct.h"

struct bench_side {
	struct direct d;
	struct ibv_send_wr wr[BENCH_NOPS];
	struct ibv_sge sge[BENCH_NOPS][BENCH_SGE_MAX];
	struct ibv_send_wr chain[BENCH_CHAIN];
	struct ibv_recv_wr recv[BENCH_CHAIN]; /* linked; the last one stands alone */
	struct ibv_sge landing;
	struct ibv_wc wc[BENCH_CHAIN];
};

static inline unsigned posts(struct ibv_qp *qp, struct ibv_send_wr *wr, unsigned each, unsigned n)
{
	struct ibv_send_wr *bad;
	unsigned i;

	for (i = 0; i < n; i += each) {
		if (ibv_post_send(qp, wr, &bad))
			break;
	}
	return i;
}

static inline unsigned receives(struct ibv_qp *qp, struct ibv_recv_wr *wr, unsigned each,
				unsigned n)
{
	struct ibv_recv_wr *bad;
	unsigned i;

	for (i = 0; i < n; i += each) {
		if (ibv_post_recv(qp, wr, &bad))
			break;
	}
	return i;
}

static inline unsigned polls(struct bench_side *s, struct ibv_cq *cq, int each, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i += (unsigned)each) {
		if (ibv_poll_cq(cq, each, s->wc) != each)
			break;
	}
	return i;
}

#define POSTS(op)                                                    \
	static unsigned posts_##op(struct bench_side *s, unsigned n) \
	{                                                            \
		return posts(s->d.qp, &s->wr[BENCH_##op], 1, n);     \
	}

POSTS(WRITE_INLINE_8)
POSTS(WRITE_INLINE_28)
POSTS(WRITE_INLINE_64)
POSTS(WRITE_SGE_1)
POSTS(WRITE_SGE_4)
POSTS(SEND_INLINE_8)
POSTS(READ)
POSTS(FETCH_ADD)
POSTS(SEND_IMM)

static unsigned write_chain(struct bench_side *s, unsigned n)
{
	return posts(s->d.qp, s->chain, BENCH_CHAIN, n);
}

static unsigned recv_1(struct bench_side *s, unsigned n)
{
	return receives(s->d.qp, &s->recv[BENCH_CHAIN - 1], 1, n);
}

static unsigned recv_chain(struct bench_side *s, unsigned n)
{
	return receives(s->d.qp, s->recv, BENCH_CHAIN, n);
}

static unsigned poll_send(struct bench_side *s, unsigned n)
{
	return polls(s, s->d.send_cq, 1, n);
}

static unsigned poll_recv(struct bench_side *s, unsigned n)
{
	return polls(s, s->d.recv_cq, 1, n);
}

static unsigned poll_send_burst(struct bench_side *s, unsigned n)
{
	return polls(s, s->d.send_cq, BENCH_CHAIN, n);
}

static unsigned poll_recv_burst(struct bench_side *s, unsigned n)
{
	return polls(s, s->d.recv_cq, BENCH_CHAIN, n);
}

static unsigned poll_empty(struct bench_side *s, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (ibv_poll_cq(s->d.send_cq, 1, s->wc) != 0)
			break;
	}
	return i;
}

static void seen(const struct bench_side *s, struct bench_seen *out)
{
	const struct ibv_wc *wc = &s->wc[0];

	*out = (struct bench_seen){
		.good = wc->status == IBV_WC_SUCCESS,
		.bytes = wc->byte_len,
		.has_imm = wc->wc_flags & IBV_WC_WITH_IMM,
		.imm = be32toh(wc->imm_data),
	};
}

static void request(struct bench_side *s, enum bench_op op, enum ibv_wr_opcode opcode,
		    unsigned place, uint32_t length, unsigned flags)
{
	struct ibv_send_wr *wr = &s->wr[op];

	s->sge[op][0] = (struct ibv_sge){
		.addr = (uintptr_t)s->d.base.memory + place,
		.length = length,
		.lkey = s->d.mr->lkey,
	};
	*wr = (struct ibv_send_wr){
		.sg_list = s->sge[op],
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED | flags,
	};
	wr->wr.rdma.remote_addr = (uintptr_t)s->d.base.memory + BENCH_TARGET;
	wr->wr.rdma.rkey = s->d.mr->rkey;
}

static void requests(struct bench_side *s)
{
	struct ibv_send_wr *wr;

	request(s, BENCH_WRITE_INLINE_8, IBV_WR_RDMA_WRITE, BENCH_PAYLOAD, 8, IBV_SEND_INLINE);
	request(s, BENCH_WRITE_INLINE_28, IBV_WR_RDMA_WRITE, BENCH_PAYLOAD, 28, IBV_SEND_INLINE);
	request(s, BENCH_WRITE_INLINE_64, IBV_WR_RDMA_WRITE, BENCH_PAYLOAD, 64, IBV_SEND_INLINE);
	request(s, BENCH_WRITE_SGE_1, IBV_WR_RDMA_WRITE, BENCH_PAYLOAD, BENCH_SGE_LENGTH, 0);
	request(s, BENCH_WRITE_SGE_4, IBV_WR_RDMA_WRITE, BENCH_PAYLOAD, BENCH_PIECE_LENGTH, 0);
	for (unsigned i = 1; i < BENCH_SGE_MAX; i++) {
		s->sge[BENCH_WRITE_SGE_4][i] = s->sge[BENCH_WRITE_SGE_4][0];
		s->sge[BENCH_WRITE_SGE_4][i].addr += i * BENCH_PIECE_STRIDE;
	}
	s->wr[BENCH_WRITE_SGE_4].num_sge = BENCH_SGE_MAX;
	request(s, BENCH_SEND_INLINE_8, IBV_WR_SEND, BENCH_PAYLOAD, 8, IBV_SEND_INLINE);
	request(s, BENCH_READ, IBV_WR_RDMA_READ, BENCH_RESULT, BENCH_SGE_LENGTH, 0);
	request(s, BENCH_FETCH_ADD, IBV_WR_ATOMIC_FETCH_AND_ADD, BENCH_RESULT, 8, 0);
	wr = &s->wr[BENCH_FETCH_ADD];
	wr->wr.atomic.remote_addr = (uintptr_t)s->d.base.memory + BENCH_TARGET;
	wr->wr.atomic.rkey = s->d.mr->rkey;
	wr->wr.atomic.compare_add = BENCH_ADD;
	request(s, BENCH_SEND_IMM, IBV_WR_SEND_WITH_IMM, BENCH_PAYLOAD, BENCH_MESSAGE, 0);
	s->wr[BENCH_SEND_IMM].imm_data = htobe32(BENCH_IMM);
	for (unsigned i = 0; i < BENCH_CHAIN; i++) {
		s->chain[i] = s->wr[BENCH_WRITE_INLINE_8];
		s->chain[i].next = i + 1 < BENCH_CHAIN ? &s->chain[i + 1] : NULL;
	}
	direct_receives(&s->d, &s->landing, s->recv);
}

static struct bench_side *open_side(char *why, size_t size)
{
	struct bench_side *s = direct_side_open(
		sizeof(*s), 0, "ibv_post_send and ibv_poll_cq, thread domain", why, size);

	if (s)
		requests(s);
	return s;
}

const struct bench_library bench_post = {
	.name = "libmlx5-post",
	.open = open_side,
	.close = direct_side_close,
	.seen = seen,
	.run = {
		[BENCH_WRITE_INLINE_8] = posts_WRITE_INLINE_8,
		[BENCH_WRITE_INLINE_28] = posts_WRITE_INLINE_28,
		[BENCH_WRITE_INLINE_64] = posts_WRITE_INLINE_64,
		[BENCH_WRITE_SGE_1] = posts_WRITE_SGE_1,
		[BENCH_WRITE_SGE_4] = posts_WRITE_SGE_4,
		[BENCH_SEND_INLINE_8] = posts_SEND_INLINE_8,
		[BENCH_READ] = posts_READ,
		[BENCH_FETCH_ADD] = posts_FETCH_ADD,
		[BENCH_WRITE_CHAIN] = write_chain,
		[BENCH_RECV] = recv_1,
		[BENCH_RECV_CHAIN] = recv_chain,
		[BENCH_POLL_SEND] = poll_send,
		[BENCH_POLL_RECV] = poll_recv,
		[BENCH_POLL_SEND_BURST] = poll_send_burst,
		[BENCH_POLL_RECV_BURST] = poll_recv_burst,
		[BENCH_POLL_EMPTY] = poll_empty,
		[BENCH_SEND_IMM] = posts_SEND_IMM,
	},
};
