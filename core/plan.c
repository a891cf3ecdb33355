/* SPDX-License-Identifier: MIT */
/*
 * Planning a channel. Providers get what passes here and check none of it again.
 */
#include "plan.h"

#include <string.h>

#include "endpoint.h"
#include "error.h"
#include "gid.h"
#include "mtu.h"
#include "provider.h"
#include "route.h"

#define UDP_SPORT_MIN 0xc000u
#define COMPLETIONS (BV_COMPLETIONS_COMPRESSED | BV_COMPLETIONS_INLINE | BV_COMPLETIONS_UNCHECKED)
#define ACCESS_OF_PEERS (BV_ACCESS_SHARED | BV_ACCESS_REMOTE_ATOMIC)

struct range {
	const char *name;
	uint64_t asked;
	uint64_t min;
	uint64_t max;
	const char *limit; /* what sets max */
};

static uint32_t lower(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Device limits are ints, and rubbish below zero means none. */
static uint32_t limit(int device_limit)
{
	return device_limit > 0 ? (uint32_t)device_limit : 0;
}

static uint32_t max_wr(const struct bv_device *dev)
{
	return lower(limit(dev->limits.max_qp_wr), limit(dev->limits.max_cqe));
}

/* Element counts are 16 bits in struct bv_channel. */
static uint32_t max_sge(const struct bv_device *dev)
{
	return lower(limit(dev->limits.max_sge), UINT16_MAX);
}

static int check_ranges(const struct bv_device *dev, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct range *r = &ranges[i];

		if (r->asked < r->min || r->asked > r->max)
			return bvi_fail(-EINVAL, "%s: %s is %llu; the limit is %llu..%llu (%s)",
					dev->name, r->name, (unsigned long long)r->asked,
					(unsigned long long)r->min, (unsigned long long)r->max,
					r->limit);
	}
	return 0;
}

