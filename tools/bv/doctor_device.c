/* SPDX-License-Identifier: MIT */
/* Devices: there at all, allowed, their ports, links, frames, GIDs, and which CPUs are near. */
#include "doctor.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "select.h"

#define DEVICES_MAX 64
#define SYS "/sys/class/infiniband/%s"

static void modules(struct doctor *d)
{
	static const struct {
		const char *name;
		const char *what;
		const char *remedy;
		enum doctor_level level;
	} needed[] = {
		{ "ib_uverbs", "programs cannot open devices", "`modprobe ib_uverbs`",
		  DOCTOR_FAILURE },
		{ "rdma_ucm", "librdmacm cannot connect", "`modprobe rdma_ucm`", DOCTOR_NOTE },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (doctor_exists(d, "/sys/module/%s", needed[i].name))
			doctor_add(d, DOCTOR_OK, "modules", NULL, NULL, "%s is loaded",
				   needed[i].name);
		else
			doctor_add(d, needed[i].level, "modules", NULL, needed[i].remedy,
				   "%s is not loaded: %s", needed[i].name, needed[i].what);
	}
}

static void permissions(struct doctor *d)
{
	static char files[DEVICES_MAX][DOCTOR_NAME_MAX];
	const size_t n = doctor_folder(d, files, DEVICES_MAX, "/dev/infiniband");
	size_t seen = 0, denied = 0;

	for (size_t i = 0; i < n; i++) {
		char path[4096];

		if (strncmp(files[i], "uverbs", 6) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/dev/infiniband/%.*s", d->root, DOCTOR_NAME_MAX,
			 files[i]);
		seen++;
		denied += access(path, R_OK | W_OK) != 0;
	}
	if (denied > 0)
		doctor_add(d, DOCTOR_FAILURE, "permissions", NULL,
			   "join the group that owns them (`ls -l /dev/infiniband`), or add a udev "
			   "rule with MODE=\"0666\"",
			   "%zu of %zu files /dev/infiniband/uverbs* may not be read and written",
			   denied, seen);
	else if (seen > 0)
		doctor_add(d, DOCTOR_OK, "permissions", NULL, NULL,
			   "/dev/infiniband/uverbs*: %zu, all open to this process", seen);
	else
		doctor_add(d, DOCTOR_FAILURE, "permissions", NULL,
			   "in a container: `docker run --device=/dev/infiniband`; else `modprobe "
			   "ib_uverbs`",
			   "there is a device, but no file /dev/infiniband/uverbs*");
}

static void firmware(struct doctor *d, const char *name)
{
	char version[64], board[64], driver[256] = "";

	if (!doctor_line(d, version, sizeof(version), SYS "/fw_ver", name))
		snprintf(version, sizeof(version), "unknown");
	doctor_line(d, board, sizeof(board), SYS "/board_id", name);
	doctor_line(d, driver, sizeof(driver), SYS "/device/uevent", name);
	doctor_add(d, DOCTOR_OK, "firmware", name, NULL, "%s%s%s%s%s", version,
		   board[0] != '\0' ? ", board " : "", board, driver[0] != '\0' ? ", " : "",
		   driver);
}

/* Usable bits of a lane in Mb/s for each GT/s: 8b/10b up to 5 GT/s, 128b/130b from 8 on. */
static double lane_mbits(double gts)
{
	return gts * 1000 * (gts < 8 ? 0.8 : 128.0 / 130);
}

static double speed_of(const struct doctor *d, const char *name, const char *file)
{
	char text[64];

	return doctor_line(d, text, sizeof(text), SYS "/device/%s", name, file) ? atof(text) : 0;
}

static void pcie(struct doctor *d, const char *name)
{
	const double now = speed_of(d, name, "current_link_speed");
	const double best = speed_of(d, name, "max_link_speed");
	const long long lanes = doctor_number(d, 0, SYS "/device/current_link_width", name);
	const long long most = doctor_number(d, 0, SYS "/device/max_link_width", name);
	const double gbits = lane_mbits(now) * (double)lanes / 1000;
	const double rate = (double)doctor_number(d, 0, SYS "/ports/1/rate", name);

	if (now == 0 || lanes == 0)
		return;
	if (now < best || lanes < most)
		doctor_add(
			d, DOCTOR_WARNING, "pcie", name,
			"seat the card in a slot of full width, and see the BIOS for link speed and "
			"bifurcation",
			"runs at %.1f GT/s x%lld; the card can %.1f GT/s x%lld", now, lanes, best,
			most);
	else if (rate > gbits)
		doctor_add(d, DOCTOR_WARNING, "pcie", name,
			   "use a wider or faster slot, if bandwidth matters",
			   "%.1f GT/s x%lld carries %.0f Gb/s, the port %.0f Gb/s", now, lanes,
			   gbits, rate);
	else
		doctor_add(d, DOCTOR_OK, "pcie", name, NULL, "%.1f GT/s x%lld, %.0f Gb/s", now,
			   lanes, gbits);
}

