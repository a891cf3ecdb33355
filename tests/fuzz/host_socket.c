/* SPDX-License-Identifier: MIT */
/*
 * Sockets of a fuzzed program, for its connections to itself: names, listeners, messages in order, and
 * epoll. The other process of the run has its name and what it says (host_arrive()): what is sent to any
 * other device's name finds nobody.
 */
#include "host_socket.h"
#include "fuzz.h"
#include "host.h"
#include "session.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tools/mlx5emu/fabric/address.h"

enum {
	SOCKETS = 32, /* more than there are descriptors for */
	EVENTS = 8,
	WATCHES = 32,
	INBOX = 4,
	MESSAGE = 1024,
	ARRIVALS = 8,
	NOBODY = -1,
};

struct message {
	size_t size;
	uint8_t bytes[MESSAGE];
};

struct sock {
	bool used, listening, over; /* over: the peer is gone */
	int peer;                   /* of a connection */
	int listener;               /* not accepted yet: of whom */
	struct sockaddr_un name;
	socklen_t name_size;
	unsigned nmessages;
	struct message inbox[INBOX];
};

struct watch {
	bool used;
	unsigned epoll;
	int fd;
	epoll_data_t data;
};

struct datagram {
	size_t size;
	uint8_t bytes[HOST_DATAGRAM];
};

static struct sock socks[SOCKETS];
static unsigned nsocks; /* those behind it were never used */
static uint64_t events[EVENTS];
static unsigned nevents, nepolls;
static struct watch watches[WATCHES];
static struct datagram arrivals[ARRIVALS];
static unsigned narrivals, nread; /* of them: read */
static uint32_t random_state;
static uint64_t now_ns;

void host_sockets_reset(void)
{
	nsocks = nevents = nepolls = 0;
	narrivals = nread = 0;
	random_state = 1;
	now_ns = 0;
	memset(watches, 0, sizeof(watches));
	memset(events, 0, sizeof(events));
}

/* ---- sockets ---- */

static int new_sock(void)
{
	unsigned i = 0;

	while (i < nsocks && socks[i].used)
		i++;
	if (i == SOCKETS) {
		errno = EMFILE;
		return NOBODY;
	}
	if (i == nsocks)
		nsocks++;
	socks[i].used = true;
	socks[i].listening = socks[i].over = false;
	socks[i].peer = socks[i].listener = NOBODY;
	socks[i].name_size = 0;
	socks[i].nmessages = 0;
	return (int)i;
}

static struct sock *sock_of(int fd)
{
	const int number = host_number(fd, HOST_SOCKET);

	return number < 0 ? NULL : &socks[number];
}

static bool is_at(const struct sock *s, const struct sockaddr *addr, socklen_t size)
{
	return s->used && s->name_size == size && memcmp(&s->name, addr, size) == 0;
}

int host_socket(int domain, int type, int protocol)
{
	const int number = new_sock();
	int fd;

	(void)domain, (void)type, (void)protocol;
	if (number < 0)
		return -1;
	fd = host_descriptor(HOST_SOCKET, (unsigned)number);
	if (fd < 0)
		socks[number].used = false;
	return fd;
}

static void close_sock(unsigned number)
{
	struct sock *s = &socks[number];

	s->used = false;
	if (s->peer >= 0) {
		socks[s->peer].over = true;
		socks[s->peer].peer = NOBODY;
	}
	for (unsigned i = 0; i < nsocks; i++) {
		if (socks[i].used && socks[i].listener == (int)number)
			close_sock(i);
	}
}

void host_socket_closed(enum host_kind kind, unsigned number)
{
	if (kind == HOST_SOCKET)
		close_sock(number);
}

int __wrap_socket(int domain, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t size);
int __wrap_listen(int fd, int backlog);
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t size);
int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *size, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags);
ssize_t __wrap_sendto(int fd, const void *buf, size_t size, int flags, const struct sockaddr *addr,
		      socklen_t addr_size);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int epoll, struct epoll_event *out, int max, int timeout);
int __wrap_eventfd(unsigned count, int flags);
ssize_t __wrap_getrandom(void *buf, size_t size, unsigned flags);

int __wrap_socket(int domain, int type, int protocol)
{
	return host_socket(domain, type, protocol);
}

