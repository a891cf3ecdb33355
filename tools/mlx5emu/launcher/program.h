/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_LAUNCHER_PROGRAM_H
#define MLX5EMU_LAUNCHER_PROGRAM_H

#include <limits.h>

/* Exit statuses of the launcher itself, those of env(1) and timeout(1), and one of its own. */
enum { EXIT_REPORTS = 123, EXIT_LAUNCHER = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

/*
 * Finds @name as execvp() would, and makes sure that a library can be preloaded into it. On failure
 * the reason has been printed, and the return is the exit status; 0 on success.
 */
int program_find(const char *name, char path[PATH_MAX]);

/*
 * From here on signals wait for program_run(), so that nothing ends the launcher between making the
 * run directory and removing it. -errno.
 */
int program_hold_signals(void);

/*
 * Runs @path with @argv in the environment as it is, passes signals on, waits. Return: its exit
 * status, 128 + signal, or EXIT_* (the reason printed).
 */
int program_run(const char *path, char *const argv[]);

#endif
