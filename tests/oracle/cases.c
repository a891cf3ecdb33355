/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <stdio.h>

enum {
	IMM = 0x01020384,
	TARGET = 32 << 10, /* where writes go and reads come from */
	RECEIVED = 48 << 10,
	RESULT = 40 << 10,
};

/* Those that a single request can have. */
#define ALL_FLAGS (BV_UNSIGNALED | BV_FENCE | BV_SOLICITED)
#define COMPARE UINT64_C(0x5a5a5a5a5a5a5a5a)
#define SWAP_ADD UINT64_C(0x0123456789abcdef)

const struct request case_filler = { .op = ORACLE_WRITE };

static void add(struct request *out, size_t max, size_t *n, struct request r)
{
	assert_true(*n < max);
	out[(*n)++] = r;
}

static void add_lists(struct request *out, size_t max, size_t *n, enum oracle_op op)
{
	static const unsigned lengths[] = { 1, 2, 3, 4, 5, 6, 15, 16 };

	add(out, max, n, (struct request){ .op = op });
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const unsigned nsge = lengths[i];
		const unsigned all = (1u << nsge) - 1;
		const unsigned empties[] = { 0, 1, 1u << (nsge - 1), all, 0x5555 & all };

		for (size_t e = 0; e < sizeof(empties) / sizeof(empties[0]); e++)
			add(out, max, n,
			    (struct request){ .op = op, .nsge = nsge, .empty = empties[e] });
		for (unsigned flags = 1; flags <= ALL_FLAGS && (nsge == 1 || nsge == 5); flags++)
			add(out, max, n,
			    (struct request){ .op = op, .nsge = nsge, .flags = flags });
	}
}

static void add_inlines(struct request *out, size_t max, size_t *n, enum oracle_op op,
			uint32_t max_inline)
{
	const uint32_t lengths[] = { 0,  1,  2,  3,  4,  5,  7,  8,  9,  11,  12,  13,  15,
				     16, 17, 23, 24, 25, 27, 28, 29, 31, 32,  33,  43,  44,
				     45, 47, 48, 60, 63, 64, 65, 76, 92, 100, 128, 200, max_inline };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const uint32_t len = lengths[i];

		for (unsigned flags = 0;
		     flags <= (len == 0 || len == 8 || len == 100 ? ALL_FLAGS : 0); flags++)
			add(out, max, n,
			    (struct request){
				    .op = op, .inlined = true, .len = len, .flags = flags });
	}
}

static void add_atomics(struct request *out, size_t max, size_t *n)
{
	for (unsigned flags = 0; flags <= ALL_FLAGS; flags++) {
		add(out, max, n, (struct request){ .op = ORACLE_FETCH_ADD, .flags = flags });
		add(out, max, n, (struct request){ .op = ORACLE_COMPARE_SWAP, .flags = flags });
	}
}

size_t cases_all(struct request *out, size_t max, uint32_t max_inline)
{
	size_t n = 0;

	for (enum oracle_op op = ORACLE_SEND; op <= ORACLE_READ; op++) {
		add_lists(out, max, &n, op);
		if (op != ORACLE_READ)
			add_inlines(out, max, &n, op, max_inline);
	}
	add_atomics(out, max, &n);
	return n;
}

static void gather_fill(const struct twin *t, const struct request *r, struct ibv_sge *sge)
{
	for (unsigned i = 0; i < r->nsge; i++)
		sge[i] = (struct ibv_sge){
			.addr = (uintptr_t)t->buf + 256 * i + 1,
			.length = r->empty >> i & 1 ? 0 : 3 * i + 1,
			.lkey = t->mr->lkey,
		};
}

