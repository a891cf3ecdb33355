/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's network side knows of addresses and interfaces. Best effort: in a network namespace
 * of its own a process may see neither the interface nor the route of its RDMA device.
 */
#ifndef BV_CORE_ROUTE_H
#define BV_CORE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/socket.h>

/*
 * The address that packets to @peer would be sent from, both as GIDs (IPv4 mapped).
 * 0, or -errno without a text: no route, or not known here.
 */
int bvi_route_source(const uint8_t peer[16], uint8_t source[16]);

/* An IP address of its own as a socket address; IPv4-mapped ones as IPv4. */
void bvi_gid_to_sockaddr(const uint8_t gid[16], struct sockaddr_storage *at);

/* False only if the interface is known to be down or without a carrier. */
bool bvi_netdev_up(uint32_t ifindex);

#endif
