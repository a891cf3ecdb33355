/* SPDX-License-Identifier: MIT */
/*
 * The two sides of bv_exchange_tcp(), and what an exchange through the connection manager has in common
 * with it. Arguments are checked, @text is the address as the caller gave it; both sides return as
 * bv_exchange_tcp().
 */
#ifndef BV_CORE_EXCHANGE_TCP_H
#define BV_CORE_EXCHANGE_TCP_H

#include <netdb.h>

#include <bareverbs/exchange.h>

int bvi_exchange_listen(struct bv_channel *ch, const char *text, const struct addrinfo *list,
			struct bv_exchange *data, int64_t deadline);
int bvi_exchange_connect(struct bv_channel *ch, const char *text, const struct addrinfo *list,
			 struct bv_exchange *data, int64_t deadline);

/* Where to listen or connect; 0, or -errno of bv_exchange_tcp(). @list is for freeaddrinfo(). */
int bvi_exchange_locate(const char *text, enum bv_exchange_role role, struct addrinfo **list);

/* Rests for @ns at most; 1 the deadline has passed, 0 it has not, -errno. */
int bvi_exchange_pause(int64_t deadline, int64_t ns);

/* Small frames that wait for no others. */
void bvi_exchange_no_delay(int fd);

#endif
