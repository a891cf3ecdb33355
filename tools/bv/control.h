/* SPDX-License-Identifier: MIT */
/* Two bv over TCP: one JSON object a line, at most CONTROL_MAX bytes. Sockets are closed by callers. */
#ifndef BV_TOOLS_BV_CONTROL_H
#define BV_TOOLS_BV_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define CONTROL_MAX 65536

/* Each a descriptor that is close-on-exec, or -errno with its text. */
int control_connect(const char *host, uint16_t port, int64_t timeout_ns);
/* On every address of this host; *@port 0 takes any, and receives the one taken. */
int control_listen(uint16_t *port);

/* Takes the reference of @message; NULL is memory that ran out. Return: 0, or -errno with its text. */
int control_send(int fd, json_t *message);
/* Return: 0; -ETIMEDOUT, -ECONNRESET (it is gone), -EPROTO (no JSON object), with their texts. */
int control_recv(int fd, int64_t timeout_ns, json_t **message);

/* Notices within half a minute when the host at the other end is gone. */
void control_keep_alive(int fd);

#endif
