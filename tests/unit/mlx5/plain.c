/* SPDX-License-Identifier: MIT */
#include "plain.h"

#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

const struct plain_shape plain_default = {
	.blocks = 64,
	.strides = 16,
	.stride = 64,
	.max_send = 16,
	.max_recv = 16,
};

/* Aligned to @align, and exactly @size bytes, so that ASan sees the first byte too many. */
static void *memory(size_t align, size_t size, int fill)
{
	void *mem;

	/* aligned_alloc() takes multiples of @align only; sanitizers insist. */
	assert_int_equal(posix_memalign(&mem, align, size), 0);
	memset(mem, fill, size);
	return mem;
}

static void cq_fill(struct mlx5_cq *cq, struct prm_cqe *ring, unsigned count, uint32_t *dbrec)
{
	/* As providers/mlx5/channel.c leaves entries that were never written. */
	memset(ring, 0, count * sizeof(*ring));
	for (unsigned i = 0; i < count; i++)
		ring[i].tail = bv_to_be64(PRM_CQE_REQ << 4 | PRM_CQE_OWNER);
	*cq = (struct mlx5_cq){
		.ring = (const void *)ring,
		.dbrec = (bv_be32 *)(void *)dbrec,
		.count = count,
	};
}

static void queues_fill(struct plain *p, const struct plain_shape *shape)
{
	struct bv_channel *const ch = p->ch;

	ch->core = &p->c.core;
	bvi_mlx5_sq_init(ch, PLAIN_QPN, shape->blocks,
			 &(const struct bv_channel_attr){ .max_send = shape->max_send,
							  .max_send_sge = PLAIN_MAX_SEND_SGE,
							  .max_inline = PLAIN_MAX_INLINE });
	bvi_mlx5_post_of(ch)->ring = p->sq;
	bvi_mlx5_post_of(ch)->dbrec = (bv_be32 *)(void *)&p->qp_dbrec[PRM_DBREC_SEND];
	bvi_mlx5_post_of(ch)->bf = p->bf;
	*bvi_mlx5_recv_of(ch) = (struct bvi_mlx5_recv){
		.ring = p->rq,
		.dbrec = (bv_be32 *)(void *)&p->qp_dbrec[PRM_DBREC_RECV],
		.stride = shape->stride,
		.mask = (uint16_t)(shape->strides - 1),
	};
	cq_fill(&p->c.send_cq, p->scq, p->cqes, p->scq_dbrec);
	cq_fill(&p->c.recv_cq, p->rcq, p->cqes, p->rcq_dbrec);
	bvi_mlx5_cqs_start(ch);
	p->c.base = ch;
	p->c.qpn = PLAIN_QPN;
	p->c.bf_size = shape->reg == PLAIN_UNCACHED ? 0 : PLAIN_BF_SIZE;
	p->c.bf_ds = shape->reg == PLAIN_BLUEFLAME ? PLAIN_BF_SIZE / PRM_DS : 0;
	p->c.signal_every = (uint16_t)((shape->max_send + 1) / 2);
	p->c.max_seg = (uint16_t)(shape->stride / PRM_DS);
}

static void channel_fill(struct plain *p, const struct plain_shape *shape)
{
	const struct bv_channel_ops *sends[] = {
		[PLAIN_COMBINING] = bvi_mlx5_ops_any,
		[PLAIN_UNCACHED] = bvi_mlx5_ops_doorbell,
	};
	struct bv_channel *const ch = p->ch;
	char why[128];

	if (bvi_mlx5_cpu_sends(&sends[PLAIN_BLUEFLAME], why, sizeof(why)) < 0)
		fail_msg("%s", why);
	ch->max_send = shape->max_send;
	ch->max_recv = shape->max_recv;
	ch->max_msg = 1u << 30;
	ch->max_inline = PLAIN_MAX_INLINE;
	ch->max_send_sge = PLAIN_MAX_SEND_SGE;
	ch->max_recv_sge = (uint16_t)(shape->stride / 16);
	ch->atomics = true;
	ch->rq_posted = BV_WORK_RECV;
	plain_empty(p);
	p->c.core.state = BV_CHANNEL_READY;
	p->c.core.gate = shape->reg == PLAIN_BLUEFLAME;
	p->c.core.recv_gate = shape->stride == PRM_DS;
	p->c.core.ready = &sends[shape->reg][p->c.core.recv_gate];
	p->c.core.prepared = p->c.core.ready;
	/* Another table, so that it can be told from ready; what it refuses is core's business. */
	p->c.core.error = &sends[(shape->reg + 1) % PLAIN_REGISTERS][0];
	bvi_calls_set(ch, p->c.core.ready);
}

struct plain *plain_new(const struct plain_shape *shape)
{
	struct plain *p = memory(BV_MLX5_LINE, sizeof(*p), 0);

