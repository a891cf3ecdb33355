/* SPDX-License-Identifier: MIT */
/*
 * The rounds of an exchange, for whoever has a connected socket.
 */
#ifndef BV_CORE_EXCHANGE_H
#define BV_CORE_EXCHANGE_H

#include <bareverbs/exchange.h>

#include "stream.h"

/* Arguments of the public calls, checked once: 0, -EINVAL with text. */
int bvi_exchange_check(const struct bv_channel *ch, const struct bv_exchange *data);

/*
 * All rounds. @hello has what came of the peer's first frame already; the caller resets it.
 * Returns as bv_exchange_fd().
 */
int bvi_exchange_run(struct bv_channel *ch, int fd, struct bv_exchange *data,
		     struct bvi_reader *hello, int64_t deadline);

/* Tells the peer, if there is room to, that this side gave up with @rc and the text of bv_last_error(). */
void bvi_exchange_tell_failure(int fd, int rc);

/* A HELLO, or why not: 0, -ECONNABORTED the peer gave up, -EBADMSG, -EPROTO. */
int bvi_exchange_read_hello(const struct bvi_reader *reader, struct bvi_hello *hello);

#endif
