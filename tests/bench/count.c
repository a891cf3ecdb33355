/* SPDX-License-Identifier: MIT */
/*
 * Instructions, data reads and writes, and cache lines, by callgrind; or instructions alone, by steps.c.
 *
 * The program runs below callgrind, which collects only between the two requests around a loop. Each
 * operation runs as so many short loops, then as many long ones: the difference of the two is that of
 * the calls alone, and less that of the empty library it is theirs. The profiles are dumped on request
 * and read here.
 *
 * A call's cache lines are its misses in a simulated cache that was emptied before it, by reading more
 * than fits. The stack and what belongs to the caller (its lists, its payload) are read back in first,
 * so what is missed is the library's: its state, its rings, its registers, and the pointers that a call
 * between libraries goes through. An access across two lines is one miss.
 */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <valgrind/callgrind.h>

enum {
	LOOPS = 4,
	SHORT = 16,
	LONG = 80,
	LINE_CALLS = 16,
	LINE = 64,
	FLUSH = 256 << 10, /* several times the simulated cache */
	STACK = 8 << 10,
};

/* In the order of the names. */
struct events {
	double ir, dr, dw, d1mr, d1mw;
};

static const char *const event_name[] = { "Ir", "Dr", "Dw", "D1mr", "D1mw" };

/* The "events:" and "totals:" lines of a profile. */
static int parse(FILE *file, struct events *out)
{
	double *const to[] = { &out->ir, &out->dr, &out->dw, &out->d1mr, &out->d1mw };
	char line[512], names[512] = "", totals[512] = "";
	char *name, *value, *save_name, *save_value;

	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "events: ", 8) == 0)
			strcpy(names, line + 8);
		else if (strncmp(line, "totals: ", 8) == 0)
			strcpy(totals, line + 8);
	}
	*out = (struct events){ 0 };
	value = strtok_r(totals, " \n", &save_value);
	for (name = strtok_r(names, " \n", &save_name); name && value;
	     name = strtok_r(NULL, " \n", &save_name)) {
		for (unsigned i = 0; i < 5; i++) {
			if (strcmp(name, event_name[i]) == 0)
				*to[i] = strtod(value, NULL);
		}
		value = strtok_r(NULL, " \n", &save_value);
	}
	return totals[0] ? 0 : -1;
}

/* What was collected since the last call. */
static int take(const struct bench *bench, struct events *out)
{
	static unsigned number;
	char path[512];
	FILE *file;
	int rc;

	CALLGRIND_DUMP_STATS;
	snprintf(path, sizeof(path), "%s.%u", bench->profile, ++number);
	file = fopen(path, "r");
	if (!file)
		return bench_fail("no profile %s: run below valgrind --tool=callgrind "
				  "--callgrind-out-file=%s --collect-atstart=no --cache-sim=yes",
				  path, bench->profile);
	rc = parse(file, out);
	fclose(file);
	unlink(path);
	/* A profile without anything collected has no totals. */
	return rc < 0 ? bench_fail("%s: no totals", path) : 0;
}

static int loops(const struct bench *bench, const struct bench_entry *e, enum bench_op op,
		 unsigned n, struct events *out)
{
	*out = (struct events){ 0 };
	CALLGRIND_ZERO_STATS;
	for (unsigned i = 0; i < LOOPS; i++) {
		unsigned done;

		if (bench_prepare(e->lib, e->side, op, n) < 0)
			return -1;
		if (bench->steps)
			bench_steps_begin();
		CALLGRIND_TOGGLE_COLLECT;
		done = bench_loop(e->lib, e->side, op, n);
		CALLGRIND_TOGGLE_COLLECT;
		if (bench->steps)
			out->ir += bench_steps_end();
		if (done != n)
			return bench_fail("%s: %s: %u of %u", e->lib->name, bench_op_name(op), done,
					  n);
		if (bench_finish(e->lib, e->side, op, n) < 0)
			return -1;
	}
	return bench->steps ? 0 : take(bench, out);
}

static void touch(const void *memory, size_t size)
{
	const volatile uint8_t *p = memory;

	for (size_t i = 0; i < size; i += LINE)
		(void)p[i];
	if (size)
		(void)p[size - 1];
}

static __attribute__((noinline)) void touch_stack(void)
{
	volatile uint8_t stack[STACK];

	for (size_t i = 0; i < sizeof(stack); i += LINE)
		stack[i] = 0;
}

static void empty_cache(struct bench_side *side)
{
	static uint8_t other[FLUSH];
	const struct bench_base *base = bench_base(side);

	touch(other, sizeof(other));
	touch_stack();
	touch(base->own, base->own_size);
	if (base->memory)
		touch(base->memory, BENCH_MEMORY);
}

/* Calls one by one, each on an empty cache. */
static int cold_calls(const struct bench *bench, const struct bench_entry *e, enum bench_op op,
		      struct events *out)
{
	const unsigned unit = bench_op_unit(op);

	CALLGRIND_ZERO_STATS;
	for (unsigned i = 0; i < LINE_CALLS; i++) {
		unsigned done;

		if (bench_prepare(e->lib, e->side, op, unit) < 0)
			return -1;
		empty_cache(e->side);
		CALLGRIND_TOGGLE_COLLECT;
		done = bench_loop(e->lib, e->side, op, unit);
		CALLGRIND_TOGGLE_COLLECT;
		if (done != unit || bench_finish(e->lib, e->side, op, unit) < 0)
			return -1;
	}
	return take(bench, out);
}

static int one_op(const struct bench *bench, const struct bench_entry *e, enum bench_op op,
		  struct bench_row *row)
{
	const double calls = (double)LOOPS * (LONG - SHORT);
	struct events few, many, cold;

	if (loops(bench, e, op, SHORT, &few) < 0 || loops(bench, e, op, LONG, &many) < 0)
		return -1;
	row->instructions = (many.ir - few.ir) / calls;
	if (bench->instructions_only)
		return 0;
	if (cold_calls(bench, e, op, &cold) < 0)
		return -1;
	row->reads = (many.dr - few.dr) / calls;
	row->writes = (many.dw - few.dw) / calls;
	row->lines = (cold.d1mr + cold.d1mw) / (LINE_CALLS * bench_op_unit(op));
	return 0;
}

/* The empty library comes first; what it has is the harness's. */
int bench_count(const struct bench *bench, bench_rows rows)
{
	for (unsigned i = 0; i < bench->n; i++) {
		const struct bench_entry *e = &bench->entry[i];

		for (int op = 0; op < BENCH_NROWS; op++) {
			struct bench_row *row = &rows[i][op];

			if (!e->side || !e->lib->run[op])
				continue;
			if (one_op(bench, e, (enum bench_op)op, row) < 0)
				return -1;
			if (i == 0)
				continue;
			row->instructions -= rows[0][op].instructions;
			if (bench->instructions_only)
				continue;
			row->reads -= rows[0][op].reads;
			row->writes -= rows[0][op].writes;
			row->lines -= rows[0][op].lines;
		}
	}
	return 0;
}
