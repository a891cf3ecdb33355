/* SPDX-License-Identifier: MIT */
/*
 * Two layouts know where the library is: the build tree (bin/ beside lib/) and the installed one
 * (bindir beside libdir/bareverbs). Both by relative path, so that either tree may be moved.
 */
#include "launcher/environment.h"

#include "run/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libmlx5emu.so"

static const char build_place[] = "../lib/" LIBRARY;
static const char installed_place[] = MLX5EMU_LIBDIR_FROM_BINDIR "/bareverbs/" LIBRARY;

static int find_library(char out[PATH_MAX])
{
	static const char *const places[] = { build_place, installed_place };
	char self[PATH_MAX], path[2 * PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n < 0)
		return -ENXIO;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", self, places[i]);
		if (realpath(path, out) && access(out, R_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

/* A blank or a colon separates names in LD_PRELOAD: such a path goes by a link in the run. */
static int make_preloadable(const char *run_dir, char path[PATH_MAX])
{
	char link[PATH_MAX];

	if (!strpbrk(path, " \t\n:"))
		return 0;
	if (snprintf(link, sizeof(link), "%s/" LIBRARY, run_dir) >= (int)sizeof(link))
		return -ENAMETOOLONG;
	if (symlink(path, link) < 0)
		return -errno;
	strcpy(path, link);
	return 0;
}

/* NAME=old<separator>value, or NAME=value when it was unset or empty. */
static int append(const char *name, const char *separator, const char *value)
{
	const char *old = getenv(name);
	size_t size;
	char *both;
	int rc;

	if (!old || !*old)
		return setenv(name, value, 1) < 0 ? -errno : 0;
	if (strstr(old, value))
		return 0;
	size = strlen(old) + strlen(separator) + strlen(value) + 1;
	both = malloc(size);
	if (!both)
		return -ENOMEM;
	snprintf(both, size, "%s%s%s", old, separator, value);
	rc = setenv(name, both, 1) < 0 ? -errno : 0;
	free(both);
	return rc;
}

int environment_set(const char *run_dir, const char **looked)
{
	char library[PATH_MAX], sysfs[PATH_MAX];
	int rc = find_library(library);

	if (rc == -ENOENT)
		*looked = MLX5EMU_LIBDIR_FROM_BINDIR "/bareverbs and ../lib";
	if (rc == 0)
		rc = make_preloadable(run_dir, library);
	if (rc == 0 && snprintf(sysfs, sizeof(sysfs), "%s/sys", run_dir) >= (int)sizeof(sysfs))
		rc = -ENAMETOOLONG;
	if (rc == 0)
		rc = append("LD_PRELOAD", ":", library);
	/* a sanitized program's runtime may be linked behind a preloaded library that hooks less */
	if (rc == 0)
		rc = append("ASAN_OPTIONS", ":", "verify_asan_link_order=0");
	if (rc == 0 && (setenv(EMU_RUN_ENV, run_dir, 1) < 0 || setenv("SYSFS_PATH", sysfs, 1) < 0))
		rc = -errno;
	return rc;
}
