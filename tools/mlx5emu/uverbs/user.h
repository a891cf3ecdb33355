/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_UVERBS_USER_H
#define MLX5EMU_UVERBS_USER_H

#include <stddef.h>
#include <stdint.h>

/*
 * copy_from_user() and copy_to_user() of this "kernel": commands come from any program, so an
 * address in them may be anything. -EFAULT for what is not mapped, and the program lives on.
 */
int emu_user_read(void *dst, uint64_t src, size_t len);
int emu_user_write(uint64_t dst, const void *src, size_t len);

#endif
