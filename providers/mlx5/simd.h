/* SPDX-License-Identifier: MIT */
/*
 * What the levels of instructions have in common. MLX5_SIMD is defined where there are any above the one
 * that the provider asks for (cpu.c): ThreadSanitizer would not see what they store.
 */
#ifndef BV_PROVIDERS_MLX5_SIMD_H
#define BV_PROVIDERS_MLX5_SIMD_H

#include "plain.h"

#if defined(__x86_64__) && !defined(BVI_TSAN)
#define MLX5_SIMD 1
#endif

#endif
