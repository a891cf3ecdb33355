/* SPDX-License-Identifier: MIT */
/*
 * Connecting: agree with the peer's endpoint, then take the queue pair through RTR to RTS. Both
 * sides compute the same: each takes the minimum of the same two numbers.
 */
#include "connect.h"

#include <stdio.h>
#include <string.h>

#include "channel.h"
#include "endpoint.h"
#include "error.h"
#include "gid.h"
#include "mtu.h"
#include "pd.h"
#include "provider.h"
#include "route.h"
#include "sysfs.h"

static uint8_t lower(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

static uint32_t lower_mtu(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The timer codes whose times are the longer; the codes themselves are not in the order of time. */
static uint8_t longer_ack_timeout(uint8_t a, uint8_t b)
{
	return bv_ack_timeout_ns(a) > bv_ack_timeout_ns(b) ? a : b;
}

static uint8_t longer_rnr_timer(uint8_t a, uint8_t b)
{
	return bv_rnr_timer_ns(a) > bv_rnr_timer_ns(b) ? a : b;
}

static int check_state(const struct bvi_channel_core *core)
{
	switch (core->state) {
	case BV_CHANNEL_PREPARED:
		return 0;
	case BV_CHANNEL_READY:
		return bvi_fail(-EINVAL,
				"bv_channel_connect: the channel is READY, it must be "
				"PREPARED: it is connected to qpn 0x%x already",
				core->peer.qpn);
	default:
		return bvi_fail(-EIO, "bv_channel_connect: the channel is in ERROR, it must be "
				      "PREPARED: bv_channel_reset() it first");
	}
}

static const char *roce(enum bv_gid_type type)
{
	return type == BV_GID_ROCE_V2 ? "RoCE v2" : "RoCE v1";
}

/* Our port's rows, and which of them would reach the peer; "" if they cannot be read. */
static const char *gid_table(const struct bvi_channel_core *core, const struct bv_endpoint *peer,
			     char *text, size_t size)
{
	const struct bv_device *dev = core->pd->device;
	const struct bvi_gid_wish wish = {
		.port = core->attr.port,
		.link = core->link_layer,
		.peer = peer->gid,
		.up = bvi_netdev_up,
	};
	struct bvi_gid_table table;

	text[0] = '\0';
	if (bvi_gid_table_read(dev->context, dev->limits.phys_port_cnt, &table) < 0)
		return text;
	bvi_gid_table_text(&table, &wish, text, size);
	bvi_gid_table_free(&table);
	return text;
}

/* The protocol of the packets, and on RoCE v2 their IP version, is that of both GIDs. */
static int check_gids(const struct bvi_channel_core *core, const struct bv_endpoint *peer)
{
	const struct bv_endpoint *local = &core->local;
	char here[BV_GID_TEXT_MAX], there[BV_GID_TEXT_MAX], text[640];

	if (local->link_layer != BV_LINK_ETHERNET)
		return 0;
	if (local->gid_type != peer->gid_type)
		return bvi_fail(
			-EPROTONOSUPPORT,
			"bv_channel_connect: our GID is of %s, the peer's of %s: set gid_index "
			"on one side%s",
			roce(local->gid_type), roce(peer->gid_type),
			gid_table(core, peer, text, sizeof(text)));
	if (local->gid_type == BV_GID_ROCE_V2 &&
	    bvi_gid_is_ipv4(local->gid) != bvi_gid_is_ipv4(peer->gid))
		return bvi_fail(
			-EPROTONOSUPPORT,
			"bv_channel_connect: our GID %s and the peer's %s are not of one IP "
			"version: set gid_index on one side, or peer_gid before%s",
			bv_gid_format(local->gid, here), bv_gid_format(peer->gid, there),
			gid_table(core, peer, text, sizeof(text)));
	return 0;
}

static int check_peer(const struct bvi_channel_core *core, const struct bv_endpoint *peer)
{
	int rc;

	rc = bvi_endpoint_check(peer, -EINVAL);
	if (rc < 0)
		return rc;
	if (peer->link_layer != core->link_layer)
		return bvi_fail(-EPROTONOSUPPORT,
				"bv_channel_connect: this port is %s, the peer's is "
				"not: they cannot reach each other",
				core->link_layer == BV_LINK_ETHERNET ? "Ethernet" : "InfiniBand");
	if (bvi_gid_is_zero(peer->gid) != bvi_gid_is_zero(core->local.gid))
		return bvi_fail(
			-EINVAL,
			"bv_channel_connect: only one side has a GID, and a global "
			"route header needs both: set gid_index on both sides, or on neither");
	return check_gids(core, peer);
}

/* The network interface behind our GID, for advice. */
static const char *netdev(const struct bvi_channel_core *core, char *text, size_t size)
{
	char path[IBV_SYSFS_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/ports/%u/gid_attrs/ndevs/%u",
		 core->pd->device->context->device->ibdev_path, core->attr.port, core->gid_index);
	if (bvi_read_file(path, text, size) <= 0)
		snprintf(text, size, "its network interface");
	return text;
}

static int fail_rtr(const struct bvi_channel_core *core, const struct bv_endpoint *peer, int rc)
{
	const char *device = core->pd->device->name;
	char local[BV_GID_TEXT_MAX], remote[BV_GID_TEXT_MAX], interface[32];

	bv_gid_format(core->local.gid, local);
	bv_gid_format(peer->gid, remote);
	netdev(core, interface, sizeof(interface));
	switch (-rc) {
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return bvi_fail(
			rc,
			"%s: the kernel could not resolve the peer %s via %s (%s)\nping it from "
			"%s, and look at `ip route get` and `ip neigh`; if this is not the right "
			"interface, set gid_index",
			device, remote, interface, bvi_errno_text(rc), local);
	case EINVAL:
		return bvi_fail(
			rc,
			"%s: the driver rejects the path to the peer: our gid %u %s on %s, the "
			"peer's %s, mtu %u, qpn 0x%x\nare both GIDs of one kind (RoCE v2, same IP "
			"version), and does the row still exist?",
			device, core->gid_index, local, interface, remote, core->mtu, peer->qpn);
	default:
		return bvi_fail(rc,
				"%s: the queue pair could not become ready to receive from %s: %s",
				device, remote, bvi_errno_text(rc));
	}
}

static int to_rtr(const struct bvi_channel_core *core, const struct bv_endpoint *peer)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = bvi_mtu_code(core->mtu),
		.dest_qp_num = peer->qpn,
		.rq_psn = peer->psn,
		.max_dest_rd_atomic = lower(core->local.responder_depth, peer->initiator_depth),
		.min_rnr_timer = core->min_rnr_timer,
		.ah_attr = {
			.dlid = peer->lid,
			.sl = core->attr.service_level,
			.port_num = core->attr.port,
			.is_global = !bvi_gid_is_zero(core->local.gid),
			.grh = {
				.sgid_index = (uint8_t)core->gid_index,
				.hop_limit = core->attr.hop_limit,
				.traffic_class = core->attr.traffic_class,
				.flow_label = core->attr.flow_label,
			},
		},
	};
	int rc;

	memcpy(attr.ah_attr.grh.dgid.raw, peer->gid, sizeof(peer->gid));
	rc = bv_rc(ibv_modify_qp(core->qp, &attr,
				 IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
					 IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
					 IBV_QP_MIN_RNR_TIMER));
	return rc < 0 ? fail_rtr(core, peer, rc) : 0;
}

