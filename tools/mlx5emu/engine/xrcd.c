/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <errno.h>
#include <stdlib.h>

/*
 * XRC domains. Each open of one is a number with the queue pairs and shared receive queues that were
 * made by it; opens with one key on devices of one index are the same domain, as in the kernel, where
 * it belongs to the adapter (ib_uverbs_open_xrcd()). A domain goes with its last open.
 */
struct emu_xrc_domain {
	unsigned index; /* of the device among those of the run */
	bool has_key;
	struct emu_xrcd_key key;
	unsigned opens;
};

struct emu_xrcd *emu_xrcd_find(const struct emu_device *dev, uint32_t xrcdn)
{
	struct emu_xrcd *xrcd = emu_ids_get(&emu.xrcds, xrcdn);

	return xrcd && xrcd->dev == dev ? xrcd : NULL;
}

static struct emu_xrc_domain *find_domain(const struct emu_device *dev,
					  const struct emu_xrcd_key *key)
{
	for (uint32_t i = 0; key && i < emu.xrcds.size; i++) {
		const struct emu_xrcd *xrcd = emu_ids_get(&emu.xrcds, i);
		struct emu_xrc_domain *d = xrcd && !xrcd->dev->orphan ? xrcd->domain : NULL;

		if (d && d->has_key && d->index == dev->config.index && d->key.dev == key->dev &&
		    d->key.ino == key->ino)
			return d;
	}
	return NULL;
}

static struct emu_xrc_domain *new_domain(const struct emu_device *dev,
					 const struct emu_xrcd_key *key)
{
	struct emu_xrc_domain *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->index = dev->config.index;
	d->has_key = key;
	if (key)
		d->key = *key;
	return d;
}

static void put_domain(struct emu_xrc_domain *domain)
{
	if (--domain->opens == 0)
		free(domain);
}

/* Lock held. */
static int open_domain(struct emu_xrcd *xrcd, const struct emu_xrcd_key *key, bool create,
		       bool exclusive)
{
	struct emu_xrc_domain *domain = find_domain(xrcd->dev, key);
	int rc;

	if (!domain && !create)
		return -EAGAIN;
	if (domain && exclusive)
		return -EINVAL;
	if (!domain)
		domain = new_domain(xrcd->dev, key);
	if (!domain)
		return -ENOMEM;
	domain->opens++;
	rc = emu_ids_add(&emu.xrcds, xrcd, &xrcd->xrcdn);
	if (rc < 0)
		put_domain(domain);
	else
		xrcd->domain = domain;
	return rc;
}

int emu_xrcd_open(struct emu_device *dev, const struct emu_xrcd_key *key, bool create,
		  bool exclusive, uint32_t *xrcdn)
{
	struct emu_xrcd *xrcd = calloc(1, sizeof(*xrcd));
	int rc;

	if (!xrcd)
		return -ENOMEM;
	xrcd->dev = dev;
	emu_lock();
	rc = emu_device_usable(dev);
	if (rc == 0)
		rc = open_domain(xrcd, key, create, exclusive);
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
	put_domain(xrcd->domain);
	free(xrcd);
}

int emu_xrcd_free(struct emu_device *dev, uint32_t xrcdn)
{
	struct emu_xrcd *xrcd;
	int rc;

	emu_lock();
	xrcd = emu_xrcd_find(dev, xrcdn);
	rc = emu_object_check(dev, xrcd);
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
