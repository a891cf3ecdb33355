/* SPDX-License-Identifier: MIT */
/*
 * Small text files of the kernel.
 */
#ifndef BV_CORE_SYSFS_H
#define BV_CORE_SYSFS_H

#include <stddef.h>
#include <sys/types.h>

/* Reads a file into @text, terminated and without trailing white space; its length or -errno. */
ssize_t bvi_read_file(const char *path, char *text, size_t size);

#endif
