/* SPDX-License-Identifier: MIT */
/*
 * Routes and interfaces, asked for with sockets that send nothing: connecting a UDP socket makes the
 * kernel look up the route and choose the source address.
 */
#include "route.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"

/* RoCE v2's (IANA): rules for it apply to the lookup, too. */
#define PORT_ROCE 4791

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t from_gid(const uint8_t gid[16], uint16_t port, union address *to)
{
	memset(to, 0, sizeof(*to));
	if (bvi_gid_is_ipv4(gid)) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(port);
		memcpy(&to->v4.sin_addr, gid + 12, 4);
		return sizeof(to->v4);
	}
	to->v6.sin6_family = AF_INET6;
	to->v6.sin6_port = htons(port);
	memcpy(&to->v6.sin6_addr, gid, 16);
	return sizeof(to->v6);
}

void bvi_gid_to_sockaddr(const uint8_t gid[16], struct sockaddr_storage *at)
{
	union address address;
	const socklen_t size = from_gid(gid, 0, &address);

	memset(at, 0, sizeof(*at));
	memcpy(at, &address, size);
}

static void to_gid(const union address *from, uint8_t gid[16])
{
	if (from->any.sa_family == AF_INET6) {
		memcpy(gid, &from->v6.sin6_addr, 16);
		return;
	}
	memset(gid, 0, 10);
	memset(gid + 10, 0xff, 2);
	memcpy(gid + 12, &from->v4.sin_addr, 4);
}

int bvi_route_source(const uint8_t peer[16], uint8_t source[16])
{
	union address address;
	socklen_t size = from_gid(peer, PORT_ROCE, &address);
	int fd, rc = 0;

	fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, &address.any, size) < 0)
		rc = -errno;
	size = sizeof(address);
	if (rc == 0 && getsockname(fd, &address.any, &size) < 0)
		rc = -errno;
	close(fd);
	if (rc == 0)
		to_gid(&address, source);
	return rc;
}

bool bvi_netdev_up(uint32_t ifindex)
{
	struct ifreq request = { 0 };
	bool up = true;
	int fd;

	if (ifindex == 0 || !if_indextoname(ifindex, request.ifr_name))
		return true;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true;
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0)
		up = (request.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
	close(fd);
	return up;
}
