/* SPDX-License-Identifier: MIT */
/*
 * Reference counts of devices and pds. The user's handle is one reference, each child another; who
 * drops the last one tears down. That alone gives the order QP, CQ, MR, PD, device, whatever the
 * order in which the user releases.
 */
#ifndef BV_CORE_REFCOUNT_H
#define BV_CORE_REFCOUNT_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>

struct bvi_refcount {
	atomic_uint count;
};

static inline void bvi_ref_init(struct bvi_refcount *ref)
{
	atomic_init(&ref->count, 1);
}

static inline void bvi_ref_get(struct bvi_refcount *ref)
{
	const unsigned int before = atomic_fetch_add_explicit(&ref->count, 1, memory_order_relaxed);

	assert(before > 0);
	(void)before;
}

/* True for the last reference: what every thread did to the object before is visible then. */
static inline bool bvi_ref_put(struct bvi_refcount *ref)
{
	const unsigned int before = atomic_fetch_sub_explicit(&ref->count, 1, memory_order_acq_rel);

	assert(before > 0);
	return before == 1;
}

#endif
