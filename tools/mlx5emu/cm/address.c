/* SPDX-License-Identifier: MIT */
#include "cm/cm.h"

#include "run/config.h"
#include "uverbs/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

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

/* The number of the address among those of @dev; -1. */
static int find(const struct emu_run_device *dev, const struct sockaddr_in6 *addr)
{
	uint8_t wanted[16];

	if (addr->sin6_family == AF_INET)
		emu_run_mapped(ntohl(as_ipv4(addr).sin_addr.s_addr), wanted);
	else
		memcpy(wanted, &addr->sin6_addr, sizeof(wanted));
	for (unsigned i = 0; i < dev->naddresses; i++)
		if (memcmp(dev->address[i], wanted, sizeof(wanted)) == 0)
			return (int)i;
	return -1;
}

/* On InfiniBand it is IP over InfiniBand that would have the IPv4 address, not the port. */
static bool has(const struct emu_run_device *dev, const struct sockaddr_in6 *addr)
{
	return find(dev, addr) >= 0 ||
	       (dev->infiniband && dev->ipv4 && addr->sin6_family == AF_INET &&
		ntohl(as_ipv4(addr).sin_addr.s_addr) == dev->ipv4);
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

/* Of an address that is not in the table (loopback, InfiniBand) the row of the port's IPv4 address. */
unsigned emu_cm_addr_gid(const struct sockaddr_in6 *addr, int device, uint8_t gid[16])
{
	const struct emu_run_device *dev = &emu_session()->run.dev[device];
	struct sockaddr_in6 own = { 0 };
	struct sockaddr_in ipv4 = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(dev->ipv4) },
	};
	int at = find(dev, addr);
	unsigned row;

	memcpy(&own, &ipv4, sizeof(ipv4));
	if (at < 0)
		at = find(dev, &own);
	row = emu_run_address_row(dev, at < 0 ? 0 : (unsigned)at);
	emu_run_gid(dev, row, gid);
	return row;
}

bool emu_cm_addr_multicast(const struct sockaddr_in6 *addr)
{
	if (addr->sin6_family == AF_INET)
		return IN_MULTICAST(ntohl(as_ipv4(addr).sin_addr.s_addr));
	return addr->sin6_family == AF_INET6 && IN6_IS_ADDR_MULTICAST(&addr->sin6_addr);
}

/* cma_iboe_set_mgid() of the kernel, for RoCE v2. */
static void group_gid(const struct sockaddr_in6 *addr, uint8_t gid[16])
{
	const struct sockaddr_in in = as_ipv4(addr);

	if (addr->sin6_family == AF_INET6) {
		memcpy(gid, &addr->sin6_addr, 16);
		return;
	}
	memset(gid, 0, 10);
	memset(gid + 10, 0xff, 2);
	memcpy(gid + 12, &in.sin_addr, 4);
}

void emu_cm_addr_ah(const struct emu_cm_id *id, const struct sockaddr_in6 *dst,
		    struct ib_uverbs_ah_attr *ah)
{
	enum { MULTICAST_LID = 0xc000 };
	const int found = emu_cm_addr_device(dst), peer = found < 0 ? id->device : found;
	const struct emu_run_device *to = &emu_session()->run.dev[peer];
	uint8_t own[16];

	if (emu_cm_addr_multicast(dst))
		group_gid(dst, ah->grh.dgid);
	else
		emu_cm_addr_gid(dst, peer, ah->grh.dgid);
	ah->grh.sgid_index = (uint8_t)emu_cm_addr_gid(&id->src, id->device, own);
	ah->grh.traffic_class = id->tos;
	ah->grh.hop_limit = 64;
	if (to->infiniband)
		ah->dlid = emu_cm_addr_multicast(dst) ? (uint16_t)MULTICAST_LID : to->lid;
	ah->is_global = 1;
	ah->port_num = 1;
}
