/* SPDX-License-Identifier: MIT */
/*
 * Posting through ibv_post_send().
 *
 * Credits are counted here, so that the driver's own overflow (ENOMEM) cannot come up; whatever it
 * refuses all the same is returned, and leaves number, credit and signaling as they were.
 */
#include "post.h"

struct told {
	enum bv_op op;
	unsigned kind; /* VERBS_IMM or 0 */
};

/* What an opcode of ours is. */
static inline struct told what_of(enum ibv_wr_opcode opcode)
{
	static const struct told what[] = {
		[IBV_WR_SEND] = { BV_OP_SEND, 0 },
		[IBV_WR_SEND_WITH_IMM] = { BV_OP_SEND, VERBS_IMM },
		[IBV_WR_RDMA_WRITE] = { BV_OP_WRITE, 0 },
		[IBV_WR_RDMA_WRITE_WITH_IMM] = { BV_OP_WRITE, VERBS_IMM },
		[IBV_WR_RDMA_READ] = { BV_OP_READ, 0 },
		[IBV_WR_ATOMIC_FETCH_AND_ADD] = { BV_OP_FETCH_ADD, 0 },
		[IBV_WR_ATOMIC_CMP_AND_SWP] = { BV_OP_COMPARE_SWAP, 0 },
	};

	return what[opcode];
}

static inline void keep_target(struct verbs_posted *place, const struct ibv_send_wr *wr,
			       struct told what)
{
	if (what.kind & VERBS_IMM)
		place->to.imm = wr->imm_data;
	if (what.op == BV_OP_FETCH_ADD || what.op == BV_OP_COMPARE_SWAP) {
		place->to.addr = wr->wr.atomic.remote_addr;
		place->to.rkey = wr->wr.atomic.rkey;
	} else if (what.op != BV_OP_SEND) {
		place->to.addr = wr->wr.rdma.remote_addr;
		place->to.rkey = wr->wr.rdma.rkey;
	}
}

/* Returns the bytes of all elements. */
static inline uint64_t keep_elements(struct verbs_posted *place, const struct ibv_sge *sge,
				     unsigned nsge)
{
	uint64_t bytes = 0;

	place->rest = verbs_keep_elements(&place->sge[0], &place->sge[1], sge, nsge);
	for (unsigned i = 0; i < nsge; i++)
		bytes += sge[i].length;
	return bytes;
}

/* What errors will want to tell, and the completion. */
static inline void keep(struct verbs_posted *place, const struct ibv_send_wr *wr)
{
	const struct told what = what_of(wr->opcode);
	const unsigned nsge = (unsigned)wr->num_sge;
	unsigned kind = what.kind | VERBS_COUNTED;
	uint64_t bytes = 0;

	if (!(wr->send_flags & IBV_SEND_SIGNALED))
		kind |= VERBS_UNSIGNALED;
	keep_target(place, wr, what);
	if (wr->send_flags & IBV_SEND_INLINE) {
		kind |= VERBS_INLINE;
		place->n = wr->sg_list->length;
	} else {
		place->n = nsge;
		bytes = keep_elements(place, wr->sg_list, nsge);
	}
	place->how = verbs_how(what.op, kind, what.op < BV_OP_READ ? 0 : bytes);
}

/* Works that the driver was not told of never complete: the queue would stay full. */
static BV_COLD int64_t full(struct bv_channel *ch)
{
	const int rc = bvi_verbs_flush(ch);

	return rc < 0 ? rc : -EAGAIN;
}

/* Makes v->send_wr of a work, counts it, and keeps what it was. @send_flags: IBV_SEND_INLINE or 0 */
static inline void build(struct verbs_channel *v, const void *list, unsigned nsge,
			 enum ibv_wr_opcode opcode, unsigned flags, unsigned send_flags)
{
	struct ibv_send_wr *wr = &v->send_wr;
	struct verbs_posted *place;

	send_flags |= verbs_send_flags(v, flags);
	place = verbs_place_next(v, send_flags);
	wr->wr_id = (uintptr_t)place;
	wr->sg_list = verbs_sge(list);
	wr->num_sge = (int)nsge;
	wr->opcode = opcode;
	wr->send_flags = send_flags;
	keep(place, wr);
	verbs_count(v);
}

/* A work that may wait, or has others that wait before it. */
static __attribute__((noinline)) int64_t post_chained(struct bv_channel *ch, const void *list,
						      unsigned nsge, enum ibv_wr_opcode opcode,
						      unsigned flags, unsigned send_flags)
{
	struct verbs_channel *v = to_verbs(ch);
	int rc;

	build(v, list, nsge, opcode, flags, send_flags);
	rc = bvi_verbs_chain_post(v, flags);
	return bvi_unlikely(rc < 0) ? rc : (int64_t)ch->sq_posted - 1;
}

static inline int64_t post(struct bv_channel *ch, const void *list, unsigned nsge,
			   enum ibv_wr_opcode opcode, unsigned flags, unsigned send_flags)
{
	struct verbs_channel *v = to_verbs(ch);
	const uint32_t unsignaled = v->unsignaled;
	struct ibv_send_wr *bad;
	int rc;

