/* SPDX-License-Identifier: MIT */
/*
 * bv info: what bv_device_list() knows, and the GID row that a channel would take. That row is not
 * worked out here: a channel is made on the port and asked.
 */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bareverbs/bareverbs.h>

#include "command.h"
#include "error.h"
#include "json_out.h"
#include "names.h"
#include "select.h"

struct options {
	const char *device;
	bool json;
};

/* The provider that the library takes if it is left the choice and $BV_PROVIDER says nothing. */
static const char *best_provider(const struct bv_device_info *info)
{
	const struct bv_provider_info *best = NULL;

	for (uint32_t i = 0; i < info->nproviders; i++)
		if (info->providers[i].score > (best != NULL ? best->score : 0))
			best = &info->providers[i];
	return best != NULL ? best->name : NULL;
}

/* The GID row in use by a channel on a port, or -errno. It is the same for every provider. */
static int chosen_gid(const struct bv_device_info *info, const struct bv_port_info *port)
{
	const struct bv_open_opts opts = { .provider = best_provider(info) };
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	struct bv_channel_info channel;
	struct bv_device *device;
	struct bv_channel *ch;
	struct bv_pd *pd;
	int rc;

	if (port->state != BV_PORT_ACTIVE)
		return -ENETDOWN;
	attr.port = port->num;
	attr.max_send = attr.max_recv = attr.max_send_sge = attr.max_recv_sge = 1;
	attr.max_inline = 0;
	rc = bv_open(info->name, &opts, &device);
	if (rc < 0)
		return rc;
	rc = bv_pd_alloc(device, &pd);
	if (rc < 0)
		goto close_device;
	rc = bv_channel_create(pd, &attr, &ch);
	if (rc < 0)
		goto free_pd;
	bv_channel_query(ch, &channel);
	bv_channel_destroy(ch);
	rc = (int)channel.gid_index;
free_pd:
	bv_pd_free(pd);
close_device:
	bv_close(device);
	return rc;
}

static void print_port(const struct bv_device_info *info, const struct bv_port_info *port)
{
	const int chosen = chosen_gid(info, port);
	char text[BV_GID_TEXT_MAX];

	printf("  port %u: %s, %s, MTU %u of %u, LID %u, messages to %u MiB\n", port->num,
	       name_of_state(port->state), name_of_link(port->link_layer), port->active_mtu,
	       port->max_mtu, port->lid, port->max_msg >> 20);
	for (uint32_t i = 0; i < port->ngids; i++) {
		const struct bv_gid_info *gid = &port->gids[i];

		printf("  %s GID %-3u %-8s %-39s %s\n", (int)gid->index == chosen ? ">" : " ",
		       gid->index, name_of_gid_type(gid->type), bv_gid_format(gid->raw, text),
		       gid->netdev);
	}
	if (chosen >= 0)
		printf("    (> is what a channel takes by itself)\n");
	else if (port->state != BV_PORT_ACTIVE)
		printf("    no channel can use this port until it is ACTIVE: check cable, switch port "
		       "and `ip link`\n");
	else
		printf("    no GID can be used: %s\n", bv_error_text(NULL));
}

static void print_device(const struct bv_device_info *info)
{
	char text[BV_GUID_TEXT_MAX];
	const char *note = select_kind_note(info->kind);

	printf("%s\n", info->name);
	printf("  kind: %s%s%s\n", select_kind_name(info->kind), note != NULL ? ", " : "",
	       note != NULL ? note : "");
	printf("  node GUID %s, vendor 0x%04x, part %u", bv_guid_format(info->guid, text),
	       info->vendor_id, info->part_id);
	if (info->open_error != 0) {
		printf("\n  cannot be opened: %s\n", info->open_error_text);
		return;
	}
	printf(", firmware %s\n", info->firmware);
	printf("  limits: %u works of a queue, %u elements of a list, %u reads in flight\n",
	       info->max_wr, info->max_sge, info->max_rd_atomic);
	for (uint32_t i = 0; i < info->nproviders; i++) {
		const struct bv_provider_info *provider = &info->providers[i];

		printf("  provider %-6s %s (score %d): %s\n", provider->name,
		       provider->score > 0 ? "yes" : "no", provider->score, provider->why);
	}
	for (uint32_t i = 0; i < info->nports; i++)
		print_port(info, &info->ports[i]);
}

