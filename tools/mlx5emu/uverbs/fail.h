/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_FAIL_H
#define MLX5EMU_UVERBS_FAIL_H

#include "uverbs/file.h"

/*
 * Commands that the fault plan has fail, before anything was done: 0, or -errno to answer with. A queue
 * that is made by a method of its own becomes a write command, and is asked about as that alone.
 */
int emu_fail_write(const struct emu_file *file, uint64_t command);
int emu_fail_method(const struct emu_file *file, unsigned object, unsigned method);

#endif
