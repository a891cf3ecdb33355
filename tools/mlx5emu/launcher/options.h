/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_LAUNCHER_OPTIONS_H
#define MLX5EMU_LAUNCHER_OPTIONS_H

#include "launcher/host.h"
#include "run/config.h"

/*
 * The command line of mlx5emu. Ends the process itself for --help, --version and for errors (exit
 * status EXIT_LAUNCHER, the reason printed). @host: devices that programs are to see, too. Return: the
 * program and its arguments, NULL-terminated.
 */
char **options_parse(int argc, char **argv, struct emu_run *run, struct host *host);

#endif
