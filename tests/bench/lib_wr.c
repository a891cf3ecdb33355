/* SPDX-License-Identifier: MIT */
/*
 * libmlx5 by ibv_wr_*() and the extended completion queue, inline in the loops. Works are numbered, and posted from
 * variables: keys, addresses, lists. A poll reads what a completion of ours tells: number, status and opcode, of receives also
 * bytes and the immediate in host order. Requests of receives are made beforehand.
 */
#include "bench.h"

#include "direct.h"
#include "polled.h"

struct bench_side {
	struct direct d;
	struct ibv_qp_ex *qp;
	uint64_t number; /* of the next work */
	uint64_t target;
	uint32_t lkey;
	uint32_t rkey;
	struct ibv_sge pieces[BENCH_SGE_MAX];
	struct ibv_recv_wr recv[BENCH_CHAIN];
	struct ibv_sge landing;
	struct polled seen[BENCH_CHAIN];
};

/* One work and its doorbell, @n times. */
#define POSTS(build)                                \
	do {                                        \
		struct ibv_qp_ex *const qp = s->qp; \
		unsigned i;                         \
                                                    \
		for (i = 0; i < n; i++) {           \
			ibv_wr_start(qp);           \
			head(qp, s->number);        \
			build;                      \
			if (ibv_wr_complete(qp))    \
				break;              \
			s->number++;                \
		}                                   \
		return i;                           \
	} while (0)

static inline void head(struct ibv_qp_ex *qp, uint64_t number)
{
	qp->wr_id = number;
	qp->wr_flags = IBV_SEND_SIGNALED;
}

static inline void write_head(struct bench_side *s, struct ibv_qp_ex *qp)
{
	ibv_wr_rdma_write(qp, s->rkey, s->target);
}

static inline void element(struct bench_side *s, struct ibv_qp_ex *qp, unsigned place,
			   uint32_t length)
{
	ibv_wr_set_sge(qp, s->lkey, (uintptr_t)s->d.base.memory + place, length);
}

static unsigned write_inline_8(struct bench_side *s, unsigned n)
{
	POSTS((write_head(s, qp), ibv_wr_set_inline_data(qp, s->d.base.memory, 8)));
}

static unsigned write_inline_28(struct bench_side *s, unsigned n)
{
	POSTS((write_head(s, qp), ibv_wr_set_inline_data(qp, s->d.base.memory, 28)));
}

static unsigned write_inline_64(struct bench_side *s, unsigned n)
{
	POSTS((write_head(s, qp), ibv_wr_set_inline_data(qp, s->d.base.memory, 64)));
}

static unsigned write_sge_1(struct bench_side *s, unsigned n)
{
	POSTS((write_head(s, qp), element(s, qp, BENCH_PAYLOAD, BENCH_SGE_LENGTH)));
}

static unsigned write_sge_4(struct bench_side *s, unsigned n)
{
	POSTS((write_head(s, qp), ibv_wr_set_sge_list(qp, BENCH_SGE_MAX, s->pieces)));
}

static unsigned send_inline_8(struct bench_side *s, unsigned n)
{
	POSTS((ibv_wr_send(qp), ibv_wr_set_inline_data(qp, s->d.base.memory, 8)));
}

static unsigned post_read(struct bench_side *s, unsigned n)
{
	POSTS((ibv_wr_rdma_read(qp, s->rkey, s->target),
	       element(s, qp, BENCH_RESULT, BENCH_SGE_LENGTH)));
}

static unsigned fetch_add(struct bench_side *s, unsigned n)
{
	POSTS((ibv_wr_atomic_fetch_add(qp, s->rkey, s->target, BENCH_ADD),
	       element(s, qp, BENCH_RESULT, 8)));
}

static unsigned send_imm(struct bench_side *s, unsigned n)
{
	POSTS((ibv_wr_send_imm(qp, htobe32(BENCH_IMM)),
	       element(s, qp, BENCH_PAYLOAD, BENCH_MESSAGE)));
}

