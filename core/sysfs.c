/* SPDX-License-Identifier: MIT */
/*
 * Reading small files with open() and read() alone: a preloaded device emulator answers these, and
 * cannot see what stdio does inside libc.
 */
#include "sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

ssize_t bvi_read_file(const char *path, char *text, size_t size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, text + used, size - 1 - used);
		if (n > 0)
			used += (size_t)n;
	} while ((n > 0 && used < size - 1) || (n < 0 && errno == EINTR));
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	while (used > 0 && (text[used - 1] == '\n' || text[used - 1] == ' '))
		used--;
	text[used] = '\0';
	return (ssize_t)used;
}
