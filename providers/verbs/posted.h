/* SPDX-License-Identifier: MIT */
/*
 * The places of a queue: one for each work that it takes, used in turn. A place has what the post of a work needs
 * between the calls into the driver, what its completion will say, and what texts of errors tell (posted.c), as
 * libibverbs cannot be asked later. Its address is the wr_id of the work. What usual works touch is one cache line.
 *
 * While a short way (short_wr.c) is open, each free place has the number of the work that will be posted there: a
 * completion moves it on by the count of places.
 */
#ifndef BV_PROVIDERS_VERBS_POSTED_H
#define BV_PROVIDERS_VERBS_POSTED_H

#include <endian.h>

#include "channel.h"

/* Elements of a work that are kept one by one. */
#define VERBS_POSTED_SGE BV_WORK_RANGES

struct verbs_posted {
	/* As the struct bv_wc of a success begins. */
	uint64_t number; /* see verbs_number() */
	uint64_t how;    /* verbs_how() */
	struct verbs_target to;
	struct ibv_qp_ex *qp; /* of the channel */
	const void *list;     /* or the payload, until the post returns */
	union {
		struct ibv_sge sge[VERBS_POSTED_SGE]; /* elements, if there are any */
		struct {
			struct ibv_sge result;
			uint64_t operand;
			uint64_t swap;
		} atomic;
	};
	uint32_t n;    /* elements, or bytes of inline payload; if @how says so */
	uint32_t rest; /* bytes of a list behind those that are kept */
	struct verbs_channel *channel;
} __attribute__((aligned(VERBS_LINE)));

static_assert(offsetof(struct verbs_posted, sge[1]) == VERBS_LINE &&
		      sizeof(struct verbs_posted) == 2 * VERBS_LINE,
	      "one cache line a usual work");
static_assert(offsetof(struct verbs_posted, how) == offsetof(struct bv_wc, reserved) &&
		      offsetof(struct bv_wc, op) == offsetof(struct bv_wc, reserved) + 2 &&
		      offsetof(struct bv_wc, bytes) == offsetof(struct bv_wc, reserved) + 4 &&
		      offsetof(struct bv_wc, imm) == sizeof(uint64_t) + sizeof(uint64_t),
	      "what a completion says is copied in one piece");

/* What struct bv_wc has no use for: one element, or what these say. */
#define VERBS_INLINE 0x1u       /* payload, of eight bytes */
#define VERBS_COUNTED 0x2u      /* as many of either as @n says */
#define VERBS_IMM 0x4u          /* with an immediate */
#define VERBS_UNSIGNALED 0x8u   /* asked for no completion */
#define VERBS_FEW(n) ((n) << 4) /* so many elements, which @n does not say: 2 to VERBS_POSTED_SGE */

/* @bytes: that it fetches */
static inline uint64_t verbs_how(enum bv_op op, unsigned kind, uint64_t bytes)
{
	return htole64((uint64_t)op << 16 | kind) |
	       (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? bytes << 32 : bytes);
}

/* The same, of a call for one element without flags (bvi_what()). */
static inline uint64_t verbs_how_one(uint64_t what)
{
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return what;
	return verbs_how(bvi_what_op(what), 0, what >> 32);
}

static inline enum bv_op verbs_op(const struct verbs_posted *place)
{
	return (enum bv_op)(le64toh(place->how) >> 16 & 0xff);
}

static inline unsigned verbs_kind(const struct verbs_posted *place)
{
	return (unsigned)le64toh(place->how) & 0xff;
}

/* How many elements it has, or bytes of inline payload. */
static inline unsigned verbs_n(const struct verbs_posted *place)
{
	const unsigned kind = verbs_kind(place);

	if (kind & VERBS_COUNTED)
		return place->n;
	if (kind & VERBS_INLINE)
		return BVI_SHORT_INLINE;
	return kind / VERBS_FEW(1) ? kind / VERBS_FEW(1) : BVI_SHORT_LIST;
}

/*
 * Of the work that is at a place, whose completion was not taken yet. No completion will move on the number of one
 * that asked for none, so its post did.
 */
static inline uint64_t verbs_number(const struct verbs_posted *place)
{
	const bool moved = verbs_kind(place) & VERBS_UNSIGNALED;

	return place->number - (moved ? place->channel->base.max_send : 0);
}

static inline struct verbs_posted *verbs_place_of(uint64_t wr_id)
{
	return (struct verbs_posted *)(uintptr_t)wr_id;
}

/* @wr asks for one element, @first. @result is of the last work there that completed. */
struct verbs_received {
	struct ibv_sge first;
	struct ibv_recv_wr wr; /* its wr_id is the place */
	struct verbs_result {
		uint8_t reserved;
		uint8_t flags;
		uint8_t op;
		uint8_t status;
		uint32_t bytes;
		uint32_t imm;        /* if @flags say so */
		uint32_t vendor_err; /* of a failure */
	} result;
};

static inline struct verbs_received *verbs_received_at(uint64_t wr_id)
{
	return (struct verbs_received *)(uintptr_t)wr_id;
}

static_assert(sizeof(struct verbs_received) == 64, "one cache line a receive");
static_assert(sizeof(struct verbs_result) ==
		      sizeof(struct bv_wc) - offsetof(struct bv_wc, reserved),
	      "what struct bv_wc has behind the number");

/* Of the last receive at a place that did not have one element. */
struct verbs_recv_list {
	uint64_t number;
	uint32_t nsge;
	uint32_t rest; /* bytes behind those that are kept */
	struct ibv_sge others[VERBS_POSTED_SGE - 1];
};

/* libibverbs takes lists without const, and does not write to them. */
static inline struct ibv_sge *verbs_sge(const void *list)
{
	union {
		const void *from;
		struct ibv_sge *to;
	} cast = { .from = list };

	return cast.to;
}

/* The place of a work of the send queue. */
static inline struct verbs_posted *verbs_posted_send(const struct verbs_channel *v, uint64_t number)
{
	return &v->posted[(number - v->first_posted) % v->base.max_send];
}

/* Copies those that are kept, the first one and others; returns the sum of what is behind them. */
static inline uint32_t verbs_keep_elements(struct ibv_sge *first, struct ibv_sge *others,
					   const struct ibv_sge *sge, unsigned nsge)
{
	uint32_t rest = 0;

	if (nsge > 0)
		*first = sge[0];
	for (unsigned i = 1; i < nsge; i++) {
		if (i < VERBS_POSTED_SGE)
			others[i - 1] = sge[i];
		else
			rest += sge[i].length;
	}
	return rest;
}

#endif
