/* SPDX-License-Identifier: MIT */
/*
 * A program that bv runs and reads the lines of, standard error included. It is the first of a process
 * group, so that all that it starts can be ended with it, and it does not outlive bv.
 */
#ifndef BV_TOOLS_BV_CHILD_H
#define BV_TOOLS_BV_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int fd;
	char buffer[16384];
	size_t used, taken; /* bytes in the buffer, and of them handed out */
};

/* Return: 0, or -errno with its text. @argv ends with NULL; [0] is the path. */
int child_start(struct child *child, const char *const *argv);
/*
 * The next line, without its end, in the buffer until the next call; what is longer than the buffer comes
 * in parts. Return: 1; 0 the end; -ETIMEDOUT by @deadline (clock_ns()); -EINTR a signal came.
 */
int child_line(struct child *child, int64_t deadline, const char **line);
/*
 * Waits until the program has ended, and kills the group at @deadline or if that is past. Return: its
 * status as waitpid() has it.
 */
int child_end(struct child *child, int64_t deadline);
/* "was killed by signal 9 (Killed)", "ended with exit status 1" */
void child_status_text(int status, char *text, size_t size);

/* Where a helper program of bv lies, whether it is there or not. */
void child_helper_path(const char *name, char *path, size_t size);

#endif
