/* SPDX-License-Identifier: MIT */
/*
 * The C library calls through which libibverbs, libmlx5 and libnl meet the kernel's RDMA: each is
 * ours first (LD_PRELOAD) and the real one for everything that is not RDMA. The list is short on
 * purpose. mmap is not in it: device files are memfds, so the real mmap does, also for programs
 * whose own memory hooks bypass a wrapper.
 * Never exported by name elsewhere; other files of this library call emu_libc().
 */
#undef _FORTIFY_SOURCE /* its inline wrappers would be redefined here */

#include "cm/cm.h"
#include "uverbs/command.h"
#include "uverbs/libc.h"
#include "uverbs/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/netlink.h>

#define EXPORT __attribute__((visibility("default")))

#if __SIZEOF_POINTER__ != 8
#error "the open64 family is taken to be the plain one, which holds on 64-bit Linux only"
#endif

static int fail(int rc)
{
	errno = -rc;
	return -1;
}

/* What a call of ours returns: a system call that succeeds leaves errno (@before it) alone. */
static int result(int rc, int before)
{
	if (rc < 0)
		return fail(rc);
	errno = before;
	return rc;
}

static bool needs_mode(int flags)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

static int open_common(int dirfd, const char *path, int flags, mode_t mode)
{
	const int err = errno;
	char buf[PATH_MAX];
	unsigned index;

	switch (emu_path_map(path, buf, &index)) {
	case EMU_PATH_DEVICE:
		return result(emu_file_open(index, flags), err);
	case EMU_PATH_CM:
		return result(emu_cm_open(flags), err);
	case EMU_PATH_TREE:
		path = buf;
		break;
	case EMU_PATH_OTHER:
		break;
	}
	if (dirfd == AT_FDCWD)
		return emu_libc()->open(path, flags, mode);
	return emu_libc()->openat(dirfd, path, flags, mode);
}