int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t size)
{
	struct sock *s = sock_of(fd);

	require(size <= sizeof(s->name));
	if (!s)
		return -1;
	errno = EADDRINUSE;
	for (unsigned i = 0; i < nsocks; i++) {
		if (is_at(&socks[i], addr, size))
			return -1;
	}
	memcpy(&s->name, addr, size);
	s->name_size = size;
	return 0;
}

int __wrap_listen(int fd, int backlog)
{
	struct sock *s = sock_of(fd);

	(void)backlog;
	if (s)
		s->listening = true;
	return s ? 0 : -1;
}

static bool is_other(const struct sockaddr *addr, socklen_t size)
{
	struct sockaddr_un other;

	return size == emu_address_make(&other, SESSION_RUN, SESSION_OTHER_SLOT) &&
	       memcmp(addr, &other, size) == 0;
}

static int connect_to(int own, int listener)
{
	const int other = new_sock();

	if (other < 0)
		return -1;
	socks[other].listener = listener;
	socks[other].peer = own;
	socks[own].peer = other;
	return 0;
}

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t size)
{
	const int own = host_number(fd, HOST_SOCKET);

	for (unsigned i = 0; i < nsocks && own >= 0; i++) {
		if (is_at(&socks[i], addr, size) && socks[i].listening)
			return connect_to(own, (int)i);
	}
	errno = ECONNREFUSED;
	return own >= 0 && is_other(addr, size) ? 0 : -1;
}

/* The first that waits for this listener. */
static int waiting(int listener)
{
	for (unsigned i = 0; i < nsocks; i++) {
		if (socks[i].used && socks[i].listener == listener)
			return (int)i;
	}
	return NOBODY;
}

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *size, int flags)
{
	const int listener = host_number(fd, HOST_SOCKET),
		  number = listener < 0 ? NOBODY : waiting(listener);
	int accepted;

	(void)addr, (void)size, (void)flags;
	errno = EAGAIN;
	if (number < 0)
		return -1;
	accepted = host_descriptor(HOST_SOCKET, (unsigned)number);
	socks[number].listener = NOBODY;
	if (accepted < 0)
		close_sock((unsigned)number);
	return accepted;
}

ssize_t __wrap_send(int fd, const void *buf, size_t size, int flags)
{
	const struct sock *s = sock_of(fd);
	struct message *m;
	struct sock *to;

	(void)flags;
	errno = EPIPE;
	if (!s || s->peer < 0)
		return -1;
	to = &socks[s->peer];
	errno = EAGAIN;
	if (to->nmessages == INBOX)
		return -1;
	require(size <= MESSAGE);
	m = &to->inbox[to->nmessages++];
	memcpy(m->bytes, buf, size);
	m->size = size;
	return (ssize_t)size;
}

ssize_t __wrap_recv(int fd, void *buf, size_t size, int flags)
{
	struct sock *s = sock_of(fd);
	size_t whole;

	(void)flags;
	if (!s)
		return -1;
	errno = EAGAIN;
	if (s->nmessages == 0)
		return s->over ? 0 : -1;
	whole = s->inbox[0].size;
	memcpy(buf, s->inbox[0].bytes, whole < size ? whole : size);
	s->nmessages--;
	memmove(&s->inbox[0], &s->inbox[1], s->nmessages * sizeof(s->inbox[0]));
	return (ssize_t)whole; /* MSG_TRUNC */
}

/* ---- datagrams ---- */

void host_arrive(const void *datagram, size_t size)
{
	struct datagram *d = &arrivals[narrivals];

	require(size <= HOST_DATAGRAM);
	if (narrivals == ARRIVALS)
		return;
	memcpy(d->bytes, datagram, size);
	d->size = size;
	narrivals++;
}

ssize_t __wrap_sendto(int fd, const void *buf, size_t size, int flags, const struct sockaddr *addr,
		      socklen_t addr_size)
{
	(void)buf, (void)flags;
	if (!sock_of(fd))
		return -1;
	errno = ECONNREFUSED;
	return is_other(addr, addr_size) ? (ssize_t)size : -1;
}

