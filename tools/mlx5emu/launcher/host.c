/* SPDX-License-Identifier: MIT */
#include "launcher/host.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Below the root, and at the same places below the run directory. */
static const char verbs_class[] = "/sys/class/infiniband",
		  uverbs_class[] = "/sys/class/infiniband_verbs";
static const char nodes[] = "/dev/infiniband";
static const char *const folders[] = { verbs_class, uverbs_class, "/sys/class/infiniband_mad",
				       nodes };

/* The number in "<prefix><number>"; false for any other name. */
static bool numbered(const char *name, const char *prefix, unsigned *number)
{
	const size_t len = strlen(prefix);
	unsigned long value;
	char *end;

	if (strncmp(name, prefix, len) != 0 || name[len] < '0' || name[len] > '9')
		return false;
	value = strtoul(name + len, &end, 10);
	*number = (unsigned)value;
	return *end == '\0' && value < 1u << 16;
}

static DIR *open_folder(const struct host *host, const char *folder)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s", host->root, folder) >= (int)sizeof(path))
		return NULL;
	return opendir(path);
}

static void note_device(struct host *host, const char *name)
{
	unsigned number;

	if (numbered(name, "mlx5_", &number) && number >= host->first_mlx5)
		host->first_mlx5 = number + 1;
	if (host->n < HOST_DEVICES && emu_run_name_valid(name))
		strcpy(host->name[host->n++], name);
}

static void note_uverbs(struct host *host, const char *name)
{
	unsigned number;

	if (numbered(name, "uverbs", &number) && number >= host->first_uverbs)
		host->first_uverbs = number + 1;
}

static void read_names(struct host *host, const char *folder,
		       void (*note)(struct host *host, const char *name))
{
	DIR *dir = open_folder(host, folder);
	const struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			note(host, entry->d_name);
	closedir(dir);
}

void host_read(const char *root, struct host *host)
{
	*host = (struct host){ .n = 0 };
	/* Within a run the plain names are those of its devices. */
	if (!root)
		root = getenv(EMU_RUN_ENV) ? "/proc/self/root" : "";
	if (strlen(root) >= sizeof(host->root))
		return;
	strcpy(host->root, root);
	read_names(host, verbs_class, note_device);
	read_names(host, uverbs_class, note_uverbs);
}

bool host_has(const struct host *host, const char *name)
{
	for (unsigned i = 0; i < host->n; i++)
		if (strcmp(host->name[i], name) == 0)
			return true;
	return false;
}

void host_warn(const struct host *host, const struct emu_run *run)
{
	if (host->n == 0)
		return;
	fputs("mlx5emu: this host has RDMA devices of its own:", stderr);
	for (unsigned i = 0; i < host->n; i++)
		fprintf(stderr, " %s", host->name[i]);
	fputs("; programs see them beside the emulated ones:", stderr);
	for (unsigned i = 0; i < run->ndev; i++)
		fprintf(stderr, " %s", run->dev[i].name);
	fputs(". Name the device that you mean, or hide the host's by --hide-real\n", stderr);
}

static int link_entry(const struct host *host, int dir, const char *folder, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s/%s", host->root, folder, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	/* libibverbs looks from the entry of a class for its neighbours: where it really is */
	if (!realpath(path, target))
		return 0;
	snprintf(path, sizeof(path), "%s/%s", folder + 1, name);
	return symlinkat(target, dir, path) < 0 ? -errno : 0;
}

static int link_folder(const struct host *host, int dir, const char *folder)
{
	DIR *in = open_folder(host, folder);
	const struct dirent *entry;
	int rc = 0;

	if (!in)
		return 0;
	if (mkdirat(dir, folder + 1, 0755) < 0 && errno != EEXIST)
		rc = -errno;
	while (rc == 0 && (entry = readdir(in)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "abi_version") != 0 &&
		    strcmp(entry->d_name, "rdma_cm") != 0)
			rc = link_entry(host, dir, folder, entry->d_name);
	closedir(in);
	return rc;
}

int host_link(const struct host *host, int dir)
{
	static const char *const parents[] = { "sys", "sys/class", "dev" };
	int rc = 0;

	if (host->n == 0)
		return 0;
	for (size_t i = 0; i < sizeof(parents) / sizeof(*parents); i++)
		if (mkdirat(dir, parents[i], 0755) < 0 && errno != EEXIST)
			return -errno;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders) && rc == 0; i++)
		rc = link_folder(host, dir, folders[i]);
	return rc;
}
