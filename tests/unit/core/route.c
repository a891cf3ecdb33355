/* SPDX-License-Identifier: MIT */
/*
 * What the kernel tells of routes and interfaces, and what is assumed when it does not.
 */
#include "host.h"

#include <errno.h>
#include <net/if.h>

#include "core/route.h"

static const uint8_t loopback[16] = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 };
static const uint8_t loopback6[16] = { [15] = 1 };

static void sources(void **state)
{
	uint8_t source[16] = { 0 };

	(void)state;
	assert_int_equal(bvi_route_source(loopback, source), 0);
	assert_memory_equal(source, loopback, 16);
	if (bvi_route_source(loopback6, source) == 0)
		assert_memory_equal(source, loopback6, 16);
}

static void no_source(void **state)
{
	static const struct {
		enum host_call call;
		int error;
	} cases[] = {
		{ HOST_SOCKET, EAFNOSUPPORT },
		{ HOST_CONNECT, ENETUNREACH },
		{ HOST_GETSOCKNAME, ENOBUFS },
	};
	static const uint8_t untouched[16];
	uint8_t source[16] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		host_fail(cases[i].call, 1, cases[i].error);
		assert_int_equal(bvi_route_source(loopback, source), -cases[i].error);
		assert_memory_equal(source, untouched, 16);
	}
}

/* An interface is taken for up unless the kernel says that it is not. */
static void interfaces(void **state)
{
	const uint32_t lo = if_nametoindex("lo");

	(void)state;
	assert_true(bvi_netdev_up(0));
	assert_true(bvi_netdev_up(0x7fffffff));
	host_fail(HOST_SOCKET, 1, EMFILE);
	assert_true(bvi_netdev_up(lo));
	if (lo == 0)
		return;
	assert_true(bvi_netdev_up(lo));
	host_fail(HOST_IOCTL, 1, ENODEV);
	assert_true(bvi_netdev_up(lo));
}

static void addresses(void **state)
{
	static const uint8_t gid6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 9 };
	struct sockaddr_storage at;

	(void)state;
	bvi_gid_to_sockaddr(loopback, &at);
	assert_int_equal(at.ss_family, AF_INET);
	bvi_gid_to_sockaddr(gid6, &at);
	assert_int_equal(at.ss_family, AF_INET6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(sources),
		host_test(no_source),
		host_test(interfaces),
		host_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
