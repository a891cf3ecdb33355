/* SPDX-License-Identifier: MIT */
/*
 * Posting through ibv_wr_*(): the driver builds each work at once, in its ring, so there are no
 * requests to fill in and to read again.
 *
 * Works posted with BV_MORE are built like the others; what waits is ibv_wr_complete(), which tells
 * the device. It takes or withdraws all that were built since ibv_wr_start(), so the numbers and
 * credits of those that wait can be given back together.
 *
 * Each call has two bodies: one for works that ask for nothing special while none wait, and one for
 * all others. The choice is made before either has saved a register.
 */
#include <assert.h>
#include <errno.h>

#include "post.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* A work, of constants as far as the call is one; it never exists in memory. */
struct work {
	enum bv_op op;
	bool with_imm;
	bool is_inline;
	uint32_t imm;
	const void *list; /* or the payload */
	unsigned nsge;
	size_t length; /* of the payload */
	const struct bv_remote *remote;
	uint64_t operand; /* of an atomic */
	uint64_t swap;
};

/* What errors will want to tell; before the first call, so that nothing of it outlives one. */
static ALWAYS_INLINE void keep(const struct verbs_channel *v, uint64_t number, const struct work *w,
			       unsigned wr_flags)
{
	struct verbs_posted *const posted = verbs_posted_send(v, number);
	const uint32_t what = (uint32_t)w->op << VERBS_POSTED_OP_SHIFT |
			      (w->with_imm ? VERBS_POSTED_IMM : 0) |
			      (w->is_inline ? VERBS_POSTED_INLINE : 0) |
			      (wr_flags & IBV_SEND_SIGNALED ? VERBS_POSTED_SIGNALED : 0);

	if (w->op != BV_OP_SEND) {
		posted->remote_addr = w->remote->addr;
		posted->rkey = w->remote->rkey;
	}
	if (w->with_imm)
		posted->imm = htobe32(w->imm);
	if (w->is_inline) {
		posted->what = what;
		posted->rest = (uint32_t)w->length;
	} else {
		verbs_keep(posted, verbs_sge(w->list), w->nsge, what);
	}
}

static ALWAYS_INLINE void build_head(struct ibv_qp_ex *qp, const struct work *w)
{
	const struct bv_remote *const to = w->remote;

	if (w->op == BV_OP_READ)
		ibv_wr_rdma_read(qp, to->rkey, to->addr);
	else if (w->op == BV_OP_FETCH_ADD)
		ibv_wr_atomic_fetch_add(qp, to->rkey, to->addr, w->operand);
	else if (w->op == BV_OP_COMPARE_SWAP)
		ibv_wr_atomic_cmp_swp(qp, to->rkey, to->addr, w->operand, w->swap);
	else if (w->op == BV_OP_WRITE && w->with_imm)
		ibv_wr_rdma_write_imm(qp, to->rkey, to->addr, htobe32(w->imm));
	else if (w->op == BV_OP_WRITE)
		ibv_wr_rdma_write(qp, to->rkey, to->addr);
	else if (w->with_imm)
		ibv_wr_send_imm(qp, htobe32(w->imm));
	else
		ibv_wr_send(qp);
}

static ALWAYS_INLINE void build_payload(struct ibv_qp_ex *qp, const struct work *w)
{
	struct ibv_sge *const sge = verbs_sge(w->list);

	if (w->is_inline)
		ibv_wr_set_inline_data(qp, sge, w->length);
	else if (bvi_likely(w->nsge == 1))
		ibv_wr_set_sge(qp, sge->lkey, sge->addr, sge->length);
	else
		ibv_wr_set_sge_list(qp, w->nsge, sge);
}

/*
 * The pointers and the number are read again after each call: that costs less than to keep them in
 * registers, which the function would have to save.
 */
static ALWAYS_INLINE void build(struct verbs_channel *v, const struct work *w, unsigned wr_flags)
{
	struct ibv_qp_ex *const qp = v->qp_ex;

	qp->wr_id = verbs_wr_id(v->base.sq_posted, w->op);
	qp->wr_flags = wr_flags;
	build_head(qp, w);
	build_payload(v->qp_ex, w);
}

static BV_COLD int64_t full(struct bv_channel *ch)
{
	const int rc = bvi_verbs_flush_wr(ch);

	return rc < 0 ? rc : -EAGAIN;
}

static ALWAYS_INLINE int64_t post_plain(struct bv_channel *ch, const struct work *w)
{
	struct verbs_channel *const v = to_verbs(ch);
	int rc;

	if (bvi_unlikely(verbs_is_full(ch)))
		return full(ch);
	keep(v, ch->sq_posted, w, IBV_SEND_SIGNALED);
	ibv_wr_start(v->qp_ex);
	build(v, w, IBV_SEND_SIGNALED);
	rc = ibv_wr_complete(v->qp_ex);
	if (bvi_unlikely(rc))
		return verbs_refused(rc);
	return (int64_t)ch->sq_posted++;
}

/* Tells the device of the works that wait, and of @more built behind them. */
static int64_t complete(struct verbs_channel *v, unsigned more)
{
	const uint32_t waiting = v->waiting;
	const int rc = ibv_wr_complete(v->qp_ex);

	v->waiting = 0;
	if (bvi_likely(!rc)) {
		v->base.sq_posted += more;
		return (int64_t)v->base.sq_posted - 1;
	}
	if (waiting) {
		v->base.sq_posted -= waiting;
		/* The next is signaled: what is posted may have no signaled one at its end. */
		v->unsignaled = v->signal_every;
	}
	return verbs_refused(rc);
}

