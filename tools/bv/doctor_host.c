/* SPDX-License-Identifier: MIT */
/* The host as far as it is not about time: versions, limits, memory, container, environment. */
#include "doctor.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bareverbs/version.h>

#define MIB (1ull << 20)
/* What a few channels with buffers of some MiB need; containers often have 64 KiB or 8 MiB. */
#define MEMLOCK_USUAL (256 * MIB)
/* linux/capability.h */
#define CAP_IPC_LOCK 14

/* libibverbs.so.1.14.44.0: the last two numbers are those of rdma-core. */
static void rdma_core_version(struct doctor *d)
{
	void *symbol = dlsym(RTLD_DEFAULT, "ibv_get_device_list");
	char path[PATH_MAX];
	const char *version;
	Dl_info info;

	if (symbol == NULL || dladdr(symbol, &info) == 0 || realpath(info.dli_fname, path) == NULL)
		return;
	version = strstr(path, ".so.1.");
	version = version != NULL ? strchr(version + 6, '.') : NULL;
	doctor_add(d, DOCTOR_OK, "rdma-core", NULL, NULL, "%s (%s)",
		   version != NULL ? version + 1 : "version unknown", path);
}

static void versions(struct doctor *d)
{
	char release[128];

	doctor_add(d, DOCTOR_OK, "bareverbs", NULL, NULL, "%s, library %s", BV_VERSION_STRING,
		   bv_version());
	if (doctor_line(d, release, sizeof(release), "/proc/sys/kernel/osrelease"))
		doctor_add(d, DOCTOR_OK, "kernel", NULL, NULL, "%s", release);
	if (d->root[0] == '\0')
		rdma_core_version(d);
}

/* The value behind "name" at the start of a line; NULL if there is none. */
static const char *field(const char *text, const char *name)
{
	const size_t length = strlen(name);

	while (strncmp(text, name, length) != 0) {
		text = strchr(text, '\n');
		if (text == NULL)
			return NULL;
		text++;
	}
	return text + length + strspn(text + length, " \t:");
}

static bool may_lock_all(const struct doctor *d)
{
	char status[8192];
	const char *caps;

	if (!doctor_text(d, status, sizeof(status), "/proc/self/status"))
		return false;
	caps = field(status, "CapEff");
	return caps != NULL && strtoull(caps, NULL, 16) >> CAP_IPC_LOCK & 1;
}

static void memlock(struct doctor *d)
{
	static const char remedy[] =
		"`ulimit -l unlimited`; LimitMEMLOCK=infinity in a systemd unit; `docker run "
		"--ulimit memlock=-1`;\nor \"* - memlock unlimited\" in /etc/security/limits.conf";
	char limits[8192], hard[32] = "?";
	const char *soft;
	unsigned long long bytes;

	soft = doctor_text(d, limits, sizeof(limits), "/proc/self/limits") ?
		       field(limits, "Max locked memory") :
		       NULL;
	if (soft == NULL) {
		doctor_add(d, DOCTOR_SKIPPED, "memlock", NULL, NULL,
			   "/proc/self/limits cannot be read");
		return;
	}
	sscanf(soft, "%*s %31s", hard);
	bytes = strtoull(soft, NULL, 10);
	if (strncmp(soft, "unlimited", 9) == 0)
		doctor_add(d, DOCTOR_OK, "memlock", NULL, NULL, "unlimited memory may be locked");
	else if (may_lock_all(d))
		doctor_add(d, DOCTOR_OK, "memlock", NULL, NULL,
			   "limit %llu KiB, but this process may exceed it (CAP_IPC_LOCK)",
			   bytes >> 10);
	else
		doctor_add(
			d, bytes < MEMLOCK_USUAL ? DOCTOR_WARNING : DOCTOR_OK, "memlock", NULL,
			bytes < MEMLOCK_USUAL ? remedy : NULL,
			"soft limit %llu KiB, hard limit %s: larger regions cannot be registered",
			bytes >> 10, hard);
}

