/* SPDX-License-Identifier: MIT */
/*
 * What a channel will be, decided before anything is made: attributes held against the device and
 * the port, the GID chosen.
 */
#ifndef BV_CORE_PLAN_H
#define BV_CORE_PLAN_H

#include <infiniband/verbs.h>

#include <bareverbs/channel.h>

#include "device.h"

struct bvi_plan {
	struct bv_channel_attr attr; /* in range, mtu and rd_atomic lowered to what there is */
	struct ibv_port_attr port;
	enum bv_link_layer link;
	uint8_t responder_depth;
	uint8_t initiator_depth;
	uint32_t gid_index;
	uint8_t gid[16]; /* all zero: no GRH */
	enum bv_gid_type gid_type;
};

/* 0, or -errno of bv_channel_create() with its text. @attr NULL: the defaults, lowered to @dev. */
int bvi_plan_channel(const struct bv_device *dev, const struct bv_channel_attr *attr,
		     struct bvi_plan *plan);

#endif
