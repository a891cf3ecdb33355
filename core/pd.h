/* SPDX-License-Identifier: MIT */
/*
 * A protection domain. It holds its device; regions and channels hold it.
 */
#ifndef BV_CORE_PD_H
#define BV_CORE_PD_H

#include <bareverbs/device.h>

#include "device.h"
#include "refcount.h"

struct bv_pd {
	struct bvi_refcount ref;
	struct bv_device *device;
	struct ibv_pd *ibv;
	atomic_bool iova; /* has had regions whose addresses are not the process's */
};

static inline void bvi_pd_get(struct bv_pd *pd)
{
	bvi_ref_get(&pd->ref);
}

void bvi_pd_put(struct bv_pd *pd);

#endif