static void hugepages(struct doctor *d)
{
	char meminfo[8192];
	const char *total, *unused;
	long n;

	if (!doctor_text(d, meminfo, sizeof(meminfo), "/proc/meminfo"))
		return;
	total = field(meminfo, "HugePages_Total");
	unused = field(meminfo, "HugePages_Free");
	n = total != NULL ? atol(total) : 0;
	if (n > 0 && unused != NULL)
		doctor_add(d, DOCTOR_OK, "hugepages", NULL, NULL, "%ld reserved, %ld free", n,
			   atol(unused));
	else
		doctor_add(d, DOCTOR_NOTE, "hugepages", NULL,
			   "`sysctl vm.nr_hugepages=512` reserves 1 GiB of 2 MiB pages: large "
			   "regions register faster and\nthe device needs fewer translations",
			   "none are reserved");
}

/* Values of enum ibv_fork_status. */
enum { FORK_ENABLED = 1, FORK_UNNEEDED = 2 };

/*
 * libibverbs asks the kernel over RDMA netlink, which answers only where a device is; kernels copy since
 * 5.13 for certain (rdma-core, get_copy_on_fork() in memory.c).
 */
static void fork_state(struct doctor *d)
{
	int (*status)(void);
	void *symbol = dlsym(RTLD_DEFAULT, "ibv_is_fork_initialized");

	if (symbol == NULL || d->root[0] != '\0')
		return;
	memcpy(&status, &symbol, sizeof(status));
	switch (doctor_kernel(d, 5, 13) ? FORK_UNNEEDED : status()) {
	case FORK_UNNEEDED:
		doctor_add(d, DOCTOR_OK, "fork", NULL, NULL,
			   "the kernel copies registered memory at fork(): nothing to do");
		return;
	case FORK_ENABLED:
		doctor_add(d, DOCTOR_NOTE, "fork", NULL,
			   "unset RDMAV_FORK_SAFE and IBV_FORK_SAFE where no child uses the memory",
			   "fork support is on: registered pages are missing in children, and "
			   "registration is slower");
		return;
	default:
		doctor_add(
			d, DOCTOR_NOTE, "fork", NULL,
			"programs that fork set RDMAV_FORK_SAFE=1, or run on Linux 5.13 or later",
			"this kernel does not copy registered memory at fork(): a parent that "
			"forks may lose data");
	}
}

static bool in_container(const struct doctor *d)
{
	return doctor_exists(d, "/.dockerenv") || doctor_exists(d, "/run/.containerenv") ||
	       doctor_exists(d, "/run/systemd/container");
}

/*
 * Version 1 of cgroups lists the device files that may be opened; infiniband_verbs has the character
 * major 231 (Linux, drivers/infiniband/core/uverbs_main.c). Version 2 has a program for it, which
 * nobody can read.
 */
static bool devices_allowed(const char *list)
{
	return strstr(list, "a *:*") != NULL || strstr(list, "c *:*") != NULL ||
	       strstr(list, "c 231:") != NULL;
}

/* Of the cgroup that the process sees as its root. */
static void cgroup(struct doctor *d)
{
	char limit[256], devices[4096];

	if (doctor_text(d, devices, sizeof(devices), "/sys/fs/cgroup/devices/devices.list") &&
	    !devices_allowed(devices))
		doctor_add(
			d, DOCTOR_WARNING, "cgroup", NULL,
			"`docker run --device=/dev/infiniband`, or `c 231:* rw` in devices.allow "
			"of the cgroup",
			"its list of devices has none of RDMA: they cannot be opened");

	if (doctor_line(d, limit, sizeof(limit), "/sys/fs/cgroup/rdma.max"))
		doctor_add(
			d, DOCTOR_NOTE, "cgroup", NULL,
			"raise it in rdma.max of the cgroup if channels or regions cannot be made",
			"RDMA objects are limited: %s", limit);
}

