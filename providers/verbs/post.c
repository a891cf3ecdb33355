/* SPDX-License-Identifier: MIT */
/*
 * Posting through ibv_post_send().
 *
 * Credits are counted here, so that the driver's own overflow (ENOMEM) cannot come up; whatever it
 * refuses all the same is returned, and leaves number, credit and signaling as they were.
 */
#include "post.h"

/* bv_op of an opcode of ours, and that it has an immediate. */
static inline uint32_t what_of(enum ibv_wr_opcode opcode)
{
	static const uint32_t what[] = {
		[IBV_WR_SEND] = BV_OP_SEND << VERBS_POSTED_OP_SHIFT,
		[IBV_WR_SEND_WITH_IMM] = BV_OP_SEND << VERBS_POSTED_OP_SHIFT | VERBS_POSTED_IMM,
		[IBV_WR_RDMA_WRITE] = BV_OP_WRITE << VERBS_POSTED_OP_SHIFT,
		[IBV_WR_RDMA_WRITE_WITH_IMM] = BV_OP_WRITE << VERBS_POSTED_OP_SHIFT |
					       VERBS_POSTED_IMM,
		[IBV_WR_RDMA_READ] = BV_OP_READ << VERBS_POSTED_OP_SHIFT,
		[IBV_WR_ATOMIC_FETCH_AND_ADD] = BV_OP_FETCH_ADD << VERBS_POSTED_OP_SHIFT,
		[IBV_WR_ATOMIC_CMP_AND_SWP] = BV_OP_COMPARE_SWAP << VERBS_POSTED_OP_SHIFT,
	};

	return what[opcode];
}

static inline void keep_target(struct verbs_posted *posted, const struct ibv_send_wr *wr,
			       uint32_t what)
{
	const uint32_t op = (what & VERBS_POSTED_OP) >> VERBS_POSTED_OP_SHIFT;

	if (what & VERBS_POSTED_IMM)
		posted->to.imm = wr->imm_data;
	if (op == BV_OP_FETCH_ADD || op == BV_OP_COMPARE_SWAP) {
		posted->to.addr = wr->wr.atomic.remote_addr;
		posted->to.rkey = wr->wr.atomic.rkey;
	} else if (op != BV_OP_SEND) {
		posted->to.addr = wr->wr.rdma.remote_addr;
		posted->to.rkey = wr->wr.rdma.rkey;
	}
}

/* Works that the driver was not told of never complete: the queue would stay full. */
static BV_COLD int64_t full(struct bv_channel *ch)
{
	const int rc = bvi_verbs_flush(ch);

	return rc < 0 ? rc : -EAGAIN;
}

/* Makes v->send_wr of a work, and keeps what it was. @send_flags: IBV_SEND_INLINE or 0 */
static inline void build(struct verbs_channel *v, const void *list, unsigned nsge,
			 enum ibv_wr_opcode opcode, unsigned flags, unsigned send_flags)
{
	struct ibv_send_wr *wr = &v->send_wr;
	const uint64_t number = v->base.sq_posted;
	struct verbs_posted *posted = verbs_posted_send(v, number);
	uint32_t what = what_of(opcode);

	send_flags |= verbs_send_flags(v, flags);
	wr->wr_id = verbs_wr_id(number,
				(enum bv_op)((what & VERBS_POSTED_OP) >> VERBS_POSTED_OP_SHIFT));
	wr->sg_list = verbs_sge(list);
	wr->num_sge = (int)nsge;
	wr->opcode = opcode;
	wr->send_flags = send_flags;
	keep_target(posted, wr, what);
	if (send_flags & IBV_SEND_SIGNALED)
		what |= VERBS_POSTED_SIGNALED;
	if (send_flags & IBV_SEND_INLINE)
		what |= VERBS_POSTED_INLINE;
	if (send_flags & IBV_SEND_INLINE) {
		posted->what = what | wr->sg_list->length;
		return;
	}
	posted->what = what | nsge;
	posted->rest = verbs_keep_elements(posted->sge, wr->sg_list, nsge);
}

/* A work that may wait, or has others that wait before it. */
static __attribute__((noinline)) int64_t post_chained(struct bv_channel *ch, const void *list,
						      unsigned nsge, enum ibv_wr_opcode opcode,
						      unsigned flags, unsigned send_flags)
{
	struct verbs_channel *v = to_verbs(ch);
	const uint64_t number = ch->sq_posted;
	int rc;

	build(v, list, nsge, opcode, flags, send_flags);
	rc = bvi_verbs_chain_post(v, flags);
	if (bvi_unlikely(rc < 0))
		return rc;
	ch->sq_posted = number + 1;
	return (int64_t)number;
}

static inline int64_t post(struct bv_channel *ch, const void *list, unsigned nsge,
			   enum ibv_wr_opcode opcode, unsigned flags, unsigned send_flags)
{
	struct verbs_channel *v = to_verbs(ch);
	const uint64_t number = ch->sq_posted;
	const uint32_t unsignaled = v->unsignaled;
	struct ibv_send_wr *bad;
	int rc;

	if (bvi_unlikely(verbs_is_full(ch)))
		return full(ch);
	if (bvi_unlikely((flags | v->chained) & BV_MORE))
		return post_chained(ch, list, nsge, opcode, flags, send_flags);
	build(v, list, nsge, opcode, flags, send_flags);
	rc = ibv_post_send(v->qp, &v->send_wr, &bad);
	if (bvi_unlikely(rc)) {
		v->unsignaled = unsignaled;
		return verbs_refused(rc);
	}
	ch->sq_posted = number + 1;
	return (int64_t)number;
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
