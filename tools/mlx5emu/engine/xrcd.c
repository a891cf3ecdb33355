/* SPDX-License-Identifier: MIT */
#include "../trace/raw.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	OPEN_TRIES = 5000, /* a millisecond each */
};

/*
 * XRC domains. Each open of one is a number with the queue pairs and shared receive queues that were
 * made by it; opens with one key on devices of one index are the same domain, in all processes of the run,
 * as in the kernel, where it belongs to the adapter (ib_uverbs_open_xrcd()). A process notes its own opens
 * here; fabric/domain.h tells of the others. A domain goes with its last open.
 */
struct emu_xrc_domain {
	bool has_key;
	struct emu_domain_key key;
	unsigned opens;
	int claim; /* on the key among the processes, or -1 */
	int file;  /* keeps the inode, whose number another file would get; or -1 */
};

const struct emu_domain_key *emu_xrcd_key(const struct emu_xrcd *xrcd)
{
	return xrcd->domain->has_key ? &xrcd->domain->key : NULL;
}

static bool same_key(const struct emu_domain_key *a, const struct emu_domain_key *b)
{
	return a->device == b->device && a->dev == b->dev && a->ino == b->ino;
}

bool emu_xrcd_has_key(const struct emu_xrcd *xrcd, const struct emu_domain_key *key)
{
	return xrcd->domain->has_key && same_key(&xrcd->domain->key, key);
}

struct emu_xrcd *emu_xrcd_find(const struct emu_device *dev, uint32_t xrcdn)
{
	struct emu_xrcd *xrcd = emu_ids_get(&emu.xrcds, xrcdn);

	return xrcd && xrcd->dev == dev ? xrcd : NULL;
}

static struct emu_xrc_domain *find_domain(const struct emu_domain_key *key)
{
	for (uint32_t i = 0; key && i < emu.xrcds.size; i++) {
		const struct emu_xrcd *xrcd = emu_ids_get(&emu.xrcds, i);

		if (xrcd && !xrcd->dev->orphan && emu_xrcd_has_key(xrcd, key))
			return xrcd->domain;
	}
	return NULL;
}

static void close_files(struct emu_xrc_domain *d)
{
	if (d->claim >= 0)
		emu_raw_close(d->claim);
	if (d->file >= 0)
		emu_raw_close(d->file);
	d->claim = -1;
	d->file = -1;
}

static void put_domain(struct emu_xrc_domain *domain)
{
	if (--domain->opens > 0)
		return;
	close_files(domain);
	free(domain);
}

/* An open that reads nothing and holds no lock of the program's, but the inode. */
static int hold_inode(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_PATH | O_CLOEXEC);
}

/* The first open of a domain in this process. */
static int new_domain(const struct emu_domain_key *key, const struct emu_xrcd_open *how,
		      struct emu_xrc_domain **out)
{
	struct emu_xrc_domain *d = calloc(1, sizeof(*d));
	int rc = 0;

	if (!d)
		return -ENOMEM;
	d->claim = -1;
	d->file = -1;
	if (key) {
		d->has_key = true;
		d->key = *key;
		rc = emu_domain_claim(emu.fabric, key, how->create, how->exclusive, &d->claim);
	}
	if (rc < 0) {
		free(d);
		return rc;
	}
	if (key)
		d->file = hold_inode(how->fd);
	*out = d;
	return 0;
}

/* Lock held. */
static int open_domain(struct emu_xrcd *xrcd, const struct emu_xrcd_open *how)
{
	const struct emu_domain_key key = {
		.dev = how->dev,
		.ino = how->ino,
		.device = xrcd->dev->config.index,
	};
	const bool has_key = how->fd >= 0;
	struct emu_xrc_domain *domain = has_key ? find_domain(&key) : NULL;
	int rc = 0;

	if (domain && how->exclusive)
		return -EINVAL;
	if (!domain)
		rc = new_domain(has_key ? &key : NULL, how, &domain);
	if (rc < 0)
		return rc;
	domain->opens++;
	rc = emu_ids_add(&emu.xrcds, xrcd, &xrcd->xrcdn);
	if (rc < 0)
		put_domain(domain);
	else
		xrcd->domain = domain;
	return rc;
}

/*
 * Another process may have been stopped in the microseconds in which it holds the run's lock: who opens a
 * domain waits for it, with the other commands of its context, and the device goes on.
 */
static int open_patiently(struct emu_xrcd *xrcd, const struct emu_xrcd_open *how)
{
	const struct timespec ms = { 0, 1000000 };
	int rc;

	for (unsigned i = 0; i < OPEN_TRIES; i++) {
		emu_lock();
		rc = emu_device_usable(xrcd->dev);
		if (rc == 0)
			rc = open_domain(xrcd, how);
		emu_unlock();
		if (rc != -EBUSY)
			return rc;
		nanosleep(&ms, NULL);
	}
	emu_warn(
		"an XRC domain cannot be opened: another process has been opening one for %d seconds; "
		"if one of the run is stopped, let it go on",
		OPEN_TRIES / 1000);
	return -ETIMEDOUT;
}

int emu_xrcd_open(struct emu_device *dev, const struct emu_xrcd_open *how, uint32_t *xrcdn)
{
	struct emu_xrcd *xrcd = calloc(1, sizeof(*xrcd));
	int rc;

	if (!xrcd)
		return -ENOMEM;
	xrcd->dev = dev;
	rc = open_patiently(xrcd, how);
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

void emu_xrcds_orphan(void)
{
	for (uint32_t i = 0; i < emu.xrcds.size; i++) {
		const struct emu_xrcd *xrcd = emu_ids_get(&emu.xrcds, i);

		if (xrcd)
			close_files(xrcd->domain);
	}
}