EXPORT int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (needs_mode(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return open_common(AT_FDCWD, path, flags, mode);
}

EXPORT int openat(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (needs_mode(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return open_common(dirfd, path, flags, mode);
}

/* On a 64-bit machine each is one function by two names. */
EXPORT int open64(const char *path, int flags, ...) __attribute__((alias("open")));
EXPORT int openat64(int dirfd, const char *path, int flags, ...) __attribute__((alias("openat")));

/* The path to use for a call that only looks at a file; the device node has a stand-in there. */
static const char *look_at(const char *path, char *buf)
{
	unsigned index;

	switch (emu_path_map(path, buf, &index)) {
	case EMU_PATH_DEVICE:
	case EMU_PATH_CM:
		snprintf(buf, PATH_MAX, "%s%s", emu_session()->dir, path);
		return buf;
	case EMU_PATH_TREE:
		return buf;
	case EMU_PATH_OTHER:
		break;
	}
	return path;
}

static void cm_stat(struct stat *st)
{
	st->st_mode = S_IFCHR | 0666;
	st->st_rdev = makedev(EMU_CM_MAJOR, EMU_CM_MINOR);
	st->st_size = 0;
	st->st_blocks = 0;
}

EXPORT int stat(const char *path, struct stat *st)
{
	char buf[PATH_MAX];
	unsigned index;
	const enum emu_path kind = emu_path_map(path, buf, &index);
	int rc = emu_libc()->stat(look_at(path, buf), st);

	if (rc == 0 && kind == EMU_PATH_DEVICE)
		emu_file_stat(index, st);
	else if (rc == 0 && kind == EMU_PATH_CM)
		cm_stat(st);
	return rc;
}

EXPORT int stat64(const char *path, struct stat64 *st)
{
	return stat(path, (struct stat *)st);
}

EXPORT int fstat(int fd, struct stat *st)
{
	int rc = emu_libc()->fstat(fd, st);
	struct emu_file *file;
	unsigned index;

	if (rc == 0 && emu_file_any() && (file = emu_file_get(fd))) {
		emu_file_stat(file->index, st);
		emu_file_put(file);
	} else if (rc == 0 && emu_file_foreign(fd, st, &index)) {
		emu_file_stat(index, st);
	} else if (rc == 0 && emu_cm_is(fd)) {
		cm_stat(st);
	}
	return rc;
}

EXPORT int fstat64(int fd, struct stat64 *st)
{
	return fstat(fd, (struct stat *)st);
}

/*
 * The names behind stat and fstat before glibc 2.33: programs built then call them, and so does the
 * TSan runtime of clang 14. @version is 1 on every 64-bit machine.
 */
EXPORT int __xstat(int version, const char *path, struct stat *st);
EXPORT int __xstat(int version, const char *path, struct stat *st)
{
	(void)version;
	return stat(path, st);
}

EXPORT int __fxstat(int version, int fd, struct stat *st);
EXPORT int __fxstat(int version, int fd, struct stat *st)
{
	(void)version;
	return fstat(fd, st);
}

EXPORT int __xstat64(int version, const char *path, struct stat64 *st);
EXPORT int __xstat64(int version, const char *path, struct stat64 *st)
{
	(void)version;
	return stat64(path, st);
}

EXPORT int __fxstat64(int version, int fd, struct stat64 *st);
EXPORT int __fxstat64(int version, int fd, struct stat64 *st)
{
	(void)version;
	return fstat64(fd, st);
}

EXPORT int access(const char *path, int mode)
{
	char buf[PATH_MAX];

	return emu_libc()->access(look_at(path, buf), mode);
}

EXPORT ssize_t readlink(const char *path, char *out, size_t size)
{
	char buf[PATH_MAX];

	return emu_libc()->readlink(look_at(path, buf), out, size);
}

EXPORT char *realpath(const char *path, char *resolved)
{
	char buf[PATH_MAX];

	return emu_libc()->realpath(look_at(path, buf), resolved);
}

EXPORT DIR *opendir(const char *path)
{
	char buf[PATH_MAX];

	return emu_libc()->opendir(look_at(path, buf));
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
	char buf[PATH_MAX];

	return emu_libc()->fopen(look_at(path, buf), mode);
}

EXPORT FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	const int err = errno;
	struct emu_file *file = NULL;
	va_list ap;
	void *arg;
	int rc;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == RDMA_VERBS_IOCTL)
		file = emu_file_get(fd);
	if (!file) {
		rc = request == RDMA_VERBS_IOCTL ? emu_file_refuse_foreign(fd) : 0;
		return rc < 0 ? fail(rc) : emu_libc()->ioctl(fd, request, arg);
	}
	rc = emu_verbs_ioctl(file, (uintptr_t)arg);
	emu_file_put(file);
	return result(rc < 0 ? rc : 0, err);
}

EXPORT int close(int fd)
{
	struct emu_closing closing;
	int rc, err = errno;

	emu_cm_closing(fd);
	errno = err;
	if (!emu_file_any())
		return emu_libc()->close(fd);
	emu_file_close_note(fd, &closing);
	errno = err;
	rc = emu_libc()->close(fd);
	err = errno;
	emu_file_close_gone(&closing);
	errno = err;
	return rc;
}

/* What devices and the connection manager read are commands. */
EXPORT ssize_t write(int fd, const void *buf, size_t size)
{
	const int err = errno;
	struct emu_file *file = emu_file_get(fd);
	ssize_t n;

	if (file) {
		n = emu_write_file(file, (uintptr_t)buf, size);
		emu_file_put(file);
	} else if (emu_cm_is(fd)) {
		n = emu_cm_write(fd, buf, size);
	} else {
		return emu_libc()->write(fd, buf, size);
	}
	return result((int)n, err) < 0 ? -1 : (ssize_t)size;
}

/*
 * libibverbs asks netlink for devices first, and is content with "none" on a host that has the
 * RDMA core but no adapter. Only a refused socket makes it look into sysfs.
 */
EXPORT int socket(int domain, int type, int protocol)
{
	if (domain == AF_NETLINK && protocol == NETLINK_RDMA && emu_session())
		return fail(-EPROTONOSUPPORT);
	return emu_libc()->socket(domain, type, protocol);
}
