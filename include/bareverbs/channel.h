/* SPDX-License-Identifier: MIT */
/*
 * Channels: one reliable connected queue pair with its completion queues.
 *
 *	bv_channel_create     PREPARED   receives may be posted
 *	bv_channel_connect    READY      everything may be posted
 *	(a work fails)        ERROR      completions may still be reaped; nothing more is posted
 *
 * A call in the wrong state is -EINVAL (-EIO in ERROR), and its text names the state it is in and
 * the one it needs. A channel is used by one thread at a time.
 */
#ifndef BV_BAREVERBS_CHANNEL_H
#define BV_BAREVERBS_CHANNEL_H

#include <bareverbs/common.h>
#include <bareverbs/device.h>
#include <bareverbs/endpoint.h>
#include <bareverbs/error.h>
#include <bareverbs/memory.h>

BV_BEGIN_DECLS

struct bv_channel;
struct bv_wc;

enum bv_channel_state {
	BV_CHANNEL_PREPARED,
	BV_CHANNEL_READY,
	BV_CHANNEL_ERROR,
};

/* rnr_retry: try for ever. */
#define BV_RNR_RETRY_FOREVER 7
/* gid_index: choose by rule. */
#define BV_GID_AUTO (-1)

/*
 * How the device may write completions, of provider mlx5. Receives that arrive together may be compressed into
 * blocks: fewer writes and cache lines, but more instructions (docs/performance.md).
 */
#define BV_COMPLETIONS_COMPRESSED 0x1u
/*
 * Messages of up to 32 bytes, and what reads and atomics fetch of that length, may be put into completions: it
 * saves a write of the device. A poll then copies them to where they belong, or tells where they are
 * (bv_poll_recv_inplace). All buffers that the channel receives and fetches into must be memory of this process at
 * their own addresses: no DMA-BUF, no other iova.
 */
#define BV_COMPLETIONS_INLINE 0x2u
/* The device does not watch for overruns, which cannot happen here, and polls do not tell it how far they came. */
#define BV_COMPLETIONS_UNCHECKED 0x4u

/**
 * struct bv_channel_attr - How a channel is made; start from BV_CHANNEL_ATTR_DEFAULT
 * @max_send, @max_recv: works that may be outstanding on each queue; 1..device limit
 * @max_send_sge, @max_recv_sge: elements of a work's list; 0..device limit
 * @max_inline: largest payload of the inline calls, bytes; 0..device limit
 * @access: what the peer may do here, BV_ACCESS_REMOTE_* and BV_ACCESS_LOCAL_WRITE or'ed; regions
 *	narrow it further
 * @port: 1..ports of the device
 * @gid_index: row of the GID table, or BV_GID_AUTO: the address on the route to @peer_gid first;
 *	then rows whose network interface is up; of those RoCE v2 with an IPv4 address (private
 *	ones are as good as any), a global IPv6 address, link-local, RoCE v1 last; on InfiniBand
 *	row 0
 * @mtu: largest path MTU, bytes: 256, 512, 1024, 2048, 4096; 0 = the port's active MTU. The path
 *	takes the smaller one of both sides, and never more than the port's active MTU.
 * @rd_atomic: reads and atomics in flight, each way; 0..255, lowered to the device's limits and to
 *	the peer's
 * @rnr_retry: retries while the peer has no receive posted; 0..6, or BV_RNR_RETRY_FOREVER
 * @retry: retries while the peer does not answer; 0..7. On soft-RoCE 7 becomes 6: Linux' driver would
 *	retry without end
 * @min_rnr_timer: what a sender waits when no receive is posted, a code 0..31 (bv_rnr_timer_code);
 *	the longer one of both sides counts
 * @ack_timeout: how long to wait for an answer before a retry, a code 1..31 (bv_ack_timeout_code),
 *	0 = for ever; the longer one of both sides counts
 * @pkey_index: row of the P_Key table
 * @service_level: 0..15
 * @traffic_class: of the GRH, RoCE: the IP header's DSCP and ECN
 * @hop_limit: of the GRH
 * @flow_label: of the GRH, 20 bits. On RoCE v2 most drivers make the UDP source port of it, which is what
 *	switches spread flows by (ibv_flow_label_to_udp_sport(), the kernel's
 *	rdma_flow_label_to_udp_sport()); 0: of the queue pair numbers
 * @udp_sport: exactly this UDP source port, 0xc000..0xffff, instead; 0: none asked for. RoCE v2 with
 *	provider mlx5 and its firmware only, else -EOPNOTSUPP
 * @peer_gid: where the peer is, if it is known this early (bv_gid_parse() makes one of an IP address);
 *	all zero: not known. Only the choice of our GID looks at it, and on Ethernet only
 * @wakeups: completions can wake a sleeping thread (wake.h)
 * @spin_ns: how long waits poll before they sleep in the kernel; 0: at once, BV_FOREVER: they never
 *	sleep. Below BV_FOREVER it implies @wakeups.
 * @completions: BV_COMPLETIONS_* or'ed. Wishes: a provider or a device without them leaves them out, since
 *	nothing that holds with them fails without; data_path of bv_channel_query() tells what is in force.
 *	0, the default, takes the fewest instructions.
 */