	p->ch = memory(BV_MLX5_LINE, sizeof(*p->ch) + shape->blocks * sizeof(struct bvi_mlx5_done),
		       0);
	p->sq = memory(64, (size_t)shape->blocks * 64, PLAIN_CANARY);
	p->rq = memory(64, (size_t)shape->strides * shape->stride, PLAIN_CANARY);
	p->bf = memory(2 * PLAIN_BF_SIZE, 2 * PLAIN_BF_SIZE, 0);
	p->cqes = 2 * (shape->max_send > shape->max_recv ? shape->max_send : shape->max_recv);
	while (p->cqes & (p->cqes - 1))
		p->cqes += p->cqes & -p->cqes;
	p->scq = memory(64, p->cqes * sizeof(*p->scq), 0);
	p->rcq = memory(64, p->cqes * sizeof(*p->rcq), 0);
	queues_fill(p, shape);
	channel_fill(p, shape);
	return p;
}

void plain_free(struct plain *p)
{
	free(p->rcq);
	free(p->scq);
	free(p->bf);
	free(p->rq);
	free(p->sq);
	free(p->ch);
	free(p);
}

struct bv_channel *plain_channel(struct plain *p)
{
	return p->ch;
}

void plain_empty(struct plain *p)
{
	p->ch->sq_limit = p->ch->sq_posted + p->ch->max_send;
	p->ch->rq_done = p->ch->rq_posted;
	p->ch->rq_limit = p->ch->rq_posted + p->ch->max_recv;
}

void plain_seek(struct plain *p, uint16_t pi)
{
	bvi_mlx5_send_of(p->ch)->pi = pi;
	p->qp_dbrec[PRM_DBREC_SEND] = htobe32(pi);
}

uint16_t plain_index(const struct plain *p)
{
	return bvi_mlx5_send_of(p->ch)->pi;
}

void plain_read_sq(const struct plain *p, uint16_t index, void *out, size_t size)
{
	const size_t ring = ((size_t)mlx5_sq_mask(p->ch) + 1) * 64;
	size_t at = (size_t)(index & mlx5_sq_mask(p->ch)) * 64;

	for (size_t i = 0; i < size; i++, at = (at + 1) % ring)
		((uint8_t *)out)[i] = p->sq[at];
}

/* @head: tail without the owner bit, which comes last, as from the device. */
static void cqe_write(struct prm_cqe *ring, unsigned count, unsigned *pi, struct prm_cqe cqe,
		      uint64_t tail)
{
	cqe.tail = bv_to_be64(tail | !!(*pi & count));
	ring[*pi & (count - 1)] = cqe;
	++*pi;
}

void plain_send_cqe(struct plain *p, uint8_t op_own, uint8_t wqe_opcode, uint16_t index,
		    uint32_t bytes)
{
	const struct prm_cqe cqe = { .byte_cnt = bv_to_be32(bytes) };

	cqe_write(p->scq, p->cqes, &p->scq_pi, cqe,
		  (uint64_t)wqe_opcode << 56 | (uint64_t)PLAIN_QPN << 32 | (uint64_t)index << 16 |
			  op_own);
}

void plain_recv_cqe(struct plain *p, uint8_t op_own, uint32_t bytes, uint32_t imm)
{
	const struct prm_cqe cqe = { .byte_cnt = bv_to_be32(bytes), .imm = bv_to_be32(imm) };

	cqe_write(p->rcq, p->cqes, &p->rcq_pi, cqe,
		  (uint64_t)PLAIN_QPN << 32 | (uint64_t)(p->rcq_pi & 0xffff) << 16 | op_own);
}

void plain_send_error(struct plain *p, uint16_t index, uint8_t syndrome, uint8_t vendor)
{
	const struct prm_cqe cqe = { .stamp = bv_to_be64((uint64_t)vendor << 8 | syndrome) };

	cqe_write(p->scq, p->cqes, &p->scq_pi, cqe,
		  (uint64_t)PRM_OPCODE_WRITE << 56 | (uint64_t)PLAIN_QPN << 32 |
			  (uint64_t)index << 16 | PRM_CQE_REQ_ERR << 4);
}

void plain_recv_error(struct plain *p, uint8_t syndrome, uint8_t vendor)
{
	const struct prm_cqe cqe = { .stamp = bv_to_be64((uint64_t)vendor << 8 | syndrome) };

	cqe_write(p->rcq, p->cqes, &p->rcq_pi, cqe, PRM_CQE_RESP_ERR << 4);
}

void expect_hex(const void *bytes, const char *hex, const char *file, int line)
{
	char got[2 * 1024 + 1];
	char want[2 * 1024 + 1];
	size_t n = 0;

	for (; *hex; hex++) {
		if (!isxdigit((unsigned char)*hex))
			continue;
		assert_true(n < sizeof(want) - 1);
		want[n++] = (char)tolower((unsigned char)*hex);
	}
	want[n] = '\0';
	for (size_t i = 0; i < n / 2; i++)
		snprintf(got + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
	_assert_string_equal(got, want, file, line);
}
