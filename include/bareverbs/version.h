/* SPDX-License-Identifier: MIT */
/*
 * The version of these headers, and that of the library behind them.
 */
#ifndef BV_BAREVERBS_VERSION_H
#define BV_BAREVERBS_VERSION_H

#include <bareverbs/common.h>

#define BV_VERSION_MAJOR 0
#define BV_VERSION_MINOR 1
#define BV_VERSION_PATCH 0
#define BV_VERSION_STRING "0.1.0"

BV_BEGIN_DECLS

/**
 * bv_version - The version of the library that is running
 *
 * Differs from BV_VERSION_STRING when the program was compiled against another version.
 *
 * Return: a constant string "major.minor.patch".
 * Owner: the library.  Threads: any.  Blocks: never.
 */
BV_API const char *bv_version(void);

BV_END_DECLS

#endif
