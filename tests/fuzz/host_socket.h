/* SPDX-License-Identifier: MIT */
#ifndef BV_TESTS_FUZZ_HOST_SOCKET_H
#define BV_TESTS_FUZZ_HOST_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

/* Between host.c, which has the table of descriptors, and host_socket.c. */

enum host_kind {
	HOST_CLOSED,
	HOST_PAGES,
	HOST_PIPE,
	HOST_SOCKET,
	HOST_EPOLL,
	HOST_EVENT,
	HOST_LINE_SINK,
	HOST_FRAME_SINK,
};

/* ---- host.c ---- */

/* A new descriptor; -1 and errno. */
int host_descriptor(enum host_kind kind, unsigned number);

/* What @fd, of that kind, is about; -1 and EBADF. */
int host_number(int fd, enum host_kind kind);

/* ---- host_socket.c ---- */

void host_sockets_reset(void);
int host_socket(int domain, int type, int protocol);

/* The last descriptor of it is gone. */
void host_socket_closed(enum host_kind kind, unsigned number);

ssize_t host_event_write(unsigned number, const void *buf, size_t size);
ssize_t host_event_read(unsigned number, void *buf, size_t size);

#endif
