/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_FAIL_H
#define MLX5EMU_UVERBS_FAIL_H

#include "fault/plan.h"
#include "uverbs/file.h"

/* What a fault plan calls a command, in the tables of commands; 0 is left for those that no plan names. */
#define EMU_FAILS_AS(name) (EMU_FAULT_##name + 1)

/*
 * Commands that the fault plan has fail, before anything was done: 0, or -errno to answer with. A queue
 * that is made by a method of its own becomes a write command, and is asked about as that alone.
 */
int emu_command_fails(const struct emu_file *file, uint8_t fault);

#endif
