/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TOOLS_MLX5EMU_STRICT_FAULTS_H
#define TESTS_TOOLS_MLX5EMU_STRICT_FAULTS_H

#include "rig.h"

/*
 * The faults that a program with its own data path can commit, each with the words that must be in
 * what the device says of it. docs/mlx5emu-strict.md shows this table.
 */

enum outcome {
	BREACH,   /* reported, and it costs the queue pair */
	NOTED,    /* reported, there is no queue pair to fail */
	PEDANTIC, /* reported at that level alone */
	ERROR,    /* no breach: an error completion, explained */
};

struct fault {
	const char *what; /* "The program ..." */
	const char *words;
	enum outcome outcome;
	enum rig_kind kind;
	void (*commit)(struct rig *rig); /* until the device has said it */
};

struct faults {
	const char *title;
	const struct fault *fault;
	unsigned n;
};

extern const struct faults faults_control, faults_segments, faults_memory, faults_doorbells,
	faults_receives, faults_completions;

#define FAULTS(table) .fault = (table), .n = sizeof(table) / sizeof(*(table))

#endif
