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
	bool is_few;   /* elements: two to four, by a constant */
	bool is_fixed; /* one element, or eight bytes: neither is counted */
	uint32_t imm;
	const void *list; /* or the payload */
	unsigned nsge;
	size_t length; /* of the payload */
	const struct bv_remote *remote;
	bool is_said;     /* @said is what its completion will say, else made of the others */
	uint64_t said;    /* verbs_how_one() */
	uint64_t fetched; /* bytes */
	uint64_t operand; /* of an atomic */
	uint64_t swap;
};

/*
 * Before the first call into the driver, all that the others need goes to the work's place: there it costs a store.
 * In a register, that one would have to be saved and restored; only the place stays in one.
 */
static ALWAYS_INLINE void keep_target(struct verbs_posted *place, const struct work *w)
{
	if (w->op != BV_OP_SEND)
		memcpy(&place->to, w->remote, sizeof(place->to));
	if (w->with_imm)
		place->to.imm = htobe32(w->imm);
	if (w->op == BV_OP_FETCH_ADD || w->op == BV_OP_COMPARE_SWAP)
		place->atomic.operand = w->operand;
	if (w->op == BV_OP_COMPARE_SWAP)
		place->atomic.swap = w->swap;
}

/* One by one: copied in one piece, they would have their address in a register before the calls. */
static ALWAYS_INLINE void keep_few(struct ibv_sge *to, const struct ibv_sge *sge, unsigned nsge)
{
	to[0] = sge[0];
	to[1] = sge[1];
	if (nsge > 2)
		to[2] = sge[2];
	if (nsge > 3)
		to[3] = sge[3];
}

static ALWAYS_INLINE void keep_payload(struct verbs_posted *place, const struct work *w)
{
	if (w->is_inline) {
		place->list = w->list;
		if (!w->is_fixed)
			place->n = (uint32_t)w->length;
	} else if (w->is_fixed) {
		place->sge[0] = *verbs_sge(w->list);
	} else if (w->is_few) {
		keep_few(place->sge, verbs_sge(w->list), w->nsge);
	} else {
		place->list = w->list;
		place->n = w->nsge;
		place->rest = verbs_keep_elements(&place->sge[0], &place->sge[1],
						  verbs_sge(w->list), w->nsge);
	}
}

/* @kind: VERBS_UNSIGNALED or 0 */
static ALWAYS_INLINE void keep(struct verbs_posted *place, const struct work *w, unsigned kind)
{
	kind |= (w->is_inline ? VERBS_INLINE : 0) | (w->with_imm ? VERBS_IMM : 0);
	if (w->is_few)
		kind |= VERBS_FEW(w->nsge);
	else if (!w->is_fixed)
		kind |= VERBS_COUNTED;
	place->how = w->is_said ? w->said : verbs_how(w->op, kind, w->fetched);
	keep_target(place, w);
	keep_payload(place, w);
}

/* The queue pair, where calls take it: else the compiler loads it elsewhere, for the function, and copies it there. */
static ALWAYS_INLINE struct ibv_qp_ex *qp_of(const struct verbs_posted *place)
{
	struct ibv_qp_ex *qp = place->qp;

#ifdef __x86_64__
	__asm__("" : "+D"(qp));
#endif
	return qp;
}

static ALWAYS_INLINE void build_head(struct verbs_posted *place, const struct work *w)
{
	const struct verbs_target *const to = &place->to;

	if (w->op == BV_OP_READ)
		ibv_wr_rdma_read(qp_of(place), to->rkey, to->addr);
	else if (w->op == BV_OP_FETCH_ADD)
		ibv_wr_atomic_fetch_add(qp_of(place), to->rkey, to->addr, place->atomic.operand);
	else if (w->op == BV_OP_COMPARE_SWAP)
		ibv_wr_atomic_cmp_swp(qp_of(place), to->rkey, to->addr, place->atomic.operand,
				      place->atomic.swap);
	else if (w->op == BV_OP_WRITE && w->with_imm)
		ibv_wr_rdma_write_imm(qp_of(place), to->rkey, to->addr, to->imm);
	else if (w->op == BV_OP_WRITE)
		ibv_wr_rdma_write(qp_of(place), to->rkey, to->addr);
	else if (w->with_imm)
		ibv_wr_send_imm(qp_of(place), to->imm);
	else
		ibv_wr_send(qp_of(place));
}

static inline void set_one(struct ibv_qp_ex *qp, const struct ibv_sge *sge)
{
	ibv_wr_set_sge(qp, sge->lkey, sge->addr, sge->length);
}

/* Of @w, only what is constant is looked at: the rest was kept. */
static ALWAYS_INLINE void build(struct verbs_posted *place, const struct work *w)
{
	build_head(place, w);
	if (w->is_inline)
		ibv_wr_set_inline_data(qp_of(place), verbs_sge(place->list),
				       w->is_fixed ? w->length : place->n);
	else if (w->is_fixed)
		set_one(qp_of(place), &place->sge[0]);
	else if (w->is_few)
		ibv_wr_set_sge_list(qp_of(place), w->nsge, place->sge);
	else if (place->n != 1)
		ibv_wr_set_sge_list(qp_of(place), place->n, verbs_sge(place->list));
	else
		set_one(qp_of(place), place->list);
}

/* Whether works wait for ibv_wr_complete(). */
static inline bool verbs_chain_is_open(const struct verbs_channel *v)
{
	return v->more_end;
}

/* Nothing that the short ways do not look at can be too long. */
static inline bool verbs_takes_short(const struct verbs_channel *v)
{
	return v->base.max_msg >= VERBS_SHORT_LENGTH;
}

/* From @at on, up to @most places that are free and in one piece. */
static inline struct verbs_posted *verbs_free_end(const struct verbs_channel *v, uint64_t most)
{
	const uint64_t credits = v->base.sq_limit - v->base.sq_posted;
	const uint64_t to_end = (uint64_t)(v->posted_end - v->at);

	if (most > credits)
		most = credits;
	return v->at + (most < to_end ? most : to_end);
}

/* None wait: works without flags may go up to the last free place. */
static inline void verbs_plain_open(struct verbs_channel *v)
{
	v->more_end = NULL;
	v->plain_end = verbs_takes_short(v) ? verbs_free_end(v, UINT64_MAX) : NULL;
}

/* Some do: those that follow may go up to one before that which will not. Never NULL. */
static inline void verbs_more_open(struct verbs_channel *v)
{
	const uint64_t waiting = v->base.sq_posted - v->first_waiting;

	v->plain_end = NULL;
	v->more_end = verbs_takes_short(v) ? verbs_free_end(v, VERBS_CHAIN_MAX - 1 - waiting) :
					     v->posted;
}

#define TARGET .remote = remote
#define IMM .with_imm = true, .imm = imm

#endif
