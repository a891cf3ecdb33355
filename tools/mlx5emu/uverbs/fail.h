/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_FAIL_H
#define MLX5EMU_UVERBS_FAIL_H

#include "uverbs/file.h"

/*
 * Commands that the fault plan has fail, before anything was done: 0, or -errno to answer with. @fault is
 * what the tables of commands have. A file without a context has nothing that could fail.
 */
int emu_command_fails(const struct emu_file *file, unsigned fault);

#endif
