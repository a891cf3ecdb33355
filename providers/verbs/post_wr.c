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
#include <string.h>

#include "post.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* A work as it is asked for, of constants as far as the call is one; it never exists in memory. */
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

static ALWAYS_INLINE void keep_payload(struct verbs_call *call, struct verbs_posted *posted,
				       const struct work *w, uint32_t what)
{
	if (w->is_inline) {
		posted->rest = (uint32_t)w->length;
		posted->what = what | VERBS_POSTED_INLINE;
		call->list = w->list;
		if (!__builtin_constant_p(w->length))
			call->length = (uint32_t)w->length;
		return;
	}
	posted->what = what | w->nsge;
	if (!__builtin_constant_p(w->nsge))
		call->nsge = w->nsge;
	if (bvi_likely(w->nsge == 1)) {
		posted->sge[0] = call->sge = *verbs_sge(w->list);
		return;
	}
	call->list = w->list;
	bvi_verbs_keep_list(posted, verbs_sge(w->list), w->nsge);
}

static ALWAYS_INLINE void keep(struct verbs_channel *v, uint64_t number, const struct work *w,
			       unsigned wr_flags)
{
	struct verbs_posted *const posted = verbs_posted_send(v, number);

	keep_target(&v->call, posted, w);
	keep_payload(&v->call, posted, w,
		     (uint32_t)w->op << VERBS_POSTED_OP_SHIFT |
			     (w->with_imm ? VERBS_POSTED_IMM : 0) |
			     (wr_flags & IBV_SEND_SIGNALED ? VERBS_POSTED_SIGNALED : 0));
}

static ALWAYS_INLINE void build_head(struct ibv_qp_ex *qp, const struct verbs_call *call,
				     const struct work *w)
{
	const struct verbs_target *const to = &call->to;

	if (w->op == BV_OP_READ)
		ibv_wr_rdma_read(qp, to->rkey, to->addr);
	else if (w->op == BV_OP_FETCH_ADD)
		ibv_wr_atomic_fetch_add(qp, to->rkey, to->addr, call->operand);
	else if (w->op == BV_OP_COMPARE_SWAP)
		ibv_wr_atomic_cmp_swp(qp, to->rkey, to->addr, call->operand, call->swap);
	else if (w->op == BV_OP_WRITE && w->with_imm)
		ibv_wr_rdma_write_imm(qp, to->rkey, to->addr, to->imm);
	else if (w->op == BV_OP_WRITE)
		ibv_wr_rdma_write(qp, to->rkey, to->addr);
	else if (w->with_imm)
		ibv_wr_send_imm(qp, to->imm);
	else
		ibv_wr_send(qp);
}

static ALWAYS_INLINE void build_payload(struct ibv_qp_ex *qp, const struct verbs_call *call,
					const struct work *w)
{
	const struct ibv_sge *const sge = &call->sge;

	if (w->is_inline)
		ibv_wr_set_inline_data(qp, verbs_sge(call->list),
				       __builtin_constant_p(w->length) ? w->length : call->length);
	else if (__builtin_constant_p(w->nsge) ? w->nsge == 1 : bvi_likely(call->nsge == 1))
		ibv_wr_set_sge(qp, sge->lkey, sge->addr, sge->length);
	else
		ibv_wr_set_sge_list(qp, call->nsge, verbs_sge(call->list));
}

