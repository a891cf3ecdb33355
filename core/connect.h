/* SPDX-License-Identifier: MIT */
/*
 * Ending a connection from within core.
 */
#ifndef BV_CORE_CONNECT_H
#define BV_CORE_CONNECT_H

#include <bareverbs/channel.h>

/*
 * The channel is of no use any more: in ERROR, and receives that were posted come back as flushes,
 * so that their buffers are the caller's again.
 */
void bvi_channel_give_up(struct bv_channel *ch);

#endif