struct bv_channel_attr {
	uint32_t max_send;
	uint32_t max_recv;
	uint32_t max_send_sge;
	uint32_t max_recv_sge;
	uint32_t max_inline;
	unsigned access;
	uint8_t port;
	int gid_index;
	uint32_t mtu;
	uint32_t rd_atomic;
	uint8_t rnr_retry;
	uint8_t retry;
	uint8_t min_rnr_timer;
	uint8_t ack_timeout;
	uint16_t pkey_index;
	uint8_t service_level;
	uint8_t traffic_class;
	uint8_t hop_limit;
	uint32_t flow_label;
	uint16_t udp_sport;
	uint8_t peer_gid[16];
	bool wakeups;
	int64_t spin_ns;
	unsigned completions;
};

/* The order is that of the members, so that C++17 takes it too. */
#define BV_CHANNEL_ATTR_DEFAULT                                                                  \
	{                                                                                        \
		256, 256, 16, 16, 128, BV_ACCESS_SHARED, 1, BV_GID_AUTO, 0, 16, 6, 6, 16, 14, 0, \
			0, 0, 64, 0, 0, { 0 }, false, BV_FOREVER, 0                              \
	}

/**
 * bv_rnr_timer_code - The shortest RNR timer that is not below a time
 * @ns: 0 or more
 *
 * Return: a code for min_rnr_timer: 1..31, or 0 (655.36 ms, the longest) if @ns is above 491.52 ms.
 *	IBTA volume 1, table "Encoding for RNR NAK Timer Field".
 * Owner: none.  Threads: any.  Blocks: never.
 */
BV_API uint8_t bv_rnr_timer_code(int64_t ns);

/**
 * bv_rnr_timer_ns - The time of a min_rnr_timer code
 * @code: 0..31; the low five bits count
 *
 * Return: nanoseconds.  Owner: none.  Threads: any.  Blocks: never.
 */
BV_API int64_t bv_rnr_timer_ns(uint8_t code);

/**
 * bv_ack_timeout_code - The shortest ack time-out that is not below a time
 * @ns: 0 or more
 *
 * Return: a code for ack_timeout: 1..31 for 4.096 us * 2^code; 31 (2.4 hours) if @ns is above that.
 *	IBTA volume 1, 9.7.6.1.3 and 11.2.5.2 (Local Ack Timeout).
 * Owner: none.  Threads: any.  Blocks: never.
 */
BV_API uint8_t bv_ack_timeout_code(int64_t ns);

/**
 * bv_ack_timeout_ns - The time of an ack_timeout code
 * @code: 0..31; the low five bits count
 *
 * Return: nanoseconds; BV_FOREVER for 0.  Owner: none.  Threads: any.  Blocks: never.
 */
BV_API int64_t bv_ack_timeout_ns(uint8_t code);

/**
 * bv_channel_create - Make a channel, ready to be addressed
 * @pd: the protection domain of the memory that it will use
 * @attr: NULL for the defaults, with counts lowered to the device's limits
 * @ch: receives the channel on success
 *
 * Return: 0; -EINVAL an attribute is out of its range or above a device limit (the text names it,
 *	asked and limit), or @pd or @ch is NULL; -ENETDOWN the port is not active; -EADDRNOTAVAIL no
 *	usable GID (the text has the table); -EOPNOTSUPP the port is neither InfiniBand nor
 *	Ethernet, or udp_sport cannot be had; -ENOMEM; -errno of the driver.
 * Owner: the caller, until bv_channel_destroy(); the channel keeps @pd.  Threads: any.
 * Blocks: in the kernel.
 */
BV_API BV_MUST_CHECK int bv_channel_create(struct bv_pd *pd, const struct bv_channel_attr *attr,
					   struct bv_channel **ch);

/**
 * bv_channel_destroy - Release a channel
 * @ch: NULL is fine
 *
 * Works that are outstanding end without a completion, and the device no longer touches their
 * buffers.
 * Owner: @ch ends here.  Threads: the one that uses @ch.  Blocks: in the kernel.
 */
BV_API void bv_channel_destroy(struct bv_channel *ch);

