/* SPDX-License-Identifier: MIT */
/*
 * The C library under core, with calls that fail when the test says: the n-th one from now on, with
 * an errno of the test's. All others are the real ones.
 */
#ifndef BV_TESTS_UNIT_CORE_HOST_H
#define BV_TESTS_UNIT_CORE_HOST_H

#include "fake.h"

enum host_call {
	HOST_MALLOC,
	HOST_FCNTL,
	HOST_EVENTFD,
	HOST_EPOLL_CREATE,
	HOST_EPOLL_CTL,
	HOST_POLL, /* poll and ppoll */
	HOST_SOCKET,
	HOST_CONNECT,
	HOST_BIND,
	HOST_LISTEN,
	HOST_ACCEPT,
	HOST_GETSOCKOPT,
	HOST_GETSOCKNAME,
	HOST_GETPEERNAME,
	HOST_SEND,
	HOST_RECV,
	HOST_GETADDRINFO,
	HOST_IOCTL,
	HOST_OPEN,
	HOST_READ,
	HOST_CALLS
};

struct host {
	struct {
		int in;    /* the n-th call from now on fails; 0: none does */
		int error; /* with this errno; of getaddrinfo: what it returns; of poll 0: time-out */
	} fail[HOST_CALLS];
	size_t at_most;            /* bytes of a send or recv; 0: as many as asked for */
	void (*before_poll)(void); /* what the other side does while we wait */
	void (*before_connect)(int fd);
	bool rests; /* waiting for nothing but time: the clock moves, and we go on */
};

extern struct host host;

void host_fail(enum host_call call, int in, int error);
/* Whether the failure that was asked for has happened. */
bool host_failed(enum host_call call);
/* Open descriptors of the process. */
unsigned int host_descriptors(void);

/* fake_reset() and fake_check(), and no descriptor is left open. */
int host_reset(void **state);
int host_check(void **state);

#define host_test(f) cmocka_unit_test_setup_teardown(f, host_reset, host_check)

#endif
