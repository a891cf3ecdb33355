/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <errno.h>
#include <stdlib.h>

/* XRC domains: a number, and how many queue pairs and shared receive queues belong to it. */

struct emu_xrcd *emu_xrcd_find(const struct emu_device *dev, uint32_t xrcdn)
{
	struct emu_xrcd *xrcd = emu_ids_get(&emu.xrcds, xrcdn);

	return xrcd && xrcd->dev == dev ? xrcd : NULL;
}

int emu_xrcd_alloc(struct emu_device *dev, uint32_t *xrcdn)
{
	struct emu_xrcd *xrcd = calloc(1, sizeof(*xrcd));
	int rc;

	if (!xrcd)
		return -ENOMEM;
	xrcd->dev = dev;
	emu_lock();
	rc = emu_device_usable(dev);
	if (rc == 0)
		rc = emu_ids_add(&emu.xrcds, xrcd, &xrcd->xrcdn);
	emu_unlock();
	if (rc < 0) {
		free(xrcd);
		return rc;
	}
	*xrcdn = xrcd->xrcdn;
	return 0;
}

static void destroy(struct emu_xrcd *xrcd)
{
	emu_ids_remove(&emu.xrcds, xrcd->xrcdn);
	free(xrcd);
}

int emu_xrcd_free(struct emu_device *dev, uint32_t xrcdn)
{
	struct emu_xrcd *xrcd;
	int rc;

	emu_lock();
	rc = emu_device_check(dev);
	xrcd = emu_xrcd_find(dev, xrcdn);
	if (rc == 0 && !xrcd)
		rc = -EINVAL;
	if (rc == 0 && xrcd->users)
		rc = -EBUSY;
	if (rc == 0)
		destroy(xrcd);
	emu_unlock();
	return rc;
}

void emu_xrcds_destroy(struct emu_device *dev)
{
	for (uint32_t i = 0; i < emu.xrcds.size; i++) {
		struct emu_xrcd *xrcd = emu_xrcd_find(dev, i);

		if (!xrcd)
			continue;
		emu_object_left(dev);
		destroy(xrcd);
	}
}
