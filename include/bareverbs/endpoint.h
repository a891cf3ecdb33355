/* SPDX-License-Identifier: MIT */
/*
 * Endpoints: the address of a channel, carried to the peer by any means (socket, file, e-mail).
 */
#ifndef BV_BAREVERBS_ENDPOINT_H
#define BV_BAREVERBS_ENDPOINT_H

#include <bareverbs/common.h>
#include <bareverbs/device.h>

BV_BEGIN_DECLS

/* The version that this library writes and accepts. */
#define BV_ENDPOINT_VERSION 2
/*
 * Bytes of the binary form. All big-endian: magic "BVEP" u32, version u16, size u16, qpn u32, psn
 * u32, lid u16, link layer u8, mtu code u8 (1..5), responder depth u8, initiator depth u8, ack
 * time-out code u8, RNR timer code u8, gid 16 bytes, gid type u8, zero to byte 60, CRC-32C u32 over
 * the 60 bytes before.
 */
#define BV_ENDPOINT_WIRE_SIZE 64
/* Enough for the JSON form with its terminator. */
#define BV_ENDPOINT_JSON_MAX 512

/**
 * struct bv_endpoint - Where a channel can be reached, and what it can do
 * @qpn: 24 bits, not 0 or 1
 * @psn: first packet number this side will send, 24 bits, random
 * @lid: local identifier, 1..0xbfff; 0 on Ethernet, and on InfiniBand only with a @gid
 * @link_layer: BV_LINK_INFINIBAND or BV_LINK_ETHERNET
 * @mtu: largest path MTU it accepts, bytes: 256, 512, 1024, 2048 or 4096
 * @responder_depth: reads and atomics it serves at once, 0..255
 * @initiator_depth: reads and atomics it may start at once, 0..255
 * @ack_timeout: how long it means to wait for an answer, a code 0..31 (bv_ack_timeout_ns)
 * @min_rnr_timer: how long it means a sender to wait for a receive, a code 0..31 (bv_rnr_timer_ns)
 * @gid: network order, not a multicast one; all zero only on InfiniBand
 * @gid_type: BV_GID_ROCE_V1 or BV_GID_ROCE_V2 on Ethernet, BV_GID_IB on InfiniBand
 */
struct bv_endpoint {
	uint32_t qpn;
	uint32_t psn;
	uint16_t lid;
	enum bv_link_layer link_layer;
	uint32_t mtu;
	uint8_t responder_depth;
	uint8_t initiator_depth;
	uint8_t ack_timeout;
	uint8_t min_rnr_timer;
	uint8_t gid[16];
	enum bv_gid_type gid_type;
};

/**
 * bv_endpoint_encode - The binary form
 * @ep: a valid endpoint
 * @wire: receives BV_ENDPOINT_WIRE_SIZE bytes
 *
 * Return: 0; -EINVAL a field of @ep is out of its range, or an argument is NULL.
 * Owner: the caller's buffers.  Threads: any.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_endpoint_encode(const struct bv_endpoint *ep,
					    uint8_t wire[BV_ENDPOINT_WIRE_SIZE]);

/**
 * bv_endpoint_decode - Read the binary form; any bytes are safe
 * @wire, @size: what came, bytes
 * @ep: receives the endpoint on success
 *
 * Return: 0; -EMSGSIZE @size is not BV_ENDPOINT_WIRE_SIZE; -EPROTO another version (the text names
 *	both); -EBADMSG not an endpoint, damaged, or a field out of its range.
 * Owner: the caller's buffers.  Threads: any.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_endpoint_decode(const void *wire, size_t size, struct bv_endpoint *ep);

/**
 * bv_endpoint_to_json - The JSON form, on one line
 * @ep: a valid endpoint
 * @text, @size: the buffer, bytes; BV_ENDPOINT_JSON_MAX always suffices
 *
 * {"version":2,"qpn":66,"psn":9011,"lid":0,"link_layer":"ethernet","mtu":4096,"responder_depth":16,
 *  "initiator_depth":16,"ack_timeout":14,"min_rnr_timer":16,"gid":"::ffff:10.0.0.1",
 *  "gid_type":"roce v2"}
 *
 * Return: the length of the text without its terminator; -EINVAL a field is out of its range, or an
 *	argument is NULL; -ENOSPC @size is too small; -ENOMEM.
 * Owner: the caller's buffers.  Threads: any.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_endpoint_to_json(const struct bv_endpoint *ep, char *text, size_t size);

/**
 * bv_endpoint_from_json - Read the JSON form; any text is safe
 * @text, @length: the text, bytes without a terminator
 * @ep: receives the endpoint on success
 *
 * Return: 0; -EPROTO another version; -EBADMSG not JSON, a member missing, unknown or out of its
 *	range (the text tells which); -ENOMEM.
 * Owner: the caller's buffers.  Threads: any.  Blocks: never.
 */
BV_API BV_MUST_CHECK int bv_endpoint_from_json(const char *text, size_t length,
					       struct bv_endpoint *ep);

BV_END_DECLS

#endif