/* Of @w, only what is constant is looked at: the rest was kept. */
static ALWAYS_INLINE void build(struct verbs_channel *v, const struct work *w, unsigned wr_flags)
{
	struct ibv_qp_ex *const qp = v->qp_ex;

	qp->wr_id = verbs_wr_id(v->base.sq_posted, w->op);
	qp->wr_flags = wr_flags;
	build_head(qp, &v->call, w);
	build_payload(v->qp_ex, &v->call, w);
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

/* A work with BV_MORE alone, while the chain has room for it. */
static ALWAYS_INLINE int64_t post_more(struct bv_channel *ch, const struct work *w)
{
	struct verbs_channel *const v = to_verbs(ch);

	if (bvi_unlikely(verbs_is_full(ch)))
		return full(ch);
	keep(v, ch->sq_posted, w, IBV_SEND_SIGNALED);
	if (!v->waiting)
		ibv_wr_start(v->qp_ex);
	build(v, w, IBV_SEND_SIGNALED);
	v->waiting++;
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

/*
 * The short ways: eight bytes inline, or one element, alone or with more to follow. What they leave to the
 * general slots: works that wait before one without BV_MORE, and a chain that is full.
 */
#define EIGHT .is_inline = true, .list = payload, .length = BVI_SHORT_INLINE
#define ONE .list = payload, .nsge = BVI_SHORT_LIST
#define SHORT(name, slot, ...)                                                  \
	static int64_t name(struct bv_channel *ch, const void *payload,         \
			    const struct bv_remote *remote, uint64_t what)      \
	{                                                                       \
		const struct work w = { __VA_ARGS__ };                          \
                                                                                \
		(void)remote;                                                   \
		(void)what;                                                     \
		return post_plain(ch, &w);                                      \
	}                                                                       \
                                                                                \
	static __attribute__((noinline))                                        \
	int64_t name##_more(struct bv_channel *ch, const void *payload,         \
			    const struct bv_remote *remote, uint64_t what)      \
	{                                                                       \
		const struct work w = { __VA_ARGS__ };                          \
                                                                                \
		if (bvi_unlikely(to_verbs(ch)->waiting + 1 >= VERBS_CHAIN_MAX)) \
			return slot(ch, payload, remote, what);                 \
		return post_more(ch, &w);                                       \
	}

SHORT(write_inline8, slot_post_inline, .op = BV_OP_WRITE, EIGHT, TARGET)
SHORT(send_inline8, slot_post_inline, .op = BV_OP_SEND, EIGHT)
SHORT(write_one, slot_post, .op = BV_OP_WRITE, ONE, TARGET)
SHORT(send_one, slot_post, .op = BV_OP_SEND, ONE)
SHORT(read_one, slot_post, .op = BV_OP_READ, ONE, TARGET)

static int64_t short_inline8(struct bv_channel *ch, const void *buf, const struct bv_remote *remote,
			     uint64_t what)
{
	if (bvi_unlikely(to_verbs(ch)->waiting))
		return slot_post_inline(ch, buf, remote, what);
	if (remote)
		return write_inline8(ch, buf, remote, what);
	return send_inline8(ch, buf, NULL, what);
}

static inline bool is_too_long(const struct bv_channel *ch, const void *sg)
{
	return ((const struct bv_gather *)sg)->length > ch->max_msg;
}

/* Of what has one element, only reads have this bit in their operation. */
#define IS_READ ((uint64_t)BV_OP_READ << 16)

static int64_t short_one(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			 uint64_t what)
{
	static_assert(!(BV_OP_READ & (BV_OP_WRITE | BV_OP_SEND)), "told apart by one bit");
	if (bvi_unlikely(to_verbs(ch)->waiting))
		return slot_post(ch, sg, remote, what);
	if (bvi_unlikely(is_too_long(ch, sg)))
		return bvi_refuse_list(ch, 1);
	if (what & IS_READ)
		return read_one(ch, sg, remote, what);
	return remote ? write_one(ch, sg, remote, what) : send_one(ch, sg, NULL, what);
}

static int64_t short_one_more(struct bv_channel *ch, const void *sg, const struct bv_remote *remote,
			      uint64_t what)
{
	if (bvi_unlikely(is_too_long(ch, sg)))
		return bvi_refuse_list(ch, 1);
	if (what & IS_READ)
		return read_one_more(ch, sg, remote, what);
	return remote ? write_one_more(ch, sg, remote, what) : send_one_more(ch, sg, NULL, what);
}

const struct bv_channel_ops bvi_verbs_ops_ready_wr = {
	.post_one = short_one,
	.post_inline8 = short_inline8,
	.write_one_more = short_one_more,
	.write_inline8_more = write_inline8_more,
	.send_one_more = short_one_more,
	.send_inline8_more = send_inline8_more,
	VERBS_POSTS,
	VERBS_REAPS_EX,
	.flush = bvi_verbs_flush_wr,
};

const struct bv_channel_ops bvi_verbs_ops_ready_wr_narrow = {
	VERBS_SHORT_POSTS,
	VERBS_POSTS,
	VERBS_REAPS_EX,
	.flush = bvi_verbs_flush_wr,
};
