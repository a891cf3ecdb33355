/* SPDX-License-Identifier: MIT */
/*
 * Works: what is posted to a channel, and how to learn that it is done.
 *
 * A post returns the work's handle, >= 0, or -errno and then nothing happened. Handles of one queue
 * are consecutive numbers, and the works of a queue complete in order: "is it done?" is a compare.
 * Receives are told apart from send-queue works (all the others) by the bit BV_WORK_RECV.
 *
 * Three ways to use it, which may be mixed:
 *	blocking	bv_send(), bv_write(), bv_read(), bv_recv(): post, then wait to a time-out
 *	by handle	bv_post_*(), then bv_test() or bv_wait() on the handle
 *	raw		bv_post_*(), then bv_poll*() for completions as they come
 *
 * Between post and completion the buffers are the device's: sources must not change, destinations
 * must not be touched. Inline works copy their payload at the post: the buffer is free at once and
 * needs no region. Lists themselves (the array of elements) are read at the post only.
 *
 * Buffers of any work end up the caller's again at its completion, success or not.
 */
#ifndef BV_BAREVERBS_WORK_H
#define BV_BAREVERBS_WORK_H

#include <bareverbs/common.h>
#include <bareverbs/channel.h>
#include <bareverbs/error.h>
#include <bareverbs/memory.h>
#include <bareverbs/pin.h>
#include <bareverbs/queue.h>

BV_BEGIN_DECLS

/* Why an inline call below refused: records the text and returns -errno. Not for callers. */
BV_API BV_COLD int64_t bvi_reject_list(const struct bv_channel *ch, unsigned nsge, unsigned max_sge,
				       uint64_t length, const struct bv_remote *remote,
				       unsigned flags);
BV_API BV_COLD int64_t bvi_reject_inline(const struct bv_channel *ch, uint64_t length,
					 const struct bv_remote *remote, unsigned flags);
BV_API BV_COLD int64_t bvi_reject_atomic(struct bv_channel *ch, const struct bv_scatter *result,
					 const struct bv_remote *remote, unsigned flags);

BVI_INLINE uint64_t bvi_gather_bytes(const struct bv_gather *sg, unsigned nsge)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < nsge; i++)
		bytes += sg[i].length;
	return bytes;
}

BVI_INLINE uint64_t bvi_scatter_bytes(const struct bv_scatter *sg, unsigned nsge)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < nsge; i++)
		bytes += sg[i].length;
	return bytes;
}

/*
 * Whether a post can be packed, and a list walked. What else is wrong is found by the provider, for which the
 * channel's limits are at hand.
 */
BVI_INLINE bool bvi_list_fits(unsigned nsge, unsigned flags)
{
	return nsge <= BVI_WHAT_N_MAX && !(flags & ~BV_POST_FLAGS);
}

BVI_INLINE bool bvi_gather_fits(const struct bv_gather *sg, unsigned nsge,
				const struct bv_remote *remote, unsigned flags)
{
	return bvi_list_fits(nsge, flags) && bvi_gather_bytes(sg, nsge) <= remote->length;
}

BVI_INLINE bool bvi_inline_fits(size_t len, unsigned flags)
{
	return len <= BVI_WHAT_N_MAX && !(flags & ~BV_POST_FLAGS);
}

/**
 * bv_post_send, bv_post_send_imm - Send to the peer's next receive
 * @ch: READY
 * @sg, @nsge: what to send, in list order; 0..max_send_sge elements, @sg may be NULL if 0; at most
 *	max_msg bytes
 * @imm: goes with it, host order; with no elements it is the whole message
 * @flags: BV_UNSIGNALED, BV_FENCE, BV_SOLICITED, BV_MORE or'ed
 *
 * Return: the handle; -EAGAIN max_send works are outstanding: reap completions and try again;
 *	-EINVAL not READY, too many elements, or an unknown flag; -EMSGSIZE too long; -EIO the
 *	channel is in ERROR.
 * Owner: the buffers are the device's until the work completes.  Threads: the one that uses @ch.
 * Blocks: never.
 */