/* Whether this process may run on a CPU of the device's node. */
static bool runs_near(const struct doctor *d, const char *cpus)
{
	cpu_set_t set;

	if (d->cpu >= 0)
		return doctor_in_cpulist(cpus, (unsigned)d->cpu);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return true;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && !doctor_in_cpulist(cpus, cpu))
			return false;
	return true;
}

static void numa(struct doctor *d, const char *name)
{
	const long long node = doctor_number(d, -1, SYS "/device/numa_node", name);
	char cpus[512] = "";

	doctor_line(d, cpus, sizeof(cpus), SYS "/device/local_cpulist", name);
	if (node < 0)
		doctor_add(d, DOCTOR_OK, "numa", name, NULL, "of no NUMA node: all CPUs are alike");
	else if (runs_near(d, cpus))
		doctor_add(d, DOCTOR_OK, "numa", name, NULL,
			   "node %lld, CPUs %s, and this process runs there", node, cpus);
	else
		doctor_add(d, DOCTOR_WARNING, "numa", name,
			   "`numactl --cpunodebind=N --membind=N program`, N being that node",
			   "node %lld, CPUs %s; %s: memory and doorbells cross between nodes", node,
			   cpus,
			   d->cpu >= 0 ? "the core of --cpu is not among them" :
					 "this process may run elsewhere");
}

/* Headers of RoCE v2 over IPv6 with VLAN, beside the payload of a frame: 40 + 8 + 12 + 16 + 4 + 4. */
#define ROCE_HEADERS 84

static void frames(struct doctor *d, const char *name, const char *netdev)
{
	const long long mtu = doctor_number(d, 0, SYS "/device/net/%s/mtu", name, netdev);
	long long roce = 256;

	if (mtu == 0)
		return;
	while (roce < 4096 && roce * 2 + ROCE_HEADERS <= mtu)
		roce *= 2;
	if (roce < 4096)
		doctor_add(d, DOCTOR_NOTE, "mtu", name,
			   "`ip link set IFACE mtu 4200` or more (9000), on both hosts and the "
			   "switches in between: RoCE then uses 4096",
			   "%s has MTU %lld: RoCE packets carry at most %lld bytes", netdev, mtu,
			   roce);
	else
		doctor_add(d, DOCTOR_OK, "mtu", name, NULL, "%s has MTU %lld: room for 4096",
			   netdev, mtu);
}

static bool is_link_local(const char *gid)
{
	return strncmp(gid, "fe80:", 5) == 0;
}

static void gids(struct doctor *d, const char *name, const char *port)
{
	size_t filled = 0, global = 0, v2 = 0;

	for (size_t i = 0; doctor_exists(d, SYS "/ports/%s/gids/%zu", name, port, i); i++) {
		char gid[64], type[32];

		if (!doctor_line(d, gid, sizeof(gid), SYS "/ports/%s/gids/%zu", name, port, i) ||
		    strspn(gid, "0:") == strlen(gid))
			continue;
		filled++;
		global += !is_link_local(gid);
		doctor_line(d, type, sizeof(type), SYS "/ports/%s/gid_attrs/types/%zu", name, port,
			    i);
		v2 += strstr(type, "v2") != NULL;
	}
	if (filled == 0)
		doctor_add(
			d, DOCTOR_FAILURE, "gids", name,
			"give the network interface an address and set it up: `ip addr add`, `ip "
			"link set … up`",
			"port %s has no GID: RoCE cannot be addressed", port);
	else if (v2 == 0)
		doctor_add(d, DOCTOR_WARNING, "gids", name,
			   "`cma_roce_mode`, or the driver's roce settings, choose RoCE v2",
			   "port %s has %zu GIDs, none of RoCE v2: routers do not pass v1", port,
			   filled);
	else if (global == 0)
		doctor_add(d, DOCTOR_WARNING, "gids", name,
			   "give the network interface an IPv4 or a global IPv6 address",
			   "port %s has link-local GIDs only: they reach no other subnet", port);
	else
		doctor_add(d, DOCTOR_OK, "gids", name, NULL,
			   "port %s has %zu GIDs, %zu of RoCE v2 (`bv info` marks the one in use)",
			   port, filled, v2);
}

static void flow_control(struct doctor *d, const char *name)
{
	doctor_add(
		d, DOCTOR_NOTE, "flow-control", name,
		"see `mlnx_qos -i IFACE` or `dcb pfc show dev IFACE`, and the switch: RoCE loses "
		"packets\nunder load without PFC or ECN, and each loss costs a time-out",
		"PFC and ECN cannot be judged from this host alone");
}

