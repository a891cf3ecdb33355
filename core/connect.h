/* SPDX-License-Identifier: MIT */
/*
 * Connecting with queue pair attributes that someone else made, and the end of a connection.
 */
#ifndef BV_CORE_CONNECT_H
#define BV_CORE_CONNECT_H

#include <infiniband/verbs.h>

#include <bareverbs/channel.h>

#include "provider.h"

/* A connection as the connection manager sees it. Both attributes with their masks, and the state. */
struct bvi_connection {
	struct ibv_qp_attr rtr, rts;
	int rtr_mask, rts_mask;
	uint8_t local_gid[16];
	struct bv_endpoint peer; /* mtu, depths, timers; the rest is read from rtr */
};

/*
 * Agrees with the peer on what the connection manager leaves open, and moves the queue pair to RTS.
 * @ch is PREPARED. Returns as bv_channel_connect(), whose state it leaves behind.
 */
int bvi_channel_adopt(struct bv_channel *ch, const struct bvi_connection *connection);

/* The connection is over: what it has kept goes. */
static inline void bvi_channel_disconnect(struct bvi_channel_core *core)
{
	if (core->connection_release)
		core->connection_release(core->connection);
	core->connection_release = NULL;
	core->connection = NULL;
}

#endif
