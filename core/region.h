/* SPDX-License-Identifier: MIT */
/*
 * A region as core has it, and what failed registrations say. Written once, at registration, but
 * for @entry: it belongs to the registration cache that made the region.
 */
#ifndef BV_CORE_REGION_H
#define BV_CORE_REGION_H

#include <bareverbs/memory.h>

#include "pd.h"

struct bvi_region {
	struct bv_mr base; /* first: its inlines need no call */
	struct bv_pd *pd;
	struct ibv_mr *ibv;
	void *entry; /* of the cache's; NULL for the caller's own region */
};

static inline struct bvi_region *bvi_region_of(struct bv_mr *mr)
{
	return (struct bvi_region *)mr;
}

/* Takes a registration back whoever it belongs to. */
void bvi_region_dereg(struct bvi_region *region);

/* Each writes the text of a registration that the driver refused with @rc, and returns the code. */
int bvi_fail_register(const struct bv_pd *pd, const void *addr, size_t length, unsigned access,
		      int rc);
int bvi_fail_dmabuf(const struct bv_pd *pd, int fd, uint64_t offset, size_t length, int rc);

#endif
