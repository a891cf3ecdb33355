/* SPDX-License-Identifier: MIT */
#include "flow.h"

#include <inttypes.h>
#include <stdio.h>

#include "pattern.h"

enum {
	POISON_BYTES = 16, /* behind the data, must stay */
};

static uint64_t mix(uint64_t x)
{
	x = (x + 1) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 29;
}

struct flow_work flow_work(uint64_t number)
{
	const uint64_t r = mix(number);
	struct flow_work work = {
		.op = (enum op)(r % OP_RECV),
		.imm = (uint32_t)(r >> 24),
		.pieces = 1 + (unsigned)(r >> 16) % FLOW_MAX_PIECES,
		.unsignaled = (r >> 12 & 3) != 0,
	};
	const uint32_t spread = (uint32_t)(r >> 40);

	/* Mostly small, as the ring sees it; sometimes several packets. */
	if (op_is_inline(work.op))
		work.size = spread % 129;
	else if (spread % 64 == 0)
		work.size = 4000 + spread % 5000;
	else
		work.size = spread % 300;
	return work;
}

void flow_list(struct list *list, uint64_t base, uint64_t number, unsigned pieces, uint32_t size)
{
	uint64_t at = base + number % FLOW_BATCH * FLOW_STRIDE;
	uint32_t left = size;

	list->n = pieces;
	for (unsigned i = 0; i < pieces; i++) {
		const uint32_t length = i == pieces - 1 ? left : left / 3;

		list->piece[i] = (struct piece){ .offset = at, .length = length, .mr = MR_ARENA };
		at += length;
		left -= length;
	}
}

static uint8_t *flow_memory(struct local *local, uint64_t base, uint64_t number)
{
	return local->arena + base + number % FLOW_BATCH * FLOW_STRIDE;
}

static int post_recv(struct local *local, unsigned slot, uint64_t base, uint64_t number,
		     const struct flow_work *work)
{
	struct post post = { .op = OP_RECV };
	int64_t rc;

	/* A write with immediate takes a receive, but none of its memory. */
	if (op_is_send(work->op))
		flow_list(&post.list, base, number, 1 + (unsigned)(number % 3),
			  work->size + POISON_BYTES);
	rc = local_post(local, slot, &post);
	return rc < 0 ? (int)rc : 0;
}

int flow_prepare(struct local *local, unsigned slot, uint64_t base, uint64_t first, unsigned n,
		 char *text)
{
	for (uint64_t number = first; number < first + n; number++) {
		const struct flow_work work = flow_work(number);
		uint8_t *memory = flow_memory(local, base, number);
		int rc = 0;

		if (work.op == OP_READ)
			pattern_fill(memory, work.size, flow_seed(number), 0);
		else
			pattern_fill(memory, work.size + POISON_BYTES, SEED_GUARD, 0);
		if (op_takes_recv(work.op))
			rc = post_recv(local, slot, base, number, &work);
		if (rc < 0) {
			snprintf(text, TEXT_BYTES, "receive for work %" PRIu64 ": %.900s", number,
				 bv_last_error()->text);
			return rc;
		}
	}
	return 0;
}

static int verify_recv(struct local *local, unsigned slot, uint64_t number,
		       const struct flow_work *work, char *text)
{
	const struct bv_channel *ch = local->ch[slot];
	const int64_t expected = (int64_t)ch->rq_done;
	struct bv_wc wc;
	int n;

	n = local_reap(local, slot, true, 1, 60 * BV_SEC, &wc);
	if (n == 1 && wc.work == expected && wc.status == BV_STATUS_SUCCESS &&
	    wc.bytes == work->size &&
	    wc.op == (op_is_send(work->op) ? BV_OP_RECV : BV_OP_RECV_WRITE_IMM) &&
	    wc.flags == (op_has_imm(work->op) ? BV_WC_IMM : 0) &&
	    wc.imm == (op_has_imm(work->op) ? work->imm : 0))
		return 0;
	snprintf(text, TEXT_BYTES,
		 "receive of work %" PRIu64
		 " (%s, %u bytes, imm 0x%x): %d completions, work %" PRIx64 " instead of %" PRIx64
		 ", status %u, %u bytes, op %u, flags %u, imm 0x%x",
		 number, op_name(work->op), work->size, work->imm, n, (uint64_t)wc.work,
		 (uint64_t)expected, wc.status, wc.bytes, wc.op, wc.flags, wc.imm);
	return n < 0 ? n : -EILSEQ;
}

int flow_verify(struct local *local, unsigned slot, uint64_t base, uint64_t first, unsigned n,
		char *text)
{
	for (uint64_t number = first; number < first + n; number++) {
		const struct flow_work work = flow_work(number);
		const uint8_t *memory = flow_memory(local, base, number);
		int rc = 0;

		if (op_takes_recv(work.op))
			rc = verify_recv(local, slot, number, &work, text);
		if (rc < 0)
			return rc;
		if (pattern_find(memory, work.size, flow_seed(number), 0) >= 0 ||
		    (work.op != OP_READ &&
		     pattern_find(memory + work.size, POISON_BYTES, SEED_GUARD, 0) >= 0)) {
			snprintf(text, TEXT_BYTES, "data of work %" PRIu64 " (%s, %u bytes)",
				 number, op_name(work.op), work.size);
			return -EILSEQ;
		}
	}
	return 0;
}
