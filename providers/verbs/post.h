/* SPDX-License-Identifier: MIT */
/*
 * What both ways of posting share (post.c, post_wr.c).
 */
#ifndef BV_PROVIDERS_VERBS_POST_H
#define BV_PROVIDERS_VERBS_POST_H

#include <assert.h>
#include <errno.h>

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

#endif
