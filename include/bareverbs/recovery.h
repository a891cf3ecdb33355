/* SPDX-License-Identifier: MIT */
/*
 * The end of a connection, and the next one.
 *
 *	bv_channel_probe      is the peer still there?
 *	bv_channel_shutdown   both sides are done, and know it of each other
 *	bv_channel_drain      every outstanding work ends now
 *	bv_channel_reset      PREPARED again, for another bv_channel_connect()
 *	bv_channel_close      destroyed, but not under works that are outstanding
 *
 * After a failure: reap what is left (bv_channel_drain does), bv_channel_reset(), exchange endpoints
 * (they changed), post receives, bv_channel_connect(). Each of these calls gives all buffers back in
 * bounded time: what the device does not end by itself, it is made to forget.
 */
#ifndef BV_BAREVERBS_RECOVERY_H
#define BV_BAREVERBS_RECOVERY_H

#include <bareverbs/channel.h>
#include <bareverbs/common.h>

BV_BEGIN_DECLS

/**
 * bv_channel_drain - End every outstanding work
 * @ch: in any state; ERROR afterwards
 * @timeout_ns: how long to wait for completions, 0..BV_FOREVER
 *
 * The queue pair goes to the error state: works that the device has done are reaped as such, the
 * others come back as flushes, and what the device does not give back in time is dropped with the
 * status of a flush. bv_test() tells of each work how it ended, bv_channel_error() the first
 * failure, also if it was before. To let sends finish first, wait for the last one.
 *
 * Return: 0; -ETIMEDOUT, -EIO (the completion queue is broken) some works were dropped; -EINVAL @ch
 *	is NULL; -errno of the driver: it could neither drain nor drop, and works may be outstanding.
 * Owner: all buffers are the caller's, but after -errno of the driver.  Threads: the one that uses
 * @ch.  Blocks: up to @timeout_ns, and in the kernel.
 */
BV_API BV_MUST_CHECK int bv_channel_drain(struct bv_channel *ch, int64_t timeout_ns);

/**
 * bv_channel_reset - Make a channel PREPARED again, in order to connect it again
 * @ch: in any state
 *
 * Works that are outstanding are dropped without a completion; receives among them, too: post them
 * again before connecting. The endpoint changes (a new first packet number, so that stragglers of
 * the old connection are told apart), so the peer needs it again. Handles go on growing, with a gap
 * in those of receives; handles of before are -ESTALE to bv_test() and bv_wait(). The first error is
 * forgotten. Never leaves the queue pair half way: it may be called again after a failure.
 *
 * Return: how many receives were dropped, 0..max_recv; -EINVAL @ch is NULL; -errno of the driver:
 *	the channel is in ERROR, or as it was.
 * Owner: all buffers are the caller's after success.  Threads: the one that uses @ch.
 * Blocks: in the kernel.
 */
BV_API BV_MUST_CHECK int bv_channel_reset(struct bv_channel *ch);

/**
 * bv_channel_close - Destroy a channel with care for its works
 * @ch: a channel
 * @timeout_ns: 0: refuse if a work is outstanding, receives included; more: so long may works of
 *	the send queue take to finish, then everything that is left is drained
 *
 * Return: 0 destroyed, and every send-queue work had succeeded; -EBUSY works are outstanding, and
 *	nothing happened; -ETIMEDOUT destroyed, some send-queue works had to be flushed; -EIO
 *	destroyed, a work had failed; -EINVAL @ch is NULL.
 * Owner: @ch ends here but for -EBUSY; then all buffers are the caller's.
 * Threads: the one that uses @ch.  Blocks: up to @timeout_ns and a second, and in the kernel.
 */
BV_API BV_MUST_CHECK int bv_channel_close(struct bv_channel *ch, int64_t timeout_ns);

/**
 * bv_channel_retry_ns - How long the device tries to reach a peer that does not answer
 * @ch: a channel
 *
 * (retry + 1) times the ack time-out; a device may take up to four times as long (IBTA volume 1,
 * 9.7.6.1.3).
 *
 * Return: nanoseconds; BV_FOREVER if ack_timeout is 0.
 * Owner: nothing changes hands.  Threads: the one that uses @ch.  Blocks: never.
 */
BV_API int64_t bv_channel_retry_ns(const struct bv_channel *ch);

/**
 * bv_channel_probe - Ask whether the peer is still there
 * @ch: READY
 * @timeout_ns: 0..BV_FOREVER; give it more than bv_channel_retry_ns() to learn of a death
 *
 * Posts an empty write, which needs no memory and no receive, and waits until the peer has
 * acknowledged it; so it takes one handle of the send queue. The peer's channel must allow
 * BV_ACCESS_REMOTE_WRITE, as it does by default. A silent peer is noticed only by those who send:
 * probe when nothing was sent for as long as you can bear.
 *
 * Return: 0 it answers; -ETIMEDOUT no answer yet; -EIO the work failed, as bv_channel_error() tells,
 *	or the channel is in ERROR; -EINVAL not READY, or @ch is NULL.
 * Owner: nothing changes hands.  Threads: the one that uses @ch.
 * Blocks: up to @timeout_ns, never in the kernel.
 */
BV_API BV_MUST_CHECK int bv_channel_probe(struct bv_channel *ch, int64_t timeout_ns);

/**
 * bv_channel_shutdown - Agree with the peer that both are done
 * @ch: READY
 * @fd: a connected stream socket to the peer (the one that carried the endpoints will do), not used
 *	by others meanwhile; blocking or not
 * @timeout_ns: for the whole call, 0..BV_FOREVER
 *
 * Each side waits until its own send-queue works are done, which means acknowledged, then tells the
 * other by one record of 16 bytes ("BVFI", version, zero; big-endian) and waits for the other's. So
 * when it returns 0, nobody needs anybody's queue pair any more. Without this, a side that destroys
 * its channel upon the last message may take the acknowledge with it, and the sender sees a failure
 * although the message arrived. A socket carries it rather than the channel itself, because the last
 * acknowledge of a channel is never acknowledged.
 *
 * Until the peer has finished, too, it may need receives here: either enough of them are posted, or
 * call with short time-outs, and reap and post receives in between.
 *
 * Then the channel goes to ERROR, so that receives come back as flushes behind the last message: poll
 * until bv_channel_drain() or the flushes tell that there is none left.
 *
 * Return: 0; -ETIMEDOUT the other side has not finished: call again, post nothing in between; -EIO a
 *	work failed; -ECONNRESET the peer closed @fd before it had finished; -EPROTO it sent
 *	something else; -EINVAL not READY, a post since the first call, or @ch is NULL; -errno of
 *	the socket.
 * Owner: @fd stays the caller's. Buffers of sends are the caller's after 0.
 * Threads: the one that uses @ch.  Blocks: up to @timeout_ns, also in the kernel.
 */
BV_API BV_MUST_CHECK int bv_channel_shutdown(struct bv_channel *ch, int fd, int64_t timeout_ns);

BV_END_DECLS

#endif