BVI_INLINE int64_t bv_post_send(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
				unsigned flags)
{
	if (bvi_unlikely(!bvi_list_fits(nsge, flags)))
		return bvi_reject_list(ch, nsge, ch->max_send_sge, 0, NULL, flags);
	return bvi_post(ch, sg, NULL, bvi_what(BV_OP_SEND, nsge, BVI_SHORT_LIST, flags));
}

BVI_INLINE int64_t bv_post_send_imm(struct bv_channel *ch, const struct bv_gather *sg,
				    unsigned nsge, uint32_t imm, unsigned flags)
{
	if (bvi_unlikely(!bvi_list_fits(nsge, flags)))
		return bvi_reject_list(ch, nsge, ch->max_send_sge, 0, NULL, flags);
	return ch->ops->post_imm(ch, sg, NULL, bvi_what(BV_OP_SEND, nsge, BVI_SHORT_LIST, flags),
				 imm);
}

/**
 * bv_post_send_inline, bv_post_send_inline_imm - Send a copy of a small buffer
 * @ch: READY
 * @buf, @len: the payload, 0..max_inline bytes
 * @imm, @flags: as bv_post_send_imm()
 *
 * Return: as bv_post_send(); -EMSGSIZE @len is above max_inline.
 * Owner: @buf is the caller's again at once.  Threads: the one that uses @ch.  Blocks: never.
 */
BVI_INLINE int64_t bv_post_send_inline(struct bv_channel *ch, const void *buf, size_t len,
				       unsigned flags)
{
	if (bvi_unlikely(!bvi_inline_fits(len, flags)))
		return bvi_reject_inline(ch, len, NULL, flags);
	return bvi_post_inline(ch, buf, NULL, bvi_what(BV_OP_SEND, len, BVI_SHORT_INLINE, flags));
}

BVI_INLINE int64_t bv_post_send_inline_imm(struct bv_channel *ch, const void *buf, size_t len,
					   uint32_t imm, unsigned flags)
{
	if (bvi_unlikely(!bvi_inline_fits(len, flags)))
		return bvi_reject_inline(ch, len, NULL, flags);
	return ch->ops->post_inline_imm(ch, buf, NULL,
					bvi_what(BV_OP_SEND, len, BVI_SHORT_INLINE, flags), imm);
}

/**
 * bv_post_write, bv_post_write_imm - Write into the peer's memory
 * @ch: READY
 * @sg, @nsge: what to write
 * @remote: where to; the list must fit into its length
 * @imm: the peer's next receive completes with it
 * @flags: as bv_post_send()
 *
 * The _unchecked twin does not look at the length of @remote; the peer's device will.
 *
 * Return: as bv_post_send(); -ERANGE the list is longer than @remote.
 * Owner: the buffers are the device's until the work completes.  Threads: the one that uses @ch.
 * Blocks: never.
 */
BVI_INLINE int64_t bv_post_write_unchecked(struct bv_channel *ch, const struct bv_gather *sg,
					   unsigned nsge, const struct bv_remote *remote,
					   unsigned flags)
{
	if (bvi_unlikely(!bvi_list_fits(nsge, flags) ||
			 (nsge > 1 && bvi_gather_bytes(sg, nsge) > ch->max_msg)))
		return bvi_reject_list(ch, nsge, ch->max_send_sge, 0, remote, flags);
	return bvi_post(ch, sg, remote, bvi_what(BV_OP_WRITE, nsge, BVI_SHORT_LIST, flags));
}

BVI_INLINE int64_t bv_post_write(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
				 const struct bv_remote *remote, unsigned flags)
{
	if (bvi_unlikely(!bvi_gather_fits(sg, nsge, remote, flags)))
		return bvi_reject_list(ch, nsge, ch->max_send_sge,
				       nsge <= ch->max_send_sge ? bvi_gather_bytes(sg, nsge) : 0,
				       remote, flags);
	return bvi_post(ch, sg, remote, bvi_what(BV_OP_WRITE, nsge, BVI_SHORT_LIST, flags));
}

