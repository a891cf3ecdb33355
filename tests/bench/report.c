/* SPDX-License-Identifier: MIT */
/*
 * bench_report: what is done with the files of bench.
 *
 *	join COUNT TIME		one file of both, to standard output
 *	table COST		as text
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define MAX_NAMES 32

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

static int join(json_t *count, const json_t *time)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(count, "rows"), i, row)
	{
		json_t *other = find(time, word(row, "library"), word(row, "op"));

		if (other)
			json_object_update_missing(row, other);
	}
	json_dumpf(count, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
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

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "join") == 0)
		return join(load(argv[2]), load(argv[3]));
	if (argc == 3 && strcmp(argv[1], "table") == 0)
		return table(load(argv[2]));
	fputs("usage: bench_report {join COUNT TIME | table COST}\n", stderr);
	return 2;
}
