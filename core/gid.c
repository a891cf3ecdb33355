/* SPDX-License-Identifier: MIT */
/*
 * GIDs. A RoCE port has several: one per IP address and protocol version, at places that differ
 * from host to host; so the row is chosen by what it is and never by its number.
 */
#include "gid.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "error.h"

#include <bareverbs/channel.h>

enum scope {
	SCOPE_NONE,       /* empty or multicast */
	SCOPE_LOOPBACK,   /* reaches this host alone */
	SCOPE_LINK_LOCAL, /* reaches this subnet alone */
	SCOPE_GLOBAL,
	SCOPE_IPV4, /* IPv4-mapped; a private address is routed like any other */
};

static enum scope gid_scope(const uint8_t *raw)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t loopback[16] = { [15] = 1 };
	static const uint8_t none[16];

	if (memcmp(raw, none, 16) == 0 || raw[0] == 0xff)
		return SCOPE_NONE;
	if (memcmp(raw, loopback, 16) == 0)
		return SCOPE_LOOPBACK;
	if (memcmp(raw, mapped, 12) != 0)
		return raw[0] == 0xfe && (raw[1] & 0xc0) == 0x80 ? SCOPE_LINK_LOCAL : SCOPE_GLOBAL;
	if (raw[12] == 0)
		return SCOPE_NONE;
	if (raw[12] == 127)
		return SCOPE_LOOPBACK;
	return raw[12] == 169 && raw[13] == 254 ? SCOPE_LINK_LOCAL : SCOPE_IPV4;
}

/* RoCE v2 packets have one IP version, so both GIDs have (rdma_addr_find_l2_eth_by_grh in the kernel). */
static bool is_of_peers_family(const struct ibv_gid_entry *row, const struct bvi_gid_wish *wish)
{
	return !wish->peer || wish->link != BV_LINK_ETHERNET ||
	       row->gid_type != IBV_GID_TYPE_ROCE_V2 ||
	       bvi_gid_is_ipv4(row->gid.raw) == bvi_gid_is_ipv4(wish->peer);
}

static bool is_up(const struct ibv_gid_entry *row, const struct bvi_gid_wish *wish)
{
	return !wish->up || wish->up(row->ndev_ifindex);
}

/* The highest wins, 0 is unusable. Each weight is more than all below it. */
static unsigned int rank(const struct ibv_gid_entry *row, const struct bvi_gid_wish *wish)
{
	const enum scope scope = gid_scope(row->gid.raw);
	unsigned int sum = scope;

	if (scope == SCOPE_NONE || !is_of_peers_family(row, wish))
		return 0;
	if (row->gid_type == IBV_GID_TYPE_ROCE_V2)
		sum += 8;
	if (is_up(row, wish))
		sum += 16;
	if (wish->source && memcmp(row->gid.raw, wish->source, 16) == 0)
		sum += 32;
	return sum;
}

const struct ibv_gid_entry *bvi_gid_choose(const struct bvi_gid_table *table,
					   const struct bvi_gid_wish *wish)
{
	const bool by_rule = wish->index == BV_GID_AUTO && wish->link == BV_LINK_ETHERNET;
	const uint32_t index = wish->index == BV_GID_AUTO ? 0 : (uint32_t)wish->index;
	const struct ibv_gid_entry *best = NULL;

	for (uint32_t i = 0; i < table->count; i++) {
		const struct ibv_gid_entry *row = &table->rows[i];

		if (row->port_num != wish->port || rank(row, wish) == 0)
			continue;
		if (!by_rule && row->gid_index != index)
			continue;
		if (!best || rank(row, wish) > rank(best, wish))
			best = row;
	}
	return best;
}

static const char *type_text(uint32_t type)
{
	switch (type) {
	case IBV_GID_TYPE_IB:
		return "IB";
	case IBV_GID_TYPE_ROCE_V1:
		return "RoCE v1";
	case IBV_GID_TYPE_ROCE_V2:
		return "RoCE v2";
	default:
		return "unknown";
	}
}

static const char *verdict(const struct ibv_gid_entry *row, const struct bvi_gid_wish *wish)
{
	static const char *const texts[] = {
		[SCOPE_NONE] = "unusable",
		[SCOPE_LOOPBACK] = "usable on this host only",
		[SCOPE_LINK_LOCAL] = "usable, this subnet only",
		[SCOPE_GLOBAL] = "usable",
		[SCOPE_IPV4] = "usable",
	};

	const enum scope scope = gid_scope(row->gid.raw);

	if (wish->link != BV_LINK_ETHERNET && scope != SCOPE_NONE)
		return "usable";
	if (!wish->peer || scope <= SCOPE_LOOPBACK)
		return texts[scope];
	if (!is_of_peers_family(row, wish))
		return "not of the peer's IP version";
	if (scope == SCOPE_LINK_LOCAL && gid_scope(wish->peer) != SCOPE_LINK_LOCAL)
		return "would reach the peer in this subnet only";
	return "would reach the peer";
}