static int rts_result(const struct bvi_channel_core *core, int rc)
{
	if (rc < 0)
		return bvi_fail(rc, "%s: the queue pair could not become ready to send: %s",
				core->pd->device->name, bvi_errno_text(rc));
	return 0;
}

static int to_rts(const struct bvi_channel_core *core)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.timeout = core->ack_timeout,
		.retry_cnt = core->attr.retry,
		.rnr_retry = core->attr.rnr_retry,
		.sq_psn = core->local.psn,
		.max_rd_atomic = (uint8_t)core->rd_atomic,
	};
	const int mask = IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			 IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC;

	return rts_result(core, bv_rc(ibv_modify_qp(core->qp, &attr, mask)));
}

/* After RTS: firmware changes the port of a queue pair that sends, and of no other. */
static int set_udp_sport(const struct bvi_channel_core *core)
{
	const struct bv_device *dev = core->pd->device;
	const uint16_t port = core->attr.udp_sport;
	int rc;

	if (port == 0)
		return 0;
	rc = dev->provider->set_udp_sport(core->qp, port);
	if (rc < 0)
		return bvi_fail(
			rc,
			"%s: the queue pair could not get the UDP source port %u: %s\nleave "
			"udp_sport 0, and set flow_label, of which drivers make the port",
			dev->name, port, bvi_errno_text(rc));
	return 0;
}