static ALWAYS_INLINE int64_t post_special(struct bv_channel *ch, const struct work *w,
					  unsigned flags)
{
	struct verbs_channel *const v = to_verbs(ch);
	const uint32_t unsignaled = v->unsignaled;
	unsigned wr_flags;
	int64_t rc;

	if (bvi_unlikely(verbs_is_full(ch)))
		return full(ch);
	wr_flags = verbs_send_flags(v, flags);
	keep(v, ch->sq_posted, w, wr_flags);
	if (!v->waiting)
		ibv_wr_start(v->qp_ex);
	build(v, w, wr_flags);
	if (flags & BV_MORE && v->waiting + 1 < VERBS_CHAIN_MAX) {
		v->waiting++;
		return (int64_t)ch->sq_posted++;
	}
	rc = complete(v, 1);
	if (bvi_unlikely(rc < 0 && v->unsignaled != v->signal_every))
		v->unsignaled = unsignaled;
	return rc;
}

int bvi_verbs_flush_wr(struct bv_channel *ch)
{
	struct verbs_channel *v = to_verbs(ch);
	int64_t rc;

	if (!v->waiting)
		return 0;
	rc = complete(v, 0);
	return rc < 0 ? (int)rc : 0;
}

/* post_NAME(parameters) and its two bodies: the work is made of the initializers that follow. */
#define POST(name, parameters, arguments, ...)                             \
	static __attribute__((noinline)) int64_t special_##name parameters \
	{                                                                  \
		const struct work w = { __VA_ARGS__ };                     \
                                                                           \
		return post_special(ch, &w, flags);                        \
	}                                                                  \
                                                                           \
	static __attribute__((noinline)) int64_t plain_##name parameters   \
	{                                                                  \
		const struct work w = { __VA_ARGS__ };                     \
                                                                           \
		(void)flags;                                               \
		return post_plain(ch, &w);                                 \
	}                                                                  \
                                                                           \
	static int64_t post_##name parameters                              \
	{                                                                  \
		if (bvi_unlikely(flags | to_verbs(ch)->waiting))           \
			return special_##name arguments;                   \
		return plain_##name arguments;                             \
	}

#define LIST .list = sg, .nsge = nsge
#define PAYLOAD .is_inline = true, .list = buf, .length = len
#define IMM .with_imm = true, .imm = imm
#define TARGET .remote = remote

POST(send, (struct bv_channel * ch, const struct bv_gather *sg, unsigned nsge, unsigned flags),
     (ch, sg, nsge, flags), .op = BV_OP_SEND, LIST)

POST(send_imm,
     (struct bv_channel * ch, const struct bv_gather *sg, unsigned nsge, uint32_t imm,
      unsigned flags),
     (ch, sg, nsge, imm, flags), .op = BV_OP_SEND, LIST, IMM)

POST(send_inline, (struct bv_channel * ch, const void *buf, size_t len, unsigned flags),
     (ch, buf, len, flags), .op = BV_OP_SEND, PAYLOAD)

POST(send_inline_imm,
     (struct bv_channel * ch, const void *buf, size_t len, uint32_t imm, unsigned flags),
     (ch, buf, len, imm, flags), .op = BV_OP_SEND, PAYLOAD, IMM)

POST(write,
     (struct bv_channel * ch, const struct bv_gather *sg, unsigned nsge,
      const struct bv_remote *remote, unsigned flags),
     (ch, sg, nsge, remote, flags), .op = BV_OP_WRITE, LIST, TARGET)

POST(write_imm,
     (struct bv_channel * ch, const struct bv_gather *sg, unsigned nsge,
      const struct bv_remote *remote, uint32_t imm, unsigned flags),
     (ch, sg, nsge, remote, imm, flags), .op = BV_OP_WRITE, LIST, TARGET, IMM)

POST(write_inline,
     (struct bv_channel * ch, const void *buf, size_t len, const struct bv_remote *remote,
      unsigned flags),
     (ch, buf, len, remote, flags), .op = BV_OP_WRITE, PAYLOAD, TARGET)

POST(write_inline_imm,
     (struct bv_channel * ch, const void *buf, size_t len, const struct bv_remote *remote,
      uint32_t imm, unsigned flags),
     (ch, buf, len, remote, imm, flags), .op = BV_OP_WRITE, PAYLOAD, TARGET, IMM)

POST(read,
     (struct bv_channel * ch, const struct bv_scatter *sg, unsigned nsge,
      const struct bv_remote *remote, unsigned flags),
     (ch, sg, nsge, remote, flags), .op = BV_OP_READ, LIST, TARGET)

POST(fetch_add,
     (struct bv_channel * ch, const struct bv_scatter *sg, const struct bv_remote *remote,
      uint64_t add, unsigned flags),
     (ch, sg, remote, add, flags), .op = BV_OP_FETCH_ADD, .list = sg, .nsge = 1, TARGET,
     .operand = add)

POST(compare_swap,
     (struct bv_channel * ch, const struct bv_scatter *sg, const struct bv_remote *remote,
      uint64_t compare, uint64_t swap, unsigned flags),
     (ch, sg, remote, compare, swap, flags), .op = BV_OP_COMPARE_SWAP, .list = sg, .nsge = 1,
     TARGET, .operand = compare, .swap = swap)

#include "slots.h"

const struct bv_channel_ops bvi_verbs_ops_ready_wr = {
	VERBS_POSTS,
	VERBS_REAPS_EX,
	.flush = bvi_verbs_flush_wr,
};
