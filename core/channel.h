/* SPDX-License-Identifier: MIT */
/*
 * What recovery needs of making a channel.
 */
#ifndef BV_CORE_CHANNEL_H
#define BV_CORE_CHANNEL_H

#include "provider.h"

/* Moves the QP from RESET to INIT, and takes a new first packet number. 0, or -errno with its text. */
int bvi_channel_init(struct bv_channel *ch);

#endif
