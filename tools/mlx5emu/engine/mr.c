/* SPDX-License-Identifier: MIT */
#include "mr.h"
#include "memory.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Memory regions. A key is index << 8 | variant; the variant counts registrations, so that a key of
 * a region that is gone does not name its successor (PRM "mkey": the low byte is the owner's).
 */

enum {
	ACCESS_UNSUPPORTED = EMU_ACCESS_ZERO_BASED,
	ACCESS_KNOWN = EMU_ACCESS_LOCAL_WRITE | EMU_ACCESS_REMOTE_WRITE | EMU_ACCESS_REMOTE_READ |
		       EMU_ACCESS_REMOTE_ATOMIC | EMU_ACCESS_HUGETLB | EMU_ACCESS_OPTIONAL |
		       EMU_ACCESS_ON_DEMAND | EMU_ACCESS_MW_BIND | ACCESS_UNSUPPORTED,
	ACCESS_NEEDS_LOCAL_WRITE = EMU_ACCESS_REMOTE_WRITE | EMU_ACCESS_REMOTE_ATOMIC,
};

static int check_attr(const struct emu_mr_attr *a)
{
	if ((a->length == 0 && !a->may_be_empty) || a->addr > UINT64_MAX - a->length ||
	    a->iova > UINT64_MAX - a->length)
		return -EINVAL;
	if (a->access & ~(uint32_t)ACCESS_KNOWN)
		return -EINVAL;
	if ((a->access & ACCESS_UNSUPPORTED) ||
	    ((a->access & EMU_ACCESS_ON_DEMAND) && !emu_memory_forgives()))
		return -EOPNOTSUPP;
	/* ib_check_mr_access() of the kernel */
	if ((a->access & ACCESS_NEEDS_LOCAL_WRITE) && !(a->access & EMU_ACCESS_LOCAL_WRITE))
		return -EINVAL;
	return 0;
}

int emu_mr_add(struct emu_device *dev, uint32_t pdn, struct emu_mr *mr)
{
	uint32_t index;
	int rc = emu_device_usable(dev);

	if (rc < 0)
		return rc;
	mr->pd = emu_pd_find(dev, pdn);
	if (!mr->pd)
		return -EINVAL;
	rc = emu_ids_add(&emu.mrs, mr, &index);
	if (rc < 0)
		return rc;
	mr->key = index << 8 | ++emu.key_variant;
	mr->pd->users++;
	return 0;
}

static int reg(struct emu_device *dev, const struct emu_mr_attr *attr, const uint8_t *variant,
	       uint32_t *key)
{
	struct emu_mr *mr;
	int rc = check_attr(attr);

	if (rc < 0)
		return rc;
	/* Outside the lock: it may take long, and concerns nobody else. */
	if (!(attr->access & EMU_ACCESS_ON_DEMAND))
		rc = emu_memory_populate(attr->addr, attr->length,
					 attr->access & EMU_ACCESS_LOCAL_WRITE);
	if (rc < 0)
		return rc;
	mr = malloc(sizeof(*mr));
	if (!mr)
		return -ENOMEM;
	*mr = (struct emu_mr){
		.dev = dev,
		.access = attr->access,
		.addr = attr->addr,
		.length = attr->length,
		.iova = attr->iova,
	};
	emu_lock();
	rc = emu_mr_add(dev, attr->pdn, mr);
	if (rc == 0 && variant)
		mr->key = (mr->key & ~0xffu) | *variant;
	emu_unlock();
	if (rc < 0) {
		free(mr);
		return rc;
	}
	emu_debug("MR key 0x%x: 0x%llx, %llu bytes, access 0x%x", mr->key,
		  (unsigned long long)mr->addr, (unsigned long long)mr->length, mr->access);
	*key = mr->key;
	return 0;
}

int emu_mr_reg(struct emu_device *dev, const struct emu_mr_attr *attr, uint32_t *key)
{
	return reg(dev, attr, NULL, key);
}

int emu_mr_reg_variant(struct emu_device *dev, const struct emu_mr_attr *attr, uint8_t variant,
		       uint32_t *key)
{
	return reg(dev, attr, &variant, key);
}

static void destroy(struct emu_mr *mr)
{
	mr->pd->users--;
	emu.freed_keys[emu.nfreed++ % EMU_FREED_KEYS] = mr->key;
	emu_ids_remove(&emu.mrs, mr->key >> 8);
	free(mr->range);
	free(mr);
}

int emu_mr_dereg(struct emu_device *dev, uint32_t key)
{
	struct emu_mr *mr;
	int rc;

	emu_lock();
	rc = emu_device_check(dev);
	mr = emu_ids_get(&emu.mrs, key >> 8);
	/* The lowest byte of an indirect key is its users' affair: each binding changes it. */
	if (rc == 0 && (!mr || mr->dev != dev || (mr->key != key && !mr->indirect)))
		rc = -EINVAL;
	if (rc == 0)
		destroy(mr);
	emu_unlock();
	return rc;
}

int emu_memory_check(uint64_t addr, uint64_t length, bool writable)
{
	return emu_memory_populate(addr, length, writable);
}

bool emu_mr_on_demand(void)
{
	return emu_memory_forgives();
}

/* Lock held: where the range lies in this process. */
static int find_on_demand(const struct emu_device *dev, uint32_t pdn, uint32_t key, uint64_t va,
			  uint64_t length, bool writable, uint64_t *at)
{
	const struct emu_pd *pd = emu_pd_find(dev, pdn);
	const struct emu_mr *mr = emu_mr_find(key);
	const struct emu_key_use use = {
		.pd = pd,
		.qpn = EMU_ANY_QPN,
		.access = writable ? EMU_ACCESS_LOCAL_WRITE : 0,
	};

	if (!pd || !mr || mr->pd != pd)
		return -ENOENT;
	if (!(mr->access & EMU_ACCESS_ON_DEMAND) || emu_key_pieces(&use, key, va, length, NULL))
		return -EINVAL;
	*at = mr->addr + (va - mr->iova);
	return 0;
}

int emu_mr_prefetch(struct emu_device *dev, uint32_t pdn, uint32_t key, uint64_t va,
		    uint64_t length, bool writable)
{
	uint64_t at = 0;
	int rc;

	emu_lock();
	rc = emu_device_usable(dev);
	if (rc == 0)
		rc = find_on_demand(dev, pdn, key, va, length, writable, &at);
	emu_unlock();
	return rc < 0 || length == 0 ? rc : emu_memory_populate(at, length, writable);
}

void emu_mr_revoke(uint32_t key)
{
	struct emu_mr *mr = emu_mr_find(key);

	if (mr)
		mr->revoked = true;
}

void emu_mrs_destroy(struct emu_device *dev)
{
	for (uint32_t i = 0; i < emu.mrs.size; i++) {
		struct emu_mr *mr = emu_ids_get(&emu.mrs, i);

		if (!mr || mr->dev != dev)
			continue;
		emu_object_left(dev);
		destroy(mr);
	}
}
