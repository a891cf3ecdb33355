/* SPDX-License-Identifier: MIT */
/*
 * bench_report: what is done with the files of bench.
 *
 *	join FILE OTHER		one file of both, to standard output
 *	table COST		as text
 *	markdown COST		the tables of docs/performance.md
 *	plot COST		"operation<TAB>library..." and figures, for gnuplot
 *	compare COMMITTED NEW	each figure of both; fails if one has grown
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define MAX_NAMES 32

enum {
	MAX_GROWTH = 2, /* instructions */
	MAX_ABOVE = 15, /* of provider verbs, above a program's own functions */
	EXIT_SKIP = 77,
};

static json_t *load(const char *path)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error);

	if (!root || json_integer_value(json_object_get(root, "schema")) != 1 ||
	    !json_is_array(json_object_get(root, "rows"))) {
		fprintf(stderr, "bench_report: %s: %s\n", path, root ? "no figures" : error.text);
		exit(2);
	}
	return root;
}

static const char *word(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static json_t *find(const json_t *root, const char *library, const char *op)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(root, "rows"), i, row)
	{
		if (strcmp(word(row, "library"), library) == 0 && strcmp(word(row, "op"), op) == 0)
			return row;
	}
	return NULL;
}

static int join(json_t *root, const json_t *other)
{
	json_t *rows = json_object_get(root, "rows"), *row;
	size_t i;

	json_array_foreach(json_object_get(other, "rows"), i, row)
	{
		json_t *same = find(root, word(row, "library"), word(row, "op"));

		if (same)
			json_object_update_missing(same, row);
		else
			json_array_append(rows, row);
	}
	json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	putchar('\n');
	return EXIT_SUCCESS;
}

/* The different values of @key, in the order of their first row. */
static size_t names(const json_t *root, const char *key, const char *list[MAX_NAMES])
{
	json_t *row;
	size_t i, j, n = 0;

	json_array_foreach(json_object_get(root, "rows"), i, row)
	{
		for (j = 0; j < n && strcmp(list[j], word(row, key)) != 0; j++)
			;
		if (j == n && n < MAX_NAMES)
			list[n++] = word(row, key);
	}
	return n;
}

static void figure(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	if (value)
		printf("%14.1f", json_number_value(value));
	else
		printf("%14s", "-");
}

static int table(const json_t *root)
{
	static const char *const figures[][2] = {
		{ "instructions", "Instructions" },
		{ "reads", "Data reads" },
		{ "writes", "Data writes" },
		{ "lines", "Cache lines" },
		{ "ns_p5", "Nanoseconds, 5th percentile" },
		{ "ns_median", "Nanoseconds, median" },
	};
	const char *library[MAX_NAMES], *op[MAX_NAMES];
	const size_t libraries = names(root, "library", library), ops = names(root, "op", op);

	printf("%s; %s; the device is emulated\n", word(root, "compiler"), word(root, "cpu"));
	for (size_t f = 0; f < sizeof(figures) / sizeof(figures[0]); f++) {
		printf("\n%-28s", figures[f][1]);
		for (size_t l = 0; l < libraries; l++)
			printf("%14s", library[l]);
		printf("\n");
		for (size_t o = 0; o < ops; o++) {
			printf("%-28s", op[o]);
			for (size_t l = 0; l < libraries; l++)
				figure(find(root, library[l], op[o]), figures[f][0]);
			printf("\n");
		}
	}
	return EXIT_SUCCESS;
}

/* What provider mlx5 is held to, by operation. */
static const struct {
	const char *op;
	const char *call, *pinned;
} limits[] = {
	{ "write_inline_8", "58", "46" },
	{ "write_sge_1", "62", "50" },
	{ "send_inline_8", "56", "44" },
	{ "write_inline_8_chain16", "36", "30" },
	{ "recv", "28", "24" },
	{ "recv_chain16", "14", "12" },
	{ "poll_send", "24", "20" },
	{ "poll_recv", "34", "30" },
	{ "poll_send_burst16", "16", "14" },
	{ "poll_recv_burst16", "16", "14" },
	{ "poll_empty", "10", "8" },
};

