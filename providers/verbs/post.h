/* SPDX-License-Identifier: MIT */
/*
 * What both ways of posting share (post.c, post_wr.c).
 */
#ifndef BV_PROVIDERS_VERBS_POST_H
#define BV_PROVIDERS_VERBS_POST_H

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

#include <infiniband/verbs.h>

#include "channel.h"
#include "posted.h"

static_assert(sizeof(struct bv_gather) == sizeof(struct ibv_sge) &&
		      offsetof(struct bv_gather, addr) == offsetof(struct ibv_sge, addr) &&
		      offsetof(struct bv_gather, length) == offsetof(struct ibv_sge, length) &&
		      offsetof(struct bv_gather, lkey) == offsetof(struct ibv_sge, lkey),
	      "a gather list goes down as it is");
static_assert(sizeof(struct bv_scatter) == sizeof(struct ibv_sge) &&
		      offsetof(struct bv_scatter, addr) == offsetof(struct ibv_sge, addr) &&
		      offsetof(struct bv_scatter, length) == offsetof(struct ibv_sge, length) &&
		      offsetof(struct bv_scatter, lkey) == offsetof(struct ibv_sge, lkey),
	      "so does a scatter list");

static inline bool verbs_is_full(const struct bv_channel *ch)
{
	return ch->sq_posted == ch->sq_limit;
}

/* Drivers return a positive errno; some -1 with errno set. */
static inline BV_COLD int verbs_refused(int rc)
{
	if (rc > 0)
		return -rc;
	return errno > 0 ? -errno : -EIO;
}

/*
 * For libibverbs, of BV_* that it knows. Unsignaled works are counted, signaled ones in between are
 * not: so there are never more of them in a row than signal_every - 1.
 */
static inline unsigned verbs_send_flags(struct verbs_channel *v, unsigned flags)
{
	const unsigned send_flags = (flags & BV_FENCE) >> 1 | (flags & BV_SOLICITED);

	static_assert(BV_FENCE >> 1 == IBV_SEND_FENCE && BV_SOLICITED == IBV_SEND_SOLICITED,
		      "flags move into place by a shift");
	if (!(flags & BV_UNSIGNALED))
		return send_flags | IBV_SEND_SIGNALED;
	if (v->unsignaled + 1 < v->signal_every) {
		v->unsignaled++;
		return send_flags;
	}
	v->unsignaled = 0;
	return send_flags | IBV_SEND_SIGNALED;
}

/* The next place, with its number, which its caller counts; for every way of posting but the shortest. */
static inline struct verbs_posted *verbs_place_next(struct verbs_channel *v, unsigned send_flags)
{
	struct verbs_posted *place;

	if (bvi_unlikely(!v->is_numbered))
		bvi_verbs_number_places(v);
	if (v->at == v->posted_end)
		v->at = v->posted;
	place = v->at;
	place->number = v->base.sq_posted;
	if (!(send_flags & IBV_SEND_SIGNALED))
		place->number += v->base.max_send;
	return place;
}

/*
 * Whatever the compiler knows of what is in memory, it forgets. Of a counter that it has in a register it would make
 * the sum there, and store that: one instruction more than to add in memory.
 */
static inline void verbs_forget(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

/* The place where a work was built is counted, and the next is the one behind it. */
static inline void verbs_count(struct verbs_channel *v)
{
	verbs_forget();
	v->at++;
	v->base.sq_posted++;
}

#endif
