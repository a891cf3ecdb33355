/* SPDX-License-Identifier: MIT */
/*
 * What the checks of debug builds know of a channel: debug.c writes it, debug_release.c asks before a
 * region goes. Under the lock of the channel's checks.
 */
#ifndef BV_CORE_DEBUG_STATE_H
#define BV_CORE_DEBUG_STATE_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "debug.h"
#include "provider.h"

#define TEXT_MAX 512

/* An outstanding work; its elements are in the ring's array. */
struct tracked {
	uint32_t nsge;
	bool writes; /* into these elements */
};

struct ring {
	const char *name;
	uint64_t done, posted;
	uint64_t mask;
	uint32_t max_sge;
	struct tracked *work;
	struct bv_scatter *sge; /* max_sge for each place */
};

struct bvi_debug {
	atomic_flag lock;
	const struct bv_channel_ops *real; /* the provider's, between two calls */
	uint8_t gate;
	pthread_t owner;
	bool owned;
	unsigned scopes;
	struct ring send, recv;
};

/* A finding on its way out of the lock. */
struct finding {
	unsigned check; /* 0: none */
	char text[TEXT_MAX];
};

static inline struct bvi_debug *bvi_debug_of(const struct bv_channel *ch)
{
	return ch->core->debug;
}

static inline struct bv_scatter *bvi_debug_elements(const struct ring *ring, uint64_t number)
{
	return ring->sge + (number & ring->mask) * ring->max_sge;
}

/* Held for a few lines, and hardly ever wanted by two: no call of the fast path takes a mutex. */
static inline void bvi_debug_lock(struct bvi_debug *debug)
{
	while (atomic_flag_test_and_set_explicit(&debug->lock, memory_order_acquire))
		sched_yield();
}

static inline void bvi_debug_unlock(struct bvi_debug *debug)
{
	atomic_flag_clear_explicit(&debug->lock, memory_order_release);
}

/* debug.c: whether @check is asked for, and nothing found yet; tells a finding, if there is one */
bool bvi_debug_wanted(const struct finding *finding, unsigned check);
void bvi_debug_deliver(const struct finding *finding);

#endif
