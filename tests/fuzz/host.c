/* SPDX-License-Identifier: MIT */
/*
 * One thread uses it. Ends of a pipe share its number, by which they are told apart from others (st_ino);
 * each file of pages has memory of its own, which is mapped once, for all devices to come. Sockets and
 * what waits for them are in host_socket.c.
 */
#include "host.h"
#include "fuzz.h"
#include "host_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tools/mlx5emu/uverbs/libc.h"

enum {
	FIRST = 1000,
	DESCRIPTORS = 64,
	PRIVATE = DESCRIPTORS / 2, /* from there on those of the device itself */
	PIPES = DESCRIPTORS,
	PIPE_SIZE = 4096,
	FILES = 2, /* of pages: the program opens two devices */
	DEVICE = 1,
};

struct descriptor {
	enum host_kind kind;
	unsigned number; /* of its kind */
	off_t size;      /* of pages */
};

struct pipe {
	size_t used;
	uint8_t bytes[PIPE_SIZE];
};

static struct descriptor table[DESCRIPTORS];
static struct pipe pipes[PIPES];
static unsigned npipes;
static uint8_t *pages[FILES];
static size_t pages_size;
static unsigned nfiles;

void host_reset(void)
{
	/* Registers and doorbells; whatever lies behind them, no input can store to. */
	enum { TOUCHED = 8 * 4096 };

	memset(table, 0, sizeof(table));
	for (unsigned i = 0; i < npipes; i++)
		pipes[i].used = 0;
	npipes = 0;
	host_sockets_reset();
	for (unsigned i = 0; i < nfiles; i++) {
		if (pages[i])
			memset(pages[i], 0, TOUCHED);
	}
	nfiles = 0;
}

static bool is_hidden(const char *path)
{
	return strncmp(path, HOST_DIR, strlen(HOST_DIR)) == 0;
}

/* ---- descriptors ---- */

static struct descriptor *find(int fd)
{
	struct descriptor *d = NULL;

	if (fd >= FIRST && fd < FIRST + DESCRIPTORS)
		d = &table[fd - FIRST];
	if (d && d->kind != HOST_CLOSED)
		return d;
	errno = EBADF;
	return NULL;
}

/* Only descriptors of the device are asked for: the others are the program's to close. */
bool host_private_any(void)
{
	for (unsigned i = PRIVATE; i < DESCRIPTORS; i++) {
		if (table[i].kind != HOST_CLOSED)
			return true;
	}
	return false;
}

int host_number(int fd, enum host_kind kind)
{
	const struct descriptor *d = find(fd);

	return d && d->kind == kind ? (int)d->number : -1;
}

static bool is_open(enum host_kind kind, unsigned number)
{
	for (unsigned i = 0; i < DESCRIPTORS; i++) {
		if (table[i].kind == kind && table[i].number == number)
			return true;
	}
	return false;
}

static int new_descriptor_from(unsigned i, enum host_kind kind, unsigned number)
{
	for (; i < DESCRIPTORS; i++) {
		if (table[i].kind == HOST_CLOSED) {
			table[i] = (struct descriptor){ .kind = kind, .number = number };
			return FIRST + (int)i;
		}
	}
	errno = EMFILE;
	return -1;
}

/* What the program never sees: its own descriptors do not depend on when that is made. */
int host_descriptor(enum host_kind kind, unsigned number)
{
	const bool is_private = kind == HOST_SOCKET || kind >= HOST_EVENT;

	return new_descriptor_from(is_private ? PRIVATE : 0, kind, number);
}

static int host_close(int fd)
{
	struct descriptor *d = find(fd), was;

	if (!d)
		return -1;
	was = *d;
	d->kind = HOST_CLOSED;
	if (!is_open(was.kind, was.number))
		host_socket_closed(was.kind, was.number);
	return 0;
}