	if (bvi_unlikely(verbs_is_full(ch)))
		return full(ch);
	if (bvi_unlikely((flags | v->chained) & BV_MORE))
		return post_chained(ch, list, nsge, opcode, flags, send_flags);
	build(v, list, nsge, opcode, flags, send_flags);
	rc = ibv_post_send(v->qp, &v->send_wr, &bad);
	if (bvi_likely(!rc))
		return (int64_t)ch->sq_posted - 1;
	v->unsignaled = unsignaled;
	bvi_verbs_withdraw(v, ch->sq_posted - 1);
	return verbs_refused(rc);
}

/* One element that is copied now; its key is not looked at. An empty payload has no element. */
static inline int64_t post_inline(struct bv_channel *ch, const void *buf, size_t len,
				  enum ibv_wr_opcode opcode, unsigned flags)
{
	struct ibv_sge sge = { .addr = (uintptr_t)buf, .length = (uint32_t)len };

	return post(ch, &sge, len != 0, opcode, flags, len ? IBV_SEND_INLINE : 0);
}

static inline void set_remote(struct bv_channel *ch, const struct bv_remote *remote)
{
	struct ibv_send_wr *wr = &to_verbs(ch)->send_wr;

	wr->wr.rdma.remote_addr = remote->addr;
	wr->wr.rdma.rkey = remote->rkey;
}

static inline void set_imm(struct bv_channel *ch, uint32_t imm)
{
	to_verbs(ch)->send_wr.imm_data = htobe32(imm);
}

static int64_t post_send(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			 unsigned flags)
{
	return post(ch, sg, nsge, IBV_WR_SEND, flags, 0);
}

static int64_t post_send_imm(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			     uint32_t imm, unsigned flags)
{
	set_imm(ch, imm);
	return post(ch, sg, nsge, IBV_WR_SEND_WITH_IMM, flags, 0);
}

static int64_t post_send_inline(struct bv_channel *ch, const void *buf, size_t len, unsigned flags)
{
	return post_inline(ch, buf, len, IBV_WR_SEND, flags);
}

static int64_t post_send_inline_imm(struct bv_channel *ch, const void *buf, size_t len,
				    uint32_t imm, unsigned flags)
{
	set_imm(ch, imm);
	return post_inline(ch, buf, len, IBV_WR_SEND_WITH_IMM, flags);
}

static int64_t post_write(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			  const struct bv_remote *remote, unsigned flags)
{
	set_remote(ch, remote);
	return post(ch, sg, nsge, IBV_WR_RDMA_WRITE, flags, 0);
}

static int64_t post_write_imm(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
			      const struct bv_remote *remote, uint32_t imm, unsigned flags)
{
	set_remote(ch, remote);
	set_imm(ch, imm);
	return post(ch, sg, nsge, IBV_WR_RDMA_WRITE_WITH_IMM, flags, 0);
}

static int64_t post_write_inline(struct bv_channel *ch, const void *buf, size_t len,
				 const struct bv_remote *remote, unsigned flags)
{
	set_remote(ch, remote);
	return post_inline(ch, buf, len, IBV_WR_RDMA_WRITE, flags);
}

static int64_t post_write_inline_imm(struct bv_channel *ch, const void *buf, size_t len,
				     const struct bv_remote *remote, uint32_t imm, unsigned flags)
{
	set_remote(ch, remote);
	set_imm(ch, imm);
	return post_inline(ch, buf, len, IBV_WR_RDMA_WRITE_WITH_IMM, flags);
}

static int64_t post_read(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge,
			 const struct bv_remote *remote, unsigned flags)
{
	set_remote(ch, remote);
	return post(ch, sg, nsge, IBV_WR_RDMA_READ, flags, 0);
}

static inline void set_atomic(struct bv_channel *ch, const struct bv_remote *remote,
			      uint64_t compare_add, uint64_t swap)
{
	struct ibv_send_wr *wr = &to_verbs(ch)->send_wr;

	wr->wr.atomic.remote_addr = remote->addr;
	wr->wr.atomic.compare_add = compare_add;
	wr->wr.atomic.swap = swap;
	wr->wr.atomic.rkey = remote->rkey;
}

static int64_t post_fetch_add(struct bv_channel *ch, const struct bv_scatter *result,
			      const struct bv_remote *remote, uint64_t add, unsigned flags)
{
	set_atomic(ch, remote, add, 0);
	return post(ch, result, 1, IBV_WR_ATOMIC_FETCH_AND_ADD, flags, 0);
}

static int64_t post_compare_swap(struct bv_channel *ch, const struct bv_scatter *result,
				 const struct bv_remote *remote, uint64_t compare, uint64_t swap,
				 unsigned flags)
{
	set_atomic(ch, remote, compare, swap);
	return post(ch, result, 1, IBV_WR_ATOMIC_CMP_AND_SWP, flags, 0);
}

#include "slots.h"

const struct bv_channel_ops bvi_verbs_ops_ready = {
	VERBS_SHORT_POSTS,
	VERBS_POSTS,
	VERBS_REAPS,
	.flush = bvi_verbs_flush,
};
