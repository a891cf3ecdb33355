/* SPDX-License-Identifier: MIT */
/*
 * Waits to a deadline: they spin, and after spin_ns of the channel's attributes they sleep on its
 * completion channel. Whoever waits polls, finds nothing, calls bvi_wait_more(), and polls again:
 *
 *	poll - spin - poll - spin ...            while spin_ns is not over
 *	poll - arm - poll - sleep - poll - arm ...   then
 *
 * No wake-up is lost, as a completion is either there at the poll after arming, or comes after it and
 * wakes.
 */
#ifndef BV_CORE_WAIT_H
#define BV_CORE_WAIT_H

#include <bareverbs/wake.h>

#include "clock.h"
#include "provider.h"

struct bvi_wait {
	struct bvi_deadline deadline;
	struct bvi_deadline spin;
	bool armed;
};

struct bvi_wait bvi_wait_until(const struct bv_channel *ch, const struct bvi_deadline *deadline);

/*
 * Nothing was found that the caller waits for, on @queues (BV_WAKE_*). 0: look again; -ETIMEDOUT,
 * without a text; -errno with one.
 */
int bvi_wait_more(struct bv_channel *ch, unsigned queues, struct bvi_wait *wait);

/* The completion channel of a channel to be made, with a descriptor that does not block. */
int bvi_wake_create(struct ibv_context *context, const char *device,
		    struct ibv_comp_channel **wake);
/* NULL is fine. Its completion queues are gone already. */
void bvi_wake_destroy(struct ibv_comp_channel *wake);

#endif
