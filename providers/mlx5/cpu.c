/* SPDX-License-Identifier: MIT */
/*
 * Whether the CPU has the instructions of the short ways (pin_mlx5.h), which ask no more: all channels of
 * the provider come through its probe, also those of a program that has the short ways inline.
 */
#include "channel.h"

bool bvi_mlx5_cpu_suits(void)
{
#ifdef __x86_64__
	return __builtin_cpu_supports("ssse3");
#else
	return true;
#endif
}
