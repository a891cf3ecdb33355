/* SPDX-License-Identifier: MIT */
/*
 * bench: opens every library, verifies what each does, and then counts or times.
 *
 *	mlx5emu run --manual -- valgrind --tool=callgrind ... bench count FILE --profile P
 *	mlx5emu run --manual -- bench steps FILE
 *	mlx5emu run --manual -- bench time FILE
 *	mlx5emu run --manual -- bench verify
 *	bench doorbell
 *
 * tools/bench.sh knows the rest of these command lines, and what to do with the files.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

extern const struct bench_library bench_empty, bench_verbs, bench_mlx5, bench_mlx5_avx512,
	bench_mlx5_doorbell, bench_mlx5_pinned, bench_post, bench_wr, bench_own, bench_ucx,
	bench_floor;

const struct bench_library *const bench_libraries[] = {
	&bench_empty,       &bench_mlx5, &bench_mlx5_avx512, &bench_mlx5_doorbell,
#ifdef BENCH_PINNED
	&bench_mlx5_pinned,
#endif
	&bench_verbs,       &bench_post, &bench_wr,          &bench_own,
#ifdef BENCH_UCX
	&bench_ucx,
#endif
	&bench_floor,       NULL,
};

static const char usage[] =
	"usage: bench {verify | count FILE | steps FILE | time FILE | doorbell} [--profile PATH]\n"
	"             [--libraries NAME,...] [--batches N]\n";

/* Every ring comes round twice; below callgrind, where all takes longer, not all of them do. */
enum { VERIFIED = 1100, VERIFIED_COUNT = 64 };

struct options {
	const char *command;
	const char *file;
	const char *libraries;
};

/* Whether @name is one of the words of @list. */
static bool listed(const char *list, const char *name)
{
	const size_t length = strlen(name);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, length) == 0 && (at[length] == ',' || !at[length]))
			return true;
	}
	return false;
}

static int parse(int argc, char **argv, struct options *o, struct bench *bench)
{
	if (argc < 2)
		return -1;
	o->command = argv[1];
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--profile") == 0 && i + 1 < argc)
			bench->profile = argv[++i];
		else if (strcmp(argv[i], "--libraries") == 0 && i + 1 < argc)
			o->libraries = argv[++i];
		else if (strcmp(argv[i], "--batches") == 0 && i + 1 < argc)
			bench->batches = (unsigned)atoi(argv[++i]);
		else if (strcmp(argv[i], "--instructions") == 0)
			bench->instructions_only = true;
		else if (argv[i][0] != '-' && !o->file)
			o->file = argv[i];
		else
			return -1;
	}
	return bench->batches >= 20 ? 0 : -1;
}

/* Those that cannot be opened are left out, with the reason. */
static void open_all(const struct options *o, struct bench *bench)
{
	for (unsigned i = 0; bench_libraries[i]; i++) {
		struct bench_entry *e = &bench->entry[bench->n];
		char why[256] = "";

		e->lib = bench_libraries[i];
		if (i > 0 && o->libraries && !listed(o->libraries, e->lib->name))
			continue;
		bench->n++;
		e->side = e->lib->open(why, sizeof(why));
		if (e->side)
			fprintf(stderr, "%-14s %s\n", e->lib->name, bench_base(e->side)->about);
		else
			fprintf(stderr, "%-14s left out: %s\n", e->lib->name, why);
	}
}

static void close_all(struct bench *bench)
{
	for (unsigned i = 0; i < bench->n; i++) {
		if (bench->entry[i].side)
			bench->entry[i].lib->close(bench->entry[i].side);
	}
}

static void no_figures(bench_rows rows)
{
	for (unsigned i = 0; i < BENCH_MAX_LIBRARIES; i++) {
		for (unsigned op = 0; op < BENCH_NROWS; op++)
			rows[i][op] = (struct bench_row){ -1, -1, -1, -1, -1, -1 };
	}
}

static int run(const struct options *o, struct bench *bench)
{
	static bench_rows rows;
	int rc = bench_device_check();

	no_figures(rows);
	if (rc == 0)
		open_all(o, bench);
	if (rc == 0 && bench_device_manual())
		rc = bench_verify(bench);
	if (rc == 0 && (strcmp(o->command, "count") == 0 || bench->steps))
		rc = bench_count(bench, rows);
	else if (rc == 0 && strcmp(o->command, "time") == 0)
		rc = bench_time(bench, rows);
	if (rc == 0 && o->file)
		rc = rows_write(bench, rows, o->file);
	if (rc < 0)
		fprintf(stderr, "bench: %s\n", bench_failed());
	close_all(bench);
	return rc;
}

int main(int argc, char **argv)
{
	struct bench bench = { .batches = 500 };
	struct options o = { 0 };

	if (parse(argc, argv, &o, &bench) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	if (strcmp(o.command, "doorbell") == 0) {
		bench_doorbell();
		return EXIT_SUCCESS;
	}
	/*
	 * Payloads go to memory, in every row. libmlx5 would have short messages put into completions, and
	 * copy them when polled; provider verbs does not let it.
	 */
	setenv("MLX5_SCATTER_TO_CQE", "0", 1);
	bench.steps = bench.instructions_only = strcmp(o.command, "steps") == 0;
	if (bench.steps)
		bench_steps_fork();
	bench.verified = strcmp(o.command, "count") == 0 ? VERIFIED_COUNT : VERIFIED;
	return run(&o, &bench) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
