/* SPDX-License-Identifier: MIT */
#include "cqe.h"
#include "timer.h"

#include <string.h>

static void fill_error(struct emu_cqe64 *cqe, const struct emu_completion *c)
{
	struct emu_err_cqe64 e = {
		.srqn_uidx = emu_put32(c->uidx),
		.vendor_syndrome = c->vendor,
		.syndrome = (uint8_t)c->syndrome,
		.opcode_qpn = emu_put32((uint32_t)c->wqe_opcode << 24 | c->qpn),
		.wqe_counter = emu_put16(c->wqe_counter),
	};

	memcpy(cqe, &e, sizeof(e));
}

static void fill_good(struct emu_cqe64 *cqe, const struct emu_completion *c)
{
	*cqe = (struct emu_cqe64){
		.slid = emu_put16(c->slid),
		.flags_rqpn = emu_put32(c->flags_rqpn),
		.srqn_uidx = emu_put32(c->uidx),
		.imm = { c->imm },
		.byte_cnt = emu_put32(c->byte_cnt),
		.timestamp = emu_put64(emu_now_ns()),
		.sop_drop_qpn = emu_put32((uint32_t)c->wqe_opcode << 24 | c->qpn),
		.wqe_counter = emu_put16(c->wqe_counter),
	};
}

static bool failed(const struct emu_completion *c)
{
	return c->opcode == EMU_CQE_REQ_ERR || c->opcode == EMU_CQE_RESP_ERR;
}

/* The last 64 bytes of entry @index, free-running: those of 128 bytes have a first half. */
static uint8_t *entry(const struct emu_cq *cq, uint32_t index)
{
	return cq->ring + (size_t)(index & (cq->attr.cqe_count - 1)) * cq->attr.cqe_size +
	       (cq->attr.cqe_size - sizeof(struct emu_cqe64));
}

/* Scattered to the CQE: before it where that is the first half of an entry, else over its first half. */
static void put_payload(uint8_t *at, struct emu_cqe64 *cqe, const struct emu_completion *c)
{
	if (c->scatter == 0)
		return;
	if (c->scatter > 32) {
		cqe->op_own |= EMU_CQE_SCATTER_64;
		memcpy(at - sizeof(*cqe), c->payload, c->byte_cnt);
	} else {
		cqe->op_own |= EMU_CQE_SCATTER_32;
		memcpy(cqe, c->payload, c->byte_cnt);
	}
}

/* @format: what op_own has besides opcode, "solicited", "scattered" and owner. */
static void publish(struct emu_cq *cq, uint32_t index, struct emu_cqe64 *cqe,
		    const struct emu_completion *c, uint8_t format)
{
	const uint8_t owner = (index & cq->attr.cqe_count) ? 1 : 0;
	uint8_t *const at = entry(cq, index);

	cqe->op_own = (uint8_t)((unsigned)c->opcode << EMU_CQE_OPCODE_SHIFT |
				(c->solicited ? EMU_CQE_SE : 0u) | format | owner);
	if (cq->attr.padded)
		memset(at - sizeof(*cqe), 0, sizeof(*cqe));
	put_payload(at, cqe, c);
	memcpy(at, cqe, offsetof(struct emu_cqe64, op_own));
	__atomic_store_n(at + offsetof(struct emu_cqe64, op_own), cqe->op_own, __ATOMIC_RELEASE);
}

static void put_at(struct emu_cq *cq, uint32_t index, const struct emu_completion *c)
{
	struct emu_cqe64 cqe;

	if (failed(c))
		fill_error(&cqe, c);
	else
		fill_good(&cqe, c);
	publish(cq, index, &cqe, c, 0);
}

void emu_cqe_put(struct emu_cq *cq, const struct emu_completion *c)
{
	put_at(cq, cq->pi++, c);
}

/* ---- blocks ---- */

/* An entry that says nothing but what a title and a mini can say. */
static bool compressible(const struct emu_completion *c)
{
	return !failed(c) && !c->solicited && !c->scatter && c->opcode != EMU_CQE_RESIZE;
}

/* Of receives the title has the first one's index, and the others follow it. */
static bool continues(const struct emu_block *b, const struct emu_completion *c)
{
	const struct emu_completion *const title = &b->title;

	return b->n < EMU_BLOCK_MAX && c->opcode == title->opcode && c->qpn == title->qpn &&
	       c->uidx == title->uidx && c->imm == title->imm &&
	       c->flags_rqpn == title->flags_rqpn &&
	       (c->opcode == EMU_CQE_REQ ||
		c->wqe_counter == (uint16_t)(title->wqe_counter + b->n));
}

/* Hash and checksum are of packets that this device does not have: 0 in either format. */
static void fill_mini(struct emu_mini_cqe *mini, const struct emu_completion *c)
{
	*mini = (struct emu_mini_cqe){ .byte_cnt = emu_put32(c->byte_cnt) };
	if (c->opcode != EMU_CQE_REQ)
		return;
	mini->wqe_counter = emu_put16(c->wqe_counter);
	mini->s_wqe_opcode = c->wqe_opcode;
}

bool emu_block_add(struct emu_cq *cq, const struct emu_completion *c)
{
	struct emu_block *const b = cq->block;

	if (!b)
		return false;
	if (b->n && !(compressible(c) && continues(b, c)))
		emu_block_close(cq);
	if (!compressible(c))
		return false;
	if (b->n == 0) {
		b->title = *c;
		emu_list_append(&emu.blocks, &b->node);
	}
	fill_mini(&b->mini[b->n++], c);
	cq->pi++;
	return true;
}

/* In order: the title makes all of them visible. */
static void put_block(struct emu_cq *cq, uint32_t first, const struct emu_block *b)
{
	struct emu_cqe64 cqe;

	for (unsigned i = 0; i < b->n; i += EMU_MINIS) {
		const unsigned n = b->n - i < EMU_MINIS ? b->n - i : EMU_MINIS;
		struct emu_mini_cqe array[EMU_MINIS] = { { .byte_cnt = emu_put32(0) } };

		memcpy(array, &b->mini[i], n * sizeof(array[0]));
		memcpy(entry(cq, first + (i ? i : 1)), array, sizeof(array));
	}
	fill_good(&cqe, &b->title);
	cqe.byte_cnt = emu_put32(b->n);
	publish(cq, first, &cqe, &b->title, EMU_CQE_COMPRESSED);
}

void emu_block_close(struct emu_cq *cq)
{
	struct emu_block *const b = cq->block;

	if (!b || b->n == 0)
		return;
	if (b->n == 1)
		put_at(cq, cq->pi - 1, &b->title);
	else
		put_block(cq, cq->pi - b->n, b);
	b->n = 0;
	emu_list_remove(&b->node);
}
