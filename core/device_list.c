/* SPDX-License-Identifier: MIT */
/*
 * The devices of the machine, with everything a person asks first: ports, GIDs, and which provider
 * would drive them and why. A device that cannot be opened is listed with the reason.
 *
 * The array is what the caller sees; the count before it is what freeing needs.
 */
#include <bareverbs/device.h>

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "error.h"
#include "gid.h"
#include "mtu.h"
#include "select.h"

struct list {
	int count;
	struct bv_device_info infos[];
};

static_assert((int)BV_PORT_ACTIVE_DEFER == (int)IBV_PORT_ACTIVE_DEFER &&
		      (int)BV_PORT_ACTIVE == (int)IBV_PORT_ACTIVE &&
		      (int)BV_PORT_DOWN == (int)IBV_PORT_DOWN,
	      "enum bv_port_state has the values of enum ibv_port_state");

/* ports is one block: all ports, then all their GIDs. */
static int add_ports(struct ibv_context *context, uint8_t nports, struct bv_device_info *info)
{
	struct bvi_gid_table table;
	struct bv_port_info *ports;
	struct bv_gid_info *gids;
	int rc;

	rc = bvi_gid_table_read(context, nports, &table);
	if (rc < 0)
		return rc;
	ports = calloc(1, nports * sizeof(*ports) + table.count * sizeof(*gids) + 1);
	if (!ports) {
		bvi_gid_table_free(&table);
		return -ENOMEM;
	}
	gids = (struct bv_gid_info *)(ports + nports);
	for (uint8_t i = 0; i < nports; i++) {
		ports[i].num = (uint8_t)(i + 1);
		ports[i].gids = gids;
		for (uint32_t row = 0; row < table.count; row++)
			if (table.rows[row].port_num == i + 1u)
				bvi_gid_info(&table.rows[row], &gids[ports[i].ngids++]);
		gids += ports[i].ngids;
	}
	bvi_gid_table_free(&table);
	info->ports = ports;
	info->nports = nports;
	return 0;
}

static int describe_ports(struct ibv_context *context, const struct bv_device_info *info)
{
	/* The array is ours; only the caller sees it const. */
	struct bv_port_info *ports = (struct bv_port_info *)(uintptr_t)info->ports;
	struct ibv_port_attr attr;
	int rc;

	for (uint32_t i = 0; i < info->nports; i++) {
		struct bv_port_info *port = &ports[i];

		rc = bv_rc(ibv_query_port(context, port->num, &attr));
		if (rc < 0)
			return rc;
		port->state = (enum bv_port_state)attr.state;
		port->link_layer = bvi_link_layer(attr.link_layer);
		port->lid = port->link_layer == BV_LINK_ETHERNET ? 0 : attr.lid;
		port->active_mtu = bvi_mtu_bytes(attr.active_mtu);
		port->max_mtu = bvi_mtu_bytes(attr.max_mtu);
		port->max_msg = attr.max_msg_sz;
	}
	return 0;
}

static int add_providers(struct ibv_device *ibdev, struct ibv_context *context,
			 struct bv_device_info *info)
{
	struct bv_provider_info *providers = calloc(BVI_PROVIDERS_MAX, sizeof(*providers));

	if (!providers)
		return -ENOMEM;
	info->nproviders = bvi_probe(ibdev, context, providers);
	info->providers = providers;
	return 0;
}

static int describe_open(struct ibv_device *ibdev, struct ibv_context *context,
			 struct bv_device_info *info)
{
	struct ibv_device_attr attr;
	int rc;

	rc = bv_rc(ibv_query_device(context, &attr));
	if (rc < 0)
		return rc;
	info->kind = bvi_ibv_kind(ibdev, &attr);
	info->vendor_id = attr.vendor_id;
	info->part_id = attr.vendor_part_id;
	rc = add_ports(context, attr.phys_port_cnt, info);
	if (rc < 0)
		return rc;
	rc = describe_ports(context, info);
	if (rc < 0)
		return rc;
	rc = add_providers(ibdev, context, info);
	if (rc < 0)
		return rc;
	snprintf(info->firmware, sizeof(info->firmware), "%s", attr.fw_ver);
	info->max_wr = attr.max_qp_wr > 0 ? (uint32_t)attr.max_qp_wr : 0;
	info->max_sge = attr.max_sge > 0 ? (uint32_t)attr.max_sge : 0;
	info->max_rd_atomic = attr.max_qp_rd_atom > 0 ? (uint32_t)attr.max_qp_rd_atom : 0;
	return 0;
}

static void forget(struct bv_device_info *info)
{
	free((void *)(uintptr_t)info->ports);
	free((void *)(uintptr_t)info->providers);
	info->ports = NULL;
	info->nports = 0;
	info->providers = NULL;
	info->nproviders = 0;
}

/* Only -ENOMEM is the list's failure; any other is the device's, and is told in its entry. */
static int describe(struct ibv_device *ibdev, struct bv_device_info *info)
{
	struct ibv_context *context;
	int rc;

	snprintf(info->name, sizeof(info->name), "%s", ibv_get_device_name(ibdev));
	/* libibverbs gives the GUID in network order. */
	info->guid = be64toh(ibv_get_device_guid(ibdev));
	info->kind = bvi_ibv_kind(ibdev, NULL);
	info->open_error =
		bvi_ibv_open(ibdev, &context, info->open_error_text, sizeof(info->open_error_text));
	if (info->open_error < 0)
		return 0;
	rc = describe_open(ibdev, context, info);
	ibv_close_device(context);
	if (rc == 0)
		return 0;
	forget(info);
	if (rc == -ENOMEM)
		return rc;
	info->open_error = rc;
	snprintf(info->open_error_text, sizeof(info->open_error_text),
		 "could not be queried: %s; the kernel log (dmesg) may say more",
		 bvi_errno_text(rc));
	return 0;
}

static int describe_all(struct ibv_device **devices, int count, struct bv_device_info **out)
{
	struct list *list = calloc(1, sizeof(*list) + (size_t)count * sizeof(list->infos[0]));

	if (!list)
		return bvi_fail(-ENOMEM, "no memory for a list of %d devices", count);
	list->count = count;
	for (int i = 0; i < count; i++) {
		if (describe(devices[i], &list->infos[i]) < 0) {
			bv_device_list_free(list->infos);
			return bvi_fail(-ENOMEM, "no memory to describe %d devices", count);
		}
	}
	*out = list->infos;
	return count;
}

int bv_device_list(struct bv_device_info **list)
{
	struct ibv_device **devices;
	int rc, count;

	if (!list)
		return bvi_fail(-EINVAL, "bv_device_list: list is NULL");
	rc = bvi_ibv_devices(&devices, &count);
	if (rc < 0)
		return rc;
	if (count > 0)
		rc = describe_all(devices, count, list);
	else
		*list = NULL;
	if (devices)
		ibv_free_device_list(devices);
	return rc;
}

void bv_device_list_free(struct bv_device_info *infos)
{
	struct list *list;

	if (!infos)
		return;
	list = (struct list *)(void *)((char *)infos - offsetof(struct list, infos));
	for (int i = 0; i < list->count; i++)
		forget(&list->infos[i]);
	free(list);
}

const char *bv_guid_format(uint64_t guid, char text[BV_GUID_TEXT_MAX])
{
	snprintf(text, BV_GUID_TEXT_MAX, "%04x:%04x:%04x:%04x", (unsigned int)(guid >> 48),
		 (unsigned int)(guid >> 32 & 0xffff), (unsigned int)(guid >> 16 & 0xffff),
		 (unsigned int)(guid & 0xffff));
	return text;
}
