/* SPDX-License-Identifier: MIT */
/*
 * The two sides of bv_exchange_tcp(). Arguments are checked, @text is the address as the caller gave
 * it; both return as bv_exchange_tcp().
 */
#ifndef BV_CORE_EXCHANGE_TCP_H
#define BV_CORE_EXCHANGE_TCP_H

#include <netdb.h>

#include <bareverbs/exchange.h>

int bvi_exchange_listen(struct bv_channel *ch, const char *text, const struct addrinfo *list,
			struct bv_exchange *data, int64_t deadline);
int bvi_exchange_connect(struct bv_channel *ch, const char *text, const struct addrinfo *list,
			 struct bv_exchange *data, int64_t deadline);

/* Small frames that wait for no others. */
void bvi_exchange_no_delay(int fd);

#endif