BVI_INLINE int64_t bv_post_write_imm(struct bv_channel *ch, const struct bv_gather *sg,
				     unsigned nsge, const struct bv_remote *remote, uint32_t imm,
				     unsigned flags)
{
	if (bvi_unlikely(!bvi_gather_fits(sg, nsge, remote, flags)))
		return bvi_reject_list(ch, nsge, ch->max_send_sge,
				       nsge <= ch->max_send_sge ? bvi_gather_bytes(sg, nsge) : 0,
				       remote, flags);
	return ch->ops->post_imm(ch, sg, remote, bvi_what(BV_OP_WRITE, nsge, BVI_SHORT_LIST, flags),
				 imm);
}

/**
 * bv_post_write_inline, bv_post_write_inline_imm - Write a copy of a small buffer
 * @ch: READY
 * @buf, @len: the payload, 0..max_inline bytes
 * @remote: where to
 * @imm, @flags: as bv_post_send_imm()
 *
 * Return: as bv_post_send_inline(); -ERANGE @len is above the length of @remote.
 * Owner: @buf is the caller's again at once.  Threads: the one that uses @ch.  Blocks: never.
 */
BVI_INLINE int64_t bv_post_write_inline(struct bv_channel *ch, const void *buf, size_t len,
					const struct bv_remote *remote, unsigned flags)
{
	if (bvi_unlikely(!bvi_inline_fits(len, flags) || len > remote->length))
		return bvi_reject_inline(ch, len, remote, flags);
	return bvi_post_inline(ch, buf, remote,
			       bvi_what(BV_OP_WRITE, len, BVI_SHORT_INLINE, flags));
}

BVI_INLINE int64_t bv_post_write_inline_imm(struct bv_channel *ch, const void *buf, size_t len,
					    const struct bv_remote *remote, uint32_t imm,
					    unsigned flags)
{
	if (bvi_unlikely(!bvi_inline_fits(len, flags) || len > remote->length))
		return bvi_reject_inline(ch, len, remote, flags);
	return ch->ops->post_inline_imm(ch, buf, remote,
					bvi_what(BV_OP_WRITE, len, BVI_SHORT_INLINE, flags), imm);
}

/**
 * bv_post_read - Read the peer's memory
 * @ch: READY
 * @sg, @nsge: where to put it
 * @remote: what to read; the list must fit into its length
 * @flags: as bv_post_send()
 *
 * As many bytes are read as the list holds.
 *
 * Return: as bv_post_write().
 * Owner: the buffers are the device's until the work completes.  Threads: the one that uses @ch.
 * Blocks: never.
 */
BVI_INLINE int64_t bv_post_read(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge,
				const struct bv_remote *remote, unsigned flags)
{
	uint64_t bytes = 0;

	if (bvi_likely(bvi_list_fits(nsge, flags)))
		bytes = bvi_scatter_bytes(sg, nsge);
	else
		return bvi_reject_list(ch, nsge, ch->max_send_sge, 0, remote, flags);
	if (bvi_unlikely(bytes > remote->length || bytes > UINT32_MAX))
		return bvi_reject_list(ch, nsge, ch->max_send_sge, bytes, remote, flags);
	return bvi_post(ch, sg, remote,
			bytes << 32 | bvi_what(BV_OP_READ, nsge, BVI_SHORT_LIST, flags));
}

/* Where atomics are not possible, the channel's post_other knows. */
BVI_INLINE bool bvi_atomic_fits(const struct bv_scatter *result, const struct bv_remote *remote,
				unsigned flags)
{
	return result->length == sizeof(uint64_t) && remote->length >= sizeof(uint64_t) &&
	       remote->addr % sizeof(uint64_t) == 0 && !(flags & ~BV_POST_FLAGS);
}

