/* SPDX-License-Identifier: MIT */
/*
 * Posting through ibv_post_send() and ibv_post_recv().
 *
 * Credits are counted here, so that the driver's own overflow (ENOMEM) cannot come up; whatever it
 * refuses all the same is returned, and leaves number, credit and signaling as they were.
 */
#include <assert.h>

#include <infiniband/verbs.h>

#include "channel.h"

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

/* libibverbs takes lists without const, and does not write to them. */
static inline struct ibv_sge *to_sge(const void *list)
{
	union {
		const void *from;
		struct ibv_sge *to;
	} cast = { .from = list };

	return cast.to;
}

/* ibv_post_send() and ibv_post_recv() return a positive errno; some drivers -1 with errno set. */
static BV_COLD int64_t refused(int rc)
{
	if (rc > 0)
		return -rc;
	return errno > 0 ? -errno : -EIO;
}

static inline void keep_element(struct ibv_sge *kept, const struct ibv_sge *sge)
{
	/* Not in one piece: such a load would have to wait for the caller's narrower stores. */
	kept->addr = sge->addr;
	kept->length = sge->length;
	kept->lkey = sge->lkey;
}

static __attribute__((noinline)) void keep_list(struct verbs_posted *posted,
						const struct ibv_sge *sge, unsigned nsge)
{
	uint32_t rest = 0;

	for (unsigned i = 0; i < nsge; i++) {
		if (i < VERBS_POSTED_SGE)
			keep_element(&posted->sge[i], &sge[i]);
		else
			rest += sge[i].length;
	}
	posted->rest = rest;
}

/* What errors will want to tell of a work; before it is posted, so that nothing must outlive that. */
static inline void keep(struct verbs_posted *posted, unsigned opcode, const struct ibv_sge *sge,
			unsigned nsge, bool is_inline)
{
	const uint32_t what = opcode << VERBS_POSTED_OPCODE;

	if (is_inline) {
		posted->what = what | VERBS_POSTED_INLINE;
		posted->rest = sge->length;
	} else if (bvi_likely(nsge == 1)) {
		posted->what = what | 1;
		keep_element(&posted->sge[0], sge);
	} else {
		posted->what = what | nsge;
		keep_list(posted, sge, nsge);
	}
}

static inline void keep_target(struct verbs_posted *posted, const struct ibv_send_wr *wr,
			       enum ibv_wr_opcode opcode)
{
	if (opcode == IBV_WR_SEND_WITH_IMM || opcode == IBV_WR_RDMA_WRITE_WITH_IMM)
		posted->imm = wr->imm_data;
	if (opcode == IBV_WR_ATOMIC_FETCH_AND_ADD || opcode == IBV_WR_ATOMIC_CMP_AND_SWP) {
		posted->remote_addr = wr->wr.atomic.remote_addr;
		posted->rkey = wr->wr.atomic.rkey;
	} else if (opcode != IBV_WR_SEND && opcode != IBV_WR_SEND_WITH_IMM) {
		posted->remote_addr = wr->wr.rdma.remote_addr;
		posted->rkey = wr->wr.rdma.rkey;
	}
}

/* Works that the driver was not told of never complete: the queue would stay full. */
static BV_COLD int64_t full(struct bv_channel *ch)
{
	const int rc = bvi_verbs_flush(ch);

	return rc < 0 ? rc : -EAGAIN;
}

/* Makes v->send_wr of a work, and keeps what it was. @send_flags: IBV_SEND_INLINE or 0 */
static inline uint32_t build(struct verbs_channel *v, const void *list, unsigned nsge,
			     enum ibv_wr_opcode opcode, unsigned flags, unsigned send_flags)
{
	struct ibv_send_wr *wr = &v->send_wr;
	const uint64_t number = v->base.sq_posted;
	struct verbs_posted *posted = &v->posted_send[number & v->posted_send_mask];
	uint32_t unsignaled = 0;

	static_assert(BV_FENCE >> 1 == IBV_SEND_FENCE && BV_SOLICITED == IBV_SEND_SOLICITED,
		      "flags move into place by a shift");
	assert(nsge <= 1 || nsge <= v->base.max_send_sge);
	send_flags |= (flags & BV_FENCE) >> 1 | (flags & BV_SOLICITED);
	if (flags & BV_UNSIGNALED && v->unsignaled + 1 < v->signal_every)
		unsignaled = v->unsignaled + 1;
	else
		send_flags |= IBV_SEND_SIGNALED;
	wr->wr_id = number;
	wr->sg_list = to_sge(list);
	wr->num_sge = (int)nsge;
	wr->opcode = opcode;
	wr->send_flags = send_flags;
	keep(posted, opcode, list, nsge, send_flags & IBV_SEND_INLINE);
	keep_target(posted, wr, opcode);
	return unsignaled;
}

