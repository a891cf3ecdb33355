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
	.blueflame = true,
};

/* Aligned to @align, and exactly @size bytes, so that ASan sees the first byte too many. */
static void *memory(size_t align, size_t size, int fill)
{
	void *mem = aligned_alloc(align, size);

	assert_non_null(mem);
	memset(mem, fill, size);
	return mem;
}

static void cq_fill(struct mlx5_cq *cq, struct prm_cqe *ring, unsigned count, uint32_t *dbrec)
{
	/* As providers/mlx5/channel.c leaves entries that were never written. */
	memset(ring, 0, count * sizeof(*ring));
	for (unsigned i = 0; i < count; i++)
		ring[i].tail = bv_to_be64(PRM_CQE_INVALID << 4 | PRM_CQE_OWNER);
	*cq = (struct mlx5_cq){
		.next = ring,
		.end = ring + count,
		.dbrec = (bv_be32 *)(void *)dbrec,
		.count = count,
	};
}

static void channel_fill(struct plain *p, const struct plain_shape *shape)
{
	struct bv_channel *ch = &p->c.base;

	ch->core = &p->c.core;
	ch->max_send = shape->max_send;
	ch->max_recv = shape->max_recv;
	ch->max_msg = 1u << 30;
	ch->max_inline = 1024;
	ch->max_send_sge = 30;
	ch->max_recv_sge = (uint16_t)(shape->stride / 16);
	ch->recv_result_mask = shape->strides - 1;
	ch->recv_results = calloc(shape->strides, sizeof(*ch->recv_results));
	assert_non_null(ch->recv_results);
	ch->ops = shape->blueflame ? &bvi_mlx5_ops_blueflame : &bvi_mlx5_ops_doorbell;
	p->c.core.state = BV_CHANNEL_READY;
	p->c.core.ready = ch->ops;
	p->c.core.chain = &bvi_mlx5_ops_chain;
	p->c.core.error = ch->ops;
	ch->atomics = true;
}

struct plain *plain_new(const struct plain_shape *shape)
{
	struct plain *p = memory(BV_MLX5_LINE, sizeof(*p), 0);

	p->sq = memory(64, (size_t)shape->blocks * 64, PLAIN_CANARY);
	p->rq = memory(64, (size_t)shape->strides * shape->stride, PLAIN_CANARY);
	p->bf = memory(2 * PLAIN_BF_SIZE, 2 * PLAIN_BF_SIZE, 0);
	p->cqes = shape->max_send > shape->max_recv ? shape->max_send : shape->max_recv;
	p->scq = memory(64, p->cqes * sizeof(*p->scq), 0);
	p->rcq = memory(64, p->cqes * sizeof(*p->rcq), 0);
	cq_fill(&p->c.send_cq, p->scq, p->cqes, p->scq_dbrec);
	cq_fill(&p->c.recv_cq, p->rcq, p->cqes, p->rcq_dbrec);
	p->c.sq = (struct mlx5_sq){
		.ring = (struct prm_seg *)(void *)p->sq,
		.dbrec = (bv_be32 *)(void *)&p->qp_dbrec[PRM_DBREC_SEND],
		.bf = p->bf,
		.work_at = calloc(shape->blocks, sizeof(uint32_t)),
		.qpn_shifted = PLAIN_QPN << 8,
		.mask = (uint16_t)(shape->blocks - 1),
		.bf_size = PLAIN_BF_SIZE,
		.bf_ds = shape->blueflame ? PLAIN_BF_SIZE / PRM_DS : 0,
		.signal_every = (uint16_t)((shape->max_send + 1) / 2),
	};
	assert_non_null(p->c.sq.work_at);
	p->c.rq = (struct mlx5_rq){
		.ring = p->rq,
		.dbrec = (bv_be32 *)(void *)&p->qp_dbrec[PRM_DBREC_RECV],
		.mask = shape->strides - 1,
		.stride_shift = (uint16_t)__builtin_ctz(shape->stride),
		.max_seg = (uint16_t)(shape->stride / 16),
	};
	channel_fill(p, shape);
	return p;
}

void plain_free(struct plain *p)
{
	free(p->c.base.recv_results);
	free(p->c.sq.work_at);
	free(p->rcq);
	free(p->scq);
	free(p->bf);
	free(p->rq);
	free(p->sq);
	free(p);
}

struct bv_channel *plain_channel(struct plain *p)
{
	return &p->c.base;
}

void plain_seek(struct plain *p, uint16_t pi)
{
	p->c.sq.pi = pi;
}

void plain_read_sq(const struct plain *p, uint16_t index, void *out, size_t size)
{
	const size_t ring = ((size_t)p->c.sq.mask + 1) * 64;
	size_t at = (size_t)(index & p->c.sq.mask) * 64;

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

/* Of core, which is not here: no test asks for what the public calls refuse. */
int64_t bvi_reject_list(const struct bv_channel *ch, unsigned nsge, unsigned max_sge,
			uint64_t length, const struct bv_remote *remote, unsigned flags)
{
	(void)ch;
	(void)remote;
	fail_msg("refused: %u of %u elements, %llu bytes, flags %#x", nsge, max_sge,
		 (unsigned long long)length, flags);
	return -EINVAL;
}

int64_t bvi_reject_inline(const struct bv_channel *ch, uint64_t length,
			  const struct bv_remote *remote, unsigned flags)
{
	(void)ch;
	(void)remote;
	fail_msg("refused: %llu bytes inline, flags %#x", (unsigned long long)length, flags);
	return -EINVAL;
}

int64_t bvi_reject_atomic(struct bv_channel *ch, const struct bv_scatter *result,
			  const struct bv_remote *remote, unsigned flags)
{
	(void)ch;
	fail_msg("refused: an atomic of %u bytes at 0x%llx, flags %#x", result->length,
		 (unsigned long long)remote->addr, flags);
	return -EINVAL;
}