static json_t *gids_json(const struct bv_port_info *port, int chosen)
{
	json_t *list = json_array();
	char text[BV_GID_TEXT_MAX];

	for (uint32_t i = 0; i < port->ngids; i++) {
		const struct bv_gid_info *gid = &port->gids[i];

		json_array_append_new(
			list, json_pack("{s:i, s:s, s:s, s:s, s:b}", "index", (int)gid->index,
					"gid", bv_gid_format(gid->raw, text), "type",
					name_of_gid_type(gid->type), "netdev", gid->netdev,
					"chosen", (int)gid->index == chosen));
	}
	return list;
}

static json_t *ports_json(const struct bv_device_info *info)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < info->nports; i++) {
		const struct bv_port_info *port = &info->ports[i];

		json_array_append_new(list,
				      json_pack("{s:i, s:s, s:s, s:i, s:i, s:i, s:I, s:o}", "port",
						port->num, "state", name_of_state(port->state),
						"link_layer", name_of_link(port->link_layer), "lid",
						(int)port->lid, "active_mtu", (int)port->active_mtu,
						"max_mtu", (int)port->max_mtu, "max_msg",
						(json_int_t)port->max_msg, "gids",
						gids_json(port, chosen_gid(info, port))));
	}
	return list;
}

static json_t *providers_json(const struct bv_device_info *info)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < info->nproviders; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:i, s:s}", "name", info->providers[i].name, "score",
					info->providers[i].score, "why", info->providers[i].why));
	return list;
}

static json_t *device_json(const struct bv_device_info *info)
{
	char guid[BV_GUID_TEXT_MAX];

	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:o, s:o}", "name",
			 info->name, "kind", select_kind_name(info->kind), "guid",
			 bv_guid_format(info->guid, guid), "firmware", info->firmware, "vendor_id",
			 (json_int_t)info->vendor_id, "part_id", (json_int_t)info->part_id,
			 "open_error", info->open_error_text, "max_wr", (json_int_t)info->max_wr,
			 "max_sge", (json_int_t)info->max_sge, "max_rd_atomic",
			 (json_int_t)info->max_rd_atomic, "ports", ports_json(info), "providers",
			 providers_json(info));
}

static int write_json(const struct bv_device_info *list, int n)
{
	struct json_out out;
	json_t *root = json_out_root("bv info");
	json_t *devices = json_array();
	int rc = json_out_open(&out, "-");

	for (int i = 0; i < n; i++)
		json_array_append_new(devices, device_json(&list[i]));
	json_object_set_new(root, "devices", devices);
	return rc == 0 ? json_out_write(&out, root) : rc;
}

static int show(const struct options *options)
{
	struct bv_device_info *list;
	int n = bv_device_list(&list);
	int first = 0;
	int rc = 0;

	if (n < 0)
		return fail_bv(n, NULL, "cannot list the RDMA devices");
	if (n == 0)
		return select_no_device();
	if (options->device != NULL)
		first = rc = select_find(list, n, options->device);
	if (rc >= 0 && options->device != NULL)
		n = 1;
	if (rc >= 0 && options->json) {
		rc = write_json(list + first, n);
	} else if (rc >= 0) {
		for (int i = 0; i < n; i++)
			print_device(&list[first + i]);
	}
	if (rc >= 0)
		rc = select_environment(list + first, n);
	bv_device_list_free(list);
	return rc < 0 ? rc : 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'j':
		options->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (options->device != NULL)
			argp_error(state, "one device at most");
		options->device = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int info_main(int argc, char **argv)
{
	static const struct argp_option list[] = {
		{ "json", 'j', NULL, 0, "Print JSON instead of text", 0 },
		{ 0 },
	};
	static const struct argp argp = { list,
					  parse,
					  "[DEVICE]",
					  "Shows the RDMA devices of this machine, their ports and "
					  "GIDs, and which providers can drive them.",
					  NULL,
					  NULL,
					  NULL };
	struct options options = { .json = false };

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (show(&options) == 0)
		return EXIT_OK;
	fprintf(stderr, "bv info: %s\n", fail_text());
	return EXIT_FAILED;
}
