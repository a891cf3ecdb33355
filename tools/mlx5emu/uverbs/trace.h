/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_TRACE_H
#define MLX5EMU_UVERBS_TRACE_H

#include "uverbs/command.h"

#include "trace/sink.h"

/*
 * A line per command of the program, with the fields of its request and its answer by name. Called
 * behind `if (emu_trace_on())`, when the command is done.
 */
void emu_trace_write_command(const struct emu_cmd *cmd, uint64_t command, int rc);

/* A method that exists as an ioctl alone; @attr as its table lists them. */
void emu_trace_method(const struct emu_file *file, const struct emu_method *m,
		      const struct emu_attr *attr, int rc);

/* One that does not exist here, or not with these attributes. */
void emu_trace_no_method(struct emu_file *file, unsigned object, unsigned method, int rc);

#endif
