/* SPDX-License-Identifier: MIT */
/*
 * Protection domains.
 */
#include "pd.h"

#include <stdlib.h>

#include "debug.h"
#include "error.h"

int bv_pd_alloc(struct bv_device *dev, struct bv_pd **out)
{
	struct bv_pd *pd;
	int rc;

	if (!dev || !out)
		return bvi_fail(-EINVAL, "bv_pd_alloc: an argument is NULL");
	pd = calloc(1, sizeof(*pd));
	if (!pd)
		return bvi_fail(-ENOMEM, "no memory for a protection domain");
	errno = 0;
	pd->ibv = ibv_alloc_pd(dev->context);
	if (!pd->ibv) {
		rc = bv_rc(-1);
		free(pd);
		return bvi_fail(rc,
				"%s: could not make a protection domain: %s (see `rdma resource "
				"show` for what is in use)",
				dev->name, bvi_errno_text(rc));
	}
	bvi_ref_init(&pd->ref);
	bvi_ref_get(&dev->ref);
	pd->device = dev;
	*out = pd;
	return 0;
}

void bvi_pd_put(struct bv_pd *pd)
{
	int rc;

	if (!bvi_ref_put(&pd->ref))
		return;
	rc = bv_rc(ibv_dealloc_pd(pd->ibv));
	if (rc < 0)
		bvi_fail(rc, "%s: could not free a protection domain: %s", pd->device->name,
			 bvi_errno_text(rc));
	bvi_device_put(pd->device);
	free(pd);
}

void bv_pd_free(struct bv_pd *pd)
{
	if (!pd)
		return;
	bvi_debug_pd_release(pd);
	bvi_pd_put(pd);
}

struct bv_device *bv_pd_device(const struct bv_pd *pd)
{
	return pd->device;
}
