/* SPDX-License-Identifier: MIT */
/*
 * The control channel between the two processes of a test: a SOCK_SEQPACKET pair, so a message
 * arrives whole or not at all, and the end of the other process shows as the end of the stream.
 */
#ifndef BV_TOOLS_BV_EXCHANGE_H
#define BV_TOOLS_BV_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXCHANGE_MAX 8192

/* Each 0, or -errno with its text; fds are close-on-exec. */
int exchange_pair(int fd[2]);

/* -EPIPE: the peer is gone. */
int exchange_send(int fd, uint32_t type, const void *body, size_t size);

/*
 * Waits up to @timeout_ns (BV_FOREVER: until the peer ends) for one message.
 * Return: bytes of its body; -ETIMEDOUT; -ECONNRESET the peer is gone; -EMSGSIZE longer than @max.
 */
int exchange_recv(int fd, int64_t timeout_ns, uint32_t *type, void *body, size_t max);

/* Whether a message waits, or the peer is gone; never blocks. */
bool exchange_pending(int fd);

#endif
