/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's network side knows of addresses and interfaces. Best effort: in a network namespace
 * of its own a process may see neither the interface nor the route of its RDMA device.
 */
#ifndef BV_CORE_ROUTE_H
#define BV_CORE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The address that packets to @peer would be sent from, both as GIDs (IPv4 mapped).
 * 0, or -errno without a text: no route, or not known here.
 */
int bvi_route_source(const uint8_t peer[16], uint8_t source[16]);

/* False only if the interface is known to be down or without a carrier. */
bool bvi_netdev_up(uint32_t ifindex);

#endif