static int host_fstat(int fd, struct stat *st)
{
	static const mode_t modes[] = {
		[HOST_PAGES] = S_IFREG,
		[HOST_PIPE] = S_IFIFO,
		[HOST_SOCKET] = S_IFSOCK,
	};
	const struct descriptor *d = find(fd);

	if (!d)
		return -1;
	*st = (struct stat){ .st_dev = DEVICE,
			     .st_ino = (ino_t)d->kind << 16 | d->number,
			     .st_mode = (d->kind <= HOST_SOCKET ? modes[d->kind] : 0) | 0600,
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
	return d ? host_descriptor(d->kind, d->number) : -1;
}

static ssize_t host_write(int fd, const void *buf, size_t size)
{
	const struct descriptor *d = find(fd);
	struct pipe *pipe;

	if (d && d->kind == HOST_EVENT)
		return host_event_write(d->number, buf, size);
	if (!d || d->kind != HOST_PIPE)
		return -1;
	pipe = &pipes[d->number];
	errno = EAGAIN;
	if (size > PIPE_SIZE - pipe->used)
		return -1;
	memcpy(pipe->bytes + pipe->used, buf, size);
	pipe->used += size;
	return (ssize_t)size;
}

/* ---- what the device appends to ---- */

/* Whole lines. */
static ssize_t take_lines(const struct iovec *parts, int n)
{
	char last = '\0';
	size_t size = 0;

	for (int i = 0; i < n; i++) {
		const char *text = parts[i].iov_base;

		for (size_t at = 0; at < parts[i].iov_len; at++) {
			last = text[at];
			require((last >= ' ' && last <= '~') || last == '\n');
		}
		size += parts[i].iov_len;
	}
	require(last == '\n');
	return (ssize_t)size;
}

/* A block of a capture has its length behind its type and at its end. */
static ssize_t take_frame(const struct iovec *parts, int n)
{
	uint32_t length, again;
	size_t size = 0;

	require(n == 3 && parts[0].iov_len >= 8 && parts[2].iov_len >= sizeof(again));
	for (int i = 0; i < n; i++)
		size += parts[i].iov_len;
	memcpy(&length, (const uint8_t *)parts[0].iov_base + 4, sizeof(length));
	memcpy(&again, (const uint8_t *)parts[2].iov_base + parts[2].iov_len - sizeof(again),
	       sizeof(again));
	require(length == size && again == size && size % 4 == 0);
	return (ssize_t)size;
}

/* Asked whether a descriptor is an epoll. */
static ssize_t host_readlink(const char *path, char *out, size_t size)
{
	static const char target[] = "anon_inode:[eventpoll]";
	const size_t n = sizeof(target) - 1 < size ? sizeof(target) - 1 : size;
	int fd;

	if (sscanf(path, "/proc/self/fd/%d", &fd) != 1 || host_number(fd, HOST_EPOLL) < 0)
		return -1;
	memcpy(out, target, n);
	return (ssize_t)n;
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
		.readlink = host_readlink,
		.opendir = host_opendir,
		.fopen = fopen,
		.close = host_close,
		.socket = host_socket,
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
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
long __wrap_syscall(long number, int fd);
long __real_syscall(long number, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
ssize_t __wrap_write(int fd, const void *buf, size_t size);
ssize_t __real_write(int fd, const void *buf, size_t size);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int n);
ssize_t __real_writev(int fd, const struct iovec *parts, int n);
int __wrap_unlink(const char *path);
int __real_unlink(const char *path);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __real_read(int fd, void *buf, size_t size);

int __wrap_memfd_create(const char *name, unsigned flags)
{
	(void)name, (void)flags;
	errno = EMFILE;
	return nfiles < FILES ? host_descriptor(HOST_PAGES, nfiles++) : -1;
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
	if (command == F_GETFL) /* nobody would end a wait */
		return O_NONBLOCK;
	return command == F_DUPFD_CLOEXEC ? new_descriptor_from(PRIVATE, d->kind, d->number) : 0;
}

void *__wrap_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	const struct descriptor *d = find(fd);

	if (!d)
		return __real_mmap(addr, size, prot, flags, fd, offset);
	errno = ENODEV;
	if (d->kind != HOST_PAGES || offset < 0 || offset >= d->size)
		return MAP_FAILED;
	if (!pages[d->number]) {
		pages_size = (size_t)d->size;
		pages[d->number] = __real_mmap(NULL, pages_size, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		require(pages[d->number] != MAP_FAILED);
	}
	return pages[d->number] + offset;
}

static bool is_page(uintptr_t at)
{
	for (unsigned i = 0; i < FILES; i++) {
		const uintptr_t first = (uintptr_t)pages[i];

		if (first && at >= first && at < first + pages_size)
			return true;
	}
	return false;
}

int __wrap_munmap(void *addr, size_t size)
{
	return is_page((uintptr_t)addr) ? 0 : __real_munmap(addr, size);
}

int __wrap_pipe2(int fd[2], int flags)
{
	(void)flags;
	errno = EMFILE;
	if (npipes == PIPES)
		return -1;
	fd[0] = host_descriptor(HOST_PIPE, npipes);
	fd[1] = fd[0] < 0 ? -1 : host_descriptor(HOST_PIPE, npipes);
	if (fd[1] >= 0) {
		npipes++;
		return 0;
	}
	if (fd[0] >= 0)
		host_close(fd[0]);
	errno = EMFILE;
	return -1;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	(void)level, (void)name, (void)value, (void)size;
	return find(fd) ? 0 : -1;
}

/* With its locks held the device closes by number: SYS_close is the only one. */
long __wrap_syscall(long number, int fd)
{
	require(number == SYS_close);
	return find(fd) ? host_close(fd) : __real_syscall(number, fd);
}

/* For the device to hold on to what the program has there. */
static int open_again(int fd)
{
	const struct descriptor *d = find(fd);

	return d ? new_descriptor_from(PRIVATE, d->kind, d->number) : -1;
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list more;
	int mode, fd;

	va_start(more, flags);
	mode = flags & O_CREAT ? va_arg(more, int) : 0;
	va_end(more);
	if (sscanf(path, "/proc/self/fd/%d", &fd) == 1)
		return open_again(fd);
	if (!is_hidden(path))
		return __real_open(path, flags, mode);
	errno = ENOENT;
	if (!(flags & O_APPEND))
		return -1;
	return host_descriptor(strcmp(path, HOST_FRAMES) == 0 ? HOST_FRAME_SINK : HOST_LINE_SINK,
			       0);
}

ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
	const struct iovec whole = { (void *)(uintptr_t)buf, size };

	if (host_number(fd, HOST_LINE_SINK) < 0)
		return __real_write(fd, buf, size);
	return take_lines(&whole, 1);
}

ssize_t __wrap_writev(int fd, const struct iovec *parts, int n)
{
	if (host_number(fd, HOST_FRAME_SINK) >= 0)
		return take_frame(parts, n);
	if (host_number(fd, HOST_LINE_SINK) >= 0)
		return take_lines(parts, n);
	return __real_writev(fd, parts, n);
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
	if (d->kind == HOST_EVENT)
		return host_event_read(d->number, buf, size);
	errno = EAGAIN;
	if (d->kind != HOST_PIPE)
		return -1;
	pipe = &pipes[d->number];
	if (pipe->used == 0)
		return -1;
	if (size > pipe->used)
		size = pipe->used;
	memcpy(buf, pipe->bytes, size);
	pipe->used -= size;
	memmove(pipe->bytes, pipe->bytes + size, pipe->used);
	return (ssize_t)size;
}