static int check_attr(const struct bv_device *dev, const struct bv_channel_attr *attr)
{
	const char *wr = "the device's max_qp_wr and max_cqe", *sge = "the device's max_sge";
	const char *code = "IBTA";
	const struct range ranges[] = {
		{ "port", attr->port, 1, dev->limits.phys_port_cnt, "the device's ports" },
		{ "max_send", attr->max_send, 1, max_wr(dev), wr },
		{ "max_recv", attr->max_recv, 1, max_wr(dev), wr },
		{ "max_send_sge", attr->max_send_sge, 0, max_sge(dev), sge },
		{ "max_recv_sge", attr->max_recv_sge, 0, max_sge(dev), sge },
		{ "max_inline", attr->max_inline, 0, BVI_WHAT_N_MAX, "11 bits" },
		{ "spin_ns", (uint64_t)attr->spin_ns, 0, BV_FOREVER, "BV_FOREVER: never sleep" },
		{ "rd_atomic", attr->rd_atomic, 0, UINT8_MAX, "8 bits on the wire" },
		{ "rnr_retry", attr->rnr_retry, 0, 7, "7 is BV_RNR_RETRY_FOREVER" },
		{ "retry", attr->retry, 0, 7, code },
		{ "min_rnr_timer", attr->min_rnr_timer, 0, 31, "a code of bv_rnr_timer_code()" },
		{ "ack_timeout", attr->ack_timeout, 0, 31, "a code of bv_ack_timeout_code()" },
		{ "service_level", attr->service_level, 0, 15, code },
		{ "flow_label", attr->flow_label, 0, 0xfffff, "20 bits of the GRH" },
	};

	if (attr->access & ~ACCESS_OF_PEERS)
		return bvi_fail(-EINVAL,
				"%s: access is 0x%x; a channel has only local write and the "
				"BV_ACCESS_REMOTE_ flags: 0x%x",
				dev->name, attr->access, ACCESS_OF_PEERS);
	if (attr->access & BV_ACCESS_REMOTE_ATOMIC && dev->limits.atomic_cap == IBV_ATOMIC_NONE)
		return bvi_fail(-EOPNOTSUPP,
				"%s: access has BV_ACCESS_REMOTE_ATOMIC; the device has no atomics "
				"(atomic_cap of ibv_devinfo -v)",
				dev->name);
	if (attr->mtu != 0 && bvi_mtu_code(attr->mtu) == 0)
		return bvi_fail(-EINVAL,
				"%s: mtu is %u; it may be 256, 512, 1024, 2048, 4096, or 0 "
				"for the port's",
				dev->name, attr->mtu);
	/* The kernel's drivers keep to this range, too (IB_ROCE_UDP_ENCAP_VALID_PORT_MIN). */
	if (attr->udp_sport != 0 && attr->udp_sport < UDP_SPORT_MIN)
		return bvi_fail(
			-EINVAL,
			"%s: udp_sport is %u; it may be %u..65535, or 0 for the driver's choice",
			dev->name, attr->udp_sport, UDP_SPORT_MIN);
	if (attr->completions & ~COMPLETIONS)
		return bvi_fail(-EINVAL, "%s: completions is 0x%x; there are BV_COMPLETIONS_: 0x%x",
				dev->name, attr->completions, COMPLETIONS);
	if (attr->peer_gid[0] == 0xff)
		return bvi_fail(-EINVAL, "%s: peer_gid is a multicast one", dev->name);
	return check_ranges(dev, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

static int check_port_attr(const struct bv_device *dev, const struct bvi_plan *plan)
{
	const struct bv_channel_attr *attr = &plan->attr;
	const int pkeys = plan->port.pkey_tbl_len, gids = plan->port.gid_tbl_len;
	const struct range ranges[] = {
		{ "pkey_index", attr->pkey_index, 0, pkeys > 0 ? (uint64_t)pkeys - 1 : 0,
		  "the port's P_Key table" },
	};

	if (plan->port.state != IBV_PORT_ACTIVE)
		return bvi_fail(
			-ENETDOWN,
			"%s: port %u is %s, not ACTIVE: is the cable in, the switch "
			"port up, and on Ethernet the network interface (`ip link set … up`), "
			"on InfiniBand a subnet manager running?",
			dev->name, attr->port, ibv_port_state_str(plan->port.state));
	if (attr->gid_index != BV_GID_AUTO && (attr->gid_index < 0 || attr->gid_index >= gids))
		return bvi_fail(-EINVAL,
				"%s: gid_index is %d; it may be BV_GID_AUTO or 0..%d (the "
				"port's GID table)",
				dev->name, attr->gid_index, gids - 1);
	return check_ranges(dev, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

static int query_port(const struct bv_device *dev, struct bvi_plan *plan)
{
	int rc;

	memset(&plan->port, 0, sizeof(plan->port));
	rc = bv_rc(ibv_query_port(dev->context, plan->attr.port, &plan->port));
	if (rc < 0)
		return bvi_fail(rc, "%s: port %u cannot be queried: %s", dev->name, plan->attr.port,
				bvi_errno_text(rc));
	plan->link = bvi_link_layer(plan->port.link_layer);
	if (plan->link == BV_LINK_UNKNOWN)
		return bvi_fail(-EOPNOTSUPP, "%s: port %u is neither InfiniBand nor Ethernet",
				dev->name, plan->attr.port);
	return 0;
}

static int no_gid(const struct bv_device *dev, const struct bvi_gid_table *table,
		  const struct bvi_gid_wish *wish)
{
	char gid[BV_GID_TEXT_MAX], text[768];

	bvi_gid_table_text(table, wish, text, sizeof(text));
	if (wish->index != BV_GID_AUTO && !wish->peer)
		return bvi_fail(-EADDRNOTAVAIL,
				"%s: GID %d of port %u is empty or unusable; BV_GID_AUTO chooses "
				"one of:%s",
				dev->name, wish->index, wish->port, text);
	if (wish->index != BV_GID_AUTO)
		return bvi_fail(-EADDRNOTAVAIL,
				"%s: GID %d of port %u does not reach the peer %s; BV_GID_AUTO "
				"chooses one of:%s",
				dev->name, wish->index, wish->port, bv_gid_format(wish->peer, gid),
				text);
	if (wish->peer)
		return bvi_fail(-EADDRNOTAVAIL,
				"%s: port %u has no GID that reaches the peer %s: give its network "
				"interface an address of the same IP version%s",
				dev->name, wish->port, bv_gid_format(wish->peer, gid), text);
	return bvi_fail(-EADDRNOTAVAIL,
			"%s: port %u has no usable GID: give its network interface an address%s",
			dev->name, wish->port, text);
}

static int choose_gid(const struct bv_device *dev, struct bvi_plan *plan)
{
	const struct bv_channel_attr *attr = &plan->attr;
	struct bvi_gid_wish wish = {
		.port = attr->port,
		.link = plan->link,
		.index = attr->gid_index,
		.up = bvi_netdev_up,
	};
	const struct ibv_gid_entry *row;
	struct bvi_gid_table table;
	uint8_t source[16];
	int rc;

	rc = bvi_gid_table_read(dev->context, dev->limits.phys_port_cnt, &table);
	if (rc < 0)
		return bvi_fail(rc, "%s: the GID table cannot be read: %s", dev->name,
				bvi_errno_text(rc));
	if (plan->link == BV_LINK_ETHERNET && !bvi_gid_is_zero(attr->peer_gid)) {
		wish.peer = attr->peer_gid;
		wish.source = bvi_route_source(attr->peer_gid, source) == 0 ? source : NULL;
	}
	row = bvi_gid_choose(&table, &wish);
	if (row) {
		plan->gid_index = row->gid_index;
		memcpy(plan->gid, row->gid.raw, sizeof(plan->gid));
		plan->gid_type = bvi_gid_type(row, plan->link);
	} else {
		rc = no_gid(dev, &table, &wish);
	}
	bvi_gid_table_free(&table);
	return rc;
}

/* IBTA volume 1, 8.3: within a subnet the LID does; Ethernet has none, and a port may demand it. */
static bool needs_grh(const struct bvi_plan *plan)
{
	return plan->link == BV_LINK_ETHERNET || plan->attr.gid_index != BV_GID_AUTO ||
	       plan->port.flags & IBV_QPF_GRH_REQUIRED;
}

static int check_udp_sport(const struct bv_device *dev, const struct bvi_plan *plan)
{
	const uint16_t port = plan->attr.udp_sport;

	if (port == 0)
		return 0;
	if (plan->gid_type != BV_GID_ROCE_V2)
		return bvi_fail(
			-EOPNOTSUPP,
			"%s: udp_sport is %u, and GID %u of port %u is not of RoCE v2, which "
			"alone has UDP ports",
			dev->name, port, plan->gid_index, plan->attr.port);
	if (dev->provider->set_udp_sport(NULL, port) < 0)
		return bvi_fail(-EOPNOTSUPP,
				"%s: udp_sport is %u, and provider %s cannot set it: use provider "
				"mlx5, or flow_label, of which drivers make the port",
				dev->name, port, dev->provider->name);
	return 0;
}

/* Linux' rxe takes a count of 7 for retries without end (rxe_completer(), rxe_comp.c). */
#define ENDLESS_RETRY 7

static void lower_to_device(const struct bv_device *dev, struct bvi_plan *plan)
{
	struct bv_channel_attr *attr = &plan->attr;
	const uint32_t active = bvi_mtu_bytes(plan->port.active_mtu);

	attr->mtu = attr->mtu ? lower(attr->mtu, active) : active;
	plan->responder_depth = (uint8_t)lower(attr->rd_atomic, limit(dev->limits.max_qp_rd_atom));
	plan->initiator_depth =
		(uint8_t)lower(attr->rd_atomic, limit(dev->limits.max_qp_init_rd_atom));
	attr->rd_atomic = plan->initiator_depth;
	if (dev->kind == BV_DEVICE_SOFTWARE && attr->retry == ENDLESS_RETRY)
		attr->retry = ENDLESS_RETRY - 1;
}

static struct bv_channel_attr defaults(const struct bv_device *dev)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;

	attr.max_send = lower(attr.max_send, max_wr(dev));
	attr.max_recv = lower(attr.max_recv, max_wr(dev));
	attr.max_send_sge = lower(attr.max_send_sge, max_sge(dev));
	attr.max_recv_sge = lower(attr.max_recv_sge, max_sge(dev));
	return attr;
}

int bvi_plan_channel(const struct bv_device *dev, const struct bv_channel_attr *attr,
		     struct bvi_plan *plan)
{
	int rc;

	memset(plan, 0, sizeof(*plan));
	plan->attr = attr ? *attr : defaults(dev);
	rc = check_attr(dev, &plan->attr);
	if (rc < 0)
		return rc;
	rc = query_port(dev, plan);
	if (rc < 0)
		return rc;
	rc = check_port_attr(dev, plan);
	if (rc < 0)
		return rc;
	if (needs_grh(plan)) {
		rc = choose_gid(dev, plan);
		if (rc < 0)
			return rc;
	}
	rc = check_udp_sport(dev, plan);
	if (rc < 0)
		return rc;
	lower_to_device(dev, plan);
	plan->attr.wakeups |= plan->attr.spin_ns < BV_FOREVER;
	return 0;
}
