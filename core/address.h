/* SPDX-License-Identifier: MIT */
/*
 * "host:port" for sockets.
 */
#ifndef BV_CORE_ADDRESS_H
#define BV_CORE_ADDRESS_H

#include <netdb.h>
#include <stdbool.h>

/* "[2001:db8::1]:7471", "10.0.0.1:7471", "server:7471", ":7471". */
struct bvi_address {
	char host[256]; /* "" if there is none */
	char port[6];
};

/* 0; -EINVAL it is none. */
int bvi_address_parse(const char *text, struct bvi_address *address);

/* For freeaddrinfo(). 0; -EADDRNOTAVAIL, -ENOMEM, -errno with text. */
int bvi_address_resolve(const struct bvi_address *address, bool passive, struct addrinfo **list);

#endif