/* A work that may wait, or has others that wait before it. */
static __attribute__((noinline)) int64_t post_chained(struct bv_channel *ch, const void *list,
						      unsigned nsge, enum ibv_wr_opcode opcode,
						      unsigned flags, unsigned send_flags)
{
	struct verbs_channel *v = to_verbs(ch);
	const uint64_t number = ch->sq_posted;
	const uint32_t unsignaled = build(v, list, nsge, opcode, flags, send_flags);
	const int rc = bvi_verbs_chain_post(v, flags);

	if (bvi_unlikely(rc < 0))
		return rc;
	v->unsignaled = unsignaled;
	ch->sq_posted = number + 1;
	return (int64_t)number;
}

static inline int64_t post(struct bv_channel *ch, const void *list, unsigned nsge,
			   enum ibv_wr_opcode opcode, unsigned flags, unsigned send_flags)
{
	struct verbs_channel *v = to_verbs(ch);
	const uint64_t number = ch->sq_posted;
	struct ibv_send_wr *bad;
	uint32_t unsignaled;
	int rc;

	if (bvi_unlikely(number - ch->sq_done == ch->max_send))
		return full(ch);
	if (bvi_unlikely((flags | v->chained) & BV_MORE))
		return post_chained(ch, list, nsge, opcode, flags, send_flags);
	unsignaled = build(v, list, nsge, opcode, flags, send_flags);
	rc = ibv_post_send(v->qp, &v->send_wr, &bad);
	if (bvi_unlikely(rc))
		return refused(rc);
	v->unsignaled = unsignaled;
	ch->sq_posted = number + 1;
	return (int64_t)number;
}

/* One element that is copied now; its key is not looked at. An empty payload has no element. */
static inline int64_t post_inline(struct bv_channel *ch, const void *buf, size_t len,
				  enum ibv_wr_opcode opcode, unsigned flags)
{
	struct ibv_sge sge = { .addr = (uintptr_t)buf, .length = (uint32_t)len };

	assert(len <= ch->max_inline);
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

int64_t bvi_verbs_post_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge)
{
	struct verbs_channel *v = to_verbs(ch);
	struct ibv_recv_wr *wr = &v->recv_wr;
	const uint64_t number = ch->rq_posted;
	struct ibv_recv_wr *bad;
	int rc;

	assert(nsge <= ch->max_recv_sge);
	if (bvi_unlikely(number - ch->rq_done == ch->max_recv))
		return -EAGAIN;
	wr->wr_id = number;
	wr->sg_list = to_sge(sg);
	wr->num_sge = (int)nsge;
	keep(&v->posted_recv[number & v->posted_recv_mask], 0, wr->sg_list, nsge, false);
	rc = ibv_post_recv(v->qp, wr, &bad);
	if (bvi_unlikely(rc))
		return refused(rc);
	ch->rq_posted = number + 1;
	return (int64_t)number | BV_WORK_RECV;
}

#define POSTS                                                                                   \
	.post_send = post_send, .post_send_imm = post_send_imm,                                 \
	.post_send_inline = post_send_inline, .post_send_inline_imm = post_send_inline_imm,     \
	.post_write = post_write, .post_write_imm = post_write_imm,                             \
	.post_write_inline = post_write_inline, .post_write_inline_imm = post_write_inline_imm, \
	.post_read = post_read, .post_fetch_add = post_fetch_add,                               \
	.post_compare_swap = post_compare_swap, .post_recv = bvi_verbs_post_recv,               \
	.flush = bvi_verbs_flush, .arm = bvi_verbs_arm

const struct bv_channel_ops bvi_verbs_ops_ready = {
	POSTS,
	.poll_send = bvi_verbs_poll_send,
	.poll_recv = bvi_verbs_poll_recv,
};

const struct bv_channel_ops bvi_verbs_ops_ready_ex = {
	POSTS,
	.poll_send = bvi_verbs_poll_send_ex,
	.poll_recv = bvi_verbs_poll_recv_ex,
};