static unsigned write_chain(struct bench_side *s, unsigned n)
{
	struct ibv_qp_ex *const qp = s->qp;
	uint64_t number = s->number;
	unsigned i;

	for (i = 0; i < n; i += BENCH_CHAIN) {
		ibv_wr_start(qp);
		for (unsigned j = 0; j < BENCH_CHAIN; j++) {
			head(qp, number++);
			write_head(s, qp);
			ibv_wr_set_inline_data(qp, s->d.base.memory, 8);
		}
		if (ibv_wr_complete(qp))
			break;
	}
	s->number = number;
	return i;
}

static inline unsigned receives(struct bench_side *s, struct ibv_recv_wr *wr, unsigned each,
				unsigned n)
{
	struct ibv_recv_wr *bad;
	unsigned i;

	for (i = 0; i < n; i += each) {
		if (ibv_post_recv(s->d.qp, wr, &bad))
			break;
	}
	return i;
}

static unsigned recv_1(struct bench_side *s, unsigned n)
{
	return receives(s, &s->recv[BENCH_CHAIN - 1], 1, n);
}

static unsigned recv_chain(struct bench_side *s, unsigned n)
{
	return receives(s, s->recv, BENCH_CHAIN, n);
}

#define POLLS(queue, each, read)                                          \
	do {                                                              \
		struct ibv_cq_ex *const cq = s->d.queue;                  \
		struct ibv_poll_cq_attr attr = { 0 };                     \
		unsigned i;                                               \
                                                                          \
		for (i = 0; i < n; i += (each)) {                         \
			unsigned got = 0;                                 \
                                                                          \
			if (ibv_start_poll(cq, &attr))                    \
				break;                                    \
			do                                                \
				read(cq, &s->seen[got]);                  \
			while (++got < (each) && ibv_next_poll(cq) == 0); \
			ibv_end_poll(cq);                                 \
			if (got != (each))                                \
				break;                                    \
		}                                                         \
		return i;                                                 \
	} while (0)

static unsigned poll_send(struct bench_side *s, unsigned n)
{
	POLLS(send_cq_ex, 1, polled_sent);
}

static unsigned poll_recv(struct bench_side *s, unsigned n)
{
	POLLS(recv_cq_ex, 1, polled_received);
}

static unsigned poll_send_burst(struct bench_side *s, unsigned n)
{
	POLLS(send_cq_ex, BENCH_CHAIN, polled_sent);
}

static unsigned poll_recv_burst(struct bench_side *s, unsigned n)
{
	POLLS(recv_cq_ex, BENCH_CHAIN, polled_received);
}

static unsigned poll_empty(struct bench_side *s, unsigned n)
{
	struct ibv_poll_cq_attr attr = { 0 };
	unsigned i;

	for (i = 0; i < n; i++) {
		if (!ibv_start_poll(s->d.send_cq_ex, &attr))
			break;
	}
	return i;
}

static void seen(const struct bench_side *s, struct bench_seen *out)
{
	*out = polled_seen(&s->seen[0]);
}

static void lists(struct bench_side *s)
{
	s->qp = ibv_qp_to_qp_ex(s->d.qp);
	s->lkey = s->d.mr->lkey;
	s->rkey = s->d.mr->rkey;
	s->target = (uintptr_t)s->d.base.memory + BENCH_TARGET;
	for (unsigned i = 0; i < BENCH_SGE_MAX; i++)
		s->pieces[i] = (struct ibv_sge){
			.addr = (uintptr_t)s->d.base.memory + BENCH_PAYLOAD +
				i * BENCH_PIECE_STRIDE,
			.length = BENCH_PIECE_LENGTH,
			.lkey = s->lkey,
		};
	direct_receives(&s->d, &s->landing, s->recv);
}

static struct bench_side *open_side(char *why, size_t size)
{
	struct bench_side *s = direct_side_open(
		sizeof(*s), DIRECT_EXTENDED,
		"ibv_wr_* and ibv_start_poll, thread domain, single-threaded CQ", why, size);

	if (s)
		lists(s);
	return s;
}

const struct bench_library bench_wr = {
	.name = "libmlx5-wr",
	.open = open_side,
	.close = direct_side_close,
	.seen = seen,
	.run = { BENCH_EVERY_CALL },
};