/**
 * bv_post_fetch_add, bv_post_compare_swap - Change eight bytes of the peer's memory in one step
 * @ch: READY
 * @result: an element of eight bytes: receives what was there before, in host order
 * @remote: starts with a number of eight bytes, in the peer's host order, at a multiple of 8
 * @add: added to it, modulo 2^64
 * @compare, @swap: if it is @compare, it becomes @swap; it was, if the result is @compare
 * @flags: as bv_post_send()
 *
 * One step means: no other atomic of the peer's device comes in between. Loads and stores of the
 * peer's CPU may, on most devices. The peer's region and its channel need BV_ACCESS_REMOTE_ATOMIC.
 *
 * Return: as bv_post_send(); -EINVAL also @result does not have eight bytes, or the remote address
 *	is no multiple of 8; -ERANGE @remote is shorter than eight bytes; -EOPNOTSUPP the device has
 *	no atomics, or the channel agreed on a rd_atomic of 0.
 * Owner: the result is the device's until the work completes.  Threads: the one that uses @ch.
 * Blocks: never.
 */
BVI_INLINE int64_t bv_post_fetch_add(struct bv_channel *ch, const struct bv_scatter *result,
				     const struct bv_remote *remote, uint64_t add, unsigned flags)
{
	if (bvi_unlikely(!bvi_atomic_fits(result, remote, flags)))
		return bvi_reject_atomic(ch, result, remote, flags);
	return ch->post_other(ch, result, remote, bvi_what_atomic(BV_OP_FETCH_ADD, flags), add, 0);
}

BVI_INLINE int64_t bv_post_compare_swap(struct bv_channel *ch, const struct bv_scatter *result,
					const struct bv_remote *remote, uint64_t compare,
					uint64_t swap, unsigned flags)
{
	if (bvi_unlikely(!bvi_atomic_fits(result, remote, flags)))
		return bvi_reject_atomic(ch, result, remote, flags);
	return ch->post_other(ch, result, remote, bvi_what_atomic(BV_OP_COMPARE_SWAP, flags), swap,
			      compare);
}

/**
 * bv_flush - Tell the device of all works that were posted with BV_MORE
 * @ch: in any state
 *
 * Return: 0, also if there are none; -errno of the driver: the last ones were withdrawn, they have
 *	no handle any more (bv_last_posted() tells which is the last). Provider mlx5 never fails.
 * Owner: buffers of works that were withdrawn are the caller's.  Threads: the one that uses @ch.
 * Blocks: never.
 */
BVI_INLINE int bv_flush(struct bv_channel *ch)
{
	return ch->ops->flush(ch);
}

/**
 * bv_post_recv - Offer buffers to the peer's next send, or write with immediate
 * @ch: PREPARED or READY
 * @sg, @nsge: where to put it; 0..max_recv_sge elements; none takes an immediate only
 *
 * Return: the handle, with BV_WORK_RECV; -EAGAIN max_recv receives are outstanding; -EINVAL too
 *	many elements; -EIO the channel is in ERROR.
 * Owner: the buffers are the device's until the work completes.  Threads: the one that uses @ch.
 * Blocks: never.
 */
BVI_INLINE int64_t bv_post_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge)
{
	return bvi_post_recv(ch, sg, nsge);
}

/**
 * bv_post_recv_many - Offer many buffers at once, each to one send or write with immediate
 * @ch: PREPARED or READY
 * @sg, @n: one element for each receive, in order; 0..INT_MAX
 *
 * The same as @n calls of bv_post_recv() with one element, but the device is told once. Handles are
 * consecutive; bv_last_posted_recv() is the last one.
 *
 * Return: how many were posted: fewer than @n if the queue is full then; -EAGAIN max_recv receives are
 *	outstanding already; -EINVAL the channel takes no elements; -EIO the channel is in ERROR.
 * Owner: the buffers of those posted are the device's until the work completes.
 * Threads: the one that uses @ch.  Blocks: never.
 */
BVI_INLINE int bv_post_recv_many(struct bv_channel *ch, const struct bv_scatter *sg, unsigned n)
{
	return ch->ops->post_recv_many(ch, sg, n);
}

/**
 * bv_poll_send, bv_poll_recv - Reap completions of one queue
 * @ch: in any state
 * @wc: an array of @max entries, filled from index 0
 * @max: 1..4096
 *
 * Return: entries filled, 0 = none is ready; -EIO the device's completion queue is broken (entries
 *	reaped before are delivered first).
 * Owner: buffers of each reaped work return to the caller.  Threads: the one that uses @ch.
 * Blocks: never.
 */