static void limit(const char *op)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (strcmp(limits[i].op, op) == 0) {
			printf(" %s / %s |", limits[i].call, limits[i].pinned);
			return;
		}
	}
	printf(" |");
}

/* Figures of one cell, "a / b", as whole numbers or with one place. */
static void cell(const json_t *row, const char *const keys[], int places)
{
	for (size_t i = 0; keys[i]; i++) {
		const json_t *value = json_object_get(row, keys[i]);

		if (i > 0)
			printf(" /");
		if (value)
			printf(" %.*f", places, json_number_value(value));
		else
			printf(" -");
	}
	printf(" |");
}

static void markdown_table(const json_t *root, const char *title, const char *const keys[],
			   int places, bool limited)
{
	const char *library[MAX_NAMES], *op[MAX_NAMES];
	const size_t libraries = names(root, "library", library), ops = names(root, "op", op);

	printf("\n%s\n\n| operation |", title);
	for (size_t l = 0; l < libraries; l++)
		printf(" %s |", library[l]);
	printf("%s\n|---|", limited ? " mlx5 at most |" : "");
	for (size_t l = 0; l < libraries + limited; l++)
		printf("--:|");
	printf("\n");
	for (size_t o = 0; o < ops; o++) {
		printf("| %s |", op[o]);
		for (size_t l = 0; l < libraries; l++)
			cell(find(root, library[l], op[o]), keys, places);
		if (limited)
			limit(op[o]);
		printf("\n");
	}
}

/* Of two libraries for an operation, how many instructions the first has more. */
static bool difference(const json_t *root, const char *library, const char *other, const char *op,
		       double *more)
{
	const json_t *a = json_object_get(find(root, library, op), "instructions");
	const json_t *b = json_object_get(find(root, other, op), "instructions");

	*more = json_number_value(a) - json_number_value(b);
	return a && b;
}

static void above(const json_t *root, const char *library, const char *other, const char *op)
{
	double more;

	if (difference(root, library, other, op, &more))
		printf(" %.0f |", more > -0.5 && more < 0 ? 0 : more); /* no "-0" */
	else
		printf(" - |");
}

/* What provider verbs is held to: so many instructions above the same calls made directly. */
static void above_table(const json_t *root)
{
	static const char *const direct[] = { "libmlx5-wr-own", "libmlx5-wr", "libmlx5-post" };
	const char *op[MAX_NAMES];
	const size_t ops = names(root, "op", op);

	printf("\nInstructions of `verbs` above the same works by direct calls; %d at most above the first.\n\n"
	       "| operation |",
	       MAX_ABOVE);
	for (size_t i = 0; i < 3; i++)
		printf(" %s |", direct[i]);
	printf("\n|---|--:|--:|--:|\n");
	for (size_t o = 0; o < ops; o++) {
		if (!find(root, "verbs", op[o]))
			continue;
		printf("| %s |", op[o]);
		for (size_t i = 0; i < 3; i++)
			above(root, "verbs", direct[i], op[o]);
		printf("\n");
	}
}

static int markdown(const json_t *root)
{
	static const char *const count[] = { "instructions", NULL };
	static const char *const memory[] = { "reads", "writes", "lines", NULL };
	static const char *const ns[] = { "ns_p5", "ns_median", NULL };

	printf("%s, -O2; %s; device emulated.\n", word(root, "compiler"), word(root, "cpu"));
	markdown_table(root,
		       "Instructions. In the last column: what provider `mlx5` is held to, "
		       "called and pinned.",
		       count, 0, true);
	above_table(root);
	markdown_table(root, "Data reads / data writes / cold cache lines.", memory, 0, false);
	markdown_table(root, "Nanoseconds: 5th percentile / median, back to back, caches warm.", ns,
		       1, false);
	return EXIT_SUCCESS;
}

