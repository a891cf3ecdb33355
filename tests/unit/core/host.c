/* SPDX-License-Identifier: MIT */
/*
 * Calls of the C library, replaced by --wrap.
 */
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct host host;

static unsigned int descriptors_before;

void host_fail(enum host_call call, int in, int error)
{
	host.fail[call].in = in;
	host.fail[call].error = error;
}

bool host_failed(enum host_call call)
{
	return host.fail[call].in == 0;
}

static bool fails(enum host_call call)
{
	if (host.fail[call].in == 0 || --host.fail[call].in > 0)
		return false;
	errno = host.fail[call].error;
	return true;
}

unsigned int host_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

int host_reset(void **state)
{
	memset(&host, 0, sizeof(host));
	descriptors_before = host_descriptors();
	return fake_reset(state);
}

int host_check(void **state)
{
	memset(&host, 0, sizeof(host));
	assert_int_equal(host_descriptors(), descriptors_before);
	return fake_check(state);
}

/* WRAP(HOST_X, failure, type, name, (arguments), parameters...) fails, or is the real one. */
#define WRAP(call, failure, type, name, arguments, ...)                 \
	type __real_##name(__VA_ARGS__);                                \
	type __wrap_##name(__VA_ARGS__);                                \
	type __wrap_##name(__VA_ARGS__)                                 \
	{                                                               \
		return fails(call) ? failure : __real_##name arguments; \
	}

WRAP(HOST_MALLOC, NULL, void *, malloc, (size), size_t size)
WRAP(HOST_EVENTFD, -1, int, eventfd, (start, flags), unsigned int start, int flags)
WRAP(HOST_EPOLL_CREATE, -1, int, epoll_create1, (flags), int flags)
WRAP(HOST_EPOLL_CTL, -1, int, epoll_ctl, (epfd, op, fd, event), int epfd, int op, int fd,
     struct epoll_event *event)
WRAP(HOST_SOCKET, -1, int, socket, (domain, type, protocol), int domain, int type, int protocol)
WRAP(HOST_BIND, -1, int, bind, (fd, at, size), int fd, const struct sockaddr *at, socklen_t size)
WRAP(HOST_LISTEN, -1, int, listen, (fd, n), int fd, int n)
WRAP(HOST_ACCEPT, -1, int, accept4, (fd, from, size, flags), int fd, struct sockaddr *from,
     socklen_t *size, int flags)
WRAP(HOST_GETSOCKOPT, -1, int, getsockopt, (fd, level, name, value, size), int fd, int level,
     int name, void *value, socklen_t *size)
WRAP(HOST_GETSOCKNAME, -1, int, getsockname, (fd, at, size), int fd, struct sockaddr *at,
     socklen_t *size)
WRAP(HOST_GETPEERNAME, -1, int, getpeername, (fd, at, size), int fd, struct sockaddr *at,
     socklen_t *size)
WRAP(HOST_GETADDRINFO, (errno = ENETUNREACH, host.fail[HOST_GETADDRINFO].error), int, getaddrinfo,
     (node, service, hints, list), const char *node, const char *service,
     const struct addrinfo *hints, struct addrinfo **list)

static size_t some(size_t size)
{
	return host.at_most && size > host.at_most ? host.at_most : size;
}

WRAP(HOST_SEND, -1, ssize_t, send, (fd, from, some(size), flags), int fd, const void *from,
     size_t size, int flags)
WRAP(HOST_RECV, -1, ssize_t, recv, (fd, to, some(size), flags), int fd, void *to, size_t size,
     int flags)

int __real_connect(int fd, const struct sockaddr *to, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size)
{
	if (host.before_connect)
		host.before_connect(fd);
	if (!fails(HOST_CONNECT))
		return __real_connect(fd, to, size);
	/* Interrupted, it goes on by itself. */
	if (errno == EINTR) {
		(void)!__real_connect(fd, to, size);
		errno = EINTR;
	}
	return -1;
}

WRAP(HOST_READ, -1, ssize_t, read, (fd, to, some(size)), int fd, void *to, size_t size)

/* What poll returns, or 1: the real one is to be called. */
static int before_poll(void)
{
	if (host.before_poll)
		host.before_poll();
	if (!fails(HOST_POLL))
		return 1;
	return errno ? -1 : 0;
}

int __real_poll(struct pollfd *entries, nfds_t n, int ms);
int __wrap_poll(struct pollfd *entries, nfds_t n, int ms);
int __wrap_poll(struct pollfd *entries, nfds_t n, int ms)
{
	const int rc = before_poll();

	return rc <= 0 ? rc : __real_poll(entries, n, ms);
}

int __real_ppoll(struct pollfd *entries, nfds_t n, const struct timespec *left,
		 const sigset_t *mask);
int __wrap_ppoll(struct pollfd *entries, nfds_t n, const struct timespec *left,
		 const sigset_t *mask);
int __wrap_ppoll(struct pollfd *entries, nfds_t n, const struct timespec *left,
		 const sigset_t *mask)
{
	const int rc = before_poll();

	if (rc <= 0)
		return rc;
	if (host.rests && n == 0) {
		fake.now += left->tv_sec * BV_SEC + left->tv_nsec;
		return 0;
	}
	return __real_ppoll(entries, n, left, mask);
}

/* core calls these with an argument of a pointer's size, or with none that is read. */
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, void *argument);
int __wrap_fcntl(int fd, int command, void *argument)
{
	return fails(HOST_FCNTL) ? -1 : __real_fcntl(fd, command, argument);
}

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
	return fails(HOST_IOCTL) ? -1 : __real_ioctl(fd, request, argument);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags);
int __wrap_open(const char *path, int flags)
{
	return fails(HOST_OPEN) ? -1 : __real_open(path, flags);
}
