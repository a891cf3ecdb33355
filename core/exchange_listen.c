/* SPDX-License-Identifier: MIT */
/*
 * Exchange over TCP: the listening side.
 *
 * A port is open to everybody: scanners, health checks, peers of another release, processes that
 * connect and then hang. So all that connect are heard at once, none can delay another, and the first
 * one whose HELLO is whole becomes the peer. This side says nothing before that.
 */
#include "exchange_tcp.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "exchange.h"

#define SOCKETS_MAX 8u
#define GUESTS_MAX 32u

struct guest {
	int fd;
	struct bvi_reader reader;
};

/* guests[] is in the order of arrival. */
struct door {
	unsigned int nsockets;
	unsigned int nguests;
	unsigned int nstrangers;
	char stranger[256]; /* why the last one was sent away */
	int sockets[SOCKETS_MAX];
	struct guest guests[GUESTS_MAX];
	struct pollfd entries[SOCKETS_MAX + GUESTS_MAX];
};

/* A listening socket, or -errno. */
static int open_socket(const struct addrinfo *at)
{
	const int one = 1;
	int fd, rc;

	fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* Each address family has a socket of its own. */
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, GUESTS_MAX) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

/* One of the addresses is enough: a host may have no IPv6. */
static int open_door(struct door *door, const char *text, const struct addrinfo *list)
{
	int fd = -EADDRNOTAVAIL;

	for (; list && door->nsockets < SOCKETS_MAX; list = list->ai_next) {
		fd = open_socket(list);
		/* The port is another's: who connected there would never come here. */
		if (fd == -EADDRINUSE)
			break;
		if (fd >= 0)
			door->sockets[door->nsockets++] = fd;
	}
	if (door->nsockets == 0 || fd == -EADDRINUSE)
		return bvi_fail(fd, "exchange: cannot listen on %s: %s", text, bvi_errno_text(fd));
	return 0;
}

static void send_away(struct door *door, unsigned int i)
{
	struct guest *guest = &door->guests[i];

	bvi_reader_reset(&guest->reader);
	close(guest->fd);
	door->nguests--;
	memmove(guest, guest + 1, (door->nguests - i) * sizeof(*guest));
}

static void send_stranger_away(struct door *door, unsigned int i, const char *why)
{
	door->nstrangers++;
	/* Cut, so that the text of which it becomes a part has room for the rest. */
	snprintf(door->stranger, sizeof(door->stranger), "%.*s", (int)sizeof(door->stranger) - 1,
		 why);
	send_away(door, i);
}

static void close_door(struct door *door)
{
	while (door->nguests > 0)
		send_away(door, door->nguests - 1);
	for (unsigned int i = 0; i < door->nsockets; i++)
		close(door->sockets[i]);
}

static int let_in(struct door *door, int socket)
{
	int fd;

	fd = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && door->nguests > 0) {
		send_stranger_away(door, 0, "it was the first to come when descriptors ran out");
		return 0;
	}
	/* accept(2) hands on errors of a connection that ended while it waited: not ours. */
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
		return bvi_fail(-errno, "exchange: no socket: %s", bvi_errno_text(-errno));
	if (fd < 0)
		return 0;
	/* Who has said nothing for the longest makes room. */
	if (door->nguests == GUESTS_MAX)
		send_stranger_away(door, 0, "too many were silent");
	bvi_exchange_no_delay(fd);
	door->guests[door->nguests++] = (struct guest){ .fd = fd };
	return 0;
}

/*
 * 1: guest @i is the peer; 0: not yet, or it was sent away. A peer of another release is what we were
 * waiting for, and will not get better: -EPROTO, and it is told.
 */
static int hear(struct door *door, unsigned int i)
{
	struct guest *guest = &door->guests[i];
	struct bvi_hello hello;
	int rc;

	rc = bvi_reader_take(&guest->reader, guest->fd);
	if (rc == 1) {
		rc = bvi_exchange_read_hello(&guest->reader, &hello);
		rc = rc < 0 ? rc : 1;
	}
	if (rc == -EPROTO)
		bvi_exchange_tell_failure(guest->fd, rc);
	else if (rc < 0)
		send_stranger_away(door, i, bv_last_error()->text);
	return rc < 0 && rc != -EPROTO ? 0 : rc;
}

static int nobody(const struct door *door, const char *text)
{
	char strangers[320] = "", silent[64] = "";

	if (door->nguests > 0)
		snprintf(silent, sizeof(silent), "; %u are connected and have said too little",
			 door->nguests);
	if (door->nstrangers > 0)
		snprintf(strangers, sizeof(strangers), "; %u were sent away, the last one: %s",
			 door->nstrangers, door->stranger);
	return bvi_fail(-ETIMEDOUT, "exchange: no peer came to %s in time%s%s", text, silent,
			strangers);
}

static nfds_t list_entries(struct door *door)
{
	nfds_t n = 0;

	for (unsigned int i = 0; i < door->nguests; i++)
		door->entries[n++] = (struct pollfd){ .fd = door->guests[i].fd, .events = POLLIN };
	for (unsigned int i = 0; i < door->nsockets; i++)
		door->entries[n++] = (struct pollfd){ .fd = door->sockets[i], .events = POLLIN };
	return n;
}

/* The peer is guest @peer; 0, or -errno with text. */
static int receive_peer(struct door *door, const char *text, int64_t deadline, unsigned int *peer)
{
	for (;;) {
		const unsigned int nguests = door->nguests;
		const nfds_t count = list_entries(door);
		int rc;

		rc = bvi_stream_wait(door->entries, count, deadline);
		if (rc <= 0)
			return rc < 0 ? rc : nobody(door, text);
		/* From the last one on, because who is sent away moves those behind it. */
		for (unsigned int i = nguests; i-- > 0;) {
			rc = door->entries[i].revents ? hear(door, i) : 0;
			*peer = i;
			if (rc != 0)
				return rc < 0 ? rc : 0;
		}
		for (unsigned int i = 0; i < door->nsockets; i++) {
			rc = door->entries[nguests + i].revents ? let_in(door, door->sockets[i]) :
								  0;
			if (rc < 0)
				return rc;
		}
	}
}

int bvi_exchange_listen(struct bv_channel *ch, const char *text, const struct addrinfo *list,
			struct bv_exchange *data, int64_t deadline)
{
	struct door door;
	unsigned int peer = 0;
	int rc;

	door.nsockets = door.nguests = door.nstrangers = 0;
	rc = open_door(&door, text, list);
	if (rc == 0)
		rc = receive_peer(&door, text, deadline, &peer);
	if (rc == 0)
		rc = bvi_exchange_run(ch, door.guests[peer].fd, data, &door.guests[peer].reader,
				      deadline);
	close_door(&door);
	return rc;
}
