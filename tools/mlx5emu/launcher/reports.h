/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_LAUNCHER_REPORTS_H
#define MLX5EMU_LAUNCHER_REPORTS_H

/*
 * What the devices of the run reported, in the file that its processes append to. Says on standard
 * error how much it was, if anything. Return: @status, the program's; EXIT_REPORTS in the place of 0.
 */
int reports_judge(const char *run_dir, int status);

#endif
