/* SPDX-License-Identifier: MIT */
/*
 * Every process below `mlx5emu run` loads this library, and most of them (sh, grep) never meet an
 * RDMA path. So nothing is read before the first such path is seen.
 * Real devices are in the run directory's tree as links, unless they are hidden.
 */
#include "uverbs/session.h"

#include "uverbs/libc.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct emu_session session;
static bool session_valid;
static pthread_once_t session_once = PTHREAD_ONCE_INIT;

static void read_session(void)
{
	const char *dir = getenv(EMU_RUN_ENV);
	char path[PATH_MAX];
	FILE *in;

	if (!dir || dir[0] != '/' ||
	    snprintf(path, sizeof(path), "%s/" EMU_RUN_CONFIG_FILE, dir) >= (int)sizeof(path))
		return;
	in = emu_libc()->fopen(path, "re");
	if (!in)
		return;
	if (emu_run_read(in, &session.run) == 0) {
		strcpy(session.dir, dir);
		session_valid = true;
	}
	fclose(in);
}

const struct emu_session *emu_session(void)
{
	pthread_once(&session_once, read_session);
	return session_valid ? &session : NULL;
}

/* The rest of @path behind @prefix, if it is that folder, a file in it, or @prefix_<more>. */
static const char *below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(path, prefix, len) != 0)
		return NULL;
	return path[len] == '\0' || path[len] == '/' || path[len] == '_' ? path + len : NULL;
}

static bool device_index(const char *rest, const struct emu_run *run, unsigned *index)
{
	unsigned long value;
	char *end;

	if (strncmp(rest, "/uverbs", 7) != 0 || rest[7] < '0' || rest[7] > '9')
		return false;
	value = strtoul(rest + 7, &end, 10);
	if (*end != '\0' || value < run->first_uverbs || value >= run->first_uverbs + run->ndev)
		return false;
	*index = (unsigned)value - run->first_uverbs;
	return true;
}

enum emu_path emu_path_map(const char *path, char *out, unsigned *index)
{
	static const char sys[] = "/sys/class/infiniband", dev[] = "/dev/infiniband";
	static const char pci[] = "/sys/bus/pci/devices/4d4c:", cm[] = "/sys/class/misc/rdma_cm";
	const struct emu_session *s;
	const char *rest;
	int len;

	/* all our prefixes agree in "/sys/" or "/dev/i": the usual path leaves here */
	if (!path || path[0] != '/' || (path[1] != 's' && path[1] != 'd'))
		return EMU_PATH_OTHER;
	rest = below(path, dev);
	if (!rest && !below(path, sys) && !below(path, cm) &&
	    strncmp(path, pci, sizeof(pci) - 1) != 0)
		return EMU_PATH_OTHER;
	s = emu_session();
	if (!s)
		return EMU_PATH_OTHER;
	if (rest && device_index(rest, &s->run, index))
		return EMU_PATH_DEVICE;
	if (rest && strcmp(rest, "/rdma_cm") == 0)
		return EMU_PATH_CM;
	len = snprintf(out, PATH_MAX, "%s%s", s->dir, path);
	return len < PATH_MAX ? EMU_PATH_TREE : EMU_PATH_OTHER;
}
