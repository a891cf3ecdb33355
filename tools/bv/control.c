/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <bareverbs/common.h>

#include "clock.h"
#include "error.h"

#define BACKLOG 16

void control_keep_alive(int fd)
{
	const int on = 1, seconds = 5, count = 4, silence_ms = 25000;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof(silence_ms));
}

static int connect_one(const struct addrinfo *address, int64_t timeout_ns)
{
	/* Linux: the time-out of sending is that of connecting, too. */
	const struct timeval limit = { .tv_sec = timeout_ns / BV_SEC,
				       .tv_usec = timeout_ns % BV_SEC / 1000 };
	const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	control_keep_alive(fd);
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return fd;
	rc = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	close(fd);
	return rc;
}

int control_connect(const char *host, uint16_t port, int64_t timeout_ns)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char service[16];
	int rc;

	snprintf(service, sizeof(service), "%u", port);
	rc = getaddrinfo(host, service, &hints, &list);
	if (rc != 0)
		return fail(-EDESTADDRREQ, "%s: %s", host, gai_strerror(rc));
	rc = -EDESTADDRREQ;
	for (const struct addrinfo *at = list; at != NULL && rc < 0; at = at->ai_next)
		rc = connect_one(at, timeout_ns);
	freeaddrinfo(list);
	if (rc >= 0)
		return rc;
	return fail(
		rc,
		"cannot connect to %s, TCP port %u: %s\n"
		"  does `bv selftest --listen` run there, with the same --tcp-port, and does the "
		"firewall let it through?",
		host, port, strerror(-rc));
}

/* IPv6 with IPv4 in it; where the kernel has no IPv6, IPv4. */
static int any_socket(uint16_t port)
{
	const struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	const struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	const int off = 0, on = 1;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd >= 0) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		rc = bind(fd, (const struct sockaddr *)&any6, sizeof(any6));
	} else {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return -errno;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		rc = bind(fd, (const struct sockaddr *)&any4, sizeof(any4));
	}
	if (rc == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int control_listen(uint16_t *port)
{
	struct sockaddr_storage taken;
	socklen_t size = sizeof(taken);
	char service[16];
	const int fd = any_socket(*port);

	if (fd < 0)
		return fail(fd, "cannot listen on TCP port %u: %s%s", *port, strerror(-fd),
			    fd == -EADDRINUSE ? " (--tcp-port names another)" : "");
	if (getsockname(fd, (struct sockaddr *)&taken, &size) == 0 &&
	    getnameinfo((struct sockaddr *)&taken, size, NULL, 0, service, sizeof(service),
			NI_NUMERICSERV) == 0)
		*port = (uint16_t)strtoul(service, NULL, 10);
	return fd;
}

static bool send_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		const ssize_t n = send(fd, text, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		size -= (size_t)n;
	}
	return true;
}

int control_send(int fd, json_t *message)
{
	char *text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;
	int rc = 0;

	json_decref(message);
	if (text == NULL)
		return fail(-ENOMEM, "out of memory");
	if (!send_all(fd, text, strlen(text)) || !send_all(fd, "\n", 1))
		rc = fail(-ECONNRESET, "the other host is gone");
	free(text);
	return rc;
}

static bool wait_readable(int fd, int64_t deadline)
{
	const int64_t left = deadline - clock_ns();
	struct pollfd entry = { .fd = fd, .events = POLLIN };

	return poll(&entry, 1, left > 0 ? (int)(left / 1000000) + 1 : 0) > 0;
}

int control_recv(int fd, int64_t timeout_ns, json_t **message)
{
	const int64_t deadline = clock_ns() + timeout_ns;
	static char line[CONTROL_MAX];
	size_t used = 0;

	/* Byte by byte: what follows the line is not ours to take. */
	for (char byte = '\0'; byte != '\n';) {
		ssize_t n;

		if (!wait_readable(fd, deadline))
			return fail(-ETIMEDOUT, "the other host did not answer in %g s",
				    (double)timeout_ns / 1e9);
		n = recv(fd, &byte, 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(-ECONNRESET, "the other host closed the connection");
		if (used == sizeof(line))
			return fail(-EPROTO, "the other host does not speak as bv selftest does");
		line[used++] = byte;
	}
	*message = json_loadb(line, used, 0, NULL);
	if (json_is_object(*message))
		return 0;
	json_decref(*message);
	*message = NULL;
	return fail(-EPROTO, "the other host does not speak as bv selftest does");
}
