/* SPDX-License-Identifier: MIT */
/* Figures in and out of files: {"schema": 1, "compiler": ..., "cpu": ..., "rows": [...]}. */
#ifndef BV_TESTS_BENCH_ROWS_H
#define BV_TESTS_BENCH_ROWS_H

#include "bench.h"

/* Without the empty library, which has been subtracted. 0, or -1 and bench_failed() tells. */
int rows_write(const struct bench *bench, bench_rows rows, const char *path);

#endif
