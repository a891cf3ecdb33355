/* SPDX-License-Identifier: MIT */
#include "cm/cm.h"

#include "run/config.h"
#include "uverbs/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum { GID_IPV6 = 1, GID_IPV4 = 3 }; /* RoCE v2 rows, see run/config.h */

static struct sockaddr_in as_ipv4(const struct sockaddr_in6 *addr)
{
	struct sockaddr_in in;

	memcpy(&in, addr, sizeof(in));
	return in;
}

bool emu_cm_addr_any(const struct sockaddr_in6 *addr)
{
	if (addr->sin6_family == AF_INET)
		return as_ipv4(addr).sin_addr.s_addr == 0;
	return addr->sin6_family == 0 || IN6_IS_ADDR_UNSPECIFIED(&addr->sin6_addr);
}

/* At the same place in both families. */
uint16_t emu_cm_addr_port(const struct sockaddr_in6 *addr)
{
	return ntohs(addr->sin6_port);
}

void emu_cm_addr_set_port(struct sockaddr_in6 *addr, uint16_t port)
{
	addr->sin6_port = htons(port);
}

int emu_cm_addr_check(const struct sockaddr_in6 *addr)
{
	return addr->sin6_family == AF_INET || addr->sin6_family == AF_INET6 ? 0 : -EINVAL;
}

static bool is_loopback(const struct sockaddr_in6 *addr)
{
	if (addr->sin6_family == AF_INET)
		return ntohl(as_ipv4(addr).sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&addr->sin6_addr);
}

static bool has(const struct emu_run_device *dev, const struct sockaddr_in6 *addr)
{
	uint8_t gid[16];

	if (addr->sin6_family == AF_INET)
		return ntohl(as_ipv4(addr).sin_addr.s_addr) == dev->ipv4;
	emu_run_gid(dev, GID_IPV6, gid);
	return memcmp(gid, &addr->sin6_addr, sizeof(gid)) == 0;
}

int emu_cm_addr_device(const struct sockaddr_in6 *addr)
{
	const struct emu_run *run = &emu_session()->run;

	if (is_loopback(addr))
		return 0;
	for (unsigned i = 0; i < run->ndev; i++)
		if (has(&run->dev[i], addr))
			return (int)i;
	return -1;
}

unsigned emu_cm_addr_gid(const struct sockaddr_in6 *addr, int device, uint8_t gid[16])
{
	const unsigned row = addr->sin6_family == AF_INET6 ? GID_IPV6 : GID_IPV4;

	emu_run_gid(&emu_session()->run.dev[device], row, gid);
	return row;
}
