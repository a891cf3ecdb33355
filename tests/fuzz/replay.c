/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer: over each file of a folder, each cut and each flipped bit of
 * it, or of those only each EVERY-th where all are too many. Every input is in a block of its own size, so
 * that a sanitizer sees a byte too many.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define INPUT_MAX 4096

static unsigned int runs, variants, step = 1;

static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	require(copy);
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	runs++;
}

static void run_variant(const uint8_t *data, size_t size)
{
	if (variants++ % step == 0)
		run(data, size);
}

static void run_variants(uint8_t *data, size_t size)
{
	run(data, size);
	for (size_t cut = 0; cut < size; cut++)
		run_variant(data, cut);
	for (size_t bit = 0; bit < 8 * size; bit++) {
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		run_variant(data, size);
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static int run_file(const char *folder, const char *name)
{
	uint8_t data[INPUT_MAX];
	char path[4096];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	run_variants(data, size);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	int files = 0, rc = 0;
	DIR *dir;

	if (argc > 2)
		step = (unsigned)strtoul(argv[2], NULL, 10);
	if (argc < 2 || argc > 3 || !step || !(dir = opendir(argv[1]))) {
		fprintf(stderr, "usage: %s FOLDER [EVERY]\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		rc |= run_file(argv[1], entry->d_name);
		files++;
	}
	closedir(dir);
	printf("%d files, %u inputs\n", files, runs);
	return rc || files == 0;
}
