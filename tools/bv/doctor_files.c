/* SPDX-License-Identifier: MIT */
/*
 * Looking at files of the kernel below the root; with plain open() and read(), which an emulated
 * device can answer.
 */
#include "doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __attribute__((format(printf, 3, 0))) void
make_path(const struct doctor *d, char path[PATH_MAX], const char *format, va_list args)
{
	const int n = snprintf(path, PATH_MAX, "%s", d->root);

	if (n >= 0 && n < PATH_MAX)
		vsnprintf(path + n, (size_t)(PATH_MAX - n), format, args);
}

static size_t read_bytes(const char *path, void *bytes, size_t size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 0;

	if (fd < 0)
		return 0;
	do {
		n = read(fd, (uint8_t *)bytes + used, size - used);
		if (n > 0)
			used += (size_t)n;
	} while ((n > 0 && used < size) || (n < 0 && errno == EINTR));
	close(fd);
	return used;
}

static bool read_file(const char *path, char *text, size_t size)
{
	const size_t used = read_bytes(path, text, size - 1);

	text[used] = '\0';
	return used > 0;
}

size_t doctor_bytes(const struct doctor *d, void *bytes, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, format);
	make_path(d, path, format, args);
	va_end(args);
	return read_bytes(path, bytes, size);
}

bool doctor_text(const struct doctor *d, char *text, size_t size, const char *path)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", d->root, path);
	return read_file(whole, text, size);
}

bool doctor_line(const struct doctor *d, char *text, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, format);
	make_path(d, path, format, args);
	va_end(args);
	read_file(path, text, size);
	text[strcspn(text, "\n")] = '\0';
	return text[0] != '\0';
}

long long doctor_number(const struct doctor *d, long long fallback, const char *format, ...)
{
	char path[PATH_MAX], text[64], *end;
	long long value;
	va_list args;

	va_start(args, format);
	make_path(d, path, format, args);
	va_end(args);
	if (!read_file(path, text, sizeof(text)))
		return fallback;
	value = strtoll(text, &end, 10);
	return end == text ? fallback : value;
}

bool doctor_exists(const struct doctor *d, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, format);
	make_path(d, path, format, args);
	va_end(args);
	return access(path, F_OK) == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

size_t doctor_folder(const struct doctor *d, char (*names)[DOCTOR_NAME_MAX], size_t max,
		     const char *format, ...)
{
	char path[PATH_MAX];
	struct dirent *entry;
	va_list args;
	size_t n = 0;
	DIR *dir;

	va_start(args, format);
	make_path(d, path, format, args);
	va_end(args);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	while (n < max && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= DOCTOR_NAME_MAX)
			continue;
		memcpy(names[n++], entry->d_name, strlen(entry->d_name) + 1);
	}
	closedir(dir);
	qsort(names, n, sizeof(names[0]), by_name);
	return n;
}

bool doctor_kernel(const struct doctor *d, int major, int minor)
{
	int has_major = 0, has_minor = 0;
	char release[64];

	if (!doctor_line(d, release, sizeof(release), "/proc/sys/kernel/osrelease"))
		return false;
	sscanf(release, "%d.%d", &has_major, &has_minor);
	return has_major > major || (has_major == major && has_minor >= minor);
}

bool doctor_in_cpulist(const char *list, unsigned cpu)
{
	while (*list >= '0' && *list <= '9') {
		char *end;
		const unsigned long first = strtoul(list, &end, 10);
		unsigned long last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (cpu >= first && cpu <= last)
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}
