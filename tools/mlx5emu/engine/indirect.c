/* SPDX-License-Identifier: MIT */
#include "mr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Keys over keys: made here, bound and unbound by UMR requests. */

enum {
	ACCESS_KNOWN = EMU_ACCESS_LOCAL_WRITE | EMU_ACCESS_REMOTE_WRITE | EMU_ACCESS_REMOTE_READ |
		       EMU_ACCESS_REMOTE_ATOMIC | EMU_ACCESS_OPTIONAL,
	WINDOW_RANGES = 1,
};

static int check_attr(const struct emu_indirect_attr *a)
{
	if (a->max_ranges == 0 || a->max_ranges > EMU_MAX_KEY_RANGES ||
	    a->nranges > a->max_ranges || a->access & ~(uint32_t)ACCESS_KNOWN ||
	    a->log_entity > 62 || a->iova > UINT64_MAX - a->length)
		return -EINVAL;
	return 0;
}

static struct emu_mr *indirect_new(struct emu_device *dev, const struct emu_indirect_attr *a)
{
	struct emu_mr *mr = malloc(sizeof(*mr));

	if (!mr)
		return NULL;
	*mr = (struct emu_mr){
		.dev = dev,
		.access = a->access,
		.iova = a->iova,
		.length = a->length,
		.indirect = true,
		.free = a->free,
		.umr = a->umr,
		.window = a->window,
		.remote_invalidate = a->remote_invalidate,
		.log_entity = a->log_entity,
		.qpn = EMU_ANY_QPN,
		.range = calloc(a->max_ranges, sizeof(*mr->range)),
		.nranges = a->nranges,
		.max_ranges = a->max_ranges,
	};
	if (!mr->range) {
		free(mr);
		return NULL;
	}
	if (a->nranges)
		memcpy(mr->range, a->range, a->nranges * sizeof(*mr->range));
	return mr;
}

int emu_indirect_create(struct emu_device *dev, const struct emu_indirect_attr *attr, uint32_t *key)
{
	struct emu_mr *mr;
	int rc = check_attr(attr);

	if (rc < 0)
		return rc;
	mr = indirect_new(dev, attr);
	if (!mr)
		return -ENOMEM;
	emu_lock();
	rc = emu_mr_add(dev, attr->pdn, mr);
	if (rc == 0 && attr->has_variant)
		mr->key = (mr->key & ~0xffu) | attr->variant;
	if (rc == 0)
		*key = mr->key;
	emu_unlock();
	if (rc < 0) {
		free(mr->range);
		free(mr);
		return rc;
	}
	emu_debug("indirect key 0x%x: 0x%llx, %llu bytes, %u ranges, access 0x%x%s", *key,
		  (unsigned long long)attr->iova, (unsigned long long)attr->length, attr->nranges,
		  attr->access, attr->free ? ", free" : "");
	return 0;
}

int emu_mw_alloc(struct emu_device *dev, uint32_t pdn, unsigned type, uint32_t *key)
{
	const struct emu_indirect_attr attr = {
		.pdn = pdn,
		.free = true,
		.umr = true,
		.window = true,
		.remote_invalidate = type == 2,
		.max_ranges = WINDOW_RANGES,
	};

	return type == 1 || type == 2 ? emu_indirect_create(dev, &attr, key) : -EINVAL;
}
