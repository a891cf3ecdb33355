/* SPDX-License-Identifier: MIT */
/* libmlx5 by ibv_wr_*() and the extended completion queue, through a program's own functions (own.h). */
#include "bench.h"

#include "direct.h"
#include "own.h"

struct bench_side {
	struct direct d;
	struct own own;
	struct own_target target;
	struct ibv_sge one;
	struct ibv_sge pieces[BENCH_SGE_MAX];
	struct ibv_sge message;
	struct ibv_sge result;
	struct ibv_sge number;
	struct ibv_sge landing;
	struct ibv_recv_wr recv[BENCH_CHAIN];
	struct polled seen[BENCH_CHAIN];
};

/* Calls one after the other, until one is refused. */
#define POSTS(call)                       \
	do {                              \
		unsigned i;               \
                                          \
		for (i = 0; i < n; i++) { \
			if ((call) < 0)   \
				break;    \
		}                         \
		return i;                 \
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
	POSTS(own_write_inline(&s->own, s->d.base.memory, 8, &s->target));
}

static unsigned write_inline_28(struct bench_side *s, unsigned n)
{
	POSTS(own_write_inline(&s->own, s->d.base.memory, 28, &s->target));
}

static unsigned write_inline_64(struct bench_side *s, unsigned n)
{
	POSTS(own_write_inline(&s->own, s->d.base.memory, 64, &s->target));
}

static unsigned write_sge_1(struct bench_side *s, unsigned n)
{
	POSTS(own_write(&s->own, &s->one, &s->target));
}

static unsigned write_sge_4(struct bench_side *s, unsigned n)
{
	POSTS(own_write_list(&s->own, s->pieces, BENCH_SGE_MAX, &s->target));
}

static unsigned send_inline_8(struct bench_side *s, unsigned n)
{
	POSTS(own_send_inline(&s->own, s->d.base.memory, 8));
}

static unsigned post_read(struct bench_side *s, unsigned n)
{
	POSTS(own_read(&s->own, &s->result, &s->target));
}

static unsigned fetch_add(struct bench_side *s, unsigned n)
{
	POSTS(own_fetch_add(&s->own, &s->number, &s->target, BENCH_ADD));
}

static unsigned send_imm(struct bench_side *s, unsigned n)
{
	POSTS(own_send_imm(&s->own, &s->message, BENCH_IMM));
}

static inline void chain(struct bench_side *s)
{
	for (unsigned i = 0; i < BENCH_CHAIN; i++)
		own_add_inline(&s->own, s->d.base.memory, 8, &s->target);
}

static unsigned recv_1(struct bench_side *s, unsigned n)
{
	POSTS(own_recv(&s->own, &s->landing));
}

static unsigned write_chain(struct bench_side *s, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i += BENCH_CHAIN) {
		ibv_wr_start(s->own.qp);
		chain(s);
		if (ibv_wr_complete(s->own.qp))
			break;
	}
	return i;
}

static unsigned recv_chain(struct bench_side *s, unsigned n)
{
	struct ibv_recv_wr *bad;
	unsigned i;

	for (i = 0; i < n; i += BENCH_CHAIN) {
		if (ibv_post_recv(s->d.qp, s->recv, &bad))
			break;
	}
	return i;
}

static unsigned poll_send(struct bench_side *s, unsigned n)
{
	POLLS(1, own_poll_send_one(&s->own, s->seen));
}

static unsigned poll_recv(struct bench_side *s, unsigned n)
{
	POLLS(1, own_poll_recv_one(&s->own, s->seen));
}

static unsigned poll_send_burst(struct bench_side *s, unsigned n)
{
	POLLS(BENCH_CHAIN, own_poll_send(&s->own, s->seen, BENCH_CHAIN));
}

static unsigned poll_recv_burst(struct bench_side *s, unsigned n)
{
	POLLS(BENCH_CHAIN, own_poll_recv(&s->own, s->seen, BENCH_CHAIN));
}

static unsigned poll_empty(struct bench_side *s, unsigned n)
{
	POSTS(own_poll_send_one(&s->own, s->seen) == 0 ? 0 : -1);
}

static void seen(const struct bench_side *s, struct bench_seen *out)
{
	*out = polled_seen(&s->seen[0]);
}

static struct ibv_sge element(const struct bench_side *s, unsigned place, uint32_t length)
{
	return (struct ibv_sge){
		.addr = (uintptr_t)s->d.base.memory + place,
		.length = length,
		.lkey = s->d.mr->lkey,
	};
}

static void lists(struct bench_side *s)
{
	s->own = (struct own){
		.qp = ibv_qp_to_qp_ex(s->d.qp),
		.send_cq = s->d.send_cq_ex,
		.recv_cq = s->d.recv_cq_ex,
	};
	s->target.rkey = s->d.mr->rkey;
	s->target.addr = (uintptr_t)s->d.base.memory + BENCH_TARGET;
	s->one = element(s, BENCH_PAYLOAD, BENCH_SGE_LENGTH);
	for (unsigned i = 0; i < BENCH_SGE_MAX; i++)
		s->pieces[i] =
			element(s, BENCH_PAYLOAD + i * BENCH_PIECE_STRIDE, BENCH_PIECE_LENGTH);
	s->message = element(s, BENCH_PAYLOAD, BENCH_MESSAGE);
	s->result = element(s, BENCH_RESULT, BENCH_SGE_LENGTH);
	s->number = element(s, BENCH_RESULT, sizeof(uint64_t));
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

const struct bench_library bench_own = {
	.name = "libmlx5-wr-own",
	.open = open_side,
	.close = direct_side_close,
	.seen = seen,
	.run = { BENCH_EVERY_CALL },
};
