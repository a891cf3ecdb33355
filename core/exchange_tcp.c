/* SPDX-License-Identifier: MIT */
/*
 * Exchange over TCP: the connecting side, and the choice between the two.
 */
#include "exchange_tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "clock.h"
#include "error.h"
#include "exchange.h"

/* One address gets this long, so that one that swallows packets does not keep us from the next. */
#define ATTEMPT_NS (2 * BV_SEC)
#define PAUSE_MIN_NS (10 * BV_MSEC)
#define PAUSE_MAX_NS (500 * BV_MSEC)

void bvi_exchange_no_delay(int fd)
{
	const int one = 1;

	/* Costs time when it fails, and nothing else. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static int64_t sooner(int64_t deadline, int64_t ns)
{
	const int64_t then = bvi_clock_ns() + ns;

	return then < deadline ? then : deadline;
}

int bvi_exchange_pause(int64_t deadline, int64_t ns)
{
	const int rc = bvi_stream_wait(NULL, 0, sooner(deadline, ns));

	return rc < 0 ? rc : deadline <= bvi_clock_ns();
}

/*
 * On a host where nobody listens, a port in the ephemeral range may be given to the very socket
 * that connects to it, which then is connected to itself (RFC 9293, 3.5, simultaneous open).
 */
static bool is_own_peer(int fd)
{
	struct sockaddr_storage here, there;
	socklen_t here_size = sizeof(here), there_size = sizeof(there);

	memset(&here, 0, sizeof(here));
	memset(&there, 0, sizeof(there));
	return getsockname(fd, (struct sockaddr *)&here, &here_size) == 0 &&
	       getpeername(fd, (struct sockaddr *)&there, &there_size) == 0 &&
	       here_size == there_size && memcmp(&here, &there, here_size) == 0;
}

/* 0, or -errno without a text: the caller may try again. */
static int finish_connect(int fd, int64_t deadline)
{
	struct pollfd entry = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int rc, error = 0;

	rc = bvi_stream_wait(&entry, 1, sooner(deadline, ATTEMPT_NS));
	if (rc <= 0)
		return rc < 0 ? rc : -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	if (error != 0)
		return -error;
	return is_own_peer(fd) ? -ECONNREFUSED : 0;
}

/* A connected socket, or -errno without a text. */
static int dial(const struct addrinfo *to, int64_t deadline)
{
	int fd, rc;

	fd = socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to->ai_protocol);
	if (fd < 0)
		return -errno;
	bvi_exchange_no_delay(fd);
	rc = connect(fd, to->ai_addr, to->ai_addrlen) < 0 ? -errno : 0;
	if (rc == 0 || rc == -EINPROGRESS || rc == -EINTR)
		rc = finish_connect(fd, deadline);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

/*
 * 1: nobody is there yet, try again; else the result. Nobody is there, too, when the connection ends
 * before a byte came: the listener was just taking its leave with another peer.
 */
static int attempt(struct bv_channel *ch, const struct addrinfo *to, struct bv_exchange *data,
		   int64_t deadline, int *last)
{
	struct bvi_reader reader = { 0 };
	int fd, rc;

	fd = dial(to, deadline);
	if (fd < 0) {
		*last = fd;
		if (fd != -EMFILE && fd != -ENFILE && fd != -ENOMEM)
			return 1;
		return bvi_fail(fd, "exchange: no socket: %s", bvi_errno_text(fd));
	}
	rc = bvi_exchange_run(ch, fd, data, &reader, deadline);
	if (rc == -ECONNRESET && reader.have == 0) {
		*last = rc;
		rc = 1;
	}
	bvi_reader_reset(&reader);
	close(fd);
	return rc;
}

static int give_up(const char *text, int last)
{
	return bvi_fail(-ETIMEDOUT,
			"exchange: nobody to talk to at %s in time (the last attempt: %s)\nis the "
			"peer listening there, and does a firewall let it through?",
			text, bvi_errno_text(last));
}

int bvi_exchange_connect(struct bv_channel *ch, const char *text, const struct addrinfo *list,
			 struct bv_exchange *data, int64_t deadline)
{
	int64_t pause = PAUSE_MIN_NS;
	int rc, last = -ETIMEDOUT;

	for (;;) {
		for (const struct addrinfo *to = list; to; to = to->ai_next) {
			rc = attempt(ch, to, data, deadline, &last);
			if (rc <= 0)
				return rc;
		}
		rc = bvi_exchange_pause(deadline, pause);
		if (rc != 0)
			return rc < 0 ? rc : give_up(text, last);
		pause = pause < PAUSE_MAX_NS ? 2 * pause : pause;
	}
}

int bvi_exchange_locate(const char *text, enum bv_exchange_role role, struct addrinfo **list)
{
	struct bvi_address address;
	int rc;

	if (role != BV_EXCHANGE_LISTEN && role != BV_EXCHANGE_CONNECT)
		return bvi_fail(-EINVAL, "exchange: role %d is none", (int)role);
	rc = bvi_address_parse(text, &address);
	if (rc < 0)
		return rc;
	if (role == BV_EXCHANGE_CONNECT && address.host[0] == '\0')
		return bvi_fail(-EINVAL, "exchange: \"%s\" needs a host to connect to", text);
	return bvi_address_resolve(&address, role == BV_EXCHANGE_LISTEN, list);
}

int bv_exchange_tcp(struct bv_channel *ch, const char *address, enum bv_exchange_role role,
		    struct bv_exchange *data, int64_t timeout_ns)
{
	const int64_t deadline = bvi_deadline_after(timeout_ns).at;
	struct addrinfo *list;
	int rc;

	rc = bvi_exchange_check(ch, data);
	if (rc < 0)
		return rc;
	rc = bvi_exchange_locate(address, role, &list);
	if (rc < 0)
		return rc;
	rc = role == BV_EXCHANGE_LISTEN ? bvi_exchange_listen(ch, address, list, data, deadline) :
					  bvi_exchange_connect(ch, address, list, data, deadline);
	freeaddrinfo(list);
	return rc;
}
