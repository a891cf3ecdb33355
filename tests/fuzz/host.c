/* SPDX-License-Identifier: MIT */
/*
 * One thread uses it. Ends of a pipe share its number, by which they are told apart from others (st_ino);
 * a second file of pages shares the memory of the first, since an input has one device.
 */
#include "host.h"
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/mlx5emu/uverbs/libc.h"

enum { FIRST = 1000, DESCRIPTORS = 64, PIPES = DESCRIPTORS, PIPE_SIZE = 4096, DEVICE = 1 };

enum kind {
	CLOSED,
	PAGES,
	PIPE,
	SOCKET,
};

struct descriptor {
	enum kind kind;
	unsigned number; /* of a pipe */
	off_t size;      /* of pages */
};

struct pipe {
	size_t used;
	uint8_t bytes[PIPE_SIZE];
};

static struct descriptor table[DESCRIPTORS];
static struct pipe pipes[PIPES];
static unsigned npipes;
static char hidden[64];
static uint8_t *pages; /* mapped once, for all devices to come */
static size_t pages_size;

void host_reset(void)
{
	/* Registers and doorbells; whatever lies behind them, no input can store to. */
	enum { TOUCHED = 8 * 4096 };

	memset(table, 0, sizeof(table));
	for (unsigned i = 0; i < npipes; i++)
		pipes[i].used = 0;
	npipes = 0;
	if (pages)
		memset(pages, 0, TOUCHED);
}

void host_hide(const char *dir)
{
	snprintf(hidden, sizeof(hidden), "%s", dir);
}

static bool is_hidden(const char *path)
{
	return *hidden && strncmp(path, hidden, strlen(hidden)) == 0;
}

/* ---- descriptors ---- */

static struct descriptor *find(int fd)
{
	struct descriptor *d = NULL;

	if (fd >= FIRST && fd < FIRST + DESCRIPTORS)
		d = &table[fd - FIRST];
	if (d && d->kind != CLOSED)
		return d;
	errno = EBADF;
	return NULL;
}

static int new_descriptor(enum kind kind, unsigned number)
{
	for (unsigned i = 0; i < DESCRIPTORS; i++) {
		if (table[i].kind == CLOSED) {
			table[i] = (struct descriptor){ .kind = kind, .number = number };
			return FIRST + (int)i;
		}
	}
	errno = EMFILE;
	return -1;
}

static int host_close(int fd)
{
	struct descriptor *d = find(fd);

	if (!d)
		return -1;
	d->kind = CLOSED;
	return 0;
}

static int host_fstat(int fd, struct stat *st)
{
	static const mode_t modes[] = { [PAGES] = S_IFREG, [PIPE] = S_IFIFO, [SOCKET] = S_IFSOCK };
	const struct descriptor *d = find(fd);

	if (!d)
		return -1;
	*st = (struct stat){ .st_dev = DEVICE,
			     .st_ino = (ino_t)d->kind << 16 | d->number,
			     .st_mode = modes[d->kind] | 0600,
			     .st_size = d->size };
	return 0;
}

static int host_open(const char *path, int flags, ...)
{
	const struct descriptor *d = NULL;
	int fd;

	(void)flags;
	if (sscanf(path, "/proc/self/fd/%d", &fd) == 1)
		d = find(fd);
	errno = ENOENT;
	return d ? new_descriptor(d->kind, d->number) : -1;
}

static ssize_t host_write(int fd, const void *buf, size_t size)
{
	const struct descriptor *d = find(fd);
	struct pipe *pipe;

	if (!d || d->kind != PIPE)
		return -1;
	pipe = &pipes[d->number];
	errno = EAGAIN;
	if (size > PIPE_SIZE - pipe->used)
		return -1;
	memcpy(pipe->bytes + pipe->used, buf, size);
	pipe->used += size;
	return (ssize_t)size;
}

/* Whoever closes a device asks whether another descriptor of it is open: none is. */
static DIR *host_opendir(const char *path)
{
	(void)path;
	return NULL;
}

/* ---- in the place of uverbs/libc.c ---- */

const struct emu_libc *emu_libc(void)
{
	static const struct emu_libc calls = {
		.open = host_open,
		.fstat = host_fstat,
		.opendir = host_opendir,
		.fopen = fopen,
		.close = host_close,
		.socket = socket,
		.write = host_write,
	};

	return &calls;
}

