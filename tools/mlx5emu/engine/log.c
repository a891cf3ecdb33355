/* SPDX-License-Identifier: MIT */
#include "log.h"
#include "../trace/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 400,
};

enum emu_log_level emu_log_limit = EMU_LOG_NONE;

static int log_fd = STDERR_FILENO;

/* A descriptor or -errno. */
static int open_path(const char *path)
{
	int fd = STDERR_FILENO;

	if (path)
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	return fd < 0 ? -errno : fd;
}

int emu_log_open(int level, const char *path)
{
	int fd;

	if (level < EMU_LOG_NONE || level > EMU_LOG_TRACE)
		return -EINVAL;
	fd = open_path(path);
	if (fd < 0)
		return fd;
	log_fd = fd;
	emu_log_limit = (enum emu_log_level)level;
	return 0;
}

void emu_log_close(void)
{
	if (log_fd != STDERR_FILENO)
		emu_raw_close(log_fd);
	log_fd = STDERR_FILENO;
	emu_log_limit = EMU_LOG_NONE;
}

static const char *const names[] = { "", "error", "warning", "info", "debug", "trace" };

static void __attribute__((format(printf, 3, 0)))
write_line(int fd, enum emu_log_level level, const char *format, va_list args)
{
	char line[LINE_MAX_BYTES];
	const int saved = errno;
	int n;

	n = snprintf(line, sizeof(line), "mlx5emu[%d] %s: ", (int)getpid(), names[level]);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	if (n > LINE_MAX_BYTES - 2)
		n = LINE_MAX_BYTES - 2;
	line[n++] = '\n';
	(void)!write(fd, line, (size_t)n); /* who would be told that it failed? */
	errno = saved;
}

void emu_log_line(enum emu_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(log_fd, level, format, args);
	va_end(args);
}

void emu_log_apart(const char *path, enum emu_log_level level, const char *format, ...)
{
	const int fd = open_path(path);
	va_list args;

	if (fd < 0)
		return;
	va_start(args, format);
	write_line(fd, level, format, args);
	va_end(args);
	if (path)
		emu_raw_close(fd);
}

void emu_log_block(enum emu_log_level level, const char *text, const char *more)
{
	char line[LINE_MAX_BYTES], end[1] = { '\n' };
	const int saved = errno;
	struct iovec parts[3];
	int n;

	if (!emu_log_on(level))
		return;
	n = snprintf(line, sizeof(line), "mlx5emu[%d] %s: %s\n", (int)getpid(), names[level], text);
	if (n > LINE_MAX_BYTES - 1)
		n = LINE_MAX_BYTES - 1;
	line[n - 1] = '\n';
	parts[0] = (struct iovec){ line, (size_t)n };
	parts[1] = (struct iovec){ (void *)(uintptr_t)more, strlen(more) };
	parts[2] = (struct iovec){ end, sizeof(end) };
	(void)!writev(log_fd, parts, *more ? 3 : 1);
	errno = saved;
}
