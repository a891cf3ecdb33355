/* SPDX-License-Identifier: MIT */
/*
 * Endpoints: their check and their binary form.
 */
#include "endpoint.h"

#include <string.h>

#include "error.h"
#include "mtu.h"
#include "wire.h"

/* Offsets of the fields; all big-endian, what is not named is zero. */
#define OFF_QPN 8
#define OFF_PSN 12
#define OFF_LID 16
#define OFF_LINK_LAYER 18
#define OFF_MTU 19
#define OFF_RESPONDER 20
#define OFF_INITIATOR 21
#define OFF_ACK_TIMEOUT 22
#define OFF_RNR_TIMER 23
#define OFF_GID 24
#define OFF_GID_TYPE 40
#define OFF_ZERO 41
#define OFF_CRC 60

/* IBTA volume 1, 4.1.1: unicast LIDs end below the multicast ones. */
#define LID_MULTICAST 0xc000u

static const struct bvi_wire_format format = {
	.what = "endpoint",
	.magic = 0x42564550, /* "BVEP" */
	.version = BV_ENDPOINT_VERSION,
	.size = BV_ENDPOINT_WIRE_SIZE,
};

static int check_address(const struct bv_endpoint *ep, int code)
{
	const bool no_gid = bvi_gid_is_zero(ep->gid);

	if (ep->gid[0] == 0xff)
		return bvi_fail(code, "endpoint: its GID is a multicast one");
	switch (ep->link_layer) {
	case BV_LINK_ETHERNET:
		if (no_gid)
			return bvi_fail(code,
					"endpoint: on Ethernet it needs a GID, and it is zero");
		if (ep->lid != 0)
			return bvi_fail(code, "endpoint: lid is %u; on Ethernet it is 0", ep->lid);
		if (ep->gid_type != BV_GID_ROCE_V1 && ep->gid_type != BV_GID_ROCE_V2)
			return bvi_fail(code, "endpoint: gid type is %d, not RoCE v1 or v2",
					(int)ep->gid_type);
		return 0;
	case BV_LINK_INFINIBAND:
		if (ep->lid >= LID_MULTICAST || (ep->lid == 0 && no_gid))
			return bvi_fail(code, "endpoint: lid is %u, not in 1..%u", ep->lid,
					LID_MULTICAST - 1);
		if (ep->gid_type != BV_GID_IB)
			return bvi_fail(code, "endpoint: gid type is %d, not that of InfiniBand",
					(int)ep->gid_type);
		return 0;
	default:
		return bvi_fail(code, "endpoint: link layer is %d, not InfiniBand or Ethernet",
				(int)ep->link_layer);
	}
}

int bvi_endpoint_check(const struct bv_endpoint *ep, int code)
{
	/* IBTA volume 1, 3.5.3: QPN 0 and 1 are the management ones. */
	if (ep->qpn < 2 || ep->qpn > 0xffffff)
		return bvi_fail(code, "endpoint: qpn is %u, not in 2..16777215", ep->qpn);
	if (ep->psn > 0xffffff)
		return bvi_fail(code, "endpoint: psn is %u, not in 0..16777215", ep->psn);
	if (bvi_mtu_code(ep->mtu) == 0)
		return bvi_fail(code, "endpoint: mtu is %u, not 256, 512, 1024, 2048 or 4096",
				ep->mtu);
	if (ep->ack_timeout > 31)
		return bvi_fail(code, "endpoint: ack timeout is %u, not in 0..31", ep->ack_timeout);
	if (ep->min_rnr_timer > 31)
		return bvi_fail(code, "endpoint: RNR timer is %u, not in 0..31", ep->min_rnr_timer);
	return check_address(ep, code);
}

int bv_endpoint_encode(const struct bv_endpoint *ep, uint8_t wire[BV_ENDPOINT_WIRE_SIZE])
{
	int rc;

	if (!ep || !wire)
		return bvi_fail(-EINVAL, "bv_endpoint_encode: an argument is NULL");
	rc = bvi_endpoint_check(ep, -EINVAL);
	if (rc < 0)
		return rc;
	memset(wire, 0, BV_ENDPOINT_WIRE_SIZE);
	bvi_put_be32(wire + OFF_QPN, ep->qpn);
	bvi_put_be32(wire + OFF_PSN, ep->psn);
	bvi_put_be16(wire + OFF_LID, ep->lid);
	wire[OFF_LINK_LAYER] = (uint8_t)ep->link_layer;
	wire[OFF_MTU] = bvi_mtu_code(ep->mtu);
	wire[OFF_RESPONDER] = ep->responder_depth;
	wire[OFF_INITIATOR] = ep->initiator_depth;
	wire[OFF_ACK_TIMEOUT] = ep->ack_timeout;
	wire[OFF_RNR_TIMER] = ep->min_rnr_timer;
	memcpy(wire + OFF_GID, ep->gid, sizeof(ep->gid));
	wire[OFF_GID_TYPE] = (uint8_t)ep->gid_type;
	bvi_wire_seal(&format, wire);
	return 0;
}

static bool all_zero(const uint8_t *bytes, int from, int to)
{
	for (int i = from; i < to; i++)
		if (bytes[i])
			return false;
	return true;
}

int bv_endpoint_decode(const void *wire, size_t size, struct bv_endpoint *ep)
{
	const uint8_t *bytes = wire;
	struct bv_endpoint decoded;
	int rc;

	rc = bvi_wire_check(&format, wire, size);
	if (rc < 0)
		return rc;
	if (!all_zero(bytes, OFF_ZERO, OFF_CRC))
		return bvi_fail(-EBADMSG, "endpoint: bytes that version %d leaves zero are not",
				BV_ENDPOINT_VERSION);
	decoded.qpn = bvi_get_be32(bytes + OFF_QPN);
	decoded.psn = bvi_get_be32(bytes + OFF_PSN);
	decoded.lid = bvi_get_be16(bytes + OFF_LID);
	decoded.link_layer = (enum bv_link_layer)bytes[OFF_LINK_LAYER];
	decoded.mtu = bvi_mtu_bytes(bytes[OFF_MTU]);
	decoded.responder_depth = bytes[OFF_RESPONDER];
	decoded.initiator_depth = bytes[OFF_INITIATOR];
	decoded.ack_timeout = bytes[OFF_ACK_TIMEOUT];
	decoded.min_rnr_timer = bytes[OFF_RNR_TIMER];
	memcpy(decoded.gid, bytes + OFF_GID, sizeof(decoded.gid));
	decoded.gid_type = (enum bv_gid_type)bytes[OFF_GID_TYPE];
	rc = bvi_endpoint_check(&decoded, -EBADMSG);
	if (rc < 0)
		return rc;
	*ep = decoded;
	return 0;
}
