/* SPDX-License-Identifier: MIT */
/* The type of a message is the first word of its packet, its body the rest. */
#include "exchange.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <bareverbs/common.h>

#include "clock.h"
#include "error.h"

int exchange_pair(int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
		return fail(-errno, "cannot make a socket pair: %s", strerror(errno));
	return 0;
}

int exchange_send(int fd, uint32_t type, const void *body, size_t size)
{
	struct iovec part[2] = { { .iov_base = &type, .iov_len = sizeof(type) } };
	struct msghdr message = { .msg_iov = part, .msg_iovlen = 2 };
	char copy[EXCHANGE_MAX];
	ssize_t sent;

	if (size > sizeof(copy))
		return fail(-EMSGSIZE, "a control message of %zu bytes is too long", size);
	if (size > 0)
		memcpy(copy, body, size);
	part[1] = (struct iovec){ .iov_base = copy, .iov_len = size };
	do {
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return fail(-errno, "cannot tell the peer process: %s", strerror(errno));
	return 0;
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };

	return poll(&entry, 1, timeout_ms) > 0;
}

static bool wait_readable(int fd, int64_t timeout_ns)
{
	const int64_t end = timeout_ns < BV_FOREVER ? clock_ns() + timeout_ns : BV_FOREVER;

	for (;;) {
		/* One second at most, so that a signal or a clock never matters. */
		int64_t left = end == BV_FOREVER ? BV_SEC : end - clock_ns();

		if (left > BV_SEC)
			left = BV_SEC;
		if (readable(fd, left > 0 ? (int)((left + BV_MSEC - 1) / BV_MSEC) : 0))
			return true;
		if (left <= 0)
			return false;
	}
}

int exchange_recv(int fd, int64_t timeout_ns, uint32_t *type, void *body, size_t max)
{
	struct iovec part[2] = { { .iov_base = type, .iov_len = sizeof(*type) },
				 { .iov_base = body, .iov_len = max } };
	struct msghdr message = { .msg_iov = part, .msg_iovlen = 2 };
	ssize_t got;

	if (!wait_readable(fd, timeout_ns))
		return fail(-ETIMEDOUT, "the peer process did not answer in %.1f s",
			    (double)timeout_ns / 1e9);
	do {
		got = recvmsg(fd, &message, 0);
	} while (got < 0 && errno == EINTR);
	if (got < (ssize_t)sizeof(*type))
		return fail(-ECONNRESET, "the peer process is gone");
	if (message.msg_flags & MSG_TRUNC)
		return fail(-EMSGSIZE, "a control message longer than %zu bytes", max);
	return (int)(got - (ssize_t)sizeof(*type));
}

bool exchange_pending(int fd)
{
	return readable(fd, 0);
}
