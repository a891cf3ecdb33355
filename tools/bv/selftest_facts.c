/* SPDX-License-Identifier: MIT */
/* Where the tests ran: versions, limits, the machine, the device, and what each provider does on it. */
#include "selftest.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <bareverbs/bareverbs.h>

#include "cpu.h"
#include "doctor.h"
#include "error.h"
#include "lane.h"
#include "names.h"

#define BUFFER_BYTES 4096

__attribute__((format(printf, 3, 4))) static void put(json_t *facts, const char *name,
						      const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_object_set_new(facts, name, json_string(text));
}

/* The file of the library that a symbol comes from: its name has the version. */
static void put_library(json_t *facts, const char *name, const char *symbol)
{
	void *at = dlsym(RTLD_DEFAULT, symbol);
	char path[PATH_MAX];
	const char *slash;
	Dl_info info;

	if (at == NULL || dladdr(at, &info) == 0 || realpath(info.dli_fname, path) == NULL) {
		put(facts, name, "not used");
		return;
	}
	slash = strrchr(path, '/');
	put(facts, name, "%s", slash != NULL ? slash + 1 : path);
}

static void put_limit(json_t *facts)
{
	struct rlimit limit;
	char soft[32] = "unlimited", hard[32] = "unlimited";

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return;
	if (limit.rlim_cur != RLIM_INFINITY)
		snprintf(soft, sizeof(soft), "%llu KiB", (unsigned long long)limit.rlim_cur >> 10);
	if (limit.rlim_max != RLIM_INFINITY)
		snprintf(hard, sizeof(hard), "%llu KiB", (unsigned long long)limit.rlim_max >> 10);
	put(facts, "locked memory", "soft limit %s, hard limit %s", soft, hard);
}

/* PRETTY_NAME="Debian GNU/Linux 12 (bookworm)" */
static void put_system(json_t *facts, const struct doctor *files)
{
	char text[4096];
	const char *name;

	if (!doctor_text(files, text, sizeof(text), "/etc/os-release"))
		return;
	name = strstr(text, "PRETTY_NAME=\"");
	if (name != NULL)
		put(facts, "system", "%.*s", (int)strcspn(name + 13, "\"\n"), name + 13);
}

static void put_machine(json_t *facts, const struct selftest *selftest)
{
	const struct doctor files = { .root = "" };
	struct utsname name;
	char nodes[64];

	put(facts, "bareverbs", "%s, library %s", BV_VERSION_STRING, bv_version());
	put(facts, "tests", "%s", selftest->suite_version);
	put_library(facts, "libibverbs", "ibv_get_device_list");
	put_library(facts, "libmlx5", "mlx5dv_is_supported");
	if (uname(&name) == 0)
		put(facts, "kernel", "%s %s, %s", name.sysname, name.release, name.machine);
	put_system(facts, &files);
	put(facts, "cpu", "%s, %u usable", cpu_model(), cpu_count());
	if (doctor_line(&files, nodes, sizeof(nodes), "/sys/devices/system/node/online"))
		put(facts, "NUMA nodes", "%s", nodes);
	put_limit(facts);
}

static void put_port(json_t *facts, const struct bv_port_info *port)
{
	put(facts, "port", "%u: %s, %s, MTU %u of %u, %u GIDs", port->num,
	    name_of_state(port->state), name_of_link(port->link_layer), port->active_mtu,
	    port->max_mtu, port->ngids);
}

static void put_device(json_t *facts, const struct selftest *selftest,
		       const struct bv_device_info *info)
{
	const struct doctor files = { .root = "" };
	const char *note = select_kind_note(info->kind);
	char guid[BV_GUID_TEXT_MAX], text[128];

	put(facts, "device", "%s: %s%s%s", info->name, select_kind_name(info->kind),
	    note != NULL ? ", " : "", note != NULL ? note : "");
	put(facts, "device ids", "vendor 0x%04x, part %u", info->vendor_id, info->part_id);
	put(facts, "node GUID", "%s", bv_guid_format(info->guid, guid));
	put(facts, "firmware", "%s", info->firmware);
	if (doctor_line(&files, text, sizeof(text), "/sys/class/infiniband/%s/board_id",
			info->name))
		put(facts, "board", "%s", text);
	put(facts, "device limits",
	    "%u works of a queue, %u elements of a list, %u reads in flight", info->max_wr,
	    info->max_sge, info->max_rd_atomic);
	if (doctor_line(&files, text, sizeof(text), "/sys/class/infiniband/%s/device/numa_node",
			info->name))
		put(facts, "device's NUMA node", "%s", text);
	for (uint32_t i = 0; i < info->nports; i++)
		if (info->ports[i].num == selftest->options->where.port)
			put_port(facts, &info->ports[i]);
}

static void put_gid(json_t *facts, const struct bv_device_info *info,
		    const struct bv_channel_info *channel, unsigned number)
{
	char text[BV_GID_TEXT_MAX];

	for (uint32_t p = 0; p < info->nports; p++) {
		const struct bv_port_info *port = &info->ports[p];

		for (uint32_t i = 0; port->num == number && i < port->ngids; i++)
			if (port->gids[i].index == channel->gid_index)
				put(facts, "GID row", "%u: %s, %s, %s", channel->gid_index,
				    name_of_gid_type(port->gids[i].type),
				    bv_gid_format(port->gids[i].raw, text), port->gids[i].netdev);
	}
}

/* What a channel of the provider says of itself, or why there is none. */
static void put_provider(json_t *facts, const struct selftest *selftest,
			 const struct bv_device_info *info, const char *provider)
{
	struct bv_channel_attr attr = BV_CHANNEL_ATTR_DEFAULT;
	struct lane lane;
	char name[32];
	int rc;

	snprintf(name, sizeof(name), "provider %s", provider);
	attr.port = selftest->options->where.port;
	attr.gid_index = selftest->options->where.gid_index;
	rc = lane_open(&lane, info->name, provider);
	if (rc == 0)
		rc = lane_channel(&lane, BUFFER_BYTES, &attr);
	if (rc == 0) {
		put(facts, name, "%s", lane.info.data_path);
		put_gid(facts, info, &lane.info, attr.port);
	} else {
		put(facts, name, "%s", fail_text());
	}
	lane_close(&lane);
}

json_t *selftest_facts(const struct selftest *selftest)
{
	const struct selection *selection = &selftest->selection;
	json_t *facts = json_object();
	struct bv_device_info *list;
	const int n = bv_device_list(&list);

	put_machine(facts, selftest);
	for (int i = 0; i < n; i++) {
		if (strcmp(list[i].name, selection->device) != 0)
			continue;
		put_device(facts, selftest, &list[i]);
		for (uint32_t j = 0; j < selection->nproviders; j++)
			put_provider(facts, selftest, &list[i], selection->provider[j]);
	}
	if (n > 0)
		bv_device_list_free(list);
	return facts;
}