static int plot(const json_t *root)
{
	const char *library[MAX_NAMES], *op[MAX_NAMES];
	const size_t libraries = names(root, "library", library), ops = names(root, "op", op);
	static const char *const figures[] = { "instructions", "ns_p5" };

	for (size_t f = 0; f < 2; f++) {
		printf("%s", f > 0 ? "\n\n\n" : "");
		for (size_t l = 0; l < libraries; l++)
			printf("\t%s", library[l]);
		for (size_t o = 0; o < ops; o++) {
			printf("\n%s", op[o]);
			for (size_t l = 0; l < libraries; l++)
				printf("\t%.1f",
				       json_number_value(json_object_get(
					       find(root, library[l], op[o]), figures[f])));
		}
	}
	printf("\n");
	return EXIT_SUCCESS;
}

/* Instructions of a row; of ours on libmlx5 what they are above the same works by its own calls. */
static double instructions(const json_t *root, const char *library, const char *op)
{
	const json_t *row = find(root, library, op), *direct = NULL;
	const bool above = strcmp(library, "verbs") == 0;

	if (above)
		direct = json_object_get(find(root, "libmlx5-wr", op), "instructions");
	row = json_object_get(row, "instructions");
	if (!row || (above && !direct))
		return -1e9;
	return json_number_value(row) - json_number_value(direct);
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
	if (strcmp(word(a, key), word(b, key)) == 0)
		return true;
	printf("skipped: the committed figures are of %s %s, these of %s\n", key, word(a, key),
	       word(b, key));
	return false;
}

/* Operations for which provider verbs is not within what it is held to: how many there are. */
static int too_far_above(const json_t *now)
{
	const char *op[MAX_NAMES];
	const size_t ops = names(now, "op", op);
	double more;
	int far = 0;

	for (size_t o = 0; o < ops; o++) {
		if (!difference(now, "verbs", "libmlx5-wr-own", op[o], &more) || more <= MAX_ABOVE)
			continue;
		printf("%-14s %-24s %.1f above libmlx5-wr-own, %d at most\n", "verbs", op[o], more,
		       MAX_ABOVE);
		far++;
	}
	return far;
}

/*
 * Of the libraries in @now. Instructions repeat exactly on one compiler; libmlx5's are not ours, and
 * change with its version.
 */
static int compare(const json_t *committed, const json_t *now)
{
	const char *library[MAX_NAMES], *op[MAX_NAMES];
	const size_t libraries = names(now, "library", library), ops = names(now, "op", op);
	int grown = 0;

	if (!same(committed, now, "compiler"))
		return EXIT_SKIP;
	printf("%-14s %-24s %10s %10s\n", "instructions", "", "committed", "now");
	for (size_t l = 0; l < libraries; l++) {
		for (size_t o = 0; o < ops; o++) {
			const double before = instructions(committed, library[l], op[o]);
			const double after = instructions(now, library[l], op[o]);
			const bool worse = after > before + MAX_GROWTH;

			if (strncmp(library[l], "libmlx5", 7) == 0 || after < -1e6)
				continue;
			printf("%-14s %-24s %10.1f %10.1f%s\n", library[l], op[o], before, after,
			       before < -1e6      ? "  not committed" :
			       worse              ? "  GROWN" :
			       after < before - 1 ? "  less" :
						    "");
			grown += worse;
		}
	}
	if (grown)
		printf("%d figures grew by more than %d, or are new. If that is the price of something: "
		       "tools/bench.sh --commit\n",
		       grown, MAX_GROWTH);
	return grown + too_far_above(now) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "compare") == 0)
		return compare(load(argv[2]), load(argv[3]));
	if (argc == 4 && strcmp(argv[1], "join") == 0)
		return join(load(argv[2]), load(argv[3]));
	if (argc == 3 && strcmp(argv[1], "markdown") == 0)
		return markdown(load(argv[2]));
	if (argc == 3 && strcmp(argv[1], "plot") == 0)
		return plot(load(argv[2]));
	if (argc == 3 && strcmp(argv[1], "table") == 0)
		return table(load(argv[2]));
	fputs("usage: bench_report {join FILE OTHER | table COST | compare COMMITTED NEW}\n",
	      stderr);
	return 2;
}