/* "eth0, ", "eth0 (down), ", or "". */
static const char *netdev_text(const struct ibv_gid_entry *row, const struct bvi_gid_wish *wish,
			       char *text, size_t size)
{
	char name[IF_NAMESIZE];

	text[0] = '\0';
	if (row->ndev_ifindex != 0 && if_indextoname(row->ndev_ifindex, name))
		snprintf(text, size, "%s%s, ", name, is_up(row, wish) ? "" : " (down)");
	return text;
}

const char *bvi_gid_table_text(const struct bvi_gid_table *table, const struct bvi_gid_wish *wish,
			       char *text, size_t size)
{
	size_t used = 0;

	snprintf(text, size, "\n  the GID table of port %u is empty", wish->port);
	for (uint32_t i = 0; i < table->count && used < size; i++) {
		const struct ibv_gid_entry *row = &table->rows[i];
		char gid[BV_GID_TEXT_MAX], netdev[IF_NAMESIZE + 16];
		int n;

		if (row->port_num != wish->port)
			continue;
		n = snprintf(text + used, size - used, "\n  gid %u: %s, %s, %s%s", row->gid_index,
			     bv_gid_format(row->gid.raw, gid), type_text(row->gid_type),
			     netdev_text(row, wish, netdev, sizeof(netdev)), verdict(row, wish));
		used += n > 0 ? (size_t)n : 0;
	}
	return text;
}

int bvi_gid_table_read(struct ibv_context *context, uint8_t nports, struct bvi_gid_table *table)
{
	struct ibv_port_attr attr;
	struct ibv_gid_entry *rows;
	size_t max = 0;
	ssize_t n;
	int rc;

	for (unsigned int port = 1; port <= nports; port++) {
		rc = bv_rc(ibv_query_port(context, (uint8_t)port, &attr));
		if (rc < 0)
			return rc;
		max += attr.gid_tbl_len > 0 ? (size_t)attr.gid_tbl_len : 0;
	}
	rows = calloc(max + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	n = max > 0 ? ibv_query_gid_table(context, rows, max, 0) : 0;
	if (n < 0) {
		free(rows);
		return (int)n;
	}
	table->rows = rows;
	table->count = (uint32_t)n;
	return 0;
}

void bvi_gid_table_free(struct bvi_gid_table *table)
{
	free(table->rows);
	table->rows = NULL;
	table->count = 0;
}

void bvi_gid_info(const struct ibv_gid_entry *row, struct bv_gid_info *info)
{
	char netdev[IF_NAMESIZE];

	memset(info, 0, sizeof(*info));
	memcpy(info->raw, row->gid.raw, sizeof(info->raw));
	info->index = row->gid_index;
	info->type = row->gid_type == IBV_GID_TYPE_ROCE_V2 ? BV_GID_ROCE_V2 :
		     row->gid_type == IBV_GID_TYPE_ROCE_V1 ? BV_GID_ROCE_V1 :
							     BV_GID_IB;
	if (row->ndev_ifindex != 0 && if_indextoname(row->ndev_ifindex, netdev))
		snprintf(info->netdev, sizeof(info->netdev), "%s", netdev);
}

enum bv_gid_type bvi_gid_type(const struct ibv_gid_entry *row, enum bv_link_layer link)
{
	if (link != BV_LINK_ETHERNET)
		return BV_GID_IB;
	return row->gid_type == IBV_GID_TYPE_ROCE_V2 ? BV_GID_ROCE_V2 : BV_GID_ROCE_V1;
}

enum bv_link_layer bvi_link_layer(uint8_t ibv_link_layer)
{
	switch (ibv_link_layer) {
	case IBV_LINK_LAYER_ETHERNET:
		return BV_LINK_ETHERNET;
	/* Drivers older than RoCE leave it unspecified (ibv_query_port(3)). */
	case IBV_LINK_LAYER_UNSPECIFIED:
	case IBV_LINK_LAYER_INFINIBAND:
		return BV_LINK_INFINIBAND;
	default:
		return BV_LINK_UNKNOWN;
	}
}

int bv_gid_parse(const char *text, uint8_t raw[16])
{
	uint8_t parsed[16] = { [10] = 0xff, [11] = 0xff };

	if (!text || !raw)
		return bvi_fail(-EINVAL, "bv_gid_parse: an argument is NULL");
	if (inet_pton(AF_INET, text, parsed + 12) != 1 && inet_pton(AF_INET6, text, parsed) != 1)
		return bvi_fail(-EINVAL, "\"%.64s\" is no IPv4 or IPv6 address, and no GID", text);
	memcpy(raw, parsed, sizeof(parsed));
	return 0;
}

const char *bv_gid_format(const uint8_t raw[16], char text[BV_GID_TEXT_MAX])
{
	static_assert(BV_GID_TEXT_MAX >= INET6_ADDRSTRLEN, "any address fits");

	return inet_ntop(AF_INET6, raw, text, BV_GID_TEXT_MAX);
}