static void container(struct doctor *d)
{
	if (!in_container(d)) {
		doctor_add(d, DOCTOR_OK, "container", NULL, NULL, "none is seen");
		return;
	}
	if (!doctor_exists(d, "/dev/infiniband") && !d->emulated)
		doctor_add(d, DOCTOR_WARNING, "container", NULL,
			   "`docker run --device=/dev/infiniband --cap-add=IPC_LOCK --ulimit "
			   "memlock=-1 --network=host`;\nKubernetes: an RDMA device plugin",
			   "in a container without /dev/infiniband");
	else
		doctor_add(d, DOCTOR_OK, "container", NULL, NULL, "in a container");
}

/* Settings of libibverbs and libmlx5 (rdma-core: libibverbs/man/ibv_fork_init.3, mlx5 README). */
static void environment(struct doctor *d)
{
	static const struct {
		const char *name;
		enum doctor_level level;
		const char *means;
	} known[] = {
		{ "BV_PROVIDER", DOCTOR_NOTE,
		  "the provider that bareverbs takes if none is named" },
		{ "MLX5_SHUT_UP_BF", DOCTOR_WARNING, "no BlueFlame unless it is 0: slower posts" },
		{ "MLX5_SINGLE_THREADED", DOCTOR_WARNING,
		  "libmlx5 takes no locks: unsafe where threads share a queue" },
		{ "MLX5_SCATTER_TO_CQE", DOCTOR_NOTE, "small receives inside completions" },
		{ "MLX5_CQE_SIZE", DOCTOR_NOTE, "size of completions" },
		{ "MLX5_POST_SEND_PREFER_BF", DOCTOR_NOTE, "when to use BlueFlame" },
		{ "MLX5_FREEZE_ON_ERROR_CQE", DOCTOR_WARNING,
		  "a program stops at its first error" },
		{ "MLX5_DEBUG_FILE", DOCTOR_NOTE, "where libmlx5 writes its log" },
		{ "MLX5_TOTAL_UUARS", DOCTOR_NOTE, "shared doorbell registers of a process" },
		{ "MLX5_NUM_LOW_LAT_UUARS", DOCTOR_NOTE, "how many of them one queue may have" },
		{ "MLX5_LOCAL_CPUS", DOCTOR_NOTE, "CPUs that waits of libmlx5 are made for" },
		{ "MLX5_QP_SIGNATURE", DOCTOR_WARNING, "works carry signatures: slower posts" },
		{ "MLX5_STALL_CQ_POLL", DOCTOR_WARNING, "polls of libmlx5 pause on purpose" },
		{ "IBV_DRIVERS", DOCTOR_NOTE, "drivers that libibverbs loads first" },
		{ "RDMAV_DRIVERS", DOCTOR_NOTE, "drivers that libibverbs loads first" },
		{ "RDMAV_FORK_SAFE", DOCTOR_NOTE, "fork support is on" },
		{ "IBV_FORK_SAFE", DOCTOR_NOTE, "fork support is on" },
		{ "RDMAV_HUGEPAGES_SAFE", DOCTOR_NOTE, "fork support knows huge pages" },
	};
	bool any = false;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *value = getenv(known[i].name);

		if (value == NULL)
			continue;
		any = true;
		doctor_add(d, known[i].level, "environment", NULL,
			   known[i].level == DOCTOR_WARNING ? "unset it unless it is meant" : NULL,
			   "%s=%s: %s", known[i].name, value, known[i].means);
	}
	if (!any)
		doctor_add(d, DOCTOR_OK, "environment", NULL, NULL,
			   "no variable of libibverbs, libmlx5 or bareverbs is set");
}

void doctor_host(struct doctor *d)
{
	versions(d);
	memlock(d);
	hugepages(d);
	fork_state(d);
	container(d);
	cgroup(d);
	environment(d);
}
