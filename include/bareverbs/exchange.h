/* SPDX-License-Identifier: MIT */
/*
 * Exchanges: two processes connect a channel each, over a socket or through the connection manager, and
 * tell each other their regions.
 *
 *	one side						the other
 *	endpoint, regions, blob		<------------------>	endpoint, regions, blob
 *	bv_channel_connect()					bv_channel_connect()
 *	"ready"				<------------------>	"ready"
 *
 * Neither call returns success before both channels are READY, so whoever sends first finds the
 * other one listening. Post receives before the exchange: then they are there for the first send.
 *
 * Whatever the other end of the socket is or does - silence, garbage, one byte a second, lengths
 * beyond measure, closing at any point - a call ends at its deadline at the latest, allocates no
 * more than BV_EXCHANGE_REGIONS_MAX and BV_EXCHANGE_BLOB_MAX ask for, and tells what was wrong. It
 * does not tell friend from foe: who can reach the socket can have the keys, so use it in networks
 * that you trust, or hand bv_exchange_fd() a socket whose other end you know.
 */
#ifndef BV_BAREVERBS_EXCHANGE_H
#define BV_BAREVERBS_EXCHANGE_H

#include <bareverbs/channel.h>
#include <bareverbs/common.h>
#include <bareverbs/memory.h>

BV_BEGIN_DECLS

/* The version of the protocol that this library speaks; another one is refused, naming both. */
#define BV_EXCHANGE_VERSION 1
/* The most that one side may tell the other. */
#define BV_EXCHANGE_REGIONS_MAX 1024
#define BV_EXCHANGE_BLOB_MAX 65536

/* Through the connection manager: 20 bytes for each region, and the blob. */
#define BV_EXCHANGE_CM_MAX 48

/**
 * struct bv_exchange - What two sides tell each other beside their endpoints
 * @regions, @nregions: our regions, for the peer; 0..BV_EXCHANGE_REGIONS_MAX
 * @blob, @blob_size: any bytes for the peer; 0..BV_EXCHANGE_BLOB_MAX
 * @peer_regions, @max_peer_regions: receives the peer's regions; its room, entries
 * @peer_blob, @max_peer_blob: receives the peer's bytes; its room
 * @npeer_regions, @peer_blob_size: how many came; 0..max
 *
 * All zero is fine: nothing is told, and nothing expected. The peer_ fields and what they point to
 * are written on success alone.
 */
struct bv_exchange {
	const struct bv_remote *regions;
	uint32_t nregions;
	const void *blob;
	uint32_t blob_size;
	struct bv_remote *peer_regions;
	uint32_t max_peer_regions;
	void *peer_blob;
	uint32_t max_peer_blob;
	uint32_t npeer_regions;
	uint32_t peer_blob_size;
};

/* Which side of a TCP connection. */
enum bv_exchange_role {
	BV_EXCHANGE_LISTEN,
	BV_EXCHANGE_CONNECT,
};

/**
 * bv_exchange_fd - Connect a channel with the one at the other end of a socket
 * @ch: PREPARED
 * @fd: a connected stream socket (TCP, Unix, …), blocking or not; the peer makes the same call
 * @data: what to tell and where to put what comes; NULL = nothing
 * @timeout_ns: for all of it
 *
 * Exactly the bytes of the exchange are read from @fd, so the socket serves the program afterwards.
 *
 * Return: 0, both channels are READY; -EINVAL @ch is not PREPARED, a count of @data is out of its
 *	range, or a pointer is NULL; -ENOTSOCK, -ENOTCONN, -EOPNOTSUPP @fd is no connected stream
 *	socket; -ETIMEDOUT (the text tells what was still missing); -ECONNRESET the peer closed;
 *	-EBADMSG what came is not of this protocol, or damaged; -EPROTO another version;
 *	-EMSGSIZE the peer tells more than @data has room for; -ECONNABORTED the peer gave up, and
 *	its reason is in the text; -ENOMEM; -errno of the socket, or of bv_channel_connect().
 *	After a failure the channel is PREPARED still if it was not connected yet, else in ERROR
 *	(bv_channel_reset() makes it PREPARED again).
 * Owner: @fd and all of @data stay the caller's.  Threads: the one that uses @ch.
 * Blocks: until the deadline, and in the kernel while the channel is connected.
 */
BV_API BV_MUST_CHECK int bv_exchange_fd(struct bv_channel *ch, int fd, struct bv_exchange *data,
					int64_t timeout_ns);

/**
 * bv_exchange_tcp - Connect a channel with one on another host, over TCP
 * @ch: PREPARED
 * @address: "host:port"; host is a name, an IPv4 address, an IPv6 address in brackets, or for
 *	BV_EXCHANGE_LISTEN empty for every interface; port is 1..65535
 * @role: one side listens, the other connects; in any order, the latter tries until its deadline
 * @data: what to tell and where to put what comes; NULL = nothing
 * @timeout_ns: for all of it, but for the resolver when host is a name: it has its own limits
 *	(resolv.conf(5))
 *
 * The listening side takes the first connection that speaks the protocol. Strangers are dropped and
 * silent ones ignored; neither delays it. The listening socket is closed when the call returns.
 *
 * Return: as bv_exchange_fd(), and: -EINVAL @address is malformed; -EADDRNOTAVAIL the host cannot
 *	be resolved; -EADDRINUSE, -EACCES, … the address cannot be listened on; -EMFILE, -ENFILE.
 * Owner: all of @data stays the caller's.  Threads: the one that uses @ch.
 * Blocks: until the deadline, in the resolver, and in the kernel while the channel is connected.
 */
BV_API BV_MUST_CHECK int bv_exchange_tcp(struct bv_channel *ch, const char *address,
					 enum bv_exchange_role role, struct bv_exchange *data,
					 int64_t timeout_ns);

/**
 * bv_exchange_cm - Connect a channel with one on another host, through the RDMA connection manager
 * @ch: PREPARED; on the device and port that reach @address
 * @address: as for bv_exchange_tcp(), an address of an RDMA device; the port is one of the connection
 *	manager's, not of TCP
 * @role: one side listens, the other connects; in any order
 * @data: what to tell and where to put what comes, up to BV_EXCHANGE_CM_MAX bytes; NULL = nothing
 * @timeout_ns: for all of it, but for the resolver when host is a name
 *
 * The connection manager (librdmacm) chooses the GID and the path; gid_index, service_level and hop_limit of
 * the channel give way to it. The connection's end is told to the peer's connection manager when
 * the channel is reset or destroyed.
 *
 * Return: as bv_exchange_tcp(), and: -EMSGSIZE @data tells more than BV_EXCHANGE_CM_MAX bytes; -ENODEV no
 *	connection manager here (kernel module rdma_ucm); -EADDRNOTAVAIL another device reaches
 *	@address; -EOPNOTSUPP built without librdmacm.
 * Owner: all of @data stays the caller's.  Threads: the one that uses @ch.
 * Blocks: until the deadline, in the resolver, and in the kernel while the channel is connected.
 */
BV_API BV_MUST_CHECK int bv_exchange_cm(struct bv_channel *ch, const char *address,
					enum bv_exchange_role role, struct bv_exchange *data,
					int64_t timeout_ns);

BV_END_DECLS

#endif
