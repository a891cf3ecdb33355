/* SPDX-License-Identifier: MIT */
/*
 * Scopes: whatever was posted in one is done when it ends, so that its buffers are the caller's.
 *
 *	BV_SCOPE(s, ch, 50 * BV_USEC) {
 *		bv_post_read(ch, &bv_scatter(mr, ring, 4096), 1, &remote, 0);
 *		bv_post_send(ch, list, 2, 0);
 *	}
 *	if (bv_scope_result(&s) < 0)
 *		...
 *
 * A scope is two numbers, the positions of both queues at its start: it costs nothing per work. It
 * ends in bounded time on every path. Works that are not done at its deadline are ended: the queue
 * pair goes to the error state, which flushes them, and what the device does not flush within a
 * second it is made to forget (bv_channel_drain has the same steps); the channel is in ERROR then.
 *
 * The automatic scope is for those who do not want to reap: it does. The manual one is for those who
 * reap everything themselves: it does the same, and says -EINPROGRESS if they have not.
 *
 * Scopes of several channels nest in any way, those of one channel like blocks. A scope belongs to
 * the thread of its channel.
 */
#ifndef BV_BAREVERBS_SCOPE_H
#define BV_BAREVERBS_SCOPE_H

#include <bareverbs/channel.h>
#include <bareverbs/common.h>
#include <bareverbs/work.h>

BV_BEGIN_DECLS

/* Failed works that a scope keeps one by one; further ones are counted. */
#define BV_SCOPE_ERRORS 8

/* For bv_scope_begin(): the caller reaps. */
#define BV_MANUAL 0x1u

/**
 * struct bv_scope - A scope; the caller's memory, valid from begin on
 * @failed: after its end: works posted in it that failed, flushes included, reaped by whomever
 * @nerrors: how many of them are in @errors
 * @errors: the first ones, sends before receives, in the order of their handles; of each only @work,
 *	@status and @vendor_err are valid, and @op where the channel still knows it
 */
struct bv_scope {
	uint64_t failed;
	uint32_t nerrors;
	struct bv_wc errors[BV_SCOPE_ERRORS];
	/* private: */
	unsigned flags;
	int result;
	struct bv_channel *ch; /* NULL: it has ended */
	int64_t timeout_ns;
	uint64_t send;
	uint64_t recv;
	uint64_t thread; /* debug builds: who began it */
};

/**
 * bv_scope_begin - Note where the queues of a channel stand
 * @s: memory for the scope
 * @ch: in any state
 * @flags: 0, or BV_MANUAL
 *
 * Owner: @s stays the caller's, and must stay where it is until its end.
 * Threads: the one that uses @ch.  Blocks: never.
 */
BV_API void bv_scope_begin(struct bv_scope *s, struct bv_channel *ch, unsigned flags);

/**
 * bv_scope_end - Wait until everything posted since its begin is done, or end it
 * @s: a scope; one that has ended before keeps its result
 * @timeout_ns: 0..BV_FOREVER
 *
 * If the last send-queue work is unsignaled, an empty write follows it, whose completion tells of it;
 * the peer's channel must allow BV_ACCESS_REMOTE_WRITE, as it does by default.
 *
 * Return: 0; -EIO a work of it failed; -ETIMEDOUT some were not done in time, and have been flushed;
 *	-EINPROGRESS it is a manual one, and works were not reaped, however they ended;
 *	-ENOTRECOVERABLE the driver could neither flush nor forget them. bv_last_error() tells more
 *	of the last three, bv_error_text() of the first. If several are true, the later one of this list.
 * Owner: all buffers of works of the scope are the caller's, but with -ENOTRECOVERABLE: destroy the
 *	channel before them then.
 * Threads: the one that uses the channel.  Blocks: up to @timeout_ns and a second.
 */
BV_API BV_MUST_CHECK int bv_scope_end(struct bv_scope *s, int64_t timeout_ns);

/**
 * bv_scope_result - What bv_scope_end() returned
 * @s: a scope
 *
 * Return: as bv_scope_end(); -EBUSY it has not ended.
 * Owner: nothing changes hands.  Threads: the one that uses the channel.  Blocks: never.
 */
static inline int bv_scope_result(const struct bv_scope *s)
{
	return s->ch ? -EBUSY : s->result;
}

/* For the macros below. */
static inline struct bv_scope *bvi_scope_enter(struct bv_scope *s, struct bv_channel *ch,
					       int64_t timeout_ns, unsigned flags)
{
	bv_scope_begin(s, ch, flags);
	s->timeout_ns = timeout_ns;
	return s;
}

static inline void bvi_scope_leave(struct bv_scope **s)
{
	const int rc = bv_scope_end(*s, (*s)->timeout_ns);

	(void)rc; /* bv_scope_result() has it */
}

#define BVI_SCOPE(s, ch, timeout_ns, flags)                                              \
	struct bv_scope s;                                                               \
	for (struct bv_scope * bvi_scope_##s __attribute__((cleanup(bvi_scope_leave))) = \
		     bvi_scope_enter(&s, ch, timeout_ns, flags);                         \
	     bv_scope_result(bvi_scope_##s) == -EBUSY; bvi_scope_leave(&bvi_scope_##s))

/**
 * BV_SCOPE, BV_SCOPE_MANUAL - A block that is a scope, automatic or manual
 * @s: declares this struct bv_scope, for bv_scope_result() after the block
 * @ch: the channel
 * @timeout_ns: counted from the end of the block
 *
 * The scope ends however the block is left: at its end, by break, continue, return or goto (not by
 * longjmp; in C++ also by an exception).
 *
 * Owner: as bv_scope_end().  Threads: the one that uses the channel.  Blocks: where the block is left,
 * as bv_scope_end().
 */
#define BV_SCOPE(s, ch, timeout_ns) BVI_SCOPE(s, ch, timeout_ns, 0)
#define BV_SCOPE_MANUAL(s, ch, timeout_ns) BVI_SCOPE(s, ch, timeout_ns, BV_MANUAL)

BV_END_DECLS

#endif
