/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous events: what happens to channels, ports and the device by themselves.
 *
 * All events of an open device come through one place. bv_device_event() takes the next one of any
 * kind, bv_channel_event() the next one of that channel; each event is delivered once, by whichever
 * call takes it first. bv_device_event_fd() is readable while there may be one.
 *
 * Nobody has to look: a channel whose queue pair fails also tells by its completions. Events tell of
 * what has none: a peer that broke an access right here while nothing was outstanding, a port that
 * went down, a device that failed.
 */
#ifndef BV_BAREVERBS_EVENT_H
#define BV_BAREVERBS_EVENT_H

#include <bareverbs/common.h>
#include <bareverbs/device.h>

BV_BEGIN_DECLS

struct bv_channel;

/**
 * enum bv_event_type - What happened; IBTA volume 1, 11.6.3
 * @BV_EVENT_CHANNEL_FATAL: the queue pair failed, and it is not known which work did it
 * @BV_EVENT_CHANNEL_REQUEST_ERROR: the peer's request made no sense; the channel is in error
 * @BV_EVENT_CHANNEL_ACCESS_ERROR: the peer used a key, range or right that it does not have; the
 *	channel is in error
 * @BV_EVENT_CHANNEL_CQ_ERROR: a completion queue of the channel is broken
 * @BV_EVENT_CHANNEL_ESTABLISHED: the peer's first packet came before bv_channel_connect() returned
 * @BV_EVENT_PORT_UP, @BV_EVENT_PORT_DOWN: the port became active, or is active no more
 * @BV_EVENT_PORT_CHANGED: its addresses, P_Keys or subnet manager changed
 * @BV_EVENT_DEVICE_FATAL: the device failed: destroy everything, and open it again
 * @BV_EVENT_OTHER: none of these; @code has the number of libibverbs
 */
enum bv_event_type {
	BV_EVENT_CHANNEL_FATAL,
	BV_EVENT_CHANNEL_REQUEST_ERROR,
	BV_EVENT_CHANNEL_ACCESS_ERROR,
	BV_EVENT_CHANNEL_CQ_ERROR,
	BV_EVENT_CHANNEL_ESTABLISHED,
	BV_EVENT_PORT_UP,
	BV_EVENT_PORT_DOWN,
	BV_EVENT_PORT_CHANGED,
	BV_EVENT_DEVICE_FATAL,
	BV_EVENT_OTHER,
};

/**
 * struct bv_event - An event
 * @type: what happened
 * @code: enum ibv_event_type (infiniband/verbs.h)
 * @channel: whom it is about; NULL for those of ports and the device. Once bv_channel_destroy() has
 *	returned, no event names that channel any more.
 * @qpn: of the channel; 0 without one
 * @port: of those of ports; else 0
 */
struct bv_event {
	enum bv_event_type type;
	int code;
	struct bv_channel *channel;
	uint32_t qpn;
	uint8_t port;
};

/**
 * bv_event_name - "channel access error", "port down", …
 * @type: any value
 *
 * Return: a constant string, never NULL.  Owner: the library.  Threads: any.  Blocks: never.
 */
BV_API const char *bv_event_name(enum bv_event_type type);

/**
 * bv_device_event_fd - A file descriptor for poll, select or epoll
 * @dev: a device
 *
 * Readable while an event may be waiting; do not read it, but take events until there is none.
 *
 * Return: the descriptor, the same in each call; -EINVAL @dev is NULL; -errno.
 * Owner: the device; it is closed with it.  Threads: any.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_device_event_fd(struct bv_device *dev);

/**
 * bv_device_event - Take the next event, of whatever kind
 * @dev: a device
 * @event: receives it
 *
 * Return: 1 there was one; 0 there is none now; -EINVAL an argument is NULL; -ENOMEM; -errno: the
 *	kernel has no events for us any more (-EIO: the device was taken away).
 * Owner: a copy.  Threads: any.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_device_event(struct bv_device *dev, struct bv_event *event);

/**
 * bv_channel_event - Take the next event of a channel
 * @ch: in any state; in ERROR after an event that says so
 * @event: receives it
 *
 * Return: as bv_device_event().
 * Owner: a copy.  Threads: the one that uses @ch.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_channel_event(struct bv_channel *ch, struct bv_event *event);

BV_END_DECLS

#endif
