/* SPDX-License-Identifier: MIT */
/*
 * Ending works in bounded time: what scopes and the calls of recovery.h are built of. All of it runs
 * on the channel's thread. Whoever needs buffers back goes down this ladder until one step works:
 *
 *	settle     works finish by themselves
 *	stop       the QP goes to the error state: works come back as flushes, settle again
 *	abandon    the QP goes to RESET: the device forgets the works, core notes them as flushed
 */
#ifndef BV_CORE_RECOVERY_H
#define BV_CORE_RECOVERY_H

#include "clock.h"
#include "provider.h"

/* How long flushes may take: a device needs microseconds, a busy software device far more. */
#define BVI_FLUSH_NS BV_SEC

/* "All works", as a target of settle. */
#define BVI_ALL UINT64_MAX

/*
 * Reaps until the works below @send and @recv of each queue are done. An unsignaled work at the end
 * of the send queue gets an empty write behind it, whose completion tells of it.
 * 0; -ETIMEDOUT without a text; -EIO a completion queue is broken.
 */
int bvi_channel_settle(struct bv_channel *ch, uint64_t send, uint64_t recv,
		       struct bvi_deadline *deadline);

/* The state alone, the queue pair is there already. @why: a constant text; the first one stays. */
void bvi_channel_enter_error(struct bv_channel *ch, const char *why);

/* Into ERROR, because of @why (a constant text); 0 or -errno with its text. */
int bvi_channel_stop(struct bv_channel *ch, const char *why);

/* Into ERROR by RESET; outstanding works count as flushed. 0 or -errno with its text. */
int bvi_channel_abandon(struct bv_channel *ch, const char *why);

/* Stop, settle until @timeout_ns, abandon what is left: as bv_channel_drain(). */
int bvi_channel_flush(struct bv_channel *ch, const char *why, int64_t timeout_ns);

static inline uint64_t bvi_outstanding(const struct bv_channel *ch)
{
	return bvi_sq_outstanding(ch) + ch->rq_posted - ch->rq_done;
}

#endif
