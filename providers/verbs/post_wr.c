/* SPDX-License-Identifier: MIT */
/*
 * Posting through ibv_wr_*(): the driver builds each work at once, in its ring, so there are no
 * requests to fill in and to read again.
 *
 * Works posted with BV_MORE are built like the others; what waits is ibv_wr_complete(), which tells
 * the device. It takes or withdraws all that were built since ibv_wr_start(), so the numbers and
 * credits of those that wait can be given back together.
 *
 * This is the general way, which does every work. It also says up to where the short ones (short_wr.c)
 * may go, and comes into play again there. Between two works, ibv_qp_ex has the wr_flags of a work without flags.
 */
#include <assert.h>
#include <errno.h>

#include "build_wr.h"

static BV_COLD int64_t full(struct bv_channel *ch)
{
	const int rc = bvi_verbs_flush_wr(ch);

	return rc < 0 ? rc : -EAGAIN;
}

int64_t bvi_verbs_complete(struct verbs_channel *v)
{
	const bool chain = verbs_chain_is_open(v);
	const int rc = ibv_wr_complete(v->qp_ex);

	if (bvi_likely(!rc)) {
		verbs_plain_open(v);
		return (int64_t)v->base.sq_posted - 1;
	}
	bvi_verbs_withdraw(v, chain ? v->first_waiting : v->base.sq_posted - 1);
	/* The next is signaled: what is posted may have no signaled one at its end. */
	if (chain)
		v->unsignaled = v->signal_every;
	verbs_plain_open(v);
	return verbs_refused(rc);
}

static ALWAYS_INLINE int64_t post(struct bv_channel *ch, const struct work *w, unsigned flags)
{
	struct verbs_channel *const v = to_verbs(ch);
	const uint32_t unsignaled = v->unsignaled;
	struct verbs_posted *place;
	unsigned wr_flags;
	int64_t rc;

	if (bvi_unlikely(verbs_is_full(ch)))
		return full(ch);
	wr_flags = verbs_send_flags(v, flags);
	place = verbs_place_next(v, wr_flags);
	keep(place, w, wr_flags & IBV_SEND_SIGNALED ? 0 : VERBS_UNSIGNALED);
	if (!verbs_chain_is_open(v)) {
		v->first_waiting = ch->sq_posted;
		ibv_wr_start(v->qp_ex);
	}
	verbs_count(v);
	v->qp_ex->wr_id = (uintptr_t)place;
	v->qp_ex->wr_flags = wr_flags;
	build(place, w);
	v->qp_ex->wr_flags = IBV_SEND_SIGNALED;
	if (flags & BV_MORE && ch->sq_posted - v->first_waiting < VERBS_CHAIN_MAX) {
		verbs_more_open(v);
		return (int64_t)ch->sq_posted - 1;
	}
	rc = bvi_verbs_complete(v);
	if (bvi_unlikely(rc < 0 && v->unsignaled != v->signal_every))
		v->unsignaled = unsignaled;
	return rc;
}

int bvi_verbs_flush_wr(struct bv_channel *ch)
{
	struct verbs_channel *v = to_verbs(ch);
	int64_t rc;

	if (!verbs_chain_is_open(v))
		return 0;
	rc = bvi_verbs_complete(v);
	return rc < 0 ? (int)rc : 0;
}

/* post_NAME(parameters): the work is made of the initializers that follow. */
#define POST(name, parameters, ...)                    \
	static int64_t post_##name parameters          \
	{                                              \
		const struct work w = { __VA_ARGS__ }; \
                                                       \
		return post(ch, &w, flags);            \
	}

#define LIST .list = sg, .nsge = nsge
#define PAYLOAD .is_inline = true, .list = buf, .length = len

POST(send, (struct bv_channel * ch, const struct bv_gather *sg, unsigned nsge, unsigned flags),
     .op = BV_OP_SEND, LIST)

POST(send_imm,
     (struct bv_channel * ch, const struct bv_gather *sg, unsigned nsge, uint32_t imm,
      unsigned flags),
     .op = BV_OP_SEND, LIST, IMM)

POST(send_inline, (struct bv_channel * ch, const void *buf, size_t len, unsigned flags),
     .op = BV_OP_SEND, PAYLOAD)

POST(send_inline_imm,
     (struct bv_channel * ch, const void *buf, size_t len, uint32_t imm, unsigned flags),
     .op = BV_OP_SEND, PAYLOAD, IMM)

POST(write,
     (struct bv_channel * ch, const struct bv_gather *sg, unsigned nsge,
      const struct bv_remote *remote, unsigned flags),
     .op = BV_OP_WRITE, LIST, TARGET)

POST(write_imm,
     (struct bv_channel * ch, const struct bv_gather *sg, unsigned nsge,
      const struct bv_remote *remote, uint32_t imm, unsigned flags),
     .op = BV_OP_WRITE, LIST, TARGET, IMM)

POST(write_inline,
     (struct bv_channel * ch, const void *buf, size_t len, const struct bv_remote *remote,
      unsigned flags),
     .op = BV_OP_WRITE, PAYLOAD, TARGET)

POST(write_inline_imm,
     (struct bv_channel * ch, const void *buf, size_t len, const struct bv_remote *remote,
      uint32_t imm, unsigned flags),
     .op = BV_OP_WRITE, PAYLOAD, TARGET, IMM)

POST(read,
     (struct bv_channel * ch, const struct bv_scatter *sg, unsigned nsge,
      const struct bv_remote *remote, unsigned flags),
     .op = BV_OP_READ, LIST, TARGET, .fetched = bvi_scatter_bytes(sg, nsge))

POST(fetch_add,
     (struct bv_channel * ch, const struct bv_scatter *sg, const struct bv_remote *remote,
      uint64_t add, unsigned flags),
     .op = BV_OP_FETCH_ADD, .is_fixed = true, .list = sg, .nsge = 1, TARGET, .operand = add,
     .fetched = 8)

POST(compare_swap,
     (struct bv_channel * ch, const struct bv_scatter *sg, const struct bv_remote *remote,
      uint64_t compare, uint64_t swap, unsigned flags),
     .op = BV_OP_COMPARE_SWAP, .is_fixed = true, .list = sg, .nsge = 1, TARGET, .operand = compare,
     .swap = swap, .fetched = 8)

#include "slots.h"

const struct bv_channel_ops bvi_verbs_ops_ready_wr_narrow = {
	VERBS_SHORT_POSTS,
	VERBS_POSTS,
	VERBS_REAPS_EX,
	.flush = bvi_verbs_flush_wr,
};