BVI_INLINE int bv_poll_send(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	if (BVI_KNOWN(max) && max == 1)
		return bvi_poll_send_one(ch, wc);
	return ch->ops->poll_send(ch, wc, max);
}

BVI_INLINE int bv_poll_recv(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	if (BVI_KNOWN(max) && max == 1)
		return bvi_poll_recv_one(ch, wc);
	return ch->ops->poll_recv(ch, wc, max);
}

/**
 * bv_poll_recv_inplace - Reap receives, and leave their payloads where the device put them
 * @ch: in any state
 * @wc, @max: as bv_poll_recv()
 * @payload: an array of @max entries: where the bytes of each receive are. Of no meaning for failures, if no
 *	bytes arrived, and for receives of more than one element
 *
 * On a channel with BV_COMPLETIONS_INLINE a short message may lie in its completion, from where other polls copy it
 * to the receive's buffer: here it is read in place, and the buffer is not written. All other messages, and all of
 * other channels, are in their buffers, at the address of the element.
 *
 * Bytes in a completion stay until max_recv later receives have been reaped, in any way, or the channel is reset or
 * destroyed: the queue has twice as many places, and no more than max_recv receives can be outstanding.
 *
 * Return: as bv_poll_recv().
 * Owner: as bv_poll_recv(); what @payload points to is to be read only.  Threads: the one that uses @ch.
 * Blocks: never.
 */
BVI_INLINE int bv_poll_recv_inplace(struct bv_channel *ch, struct bv_wc *wc, const void **payload,
				    unsigned max)
{
	return ch->ops->poll_recv_inplace(ch, wc, payload, max);
}

/**
 * bv_poll - Reap completions of both queues, the send queue's first
 * @ch, @wc, @max: as bv_poll_send()
 *
 * Return: as bv_poll_send().
 * Owner: buffers of each reaped work return to the caller.  Threads: the one that uses @ch.
 * Blocks: never.
 */
static inline int bv_poll(struct bv_channel *ch, struct bv_wc *wc, unsigned max)
{
	const int sent = bv_poll_send(ch, wc, max);
	int received;

	if (sent < 0 || (unsigned)sent == max)
		return sent;
	received = bv_poll_recv(ch, wc + sent, max - (unsigned)sent);
	return received >= 0 ? sent + received : sent > 0 ? sent : received;
}

/**
 * bv_work_done - Whether a work is known to be done, by a compare alone
 * @ch: a channel
 * @work: a handle that a post of @ch returned
 *
 * Looks at nothing but the counters: something must poll for them to move (bv_test, bv_wait,
 * bv_poll*).
 *
 * Return: true or false.
 * Owner: nothing changes hands.  Threads: the one that uses @ch.  Blocks: never.
 */
static inline bool bv_work_done(const struct bv_channel *ch, int64_t work)
{
	return (uint64_t)work < (work & BV_WORK_RECV ? ch->rq_done : bvi_sq_done(ch));
}

/**
 * bv_test - Whether a work is done, and how it ended
 * @ch: in any state
 * @work: a handle that a post of @ch returned
 * @wc: receives the result; NULL is fine
 *
 * The result of a receive is kept until max_recv later receives have completed.
 *
 * Return: 1 done, and *@wc is filled; 0 not yet; -EIO done, and it failed: *@wc is filled; or the
 *	completion queue is broken: *@wc is not, bv_last_error() tells, and bv_work_done() is false;
 *	-EINVAL no post returned that handle; -ESTALE done, but the result is no longer kept.
 * Owner: done, in any way: its buffers return to the caller. With a broken completion queue they do
 *	at bv_channel_destroy().
 * Threads: the one that uses @ch.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_test(struct bv_channel *ch, int64_t work, struct bv_wc *wc);

/**
 * bv_wait - Wait until a work is done
 * @ch: in any state
 * @work: as bv_test()
 * @timeout_ns: 0..BV_FOREVER; less is 0
 * @wc: as bv_test()
 *
 * Polls; after spin_ns of the channel's attributes it sleeps in the kernel, and takes the channel's
 * events (bv_channel_woken()) when it wakes.
 *
 * Return: 0 done; -ETIMEDOUT not done in time, and still outstanding; the rest as bv_test().
 * Owner: as bv_test().  Threads: the one that uses @ch.
 * Blocks: up to @timeout_ns, in the kernel only after spin_ns.
 */