/* The kernel tells whose it is. */
static void sign(struct msghdr *msg)
{
	const struct ucred us = { .pid = getpid(), .uid = geteuid(), .gid = getegid() };
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	require(c && msg->msg_controllen >= CMSG_LEN(sizeof(us)));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(us));
	memcpy(CMSG_DATA(c), &us, sizeof(us));
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	const struct datagram *d = &arrivals[nread];

	(void)flags;
	if (!sock_of(fd))
		return -1;
	errno = EAGAIN;
	if (nread == narrivals)
		return -1;
	nread++;
	if (nread == narrivals)
		nread = narrivals = 0;
	require(msg->msg_iovlen == 1 && msg->msg_iov->iov_len >= d->size);
	memcpy(msg->msg_iov->iov_base, d->bytes, d->size);
	msg->msg_namelen = emu_address_make(msg->msg_name, SESSION_RUN, SESSION_OTHER_SLOT);
	msg->msg_flags = 0;
	sign(msg);
	return (ssize_t)d->size;
}

/* SO_PEERCRED alone is asked for. */
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	const struct ucred us = { .pid = getpid(), .uid = geteuid(), .gid = getegid() };

	require(level == SOL_SOCKET && name == SO_PEERCRED && *size == sizeof(us));
	if (!sock_of(fd))
		return -1;
	memcpy(value, &us, sizeof(us));
	return 0;
}

/* ---- events ---- */

int __wrap_eventfd(unsigned count, int flags)
{
	(void)flags;
	errno = EMFILE;
	if (nevents == EVENTS)
		return -1;
	events[nevents] = count;
	return host_descriptor(HOST_EVENT, nevents++);
}

ssize_t host_event_write(unsigned number, const void *buf, size_t size)
{
	uint64_t more;

	require(size == sizeof(more));
	memcpy(&more, buf, sizeof(more));
	events[number] += more;
	return (ssize_t)size;
}

ssize_t host_event_read(unsigned number, void *buf, size_t size)
{
	require(size == sizeof(events[number]));
	errno = EAGAIN;
	if (!events[number])
		return -1;
	memcpy(buf, &events[number], size);
	events[number] = 0;
	return (ssize_t)size;
}

int __wrap_epoll_create1(int flags)
{
	(void)flags;
	return host_descriptor(HOST_EPOLL, nepolls++);
}

static int add_watch(unsigned epoll, int fd, const struct epoll_event *event)
{
	for (unsigned i = 0; i < WATCHES; i++) {
		if (!watches[i].used) {
			watches[i] = (struct watch){ true, epoll, fd, event->data };
			return 0;
		}
	}
	errno = ENOSPC;
	return -1;
}

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	const int number = host_number(epoll, HOST_EPOLL);

	if (number < 0)
		return -1;
	if (op == EPOLL_CTL_ADD)
		return add_watch((unsigned)number, fd, event);
	for (unsigned i = 0; i < WATCHES; i++) {
		if (watches[i].used && watches[i].epoll == (unsigned)number && watches[i].fd == fd)
			watches[i].used = false;
	}
	return 0;
}

static bool is_ready(int fd)
{
	const int event = host_number(fd, HOST_EVENT), number = host_number(fd, HOST_SOCKET);

	if (event >= 0)
		return events[event];
	return number >= 0 && (socks[number].nmessages || socks[number].over ||
			       (socks[number].listening && waiting(number) >= 0));
}

int __wrap_epoll_wait(int epoll, struct epoll_event *out, int max, int timeout)
{
	const int number = host_number(epoll, HOST_EPOLL);
	int n = 0;

	require(timeout == 0); /* nobody would end the wait */
	for (unsigned i = 0; i < WATCHES && n < max; i++) {
		if (watches[i].used && (int)watches[i].epoll == number && is_ready(watches[i].fd))
			out[n++] = (struct epoll_event){ EPOLLIN, watches[i].data };
	}
	return n;
}

/* The same numbers for each input. */
ssize_t __wrap_getrandom(void *buf, size_t size, unsigned flags)
{
	uint8_t *to = buf;

	(void)flags;
	for (size_t i = 0; i < size; i++) {
		random_state = random_state * 1103515245u + 12345u;
		to[i] = (uint8_t)(random_state >> 16);
	}
	return (ssize_t)size;
}

/* ---- time, which passes while somebody sleeps ---- */

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	(void)clock;
	*out = (struct timespec){ (time_t)(now_ns / 1000000000u), (long)(now_ns % 1000000000u) };
	return 0;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	now_ns += (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
	return 0;
}