/* ---- by the linker, in the place of the C library's ---- */

int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_fcntl(int fd, int command, ...);
int __real_fcntl(int fd, int command, ...);
void *__wrap_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset);
void *__real_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *addr, size_t size);
int __real_munmap(void *addr, size_t size);
int __wrap_pipe2(int fd[2], int flags);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
ssize_t __wrap_sendto(int fd, const void *buf, size_t size, int flags, const struct sockaddr *addr,
		      socklen_t addr_size);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_unlink(const char *path);
int __real_unlink(const char *path);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __real_read(int fd, void *buf, size_t size);

int __wrap_memfd_create(const char *name, unsigned flags)
{
	(void)name, (void)flags;
	return new_descriptor(PAGES, 0);
}

int __wrap_ftruncate(int fd, off_t size)
{
	struct descriptor *d = find(fd);

	if (!d)
		return -1;
	d->size = size;
	return 0;
}

int __wrap_fcntl(int fd, int command, ...)
{
	const struct descriptor *d = find(fd);
	va_list more;
	int arg;

	va_start(more, command);
	arg = va_arg(more, int);
	va_end(more);
	if (!d)
		return __real_fcntl(fd, command, arg);
	return command == F_DUPFD_CLOEXEC ? new_descriptor(d->kind, d->number) : 0;
}

void *__wrap_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	const struct descriptor *d = find(fd);

	if (!d)
		return __real_mmap(addr, size, prot, flags, fd, offset);
	if (!pages) {
		pages_size = (size_t)d->size;
		pages = __real_mmap(NULL, pages_size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		require(pages != MAP_FAILED);
	}
	errno = ENODEV;
	return d->kind == PAGES && (size_t)offset < pages_size ? pages + offset : MAP_FAILED;
}

int __wrap_munmap(void *addr, size_t size)
{
	const uintptr_t at = (uintptr_t)addr, first = (uintptr_t)pages;

	return at >= first && at < first + pages_size ? 0 : __real_munmap(addr, size);
}

int __wrap_pipe2(int fd[2], int flags)
{
	(void)flags;
	errno = EMFILE;
	if (npipes == PIPES)
		return -1;
	fd[0] = new_descriptor(PIPE, npipes);
	fd[1] = fd[0] < 0 ? -1 : new_descriptor(PIPE, npipes);
	if (fd[1] >= 0) {
		npipes++;
		return 0;
	}
	if (fd[0] >= 0)
		host_close(fd[0]);
	errno = EMFILE;
	return -1;
}

int __wrap_socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	return new_descriptor(SOCKET, 0);
}

int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t size)
{
	(void)addr, (void)size;
	return find(fd) ? 0 : -1;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	(void)level, (void)name, (void)value, (void)size;
	return find(fd) ? 0 : -1;
}

/* Nobody else is in the run. */
ssize_t __wrap_sendto(int fd, const void *buf, size_t size, int flags, const struct sockaddr *addr,
		      socklen_t addr_size)
{
	(void)buf, (void)size, (void)flags, (void)addr, (void)addr_size;
	if (find(fd))
		errno = ECONNREFUSED;
	return -1;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	(void)msg, (void)flags;
	if (find(fd))
		errno = EAGAIN;
	return -1;
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list more;
	int mode;

	va_start(more, flags);
	mode = flags & O_CREAT ? va_arg(more, int) : 0;
	va_end(more);
	errno = ENOENT;
	return is_hidden(path) ? -1 : __real_open(path, flags, mode);
}

int __wrap_unlink(const char *path)
{
	errno = ENOENT;
	return is_hidden(path) ? -1 : __real_unlink(path);
}

ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	const struct descriptor *d = find(fd);
	struct pipe *pipe;

	if (!d)
		return __real_read(fd, buf, size);
	pipe = &pipes[d->number];
	errno = EAGAIN;
	if (d->kind != PIPE || pipe->used == 0)
		return -1;
	if (size > pipe->used)
		size = pipe->used;
	memcpy(buf, pipe->bytes, size);
	pipe->used -= size;
	memmove(pipe->bytes, pipe->bytes + size, pipe->used);
	return (ssize_t)size;
}
