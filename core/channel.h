/* SPDX-License-Identifier: MIT */
/*
 * What a channel's life takes in more than one place.
 */
#ifndef BV_CORE_CHANNEL_H
#define BV_CORE_CHANNEL_H

#include "debug.h"
#include "provider.h"

/* Moves the QP from RESET to INIT, and takes a new first packet number. 0, or -errno with its text. */
int bvi_channel_init(struct bv_channel *ch);

/* Puts one of the channel's tables in force, and the checks of debug builds before it. */
static inline void bvi_channel_enter(struct bv_channel *ch, const struct bv_channel_ops *ops)
{
	bvi_calls_set(ch, ops);
	bvi_debug_watch(ch);
}

#endif