static void request_theirs(const struct twin *t, const struct request *r, struct ibv_sge *sge,
			   struct ibv_send_wr *wr)
{
	static const enum ibv_wr_opcode opcodes[] = {
		[ORACLE_SEND] = IBV_WR_SEND,
		[ORACLE_SEND_IMM] = IBV_WR_SEND_WITH_IMM,
		[ORACLE_WRITE] = IBV_WR_RDMA_WRITE,
		[ORACLE_WRITE_IMM] = IBV_WR_RDMA_WRITE_WITH_IMM,
		[ORACLE_READ] = IBV_WR_RDMA_READ,
		[ORACLE_FETCH_ADD] = IBV_WR_ATOMIC_FETCH_AND_ADD,
		[ORACLE_COMPARE_SWAP] = IBV_WR_ATOMIC_CMP_AND_SWP,
	};

	*wr = (struct ibv_send_wr){
		.sg_list = sge,
		.num_sge = r->inlined ? 1 : (int)r->nsge,
		.opcode = opcodes[r->op],
		.send_flags = (r->flags & BV_UNSIGNALED ? 0 : IBV_SEND_SIGNALED) |
			      (r->flags & BV_FENCE ? IBV_SEND_FENCE : 0) |
			      (r->flags & BV_SOLICITED ? IBV_SEND_SOLICITED : 0) |
			      (r->inlined ? IBV_SEND_INLINE : 0),
		.imm_data = htobe32(IMM),
		.wr.rdma = { (uintptr_t)t->buf + TARGET, t->mr->rkey },
	};
	if (case_is_atomic(r)) {
		sge[0] = (struct ibv_sge){ (uintptr_t)t->buf + RESULT, 8, t->mr->lkey };
		wr->num_sge = 1;
		wr->wr.atomic.remote_addr = (uintptr_t)t->buf + TARGET;
		wr->wr.atomic.rkey = t->mr->rkey;
		wr->wr.atomic.compare_add = r->op == ORACLE_FETCH_ADD ? SWAP_ADD : COMPARE;
		wr->wr.atomic.swap = SWAP_ADD;
	} else if (r->inlined) {
		sge[0] = (struct ibv_sge){ .addr = (uintptr_t)t->buf, .length = r->len };
	} else {
		gather_fill(t, r, sge);
	}
}

int case_post_theirs(const struct twin *t, const struct request *r, unsigned n)
{
	struct ibv_sge sge[TWIN_MAX_SEND][TWIN_MAX_SEND_SGE];
	struct ibv_send_wr wr[TWIN_MAX_SEND];
	struct ibv_send_wr *bad;

	for (unsigned i = 0; i < n; i++) {
		request_theirs(t, &r[i], sge[i], &wr[i]);
		if (i > 0)
			wr[i - 1].next = &wr[i];
	}
	return ibv_post_send(t->qp, wr, &bad);
}

static int64_t post_list(const struct twin *t, const struct request *r,
			 const struct bv_remote *remote, unsigned flags)
{
	struct bv_gather from[TWIN_MAX_SEND_SGE];
	struct bv_scatter to[TWIN_MAX_SEND_SGE];
	struct ibv_sge sge[TWIN_MAX_SEND_SGE];

	gather_fill(t, r, sge);
	for (unsigned i = 0; i < r->nsge; i++) {
		from[i] = (struct bv_gather){ sge[i].addr, sge[i].length, sge[i].lkey };
		to[i] = (struct bv_scatter){ sge[i].addr, sge[i].length, sge[i].lkey };
	}
	switch (r->op) {
	case ORACLE_SEND:
		return bv_post_send(t->ch, from, r->nsge, flags);
	case ORACLE_SEND_IMM:
		return bv_post_send_imm(t->ch, from, r->nsge, IMM, flags);
	case ORACLE_WRITE:
		return bv_post_write(t->ch, from, r->nsge, remote, flags);
	case ORACLE_WRITE_IMM:
		return bv_post_write_imm(t->ch, from, r->nsge, remote, IMM, flags);
	case ORACLE_READ:
		return bv_post_read(t->ch, to, r->nsge, remote, flags);
	default:
		return -EINVAL;
	}
}

