/* SPDX-License-Identifier: MIT */
/*
 * A lane: the device opened with one provider, a buffer that the peer may write and read, and one
 * channel. Commands that compare providers keep one lane for each, alike in everything else.
 */
#ifndef BV_TOOLS_BV_LANE_H
#define BV_TOOLS_BV_LANE_H

#include <stddef.h>
#include <stdint.h>

#include <bareverbs/bareverbs.h>

struct lane {
	const char *provider;
	struct bv_device *device;
	struct bv_pd *pd;
	struct bv_mr *mr;
	struct bv_channel *ch;
	struct bv_channel_info info; /* as of the last lane_channel() or lane_connect() */
	uint8_t *memory;
	size_t length;
	struct bv_remote peer; /* the peer's whole buffer, after lane_connect() */
};

/* An address that travels: what the peer's lane_connect() needs. */
struct lane_address {
	uint8_t endpoint[BV_ENDPOINT_WIRE_SIZE];
	uint8_t remote[BV_REMOTE_WIRE_SIZE];
};

/* Each 0, or -errno with its text; a lane that is all zero, or half made, may be closed. */
int lane_open(struct lane *lane, const char *device, const char *provider);
int lane_channel(struct lane *lane, size_t length, const struct bv_channel_attr *attr);
int lane_address(const struct lane *lane, struct lane_address *address);
int lane_connect(struct lane *lane, const struct lane_address *peer);
void lane_close(struct lane *lane);

#endif
