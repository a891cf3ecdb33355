/* SPDX-License-Identifier: MIT */
/*
 * Which provider drives a device.
 */
#ifndef BV_CORE_SELECT_H
#define BV_CORE_SELECT_H

#include <bareverbs/device.h>

#include "provider.h"

#define BVI_PROVIDERS_MAX 8u

/* Asks every provider of the build; fills @infos (BVI_PROVIDERS_MAX) in their order, and counts. */
uint32_t bvi_probe(struct ibv_device *ibdev, struct ibv_context *context,
		   struct bv_provider_info *infos);

/*
 * Chooses: @wanted, else $BV_PROVIDER, else the best score. 0; -ENOENT an unknown name, -EOPNOTSUPP
 * it cannot drive the device, or none can; the texts list what is possible and why the rest is not.
 */
int bvi_select(struct ibv_device *ibdev, struct ibv_context *context, const char *wanted,
	       const struct bv_provider **provider);

#endif