static void ethernet(struct doctor *d, const char *name, const char *port)
{
	char netdevs[8][DOCTOR_NAME_MAX];
	const size_t n = doctor_folder(d, netdevs, 8, SYS "/device/net", name);

	for (size_t i = 0; i < n; i++)
		frames(d, name, netdevs[i]);
	gids(d, name, port);
	if (!d->emulated)
		flow_control(d, name);
}

static void port(struct doctor *d, const char *name, const char *number)
{
	char state[32], link[32], rate[64];
	const char *remedy;

	doctor_line(d, state, sizeof(state), SYS "/ports/%s/state", name, number);
	doctor_line(d, link, sizeof(link), SYS "/ports/%s/link_layer", name, number);
	doctor_line(d, rate, sizeof(rate), SYS "/ports/%s/rate", name, number);
	if (strstr(state, "ACTIVE") == NULL) {
		remedy =
			strcmp(link, "Ethernet") == 0 ?
				"is the cable in, the switch port up, the interface up (`ip link set … "
				"up`)?" :
				"is the cable in, and a subnet manager running (opensm)?";
		doctor_add(d, DOCTOR_FAILURE, "port", name, remedy, "port %s is %s (%s)", number,
			   state[0] != '\0' ? state : "unknown", link);
		return;
	}
	doctor_add(d, DOCTOR_OK, "port", name, NULL, "port %s is ACTIVE, %s, %s", number, link,
		   rate);
	if (strcmp(link, "Ethernet") == 0)
		ethernet(d, name, number);
}

/* Linux: include/rdma/ib_verbs.h, RDMA_NODE_RNIC, and drivers/infiniband/core/sysfs.c, node_type. */
static bool is_iwarp(const struct doctor *d, const char *name)
{
	char type[32];

	return doctor_line(d, type, sizeof(type), SYS "/node_type", name) && type[0] == '4';
}

static void device(struct doctor *d, const char *name)
{
	char ports[16][DOCTOR_NAME_MAX];
	const size_t n = doctor_folder(d, ports, 16, SYS "/ports", name);

	if (is_iwarp(d, name)) {
		doctor_add(
			d, DOCTOR_WARNING, "transport", name,
			"choose a device of RoCE or InfiniBand (`bv info` lists them), or make one in\n"
			"software: `rdma link add rxe0 type rxe netdev IFACE`",
			"iWARP: rdma_cm alone connects its queue pairs, and no provider drives it");
		return;
	}
	firmware(d, name);
	if (!d->emulated) {
		pcie(d, name);
		doctor_doorbells(d, name);
		numa(d, name);
	}
	for (size_t i = 0; i < n; i++)
		port(d, name, ports[i]);
}

/* From the library if it is asked, else from the tree. */
static size_t names_of(const struct doctor *d, char (*names)[DOCTOR_NAME_MAX])
{
	size_t n = 0;

	if (d->root[0] != '\0')
		return doctor_folder(d, names, DEVICES_MAX, "/sys/class/infiniband");
	for (; n < DEVICES_MAX && n < (size_t)d->ndevices; n++)
		memcpy(names[n], d->devices[n].name, DOCTOR_NAME_MAX);
	return n;
}

static void provider_variable(struct doctor *d)
{
	if (select_environment(d->devices, d->ndevices) < 0)
		doctor_add(d, DOCTOR_FAILURE, "environment", NULL,
			   "unset BV_PROVIDER, or set it to one of these", "%.*s",
			   (int)strcspn(fail_text(), "\n"), fail_text());
}

void doctor_device(struct doctor *d)
{
	static char names[DEVICES_MAX][DOCTOR_NAME_MAX];
	const size_t n = names_of(d, names);
	size_t looked_at = 0;

	if (!d->emulated)
		modules(d);
	if (n == 0) {
		doctor_add(d, DOCTOR_FAILURE, "device", NULL,
			   "with a NIC: load its driver (`modprobe mlx5_ib`), install "
			   "ibverbs-providers;\n`ibv_devices` must list it. Without one: `mlx5emu "
			   "run -- bv doctor`",
			   "there is no RDMA device");
		return;
	}
	if (!d->emulated)
		permissions(d);
	provider_variable(d);
	for (size_t i = 0; i < n; i++) {
		if (d->device != NULL && strcmp(names[i], d->device) != 0)
			continue;
		looked_at++;
		device(d, names[i]);
	}
	if (looked_at == 0)
		doctor_add(d, DOCTOR_FAILURE, "device", d->device,
			   "see `bv info` for those there are", "there is no such device");
}
