/* SPDX-License-Identifier: MIT */
#ifndef MLX5EMU_LAUNCHER_STAT_H
#define MLX5EMU_LAUNCHER_STAT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "trace/stat.h"

/*
 * mlx5emu stat: the counters of runs that are in progress (trace/stat.h). It reads files of the run
 * directories and nothing else, so it needs no more right than to read them.
 */
struct stat_options {
	bool json, once;
	unsigned interval_ms;
	const char *directory; /* one run; NULL = all that are found */
};

struct stat_process {
	char run[PATH_MAX]; /* its run directory */
	struct emu_stat stat;
};

struct stat_table {
	struct stat_process **process; /* by run, then by slot */
	size_t n;
};

/* Whoever reads it after a failure (-ENOMEM, -errno of @options->directory) finds it empty. */
int stat_read(const struct stat_options *options, struct stat_table *table);
void stat_free(struct stat_table *table);

/* All queue pairs of a device, those that are gone included. */
struct emu_stat_work stat_device_sum(const struct emu_stat *stat, unsigned device);

struct stat_field {
	const char *name; /* in JSON */
	size_t offset;    /* in struct emu_stat_work */
};
enum { STAT_FIELDS = 11 };
extern const struct stat_field stat_fields[STAT_FIELDS];
unsigned long long stat_value(const struct emu_stat_work *work, unsigned field);

const char *stat_type_name(unsigned type);
const char *stat_state_name(unsigned state);

/* One line. */
void stat_print_json(FILE *out, const struct stat_table *table);

/* @before: of the last time, for rates; NULL the first time. @rows: at most so many lines, 0 = all. */
void stat_print_text(FILE *out, const struct stat_table *table, const struct stat_table *before,
		     unsigned interval_ms, unsigned rows);

void stat_options_parse(int argc, char **argv, struct stat_options *options);

/* The command; returns the exit status. */
int stat_main(int argc, char **argv);

#endif
