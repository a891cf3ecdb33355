/* SPDX-License-Identifier: MIT */
/*
 * What the examples of two hosts share: main() of two_hosts.c opens a device, a region and a channel, calls
 * meet() of the example, tells what the library says if that failed, and closes all again.
 */
#ifndef BV_EXAMPLES_TWO_HOSTS_H
#define BV_EXAMPLES_TWO_HOSTS_H

#include <bareverbs/bareverbs.h>

/* The memory that both sides register as mr. */
extern char table[4096];

/* The example: one side listens at address, the other connects to it; 0 or -errno. */
int meet(struct bv_channel *ch, struct bv_mr *mr, const char *address, enum bv_exchange_role role);

#endif