/* Receives that were posted come back as flushes: their buffers are the caller's again. */
static void give_up(struct bv_channel *ch)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };

	ibv_modify_qp(ch->core->qp, &attr, IBV_QP_STATE);
	ch->core->state = BV_CHANNEL_ERROR;
	bvi_channel_enter(ch, ch->core->error);
}

static void agree(struct bvi_channel_core *core, const struct bv_endpoint *peer)
{
	core->peer = *peer;
	core->mtu = lower_mtu(core->local.mtu, peer->mtu);
	core->rd_atomic = lower(core->local.initiator_depth, peer->responder_depth);
	core->ack_timeout = longer_ack_timeout(core->local.ack_timeout, peer->ack_timeout);
	core->min_rnr_timer = longer_rnr_timer(core->local.min_rnr_timer, peer->min_rnr_timer);
}

/* The channel is in RTS if @rc is 0. */
static int finish(struct bv_channel *ch, int rc)
{
	struct bvi_channel_core *core = ch->core;

	if (rc == 0)
		rc = set_udp_sport(core);
	if (rc < 0) {
		give_up(ch);
		return rc;
	}
	ch->atomics = core->rd_atomic > 0 && core->pd->device->limits.atomic_cap != IBV_ATOMIC_NONE;
	core->state = BV_CHANNEL_READY;
	bvi_channel_enter(ch, core->ready);
	return 0;
}

int bv_channel_connect(struct bv_channel *ch, const struct bv_endpoint *peer)
{
	struct bvi_channel_core *core;
	int rc;

	if (!ch || !peer)
		return bvi_fail(-EINVAL, "bv_channel_connect: an argument is NULL");
	core = ch->core;
	rc = check_state(core);
	if (rc < 0)
		return rc;
	rc = check_peer(core, peer);
	if (rc < 0)
		return rc;
	agree(core, peer);
	rc = to_rtr(core, peer);
	if (rc == 0)
		rc = to_rts(core);
	return finish(ch, rc);
}

int bvi_channel_adopt(struct bv_channel *ch, const struct bvi_connection *connection)
{
	struct bvi_channel_core *core = ch->core;
	struct ibv_qp_attr rtr = connection->rtr, rts = connection->rts;
	struct bv_endpoint peer = connection->peer;
	int rc;

	peer.qpn = rtr.dest_qp_num;
	peer.psn = rtr.rq_psn;
	peer.lid = rtr.ah_attr.dlid;
	peer.link_layer = core->link_layer;
	peer.mtu = lower_mtu(peer.mtu, bvi_mtu_bytes(rtr.path_mtu));
	memcpy(peer.gid, rtr.ah_attr.grh.dgid.raw, sizeof(peer.gid));
	core->gid_index = rtr.ah_attr.grh.sgid_index;
	memcpy(core->local.gid, connection->local_gid, sizeof(core->local.gid));
	core->local.psn = rts.sq_psn;
	agree(core, &peer);
	rtr.path_mtu = bvi_mtu_code(core->mtu);
	rtr.max_dest_rd_atomic = lower(core->local.responder_depth, peer.initiator_depth);
	rtr.min_rnr_timer = core->min_rnr_timer;
	rtr.ah_attr.grh.traffic_class = core->attr.traffic_class;
	rtr.ah_attr.grh.flow_label = core->attr.flow_label;
	rts.timeout = core->ack_timeout;
	rts.retry_cnt = core->attr.retry;
	rts.rnr_retry = core->attr.rnr_retry;
	rts.max_rd_atomic = (uint8_t)core->rd_atomic;
	rc = bv_rc(ibv_modify_qp(core->qp, &rtr, connection->rtr_mask));
	if (rc < 0)
		rc = fail_rtr(core, &peer, rc);
	else
		rc = rts_result(core, bv_rc(ibv_modify_qp(core->qp, &rts, connection->rts_mask)));
	return finish(ch, rc);
}