int64_t case_post_ours(const struct twin *t, const struct request *r, unsigned more_flags)
{
	const unsigned flags = r->flags | more_flags;
	const struct bv_remote remote = {
		.addr = (uintptr_t)t->buf + TARGET,
		.length = TWIN_BUF - TARGET,
		.rkey = t->mr->rkey,
	};
	const struct bv_scatter result = { (uintptr_t)t->buf + RESULT, 8, t->mr->lkey };

	if (r->op == ORACLE_FETCH_ADD)
		return bv_post_fetch_add(t->ch, &result, &remote, SWAP_ADD, flags);
	if (r->op == ORACLE_COMPARE_SWAP)
		return bv_post_compare_swap(t->ch, &result, &remote, COMPARE, SWAP_ADD, flags);
	if (!r->inlined)
		return post_list(t, r, &remote, flags);
	switch (r->op) {
	case ORACLE_SEND:
		return bv_post_send_inline(t->ch, t->buf, r->len, flags);
	case ORACLE_SEND_IMM:
		return bv_post_send_inline_imm(t->ch, t->buf, r->len, IMM, flags);
	case ORACLE_WRITE:
		return bv_post_write_inline(t->ch, t->buf, r->len, &remote, flags);
	case ORACLE_WRITE_IMM:
		return bv_post_write_inline_imm(t->ch, t->buf, r->len, &remote, IMM, flags);
	default:
		return -EINVAL;
	}
}

/* None; one; an empty one first; one in the middle; as many as there are places. */
static unsigned scatter_fill(const struct twin *t, unsigned shape, struct ibv_sge *sge)
{
	static const uint32_t lengths[CASE_RECV_SHAPES][TWIN_MAX_RECV_SGE] = {
		{ 0 }, { 4096 }, { 0, 4096 }, { 64, 0, 4096 }, { 16, 16, 16, 4096 },
	};
	const unsigned nsge = shape;

	for (unsigned i = 0; i < nsge; i++)
		sge[i] = (struct ibv_sge){
			.addr = (uintptr_t)t->buf + RECEIVED + 64 * i,
			.length = lengths[shape][i],
			.lkey = t->mr->lkey,
		};
	return nsge;
}

int case_recv_theirs(const struct twin *t, unsigned shape)
{
	struct ibv_sge sge[TWIN_MAX_RECV_SGE];
	struct ibv_recv_wr wr = { .sg_list = sge };
	struct ibv_recv_wr *bad;

	wr.num_sge = (int)scatter_fill(t, shape, sge);
	return ibv_post_recv(t->qp, &wr, &bad);
}

int64_t case_recv_ours(const struct twin *t, unsigned shape)
{
	struct ibv_sge sge[TWIN_MAX_RECV_SGE];
	struct bv_scatter to[TWIN_MAX_RECV_SGE];
	const unsigned nsge = scatter_fill(t, shape, sge);

	for (unsigned i = 0; i < nsge; i++)
		to[i] = (struct bv_scatter){ sge[i].addr, sge[i].length, sge[i].lkey };
	return bv_post_recv(t->ch, to, nsge);
}

bool case_is_atomic(const struct request *r)
{
	return r->op == ORACLE_FETCH_ADD || r->op == ORACLE_COMPARE_SWAP;
}

bool case_consumes_receive(const struct request *r)
{
	return r->op == ORACLE_SEND || r->op == ORACLE_SEND_IMM || r->op == ORACLE_WRITE_IMM;
}

uint32_t case_bytes(const struct request *r)
{
	uint32_t bytes = 0;

	if (r->inlined)
		return r->len;
	for (unsigned i = 0; i < r->nsge; i++)
		bytes += r->empty >> i & 1 ? 0 : 3 * i + 1;
	return bytes;
}

const char *case_name(const struct request *r, char *text, size_t size)
{
	static const char *const names[] = { "send", "send_imm",  "write",       "write_imm",
					     "read", "fetch_add", "compare_swap" };

	if (r->inlined)
		snprintf(text, size, "%s inline %u flags %#x", names[r->op], r->len, r->flags);
	else
		snprintf(text, size, "%s %u elements (empty %#x) flags %#x", names[r->op], r->nsge,
			 r->empty, r->flags);
	return text;
}
