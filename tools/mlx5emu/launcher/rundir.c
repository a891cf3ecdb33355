/* SPDX-License-Identifier: MIT */
/*
 * A directory is stale when its lock is free. So that a new one is never seen unlocked, its lock
 * file is locked under another name first; a directory without a lock file is somebody's beginning
 * and is left alone unless it is old. Readable by all: a program may change its user.
 */
#include "launcher/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/*
 * libibverbs keeps sysfs paths in buffers of 256 bytes; ours go some 100 below the base. Sixteen devices are
 * some 700 small files, of a page each where they are memory; a container may have 64 KiB of that.
 */
enum { MAX_BASE = 100, OLD_SECONDS = 60, ROOM_BYTES = 8 << 20 };

static bool has_room(const char *base)
{
	struct statvfs fs;

	return statvfs(base, &fs) == 0 && fs.f_bavail >= ROOM_BYTES / fs.f_frsize;
}

static bool usable(const char *base)
{
	return base && base[0] == '/' && strlen(base) <= MAX_BASE &&
	       access(base, W_OK | X_OK) == 0 && has_room(base);
}

const char *rundir_base(unsigned i)
{
	const char *const bases[] = { getenv("XDG_RUNTIME_DIR"), "/dev/shm", "/tmp" };

	return i < sizeof(bases) / sizeof(*bases) ? bases[i] : "";
}

/* The first two are memory: a directory on a disk takes longer to remove than the run may last. */
static const char *choose_base(void)
{
	for (unsigned i = 0; i < RUNDIR_BASES; i++)
		if (usable(rundir_base(i)))
			return rundir_base(i);
	return "/tmp";
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 1, FTW_DEPTH | FTW_PHYS); /* one descriptor: they may be scarce */
}

/* Nobody holds the lock of the directory @path, and nobody is about to take it. */
static bool is_stale(const char *path)
{
	char lock[PATH_MAX];
	struct stat st;
	bool stale;
	int fd;

	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    snprintf(lock, sizeof(lock), "%s/lock", path) >= (int)sizeof(lock))
		return false;
	fd = open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT && st.st_mtime < time(NULL) - OLD_SECONDS;
	stale = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return stale;
}

static void sweep(const char *base)
{
	DIR *dir = opendir(base);
	const struct dirent *entry;
	char path[PATH_MAX];

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		/* as mkdtemp() names them, and nothing else that begins so */
		if (strncmp(entry->d_name, RUNDIR_PREFIX, strlen(RUNDIR_PREFIX)) != 0 ||
		    strlen(entry->d_name) != strlen(RUNDIR_PREFIX "XXXXXX") ||
		    snprintf(path, sizeof(path), "%s/%s", base, entry->d_name) >= (int)sizeof(path))
			continue;
		if (is_stale(path))
			remove_tree(path);
	}
	closedir(dir);
}

static int take_lock(const char *path)
{
	char temporary[PATH_MAX], lock[PATH_MAX];
	int fd, rc;

	if (snprintf(temporary, sizeof(temporary), "%s/lock.new", path) >= (int)sizeof(temporary) ||
	    snprintf(lock, sizeof(lock), "%s/lock", path) >= (int)sizeof(lock))
		return -ENAMETOOLONG;
	fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX) == 0 && rename(temporary, lock) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int rundir_create(struct rundir *dir)
{
	const char *base = choose_base();
	int rc;

	sweep(base);
	snprintf(dir->path, sizeof(dir->path), "%s/" RUNDIR_PREFIX "XXXXXX", base);
	if (!mkdtemp(dir->path))
		return -errno;
	dir->lock_fd = take_lock(dir->path);
	rc = dir->lock_fd < 0 ? dir->lock_fd : chmod(dir->path, 0755) < 0 ? -errno : 0;
	if (rc < 0)
		rundir_remove(dir);
	return rc;
}

void rundir_remove(struct rundir *dir)
{
	remove_tree(dir->path);
	if (dir->lock_fd >= 0)
		close(dir->lock_fd);
	dir->lock_fd = -1;
}