/**
 * bv_channel_endpoint - This side's address, for the peer's bv_channel_connect()
 * @ch: in any state
 * @ep: receives the endpoint
 *
 * Return: 0; -EINVAL an argument is NULL.
 * Owner: a copy.  Threads: the one that uses @ch.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_channel_endpoint(const struct bv_channel *ch, struct bv_endpoint *ep);

/**
 * bv_channel_connect - Connect to a peer's channel; its own endpoint makes a loopback
 * @ch: PREPARED
 * @peer: the peer's endpoint
 *
 * The path MTU and the read depth become the smaller of both sides, the timers the longer. When it
 * returns, this side is ready; the peer may not be, so tell each other before the first send (the
 * retry budget covers short gaps).
 *
 * Return: 0; -EINVAL it is READY already, an endpoint is out of range, only one side has a GID, or
 *	an argument is NULL; -EIO it is in ERROR; -EPROTONOSUPPORT the link layers differ, the
 *	RoCE versions, or the IP versions of the GIDs (the text has the table, and which rows would
 *	reach the peer); -EOPNOTSUPP the device cannot set udp_sport;
 *	-ETIMEDOUT, -EHOSTUNREACH the kernel could not resolve the peer's address; -errno of the
 *	driver. After a failure of the driver the channel is in ERROR, and receives that were posted
 *	come back as flushes; after the others it is unchanged.
 * Owner: @peer stays the caller's.  Threads: the one that uses @ch.  Blocks: in the kernel.
 */
BV_API BV_MUST_CHECK int bv_channel_connect(struct bv_channel *ch, const struct bv_endpoint *peer);

/**
 * bv_channel_state - Where in its life the channel is, as far as completions reaped so far tell
 * @ch: a channel
 *
 * Return: the state.
 * Owner: nothing changes hands.  Threads: the one that uses @ch.  Blocks: never.
 */
BV_API enum bv_channel_state bv_channel_state(const struct bv_channel *ch);

/**
 * bv_channel_state_name - "PREPARED", "READY", "ERROR"
 * @state: any value
 *
 * Return: a constant string, never NULL.  Owner: the library.  Threads: any.  Blocks: never.
 */
BV_API const char *bv_channel_state_name(enum bv_channel_state state);

/**
 * bv_channel_error - The first work of this channel that failed
 * @ch: a channel
 * @wc: receives its completion; only work, status and vendor_err are valid in it
 *
 * A flush tells no cause: if one is reaped before the failure that caused it (on the other queue),
 * that failure takes its place.
 *
 * Return: 1 and *@wc is filled; 0 none has failed.
 * Owner: a copy.  Threads: the one that uses @ch.  Blocks: never.
 */
BV_API int bv_channel_error(const struct bv_channel *ch, struct bv_wc *wc);

/**
 * bv_channel_flushed - Works that ended only because an earlier one failed
 * @ch: a channel
 *
 * Return: how many such completions have been reaped.
 * Owner: nothing changes hands.  Threads: the one that uses @ch.  Blocks: never.
 */
BV_API uint64_t bv_channel_flushed(const struct bv_channel *ch);

/**
 * struct bv_channel_info - What a channel was granted and has agreed on
 * @provider: "verbs", "mlx5"
 * @data_path: how it posts and polls, in words
 * @qpn: this side's
 * @peer_qpn: 0 before connect
 * @mtu: bytes; 0 before connect
 * @rd_atomic: reads and atomics it may have in flight; 0 before connect
 * @ack_timeout, @min_rnr_timer: the codes agreed on; before connect what this side asked for
 * @gid_index: the row in use
 * @gid: that row; all zero on InfiniBand without GRH
 * @max_send … @max_inline: what the calls of this channel accept
 * @atomics: whether fetch-and-add and compare-and-swap are possible
 */
struct bv_channel_info {
	const char *provider;
	const char *data_path;
	uint32_t qpn;
	uint32_t peer_qpn;
	uint32_t mtu;
	uint32_t rd_atomic;
	uint8_t ack_timeout;
	uint8_t min_rnr_timer;
	uint32_t gid_index;
	uint8_t gid[16];
	uint32_t max_send;
	uint32_t max_recv;
	uint32_t max_send_sge;
	uint32_t max_recv_sge;
	uint32_t max_inline;
	uint32_t max_msg;
	bool atomics;
};

/**
 * bv_channel_query - What was granted and agreed
 * @ch: in any state
 * @info: receives it
 *
 * Owner: strings are the library's.  Threads: the one that uses @ch.  Blocks: never.
 */
BV_API void bv_channel_query(const struct bv_channel *ch, struct bv_channel_info *info);

BV_END_DECLS

#endif
