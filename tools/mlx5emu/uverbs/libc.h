/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_LIBC_H
#define MLX5EMU_UVERBS_LIBC_H

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

/*
 * The functions that this library interposes, as the next library in the search order (the C
 * library, or a sanitizer's runtime) defines them. Inside the library only these may be called:
 * the plain names are our own wrappers.
 */
struct emu_libc {
	int (*open)(const char *path, int flags, ...);
	int (*openat)(int dirfd, const char *path, int flags, ...);
	int (*stat)(const char *path, struct stat *st);
	int (*fstat)(int fd, struct stat *st);
	int (*access)(const char *path, int mode);
	ssize_t (*readlink)(const char *path, char *buf, size_t size);
	char *(*realpath)(const char *path, char *resolved);
	DIR *(*opendir)(const char *path);
	FILE *(*fopen)(const char *path, const char *mode);
	int (*ioctl)(int fd, unsigned long request, ...);
	int (*close)(int fd);
	int (*socket)(int domain, int type, int protocol);
	ssize_t (*write)(int fd, const void *buf, size_t size);
};

/* Never NULL, every member set; looked up at the first call. */
const struct emu_libc *emu_libc(void);

#endif
