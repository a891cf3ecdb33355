/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until something completes: a file descriptor for poll() or epoll, of a channel that was
 * created with the attribute wakeups.
 *
 * An armed queue makes the descriptor readable once, at its next completion. Completions that came
 * before it was armed may make it readable or not, so nothing is lost in this order only:
 *
 *	bv_channel_woken(ch)	take the events, the descriptor is quiet again
 *	bv_channel_arm(ch, …)	from here on a completion wakes
 *	bv_poll*(ch, …)		until it finds nothing; something found: no need to sleep
 *	poll() or epoll_wait()	and from the start
 */
#ifndef BV_BAREVERBS_WAKE_H
#define BV_BAREVERBS_WAKE_H

#include <bareverbs/channel.h>
#include <bareverbs/common.h>

BV_BEGIN_DECLS

/* Queues of a channel, or'ed. */
#define BV_WAKE_SEND 0x1u
#define BV_WAKE_RECV 0x2u
/* Of the receives only those wake whose work was posted with BV_SOLICITED, and failures. */
#define BV_WAKE_SOLICITED 0x4u

/**
 * bv_channel_fd - What to sleep on
 * @ch: a channel with wakeups
 *
 * Return: a non-blocking descriptor, readable when bv_channel_woken() has something to take;
 *	-EINVAL the channel was created without wakeups.
 * Owner: the channel; it is closed with it. Nobody else reads it.  Threads: the one that uses @ch.
 * Blocks: never.
 */
BV_API int bv_channel_fd(const struct bv_channel *ch);

/**
 * bv_channel_arm - Have the next completion of a queue make the descriptor readable
 * @ch: a channel with wakeups, in any state
 * @queues: BV_WAKE_SEND, BV_WAKE_RECV or'ed; BV_WAKE_SOLICITED goes with the latter
 *
 * Once: after it has, the queue must be armed again. Arming an armed queue is fine.
 *
 * Return: 0; -EINVAL the channel has no wakeups, or @queues is empty or has other bits; -errno of the
 *	driver.
 * Owner: nothing changes hands.  Threads: the one that uses @ch.
 * Blocks: never; provider verbs may enter the kernel.
 */
BV_API BV_MUST_CHECK int bv_channel_arm(struct bv_channel *ch, unsigned queues);

/**
 * bv_channel_woken - Take what made the descriptor readable
 * @ch: a channel with wakeups
 *
 * Return: BV_WAKE_SEND, BV_WAKE_RECV or'ed: which queues woke it; 0 none did; -EINVAL the channel
 *	has no wakeups; -errno of the driver.
 * Owner: nothing changes hands.  Threads: the one that uses @ch.
 * Blocks: never; enters the kernel.
 */
BV_API BV_MUST_CHECK int bv_channel_woken(struct bv_channel *ch);

BV_END_DECLS

#endif