BV_API BV_MUST_CHECK int bv_wait(struct bv_channel *ch, int64_t work, int64_t timeout_ns,
				 struct bv_wc *wc);

/**
 * bv_send, bv_send_imm, bv_write, bv_write_imm, bv_read, bv_fetch_add, bv_compare_swap, bv_recv -
 *	Post, then wait until it is done
 * @ch, @sg, @nsge, @remote, @imm, @result, @add, @compare, @swap: as the bv_post_ call of the same
 *	name
 * @timeout_ns: for the whole call, including waiting for a free place in a full queue;
 *	0..BV_FOREVER
 * @wc: receives the result of a receive; NULL is fine
 *
 * Return: 0; -ETIMEDOUT not done in time; -EIO it failed, or the channel is in ERROR; the rest as
 *	the post.
 * Owner: after 0 the buffers are the caller's; after an error they are, unless the work is still
 *	outstanding: after -ETIMEDOUT it may be (it is the last one posted), and with a broken
 *	completion queue it is. Wait for it with bv_wait(), or destroy the channel before the
 *	buffers.
 * Threads: the one that uses @ch.  Blocks: up to @timeout_ns, in the kernel only after spin_ns.
 */
BV_API BV_MUST_CHECK int bv_send(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
				 int64_t timeout_ns);
BV_API BV_MUST_CHECK int bv_send_imm(struct bv_channel *ch, const struct bv_gather *sg,
				     unsigned nsge, uint32_t imm, int64_t timeout_ns);
BV_API BV_MUST_CHECK int bv_write(struct bv_channel *ch, const struct bv_gather *sg, unsigned nsge,
				  const struct bv_remote *remote, int64_t timeout_ns);
BV_API BV_MUST_CHECK int bv_write_imm(struct bv_channel *ch, const struct bv_gather *sg,
				      unsigned nsge, const struct bv_remote *remote, uint32_t imm,
				      int64_t timeout_ns);
BV_API BV_MUST_CHECK int bv_read(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge,
				 const struct bv_remote *remote, int64_t timeout_ns);
BV_API BV_MUST_CHECK int bv_fetch_add(struct bv_channel *ch, const struct bv_scatter *result,
				      const struct bv_remote *remote, uint64_t add,
				      int64_t timeout_ns);
BV_API BV_MUST_CHECK int bv_compare_swap(struct bv_channel *ch, const struct bv_scatter *result,
					 const struct bv_remote *remote, uint64_t compare,
					 uint64_t swap, int64_t timeout_ns);
BV_API BV_MUST_CHECK int bv_recv(struct bv_channel *ch, const struct bv_scatter *sg, unsigned nsge,
				 int64_t timeout_ns, struct bv_wc *wc);

/**
 * bv_last_posted - The handle of the last send-queue work
 * @ch: a channel
 *
 * Return: the handle; -1 if none was ever posted.
 * Owner: nothing changes hands.  Threads: the one that uses @ch.  Blocks: never.
 */
static inline int64_t bv_last_posted(const struct bv_channel *ch)
{
	return (int64_t)ch->sq_posted - 1;
}

/**
 * bv_last_posted_recv - The handle of the last receive
 * @ch: a channel
 *
 * Return: the handle; of none if none was posted since the channel was made or reset.
 * Owner: nothing changes hands.  Threads: the one that uses @ch.  Blocks: never.
 */
static inline int64_t bv_last_posted_recv(const struct bv_channel *ch)
{
	return (int64_t)ch->rq_posted - 1;
}

BV_END_DECLS

#endif
