/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <errno.h>
#include <stdlib.h>

/* Protection domains: a number, and how many keys and queues belong to it. */

struct emu_pd *emu_pd_find(const struct emu_device *dev, uint32_t pdn)
{
	struct emu_pd *pd = emu_ids_get(&emu.pds, pdn);

	return pd && pd->dev == dev ? pd : NULL;
}

int emu_pd_alloc(struct emu_device *dev, uint32_t *pdn)
{
	struct emu_pd *pd = calloc(1, sizeof(*pd));
	int rc;

	if (!pd)
		return -ENOMEM;
	pd->dev = dev;
	emu_lock();
	rc = emu_device_usable(dev);
	if (rc == 0)
		rc = emu_ids_add(&emu.pds, pd, &pd->pdn);
	emu_unlock();
	if (rc < 0) {
		free(pd);
		return rc;
	}
	*pdn = pd->pdn;
	return 0;
}

static void destroy(struct emu_pd *pd)
{
	emu_ids_remove(&emu.pds, pd->pdn);
	free(pd);
}

int emu_pd_free(struct emu_device *dev, uint32_t pdn)
{
	struct emu_pd *pd;
	int rc;

	emu_lock();
	pd = emu_pd_find(dev, pdn);
	rc = emu_object_check(dev, pd);
	if (rc == 0 && pd->users)
		rc = -EBUSY;
	if (rc == 0)
		destroy(pd);
	emu_unlock();
	return rc;
}

void emu_pds_destroy(struct emu_device *dev)
{
	for (uint32_t i = 0; i < emu.pds.size; i++) {
		struct emu_pd *pd = emu_pd_find(dev, i);

		if (!pd)
			continue;
		emu_object_left(dev);
		destroy(pd);
	}
}
