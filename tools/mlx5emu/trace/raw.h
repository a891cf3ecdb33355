/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_TRACE_RAW_H
#define MLX5EMU_TRACE_RAW_H

#include <sys/syscall.h>
#include <unistd.h>

/*
 * The C library's close() is the device library's own in a program (uverbs/interpose.c), which looks
 * whether the descriptor was a device file, under locks that a caller below it may hold.
 */
static inline void emu_raw_close(int fd)
{
	(void)syscall(SYS_close, fd);
}

#endif
