/* SPDX-License-Identifier: MIT */
/*
 * How one work is built by ibv_wr_*(); for the short ways (short_wr.c) and the general one (post_wr.c).
 */
#ifndef BV_PROVIDERS_VERBS_BUILD_WR_H
#define BV_PROVIDERS_VERBS_BUILD_WR_H

#include <endian.h>
#include <string.h>

#include "post.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* A work as it is asked for, of constants as far as the call is one; it never exists in memory. */
struct work {
	enum bv_op op;
	bool with_imm;
	bool is_inline;
	bool is_few;   /* elements: two to four */
	bool is_fixed; /* one element, or a length that its slot is for: neither is kept */
	uint32_t imm;
	const void *list; /* or the payload */
	unsigned nsge;
	size_t length; /* of the payload */
	const struct bv_remote *remote;
	uint64_t operand; /* of an atomic */
	uint64_t swap;
};

/*
 * Before the first call into the driver: what errors will want to tell goes to the work's place, what the
 * calls need to v->call.
 */
static ALWAYS_INLINE void keep_target(struct verbs_call *call, struct verbs_posted *posted,
				      const struct work *w)
{
	if (w->op != BV_OP_SEND) {
		memcpy(&call->to, w->remote, sizeof(call->to));
		posted->to = call->to;
	}
	if (w->with_imm)
		posted->to.imm = call->to.imm = htobe32(w->imm);
	if (w->op == BV_OP_FETCH_ADD || w->op == BV_OP_COMPARE_SWAP)
		call->operand = w->operand;
	if (w->op == BV_OP_COMPARE_SWAP)
		call->swap = w->swap;
}

/* Two to four; their lengths or'ed together. */
static ALWAYS_INLINE uint32_t keep_few(struct verbs_posted *posted, const struct ibv_sge *sge,
				       unsigned nsge)
{
	uint32_t lengths = sge[0].length | sge[1].length;
	uint32_t rest = 0;

	static_assert(VERBS_POSTED_SGE == 2, "elements one by one");
	posted->sge[0] = sge[0];
	posted->sge[1] = sge[1];
	if (nsge > 2) {
		rest = sge[2].length;
		lengths |= rest;
		if (nsge > 3) {
			lengths |= sge[3].length;
			rest += sge[3].length;
		}
	}
	posted->rest = rest;
	return lengths;
}

/* Of few elements, returns their lengths or'ed together. */
static ALWAYS_INLINE uint32_t keep_payload(struct verbs_call *call, struct verbs_posted *posted,
					   const struct work *w, uint32_t what)
{
	if (w->is_inline) {
		posted->what = (what | VERBS_POSTED_INLINE) + (uint32_t)w->length;
		call->list = w->list;
		if (!w->is_fixed)
			call->length = (uint32_t)w->length;
		return 0;
	}
	posted->what = what + w->nsge;
	if (w->is_fixed) {
		posted->sge[0] = call->sge = *verbs_sge(w->list);
		return 0;
	}
	call->list = w->list;
	call->nsge = w->nsge;
	if (w->is_few)
		return keep_few(posted, verbs_sge(w->list), w->nsge);
	posted->rest = verbs_keep_elements(posted->sge, verbs_sge(w->list), w->nsge);
	return 0;
}

/* Before ibv_wr_start() or later; of few elements, returns their lengths or'ed together. */
static ALWAYS_INLINE uint32_t keep(struct verbs_channel *v, const struct work *w, unsigned wr_flags)
{
	const uint64_t wr_id = verbs_wr_id(v->base.sq_posted, w->op);
	struct verbs_posted *const posted = verbs_posted_at(v, wr_id);
	uint32_t lengths;

	keep_target(&v->call, posted, w);
	lengths = keep_payload(&v->call, posted, w,
			       (uint32_t)w->op << VERBS_POSTED_OP_SHIFT |
				       (w->with_imm ? VERBS_POSTED_IMM : 0) |
				       (wr_flags & IBV_SEND_SIGNALED ? VERBS_POSTED_SIGNALED : 0));
	v->qp_ex->wr_id = wr_id;
	return lengths;
}

static ALWAYS_INLINE void build_head(struct verbs_channel *v, const struct work *w)
{
	const struct verbs_target *const to = &v->call.to;

	if (w->op == BV_OP_READ)
		v->fn.read(v->qp_ex, to->rkey, to->addr);
	else if (w->op == BV_OP_FETCH_ADD)
		v->fn.fetch_add(v->qp_ex, to->rkey, to->addr, v->call.operand);
	else if (w->op == BV_OP_COMPARE_SWAP)
		ibv_wr_atomic_cmp_swp(v->qp_ex, to->rkey, to->addr, v->call.operand, v->call.swap);
	else if (w->op == BV_OP_WRITE && w->with_imm)
		ibv_wr_rdma_write_imm(v->qp_ex, to->rkey, to->addr, to->imm);
	else if (w->op == BV_OP_WRITE)
		v->fn.write(v->qp_ex, to->rkey, to->addr);
	else if (w->with_imm)
		ibv_wr_send_imm(v->qp_ex, to->imm);
	else
		v->fn.send(v->qp_ex);
}

static inline void set_one(struct verbs_channel *v, const struct ibv_sge *sge)
{
	v->fn.set_sge(v->qp_ex, sge->lkey, sge->addr, sge->length);
}

/* Of @w, only what is constant is looked at: the rest was kept. */
static ALWAYS_INLINE void build(struct verbs_channel *v, const struct work *w)
{
	build_head(v, w);
	if (w->is_inline)
		v->fn.set_inline(v->qp_ex, verbs_sge(v->call.list),
				 w->is_fixed ? w->length : v->call.length);
	else if (w->is_fixed)
		set_one(v, &v->call.sge);
	else if (w->is_few || v->call.nsge != 1)
		v->fn.set_list(v->qp_ex, v->call.nsge, verbs_sge(v->call.list));
	else
		set_one(v, v->call.list);
}

/* Whether works wait for ibv_wr_complete(). */
static inline bool verbs_chain_is_open(const struct verbs_channel *v)
{
	return v->more_limit != 0;
}

/* Nothing that the short ways do not look at can be too long. */
static inline bool verbs_takes_short(const struct verbs_channel *v)
{
	return v->base.max_msg >= VERBS_SHORT_LENGTH;
}

/* None wait: works without flags may go up to the end of the queue. */
static inline void verbs_plain_open(struct verbs_channel *v)
{
	v->more_limit = 0;
	v->plain_limit = verbs_takes_short(v) ? v->base.sq_limit : 0;
}

/* Some do: those that follow may go up to one before that which will not. Never 0, and one has gone before. */
static inline void verbs_more_open(struct verbs_channel *v)
{
	const uint64_t last = v->first_waiting + VERBS_CHAIN_MAX - 1;
	const uint64_t limit = v->base.sq_limit < last ? v->base.sq_limit : last;

	v->plain_limit = 0;
	v->more_limit = verbs_takes_short(v) ? limit : 1;
}

#define TARGET .remote = remote
#define IMM .with_imm = true, .imm = imm

#endif
