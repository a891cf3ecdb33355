/* SPDX-License-Identifier: MIT */
#include "rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* The processor's name for itself. */
static void cpu_name(char *name, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(name, size, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		char *const colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
		break;
	}
	if (file)
		fclose(file);
}

/* To a tenth; figures that were not measured are left out. */
static void set(json_t *row, const char *name, double value)
{
	if (value > -1)
		json_object_set_new(row, name, json_real(round(value * 10) / 10));
}

static json_t *row_json(const char *library, enum bench_op op, const struct bench_row *row)
{
	json_t *json = json_pack("{s:s, s:s}", "library", library, "op", bench_op_name(op));

	set(json, "instructions", row->instructions);
	set(json, "reads", row->reads);
	set(json, "writes", row->writes);
	set(json, "lines", row->lines);
	set(json, "ns_p5", row->ns_p5);
	set(json, "ns_median", row->ns_median);
	return json;
}

int rows_write(const struct bench *bench, bench_rows rows, const char *path)
{
	json_t *list = json_array(), *root;
	char cpu[256];
	int rc;

	for (unsigned i = 1; i < bench->n; i++) {
		const struct bench_entry *e = &bench->entry[i];

		for (int op = 0; op < BENCH_NROWS; op++) {
			if (e->side && e->lib->run[op])
				json_array_append_new(list,
						      row_json(e->lib->name, (enum bench_op)op,
							       &rows[i][op]));
		}
	}
	cpu_name(cpu, sizeof(cpu));
	root = json_pack("{s:i, s:s, s:s, s:o}", "schema", 1, "compiler", COMPILER, "cpu", cpu,
			 "rows", list);
	rc = json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	json_decref(root);
	return rc == 0 ? 0 : bench_fail("cannot write %s", path);
}
